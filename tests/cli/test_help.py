"""The command line is quick to say what it can do."""

import subprocess
import sys

import pytest

HEAVY = ("livekit", "scipy", "numpy")


def loaded_by(*words: str) -> set[str]:
    code = (
        "import sys\n"
        f"sys.argv = ['handoff-evals', *{list(words)!r}]\n"
        "from handoff_evals.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('MODULES', *{name.partition('.')[0] for name in sys.modules})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("MODULES")[2].split())


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["show", "--help"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    assert loaded_by(*words).isdisjoint(HEAVY)


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, handoff_evals; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()).isdisjoint({*HEAVY, "typer", "rich", "pytest"})

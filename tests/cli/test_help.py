"""`--help`, `--version`, and what is said of options that moved."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import pytest
import typer.main

from handoff_evals.cli.main import app

Command = Callable[..., Any]
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


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with what is typed for it."""
    for name, each in group.commands.items():
        typed = f"{path} {name}".strip()
        if hasattr(each, "commands"):
            yield from commands(each, typed)
        else:
            yield typed, each


COMMANDS = dict(commands(typer.main.get_command(app)))


def options(command: Any) -> list[Any]:
    return [each for each in command.params if each.param_type_name == "option"]


def examples(command: Any) -> list[str]:
    lines = [line.strip() for line in command.epilog.splitlines()]
    return [re.sub(r"\[dim\].*", "", line) for line in lines if line.startswith("handoff-evals ")]


def test_no_command_has_more_than_20_options() -> None:
    assert max(len(options(each)) for each in COMMANDS.values()) <= 20


@pytest.mark.parametrize("name", COMMANDS)
def test_each_help_fits_80_columns_and_its_examples_are_valid(name: str) -> None:
    command = COMMANDS[name]
    shown = re.sub(r"\[/?[a-z]+\]", "", command.epilog.partition("Exit codes")[0])
    _first, *rest = command.help.split("\n\n")
    lines = [*shown.splitlines(), *(line for each in rest for line in each.splitlines())]
    assert [line for line in lines if len(line) > 78] == []
    assert all(option.help.endswith((".", ")")) for option in options(command))
    found = examples(command)
    assert found
    for example in found:
        words = shlex.split(example)[1:]
        typed = next(each for each in COMMANDS if words[: len(each.split())] == each.split())
        rest = words[len(typed.split()) :]
        COMMANDS[typed].make_context(typed, list(rest))


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_each_help_says_what_exit_codes_mean(command: Command, name: str) -> None:
    done = command(*name.split(), "--help")
    assert done.code == 0
    assert "0 valid, 1 a gate failed, 2 bad input, 3 invalid, 4 can't tell" in done.out


def test_the_version_is_printed(command: Command) -> None:
    assert command("--version").out == f"handoff-evals {version('handoff-evals')}\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--resume", "mine"], "--resume is now a command: `handoff-evals resume RUN`"),
        (["--prune"], "`handoff-evals cassettes prune`"),
        (["--baseline", "b.json", "--update-baseline"], "`handoff-evals baseline RUN FILE`"),
        (["--markdown=a.md"], "`handoff-evals show RUN --markdown FILE`"),
        (["--turn-timeout", "3"], "`turn_timeout = SECONDS` under [tool.handoff-evals]"),
    ],
)
def test_an_option_that_moved_names_its_new_place(
    command: Command, words: list[str], says: str
) -> None:
    done = command("run", *words)
    assert done.code == 2
    assert says in done.err


def test_ctrl_c_ends_any_command_with_130_and_no_traceback(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("handoff_evals.scenarios.load_suite", interrupt)
    monkeypatch.setattr("handoff_evals.importer.read_recording", interrupt)
    done = command("import", "report.json")
    assert (done.code, done.err) == (130, "interrupted\n")


def test_a_reader_of_help_who_has_read_enough_hears_of_no_error() -> None:
    code = "from handoff_evals.cli.main import main; main()"
    command = [sys.executable, "-c", code, "show", "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()

    assert (said, process.returncode) == (b"", 0)

"""The Python that tests start in place of an ordinary one does as that does."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("preloaded_python")


def run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], input=stdin, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("pass", 0),
        ("import sys; sys.exit(3)", 3),
        ("raise SystemExit('it says why')", 1),
        ("1 / 0", 1),
        ("raise KeyboardInterrupt", -signal.SIGINT),
        ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL),
        ("print('lost'); import os; os.close(1)", 120),
    ],
)
def test_it_ends_with_an_interpreters_exit_code(
    monkeypatch: pytest.MonkeyPatch, code: str, expected: int
) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # what is printed is lost at the end
    assert run("-c", code).returncode == expected


def test_its_streams_arguments_folder_and_environment_are_those_it_was_started_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("A_VARIABLE", "set")
    code = "import os, sys; print(input(), sys.argv, os.getcwd(), os.environ['A_VARIABLE'])"
    done = run("-c", code, "an argument", stdin="a line\n")
    assert done.stdout == f"a line ['-c', 'an argument'] {tmp_path} set\n"


def test_it_finds_modules_in_its_folder_and_has_livekit_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "import sys; print(__name__, 'livekit.agents' in sys.modules)"
    )
    assert run("-m", "mine").stdout == "__main__ True\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_reaches_it(number: signal.Signals) -> None:
    code = "import signal; print('ready', flush=True); signal.pause()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        _, err = process.communicate()  # which waits for both streams to be closed
    assert process.returncode == -number
    assert ("KeyboardInterrupt" in err) == (number == signal.SIGINT)

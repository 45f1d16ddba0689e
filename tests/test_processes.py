"""Child processes that take and give lines of JSON."""

import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from handoff_evals import processes
from handoff_evals.errors import HandoffEvalsError
from handoff_evals.processes import ChildProcess

BEGIN = """
import os, signal, subprocess, sys
from handoff_evals.processes import ParentProcess
parent = ParentProcess()
"""
Start = Callable[[str], ChildProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a child that runs some code, and stop it in the end."""
    started = []

    def child(code: str) -> ChildProcess:
        (tmp_path / "child.py").write_text(BEGIN + code)
        started.append(ChildProcess("child", folder=tmp_path, environment={"COLOUR": "red"}))
        return started[-1]

    yield child
    for each in started:
        each.stop(within_s=0)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_values_go_both_ways_whatever_the_child_prints_or_reads(start: Start) -> None:
    child = start("""
while (value := parent.receive()) is not None:
    print("printed")
    subprocess.run(["echo", "by another process"], check=True)
    parent.send([value, sys.stdin.read(), os.environ["COLOUR"]])
""")
    for value in ({"a": "Grüße \ud83d"}, 2):
        child.send(value)
        assert child.receive() == [value, "", "red"]
    assert child.stop(within_s=60) == 0
    assert "by another process" in child.printed
    assert child.receive() is None
    assert child.stop(within_s=60) == 0


def test_a_child_that_ends_by_itself_is_told_by_its_exit_code_and_what_it_printed(
    start: Start,
) -> None:
    child = start("sys.exit('no such thing')")
    assert child.receive() is None
    child.send("too late")
    assert child.stop(within_s=60) == 1
    assert child.printed == "no such thing"


def test_what_a_child_started_is_killed_with_it(start: Start) -> None:
    child = start("""
parent.send(subprocess.Popen(["sleep", "600"]).pid)
""")
    grandchild = os.pidfd_open(child.receive())
    child.stop(within_s=60)
    assert select.select([grandchild], [], [], 60)[0], "its end can be read"
    os.close(grandchild)


def test_a_child_that_does_not_end_is_killed(start: Start) -> None:
    child = start("signal.signal(signal.SIGTERM, signal.SIG_IGN); parent.send(1); signal.pause()")
    assert child.receive() == 1
    assert child.stop(within_s=0.01) == -9
    assert not is_running(child.pid)


def test_what_is_no_line_of_json_is_an_error(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_LONGEST_LINE", 100)
    child = start("parent.send('x' * 1000); signal.pause()")
    with pytest.raises(HandoffEvalsError, match="child wrote a line of more than 100 bytes"):
        child.receive()
    child = start("parent._answers.write(b'Oh no\\n'); parent._answers.flush(); signal.pause()")
    with pytest.raises(HandoffEvalsError, match=r"child wrote b'Oh no\\n', which is not JSON"):
        child.receive()

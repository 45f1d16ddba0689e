"""A forked process that does one piece of work and answers in JSON."""

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_TAIL = 2000
_CHUNK = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a child ended."""

    answer: dict[str, Any] | None
    """What it gave; None when it gave nothing."""
    overdue: bool
    signal: int
    """The signal that ended it, or 0."""
    seconds: float
    output: str
    """The end of what it printed."""


@dataclass(kw_only=True)
class Child:
    """A child in a process group and a scratch folder of its own."""

    pid: int
    pipe: int
    """Where its answer comes from."""
    limit_s: float
    scratch: Path
    began: float = field(default_factory=time.monotonic)
    received: bytes = b""

    @classmethod
    def fork(cls, work: Callable[[], dict[str, Any]], *, limit_s: float) -> "Child":
        """Start `work` in a copy of this process."""
        scratch = Path(tempfile.mkdtemp(prefix="handoff-evals-mutant-"))
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            _work(work, write, scratch)
        os.close(write)
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)  # as the child does: whoever comes first
        return cls(pid=pid, pipe=read, limit_s=limit_s, scratch=scratch)

    @property
    def left_s(self) -> float:
        """Seconds until its time is up; never below 0."""
        return max(0.0, self.began + self.limit_s - time.monotonic())

    def receive(self) -> bool:
        """Take what has arrived of the answer.

        Returns:
            Whether the answer is whole, or will never be.
        """
        chunk = os.read(self.pipe, _CHUNK)
        self.received += chunk
        return not chunk or chunk.endswith(b"\n")

    def end(self) -> Ending:
        """Kill what is left of it, wait for it, and clean up after it."""
        overdue = not self.received and not self.left_s
        self.kill()
        _, status = os.waitpid(self.pid, 0)
        os.close(self.pipe)
        output = (self.scratch / "output").read_text(errors="replace")
        shutil.rmtree(self.scratch, ignore_errors=True)
        answered = self.received.endswith(b"\n")
        return Ending(
            answer=json.loads(self.received) if answered else None,
            overdue=overdue,
            signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) and not answered else 0,
            seconds=time.monotonic() - self.began,
            output=output[-_TAIL:],
        )

    def kill(self) -> None:
        """End it and all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


def _work(work: Callable[[], dict[str, Any]], pipe: int, scratch: Path) -> None:
    """Do the work, answer, and never return: the parent's code must not run twice."""
    try:
        os.setpgid(0, 0)
        output = os.open(scratch / "output", os.O_WRONLY | os.O_CREAT)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.environ["TMPDIR"] = tempfile.tempdir = str(scratch)
        answer = json.dumps(work()).encode() + b"\n"
        while answer:
            answer = answer[os.write(pipe, answer) :]
    except BaseException:  # noqa: BLE001 - SystemExit too: nothing may leave this function
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

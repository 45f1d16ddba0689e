"""A Python module in a process of its own, which takes and gives JSON, a line each.

`ChildProcess` is the side that starts it, `ParentProcess` what the module itself talks to. A
diff's workers, the fork server of `mutate` and the local model's server run so. The child ends
with the process that started it, however that ends, because its input is closed then.
"""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from handoff_evals.errors import HandoffEvalsError

_LONGEST_LINE = 1 << 28
_TAIL = 8000


class ChildProcess:
    """Runs `python -m MODULE`; it is in a process group of its own, so Ctrl-C does not reach it.

    Args:
        module: what is run; it has to make a `ParentProcess` before it does anything else.
        folder: where it runs; None for the current one.
        environment: variables that it has besides those of this process.
        log: the file that what it prints is appended to; None for one that is deleted.

    Raises:
        OSError: when it can't be started.
    """

    def __init__(
        self,
        module: str,
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        self._module = module
        self._last = ""
        self._stopping = threading.Lock()
        self.was_killed = False
        """Whether `stop` had to end it."""
        self._reading = threading.Lock()  # one thread may wait for its end while another one asks
        self._printed = tempfile.TemporaryFile() if log is None else log.open("a+b")  # noqa: SIM115 - `stop` closes it
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, and our own module
                [sys.executable, "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._printed,
                cwd=folder,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        except BaseException:
            self._printed.close()
            raise
        assert self._process.stdin is not None  # noqa: S101 - it was asked for as a pipe
        assert self._process.stdout is not None  # noqa: S101 - as above
        self._input, self._output = self._process.stdin, self._process.stdout

    @property
    def pid(self) -> int:
        """The number of the process, and of its group."""
        return self._process.pid

    @property
    def printed(self) -> str:
        """The end of what it printed."""
        with self._reading:
            return self._last if self._printed.closed else self._tail()

    def send(self, value: Any) -> None:
        """Send it a value. Where it has ended nothing happens: `receive` tells."""
        with suppress(BrokenPipeError):
            self._input.write(json.dumps(value).encode("ascii") + b"\n")
            self._input.flush()

    def receive(self) -> Any:
        """Wait for its next value; None when it has ended, or closed its output.

        Raises:
            HandoffEvalsError: when it writes something else than a line of JSON.
        """
        try:
            line = self._output.readline(_LONGEST_LINE)
        except ValueError:  # `stop` has closed it
            return None
        if len(line) == _LONGEST_LINE:
            raise HandoffEvalsError(f"{self._module} wrote a line of more than {len(line)} bytes")
        if not line.endswith(b"\n"):
            return None
        try:
            return json.loads(line)
        except ValueError:
            raise HandoffEvalsError(
                f"{self._module} wrote {line[:80]!r}, which is not JSON"
            ) from None

    def stop(self, *, within_s: float) -> int:
        """Close its input, wait for its end, and kill what is left of its group.

        A second call does nothing.

        Args:
            within_s: how long it may take to end by itself.

        Returns:
            Its exit code; below 0 for the signal that ended it.
        """
        with self._stopping:
            if self._process.returncode is None:
                with suppress(BrokenPipeError):
                    self._input.close()
                self.was_killed = not self._wait(within_s)
                # Before its end is taken note of, or the number could be another process's by now.
                with suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)
                self._process.wait()
                self._output.close()
                with self._reading:
                    self._last = self._tail()
                    self._printed.close()
        return self._process.returncode

    def _tail(self) -> str:
        size = self._printed.seek(0, os.SEEK_END)
        self._printed.seek(max(0, size - _TAIL))
        return self._printed.read().decode(errors="replace").strip() or "it printed nothing"

    def _wait(self, seconds: float) -> bool:
        """Wait for its end without asking again and again, as `Popen.wait` does.

        Returns:
            Whether it ended.
        """
        end = os.pidfd_open(self.pid)
        try:
            poll = select.poll()
            poll.register(end, select.POLLIN)
            return bool(poll.poll(seconds * 1000))
        finally:
            os.close(end)


class ParentProcess:
    """The process that started this one; to be made once, before anything is printed.

    What is printed afterwards goes to standard error, and reading standard input finds its end.
    """

    def __init__(self) -> None:
        self._answers = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        self._lines = os.fdopen(os.dup(0), "rb")
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)

    def fileno(self) -> int:
        """The descriptor to wait on for the next value, or for the parent's end."""
        return self._lines.fileno()

    def receive(self) -> Any:
        """Wait for the parent's next value; None when it has ended, or wants an end."""
        line = self._lines.readline()
        return json.loads(line) if line.endswith(b"\n") else None

    def send(self, value: Any) -> None:
        """Send a value.

        Raises:
            BrokenPipeError: when the parent has ended.
        """
        self._answers.write(json.dumps(value).encode("ascii") + b"\n")
        self._answers.flush()

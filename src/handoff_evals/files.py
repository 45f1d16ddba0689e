"""Files that are whole or not there, and that one process writes at a time."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from handoff_evals.credentials import masked

_POLL_S = 0.01
_MODE = 0o644


def write_atomically(path: Path, content: str | bytes) -> None:
    """Put a file in place, whole or not at all, and on the disk before returning.

    Whoever reads meanwhile gets the old content or the new, and a kill leaves one of them.

    Args:
        path: the file; its folder must be there.
        content: text is written as UTF-8; half a surrogate pair, which a model may well
            answer, as a backslash and its number. No key that the process knows of is written.

    Raises:
        OSError: when it can't be written; what was there is unchanged.
    """
    text = content if isinstance(content, str) else content.decode("utf-8", "surrogateescape")
    errors = "backslashreplace" if isinstance(content, str) else "surrogateescape"
    data = masked(text).encode("utf-8", errors)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_MODE)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def parsed_json(data: str | bytes) -> Any:
    """Parse a JSON document of anybody's.

    Raises:
        ValueError: when it is none, or is nested more deeply than Python can follow.
    """
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Keep other processes that lock the same path away from it for a while.

    The lock is a file beside it, `.NAME.lock`, and ends with the process that has it. It is
    no lock on the file itself, which may be replaced meanwhile.

    Args:
        path: what is locked; it need not be there, but its folder must.
        wait: whether to wait for a process that has the lock.

    Raises:
        TimeoutError: when another process has it and `wait` is false.
        OSError: when the folder can't be written to.
    """
    from filelock import FileLock  # noqa: PLC0415 - the command line needs none for its help

    beside = path.with_name(f".{path.name}.lock")
    lock = FileLock(beside, timeout=-1 if wait else 0, poll_interval=_POLL_S)
    lock.acquire()
    try:
        yield
    finally:
        # While it is locked, so that no other process removes a file that a third one waits
        # for: that one sees that its file has no name any more, and locks the new one.
        beside.unlink(missing_ok=True)
        lock.release()

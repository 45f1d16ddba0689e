"""The file of one scenario on one model: an exchange a line, whole lines only."""

import fcntl
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from handoff_evals.cassette.entry import Entry, entry_of
from handoff_evals.errors import CassetteError

_LONGEST = 60


class Tape:
    """A file that several processes may write to at once, and that a kill leaves valid.

    A line is appended in one write under a lock; what a killed writer left of a line is
    passed over by readers and cut off by the next writer.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self) -> list[Entry]:
        """What stands on it; nothing where there is no file.

        Raises:
            CassetteError: when a whole line can't be read.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return []
        found = []
        for number, line in enumerate(data.splitlines(keepends=True), 1):
            if not line.endswith(b"\n"):
                break
            try:
                found.append(entry_of(line))
            except ValueError as error:
                raise CassetteError(
                    f"{self.path}:{number}: not an exchange of this version: {error}; "
                    "delete the line, or record anew by `--cassettes record`"
                ) from error
        return found

    def add(self, entry: Entry) -> None:
        """Append an entry, unless another process has recorded the same meanwhile."""
        with self._locked():
            data = self.path.read_bytes() if self.path.exists() else b""
            same = [line for line in data.splitlines() if entry.key.encode() in line]
            whole = data.rfind(b"\n") + 1
            if any(entry_of(line).place == entry.place for line in same if line in data[:whole]):
                return
            with self.path.open("ab", buffering=0) as file:
                if whole < len(data):
                    os.truncate(self.path, whole)
                file.write(entry.line())
                os.fsync(file.fileno())

    def rewrite(self, change: Callable[[list[Entry]], list[Entry]]) -> None:
        """Put other entries in place of all of them, whole or not at all."""
        with self._locked():
            entries = change(self.entries())
            if not entries:
                self.path.unlink(missing_ok=True)
                return
            handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=".")
            with os.fdopen(handle, "wb") as file:
                file.writelines(entry.line() for entry in entries)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)
            Path(temporary).replace(self.path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the folder's lock: the file itself may be replaced while one waits for it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def file_name(label: str) -> str:
    """A name that a person can read and no other label gets."""
    words = re.sub(r"[^a-z0-9.]+", "-", label.casefold()).strip("-.")[:_LONGEST].strip("-.")
    if words == label:
        return words
    return f"{words or 'unnamed'}-{sha256(label.encode()).hexdigest()[:6]}"

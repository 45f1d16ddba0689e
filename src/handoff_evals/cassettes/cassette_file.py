"""A cassette's file: the exchanges of one scenario with one model, a line each."""

import os
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path

from handoff_evals.cassettes.exchange import Entry, entry_of
from handoff_evals.errors import CassetteError
from handoff_evals.files import locked, write_atomically

_LONGEST = 60
_DIGITS = 16
_DIGEST = re.compile(rf"-[0-9a-f]{{{_DIGITS}}}$")


class CassetteFile:
    """A file that several processes may write to at once, and that a kill leaves valid.

    A line is appended in one write under a lock; what a killed writer left of a line is
    passed over by readers and cut off by the next writer.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self) -> list[Entry]:
        """The exchanges in the file; none where there is no file.

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
        """Replace all entries by others, whole or not at all."""
        with self._locked():
            entries = change(self.entries())
            if not entries:
                self.path.unlink(missing_ok=True)
                return
            write_atomically(self.path, b"".join(entry.line() for entry in entries))

    def _locked(self) -> AbstractContextManager[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return locked(self.path)


def file_name(label: str) -> str:
    """A name that people can read, and that no other label gets.

    What is no file name by itself ends in a digest of the label. A label that looks like such
    a name gets one too, or two labels could share a file.
    """
    words = re.sub(r"[^a-z0-9.]+", "-", label.casefold()).strip("-.")[:_LONGEST].strip("-.")
    if words == label and not _DIGEST.search(label):
        return words
    digest = sha256(label.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return f"{words or 'unnamed'}-{digest}"

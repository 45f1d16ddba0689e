"""A cassette's file: the exchanges of one scenario with one model, a line each."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from errno import ENOSPC
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
        self._forget()

    def _forget(self) -> None:
        self._read = 0
        self._last = b""
        self._entries: list[Entry] = []
        self._by_trial: dict[int, list[Entry]] = {}

    def entries(self) -> Sequence[Entry]:
        """The exchanges in the file; none where there is no file.

        Only what was added since the last time is read.

        Raises:
            CassetteError: when a whole line can't be read.
        """
        for line in self._new_lines():
            try:
                entry = entry_of(line)
            except ValueError as error:
                raise CassetteError(
                    f"{self.path}:{len(self._entries) + 1}: not an exchange of this version: "
                    f"{error}; delete the line, or record anew by `--cassettes record`"
                ) from error
            self._read += len(line)
            self._last = line
            self._entries.append(entry)
            self._by_trial.setdefault(entry.trial, []).append(entry)
        return self._entries

    def of_trial(self, trial: int) -> Sequence[Entry]:
        """Those of one trial; see `entries`."""
        self.entries()
        return self._by_trial.get(trial, ())

    def _new_lines(self) -> Iterator[bytes]:
        """The whole lines after what is read; all of them where the file is another one."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._read - len(self._last))
                if file.read(len(self._last)) != self._last:
                    self._forget()
                    file.seek(0)
                data = file.read()
        except FileNotFoundError:
            self._forget()
            return
        except OSError as error:
            raise CassetteError(
                f"the cassette {str(self.path)!r} can't be read: {error}"
            ) from error
        yield from (line for line in data.splitlines(keepends=True) if line.endswith(b"\n"))

    def add(self, entry: Entry) -> None:
        """Append an entry, unless another process has recorded the same meanwhile."""
        with self._writable(), self._locked():
            if all(each.place != entry.place for each in self.of_trial(entry.trial)):
                self._append([entry])

    def replace_trial(self, trial: int, entries: Sequence[Entry]) -> None:
        """Put the exchanges of a trial in the place of those that the file has of it."""
        with self._writable(), self._locked():
            if not self.of_trial(trial):
                self._append(entries)
                return
        self.rewrite(lambda old: [*(each for each in old if each.trial != trial), *entries])

    def _append(self, entries: Sequence[Entry]) -> None:
        with self.path.open("ab", buffering=0) as file:
            if file.tell() > self._read:
                os.truncate(self.path, self._read)
            data = b"".join(entry.line() for entry in entries)
            if file.write(data) != len(data):  # the disk is full: no half line stays
                os.truncate(self.path, self._read)
                raise OSError(ENOSPC, os.strerror(ENOSPC), str(self.path))
            os.fsync(file.fileno())

    def rewrite(self, change: Callable[[Sequence[Entry]], Sequence[Entry]]) -> None:
        """Replace all entries by others, whole or not at all."""
        with self._locked():
            entries = change(self.entries())
            self._forget()
            if not entries:
                self.path.unlink(missing_ok=True)
                return
            write_atomically(self.path, b"".join(entry.line() for entry in entries))

    @contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CassetteError(
                f"the cassette {str(self.path)!r} can't be written: {error}. Make room, or run "
                "without --cassettes"
            ) from error

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

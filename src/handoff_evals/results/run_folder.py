"""A run on disk: a manifest, a trial a line, and the summary.

```
RUN/manifest.json   written once, at the start
RUN/trials.jsonl    one line is appended for each trial that is finished
RUN/summary.json    written at the end, and drawn anew from the trials whenever asked
```
"""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from errno import ENOSPC
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from handoff_evals.errors import RunFolderError
from handoff_evals.results.manifest import SCHEMA, Manifest
from handoff_evals.results.trial import Trial

_MANIFEST = TypeAdapter(Manifest)
_TRIAL = TypeAdapter(Trial)
_DECODER = json.JSONDecoder()


class RunFolder:
    """One run. A trial that has been appended stays, whatever happens next."""

    def __init__(self, path: Path) -> None:
        """Stand for the folder; `create` and `open` are the ways to get one."""
        self.path = path

    @classmethod
    def create(cls, parent: Path, manifest: Manifest, *, name: str | None = None) -> "RunFolder":
        """Make the folder (named by the time, if not by `name`) and write the manifest.

        Raises:
            RunFolderError: when there is a run already, or it can't be written.
        """
        try:
            path = _fresh(parent) if name is None else parent / name
            if (path / "manifest.json").exists():
                raise RunFolderError(f"{str(path)!r} holds a run already: choose another --out")
            path.mkdir(parents=True, exist_ok=True)
            (path / "trials.jsonl").touch()
            # Last: what has a manifest is a whole run folder.
            _replace(path / "manifest.json", _written(_MANIFEST, manifest, indent=2))
        except OSError as error:
            raise RunFolderError(f"a run can't be written to {str(parent)!r}: {error}") from error
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Take an existing run.

        Raises:
            RunFolderError: when it is none.
        """
        for name in ("manifest.json", "trials.jsonl"):
            if not (path / name).is_file():
                raise RunFolderError(f"{str(path)!r} is no run folder: it has no {name}")
        return cls(path)

    @property
    def manifest(self) -> Manifest:
        """What the run was.

        Raises:
            RunFolderError: when it is of another schema.
        """
        path = self.path / "manifest.json"
        try:
            data = json.loads(path.read_bytes())
            # First: another version's manifest has other fields, and this is why.
            schema = data.get("schema") if isinstance(data, dict) else None
            if schema != SCHEMA:
                raise RunFolderError(f"{path}: has schema {schema!r}; this version reads {SCHEMA}")
            return _MANIFEST.validate_python(data)
        except ValueError as error:
            raise RunFolderError(f"{path}: not a manifest of this version: {error}") from error

    def repair(self) -> None:
        """Cut off a last line that was being written when an earlier process was killed."""
        path = self.path / "trials.jsonl"
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.truncate(path, whole)

    def append(self, trial: Trial) -> None:
        """Add one finished trial, in one write, and have it on disk before returning."""
        line = _written(_TRIAL, trial)
        with (self.path / "trials.jsonl").open("ab", buffering=0) as file:
            written = file.write(line)
            if written != len(line):  # the disk is full: half a line would spoil the next one
                os.truncate(file.fileno(), file.tell() - written)
                raise OSError(ENOSPC, os.strerror(ENOSPC), str(self.path / "trials.jsonl"))
            os.fsync(file.fileno())

    def trials(self) -> Iterator[Trial]:
        """The finished trials in the order in which they ended, one at a time.

        A last line without its end was being written when the run was killed: it
        is no finished trial and is passed over. Of a trial that had no answer and was
        run again by `resume`, the last counts.

        Raises:
            RunFolderError: when a whole line can't be read.
        """
        last = self._last_lines()
        with (self.path / "trials.jsonl").open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    return
                if last.get(_key(line), number) != number:
                    continue
                try:
                    yield _TRIAL.validate_python(json.loads(line))
                except ValueError as error:
                    where = f"{self.path / 'trials.jsonl'}:{number}"
                    raise RunFolderError(
                        f"{where}: not a trial of this version: {error}"
                    ) from error

    def _last_lines(self) -> dict[str, int]:
        with (self.path / "trials.jsonl").open("rb") as file:
            return {_key(line): number for number, line in enumerate(file, 1) if line[-1:] == b"\n"}

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep it for this process while a run adds to it.

        Raises:
            RunFolderError: when another process does so.
        """
        with (self.path / "trials.jsonl").open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunFolderError(
                    f"{str(self.path)!r} is being added to by another process: wait for it to end"
                ) from None
            yield

    def write_summary(self, summary: Any) -> None:
        """Write `summary.json`, whole or not at all."""
        data = _written(TypeAdapter(type(summary)), summary, indent=2)
        _replace(self.path / "summary.json", data)


def _key(line: bytes) -> str:
    """Which trial a line is of: its first field, by itself, since the rest may be long."""
    text = line.decode("utf-8", "replace")
    try:
        key, _ = _DECODER.raw_decode(text, text.index("{", 1))
    except ValueError:
        return text  # no trial; who reads it whole says so
    return json.dumps(key, sort_keys=True)


def _fresh(parent: Path) -> Path:
    """A new folder, named by the time, that no other run can get."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    for number in count(1):
        path = parent / (stamp if number == 1 else f"{stamp}-{number}")
        with suppress(FileExistsError):
            path.mkdir(parents=True)
            break
    return path


def _written(adapter: TypeAdapter[Any], value: Any, *, indent: int | None = None) -> bytes:
    """One line, or one document, of JSON.

    By way of `json`: pydantic's own writer gives up at half a surrogate pair, which a
    model may well answer, or puts another sign in its place where it is in a key. As a
    backslash and its number it is what JSON has for it.
    """
    plain = adapter.dump_python(value)
    text = json.dumps(plain, indent=indent, ensure_ascii=False, default=to_jsonable_python)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _replace(path: Path, data: bytes) -> None:
    file, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(file, "wb") as opened:
        opened.write(data)
        opened.flush()
        os.fsync(opened.fileno())
    Path(temporary).chmod(0o644)
    Path(temporary).replace(path)

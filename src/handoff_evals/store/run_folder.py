"""A run on disk: a manifest, a trial a line, and the summary.

```
RUN/manifest.json   written once, at the start
RUN/trials.jsonl    one line is appended for each trial that is finished
RUN/summary.json    written at the end, and drawn anew from the trials whenever asked
```
"""

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from handoff_evals.errors import RunFolderError
from handoff_evals.store.manifest import SCHEMA, Manifest
from handoff_evals.trial import Trial

_MANIFEST = TypeAdapter(Manifest)
_TRIAL = TypeAdapter(Trial)


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
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        path = parent / (name or stamp)
        number = 2
        while name is None and path.exists():
            path = parent / f"{stamp}-{number}"
            number += 1
        if (path / "manifest.json").exists():
            raise RunFolderError(f"{str(path)!r} holds a run already: choose another --out")
        try:
            path.mkdir(parents=True, exist_ok=True)
            _replace(path / "manifest.json", _MANIFEST.dump_json(manifest, indent=2) + b"\n")
            (path / "trials.jsonl").touch()
        except OSError as error:
            raise RunFolderError(f"{str(path)!r} can't be written: {error}") from error
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Take an existing run.

        Raises:
            RunFolderError: when it is none.
        """
        if not (path / "manifest.json").is_file():
            raise RunFolderError(f"{str(path)!r} is no run folder: it has no manifest.json")
        return cls(path)

    @property
    def manifest(self) -> Manifest:
        """What the run was.

        Raises:
            RunFolderError: when it is of another schema.
        """
        data = (self.path / "manifest.json").read_bytes()
        try:
            manifest = _MANIFEST.validate_json(data)
        except ValidationError as error:
            raise RunFolderError(f"{self.path / 'manifest.json'}: {error}") from error
        if manifest.schema != SCHEMA:
            raise RunFolderError(
                f"{str(self.path)!r} has schema {manifest.schema!r}; this version reads {SCHEMA}"
            )
        return manifest

    def repair(self) -> None:
        """Cut off a last line that was being written when an earlier process was killed."""
        path = self.path / "trials.jsonl"
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.truncate(path, whole)

    def append(self, trial: Trial) -> None:
        """Add one finished trial, in one write, and have it on disk before returning."""
        line = _TRIAL.dump_json(trial) + b"\n"
        file = os.open(self.path / "trials.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, line)
            os.fsync(file)
        finally:
            os.close(file)

    def trials(self) -> Iterator[Trial]:
        """The finished trials in the order in which they ended, one at a time.

        A last line without its end was being written when the run was killed: it
        is no finished trial and is passed over.

        Raises:
            RunFolderError: when a whole line can't be read.
        """
        with (self.path / "trials.jsonl").open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    return
                try:
                    yield _TRIAL.validate_json(line)
                except ValidationError as error:
                    where = f"{self.path / 'trials.jsonl'}:{number}"
                    raise RunFolderError(
                        f"{where}: not a trial of this version: {error}"
                    ) from error

    def write_summary(self, summary: Any) -> None:
        """Write `summary.json`, whole or not at all."""
        data = TypeAdapter(type(summary)).dump_json(summary, indent=2)
        _replace(self.path / "summary.json", data + b"\n")


def _replace(path: Path, data: bytes) -> None:
    file, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(file, "wb") as opened:
        opened.write(data)
        opened.flush()
        os.fsync(opened.fileno())
    Path(temporary).chmod(0o644)
    Path(temporary).replace(path)

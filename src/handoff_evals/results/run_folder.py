"""A run on disk: a manifest, a trial a line, and the summary.

```
RUN/manifest.json   written at the start
RUN/trials.jsonl    one line is appended for each trial that is finished
RUN/judgments.jsonl what judges say of a trial, a line each; only where judges are asked
RUN/summary.json    written at the end, and drawn anew from the trials whenever asked
```
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from errno import ENOSPC
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from handoff_evals.checks import Score
from handoff_evals.credentials import masked
from handoff_evals.errors import RunFolderError
from handoff_evals.files import locked, parsed_json, write_atomically
from handoff_evals.results.manifest import (
    SCHEMA,
    Manifest,
)
from handoff_evals.results.trial import Trial, TrialKey

_MANIFEST = TypeAdapter(Manifest)
_TRIAL = TypeAdapter(Trial)


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """A line of `judgments.jsonl`."""

    key: TrialKey
    started_at: str
    """Of the trial: of one that was run again, they are about another conversation."""
    scores: tuple[Score, ...]


_JUDGED = TypeAdapter(_Judged)
_DECODER = json.JSONDecoder()


def trial_line(trial: Trial) -> bytes:
    """A trial as one line of JSON, with its end."""
    return _written(_TRIAL, trial)


def trial_of_line(line: bytes) -> Trial:
    """Read the trial of a line; a ValueError where it is none of this version."""
    return _TRIAL.validate_python(parsed_json(line))


class RunFolder:
    """One run. A trial that has been appended stays, whatever happens next."""

    def __init__(self, path: Path) -> None:
        """Use `create` or `open`, which see that there is a run."""
        self.path = path
        self._here = path.absolute()  # an agent may change the current folder

    @classmethod
    def create(cls, parent: Path, manifest: Manifest, *, name: str | None = None) -> "RunFolder":
        """Make the folder (named by the time, if not by `name`) and write the manifest.

        Raises:
            RunFolderError: when there is a run already, or it can't be written.
        """
        try:
            path = _fresh(parent) if name is None else parent / name
            if (path / "manifest.json").exists():
                raise RunFolderError(f"{str(path)!r} has a run already: choose another --out")
            path.mkdir(parents=True, exist_ok=True)
            (path / "trials.jsonl").touch()
            # Last: what has a manifest is a whole run folder.
            write_atomically(path / "manifest.json", _written(_MANIFEST, manifest, indent=2))
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

    @staticmethod
    def json_schemas() -> Mapping[str, Mapping[str, Any]]:
        """The JSON Schemas of `manifest.json` and of a line of `trials.jsonl`, by these names."""
        return {"manifest": _MANIFEST.json_schema(), "trial": _TRIAL.json_schema()}

    @property
    def manifest(self) -> Manifest:
        """What the run was.

        Raises:
            RunFolderError: when it is of another schema.
        """
        path = self.path / "manifest.json"
        try:
            data = parsed_json((self._here / "manifest.json").read_bytes())
            # First: another version's manifest has other fields, and this is why.
            schema = data.get("schema") if isinstance(data, dict) else None
            if schema != SCHEMA:
                raise RunFolderError(f"{path}: has schema {schema!r}; this version reads {SCHEMA}")
            return _MANIFEST.validate_python(data)
        except ValueError as error:
            raise RunFolderError(f"{path}: not a manifest of this version: {error}") from error

    def note_agents(self, versions: Mapping[str, Mapping[str, str]]) -> None:
        """Write into the manifest which version of its agents each suite has, by its name."""
        old = self.manifest
        suites = tuple(
            replace(suite, agent_version=versions.get(suite.name, {})) for suite in old.suites
        )
        manifest = replace(old, suites=suites)
        write_atomically(self._here / "manifest.json", _written(_MANIFEST, manifest, indent=2))

    def repair(self) -> None:
        """Cut off a last line that was being written when an earlier process was killed."""
        for path in (self._here / "trials.jsonl", self._here / "judgments.jsonl"):
            data = path.read_bytes() if path.exists() else b""
            whole = data.rfind(b"\n") + 1
            if whole < len(data):
                os.truncate(path, whole)

    def append(self, trial: Trial) -> None:
        """Add one finished trial, in one write, and have it on disk before returning."""
        self._append("trials.jsonl", trial_line(trial))

    def append_scores(self, trial: Trial, scores: tuple[Score, ...]) -> None:
        """Add what judges say of a finished trial; `trials` gives it with them from now on."""
        judged = _Judged(key=trial.key, started_at=trial.started_at, scores=scores)
        self._append("judgments.jsonl", _written(_JUDGED, judged))

    def _append(self, name: str, line: bytes) -> None:
        with (self._here / name).open("ab", buffering=0) as file:
            written = file.write(line)
            if written != len(line):  # the disk is full: half a line would spoil the next one
                os.truncate(file.fileno(), file.tell() - written)
                raise OSError(ENOSPC, os.strerror(ENOSPC), str(self.path / name))
            os.fsync(file.fileno())

    def trials(self, *, judged: bool = True) -> Iterator[Trial]:
        """The finished trials in the order in which they ended, one at a time.

        A last line without its end was being written when the run was killed: it
        is no finished trial and is passed over. Of a trial that had no answer and was
        run again by `resume`, the last counts.

        Raises:
            RunFolderError: when a whole line can't be read.
        """
        last, said = self._last_lines(), self._judged() if judged else {}
        with (self._here / "trials.jsonl").open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    return
                if last.get(_key(line), number) != number:
                    continue
                try:
                    trial = trial_of_line(line)
                except ValueError as error:
                    where = f"{self.path / 'trials.jsonl'}:{number}"
                    raise RunFolderError(
                        f"{where}: not a trial of this version: {error}"
                    ) from error
                scores = said.get((trial.key, trial.started_at), ())
                yield replace(trial, scores=(*trial.scores, *scores)) if scores else trial

    def _judged(self) -> dict[tuple[TrialKey, str], tuple[Score, ...]]:
        """What judges say, by trial; what they said last counts."""
        path = self._here / "judgments.jsonl"
        found: dict[tuple[TrialKey, str], tuple[Score, ...]] = {}
        for number, line in enumerate(path.read_bytes().split(b"\n")[:-1] if path.exists() else ()):
            try:
                judged = _JUDGED.validate_python(parsed_json(line))
            except ValueError as error:
                where = f"{path}:{number + 1}"
                raise RunFolderError(f"{where}: not a judgment of this version: {error}") from error
            found[judged.key, judged.started_at] = judged.scores
        return found

    def _last_lines(self) -> dict[str, int]:
        with (self._here / "trials.jsonl").open("rb") as file:
            return {_key(line): number for number, line in enumerate(file, 1) if line[-1:] == b"\n"}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let no other process add to the run meanwhile.

        Raises:
            RunFolderError: when another process does so already.
        """
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(self._here / "trials.jsonl", wait=False))
            except TimeoutError:
                raise RunFolderError(
                    f"another process is adding to {str(self.path)!r}: wait for it to end"
                ) from None
            yield

    def write_summary(self, summary: Any) -> None:
        """Write `summary.json`, whole or not at all."""
        data = _written(TypeAdapter(type(summary)), summary, indent=2)
        write_atomically(self._here / "summary.json", data)


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
    return masked(text).encode("utf-8", "backslashreplace") + b"\n"

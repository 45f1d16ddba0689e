"""The exchanges of a suite: a folder a model, in it a file a scenario, an exchange a line."""

import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from handoff_evals.cassettes.exchange import Answer, Entry, ModelIdentity, RecordedRequest, entry_of
from handoff_evals.cassettes.miss import miss
from handoff_evals.config import read_config
from handoff_evals.errors import CassetteError, CassetteMissError, UsageError
from handoff_evals.files import locked, write_atomically
from handoff_evals.user_code import import_reference


class Mode(StrEnum):
    """How requests to a model are answered."""

    OFF = "off"
    """By the model; nothing is kept."""
    AUTO = "auto"
    """From the cassette where it is there; by the model where not, and that is kept."""
    REPLAY = "replay"
    """From the cassette. What is not there is an error, and no model is needed."""
    RECORD = "record"
    """By the model; a trial's exchanges take the place of those that were kept of it."""


_LONGEST = 60


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
    """A name that people can read, and that no other label gets."""
    words = re.sub(r"[^a-z0-9.]+", "-", label.casefold()).strip("-.")[:_LONGEST].strip("-.")
    if words == label:
        return words
    return f"{words or 'unnamed'}-{sha256(label.encode()).hexdigest()[:6]}"


@dataclass(frozen=True, kw_only=True)
class Slot:
    """Where an answer will be kept."""

    key: str
    occurrence: int
    request: RecordedRequest


@dataclass(kw_only=True)
class TrialExchanges:
    """Answers the requests of one trial from cassette files, and keeps what is new.

    Two trials never share one. A trial that is run again gets a new one.
    """

    scenario: str
    trial: int
    seed: int
    model: ModelIdentity
    mode: Mode
    files: Sequence[CassetteFile]
    """The first is written to, all are read."""
    redact: Callable[[str], str] | None = None
    done: Callable[["TrialExchanges"], None] = lambda _exchanges: None
    replayed: int = 0
    asked: int = 0
    _found: dict[tuple[str, int], Entry] = field(init=False)
    _times: Counter[str] = field(default_factory=Counter)
    _used: set[tuple[str, int]] = field(default_factory=set)
    _new: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Read the cassette files."""
        recording = self.mode is Mode.RECORD
        files = () if recording else reversed(self.files)  # of two answers, the first file's
        self._found = {entry.place: entry for file in files for entry in file.entries()}

    def find(self, request: RecordedRequest) -> Answer | Slot:
        """The recorded answer, or where the model's will be kept.

        Raises:
            CassetteMissError: when only a cassette may answer and it has nothing.
        """
        request = request.canonical()
        if self.redact is not None:
            request = request.redacted(self.redact)
        key = request.key(trial=self.trial, seed=self.seed)
        occurrence = self._times[key]
        self._times[key] += 1
        entry = self._found.get((key, occurrence))
        if entry is not None:
            self._used.add(entry.place)
            self.replayed += 1
            return entry.answer
        if self.mode is Mode.REPLAY:
            where = str(self.files[0].path.parent)
            raise CassetteMissError(
                miss(request, list(self._found.values()), trial=self.trial, where=where)
            )
        self.asked += 1
        return Slot(key=key, occurrence=occurrence, request=request)

    def keep(self, slot: Slot, answer: Answer) -> None:
        """Keep what the model answered."""
        entry = Entry(
            key=slot.key,
            trial=self.trial,
            seed=self.seed,
            occurrence=slot.occurrence,
            request=slot.request,
            answer=answer if self.redact is None else answer.redacted(self.redact),
        )
        self._used.add(entry.place)
        if self.mode is Mode.RECORD:
            self._new.append(entry)
        else:
            self.files[0].add(entry)

    def close(self, *, whole: bool) -> None:
        """End the trial.

        Args:
            whole: whether the conversation came to its end. One that was cut off says
                nothing about what is unused, and takes nothing's place.
        """
        if not whole:
            return
        if self.mode is Mode.RECORD:
            self.files[0].rewrite(
                lambda old: [*(each for each in old if each.trial != self.trial), *self._new]
            )
        self.done(self)

    @property
    def unused(self) -> tuple[Entry, ...]:
        """Exchanges of this trial, in the file that is written to, that nothing asked for."""
        return tuple(
            entry
            for entry in self.files[0].entries()
            if entry.trial == self.trial and entry.place not in self._used
        )


@dataclass(frozen=True, kw_only=True)
class Unused:
    """Exchanges of one trial that nothing asks for any more."""

    scenario: str
    trial: int
    places: frozenset[tuple[str, int]]
    file: CassetteFile


@dataclass(kw_only=True)
class Cassette:
    """What one model answered to the agents of one suite.

    ```
    FOLDER/SUITE/MODEL/SCENARIO.jsonl
    ```
    """

    suite: str
    model: ModelIdentity
    mode: Mode
    folders: Sequence[Path]
    """The first is written to, all are read."""
    redact: Callable[[str], str] | None = None
    """What every text goes through before it is written or looked up."""
    unused: list[Unused] = field(default_factory=list)
    """Of the trials that were run."""
    replayed: int = 0
    asked: int = 0

    def trial(self, scenario: str, *, trial: int, seed: int) -> TrialExchanges:
        """Begin a trial.

        Args:
            scenario: its id, or its label where it has none.
            trial: its number, from 0.
            seed: its seed.
        """
        place = Path(file_name(self.suite), file_name(self.model.label))
        name = f"{file_name(scenario)}.jsonl"
        return TrialExchanges(
            scenario=scenario,
            trial=trial,
            seed=seed,
            model=self.model,
            mode=self.mode,
            files=[CassetteFile(folder / place / name) for folder in self.folders],
            redact=self.redact,
            done=self._count,
        )

    def prune(self) -> int:
        """Remove what no trial asked for.

        Returns:
            How many exchanges were removed.
        """
        for unused in self.unused:
            unused.file.rewrite(
                lambda entries, gone=unused.places: [  # type: ignore[misc]  # bound per round
                    each for each in entries if each.place not in gone
                ]
            )
        return sum(len(unused.places) for unused in self.unused)

    def _count(self, exchanges: TrialExchanges) -> None:
        self.replayed += exchanges.replayed
        self.asked += exchanges.asked
        left = exchanges.unused
        if left:
            places = frozenset(entry.place for entry in left)
            self.unused.append(
                Unused(
                    scenario=exchanges.scenario,
                    trial=exchanges.trial,
                    places=places,
                    file=exchanges.files[0],
                )
            )


def cassette_of(
    suite: str,
    model: ModelIdentity | None,
    *,
    mode: Mode,
    folders: Sequence[Path],
    project: Path,
) -> Cassette | None:
    """The cassette of a suite on a model; None where nothing is kept of it.

    Args:
        suite: the suite's name.
        model: which model; None for a reference model.
        mode: whether it answers, records, or both.
        folders: where cassettes are, relative to the project; the first is written to.
        project: where `pyproject.toml` is, which may name a `redact` function.

    Raises:
        UsageError: when that function can't be imported.
    """
    if mode is Mode.OFF or model is None:
        return None
    return Cassette(
        suite=suite,
        model=model,
        mode=mode,
        folders=[project / folder for folder in folders],
        redact=_redact(project),
    )


def _redact(project: Path) -> Callable[[str], str] | None:
    named = read_config(project).redact
    if named is None:
        return None
    what = "[tool.handoff-evals] redact ="
    redact: Callable[[str], str] = import_reference(named, folder=project, what=what)
    try:
        given = redact("a word")
    except Exception as error:
        raise UsageError(
            f"{what} {named!r} fails on 'a word': {type(error).__name__}: {error}; "
            "it must take a str and return one"
        ) from error
    if not isinstance(given, str):
        raise UsageError(
            f"{what} {named!r} returns {given!r} for 'a word'; it must take a str and return one"
        )
    return redact

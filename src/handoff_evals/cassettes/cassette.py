"""The exchanges of a suite: a folder a model, in it a file a scenario, an exchange a line."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from handoff_evals.cassettes.cassette_file import CassetteFile, file_name
from handoff_evals.cassettes.exchange import Answer, Entry, ModelIdentity, RecordedRequest
from handoff_evals.cassettes.masks import Mask, Masked, mask_of
from handoff_evals.cassettes.miss import miss
from handoff_evals.config import redact_of
from handoff_evals.credentials import masked as without_keys
from handoff_evals.errors import CassetteMissError


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


@dataclass(frozen=True, kw_only=True)
class Slot:
    """Where an answer will be kept."""

    key: str
    occurrence: int
    masked: Masked


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A recorded exchange, with its request as it is compared today."""

    entry: Entry
    masked: Masked


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
    mask: Mask | None = None
    done: Callable[["TrialExchanges"], None] = lambda _exchanges: None
    replayed: int = 0
    asked: int = 0
    _found: dict[tuple[str, int], Recorded] = field(init=False)
    _times: Counter[str] = field(default_factory=Counter)
    _used: set[tuple[str, int]] = field(default_factory=set)
    _new: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Read the cassette files, and find what they have of this trial by its key of today.

        Not by the one in the file: the masks, or what counts as the same, may have changed
        since. The same asked twice has its answers in the order in which they were asked.
        """
        files = () if self.mode is Mode.RECORD else self.files
        self._found = {}
        for file in files:
            times: Counter[str] = Counter()
            for entry in sorted(file.of_trial(self.trial), key=lambda each: each.occurrence):
                kept = Recorded(entry=entry, masked=self._masked(entry.request))
                key = kept.masked.request.key(trial=entry.trial, seed=entry.seed)
                # Of two answers, the first file's.
                self._found.setdefault((key, times[key]), kept)
                times[key] += 1

    def _redact(self, text: str) -> str:
        return without_keys(text if self.redact is None else self.redact(text))

    def _masked(self, request: RecordedRequest) -> Masked:
        request = request.canonical()
        if self.mask is None:
            return Masked(request=request)
        masked = self.mask.apply(request)
        return replace(masked, request=masked.request.in_order())

    def find(self, request: RecordedRequest) -> Answer | Slot:
        """The recorded answer, or where the model's will be kept.

        Raises:
            CassetteMissError: when only a cassette may answer and it has nothing.
        """
        masked = self._masked(request.redacted(self._redact))
        key = masked.request.key(trial=self.trial, seed=self.seed)
        occurrence = self._times[key]
        self._times[key] += 1
        kept = self._found.get((key, occurrence))
        if kept is not None:
            self._used.add(kept.entry.place)
            self.replayed += 1
            return masked.shown(kept.masked.hidden(kept.entry.answer))
        if self.mode is Mode.REPLAY:
            where = str(self.files[0].path.parent)
            recorded = [entry for file in self.files for entry in file.entries()]
            raise CassetteMissError(miss(masked.request, recorded, trial=self.trial, where=where))
        self.asked += 1
        return Slot(key=key, occurrence=occurrence, masked=masked)

    def keep(self, slot: Slot, answer: Answer) -> None:
        """Keep what the model answered."""
        if self.redact is not None or without_keys(answer.words) != answer.words:
            answer = answer.redacted(self._redact)
        entry = Entry(
            key=slot.key,
            trial=self.trial,
            seed=self.seed,
            occurrence=slot.occurrence,
            request=slot.masked.request,
            answer=slot.masked.hidden(answer),
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
            self.files[0].replace_trial(self.trial, self._new)
        self.done(self)

    @property
    def unused(self) -> tuple[Entry, ...]:
        """Exchanges of this trial, in the file that is written to, that nothing asked for."""
        return tuple(
            entry for entry in self.files[0].of_trial(self.trial) if entry.place not in self._used
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
    mask: Mask | None = None
    """What finds the values that differ from run to run."""
    unused: list[Unused] = field(default_factory=list)
    """Of the trials that were run."""
    replayed: int = 0
    asked: int = 0
    _opened: dict[Path, CassetteFile] = field(default_factory=dict)

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
            files=[self._file(folder / place / name) for folder in self.folders],
            redact=self.redact,
            mask=self.mask,
            done=self._count,
        )

    def take(self) -> dict[str, Any]:
        """What was counted since the last time, as JSON, for another process to `add`."""
        counted = {
            "replayed": self.replayed,
            "asked": self.asked,
            "unused": [
                [each.scenario, each.trial, sorted(each.places), str(each.file.path)]
                for each in self.unused
            ],
        }
        self.replayed, self.asked, self.unused = 0, 0, []
        return counted

    def add(self, counted: Mapping[str, Any]) -> None:
        """Count what another process has taken."""
        self.replayed += counted["replayed"]
        self.asked += counted["asked"]
        self.unused += [
            Unused(
                scenario=scenario,
                trial=trial,
                places=frozenset((key, occurrence) for key, occurrence in places),
                file=CassetteFile(Path(path)),
            )
            for scenario, trial, places, path in counted["unused"]
        ]

    def _file(self, path: Path) -> CassetteFile:
        """One for all trials of a scenario, which reads each line once."""
        return self._opened.setdefault(path, CassetteFile(path))

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
        project: where `pyproject.toml` is, which may set `redact` and `mask`.

    Raises:
        UsageError: when what they name can't be had.
    """
    if mode is Mode.OFF or model is None:
        return None
    return Cassette(
        suite=suite,
        model=model,
        mode=mode,
        folders=[project / folder for folder in folders],
        redact=redact_of(project),
        mask=mask_of(project),
    )

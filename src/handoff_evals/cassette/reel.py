"""The exchanges of one trial, as it goes on."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from handoff_evals.cassette.entry import Answer, Entry
from handoff_evals.cassette.mode import Mode
from handoff_evals.cassette.nearest import miss
from handoff_evals.cassette.request import ModelIdentity, Request
from handoff_evals.cassette.tape import Tape
from handoff_evals.errors import CassetteMissError


@dataclass(frozen=True, kw_only=True)
class Slot:
    """Where an answer will be kept."""

    key: str
    occurrence: int
    request: Request


@dataclass(kw_only=True)
class Reel:
    """Answers requests of one trial from the tapes, and keeps what is new.

    Two trials never share a reel. A trial that is held again gets a new one.
    """

    scenario: str
    trial: int
    seed: int
    model: ModelIdentity
    mode: Mode
    tapes: Sequence[Tape]
    """The first is written to, all are read."""
    redact: Callable[[str], str] | None = None
    done: Callable[["Reel"], None] = lambda _reel: None
    replayed: int = 0
    asked: int = 0
    _found: dict[tuple[str, int], Entry] = field(init=False)
    _times: Counter[str] = field(default_factory=Counter)
    _used: set[tuple[str, int]] = field(default_factory=set)
    _new: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Read the tapes."""
        recording = self.mode is Mode.RECORD
        tapes = () if recording else reversed(self.tapes)  # the first has the last word
        self._found = {entry.place: entry for tape in tapes for entry in tape.entries()}

    def find(self, request: Request) -> Answer | Slot:
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
            where = str(self.tapes[0].path.parent)
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
            self.tapes[0].add(entry)

    def close(self, *, whole: bool) -> None:
        """End the trial.

        Args:
            whole: whether the conversation came to its end. One that was cut off says
                nothing about what is unused, and takes nothing's place.
        """
        if not whole:
            return
        if self.mode is Mode.RECORD:
            self.tapes[0].rewrite(
                lambda old: [*(each for each in old if each.trial != self.trial), *self._new]
            )
        self.done(self)

    @property
    def unused(self) -> tuple[Entry, ...]:
        """Exchanges of this trial on the written tape that nothing asked for."""
        return tuple(
            entry
            for entry in self.tapes[0].entries()
            if entry.trial == self.trial and entry.place not in self._used
        )

"""The same conversations carried by two drivers: which of them part, and where; pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest

from handoff_evals.checks import Status
from handoff_evals.results import PairKey, Trial, TrialResult
from handoff_evals.transcript import (
    AgentHandoff,
    Fault,
    FunctionCall,
    FunctionCallOutput,
    Message,
    Transcript,
    Turn,
)

_ASPECTS = ("handoffs", "calls", "outputs", "caller", "said", "faults")


@dataclass(frozen=True, kw_only=True)
class Parting:
    """The first turn in which two transcripts differ, and in what."""

    turn: int
    aspect: str
    """`handoffs`, `calls`, `outputs`, `caller` (what the agents were told that the caller said),
    `said` or `faults`."""
    a: tuple[str, ...]
    b: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DriverDifference:
    """One conversation that came out differently."""

    pair: PairKey
    a: Status
    b: Status
    parting: Parting | None
    """None where the same was said and done, and only the verdict differs."""


@dataclass(frozen=True, kw_only=True)
class DriverPair:
    """Two drivers on the same trials of one model."""

    model: str
    a: str
    b: str
    trials: int
    """How many conversations both carried."""
    differences: tuple[DriverDifference, ...]


@dataclass(frozen=True, kw_only=True)
class _Carried:
    status: Status
    turns: tuple[Mapping[str, tuple[str, ...]], ...]


def driver_pairs(trials: Iterable[Trial], drivers: Mapping[str, str]) -> tuple[DriverPair, ...]:
    """Compare the first driver of a run with each other one, model by model.

    Args:
        trials: of the run.
        drivers: the driver of each label, as the run's manifest has it.
    """
    carried: dict[str, dict[PairKey, _Carried]] = {label: {} for label in drivers}
    for trial in trials:
        if trial.key.model in carried:
            found = carried[trial.key.model]
            found[TrialResult.of(trial).pair] = _Carried(
                status=trial.status, turns=tuple(_turns(trial.transcript))
            )
    labels: dict[str, list[str]] = {}
    for label, name in drivers.items():
        labels.setdefault(label.removesuffix(f" ({name})"), []).append(label)
    return tuple(
        _pair(model, drivers[first], drivers[other], carried[first], carried[other])
        for model, (first, *others) in labels.items()
        for other in others
    )


def _pair(
    model: str, a: str, b: str, first: Mapping[PairKey, _Carried], other: Mapping[PairKey, _Carried]
) -> DriverPair:
    both = [pair for pair in first if pair in other]
    found = [
        DriverDifference(pair=pair, a=first[pair].status, b=other[pair].status, parting=parting)
        for pair in sorted(both, key=lambda each: (each.suite, each.scenario, each.number))
        if (parting := _parting(first[pair], other[pair]))
        or first[pair].status != other[pair].status
    ]
    return DriverPair(model=model, a=a, b=b, trials=len(both), differences=tuple(found))


def _parting(a: _Carried, b: _Carried) -> Parting | None:
    nothing: Mapping[str, tuple[str, ...]] = {}
    for turn, (one, two) in enumerate(zip_longest(a.turns, b.turns, fillvalue=nothing)):
        for aspect in _ASPECTS:
            if one.get(aspect, ()) != two.get(aspect, ()):
                return Parting(
                    turn=turn, aspect=aspect, a=one.get(aspect, ()), b=two.get(aspect, ())
                )
    return None


def _turns(transcript: Transcript) -> Iterator[Mapping[str, tuple[str, ...]]]:
    count = max([len(transcript.turns), *(fault.turn + 1 for fault in transcript.faults)])
    for number in range(count):
        turn = transcript.turns[number] if number < len(transcript.turns) else None
        faults = [fault for fault in transcript.faults if fault.turn == number]
        yield _aspects(turn, faults)


def _aspects(turn: Turn | None, faults: Iterable[Fault]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {aspect: [] for aspect in _ASPECTS}
    for event in turn.events if turn else ():
        match event:
            case AgentHandoff():
                found["handoffs"].append(event.new.label)
            case FunctionCall():
                found["calls"].append(f"{event.name}({event.arguments})")
            case FunctionCallOutput():
                found["outputs"].append(f"{event.name}: {event.output}")
            case Message(role="user"):
                found["caller"].append(_words(event.text))
            case Message(role="assistant"):
                cut = " (interrupted)" if event.interrupted else ""
                found["said"].append(f"{_words(event.text)}{cut}")
    found["faults"] = [fault.cause for fault in faults]
    return {aspect: tuple(each) for aspect, each in found.items()}


def _words(text: str) -> str:
    return " ".join(text.split())

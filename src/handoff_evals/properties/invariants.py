"""What holds of every conversation, whatever the caller says and the model does."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from handoff_evals.properties.observed import Item, Observed
from handoff_evals.properties.subject import Subject

Invariant = Callable[[Observed, Subject], Iterator[str]]
"""Gives a sentence for each place where it does not hold."""

_LATE = {"turn_timeout", "model_timeout", "handoff_loop", "close_timeout", "interruption_timeout"}


def chain_is_unbroken(seen: Observed, subject: Subject) -> Iterator[str]:  # noqa: ARG001
    """Each record goes on where the one before ended, and the last one names the active agent."""
    records = seen.records
    chain = " ".join(f"{record.old} -> {record.new}," for record in records).rstrip(",")
    if records and records[0].old is not None:
        yield f"the first record comes from {records[0].old!r}, not from nobody: {chain}"
    for earlier, later in pairwise(records):
        if later.old != earlier.new:
            yield f"after {earlier.new!r} the next record comes from {later.old!r}: {chain}"
    last = records[-1].new if records else None
    if seen.active is not None and last != seen.active:
        yield f"the active agent is {seen.active!r}, the last record names {last!r}"


def entered_once(seen: Observed, subject: Subject) -> Iterator[str]:  # noqa: ARG001
    """Each activation of an agent has exactly one run of its `on_enter`."""
    names = {each.instance: each.new.label for each in seen.activations}
    names.update({each.instance: each.agent.label for each in seen.entrances})
    activated = Counter(each.instance for each in seen.activations if not each.resumed)
    entered = Counter(each.instance for each in seen.entrances)
    for instance, name in names.items():
        if activated[instance] != entered[instance]:
            yield (
                f"{name!r} was activated {activated[instance]} times, "
                f"and its on_enter ran {entered[instance]} times"
            )


def graph_is_kept(seen: Observed, subject: Subject) -> Iterator[str]:
    """No agent is activated that the graph does not lead to."""
    for step in subject.strays(seen.activations):
        old = step.old.label if step.old else "nobody"
        yield f"{old!r} -> {step.new.label!r} is no step of the graph"


def no_words_are_lost(seen: Observed, subject: Subject) -> Iterator[str]:  # noqa: ARG001
    """The history holds every message of the caller, in order, and none twice."""
    if seen.heard != seen.said:
        yield f"the caller said {list(seen.said)}, the history holds {list(seen.heard)}"


def context_is_handed_on(seen: Observed, subject: Subject) -> Iterator[str]:
    """What an agent begins with is a subsequence of what was there, unchanged.

    What was there is the context of the agent before, or the session's history.
    Calls and outputs of tools that the new agent does not have are filtered out.
    """
    for entrance in seen.entrances:
        if entrance.first:
            continue
        there = {item.id for item in (*entrance.left, *entrance.history)}
        handed = [item for item in entrance.context if item.id in there or not subject.adds(item)]
        if not any(_is_subsequence(handed, of) for of in (entrance.left, entrance.history)):
            known = {*entrance.left, *entrance.history}
            strange = next((item for item in handed if item not in known), None)
            yield (
                f"{entrance.agent.label!r} begins with "
                + (
                    f"{strange}, which was not there; if it may be added: Subject(adds=...)"
                    if strange
                    else "another order of what was there"
                )
            )
        for item in entrance.context:
            if item.type != "message" and item.name not in entrance.tools:
                yield f"{entrance.agent.label!r} begins with {item}, but has no such tool"


def ends_in_time(seen: Observed, subject: Subject) -> Iterator[str]:  # noqa: ARG001
    """Every turn ends within its deadline, and so does closing."""
    for fault in seen.faults:
        if fault.cause in _LATE:
            yield f"{fault.cause} in turn {fault.turn}: {fault.detail}"


INVARIANTS: Mapping[str, Invariant] = {
    # The first one: a turn that was cut off may break any of the others.
    "every run ends in time": ends_in_time,
    "the chain of records is unbroken": chain_is_unbroken,
    "every activation has one on_enter": entered_once,
    "the graph is kept": graph_is_kept,
    "no words of the caller are lost": no_words_are_lost,
    "context is only handed on": context_is_handed_on,
}
"""By the name that a failure is reported under."""


def broken(seen: Observed, subject: Subject) -> tuple[str, str] | None:
    """The first invariant that does not hold and why, or None when all hold."""
    for name, invariant in INVARIANTS.items():
        for why in invariant(seen, subject):
            return name, why
    return None


def _is_subsequence(items: Sequence[Item], of: Sequence[Item]) -> bool:
    rest = iter(of)
    return all(item in rest for item in items)

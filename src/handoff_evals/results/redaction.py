"""What is kept of a run, with every text passed through the project's `redact`.

Left as they are: the names of agents, tools, checks and models, and the words that the files'
schemas are made of. A scenario's label is changed before it is run, so that it is the same in
every file; two that become the same get a number.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from handoff_evals.results.trial import Trial
from handoff_evals.scenarios import Suite

Redact = Callable[[str], str]
_T = TypeVar("_T")

_NO_TEXT = frozenset(
    {
        *("type", "role", "status", "kind", "owner", "cause", "outcome", "purpose", "where"),
        *("id", "call_id", "tool_call_id", "name", "tool_choice", "started_at", "ended_by"),
        *("key", "tools_added", "tools_removed"),
    }
)
"""Fields, and keys of messages and schemas, that hold no text."""
_DATA = frozenset({"attributes", "userdata", "arguments", "metrics"})
"""Fields whose own keys are anybody's."""


def texts_changed(value: _T, change: Redact) -> _T:
    """The same value with every text in it changed."""
    changed: _T = _changed(value, change, _NO_TEXT)
    return changed


def _changed(value: Any, change: Redact, fixed: frozenset[str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if is_dataclass(value) and not isinstance(value, type):
        old = {each.name: getattr(value, each.name) for each in fields(value) if each.init}
        new = _changed_items(old, change, _NO_TEXT)
        different = {name: each for name, each in new.items() if each is not old[name]}
        return replace(value, **different) if different else value
    if isinstance(value, Mapping):
        return _changed_items(value, change, fixed)
    if isinstance(value, list | tuple):
        return type(value)([_changed(each, change, fixed) for each in value])
    return value


def _changed_items(
    items: Mapping[str, Any], change: Redact, fixed: frozenset[str]
) -> dict[str, Any]:
    return {
        name: each
        if name in fixed and (isinstance(each, str) or name == "key" or name.startswith("tools_"))
        else _changed(each, change, frozenset() if name in _DATA else fixed)
        for name, each in items.items()
    }


def redacted_trial(trial: Trial, redact: Redact | None) -> Trial:
    """The trial as it is kept."""
    return trial if redact is None else texts_changed(trial, redact)


def redacted_suite(suite: Suite, redact: Redact | None) -> Suite:
    """The suite with the labels that its scenarios are kept under."""
    if redact is None:
        return suite
    taken: set[str] = set()
    labels = [*_labels((each.label for each in suite.scenarios), redact, taken)]
    scenarios = [
        replace(each, label=label) for each, label in zip(suite.scenarios, labels, strict=True)
    ]
    others = tuple(
        replace(each, label=label)
        for each, label in zip(
            suite.without_caller, _labels(suite.simulated, redact, taken), strict=True
        )
    )
    return replace(suite, scenarios=tuple(scenarios), without_caller=others)


def _labels(labels: Iterable[str], redact: Redact, taken: set[str]) -> Iterator[str]:
    for label in labels:
        wanted = free = redact(label)
        number = 1
        while free in taken:
            number += 1
            free = f"{wanted} ({number})"
        taken.add(free)
        yield free

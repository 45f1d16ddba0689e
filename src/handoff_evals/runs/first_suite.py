"""The first suite of an agent: a scenario for each edge and one to stay for each agent.

What is written has been run with the oracle before; what did not pass is left out, with the
reason.
"""

import asyncio
import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from handoff_evals.drivers import Limits
from handoff_evals.graph import HOOKS
from handoff_evals.livekit import PLACEHOLDER, ToolCall
from handoff_evals.models import Exploration, ExploredStep
from handoff_evals.results import Trial
from handoff_evals.runs.prepare import prepare
from handoff_evals.runs.request import RunRequest
from handoff_evals.scenarios import ScenarioText, Target, TurnText, load_suite, scenario_file
from handoff_evals.transcript import AgentRef

_LIMITS = Limits(turn_s=6.0, call_s=60.0, close_s=2.0)
_LONGEST_S = 5.0
"""A scenario that takes the oracle longer says too little of what is called."""
_EVERYTHING = 2
"""Of a scenario's detail."""
_STAYS = "Thank you, just a moment."
_OPENING = "Hello."


@dataclass(frozen=True, kw_only=True)
class FirstSuite:
    """A scenario file that passes with the oracle, and what is not in it."""

    text: str
    scenarios: int = 0
    left_out: tuple[str, ...] = ()
    """What got no scenario, and why, a sentence each."""


@dataclass(frozen=True, kw_only=True)
class _Planned:
    """A scenario as it may be written: with the tools' names, or without."""

    label: str
    steps: tuple[ExploredStep, ...]
    stays_with: AgentRef | None = None
    detail: int = 0
    """How much the file says of calls that hand over: 0 nothing, 1 the tools and what is known of
    their arguments, 2 all arguments. What has to be called before is always written."""


@dataclass(frozen=True, kw_only=True)
class _Words:
    """What has to be known to put a step into words."""

    explored: Exploration
    told_apart: frozenset[str] = field(default_factory=frozenset)
    """The ids that several agents have."""


def first_suite(reference: str, explored: Exploration, *, folder: Path) -> FirstSuite:
    """Write the first suite of an agent, and run it with the oracle.

    Args:
        reference: `module:name` or `path/to/file.py:name`, as the file names the agent.
        explored: what calling its tools showed.
        folder: the project.
    """
    ids = [each.id for each in explored.graph.agents if each.label in explored.ways]
    words = _Words(
        explored=explored,
        told_apart=frozenset(each for each in ids if ids.count(each) > 1),
    )
    planned = [each for each in _plan(explored) if not _is_unnamed(each, explored)]
    passing: dict[str, ScenarioText] = {}
    why: dict[str, str] = {}
    waiting = planned
    for detail in range(_EVERYTHING + 1):
        written = {e.label: _written(replace(e, detail=detail), words) for e in waiting}
        found = _outcomes(reference, list(written.values()), folder)
        why |= {label: each.why for label, each in found.items()}
        passing |= {label: each for label, each in written.items() if not why[label]}
        waiting = [each for each in waiting if found[each.label].more_may_help]
    kept = [passing[each.label] for each in planned if each.label in passing]
    failed = [f"{each.label}: {why[each.label]}" for each in planned if each.label not in passing]
    return FirstSuite(
        text=scenario_file(kept, comments=_HEAD, name=_suite_name(reference), agent=reference),
        scenarios=len(kept),
        left_out=(*_unreached(explored), *failed),
    )


_HEAD = tuple(
    " ".join(lines)
    for lines in (
        (
            "Written by `handoff-evals init`: a scenario for each way that a call can take, and",
            "one in which it stays, for each agent. All pass with the oracle, which plays what is",
            "expected: `pytest`, or `handoff-evals run -m oracle`.",
        ),
        (
            "Next: make the callers' words those of your callers, and ask a real model:",
            "`handoff-evals run -m MODEL`; `handoff-evals models` lists them.",
        ),
    )
)


def _suite_name(reference: str) -> str:
    return Path(reference.partition(":")[0]).stem.rpartition(".")[2]


def _plan(explored: Exploration) -> Iterator[_Planned]:
    for (old, new), steps in explored.edges.items():
        yield _Planned(label=f"{old} to {new}", steps=steps)
    leading = {old for old, _ in explored.edges}
    for ref in explored.graph.agents:
        if ref.label in explored.ways and ref.label not in explored.graph.tasks:
            why = "" if ref.label in leading else ", which leads nowhere"
            label = f"Stay with {ref.label}{why}"
            yield _Planned(label=label, steps=explored.ways[ref.label], stays_with=ref)


def _is_unnamed(planned: _Planned, explored: Exploration) -> bool:
    """Whether no scenario file could name its agents, or tell them from others."""
    refs = [step.agent for step in planned.steps]
    refs += [planned.stays_with] if planned.stays_with else []
    return any(each.label in explored.shared_ids or not _can_be_named(each) for each in refs)


def _can_be_named(ref: AgentRef) -> bool:
    try:
        return Target.parse(ref.id) == Target(id=ref.id)
    except ValueError:
        return False


def _unreached(explored: Exploration) -> Iterator[str]:
    graph = explored.graph
    for ref in graph.agents:
        if not _can_be_named(ref):
            yield f"{ref.label}: a scenario file can't name that id; write it without brackets"
    for (old, new), edges in graph.pairs.items():
        tools = [e.via for e in edges if e.via and e.via not in HOOKS and e.kind == "handoff"]
        if (old, new) in explored.edges or old == new or not tools:
            continue
        how = " or ".join(dict.fromkeys(tools))
        yield f"{old} to {new}: no call of {how} with made-up arguments led there"
    for agent, tool in graph.unclear:
        yield f"{tool} of {agent}: it hands over, and no call of it showed to whom"
    for label in graph.labels:
        if label not in explored.ways:
            yield f"{label}: no way to it was found"


def _written(planned: _Planned, words: _Words) -> ScenarioText:
    turns: list[TurnText] = []
    before: AgentRef | None = None
    for step in planned.steps:
        turns.append(_turn(step, before, planned, words))
        before = step.agent
    if planned.stays_with is not None:
        user = _OPENING if not turns else _STAYS
        turns.append(TurnText(user=user, expect=_agent(planned.stays_with, words)))
    return ScenarioText(label=planned.label, turns=turns)


def _turn(
    step: ExploredStep, before: AgentRef | None, planned: _Planned, words: _Words
) -> TurnText:
    expect = dict(_agent(step.agent, words))
    if len(step.through) > 1 and not any(each.attributes for each in step.through):
        expect["handoffs"] = [each.id for each in step.through]
    moves = bool(step.through) and step.agent != before
    comments = [f"by {', '.join(call.name for call in step.calls)}"] if step.calls else []
    if step.silent:
        expect["silence"] = True
        comments.append(f"{step.agent.id} says nothing when it takes the call: let it greet")
    detail = planned.detail if moves else _EVERYTHING
    if step.calls and detail:
        expect["calls"] = [_call(call, detail) for call in step.calls]
    asked = before.label if before is not None else words.explored.first
    return TurnText(
        user=_said(step, asked, words.explored.descriptions),
        expect=expect,
        comments=comments,
    )


def _call(call: ToolCall, detail: int) -> Any:
    """A call as the file has it."""
    given = json.loads(call.arguments)
    if detail < _EVERYTHING:
        given = {name: value for name, value in given.items() if not _is_made_up(value)}
    return {"name": call.name, "arguments": given} if given else call.name


def _is_made_up(value: Any) -> bool:
    return PLACEHOLDER in json.dumps(value)


def _agent(ref: AgentRef, words: _Words) -> Mapping[str, Any]:
    where = dict(ref.attributes) if ref.id in words.told_apart else {}
    return {"agent": ref.id, **({"where": where} if where else {})}


_LEADING = re.compile(
    r"^(?:(?:called?|use|invoke|run|trigger)(?: this)?(?: (?:tool|function))?(?: (?:when|if))?"
    r"|(?:when|if)) (?:the )?(?:user|caller|customer|client|patient|guest)s? (?P<rest>.+)$"
    r"|^(?:the )?(?:user|caller|customer|client|patient|guest)s? (?P<bare>.+)$",
    re.IGNORECASE,
)
_WANTS = re.compile(
    r"^(?:wants?|would like|needs?|asks? for|asks? to|wishes|demands) (?P<what>.+)$", re.IGNORECASE
)
_ASKS = re.compile(r"^(?:asks?|has a question|is asking) about (?P<what>.+)$", re.IGNORECASE)


def _said(step: ExploredStep, agent: str, descriptions: Mapping[tuple[str, str], str]) -> str:
    """What a caller may say for it, by what the agent's tools say of themselves."""
    parts = [_wish(descriptions.get((agent, call.name), ""), call.name) for call in step.calls]
    for call in step.calls:
        for name, value in json.loads(call.arguments).items():
            plain = isinstance(value, str | int) and not isinstance(value, bool)
            if plain and not _is_made_up(value):
                parts.append(f"{name.replace('_', ' ').capitalize()}: {value}.")
    return " ".join(parts) or "Please go on."


def _wish(description: str, name: str) -> str:
    first = re.split(r"(?<=[.!?])\s|\n", description.strip())[0].rstrip(".!")
    found = _LEADING.match(first)
    about = re.sub(r"\btheir\b", "my", (found["rest"] or found["bare"]) if found else "")
    if asks := _ASKS.match(about):
        return f"I have a question about {asks['what']}."
    if wants := _WANTS.match(about):
        return f"I would like {wants['what']}."
    return f"It is about this: {about or first or name.replace('_', ' ')}."


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What running a scenario came to."""

    why: str = ""
    """Why it does not pass; empty where it does."""
    more_may_help: bool = False
    """Whether it may pass where the file says more of the calls."""


def _outcomes(
    reference: str, scenarios: Sequence[ScenarioText], folder: Path
) -> Mapping[str, _Outcome]:
    """Run scenarios with the oracle."""
    if not scenarios:
        return {}
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "scenarios.yaml"
        path.write_text(scenario_file(scenarios, name="init", agent=reference), "utf-8")
        suite = load_suite(path, folder=folder)
    request = replace(
        RunRequest.of_project(folder), suites=(), models=("oracle",), limits=_LIMITS, concurrency=4
    )
    trials: list[Trial] = []
    prepared = prepare(request, suites=[suite])
    asyncio.run(prepared.execute(None, trials.append))
    found = {trial.key.scenario: trial for trial in trials}
    return {each.label: _outcome(found.get(each.label)) for each in scenarios}


def _outcome(trial: Trial | None) -> _Outcome:
    if trial is None:
        return _Outcome(why="it was not run")
    if trial.status == "passed":
        if trial.duration_s <= _LONGEST_S:
            return _Outcome()
        return _Outcome(why=f"the oracle took {trial.duration_s:.0f} s", more_may_help=True)
    faults = trial.transcript.faults
    reasons = [f"{fault.cause}: {fault.detail}" for fault in faults]
    reasons += [score.reason for score in trial.scores if score.status != "passed"]
    by_agent = any(fault.owner == "agent" and fault.cause != _LATE for fault in faults)
    return _Outcome(why=next(iter(reasons), trial.status), more_may_help=not by_agent)


_LATE = "turn_timeout"

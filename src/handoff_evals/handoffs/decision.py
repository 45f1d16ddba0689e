"""The handoff decisions of one conversation."""

from collections.abc import Sequence
from dataclasses import dataclass

from handoff_evals.handoffs.outcome import Outcome, classify
from handoff_evals.scenario import Scenario, ScriptedTurn
from handoff_evals.transcript import AgentRef, Transcript


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A turn with an expected agent, and what came of it."""

    turn: int
    """Index into the transcript's turns; the opening is 0."""
    expected: str
    """The expected agent's label, as the confusion matrix names it."""
    actual: str
    outcome: Outcome
    on_path: bool
    """False where it starts on a wrong agent because of an earlier miss: accuracy
    leaves it out, and it is shown as cascaded."""
    premature: bool = False
    """A spurious handoff to an agent that a later turn expects."""
    recovered_after: int | None = None
    """Where this decision went wrong: in how many turns the caller was back on the
    expected path. None when that never happened, or nothing had gone wrong."""


def decisions(scenario: Scenario, transcript: Transcript) -> tuple[Decision, ...]:
    """Judge every turn with an expected agent that the conversation reached.

    Turns that a fault kept the conversation from reaching are no decisions.
    """
    found: list[Decision] = []
    astray: AgentRef | None = None
    for index, scripted in enumerate(scenario.turns, 1):
        if index >= len(transcript.turns):
            break
        target = scripted.expect.agent
        if target is None:
            continue
        before, turn = transcript.turns[index - 1], transcript.turns[index]
        outcome = classify(
            expected=target,
            start=before.active,
            end=turn.active,
            moves=turn.handoffs,
            said=turn.said,
            path=scripted.expect.handoffs,
        )
        there = target.matches(turn.active)
        found.append(
            Decision(
                turn=index,
                expected=target.label,
                actual=target.label if there else turn.active.label,
                outcome=outcome,
                on_path=astray is None or astray != before.active,
                premature=outcome == "spurious"
                and _expected_later(turn.active, scenario.turns[index:]),
                recovered_after=None if there else _recovery(scenario, transcript, index),
            )
        )
        astray = None if there else turn.active
    return tuple(found)


def _expected_later(agent: AgentRef, later: Sequence[ScriptedTurn]) -> bool:
    return any(turn.expect.agent is not None and turn.expect.agent.matches(agent) for turn in later)


def _recovery(scenario: Scenario, transcript: Transcript, index: int) -> int | None:
    for later in range(index + 1, min(len(scenario.turns) + 1, len(transcript.turns))):
        target = scenario.turns[later - 1].expect.agent
        if target is not None and target.matches(transcript.turns[later].active):
            return later - index
    return None

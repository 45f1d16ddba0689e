"""Which model made a decision."""

from handoff_evals.handoffs import Decision
from handoff_evals.transcript import Transcript


def decider(transcript: Transcript, decision: Decision) -> tuple[str, str]:
    """The agent that had the call when the turn began, and the model that it asked first.

    Returns:
        Their names; the model's is empty where the agent decided without one.
    """
    agent = transcript.turns[decision.turn - 1].active
    calls = transcript.turns[decision.turn].model_calls
    asked = (each.model for each in calls if each.agent == agent and each.purpose == "reply")
    return agent.label, next(asked, "")

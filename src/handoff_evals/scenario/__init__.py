"""What a conversation is to be and what must come of it, as values."""

from handoff_evals.scenario.expectation import Expectation, ExpectedCall, ExpectedHandoff
from handoff_evals.scenario.scenario import Scenario, ScriptedTurn, Suite, Watch
from handoff_evals.scenario.target import Target

__all__ = [
    "Expectation",
    "ExpectedCall",
    "ExpectedHandoff",
    "Scenario",
    "ScriptedTurn",
    "Suite",
    "Target",
    "Watch",
]

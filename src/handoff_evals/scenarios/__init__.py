"""Scenario files: conversations and what must come of them."""

from handoff_evals.scenarios.load import DEFAULT_FOLDER, FILE_NAME, discover, load_suite
from handoff_evals.scenarios.scenario import (
    Expectation,
    ExpectedCall,
    ExpectedHandoff,
    Scenario,
    ScriptedTurn,
    Suite,
    Target,
    Watch,
)
from handoff_evals.scenarios.writer import ScenarioText, TurnText, scenario_file

__all__ = [
    "DEFAULT_FOLDER",
    "FILE_NAME",
    "Expectation",
    "ExpectedCall",
    "ExpectedHandoff",
    "Scenario",
    "ScenarioText",
    "ScriptedTurn",
    "Suite",
    "Target",
    "TurnText",
    "Watch",
    "discover",
    "load_suite",
    "scenario_file",
]

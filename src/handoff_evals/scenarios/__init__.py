"""Scenario files: conversations and what must come of them."""

from handoff_evals.scenarios.load import (
    DEFAULT_FOLDER,
    FILE_NAME,
    agent_of,
    discover,
    load_suite,
)
from handoff_evals.scenarios.matchers import SET, matcher, meets, paired, problems, says
from handoff_evals.scenarios.scenario import (
    Expectation,
    ExpectedCall,
    ExpectedHandoff,
    ExpectKey,
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
    "SET",
    "ExpectKey",
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
    "agent_of",
    "discover",
    "load_suite",
    "matcher",
    "meets",
    "paired",
    "problems",
    "says",
    "scenario_file",
]

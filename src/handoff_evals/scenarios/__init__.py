"""Scenario files: conversations and what must come of them."""

from handoff_evals.scenarios.caller_script import CallerScript, When
from handoff_evals.scenarios.expected_path import ExpectedPath, Hop
from handoff_evals.scenarios.json_schema import DIALECT, json_schema
from handoff_evals.scenarios.load import (
    DEFAULT_FOLDER,
    FILE_NAMES,
    agent_of,
    discover,
    load_suite,
    scenario_files,
)
from handoff_evals.scenarios.matchers import SET, matcher, meets, paired, problems, says
from handoff_evals.scenarios.played_path import PlayedScenario, played_in_turns
from handoff_evals.scenarios.scenario import (
    CarriedTo,
    ConversationExpectation,
    Expectation,
    ExpectedCall,
    ExpectedHandoff,
    ExpectKey,
    Never,
    Scenario,
    ScriptedTurn,
    Suite,
    Watch,
)
from handoff_evals.scenarios.target import Target
from handoff_evals.scenarios.writer import ScenarioText, TurnText, scenario_file

__all__ = [
    "DEFAULT_FOLDER",
    "DIALECT",
    "FILE_NAMES",
    "SET",
    "CallerScript",
    "CarriedTo",
    "ConversationExpectation",
    "ExpectKey",
    "Expectation",
    "ExpectedCall",
    "ExpectedHandoff",
    "ExpectedPath",
    "Hop",
    "Never",
    "PlayedScenario",
    "Scenario",
    "ScenarioText",
    "ScriptedTurn",
    "Suite",
    "Target",
    "TurnText",
    "Watch",
    "When",
    "agent_of",
    "discover",
    "json_schema",
    "load_suite",
    "matcher",
    "meets",
    "paired",
    "played_in_turns",
    "problems",
    "says",
    "scenario_file",
    "scenario_files",
]

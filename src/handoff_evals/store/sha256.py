"""Whether a scenario is still the one that a kept run was about."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from handoff_evals.scenario import Scenario


def scenario_sha256(scenario: Scenario) -> str:
    """Of what the caller says and what is expected: its place and its tags don't matter.

    The first 16 digits, which are enough to tell that it changed.
    """
    meant = {"turns": _said_so(scenario.turns), "userdata": _said_so(scenario.userdata)}
    text = json.dumps(meant, sort_keys=True, ensure_ascii=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _said_so(value: Any) -> Any:
    """What a scenario says, as JSON; what it leaves out is not in there.

    So a key that a later version knows changes nothing for scenarios that do not use it.
    """
    if is_dataclass(value):
        given = {each.name: getattr(value, each.name) for each in fields(value)}
        left_out = {each.name: _default(each) for each in fields(value)}
        return {name: _said_so(each) for name, each in given.items() if each != left_out[name]}
    if isinstance(value, Mapping):
        return {name: _said_so(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_said_so(each) for each in value]
    return value


def _default(of: Field[Any]) -> Any:
    return of.default if of.default_factory is MISSING else of.default_factory()

"""A scenario file, read and checked, or an error that says the line."""

import hashlib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from yaml.reader import ReaderError

from handoff_evals.errors import ScenarioFileError
from handoff_evals.scenario import Suite
from handoff_evals.suite import lines
from handoff_evals.suite.schema import (
    CallModel,
    ExpectModel,
    ScenarioModel,
    SuiteModel,
    TurnModel,
)

_KEYS: dict[str, type[BaseModel]] = {
    "the file": SuiteModel,
    "scenarios": ScenarioModel,
    "turns": TurnModel,
    "expect": ExpectModel,
    "calls": CallModel,
}
_MUST_BE = {
    "bool_parsing": "it must be true or false",
    "bool_type": "it must be true or false",
    "dict_type": "it must be a mapping",
    "list_type": "it must be a list",
    "model_type": "it must be a mapping",
    "string_too_short": "it must not be empty",
    "string_type": "it must be a text",
}


def load_suite(path: Path) -> Suite:
    """Read one `scenarios.yaml`.

    Raises:
        ScenarioFileError: naming every problem with its line.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ScenarioFileError(f"{path}: can't be read: {error}") from error
    document = _parsed(data, path)
    problems = list(_structure(document))
    model = None
    if not problems:
        try:
            model = SuiteModel.model_validate(document.value)
        except ValidationError as error:
            problems = [(document.line(_path(each)), _words(each)) for each in error.errors()]
    if model is not None:
        problems = list(_meaning(model, document))
    if problems or model is None:
        shown = [f"{path}:{line}: {problem}" for line, problem in sorted(problems)]
        raise ScenarioFileError("\n".join(shown))
    scenarios = [
        each.value(line=document.line(("scenarios", index)))
        for index, each in enumerate(model.scenarios)
    ]
    return Suite(
        name=model.name or path.resolve().parent.name,
        agent=model.agent,
        scenarios=tuple(each for each in scenarios if each.turns),
        simulated=tuple(each.label for each in scenarios if not each.turns),
        path=str(path),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _parsed(data: bytes, path: Path) -> lines.Located:
    try:
        return lines.load(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = f"it is not UTF-8: byte {data[error.start]:#04x}"
    except ReaderError as error:
        line = data.decode("utf-8-sig").count("\n", 0, error.position) + 1
        problem = f"bad YAML: the character {chr(error.character)!r} is not allowed"
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = 1 if mark is None else mark.line + 1
        problem = f"bad YAML: {getattr(error, 'problem', None) or error}"
    raise ScenarioFileError(f"{path}:{line}: {problem}")


def _structure(document: lines.Located) -> Iterator[tuple[int, str]]:
    if not isinstance(document.value, dict):
        held = "nothing" if document.value is None else f"a {type(document.value).__name__}"
        yield 1, f"it holds {held}, but must be a mapping with `agent` and `scenarios`"
    for line, key in document.duplicates:
        yield line, f"the key {key!r} stands twice; the second would hide the first"


def _meaning(model: SuiteModel, document: lines.Located) -> Iterator[tuple[int, str]]:
    if not model.scenarios:
        yield document.line(("scenarios",)), "the suite is empty: add at least one scenario"
    if not model.agent and any(scenario.turns for scenario in model.scenarios):
        yield 1, "`agent` is missing: write `agent: module:name` of the agent under test"
    module, _, name = model.agent.partition(":")
    if model.agent and not (module and name):
        line = document.line(("agent",))
        yield line, f"agent {model.agent!r}: write `module:name`, as in `my_agents:Triage`"
    first: dict[str, int] = {}
    for index, scenario in enumerate(model.scenarios):
        line = document.line(("scenarios", index, "label"))
        if scenario.label in first:
            seen = first[scenario.label]
            yield (
                line,
                f"two scenarios have the label {scenario.label!r}; the first is on line {seen}",
            )
        first.setdefault(scenario.label, line)


def _path(error: ErrorDetails) -> tuple[str | int, ...]:
    return tuple(error["loc"])


def _words(error: ErrorDetails) -> str:
    path = _path(error)
    where = ".".join(str(part) for part in path if isinstance(part, str)) or "the file"
    value: Any = error["input"]
    if error["type"] == "extra_forbidden":
        return _unknown_key(path)
    if error["type"] == "missing":
        return f"{where} is missing"
    reason = _MUST_BE.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    return f"{where} is {value!r}: {reason}"


def _unknown_key(path: tuple[str | int, ...]) -> str:
    key = str(path[-1])
    holders = [part for part in path[:-1] if isinstance(part, str)]
    holder = holders[-1] if holders else "the file"
    known = sorted(_KEYS.get(holder, SuiteModel).model_fields)
    close = get_close_matches(key, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"unknown key {key!r} in {holder}: {hint}valid are {', '.join(known)}"

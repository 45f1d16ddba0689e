"""Scenario files: found, read and checked, or an error that says the line."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from yaml.reader import ReaderError

from handoff_evals.errors import ScenarioFileError, UsageError
from handoff_evals.scenarios.generated import generate
from handoff_evals.scenarios.scenario import ExpectKey, Scenario, Suite
from handoff_evals.scenarios.suite_schema import SuiteModel, suite_model

KeyPath = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"


class _YamlLoader(yaml.SafeLoader):
    """The safe loader with the plain values of YAML 1.2, as LiveKit's own tool reads them.

    By YAML 1.1, which PyYAML follows, `user: yes` is True, `12:30` is 750 and `0042` is 34.
    """


_YamlLoader.yaml_implicit_resolvers = {}
_YamlLoader.add_implicit_resolver(
    _TAG + "null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", *"nN", ""]
)
_YamlLoader.add_implicit_resolver(
    _TAG + "bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), [*"tTfF"]
)
_YamlLoader.add_implicit_resolver(
    _TAG + "int", re.compile(r"^(?:0|-?[1-9][0-9]*)$"), [*"-0123456789"]
)
_YamlLoader.add_implicit_resolver(
    _TAG + "float", re.compile(r"^-?[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]+)?$"), [*"-0123456789"]
)
_YamlLoader.add_implicit_resolver(_TAG + "merge", re.compile(r"^<<$"), ["<"])


_KEYS = frozenset({f"{_TAG}str", f"{_TAG}merge"})
_PLAIN = frozenset(
    f"{_TAG}{name}" for name in ("str", "int", "float", "bool", "null", "seq", "map")
)
_MOST_VALUES = 500_000
_MOST_BYTES = 10_000_000


@dataclass(frozen=True, kw_only=True)
class Located:
    """A document as plain values, and the line of each of them by its path."""

    value: Any
    lines: dict[KeyPath, int]
    duplicates: tuple[tuple[int, str], ...]
    """Keys that stand twice in one mapping: line and key."""

    def line(self, path: Sequence[str | int]) -> int:
        """The line of the value at `path`, or of the nearest one around it."""
        for end in range(len(path), -1, -1):
            found = self.lines.get(tuple(path[:end]))
            if found is not None:
                return found
        return 1


def load(text: str) -> Located:
    """Parse with PyYAML's safe loader.

    Raises:
        yaml.YAMLError: when the text is no YAML.
        ValueError: when a tag such as `!!int` stands before something else.
    """
    loader = _YamlLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return Located(value=None, lines={(): 1}, duplicates=())
        lines: dict[KeyPath, int] = {}
        duplicates = tuple(_walk(node, (), lines, ()))
        return Located(value=loader.construct_document(node), lines=lines, duplicates=duplicates)
    finally:
        loader.dispose()


def _walk(
    node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int], around: tuple[yaml.Node, ...]
) -> Iterator[tuple[int, str]]:
    if len(lines) >= _MOST_VALUES:
        raise yaml.MarkedYAMLError(
            problem=f"it has more than {_MOST_VALUES:,} values, those that aliases repeat "
            "included: split it into several files",
            problem_mark=node.start_mark,
        )
    if node.tag not in _PLAIN:
        raise yaml.MarkedYAMLError(
            problem=f"the tag {node.tag.replace(_TAG, '!!')!r} is none of JSON's values: write a "
            "text in quotes, a number, a list or a mapping",
            problem_mark=node.start_mark,
        )
    if node in around:
        raise yaml.MarkedYAMLError(
            problem="an alias stands inside of what it repeats", problem_mark=node.start_mark
        )
    around = (*around, node)
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag not in _KEYS:
                raise yaml.MarkedYAMLError(
                    problem="a key must be a text: write it in quotes", problem_mark=key.start_mark
                )
            name = str(key.value)
            line = key.start_mark.line + 1
            if name in seen:
                yield line, name
            seen.add(name)
            yield from _walk(value, (*path, name), lines, around)
            lines[*path, name] = line
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _walk(item, (*path, index), lines, around)


FILE_NAMES = ("scenarios.yaml", "scenario.yaml")
"""What scenario files are called that are found in a folder."""
DEFAULT_FOLDER = "evals"


def discover(named: Sequence[str], *, folder: Path) -> list[Path]:
    """Find the scenario files of files and folders, or of `evals/` when none is named.

    Raises:
        UsageError: when something named is not there, or has no scenario file.
    """
    found: list[Path] = []
    for each in named or [DEFAULT_FOLDER]:
        path = folder / each
        if path.is_file():
            found.append(path)
        elif path.is_dir():
            inside = scenario_files(path)
            if not inside:
                raise UsageError(f"{each!r} has no {' and no '.join(FILE_NAMES)}")
            found.extend(inside)
        else:
            default = "" if named else "; name a scenario file or a folder that has some"
            raise UsageError(f"{each!r} is neither a file nor a folder in {str(folder)!r}{default}")
    return list(dict.fromkeys(_shortest(path) for path in found))


def scenario_files(folder: Path) -> list[Path]:
    """The scenario files in a folder and in those inside of it, sorted."""
    return sorted(path for name in FILE_NAMES for path in folder.rglob(name))


def _shortest(path: Path) -> Path:
    resolved = path.resolve()
    here = Path.cwd().resolve()
    return resolved.relative_to(here) if resolved.is_relative_to(here) else resolved


_MUST_BE = {
    "bool_parsing": "it must be true or false",
    "bool_type": "it must be true or false",
    "dict_type": "it must be a mapping",
    "list_type": "it must be a list",
    "model_type": "it must be a mapping",
    "string_too_short": "it must not be empty",
    "string_type": "it must be a text",
}


def load_suite(path: Path, *, keys: Sequence[ExpectKey] = (), folder: Path | None = None) -> Suite:
    """Read one `scenarios.yaml`.

    Args:
        path: the file.
        keys: what `expect:` may have besides its own keys.
        folder: the project, for `scenarios: module:function`; None for the current folder.

    Raises:
        ScenarioFileError: naming every problem with its line.
    """
    data = _read(path)
    document = _parsed(data, path)
    problems = list(_structure(document))
    generated = None
    if not problems and isinstance(reference := document.value.get("scenarios"), str):
        try:
            generated = generate(reference, folder=folder or Path.cwd())
        except ScenarioFileError as error:
            raise ScenarioFileError(f"{path}:{document.line(('scenarios',))}: {error}") from error
        document.value["scenarios"] = list(generated.written)
    model = None
    if not problems:
        kind = suite_model(keys)
        try:
            model = kind.model_validate(document.value)
        except ValidationError as error:
            problems = [(document.line(_path(each)), _words(each, kind)) for each in error.errors()]
    scenarios: list[Scenario] = []
    if model is not None:
        scenarios = [
            each.value(
                line=document.line(("scenarios", index)),
                mocks=model.mocks,
                job=model.job,
                checks=model.checks,
            )
            for index, each in enumerate(model.scenarios)
        ]
        scenarios += generated.values if generated else ()
        problems = list(_meaning(model, scenarios, document))
    if problems or model is None:
        shown = [f"{path}:{line}: {problem}" for line, problem in sorted(problems)]
        raise ScenarioFileError("\n".join(shown))
    digest = hashlib.sha256(data)
    if generated:
        digest.update(repr(scenarios).encode("utf-8", "surrogatepass"))
    return Suite(
        id=model.id,
        name=model.name or path.resolve().parent.name,
        agent=model.agent,
        scenarios=tuple(each for each in scenarios if each.turns or each.caller.has_rules),
        without_caller=tuple(
            each for each in scenarios if not each.turns and not each.caller.has_rules
        ),
        driver=model.driver,
        path=str(path),
        sha256=digest.hexdigest(),
    )


def agent_of(path: Path) -> str:
    """Which agent a file is about; empty where it names none.

    Nothing else is read: checks that tests bring along may not be known here.

    Raises:
        ScenarioFileError: when it can't be read, or is no YAML.
    """
    value = _parsed(_read(path), path).value
    agent = value.get("agent") if isinstance(value, dict) else None
    return agent if isinstance(agent, str) else ""


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ScenarioFileError(f"{path}: can't be read: {error}") from error


def _parsed(data: bytes, path: Path) -> Located:
    if len(data) > _MOST_BYTES:
        raise ScenarioFileError(
            f"{path}: it has {len(data) / 1e6:.0f} MB, and {_MOST_BYTES / 1e6:.0f} MB is the most "
            "that is read: split it into several files"
        )
    try:
        return load(data.decode("utf-8-sig"))
    except RecursionError:
        line, problem = 1, "it is nested too deeply"
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


def _structure(document: Located) -> Iterator[tuple[int, str]]:
    if not isinstance(document.value, dict):
        found = "empty" if document.value is None else f"a {type(document.value).__name__}"
        yield 1, f"it is {found}, but must be a mapping with `agent` and `scenarios`"
    for line, key in document.duplicates:
        yield line, f"the key {key!r} appears twice; the second would replace the first"


def _meaning(
    model: SuiteModel, scenarios: Sequence[Scenario], document: Located
) -> Iterator[tuple[int, str]]:
    if not scenarios:
        yield document.line(("scenarios",)), "the suite is empty: add at least one scenario"
    if not model.agent and any(each.turns or each.caller.has_rules for each in scenarios):
        yield 1, "`agent` is missing: write `agent: module:name` of the agent under test"
    module, _, name = model.agent.partition(":")
    if model.agent and not (module and name):
        line = document.line(("agent",))
        yield line, f"agent {model.agent!r}: write `module:name`, as in `my_agents:Triage`"
    for name in ("label", "id"):
        first: dict[str, int] = {}
        for index, scenario in enumerate(scenarios):
            line, value = document.line(("scenarios", index, name)), getattr(scenario, name)
            if value and value in first:
                yield (
                    line,
                    f"two scenarios have the {name} {value!r}; the first is on line {first[value]}",
                )
            first.setdefault(value, line)


def _path(error: ErrorDetails) -> tuple[str | int, ...]:
    return tuple(error["loc"])


def _words(error: ErrorDetails, kind: type[SuiteModel]) -> str:
    path = _path(error)
    where = ".".join(str(part) for part in path if isinstance(part, str)) or "the file"
    value: Any = error["input"]
    if error["type"] == "extra_forbidden":
        return _unknown_key(path, kind)
    if error["type"] == "missing":
        return f"{where} is missing"
    reason = _MUST_BE.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    return f"{where} is {value!r}: {reason}"


def _unknown_key(path: tuple[str | int, ...], kind: type[SuiteModel]) -> str:
    key = str(path[-1])
    holders = [part for part in path[:-1] if isinstance(part, str)]
    holder = holders[-1] if holders else "the file"
    known = sorted(_keys_at(path[:-1], kind))
    close = get_close_matches(key, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    own = "" if close or holder != "expect" else _OWN_CHECK
    return f"unknown key {key!r} in {holder}: {hint}valid are {', '.join(known)}{own}"


_OWN_CHECK = (
    '. Is it of a check of yours? Name its module: `checks = ["my_checks"]` under '
    "[tool.handoff-evals] in pyproject.toml"
)


def _keys_at(path: Sequence[str | int], kind: type[BaseModel]) -> Iterator[str]:
    """The keys that a mapping may have, by the names and numbers that lead to it."""
    found = kind
    for part in path:
        fields = {field.alias or name: field for name, field in found.model_fields.items()}
        if part in fields:
            inside = _models_in(fields[str(part)].annotation)
            found = next(inside, found)
    yield from (field.alias or name for name, field in found.model_fields.items())


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _models_in(each)

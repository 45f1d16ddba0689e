"""What the code itself knows is written into the pages when they are built, never by hand.

A page says where: `<!-- generated: command line -->`. Also puts the JSON Schemas beside the pages.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from inspect import getdoc, getsource
from pathlib import Path
from typing import Any

import typer.main
from mkdocs.structure.files import File, Files

from handoff_evals.checks.scoring import registered
from handoff_evals.cli.main import app
from handoff_evals.cli.output import ExitCode
from handoff_evals.cli.schema_command import FileKind, schema_of
from handoff_evals.config import ModelConfig, PriceConfig, ProjectConfig
from handoff_evals.livekit.faults import AGENT_ERRORS
from handoff_evals.plugin.plugin import pytest_addoption
from handoff_evals.scenarios import json_schema

_ROOT = Path(__file__).parents[1]
_PLACE = re.compile(r"<!-- generated: (.*?) -->")
_MARKUP = re.compile(r"\[/?[a-z]+\]")


def on_files(files: Files, config: Any) -> Files:
    """Add a file for each JSON Schema (mkdocs calls this)."""
    for kind in FileKind:
        if kind is not FileKind.SCENARIOS:
            text = json.dumps(schema_of(kind), indent=2, ensure_ascii=False)
            name = f"reference/{kind.value}.schema.json"
            files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in what is generated (mkdocs calls this).

    Raises:
        KeyError: when a page asks for something that nobody makes.
    """
    return _PLACE.sub(lambda place: "\n".join(_MADE[place[1]]()), markdown)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    names = [*head]
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(map(_cell, row))} |"
    yield ""


def _cell(text: str) -> str:
    """The text with its upright lines written so that they end no cell; in code they don't."""
    parts = text.split("`")
    return "`".join(
        part if at % 2 else part.replace("|", "&#124;") for at, part in enumerate(parts)
    )


def _commands(group: Any, path: str = "handoff-evals") -> Iterator[tuple[str, Any]]:
    for name, each in group.commands.items():
        if hasattr(each, "commands"):
            yield from _commands(each, f"{path} {name}")
        else:
            yield f"{path} {name}", each


def _command_line() -> Iterator[str]:
    for typed, command in _commands(typer.main.get_command(app)):
        arguments = [each for each in command.params if each.param_type_name == "argument"]
        options = [each for each in command.params if each.param_type_name == "option"]
        named = "".join(f" {_argument(each)}" for each in arguments)
        yield f"## {typed.removeprefix('handoff-evals ')}\n"
        yield f"```text\n{typed} [OPTIONS]{named}\n```\n"
        yield f"{_MARKUP.sub('', command.help)}\n"
        examples, _, _ = command.epilog.partition("[bold]Exit codes")
        lines = [line.strip() for line in examples.splitlines()[1:] if line.strip()]
        shown = [re.sub(r"  \[dim\](.*)\[/dim\]", r"    # \1", line) for line in lines]
        yield "```sh\n" + "\n".join(_MARKUP.sub("", line) for line in shown) + "\n```\n"
        yield from _table(
            ("argument", "what it is"),
            ((f"`{_argument(each)}`", each.help or "") for each in arguments if each.help),
        )
        context = command.make_context(typed, [], resilient_parsing=True)
        rows = (_option(each, context) for each in options)
        yield from _table(("option", "what it does"), rows)


def _argument(parameter: Any) -> str:
    name = parameter.metavar or parameter.name.upper()
    return f"{name}..." if parameter.nargs == -1 and not name.endswith("...") else str(name)


def _option(parameter: Any, context: Any) -> tuple[str, str]:
    names = ", ".join(f"`{name}`" for name in parameter.opts)
    value = "" if parameter.is_flag else f" `{parameter.metavar or _kind_of(parameter, context)}`"
    default = parameter.default
    shown = getattr(default, "value", default)
    has = parameter.show_default and default not in (None, (), [], False) and not callable(default)
    return f"{names}{value}", f"{parameter.help or ''}{f' Default: `{shown}`.' if has else ''}"


def _kind_of(parameter: Any, context: Any) -> str:
    """What an option takes, as `--help` has it without the range: `INT`."""
    return re.sub(r"\W.*", "", parameter.display_type(context).strip("<>")).upper()


class _Options:
    """Takes the place of pytest's parser, and of the group in it."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []

    def getgroup(self, *_: str) -> "_Options":
        return self

    def addoption(self, name: str, **how: Any) -> None:
        value = f" {how['metavar']}" if "metavar" in how else ""
        self.rows.append((f"`{name}{value}`", how["help"]))


def _pytest_options() -> Iterator[str]:
    options: Any = _Options()
    pytest_addoption(options)
    yield from _table(("option", "what it does"), options.rows)


_HEADINGS = {
    "": "The file",
    "ScenarioModel": "A scenario",
    "TurnModel": "A turn",
    "ExpectModel": "`expect:` of a turn, and `opening:`",
    "ConversationExpectModel": "`expect:` of a scenario",
    "CallModel": "A call",
    "HopModel": "A hop of a path",
    "PathModel": "A path as a mapping",
    "NeverModel": "`never:`",
    "EndsModel": "`ends:` as a mapping",
    "JobModel": "`job:`",
    "CallerModel": "`caller:` of a job",
    "Matcher": "Matchers",
}


def _scenario_keys() -> Iterator[str]:
    schema = json_schema()
    definitions = {"": schema, **schema["$defs"]}
    ordered = [*_HEADINGS, *(name for name in definitions if name not in _HEADINGS)]
    for name in ordered:
        definition = definitions.get(name)
        if definition is None or "properties" not in definition:
            continue
        yield f"### {_HEADINGS.get(name, name.removesuffix('Model'))}\n"
        if about := definition.get("description"):
            yield f"{about}\n"
        required = definition.get("required", ())
        yield from _table(
            ("key", "value", "what it is"),
            (
                (f"`{key}`" + (" (required)" if key in required else ""), _kind(each), _about(each))
                for key, each in definition["properties"].items()
            ),
        )


def _about(schema: Mapping[str, Any]) -> str:
    return str(schema.get("description", ""))


_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "null": "`null`",
    "object": "mapping",
}


_SEVERAL = {"text": "texts", "mapping": "mappings", "a matcher": "matchers"}


def _kind(schema: Mapping[str, Any]) -> str:
    """What may be written there, in words."""
    if "enum" in schema:
        return " or ".join(f"`{each}`" for each in schema["enum"])
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return "a matcher" if name == "Matcher" else "mapping"
    if "anyOf" in schema:
        return ", or ".join(dict.fromkeys(_kind(each) for each in schema["anyOf"]))
    kind = schema.get("type")
    if isinstance(kind, list):
        return ", or ".join(_KINDS[each] for each in kind)
    if kind == "array":
        inner = _kind(schema["items"]) if schema.get("items") else ""
        return f"list of {_SEVERAL.get(inner, inner)}" if inner else "list"
    return _KINDS.get(kind or "", "any value")


def _settings() -> Iterator[str]:
    tables = (
        ("[tool.handoff-evals]", ProjectConfig),
        ("[tool.handoff-evals.models.NAME]", ModelConfig),
        ("price", PriceConfig),
    )
    for title, model in tables:
        yield f"### `{title}`\n"
        schema = {**model.model_json_schema()}
        about = _docstrings(model)
        yield from _table(
            ("key", "default", "what it is"),
            (
                (f"`{name}`", _default(each), about.get(name, ""))
                for name, each in schema["properties"].items()
                if name != "models"
            ),
        )


def _default(schema: Mapping[str, Any]) -> str:
    given = schema.get("default")
    return "" if given in (None, [], {}) else f"`{json.dumps(given)}`"


def _docstrings(model: type[Any]) -> Mapping[str, str]:
    """What stands below each field in the source."""
    found = re.findall(r'\n    (\w+):[^\n]*\n    """(.*?)"""', getsource(model), re.DOTALL)
    return {name: " ".join(text.split()) for name, text in found}


def _agent_faults() -> Iterator[str]:
    yield from _table(
        ("where it happens", "whose fault", "cause"),
        ((f"`{where}`", owner, f"`{cause}`") for where, (owner, cause) in AGENT_ERRORS.items()),
    )


_MEANINGS = {
    ExitCode.OK: "Valid; no gate failed. Of `diff` and `compare`: improved, or no difference "
    "larger than the margin.",
    ExitCode.GATE_FAILED: "A gate failed: `--min-passed`, `--min-accuracy`, or a verdict that is "
    "`regressed`.",
    ExitCode.USAGE: "Bad input: the message says what would be valid.",
    ExitCode.INVALID: "Nothing was scored, too much was unscored, or the local model can't be had.",
    ExitCode.INCONCLUSIVE: "The verdict is `can't tell`.",
    ExitCode.ENDED: "Code of the agents ended the run, or stopped it for good; what was finished "
    "is kept.",
    ExitCode.INTERRUPTED: "Stopped by Ctrl-C or a signal; what was finished is kept.",
}


def _checks() -> Iterator[str]:
    yield from _table(
        ("check", "what must be so"),
        (
            (f"`{each.name}`", (getdoc(each.function) or "").partition("\n")[0])
            for each in registered()
        ),
    )


def _exit_codes() -> Iterator[str]:
    yield from _table(("code", "when"), ((str(int(code)), _MEANINGS[code]) for code in ExitCode))


def _my_agents() -> Iterator[str]:
    text = (_ROOT / "tests" / "docs" / "project" / "my_agents.py").read_text(encoding="utf-8")
    yield f"```python\n{text}```"


_MADE: Mapping[str, Callable[[], Iterator[str]]] = {
    "command line": _command_line,
    "pytest options": _pytest_options,
    "scenario keys": _scenario_keys,
    "settings": _settings,
    "faults of agents": _agent_faults,
    "checks": _checks,
    "exit codes": _exit_codes,
    "my_agents.py": _my_agents,
}

"""`handoff-evals init`: from an agent's file to a first suite that passes."""

import asyncio
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from handoff_evals.cli.output import epilog, say
from handoff_evals.errors import AgentImportError, UsageError
from handoff_evals.files import write_atomically
from handoff_evals.terminal import echo, json_alone

if TYPE_CHECKING:
    from handoff_evals.models import Exploration
    from handoff_evals.runs import FirstSuite
    from handoff_evals.terminal import Console

INIT_EPILOG = epilog(
    ("init src/agent.py", ""),
    ("init src/agent.py:server --dry-run", "only print it"),
    ("init my_agents:Triage --folder evals/triage", ""),
)


_SUITES = "evals"


@dataclass(frozen=True, kw_only=True)
class _File:
    """What is to be written."""

    path: Path
    text: str
    added: str = ""
    """What is added at its end, where it is there already."""


@dataclass(frozen=True, kw_only=True)
class _Found:
    """An entry of an agent that could be called, and what was found behind it."""

    reference: str
    what: str
    explored: "Exploration"


def init(
    agent: Annotated[
        str,
        typer.Argument(
            metavar="AGENT",
            help="`path/to/agent.py`, or a module's name; with `:name` for one thing in it.",
        ),
    ],
    folder: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the suite is written.")
    ] = Path("evals"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; print what would be written.")
    ] = False,
) -> None:
    """Write a first suite for an agent: scenarios, a test, and settings that pass.

    It finds the entry point and the agents, calls their tools with made-up
    arguments and without a model, and writes what passes with the oracle. No file
    that is there already is changed; a pyproject.toml gets what it lacks.
    """
    from handoff_evals.runs import first_suite
    from handoff_evals.terminal import Console

    notes = Console(stderr=True)
    here = Path.cwd()
    if _SUITES not in folder.parts:
        raise UsageError(
            f"--folder {str(folder)!r}: pytest finds scenario files in a folder {_SUITES!r}; write "
            f"`--folder {_SUITES}/{folder.name}`"
        )
    found = _found(agent, here, notes)
    for line in _about(found):
        echo(line)
    with notes.status("running the scenarios with the oracle"), json_alone():
        suite = first_suite(found.reference, found.explored, folder=here)
    say(notes, [f"left out: {each}" for each in suite.left_out])
    if not suite.scenarios:
        raise UsageError(
            f"no scenario of {found.reference!r} passed with the oracle, so there is nothing to "
            "write; what was left out above says why"
        )
    _write(_files(found, suite, folder), dry_run=dry_run)
    if not dry_run:
        echo(f"{suite.scenarios} scenarios pass with the oracle. Next: `pytest {folder}`")


def _about(found: _Found) -> Iterator[str]:
    graph = found.explored.graph
    yield f"found: {found.reference}, {found.what}"
    yield f"  {len(graph.labels)} agents: {', '.join(graph.labels)}"
    yield f"  {len(graph.pairs)} edges: {', '.join(' -> '.join(pair) for pair in graph.pairs)}"


def _found(agent: str, here: Path, notes: "Console") -> _Found:
    """The first entry of a module that can be called.

    Raises:
        UsageError: when there is none, with the next step.
    """
    written, _, name = agent.partition(":")
    written = _from_here(written, here)
    module = _imported(written, here)
    tries = [(name, "as named")] if name else _candidates(module, written, here)
    failed: list[str] = []
    for each, what in tries:
        explored = _explored(f"{written}:{each}", here, notes)
        if explored.ways:
            say(notes, failed)
            say(notes, explored.notes)
            return _Found(reference=f"{written}:{each}", what=what, explored=explored)
        why = "; ".join(explored.faults) or "no agent took the call"
        failed.append(f"{written}:{each} ({what}) could not be called: {why}")
    steps = list(dict.fromkeys(_next_step(each, written) for each in failed))
    raise UsageError("\n".join([*failed, *(f"Next: {each}" for each in steps)]))


def _from_here(written: str, here: Path) -> str:
    """A file as a path from the current folder."""
    if not written.endswith(".py"):
        return written
    path = Path(written).resolve()
    if not path.is_file():
        raise UsageError(f"there is no file {written!r}: name the file that defines your agents")
    if not path.is_relative_to(here.resolve()):
        raise UsageError(
            f"{written!r} lies outside of {str(here)!r}: run it in the project's folder"
        )
    return str(path.relative_to(here.resolve()))


def _imported(written: str, here: Path) -> ModuleType:
    from handoff_evals.livekit import allow_construction
    from handoff_evals.user_code import import_reference, module_of

    allow_construction()
    reference = f"{written}:__name__"
    try:
        with json_alone():
            import_reference(reference, folder=here, what="agent", raises=AgentImportError)
    except AgentImportError as error:
        raise UsageError(str(error).replace(":__name__", "")) from error
    return sys.modules[module_of(reference, folder=here)]


def _candidates(module: ModuleType, written: str, here: Path) -> list[tuple[str, str]]:
    """What of a module may be called; of its classes that first which leads to the most agents."""
    from handoff_evals.livekit import default_id, entry_candidates, unmakeable
    from handoff_evals.runs import AgentUnderTest

    found = entry_candidates(module)
    if found:
        source = AgentUnderTest.load(f"{written}:{found[0].name}", folder=here).source()

        def reach(name: str) -> int:
            return len(replace(source, first=default_id(name)).depths)

        classes = [each for each in found if each.is_class]
        classes.sort(key=lambda each: -reach(each.name))
        found = (*(each for each in found if not each.is_class), *classes)
        return [(each.name, each.what) for each in found]
    needing = unmakeable(module)
    if needing:
        listed = ", ".join(f"{name} ({why})" for name, why in needing.items())
        first = next(iter(needing))
        raise UsageError(
            f"{written!r} has no entry: no AgentServer, no function of a JobContext, and its "
            f"agents need arguments: {listed}. Next: write a function that makes the first agent, "
            f"as `def first(): return {first}(…)`, and name it: "
            f"`handoff-evals init {written}:first`"
        )
    raise UsageError(
        f"{written!r} has no entry: it defines no AgentServer, no function of a JobContext and no "
        "Agent class. Next: name the file that does, which is the one that you deploy"
    )


def _explored(reference: str, here: Path, notes: "Console") -> "Exploration":
    from handoff_evals.models import ExploreSettings
    from handoff_evals.runs import AgentUnderTest

    under_test = AgentUnderTest.load(reference, folder=here)
    with notes.status(f"calling the tools of {reference}"), json_alone():
        return asyncio.run(under_test.explore(ExploreSettings(thorough=True)))


_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*_(?:API_)?(?:KEY|SECRET|TOKEN|URL|PASSWORD|DSN)\b")
_CREDENTIALS = re.compile(r"api.?key|credential|unauthori[sz]ed|secret|token", re.IGNORECASE)
_ROOM = re.compile(r"participant|room|track|metadata|turn_timeout|job", re.IGNORECASE)


def _next_step(failure: str, written: str) -> str:
    """What to do about an agent that could not be called."""
    named = _VARIABLE.findall(failure)
    if named:
        names = ", ".join(dict.fromkeys(named))
        return (
            f"set {names} in `.env` or the environment, to any value: the run's model stands in "
            "for the agents' own, so nothing is sent with it"
        )
    if _CREDENTIALS.search(failure):
        return "set the credentials that it asks for in `.env`, to any value: nothing is sent"
    factory = (
        f"name a function that makes the agent, as `def first(): return MyAgent()`: `handoff-evals "
        f"init {written}:first`"
    )
    if _ROOM.search(failure):
        return (
            "it waits for something of the room or the job that no test call has: say it by `job:` "
            f"in a scenario file (docs/how-to/entry-points.md), or {factory}"
        )
    return f"correct that, or {factory}"


def _files(found: _Found, suite: "FirstSuite", folder: Path) -> list[_File]:
    return [
        _File(path=folder / "scenarios.yaml", text=suite.text),
        _File(path=folder / "test_handoffs.py", text=_test(found)),
        *_settings(folder),
    ]


def _test(found: _Found) -> str:
    """A pytest file: who answers, and one handoff by its tool."""
    explored = found.explored
    agent = json.dumps(found.reference)
    first = next(each for each in explored.graph.agents if each.label == explored.first)
    text = _TEST_HEAD.format(agent=agent, first=json.dumps(first.id))
    for (old, _new), [step, *more] in explored.edges.items():
        if old == first.label and not more and len(step.calls) == 1:
            [call] = step.calls
            return text + _TEST_EDGE.format(
                name=json.dumps(call.name),
                arguments=json.dumps(call.arguments),
                new=json.dumps(step.agent.id),
                agent=agent,
            )
    return text


_TEST_HEAD = '''"""The first tests of how calls are handed over, written by `handoff-evals init`.

Nobody's model is real here: `ScriptedLLM` says what each agent's model answers.
"""

import pytest

from handoff_evals import ScriptedLLM, ToolCall

pytestmark = pytest.mark.asyncio

AGENT = {agent}


async def test_the_first_agent_answers_the_call(agent_call):
    call = await agent_call(AGENT, llm=ScriptedLLM(lambda request: "Yes?"))
    assert call.active_agent_id == {first}
'''

_TEST_EDGE = '''

def calls_once(name, arguments):
    """A model that calls one tool, once, and says a few words otherwise."""
    left = [ToolCall(name=name, arguments=arguments)]

    def answer(request):
        if left and request.last_user_text and name in request.tool_names:
            return left.pop()
        return "Yes?"

    return ScriptedLLM(answer)


async def test_a_call_of_the_tool_hands_over(agent_call):
    call = await agent_call(AGENT, llm=calls_once({name}, {arguments}))
    await call.say("Hello.")
    assert call.active_agent_id == {new}
'''


def _settings(folder: Path) -> Iterator[_File]:
    """What `pyproject.toml` lacks for pytest and for the harness."""
    path = Path("pyproject.toml")
    before = path.read_text("utf-8") if path.exists() else ""
    try:
        tool: Mapping[str, object] = tomllib.loads(before).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"pyproject.toml can't be read: {error}") from error
    parts: list[str] = []
    if "pytest" not in tool:
        top = folder.parts[0] if folder.parts else "."
        parts.append(
            "[tool.pytest.ini_options]\n"
            f'testpaths = ["{top}"]\n'
            'asyncio_mode = "auto"  # tests of agents are coroutines\n'
            'asyncio_default_fixture_loop_scope = "function"\n'
            'addopts = ["--import-mode=importlib"]  # test files of the same name\n'
        )
    if "handoff-evals" not in tool:
        parts.append(
            "[tool.handoff-evals]\nturn_timeout = 30  # seconds for one turn of a conversation\n"
        )
    if parts:
        added = "\n".join(parts)
        gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
        yield _File(path=path, text=before + gap + added, added=added)


def _write(files: Sequence[_File], *, dry_run: bool) -> None:
    """Write what is not there yet, or nothing at all.

    Raises:
        UsageError: when a file is there with other words in it.
    """
    kept = [each for each in files if not each.added and each.path.exists()]
    changed = [each for each in kept if each.path.read_text("utf-8") != each.text]
    if changed and not dry_run:
        names = " and ".join(repr(str(each.path)) for each in changed)
        raise UsageError(
            f"{names} {'is' if len(changed) == 1 else 'are'} there already, so nothing was "
            "written: name another --folder, or move it away; --dry-run prints what it would be"
        )
    left = [each for each in files if each not in kept or (dry_run and each in changed)]
    if not left:
        echo("nothing to do: all of it is there")
    for each in left:
        if dry_run:
            verb = "would be added to" if each.added else "would be written to"
            there = ", but there is one already" if each in changed else ""
            echo(f"\n# {verb} {each.path}{there}\n{each.added or each.text}", nl=False)
            continue
        try:
            each.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(each.path, each.text)
        except OSError as error:
            raise UsageError(f"{str(each.path)!r} can't be written: {error}") from error
        echo(f"{'added to' if each.added else 'wrote'} {each.path}")

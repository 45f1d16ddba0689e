"""A run goes on only with the agents that it was begun with, wherever their prompts are kept."""

import asyncio
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from handoff_evals.errors import UsageError
from handoff_evals.livekit import AgentEntry
from handoff_evals.results import Manifest, RunFolder, SuiteRecord
from handoff_evals.runs.agent_version import AgentVersion, VersionReader, check_versions
from handoff_evals.scenarios import Suite
from tests.support.imports import forgotten

BEGIN = """
import json, os, random, uuid
from datetime import datetime
from pathlib import Path
from livekit.agents import Agent, AgentSession, function_tool
HERE = Path(__file__).parent
DRAWN = uuid.uuid4().hex
TOPICS = ", ".join({"sales", "billing", "returns"})
"""
END = """
class Later(Agent):
    def __init__(self):
        super().__init__(instructions=prompt("later"))

@function_tool
async def move():
    return Later()

def open_call(model):
    return Agent(id="a", instructions=prompt("a"), tools=[move]), AgentSession(llm=model)
"""
Check = Callable[[], None]
NUMBERS = count()


@pytest.fixture
def begun(tmp_path: Path) -> Callable[[str], Check]:
    """Begin a run with agents whose `prompt(name)` is this; what comes back goes on with it."""

    def begin(prompt: str) -> Check:
        module = f"agents_of_a_version_{next(NUMBERS)}"
        (tmp_path / f"{module}.py").write_text(f"{BEGIN}{prompt}\n{END}")
        agent = f"{module}:open_call"
        suite = Suite(name="S", agent=agent, scenarios=())
        record = SuiteRecord(
            name="S", path="", sha256="", agent=agent, agent_sha256="", scenarios=()
        )
        manifest = Manifest(
            created_at="", command=(), suites=(record,), models=(), trials=1, seed=0
        )
        run = RunFolder.create(tmp_path / "runs", manifest, name="one")

        def check() -> None:
            with forgotten(tmp_path):
                entry = AgentEntry.load(agent, folder=tmp_path)
                reader = VersionReader(suite=suite, folder=tmp_path, within_s=30)
                asyncio.run(check_versions(run, [reader], {"S": entry}))

        check()
        return check

    return begin


@pytest.mark.parametrize(
    ("prompt", "file", "said"),
    [
        (
            'DATA = json.loads((HERE / "agents.json").read_text())\nprompt = lambda x: DATA[x]',
            "agents.json",
            "agents.json and the values that its code reads changed",
        ),
        (
            'def prompt(name): return (HERE / "prompts" / f"{name}.md").read_text()',
            "prompts/later.md",
            "prompts/later.md changed",
        ),
        (
            'def prompt(name): return (HERE / f"{name}_prompt.txt").read_text()',
            "later_prompt.txt",
            "later_prompt.txt changed",
        ),
    ],
)
def test_a_prompt_that_is_kept_as_data_is_part_of_the_version(
    begun: Callable[[str], Check], tmp_path: Path, prompt: str, file: str, said: str
) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "agents.json").write_text('{"a": "You are a.", "later": "You are kind."}')
    for name in ("a", "later"):
        (tmp_path / "prompts" / f"{name}.md").write_text("You are kind.")
        (tmp_path / f"{name}_prompt.txt").write_text("You are kind.")
    check = begun(prompt)
    check()

    path = tmp_path / file
    path.write_text(path.read_text().replace("kind", "rude"))

    with pytest.raises(UsageError, match=f"can't be resumed, .*{said}"):
        check()


def test_so_is_what_the_source_does_not_show(
    begun: Callable[[str], Check], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPT", "You are kind.")
    check = begun('def prompt(name): return os.environ["PROMPT"]')
    check()
    monkeypatch.setenv("PROMPT", "You are rude.")
    with pytest.raises(UsageError, match="the instructions of default_agent changed"):
        check()


@pytest.mark.parametrize(
    "words",
    [
        'f"Call {uuid.uuid4()}"',
        "DRAWN",
        'f"At {datetime.now()}"',
        'f"Topics: {TOPICS}"',
    ],
    ids=["drawn when opened", "drawn when imported", "the time", "a set"],
)
def test_what_differs_by_itself_is_not(begun: Callable[[str], Check], words: str) -> None:
    check = begun(f"def prompt(name): return {words}")
    check()


def test_what_is_masked_is_not(
    begun: Callable[[str], Check], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.handoff-evals]\nmask = ['Open for ([a-z]+)']\n")
    monkeypatch.setenv("PROMPT", "Open for all.")
    check = begun('def prompt(name): return os.environ["PROMPT"]')
    monkeypatch.setenv("PROMPT", "Open for members.")
    check()


def test_a_factory_that_raises_is_a_matter_of_the_conversations(
    begun: Callable[[str], Check],
) -> None:
    check = begun("def prompt(name): raise LookupError(name)")
    check()


def test_a_run_of_an_earlier_version_goes_on_and_has_its_version_noted(
    begun: Callable[[str], Check], tmp_path: Path
) -> None:
    check = begun('def prompt(name): return "You are kind."')
    run = RunFolder.open(tmp_path / "runs" / "one")
    noted = run.manifest.suites[0].agent_version
    run.note_agents({})
    check()
    assert run.manifest.suites[0].agent_version == noted != {}


ENTRY_POINT = """
server = AgentServer()
WORDS = {words}

@server.rtc_session()
async def takes_calls(ctx: JobContext):
    agent = Agent(instructions=WORDS["a"])
    await AgentSession().start(agent=agent, room=ctx.room)
"""


def test_an_entry_point_is_run_to_see_its_agent(tmp_path: Path) -> None:
    def version(words: str) -> AgentVersion:
        name = f"server_of_a_version_{next(NUMBERS)}"
        source = "from livekit.agents import Agent, AgentServer, AgentSession, JobContext\n"
        path = tmp_path / f"{name}.py"
        path.write_text(source + ENTRY_POINT.replace("{words}", f"dict(a={words!r})"))
        agent = f"{name}.py:server"
        with forgotten(tmp_path):
            reader = VersionReader(
                suite=Suite(name="S", agent=agent, scenarios=()), folder=tmp_path, within_s=30
            )
            return asyncio.run(reader.read(AgentEntry.load(agent, folder=tmp_path)))

    kind, rude = version("You are kind."), version("You are rude.")

    assert "the instructions of default_agent" in kind
    assert kind["the instructions of default_agent"] != rude["the instructions of default_agent"]

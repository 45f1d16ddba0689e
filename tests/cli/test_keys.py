"""A run with keys in eight places, and a server that sends back all that it gets."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from handoff_evals import credentials
from tests.cli.conftest import Done
from tests.support.echo_server import echoing

Command = Callable[..., Done]

KEYS = {
    "environment": "sk-env-3f9Qx71LmA",
    "elsewhere": "tok_elsewhere_81xPq02",
    "dotenv": "sk-dotenv-77Hn2kPp4",
    "toml": "sk-toml-1bC9dE8f7",
    "header": "hdr-92kLs8Vb3nQ",
    "query": "qry-5Tg6Yh7Uj8I",
    "body": "bdy-0Ok9Ij8Uh7Y",
    "password": "p%40ss-4Rf5Tg6Yh",
    "url": "urlkey-3Ed4Rf5Tg",
}
AGENTS = """
from livekit.agents import Agent, AgentSession, function_tool

class Desk(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You are the desk.")

    @function_tool
    async def look_up(self, words: str) -> str:
        '''Look something up.'''
        return words

def desk(llm=None):
    return Desk(), AgentSession(llm=llm)
"""
SUITE = """
agent: key_agents:desk
scenarios:
  - label: Says something
    turns:
      - user: Hello
        expect: {agent: other, carries: [nothing]}
"""
TOML = """
[tool.handoff-evals.models.table]
model = "m"
base_url = "{base}"
api_key_env = "MY_KEY"
[tool.handoff-evals.models.table.options]
extra_headers = {{ X-Thing = "{header}", Authorization = "Bearer {toml}" }}
extra_query = {{ version = "{query}" }}
extra_body = {{ user = "{body}", password = "{toml}" }}
[tool.handoff-evals.models.dotenv]
model = "m"
base_url = "{base}"
api_key_env = "DOTENV_KEY"
"""


@pytest.mark.parametrize("fails", [False, True])
async def test_no_file_and_no_output_holds_a_key(
    project: Path, command: Command, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    async with echoing(status=401 if fails else 200) as url:
        monkeypatch.setattr(credentials, "_KNOWN", type(credentials._KNOWN)())
        monkeypatch.setenv("MY_KEY", KEYS["environment"])
        monkeypatch.setenv("OTHER_API_TOKEN", KEYS["elsewhere"])
        monkeypatch.setenv("PYTHON_DOTENV_DISABLED", "0")
        (project / ".env").write_text(f"DOTENV_KEY={KEYS['dotenv']}\n")
        (project / "key_agents.py").write_text(AGENTS)
        (project / "pyproject.toml").write_text(TOML.format(base=url, **KEYS))
        (project / "evals" / "star" / "scenarios.yaml").write_text(SUITE)
        secret = url.replace("://", f"://me:{KEYS['password']}@") + f"?key={KEYS['url']}#m"
        names = ["-m", "table", "-m", "dotenv", "-m", secret]

        def work() -> list[Done]:
            return [
                command("run", *names, "--out", "mine", "--cassettes", "auto"),
                command("run", *names, "--json", "--out", "json"),
                command("show", "mine", "--markdown", "mine.md"),
                command("show", "mine", "Says", "--received"),
                command("baseline", "mine", "kept.json"),
                command("compare", "mine", "--json"),
                command("judge", "mine", "--out", "judged"),
                command("resume", "mine"),
                command("models", *names[1::2]),
            ]

        dones = await asyncio.to_thread(work)
    if not fails:
        assert "you sent" in dones[3].out, dones[0].err
    files = _files(project)
    ours = [path for path in files if path.name not in {".env", "pyproject.toml"}]
    assert len(ours) > 8
    texts = [*(path.read_text() for path in ours), *(str(path) for path in ours)]
    texts += [text for done in dones for text in (done.out, done.err)]
    values = [*KEYS.values(), "p@ss-4Rf5Tg6Yh"]
    assert [value for value in values if any(value in text for text in texts)] == []


def _files(project: Path) -> list[Path]:
    return [path for path in project.rglob("*") if path.is_file()]


def test_a_key_in_the_place_of_its_variables_name_is_not_printed(
    project: Path, command: Command
) -> None:
    for key in ("sk-live-0123456789abcdef", "gsk_A1b2C3d4E5f6G7h8", "AKIAIOSFODNN7EXAMPLE"):
        (project / "pyproject.toml").write_text(
            f'[tool.handoff-evals.models.a]\nmodel = "m"\napi_key_env = "{key}"\n'
        )
        done = command("run", "-m", "a")
        assert done.code == 2
        assert key not in done.err
        assert "must be the name of an environment variable" in done.err


REDACT = """
import re

def without_numbers(text: str) -> str:
    return re.sub("[0-9]{4,}", "#", text)
"""
PRIVATE = """
from livekit.agents import Agent, AgentSession, function_tool
from handoff_evals import ScriptedLLM, tool_call

class Desk(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="Call 44710001.", id="desk")
        self.account = "44710002"

    @function_tool
    async def look_up(self, words: str = "44710003") -> str:
        '''Look up 44710004.'''
        if "fail" in words:
            raise ValueError("no 44710005")
        return "found 44710006"

def desk(llm=None):
    return Desk(), AgentSession(llm=llm)

def talks():
    calls = [tool_call("look_up", words=f"{word} 44710007") for word in ("find", "fail")]
    return ScriptedLLM([calls[0], "It is 44710008.", calls[1], "Sorry."], unused_ok=True)
"""
PRIVATE_SUITE = """
agent: private_agents:desk
scenarios:
  - label: Account 44710009
    turns:
      - user: It is 44710010
        expect: {agent: desk, where: {account: "44710002"}}
      - user: And 44710011
        expect: {agent: desk, carries: ["44710012"]}
  - label: Account 44710013
    turns:
      - user: Hello
"""


def test_redact_goes_over_all_that_is_kept_and_the_run_can_be_judged_and_replayed(
    project: Path, command: Command
) -> None:
    (project / "privacy.py").write_text(REDACT)
    (project / "private_agents.py").write_text(PRIVATE)
    (project / "evals" / "star" / "scenarios.yaml").write_text(PRIVATE_SUITE)
    (project / "pyproject.toml").write_text(
        '[tool.handoff-evals]\nredact = "privacy:without_numbers"\ncassettes = "kept"\n'
    )
    asked = ("-m", "private_agents:talks", "--cassettes", "auto")
    first = command("run", *asked, "--out", "mine")
    second = command("run", *asked[:3], "replay", "--out", "again")
    assert "2 answers replayed, 0 requests" not in first.err
    assert "0 requests asked a model" in second.err, second.err
    command("baseline", "mine", "kept.json")
    command("show", "mine", "--markdown", "mine.md")
    judged = command("judge", "mine", "--out", "judged")
    assert judged.code == 0, judged.err
    assert (
        "Account # (2)"
        in json.loads((project / "mine" / "manifest.json").read_text())["suites"][0]["scenarios"]
    )
    kept = [
        path
        for folder in ("mine", "again", "judged", "kept")
        for path in (project / folder).rglob("*.json*")
    ]
    kept += [project / "kept.json", project / "mine.md"]
    found = [each for path in kept for each in re.findall(r".{40}447100\d\d", path.read_text())]
    assert found == []

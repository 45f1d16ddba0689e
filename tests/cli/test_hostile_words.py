"""Every command, with words that want to be more: none of them does anything on a terminal.

A command or an option that prints and has no case here fails `test_each_printer_has_a_case`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import typer
import yaml

from handoff_evals.cli.main import app
from tests.cli.conftest import Done

Command = Callable[..., Done]
ROOT = Path(__file__).parents[2]

HOSTILE = (
    "\x1b]0;title\x07 \x1b[2J \x1b]8;;http://x.example\x1b\\link \x1b]52;c;QUJD\x07 \x9b2J \x07\b "
    "\u202eright\u202c\u2066 ::error::x :: ##[error]y x##vso[task.complete] "
    " ::set-output name=a::b ::stop-commands::t [/x] [bold red]m[/] x:smile: |\r\n::warning::w\n"
    "  ::notice::n"
)

AGENTS = '''
import json
from livekit.agents import Agent, AgentSession, function_tool
from handoff_evals import ScriptedLLM, tool_call

HOSTILE = {hostile!r}


class Hostile(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="Prompt " + HOSTILE, id="desk [/x] ::error::")

    @function_tool
    async def look_up(self, words: str) -> str:
        """Look something up."""
        return words + HOSTILE + "\\ud83d"

    @function_tool
    async def fails(self, words: str) -> str:
        """Fail."""
        raise ValueError(words + HOSTILE)


class Other(Hostile):
    def __init__(self) -> None:
        super().__init__()
        self._id = "other [/x] ##[error]"


def desk(llm=None):
    return Hostile(), AgentSession(llm=llm)


def talks():
    return ScriptedLLM(
        [
            tool_call("look_up", words=HOSTILE),
            HOSTILE + "\\ud83d",
            tool_call("fails", words=HOSTILE),
            HOSTILE,
        ],
        unused_ok=True,
    )
'''

MUTATED = '''
from framework import Agent, function_tool


class Front(Agent):
    def __init__(self, *, chat_ctx=None):
        super().__init__(instructions="{hostile}", chat_ctx=chat_ctx)

    @function_tool
    def to_billing(self):
        """{hostile}"""
        return Front(chat_ctx=self.chat_ctx), "{hostile}"
'''
MUTATED_TEST = """
import pytest
from mutated import Front


@pytest.mark.parametrize("words", ["{hostile}"])
def test_it(words):
    agent, message = Front().to_billing()
    if not agent.instructions:
        raise TypeError(words)
    assert message == words, words
"""
FRAMEWORK = """
class Agent:
    def __init__(self, *, instructions, chat_ctx=None):
        self.instructions, self.chat_ctx = instructions, chat_ctx

def function_tool(function):
    return function
"""
MODEL = ("-m", "hostile_agents:talks")
RUN = ("run", *MODEL, "--only", "said")


@pytest.fixture(name="hostile")
def _hostile(project: Path) -> Path:
    (project / "hostile_agents.py").write_text(AGENTS.format(hostile=HOSTILE))
    shutil.rmtree(project / "evals")
    folder = project / "evals" / "[bold] x:smile: ##[error]"
    folder.mkdir(parents=True)
    (folder / "scenarios.yaml").write_text(yaml.safe_dump(_suite(), allow_unicode=False))
    (project / "pyproject.toml").write_text('[tool.handoff-evals]\ncassettes = "kept"\n')
    return project


def _suite() -> Mapping[str, object]:
    expect = {"agent": "other", "carries": [HOSTILE[:60]], "calls": [{"name": HOSTILE}]}
    said = {"user": HOSTILE, "expect": expect}
    return {
        "name": f"Suite {HOSTILE}",
        "agent": "hostile_agents:desk",
        "scenarios": [
            {"label": f"said {HOSTILE}", "tags": {"kind": HOSTILE}, "turns": [said, said]},
            {"label": f"simulated {HOSTILE}", "instructions": HOSTILE},
            {"label": "said plainly", "turns": [{"user": "Hi"}]},
        ],
    }


def _run(command: Command, *words: str) -> Done:
    return command(*RUN, *words)


def _finished(command: Command) -> Path:
    command(*RUN, "--out", "mine")
    return Path("mine")


def run_(command: Command, *words: str) -> list[Done]:
    return [
        command(*RUN, *words),
        command("run", "-m", f"no {HOSTILE}", *words),
        command("run", HOSTILE, *words),
        command(*RUN, "--cassettes", "auto", *words),
        command(*RUN, "--cassettes", "replay", *words),
        command(*RUN, "--min-passed", "1", "-m", "oracle", *words),
    ]


def resume(command: Command, *words: str) -> list[Done]:
    trials = _finished(command) / "trials.jsonl"
    trials.write_bytes(trials.read_bytes().splitlines(keepends=True)[0])
    return [command("resume", "mine", *words), command("resume", HOSTILE, *words)]


def diff(command: Command, *words: str) -> list[Done]:
    _finished(command)
    both = command("diff", "--a", "mine", "--b", "mine", *words)
    return [both, command("diff", "--a", HOSTILE, *words)]


def plan(command: Command, *words: str) -> list[Done]:
    _finished(command)
    return [command("plan", *words), command("plan", "--by", "mine", "-m", HOSTILE, *words)]


def show(command: Command, *words: str) -> list[Done]:
    _finished(command)
    command("run", "-m", "oracle", "--out", "other", "--only", "said")
    if words[:1] in {("--markdown",), ("--baseline",)}:
        return [command("show", "mine", *words)]
    return [
        command("show", "mine"),
        command("show", "mine", "said", *words),
        command("show", "mine", "other", "said", *words),
        command("show", "mine", f"no {HOSTILE}", *words),
    ]


def judge(command: Command, *words: str) -> list[Done]:
    return [command("judge", str(_finished(command)), *words)]


def compare(command: Command, *words: str) -> list[Done]:
    command(*RUN, "-m", "oracle", "-m", "never", "--out", "mine")
    return [command("compare", "mine", *words)]


def baseline(command: Command, *words: str) -> list[Done]:
    _finished(command)
    first = command("baseline", "mine", "kept.json", *words)
    again = command("baseline", "mine", "kept.json", *words)
    gated = command(*RUN, "--baseline", "kept.json")
    Path("kept.json").write_text(json.dumps({"schema": HOSTILE}))
    return [first, again, gated, command("baseline", "mine", "kept.json", *words)]


def import_(command: Command, *words: str) -> list[Done]:
    call = {"name": HOSTILE, "call_id": "1", "arguments": json.dumps({"words": HOSTILE})}
    items = [
        {"type": "message", "role": "user", "content": [HOSTILE]},
        {"type": "function_call", **call},
        {"type": "function_call_output", "call_id": "1", "name": HOSTILE, "output": HOSTILE},
        {"type": "agent_handoff", "new_agent_id": HOSTILE, "old_agent_id": "a"},
        {"type": "message", "role": "assistant", "content": [HOSTILE]},
        {"type": HOSTILE},
    ]
    Path("report.json").write_text(json.dumps({"items": items, "room": HOSTILE}))
    Path("bad.json").write_text(json.dumps({HOSTILE: HOSTILE}))
    done = command("import", "report.json", *words)
    if not words:
        said = yaml.safe_load(done.out)["scenarios"][0]["turns"][0]["user"]
        assert said.split() == HOSTILE.split(), "what is written reads back as it was said"
    return [done, command("import", "bad.json")]


def cassettes_prune(command: Command, *words: str) -> list[Done]:
    command("run", *MODEL, "--cassettes", "auto")
    suite = next(Path("evals").rglob("scenarios.yaml"))
    suite.write_text(suite.read_text().replace("Hi", "Ho"))
    return [
        command("cassettes", "prune", *MODEL, *words),
        command("cassettes", "prune", HOSTILE, *MODEL, *words),
    ]


def models(command: Command, *words: str) -> list[Done]:
    Path("pyproject.toml").write_text(
        f"[tool.handoff-evals.models.{json.dumps(HOSTILE)}]\nmodel = {json.dumps(HOSTILE)}\n"
    )
    return [command("models", *words), command("models", HOSTILE, *words)]


def graph(command: Command, *words: str) -> list[Done]:
    return [command("graph", "hostile_agents:desk", *words), command("graph", HOSTILE, *words)]


def init(command: Command, *words: str) -> list[Done]:
    return [command("init", "hostile_agents.py", *words), command("init", HOSTILE, *words)]


def mutate(command: Command, *words: str) -> list[Done]:
    printable = HOSTILE.encode("unicode_escape").decode()
    Path("framework.py").write_text(FRAMEWORK)
    Path("mutated.py").write_text(MUTATED.format(hostile=printable))
    Path("test_mutated.py").write_text(MUTATED_TEST.format(hostile=printable))
    return [
        command("mutate", "mutated.py", "--tests", "test_mutated.py", "-j", "1", *words),
        command("mutate", HOSTILE, *words),
    ]


def schema(command: Command, *words: str) -> list[Done]:
    title = HOSTILE.replace("\x1b", "")
    return [command("schema", *words), command("schema", f"no title {title}", *words)]


def report(command: Command, *words: str) -> list[Done]:
    _finished(command)
    return [command("report", "mine", *words), command("report", HOSTILE, *words)]


def label(command: Command, *words: str) -> list[Done]:
    _finished(command)
    asked = ("--question", HOSTILE, "--by", HOSTILE)
    return [
        command("label", "mine", *asked, *words),
        command("label", HOSTILE, *asked, *words),
    ]


def calibrate(command: Command, *words: str) -> list[Done]:
    return [command("calibrate", *words), command("calibrate", HOSTILE, HOSTILE, *words)]


CASES = {
    "run": run_,
    "resume": resume,
    "diff": diff,
    "plan": plan,
    "show": show,
    "judge": judge,
    "compare": compare,
    "baseline": baseline,
    "import": import_,
    "graph": graph,
    "init": init,
    "cassettes prune": cassettes_prune,
    "models": models,
    "mutate": mutate,
    "schema": schema,
    "label": label,
    "calibrate": calibrate,
    "report": report,
}
VALUES = {
    "--markdown": "out.md",
    "--folder": "evals/new",
    "--out": "out",
    "--baseline": "kept.json",
    "--html": "out.html",
    "--labels": "labels.jsonl",
}
"""What stands behind an option that takes a value."""


def _commands(group: object = None, before: str = "") -> dict[str, object]:
    group = group or typer.main.get_command(app)
    found: dict[str, object] = {}
    for name, each in group.commands.items():  # type: ignore[attr-defined]
        whole = f"{before}{name}"
        found |= _commands(each, f"{whole} ") if hasattr(each, "commands") else {whole: each}
    return found


_PRINTS = re.compile(
    r"(print|write|where|the (new )?(run's )?folder|the scenario file)\b", re.IGNORECASE
)


def _formats() -> list[tuple[str, str]]:
    """Every command by itself, and with each option that says what it prints or writes."""
    found = []
    for name, each in _commands().items():
        found.append((name, ""))
        for option in each.params:  # type: ignore[attr-defined]
            text = getattr(option, "help", None) or ""
            long = [word for word in option.opts if word.startswith("--")]
            if long and _PRINTS.match(text.removeprefix("Also ").strip()):
                found.append((name, long[0]))
    return found


def test_each_printer_has_a_case() -> None:
    assert set(CASES) == set(_commands()), "add a case that makes the command print HOSTILE"
    options = {option for _, option in _formats()}
    assert {"--json", "--markdown", "--received", "--out", "--quiet"} <= options


@pytest.mark.parametrize(("name", "option"), _formats())
def test_hostile_words_are_only_words(
    hostile: Path, command: Command, name: str, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(hostile / "step.md"))
    words = [] if not option else [option, *([VALUES[option]] if option in VALUES else [])]
    if name in {"show", "run", "resume", "judge"} and option == "--baseline":
        command(*RUN, "--out", "kept")
        command("baseline", "kept", "kept.json")
    dones = CASES[name](command, *words)
    printed = [text for done in dones for text in (done.out, done.err)]
    written = [path.read_text() for path in hostile.glob("*.md")]
    for text in (*printed, *written):
        assert_inert(text)
    if option == "--json":
        for done in dones:
            if done.out:
                json.loads(done.out)
    if option != "--quiet":
        assert any("title" in text for text in printed), "the words were printed at all"


def assert_inert(text: str) -> None:
    """No character that a terminal acts on, no line that a CI system acts on."""
    assert not [each for each in text if not each.isprintable() and each not in "\n\t"], text
    for line in text.splitlines():
        assert not line.lstrip().startswith("::"), line
        assert not re.search(r"##(vso|teamcity)?\[", line), line
        assert not re.search(r"::(error|warning|notice|set-output|stop-commands)\b", line), line
    assert "😄" not in text


def test_json_stays_alone_on_standard_output_whatever_an_agent_prints(hostile: Path) -> None:
    agents = hostile / "hostile_agents.py"
    noise = 'import os; print("p"); os.write(1, b"w"); os.system("echo s"); return words'
    end = "\nimport atexit\natexit.register(lambda: print(HOSTILE))\n"
    agents.write_text(agents.read_text().replace("return words", noise) + end)
    done = subprocess.run(
        [sys.executable, "-m", "handoff_evals", *RUN, "--json"],
        cwd=hostile,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["models"]
    assert_inert(done.stdout)
    assert {"p", "s"} <= set(done.stderr.replace("w", "").split())

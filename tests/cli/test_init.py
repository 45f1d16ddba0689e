"""`handoff-evals init`: from an agent's file to a suite that passes at once."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Done
from tests.support.imports import forgotten, import_everything
from tests.support.shapes import FLOW, FLOW_JSON, INSIDE, REGISTRY, source

Command = Callable[..., Done]
import_everything()

SHAPES = {
    "restaurant.py": (REGISTRY, 2, 3),
    "flow_bot.py": (FLOW, 2, 2),
    "clinic.py": (INSIDE, 1, 2),
}
"""By file: the text, its edges and its agents."""


@pytest.fixture
def empty(project: Path) -> Path:
    """A folder without suites."""
    shutil.rmtree(project / "evals")
    (project / "flow.json").write_text(source(FLOW_JSON))
    for name, (text, _, _) in SHAPES.items():
        (project / name).write_text(source(text))
    return project


def scenarios(project: Path) -> list[str]:
    text = (project / "evals" / "scenarios.yaml").read_text()
    return [each["label"] for each in yaml.safe_load(text)["scenarios"]]


@pytest.mark.parametrize("name", SHAPES)
def test_each_edge_and_each_agent_has_a_scenario_and_all_pass(
    empty: Path, command: Command, name: str
) -> None:
    done = command("init", name)
    assert done.code == 0, done.err
    _, edges, agents = SHAPES[name]
    assert len(scenarios(empty)) == edges + agents
    assert f"{edges + agents} scenarios pass with the oracle" in done.out
    ran = command("run", "-m", "oracle", "--min-passed", "1", "--out", "mine")
    assert ran.code == 0, ran.err
    covered = command("graph", "--min-coverage", "1")
    assert covered.code == 0, covered.err


@pytest.fixture
def tests_of(
    empty: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], pytest.RunResult]]:
    monkeypatch.chdir(empty)
    with forgotten(empty):
        yield lambda: pytester.runpytest_inprocess(
            "-p", "no:cacheprovider", "-p", "no:randomly", "--rootdir", str(empty), "evals"
        )


@pytest.mark.parametrize(("name", "passed"), [("restaurant.py", 7), ("flow_bot.py", 6)])
def test_pytest_passes_at_once(
    empty: Path,
    command: Command,
    tests_of: Callable[[], pytest.RunResult],
    name: str,
    passed: int,
) -> None:
    assert command("init", name).code == 0
    shutil.copy(empty / "pyproject.toml", empty / "evals")
    tests_of().assert_outcomes(passed=passed)


def test_agents_of_one_class_are_named_with_what_tells_them_apart(
    empty: Path, command: Command
) -> None:
    command("init", "flow_bot.py")
    text = (empty / "evals" / "scenarios.yaml").read_text()
    assert "where: {node: sales}" in text


def test_what_a_step_needs_is_called_before_and_nothing_else(empty: Path, command: Command) -> None:
    command("init", "restaurant.py")
    text = (empty / "evals" / "scenarios.yaml").read_text()
    suite = yaml.safe_load(text)["scenarios"]
    [checkout] = [each for each in suite if each["label"] == "takeaway to checkout"]
    expected = [each["expect"].get("calls", []) for each in checkout["turns"]]
    assert [bool(each) for each in expected] == [False, True, False]


def test_a_dry_run_writes_nothing_and_prints_it(empty: Path, command: Command) -> None:
    before = sorted(empty.rglob("*"))
    done = command("init", "clinic.py", "--dry-run")
    assert done.code == 0, done.err
    assert "# would be written to evals/scenarios.yaml" in done.out
    assert "agent: clinic.py:server" in done.out
    assert [each for each in sorted(empty.rglob("*")) if "__pycache__" not in str(each)] == before


def test_what_is_there_already_is_never_overwritten(empty: Path, command: Command) -> None:
    kept = empty / "evals" / "scenarios.yaml"
    kept.parent.mkdir()
    kept.write_text("# mine\n")
    done = command("init", "clinic.py")
    assert done.code == 2
    assert "'evals/scenarios.yaml' is there already, so nothing was written" in done.err
    assert kept.read_text() == "# mine\n"
    assert not (empty / "pyproject.toml").exists()
    assert not (kept.parent / "test_handoffs.py").exists()


def test_a_second_time_there_is_nothing_to_do(empty: Path, command: Command) -> None:
    assert command("init", "clinic.py").code == 0
    before = {path: path.read_text() for path in (empty / "evals").iterdir() if path.is_file()}
    again = command("init", "clinic.py")
    assert again.code == 0, again.err
    assert "nothing to do" in again.out
    assert {path: path.read_text() for path in before} == before


def test_a_pyproject_gets_what_it_lacks_and_keeps_the_rest(empty: Path, command: Command) -> None:
    path = empty / "pyproject.toml"
    mine = '[tool.pytest.ini_options]\nasyncio_mode = "strict" # mine\n'
    path.write_text(mine)
    assert command("init", "clinic.py").code == 0
    assert path.read_text().startswith(mine)
    assert path.read_text().count("[tool.pytest") == 1
    assert "[tool.handoff-evals]\nturn_timeout = 30" in path.read_text()


NEWCOMERS = {
    "nothing.py": ("x = 1", "has no entry: it defines no AgentServer"),
    "needs.py": (
        """
        from livekit.agents import Agent


        class Desk(Agent):
            def __init__(self, hours):
                super().__init__(instructions=hours)
        """,
        "Desk (missing a required argument: 'hours'). Next: write a function",
    ),
    "missing.py": ("import no_such_plugin", "has no 'no_such_plugin': use the one that"),
    "later.py": ("class A[T: (int]: pass", "are your agents written for a later one?"),
    "keys.py": (
        """
        import os
        from livekit.agents import Agent


        class Desk(Agent):
            def __init__(self):
                raise ValueError("set the OPENAI_API_KEY environment variable")
        """,
        "Next: set OPENAI_API_KEY in `.env` or the environment, to any value",
    ),
    "room.py": (
        """
        from livekit.agents import AgentServer, JobContext

        server = AgentServer()


        @server.rtc_session()
        async def call(ctx: JobContext):
            raise RuntimeError("no participant of that kind in the room")
        """,
        "it waits for something of the room or the job",
    ),
    "silent.py": (
        """
        from livekit.agents import AgentServer, JobContext

        server = AgentServer()


        @server.rtc_session()
        async def call(ctx: JobContext):
            return None
        """,
        "had not called `session.start(…)`",
    ),
}


@pytest.mark.parametrize("name", NEWCOMERS)
def test_a_newcomer_is_told_the_next_step(empty: Path, command: Command, name: str) -> None:
    text, says = NEWCOMERS[name]
    (empty / name).write_text(source(text))
    done = command("init", name)
    assert done.code == 2
    assert says in done.err
    assert not (empty / "evals").exists()


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("nowhere.py", "there is no file 'nowhere.py'"),
        ("/usr/nowhere/x.py", "there is no file"),
        ("no_such_module", "can't be imported"),
        ("clinic.py:no_such_name", "It defines Reception, Accounts"),
    ],
)
@pytest.mark.usefixtures("empty")
def test_what_is_not_there_is_told(command: Command, word: str, says: str) -> None:
    done = command("init", word)
    assert done.code == 2
    assert says in done.err


def test_an_entry_that_fails_is_told_and_the_next_one_is_taken(
    empty: Path, command: Command
) -> None:
    (empty / "both.py").write_text(
        source(
            """
            from livekit.agents import Agent, AgentServer, JobContext, function_tool

            server = AgentServer()


            @server.rtc_session()
            async def call(ctx: JobContext):
                raise RuntimeError("no database")


            class Desk(Agent):
                def __init__(self):
                    super().__init__(instructions="You are a desk.")
            """
        )
    )
    done = command("init", "both.py")
    assert done.code == 0, done.err
    assert "both.py:server (AgentServer with an entry point) could not be called" in done.err
    assert "found: both.py:Desk, Agent class" in done.out


def test_of_several_classes_the_one_that_leads_to_the_others_answers(
    empty: Path, command: Command
) -> None:
    (empty / "turned.py").write_text(
        source(
            """
            from livekit.agents import Agent, function_tool


            class Billing(Agent):
                def __init__(self):
                    super().__init__(instructions="You are billing.")


            class Front(Agent):
                def __init__(self):
                    super().__init__(instructions="You are the front desk.")

                @function_tool
                async def to_billing(self):
                    print("noise")
                    return Billing()
            """
        )
    )
    done = command("init", "turned.py")
    assert "found: turned.py:Front, Agent class" in done.out
    assert "noise" not in done.out


@pytest.mark.usefixtures("empty")
def test_a_folder_in_which_pytest_finds_no_scenarios_is_refused(command: Command) -> None:
    done = command("init", "clinic.py", "--folder", "first")
    assert done.code == 2
    assert "write `--folder evals/first`" in done.err


def test_what_fails_is_left_out_with_the_reason(empty: Path, command: Command) -> None:
    (empty / "broken.py").write_text(
        source(
            """
            from livekit.agents import Agent, function_tool


            class Front(Agent):
                def __init__(self):
                    super().__init__(instructions="You are the front desk.")

                @function_tool
                async def to_billing(self):
                    return Billing()

                @function_tool
                async def to_nobody(self) -> Agent:
                    raise RuntimeError("no database")


            class Billing(Agent):
                def __init__(self):
                    super().__init__(instructions="You are billing.")

                async def on_enter(self):
                    raise ValueError("no greeting")
            """
        )
    )
    done = command("init", "broken.py")
    assert done.code == 0, done.err
    assert scenarios(empty) == ["Stay with front"]
    assert "left out: front to billing: on_enter_error: ValueError: no greeting" in done.err

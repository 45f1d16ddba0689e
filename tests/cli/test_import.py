"""`handoff-evals import`: a recorded call becomes a suite that runs."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import llm
from livekit.agents.testing import fake_job_context

from agents.customer_service import service_call
from handoff_evals import ScriptedLLM, tool_call
from handoff_evals.livekit import Reply
from handoff_evals.scenarios import load_suite

Command = Callable[..., Any]

AGENT = "agents.customer_service:service_call"
WORDS = (
    "Hi there.",
    "I was charged twice this month, it's order 4471.",
    "And my router shows a red light.",
)


async def report_of(words: Sequence[str], replies: Sequence[Reply]) -> dict[str, Any]:
    """What livekit itself reports of a call with customer service."""
    with fake_job_context() as job:
        agent, session = service_call(ScriptedLLM(list(replies)))
        await session.start(agent, record=False)
        for said in words:
            await session.run(user_input=said)
        report = job.make_session_report(session)
        await session.aclose()
        # The worker would do it; livekit's fake job leaves its folder to the collector.
        job._tempdir.cleanup()
    return report.to_dict()


@pytest.fixture(name="report")
async def _report(project: Path) -> dict[str, Any]:
    replies: list[Reply] = [
        "Hello! What can I do for you?",
        tool_call("transfer_to_billing"),
        "Billing takes over.",
        "Which of the two payments?",
        tool_call("transfer_to_technical_support"),
        "Technical support takes over.",
        "Since when does it?",
    ]
    report = await report_of(WORDS, replies)
    (project / "session_report.json").write_text(json.dumps(report, default=str))
    return report


@pytest.mark.usefixtures("report")
def test_a_call_that_livekit_reported_is_imported_and_passes(
    command: Command, project: Path
) -> None:
    done = command("import", "session_report.json", "--agent", AGENT, "--out", "evals/c/s.yaml")
    assert done.code == 0, done.err
    assert "scenarios 1, turns 3" in done.err
    assert "does not load" not in done.err

    [scenario] = load_suite(project / "evals" / "c" / "s.yaml").scenarios
    assert [turn.user for turn in scenario.turns] == list(WORDS)
    expected = [turn.expect for turn in scenario.turns]
    assert [each.agent.id for each in expected if each.agent] == [
        "customer_service_agent",
        "billing_agent",
        "technical_support_agent",
    ]
    assert [[call.name for call in each.calls or ()] for each in expected] == [
        [],
        ["transfer_to_billing"],
        ["transfer_to_technical_support"],
    ]
    assert [each.carries for each in expected] == [(), ("4471",), ("4471",)]

    run = command("run", "evals/c/s.yaml", "-m", "oracle", "--json")
    assert run.code == 0, run.err
    [oracle] = json.loads(run.out)["models"].values()
    assert oracle["trials"]["passed"] == 1
    assert oracle["decisions"]["outcomes"]["correct"] == 3


@pytest.mark.usefixtures("report")
def test_the_imported_scenario_fails_where_the_call_goes_otherwise(command: Command) -> None:
    command("import", "session_report.json", "--agent", AGENT, "--out", "s.yaml")
    run = command("run", "s.yaml", "-m", "never", "--json")
    [never] = json.loads(run.out)["models"].values()
    assert never["trials"]["failed"] == 1


def test_a_saved_history_is_the_same_scenario_as_the_report(
    command: Command, project: Path, report: dict[str, Any]
) -> None:
    # As `session.history.to_dict()` writes it, which leaves out the times.
    context = llm.ChatContext.from_dict(report["chat_history"])
    (project / "history.json").write_text(json.dumps(context.to_dict()))
    one, other = (
        [line for line in command("import", name).out.splitlines() if not line.startswith("  #")]
        for name in ("session_report.json", "history.json")
    )
    assert one == other


@pytest.mark.usefixtures("report")
def test_without_an_agent_the_file_says_what_is_missing(command: Command, project: Path) -> None:
    done = command("import", "session_report.json", "session_report.json", "--out", "s.yaml")
    assert done.code == 0
    assert "It does not load yet:\ns.yaml:1: `agent` is missing" in done.err
    text = (project / "s.yaml").read_text()
    assert "# agent: module:name" in text
    (project / "s.yaml").write_text(text.replace("# agent: module:name", f"agent: {AGENT}"))
    labels = [scenario.label for scenario in load_suite(project / "s.yaml").scenarios]
    assert labels == [WORDS[1], f"{WORDS[1]} (2)"]


@pytest.mark.usefixtures("report")
def test_a_file_that_is_there_is_never_written_over(command: Command, project: Path) -> None:
    (project / "s.yaml").write_text("mine")
    done = command("import", "session_report.json", "--out", "s.yaml")
    assert done.code == 2
    assert "is there already" in done.err
    assert (project / "s.yaml").read_text() == "mine"


def test_what_is_no_report_exits_2_and_leaves_nothing(command: Command, project: Path) -> None:
    (project / "x.json").write_text("{}")
    done = command("import", "x.json", "--out", "s.yaml")
    assert done.code == 2
    assert "there is no list of `items` in it" in done.err
    assert not (project / "s.yaml").exists()

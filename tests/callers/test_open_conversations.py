"""Conversations without written turns, with agents and reference models, judged as a whole."""

from pathlib import Path
from typing import Any

import pytest

from handoff_evals.checks import decisions, overall, score
from handoff_evals.drivers import SpokenDriver, TextDriver
from handoff_evals.livekit import AgentEntry, ScriptedLLM
from handoff_evals.livekit.scripted import Request, tool_call
from handoff_evals.models import OracleLLM
from handoff_evals.scenarios import Scenario, Suite, load_suite
from handoff_evals.transcript import ENDED_CALL, Fault, Transcript
from tests.support.conversations import transcript, turn
from tests.support.phone import ROOMY
from tests.support.star import patient_call

TO_B_THEN_C = """
    caller:
      lines:
        - I have two questions.
        - The first one is for b.
        - {to: "star[node=b]", says: "Number 4471. And then one for c."}
        - {to: "star[node=c]", says: "Thanks."}
    expect:
      path: star[node=a] -> star[node=b] -> star[node=c]
      carries: {"star[node=c]": "4471"}
"""


def read(folder: Path, rest: str = TO_B_THEN_C) -> Suite:
    path = folder / "scenarios.yaml"
    path.write_text(f"agent: tests.support.star:patient_call\nscenarios:\n  - label: A{rest}")
    return load_suite(path)


async def call(suite: Suite, model: Any, driver: type = TextDriver) -> tuple[str, Transcript]:
    made = driver(
        entry=AgentEntry.of(patient_call),
        model=lambda scenario, _seed: model(scenario),
        watch=suite.watch,
        limits=ROOMY,
    )
    scenario = suite.scenarios[0]
    record = await made.run(scenario, seed=0)
    return overall(score(scenario, record)), record


def said(record: Transcript) -> list[str | None]:
    return [each.user for each in record.turns[1:]]


@pytest.mark.parametrize("driver", [TextDriver, SpokenDriver])
async def test_the_oracle_hands_over_as_the_caller_hopes(tmp_path: Path, driver: type) -> None:
    status, record = await call(read(tmp_path), OracleLLM, driver)
    assert [each.active.label for each in record.turns] == [
        *("star[node=a]", "star[node=a]", "star[node=b]", "star[node=c]", "star[node=c]")
    ]
    assert status == "passed"
    assert record.caller is not None
    assert (record.caller.kind, record.caller.hung_up) == ("rules", "done")
    assert record.ended_by == "caller"


async def test_without_a_handoff_the_caller_gives_up_and_both_hops_are_missed(
    tmp_path: Path,
) -> None:
    suite = read(tmp_path)
    status, record = await call(suite, lambda _: ScriptedLLM(lambda _: "I see."))
    assert said(record)[2:] == ["Could you put me through to b star, please?"] * 2
    assert record.caller is not None
    assert record.caller.hung_up == "gave_up"
    assert [each.outcome for each in decisions(suite.scenarios[0], record)] == ["missed", "missed"]
    assert status == "failed"


async def test_after_a_wrong_handoff_the_conversation_goes_on_and_reaches_the_right_agent(
    tmp_path: Path,
) -> None:
    def errs(request: Request) -> Any:
        words, answered = request.last_user_text, request.last_item
        if answered is None or answered.type != "message" or answered.role != "user":
            return "Yes?"
        if "first one" in words:
            return tool_call("to_c")
        return tool_call("to_b") if "put me through to b" in words else "I see."

    suite = read(tmp_path)
    status, record = await call(suite, lambda _: ScriptedLLM(errs))
    assert [each.active.label for each in record.turns[2:4]] == ["star[node=c]", "star[node=b]"]
    first = decisions(suite.scenarios[0], record)[0]
    assert first.outcome != "correct"
    assert first.recovered_after == 1
    assert status == "failed"


def opened(tmp_path: Path, expect: str) -> Scenario:
    rest = f"\n    caller: {{lines: [Hi]}}\n    expect: {expect}\n"
    return read(tmp_path, rest).scenarios[0]


def test_hops_in_any_order_are_right_in_any_order(tmp_path: Path) -> None:
    asked = opened(tmp_path, "{path: {any_order: [b, c]}}")
    for way in (("b", "c"), ("c", "b"), ("c", "x", "b")):
        record = transcript("a", turn("a", way[0]), turn(*way))
        assert {each.outcome for each in decisions(asked, record)} == {"correct"}
    missed = decisions(asked, transcript("a", turn("a", "c"), turn("c")))
    assert sorted(each.outcome for each in missed) == ["correct", "missed"]


def test_an_agent_that_hangs_up_on_a_caller_with_more_to_say_fails(tmp_path: Path) -> None:
    asked = opened(tmp_path, "{path: a -> b}")
    early = Fault(owner="agent", cause=ENDED_CALL, detail="the agent ended the call", turn=1)
    record = transcript("a", turn("a", "b"), faults=(early,))
    assert decisions(asked, record)[0].outcome == "unreached"
    assert overall(score(asked, record)) == "failed"


def test_an_agent_that_never_took_the_call_was_not_told(tmp_path: Path) -> None:
    asked = opened(tmp_path, "{carries: {b: '4471'}}")
    [found] = [
        each
        for each in score(asked, transcript("a", turn("a")))
        if each.name == "carries_at_handoff"
    ]
    assert (found.status, found.reason) == ("failed", "b never took the call")

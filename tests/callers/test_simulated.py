"""The caller that a model plays, with a scripted model in its place."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.caller_guards import cases
from benchmarks.caller_guards import faults_of as guard_faults
from handoff_evals.callers import SimulatedCaller, caller_faults
from handoff_evals.callers.caller import HangsUp, Says
from handoff_evals.callers.simulated import CallerReply, told, without_signal
from handoff_evals.cassettes import Cassette, Mode, ModelIdentity
from handoff_evals.checks import overall, score
from handoff_evals.drivers import SpokenDriver, TextDriver
from handoff_evals.livekit import AgentEntry, ScriptedLLM
from handoff_evals.livekit.scripted import tool_call
from handoff_evals.models import OracleLLM
from handoff_evals.scenarios import Scenario, Suite, load_suite
from handoff_evals.transcript import Transcript
from tests.callers.test_by_rules import heard
from tests.support.phone import ROOMY
from tests.support.star import patient_call

FILE = """
agent: m:A
scenarios:
  - label: A refund
    instructions: You want a refund of order 4471.
    agent_expectations: SECRET, the caller gets to b.
    userdata: {name: Ada}
    expect: {path: "star[node=a] -> star[node=b]"}
"""
GOOD = ("I'd like a refund, please.", "It's order 4471.", ["Thanks, bye.", tool_call("end_call")])


def suite(folder: Path) -> Suite:
    path = folder / "scenarios.yaml"
    path.write_text(FILE)
    return load_suite(path).called_by_model()


async def call(
    folder: Path, *replies: Any, driver: type = TextDriver, cassette: Cassette | None = None
) -> tuple[str, Transcript]:
    asked = suite(folder)
    made = driver(
        entry=AgentEntry.of(patient_call),
        model=lambda scenario, _seed: OracleLLM(scenario),
        watch=asked.watch,
        limits=ROOMY,
        caller=lambda _scenario, _seed: ScriptedLLM(list(replies), unused_ok=True),
        caller_cassette=cassette,
    )
    record = await made.run(asked.scenarios[0], seed=0)
    return overall(score(asked.scenarios[0], record)), record


@pytest.mark.parametrize("driver", [TextDriver, SpokenDriver])
async def test_it_speaks_until_it_ends_the_call_and_its_last_words_are_said(
    tmp_path: Path, driver: type
) -> None:
    status, record = await call(tmp_path, *GOOD, driver=driver)
    said = [turn.user for turn in record.turns[1:]]
    assert said == ["I'd like a refund, please.", "It's order 4471.", "Thanks, bye."]
    assert status == "passed"
    assert record.ended_by == "caller"
    assert record.caller is not None
    assert (record.caller.kind, record.caller.hung_up) == ("simulated", "done")


async def test_its_requests_are_its_own_and_never_name_what_is_expected(tmp_path: Path) -> None:
    _, record = await call(tmp_path, *GOOD)
    assert record.caller is not None
    assert [each.purpose for each in record.caller.calls] == ["caller"] * 3
    assert {each.purpose for each in record.model_calls} == {"reply"}
    received = "\n".join(each.received_text for each in record.caller.calls)
    assert "order 4471" in received
    assert "Ada" in received
    assert "SECRET" not in received
    assert "node" not in received


async def test_a_caller_that_makes_up_a_number_leaves_a_passed_trial_unscored(
    tmp_path: Path,
) -> None:
    status, record = await call(tmp_path, "A refund, please.", "It's order 9988.", "Bye.")
    fault = record.unscored_because
    assert status == "unscored"
    assert fault is not None
    assert fault.cause == "caller_invented"
    assert "'9988'" in fault.detail
    assert [turn.user for turn in record.turns[1:]] == ["A refund, please."]


async def test_a_dead_model_of_the_caller_leaves_the_trial_unscored(tmp_path: Path) -> None:
    from livekit.agents import APIStatusError  # noqa: PLC0415 - beside what it is for

    status, record = await call(tmp_path, APIStatusError("no", status_code=401, retryable=False))
    assert status == "unscored"
    assert record.unscored_because is not None
    assert record.unscored_because.cause == "caller_api_status_401"


async def test_a_cassette_answers_for_the_caller(tmp_path: Path) -> None:
    def cassette(mode: Mode) -> Cassette:
        identity = ModelIdentity(label="someone calls oracle")
        return Cassette(suite="s", model=identity, mode=mode, folders=[tmp_path / "tapes"])

    first = await call(tmp_path, *GOOD, cassette=cassette(Mode.RECORD))
    again = await call(tmp_path, cassette=cassette(Mode.REPLAY))
    assert first[0] == again[0] == "passed"
    assert first[1].happenings == again[1].happenings
    assert again[1].caller is not None
    assert all(each.replayed for each in again[1].caller.calls)


async def test_it_hangs_up_after_its_hard_limit(tmp_path: Path) -> None:
    scenario = suite(tmp_path).scenarios[0]
    numbers = iter("abcdefghijklmnopqrstuvwxyz")

    async def ask(_messages: object) -> CallerReply:
        return CallerReply(text=f"And then there is the matter of my {next(numbers)}.")

    caller = SimulatedCaller(scenario, ask)
    so_far = [heard("Hello.", user=None)]
    reactions = []
    for _ in range(scenario.caller.max_turns + 1):
        reactions.append(await caller.next(tuple(so_far)))
        so_far.append(heard("I see."))
    assert all(isinstance(each, Says) for each in reactions[:-1])
    assert reactions[-1] == HangsUp(why="max_turns")


@pytest.mark.parametrize(
    ("text", "words", "ends"),
    [
        ("Thanks, bye. [end_call]", "Thanks, bye.", True),
        ('Bye! end_call(reason="done")', "Bye!", True),
        ("<hang up>", "", True),
        ("I want to end the call about my bill.", "I want to end the call about my bill.", False),
    ],
)
def test_text_that_is_glued_to_an_end_signal_is_kept(text: str, words: str, ends: bool) -> None:  # noqa: FBT001
    assert without_signal(text) == (words, ends)


OPENING = heard("Hello, how can I help?", user=None)
BRIEF = "You are Elizabeth Moreno. Your order is 4471, the code is AB-12. You paid 49.90 euros."


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("It's order forty-four seventy-one.", None),
        ("Four four seven one.", None),
        ("The code is A B one two.", None),
        ("The code is A as in Alpha, B as in Bravo, 12.", None),
        ("My name is Liz Moreno.", None),
        ("I paid forty-nine ninety.", None),
        ("It's order 4472.", "caller_invented"),
        ("It's order nine nine eight eight.", "caller_invented"),
        ("The code is AB-13.", "caller_invented"),
        ("My name is Peter.", "caller_invented"),
        ("How can I help you today?", "caller_role"),
        ("I'll transfer you to billing now.", "caller_role"),
        ("My instructions say that I want a refund.", "caller_leaked"),
        ("", "caller_empty"),
        ("word " * 200, "caller_endless"),
    ],
)
def test_what_no_caller_would_say_is_found(said: str, cause: str | None) -> None:
    found = [each.cause for each in caller_faults(BRIEF, (OPENING,), said, ends=False)]
    assert found[:1] == ([] if cause is None else [cause])


def test_hanging_up_in_the_middle_of_a_transfer_is_found() -> None:
    transfer = heard("I'll transfer you to billing now.")
    [found] = caller_faults(BRIEF, (OPENING, transfer), "Bye.", ends=True)
    assert found.cause == "caller_hung_up"


def test_the_brief_has_what_the_caller_knows_and_nothing_that_is_expected() -> None:
    scenario = Scenario(
        label="A", turns=(), instructions="Be brief.", userdata={"id": 7}, agent_expectations="No."
    )
    assert told(scenario) == 'Be brief.\nWhat you know: {"id": 7}'


def test_most_planted_faults_are_caught_and_few_clean_turns_are_dropped() -> None:
    found = cases(seed=7, faults=48, calls=80)
    right = {True: 0, False: 0}
    for case in found:
        causes = {each.cause for each in guard_faults(case)}
        right[case.kind == "clean"] += case.kind in causes if case.kind != "clean" else bool(causes)
    assert right[False] / 48 >= 0.95
    assert right[True] / 80 <= 0.02

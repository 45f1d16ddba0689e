"""The oracle where nothing comes as expected."""

from typing import Any

import pytest
from livekit.agents import Agent, function_tool, llm

from handoff_evals.checks import overall, score
from handoff_evals.drivers import TextDriver
from handoff_evals.livekit import AgentEntry
from handoff_evals.models import OracleLLM
from handoff_evals.scenarios import (
    Scenario,
)
from tests.support.oracle_play import Garden, Greeting, Vault, called, opening, play, turn
from tests.support.phone import ROOMY
from tests.support.star import patient_call, star_suite
from tests.support.task_agents import BooksInSteps, DoesAtOnce, Raises


class Scribe(Greeting):
    def __init__(self) -> None:
        super().__init__(instructions="You note.")

    @function_tool
    async def note_it(self, text: str) -> str:
        """Note something for the garden."""
        return text


class Mixed(Greeting):
    def __init__(self) -> None:
        super().__init__(instructions="You mix things up.")

    @function_tool
    async def transfer_to_vault(self) -> Agent:
        """Transfer to the vault."""
        return Garden()


class Dropping(Greeting):
    def __init__(self) -> None:
        super().__init__(instructions="You forget.")

    @function_tool
    async def leave(self) -> str:
        """Go on."""
        Vault()
        return "all right"


@pytest.mark.parametrize(
    ("agent", "says"),
    [(Scribe, "no tool of scribe was found that leads to 'porter'"), (Vault, "no tool is offered")],
)
async def test_where_no_tool_leads_there_the_trial_is_unscored_by_the_oracle(
    agent: type[Agent], says: str
) -> None:
    status, transcript = await play(opening(agent), turn("Hi."), turn("There.", "porter"))

    assert status == "unscored"
    (fault,) = transcript.faults
    assert (fault.cause, fault.turn) == ("oracle", 2)
    assert says in fault.detail
    assert "`calls: [{name: TOOL, arguments: {…}}]`" in fault.detail


@pytest.mark.parametrize(
    ("agent", "outcome"), [(Mixed, "wrong: expected vault"), (Dropping, "missed: expected vault")]
)
async def test_a_tool_that_says_where_it_leads_and_does_not_fails_the_trial(
    agent: type[Agent], outcome: str
) -> None:
    status, transcript = await play(opening(agent), turn("To the vault.", "vault"))

    assert status == "failed"
    scenario = Scenario(label="Any", turns=(turn("To the vault.", "vault"),))
    assert any(each.reason.startswith(outcome) for each in score(scenario, transcript))
    assert transcript.unscored_because is None


async def test_the_steps_of_a_group_are_gone_through_and_one_is_gone_back_to() -> None:
    status, transcript = await play(
        lambda _: BooksInSteps(),
        turn("A table.", "ask_name"),
        turn("Ada.", "ask_size"),
        turn("No, Bob.", "ask_name", path="ask_size > task_group > ask_name"),
        turn("Bob.", "ask_size", path="ask_name > ask_size"),
        turn("Two.", "ask_name"),
        turn("Eve.", "books_in_steps"),
        turn("The bill.", "billing"),
    )

    assert status == "passed", transcript.faults
    assert called(transcript)[2] == "out_of_scope"


async def test_a_trial_fails_where_the_agents_code_has_failed_before() -> None:
    def does_at_once(_: llm.LLM[Any]) -> Agent:
        return DoesAtOnce(Raises)

    status, transcript = await play(does_at_once, turn("Hi."), turn("Well?", "does_at_once"))

    assert status == "failed"
    assert [fault.cause for fault in transcript.faults] == ["on_enter_error"]


async def test_a_call_to_a_tool_that_is_not_there_fails_as_the_file_says_it() -> None:
    status, _ = await play(opening(Scribe), turn("There.", "vault", calls=("no_such_tool",)))

    assert status == "failed"


async def test_every_scenario_of_three_agents_with_tools_for_each_other_passes() -> None:
    suite = star_suite(scenarios=20, turns=4, seed=7)
    driver = TextDriver(
        entry=AgentEntry.of(patient_call),
        model=lambda each, _: OracleLLM(each),
        watch=suite.watch,
        limits=ROOMY,
    )
    found = [overall(score(each, await driver.run(each, seed=0))) for each in suite.scenarios]
    assert found == ["passed"] * 20

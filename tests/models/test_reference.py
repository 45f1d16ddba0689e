from dataclasses import replace
from pathlib import Path

import pytest

from handoff_evals.checks import OUTCOMES, decisions, overall, score
from handoff_evals.drivers import TextDriver
from handoff_evals.livekit import AgentEntry
from handoff_evals.models import OracleLLM
from handoff_evals.models.reference import ReferenceLLM, always, never
from handoff_evals.scenarios import Expectation, Scenario, Suite, Target, load_suite
from handoff_evals.transcript import Transcript
from tests.support.phone import ROOMY

ROOT = Path(__file__).parents[2]
SUITES = {
    suite.name: suite
    for suite in map(load_suite, sorted((ROOT / "evals").glob("*/scenarios.yaml")))
}


async def run(suite: Suite, scenario: Scenario, model: ReferenceLLM) -> Transcript:
    driver = TextDriver(
        entry=AgentEntry.load(suite.agent, folder=ROOT),
        model=lambda _scenario, _seed: model,
        watch=suite.watch,
        limits=ROOMY,
    )
    return await driver.run(scenario, seed=0)


# Those of whose decisions there are some: at the drive-thru nothing is ever handed over.
HANDED_OVER = {name: suite for name, suite in SUITES.items() if name != "Drive-thru"}


@pytest.mark.parametrize("name", SUITES)
async def test_the_oracle_passes_every_scenario_of_the_example_suites(name: str) -> None:
    suite = SUITES[name]
    failed = {}
    for scenario in suite.scenarios:
        found = score(scenario, await run(suite, scenario, OracleLLM(scenario)))
        if overall(found) != "passed":
            failed[scenario.label] = [each for each in found if each.status != "passed"]

    assert failed == {}


def eager(scenario: Scenario) -> Scenario:
    """The same turns, but a free one goes where the next one expects the caller."""
    turns = list(scenario.turns)
    for index, later in reversed(list(enumerate(turns[1:]))):
        if turns[index].expect.agent is None:
            agent = later.expect.agent
            turns[index] = replace(turns[index], expect=Expectation(agent=agent))
    return replace(scenario, turns=tuple(turns))


async def test_a_fair_move_in_a_free_turn_of_the_example_suites_is_on_path_and_correct() -> None:
    free = [
        (suite, scenario)
        for suite in HANDED_OVER.values()
        for scenario in suite.scenarios
        if any(turn.expect.agent is None for turn in scenario.turns)
    ]
    assert len(free) >= 4
    for suite, scenario in free:
        record = await run(suite, scenario, OracleLLM(eager(scenario)))

        assert len(record.handoffs) > 1
        assert {(d.outcome, d.on_path) for d in decisions(scenario, record)} == {("correct", True)}


@pytest.mark.parametrize("name", HANDED_OVER)
async def test_who_never_hands_over_misses_what_should_have_been_and_nothing_else(
    name: str,
) -> None:
    suite = SUITES[name]
    found = [
        decision
        for scenario in suite.scenarios[:6]
        for decision in decisions(scenario, await run(suite, scenario, never()))
    ]

    assert {decision.outcome for decision in found} == {"correct", "missed"}
    first = suite.scenarios[0].turns[0].expect.agent
    assert first is not None
    assert {decision.actual for decision in found} == {first.label}


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("Agent transfer", "long_winded_agent"),
        ("Customer service", "billing_agent"),
        ("Customer service", "manager_agent"),
        ("Triage", "specialist_agent[topic=claims]"),
        ("Triage", "default_agent"),
    ],
)
async def test_who_always_hands_over_has_the_caller_there_after_one_turn(
    name: str, target: str
) -> None:
    suite = SUITES[name]
    wanted = Target.parse(target)
    for scenario in suite.scenarios[:3]:
        record = await run(suite, scenario, always(wanted))

        assert wanted.matches(record.turns[1].active)
        assert record.faults == ()
        assert {decision.outcome for decision in decisions(scenario, record)} <= set(OUTCOMES)


def test_a_reference_model_has_the_name_that_a_user_writes() -> None:
    scenario = SUITES["Triage"].scenarios[0]

    assert never().model == "never"
    assert OracleLLM(scenario).model == "oracle"
    assert always(Target.parse("desk[topic=claims]")).model == "always:desk[topic=claims]"

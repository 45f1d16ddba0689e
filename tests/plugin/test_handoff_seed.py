"""`--handoff-seed`, and the `seed` that a user's own model gets."""

from collections.abc import Callable

from handoff_evals.results import TrialKey
from handoff_evals.runs import trial_seed
from tests.plugin.conftest import Project

SUITE = """
scenarios:
  - {label: One, turns: [{user: Hello}]}
  - {label: Two, turns: [{user: Hello}]}
"""

MODELS = """
from pathlib import Path
from handoff_evals import ScriptedLLM


def seeded(seed):
    with Path("seeds.txt").open("a") as file:
        file.write(f"{seed}\\n")
    return ScriptedLLM(lambda _: f"I am number {seed}.")
"""

TESTS = """
from shop import FrontDesk


async def test_a_call_without_llm_is_answered_by_the_sessions_model(agent_call):
    call = await agent_call(FrontDesk)
    turn = await call.say("Hello?")
    assert turn.said == "I am number 7."
"""


def test_each_scenario_has_a_seed_of_its_own_that_is_the_same_in_every_run(
    project: Project, scenarios: Callable[[str], None]
) -> None:
    scenarios(SUITE)
    project.write("my_models.py", MODELS)
    project.write("test_shop.py", TESTS)
    result = project.run("--handoff-model=my_models:seeded", "--handoff-seed=7")
    result.assert_outcomes(passed=1, skipped=2)
    keys = [
        TrialKey(suite="shop", scenario=label, model="my_models:seeded", number=0)
        for label in ("One", "Two")
    ]
    seeds = [int(line) for line in (project.path / "seeds.txt").read_text().split()]
    assert sorted(seeds) == sorted([7, *(trial_seed(key, 7) for key in keys)])

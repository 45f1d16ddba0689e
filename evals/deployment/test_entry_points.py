"""The suites of all four agents, driven from the entry points that are deployed."""

from dataclasses import replace
from pathlib import Path

import pytest

from handoff_evals import Run, evaluate, load_suite

ROOT = Path(__file__).parents[2]
NAMES = ("agent_transfer", "customer_service", "intake", "triage")


@pytest.fixture(name="run", scope="module", params=NAMES)
def _run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    suite = load_suite(ROOT / "evals" / request.param / "scenarios.yaml")
    deployed = replace(suite, agent=f"agents/{request.param}.py:server")
    return evaluate(deployed, model="oracle", out=tmp_path_factory.mktemp("runs") / "run")


def test_every_scenario_passes_from_the_entry_point(run: Run) -> None:
    assert [trial.key.scenario for trial in run.trials if trial.status != "passed"] == []
    assert run.trials


def test_the_entry_point_connects_to_its_room_and_asks_for_nothing_else(run: Run) -> None:
    asked = {tuple(each.name for each in trial.transcript.job) for trial in run.trials}

    assert asked == {("connect",)}

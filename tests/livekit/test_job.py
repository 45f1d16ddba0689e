import os
from pathlib import Path

import pytest
from livekit.agents import JobContext, get_job_context, inference

from handoff_evals.drivers import Call
from handoff_evals.livekit import AgentEntry, ScriptedLLM, allow_construction, text_job
from handoff_evals.scenarios import Scenario
from tests.support.phone import Plain

NAMES = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")


def test_models_of_livekit_inference_can_be_constructed_without_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    allow_construction()

    assert inference.TTS("deepgram/aura-2", voice="apollo").model
    assert inference.LLM("openai/gpt-4o").model == "openai/gpt-4o"


def test_credentials_that_are_set_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, f"of the user: {name}")
    allow_construction()

    assert [os.environ[name] for name in NAMES] == [f"of the user: {name}" for name in NAMES]


async def test_the_job_is_a_simulation_in_text_with_the_scenarios_label_and_userdata() -> None:
    scenario = Scenario(
        id="SCN_a1charge001",
        label="Charged twice",
        turns=(),
        tags={"route": "billing"},
        instructions="You were charged twice.",
        agent_expectations="Billing looks into it.",
        userdata={"name": "Maria"},
    )
    with text_job(scenario) as job:
        assert get_job_context() is job
        simulation = job.simulation_context()
        assert simulation is not None
        assert simulation.userdata() == {"name": "Maria"}
        assert simulation.scenario.id == "SCN_a1charge001"
        assert simulation.scenario.label == "Charged twice"
        assert dict(simulation.scenario.tags) == {"route": "billing"}
        assert simulation.scenario.instructions == "You were charged twice."
        assert simulation.scenario.agent_expectations == "Billing looks into it."
    with pytest.raises(RuntimeError):
        get_job_context()


async def test_a_job_leaves_no_folder_behind() -> None:
    with text_job() as job:
        folder = Path(job.session_directory)
        assert folder.is_dir()  # noqa: ASYNC240 - nothing else runs in this loop
    assert not folder.exists()  # noqa: ASYNC240 - as above


async def test_agents_find_their_job_in_every_turn() -> None:
    class Looks(Plain):
        async def on_enter(self) -> None:
            self.job = get_job_context()

    agent = Looks()
    call = Call(AgentEntry.of(agent), ScriptedLLM([]), scenario=Scenario(label="Any", turns=()))
    await call.start()
    await call.close()

    assert isinstance(agent.job, JobContext)
    with pytest.raises(RuntimeError):
        get_job_context()

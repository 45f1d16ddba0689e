"""Models of providers and servers, as `--model` names them, against a fake endpoint on loopback.

Whole conversations with handoffs, by livekit's own clients. What no key opens here is
whether the real endpoints answer like it.
"""

from pathlib import Path

import pytest
from livekit import api

from handoff_evals.drivers import Limits, TextDriver
from handoff_evals.errors import ModelError
from handoff_evals.livekit import AgentEntry
from handoff_evals.models import Model, resolve
from handoff_evals.results import Trial
from handoff_evals.runs import Pace, RetryPolicy, Runner, trial_seed
from handoff_evals.runs.lane import plan
from handoff_evals.scenarios import Suite
from tests.support.openai_server import OpenAIServer, Rates, serve
from tests.support.star import patient_call, star_suite

KEY, SECRET = "a-key", "a-secret-that-is-long-enough-for-it-to-sign"
RATES = Rates(wrong=0.3, missed=0.3)


@pytest.fixture
def no_keys(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "LIVEKIT_URL"):
        monkeypatch.setenv(name, "")
    return monkeypatch


async def run(model: Model, suite: Suite) -> list[Trial]:
    driver = TextDriver(
        entry=AgentEntry.of(patient_call),
        model=model.build,
        watch=suite.watch,
        limits=Limits(),
    )
    trials: list[Trial] = []
    runner = Runner(
        drivers={(suite.name, model.label): driver},
        pace=Pace(total=4, per_model={model.label: 4}, retry_policy=RetryPolicy(retries=0)),
        done=trials.append,
    )
    await runner.run(plan([suite], [model.label], trials=1, seed=7))
    return trials


def has_the_outcomes_of(server: OpenAIServer, trials: list[Trial]) -> None:
    """The outcomes are those that the endpoint chose, right and wrong handoffs among them."""
    seen = set()
    for trial in trials:
        assert trial.status != "unscored", trial.cause
        number = int(trial.key.scenario.removeprefix("conversation "))
        for found in trial.decisions:
            assert found.outcome == server.decided[number, found.turn].outcome
            moved = bool(trial.transcript.turns[found.turn].handoffs)
            seen.add((found.outcome, moved))
    assert {("correct", True), ("wrong", True), ("missed", False)} <= seen


async def test_a_conversation_runs_through_livekit_inference(
    no_keys: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = OpenAIServer(rates=RATES, seed=4)
    async with serve(server):
        no_keys.setenv("LIVEKIT_API_KEY", KEY)
        no_keys.setenv("LIVEKIT_API_SECRET", SECRET)
        no_keys.setenv("LIVEKIT_INFERENCE_URL", server.url)
        [model] = resolve(["openai/gpt-4.1-mini"], folder=tmp_path)
        trials = await run(model, star_suite(scenarios=8, turns=2, seed=3))

    has_the_outcomes_of(server, trials)
    assert server.body["model"] == "openai/gpt-4.1-mini"
    token = server.headers["Authorization"].removeprefix("Bearer ")
    granted = api.TokenVerifier(KEY, SECRET).verify(token).inference
    assert granted is not None
    assert granted.perform
    [asked] = {call.model for trial in trials for call in trial.transcript.model_calls}
    assert asked == "openai/gpt-4.1-mini"


async def test_inference_has_credentials_of_its_own(
    no_keys: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="needs LIVEKIT_API_KEY and LIVEKIT_API_SECRET"):
        resolve(["openai/gpt-4.1-mini"], folder=tmp_path)
    server = OpenAIServer()
    async with serve(server):
        no_keys.setenv("LIVEKIT_INFERENCE_API_KEY", KEY)
        no_keys.setenv("LIVEKIT_INFERENCE_API_SECRET", SECRET)
        no_keys.setenv("LIVEKIT_INFERENCE_URL", server.url)
        [model] = resolve(["openai/gpt-4.1-mini"], folder=tmp_path)
        [trial] = await run(model, star_suite(scenarios=1, turns=1, seed=3))
    assert trial.status == "passed"
    token = server.headers["Authorization"].removeprefix("Bearer ")
    assert api.TokenVerifier(KEY, SECRET).verify(token).inference is not None


async def test_a_conversation_runs_through_a_plugin_of_the_projects(
    no_keys: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = OpenAIServer(rates=RATES, seed=4)
    suite = star_suite(scenarios=8, turns=2, seed=3)
    async with serve(server):
        no_keys.setenv("MY_KEY", KEY)
        (tmp_path / "pyproject.toml").write_text(
            "[tool.handoff-evals.models.fast]\n"
            'plugin = "openai"\nmodel = "gpt-4.1-mini"\n'
            f'base_url = "{server.url}"\napi_key_env = "MY_KEY"\n'
            "temperature = 0.25\nseed = true\nconcurrency = 3\n"
            "options = { max_completion_tokens = 200 }\n"
            "price = { prompt = 2, completion = 8 }\n"
        )
        [model] = resolve(["fast"], folder=tmp_path)
        trials = await run(model, suite)

    has_the_outcomes_of(server, trials)
    assert (model.label, model.concurrency) == ("fast", 3)
    assert server.headers["Authorization"] == f"Bearer {KEY}"
    assert server.body["model"] == "gpt-4.1-mini"
    assert server.body["temperature"] == 0.25
    assert server.body["max_completion_tokens"] == 200
    assert server.body["seed"] in {trial_seed(trial.key, 7) for trial in trials}
    assert model.price is not None
    usage = trials[0].transcript.usage
    assert model.price.of(usage) == (usage.prompt * 2 + usage.completion * 8) / 1e6
    assert KEY not in repr(trials)


async def test_an_inference_endpoint_that_fails_leaves_a_trial_unscored(
    no_keys: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = OpenAIServer(rates=Rates(broken=1.0))
    async with serve(server):
        no_keys.setenv("LIVEKIT_API_KEY", KEY)
        no_keys.setenv("LIVEKIT_API_SECRET", SECRET)
        no_keys.setenv("LIVEKIT_INFERENCE_URL", server.url)
        [model] = resolve(["openai/gpt-4.1-mini"], folder=tmp_path)
        [trial] = await run(model, star_suite(scenarios=1, turns=1, seed=3))
    assert (trial.status, trial.cause) == ("unscored", "api_status_500")

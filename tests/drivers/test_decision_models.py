"""A DecisionModel of the agents' own is tapped, recorded, scripted and broken as an LLM is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from livekit.agents import Agent, APIConnectOptions, ChatContext, ChatMessage, StopResponse, llm

from handoff_evals import FaultyLLM, ModelFault, ScriptedLLM, decided
from handoff_evals.cassettes import Mode, ModelIdentity, cassette_of
from handoff_evals.drivers import SpokenCall, SpokenDriver
from handoff_evals.livekit import AgentEntry
from handoff_evals.scenarios import Scenario, ScriptedTurn, Watch
from tests.support.phone import ROOMY

DECISIONS: Mapping[str, llm.Decision] = {
    "route": llm.Choice("Where to?", {"billing": "bills", "desk": "all else"}),
    "urgent": llm.Probability("Is it urgent?"),
    "mood": llm.Score("How angry?", ["calm", "cross", "furious"]),
}


class Rules(llm.DecisionModel):
    """Decides by a word."""

    def __init__(self) -> None:
        kinds: list[Any] = ["probability", "choice", "score"]
        super().__init__(capabilities=llm.DecisionCapabilities(kinds))
        self.asked = 0

    @property
    def model(self) -> str:
        return "rules"

    async def _evaluate_impl(
        self,
        *,
        input: str,  # noqa: A002 - livekit's signature
        decisions: Mapping[str, llm.Decision],  # noqa: ARG002 - as above
        conn_options: APIConnectOptions,  # noqa: ARG002 - as above
    ) -> llm.DecisionResponse:
        self.asked += 1
        route = "billing" if "bill" in input.splitlines()[-1] else "desk"
        levels = ["calm", "cross", "furious"]
        return llm.DecisionResponse(
            results={
                "route": llm.ChoiceResult(value=route),
                "urgent": llm.ProbabilityResult(value=0.25),
                "mood": llm.ScoreResult(
                    value=1.5, probabilities={0: 0.0, 1: 0.5, 2: 0.5}, levels=levels
                ),
            },
            input_tokens=7,
        )


class Billing(Agent):
    """Deals with bills."""

    def __init__(self) -> None:
        super().__init__(instructions="You deal with bills.")


class Desk(Agent):
    """Routes by a DecisionModel before its model is asked."""

    def __init__(self, model: llm.DecisionModel) -> None:
        super().__init__(instructions="You answer.")
        self._router = model
        self.responses: list[llm.DecisionResponse] = []

    async def on_user_turn_completed(self, turn_ctx: ChatContext, new_message: ChatMessage) -> None:
        turn_ctx.items.append(new_message)
        options = APIConnectOptions(max_retry=1, retry_interval=0.01)
        response = await self._router.evaluate(
            input=turn_ctx, decisions=DECISIONS, conn_options=options
        )
        self.responses.append(response)
        route = response.results.get("route")
        if isinstance(route, llm.ChoiceResult) and route.value == "billing":
            self.session.update_agent(Billing())
            raise StopResponse


async def desk_call(
    decides: llm.LLM[Any] | None = None, *turns: ScriptedTurn
) -> tuple[SpokenCall, Desk, Rules]:
    rules = Rules()
    desk = Desk(rules)
    call = SpokenCall(AgentEntry.of(desk), ScriptedLLM(lambda _: "I see."), limits=ROOMY)
    call.taps.decides = decides
    if turns:
        await call.run(turns)
        return call, desk, rules
    await call.start()
    await call.say("My bill, please")
    await call.close()
    return call, desk, rules


def decisions_of(call: SpokenCall) -> list[Any]:
    return [each for each in call.transcript.model_calls if each.purpose == "decision"]


async def test_what_it_is_asked_and_decides_stands_in_the_transcript() -> None:
    call, desk, rules = await desk_call()
    assert call.active.id == "billing"
    [made] = decisions_of(call)
    assert (made.model, made.agent.id, rules.asked) == ("rules", "desk", 1)
    assert "Where to?" in made.received_text
    assert "user: My bill, please" in made.received_text
    assert '"billing"' in made.text
    assert made.usage.prompt == 7
    response = desk.responses[0]
    assert response.results == (await Rules().evaluate(input="bill", decisions=DECISIONS)).results


async def test_a_script_decides_in_its_place() -> None:
    script = ScriptedLLM([decided(route="desk", urgent=0.9, mood=1.6)])
    call, desk, rules = await desk_call(script)
    assert (call.active.id, rules.asked) == ("desk", 0)
    results = desk.responses[0].results
    assert {name: each.value for name, each in results.items()} == {
        "route": "desk",
        "urgent": 0.9,
        "mood": 1.6,
    }


async def test_a_decision_that_is_none_of_the_options_is_livekits_error() -> None:
    _, desk, _ = await desk_call(ScriptedLLM([decided(route="nowhere")]))
    assert desk.responses[0].errors["route"] == "unknown choice"
    assert desk.responses[0].errors["urgent"] == "missing decision answer"


async def test_a_turn_of_a_scenario_decides_and_the_next_does_not() -> None:
    turns = (
        ScriptedTurn(user="My bill", decisions={"route": "desk"}),
        ScriptedTurn(user="My bill"),
    )
    call, _, rules = await desk_call(None, *turns)
    assert [turn.active.id for turn in call.turns] == ["desk", "desk", "billing"]
    assert rules.asked == 1


async def test_it_is_broken_by_the_faults_of_models() -> None:
    script = ScriptedLLM([decided(route="billing")])
    broken = FaultyLLM(script, ModelFault.status(503))
    call, desk, _ = await desk_call(broken)
    assert desk.responses == []
    assert {(fault.owner, fault.cause) for fault in call.faults} == {
        ("infrastructure", "api_status_503")
    }
    assert len(decisions_of(call)) == 2  # livekit tries again


async def test_a_fault_that_passes_is_tried_again() -> None:
    script = ScriptedLLM([decided(route="billing")])
    call, _, _ = await desk_call(FaultyLLM(script, ModelFault.status(503).at(1)))
    assert call.active.id == "billing"


async def test_an_answer_that_is_no_decision_is_an_error() -> None:
    call, desk, _ = await desk_call(ScriptedLLM(lambda _: "I can't decide."))
    assert desk.responses == []
    assert [fault.cause for fault in call.faults] == ["on_user_turn_completed_error"]
    assert "decides nothing" in call.faults[0].detail


async def test_it_is_recorded_and_replayed(tmp_path: Path) -> None:
    rules = Rules()
    scenario = Scenario(label="bill", turns=(ScriptedTurn(user="My bill, please"),))

    async def run(mode: Mode) -> Any:
        cassette = cassette_of(
            "suite", ModelIdentity(label="m"), mode=mode, folders=[tmp_path], project=tmp_path
        )
        driver = SpokenDriver(
            entry=AgentEntry.of(lambda: Desk(rules)),
            model=lambda _scenario, _seed: ScriptedLLM(lambda _: "I see."),
            watch=Watch(),
            limits=ROOMY,
            cassette=cassette,
        )
        return await driver.run(scenario, seed=0)

    recorded = await run(Mode.AUTO)
    assert rules.asked == 1
    replayed = await run(Mode.REPLAY)
    assert rules.asked == 1
    assert replayed.unscored_because is None
    assert replayed.happenings == recorded.happenings
    assert all(call.replayed for call in replayed.model_calls)


async def test_outside_of_a_call_it_is_left_alone() -> None:
    rules = Rules()
    response = await rules.evaluate(input="a bill", decisions=DECISIONS)
    assert (rules.asked, response.results["route"].value) == (1, "billing")

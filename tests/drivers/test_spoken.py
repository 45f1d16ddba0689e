"""The caller speaks: what LiveKit's voice pipeline does to the words, at virtual speed."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Literal

import pytest
from livekit.agents import (
    Agent,
    AgentSession,
    AgentTask,
    ChatContext,
    ChatMessage,
    StopResponse,
    function_tool,
    inference,
    llm,
)
from livekit.agents.llm.chat_context import Instructions
from livekit.agents.voice.turn import InterruptionOptions, TurnHandlingOptions

from handoff_evals import FaultyLLM, ModelFault, ScriptedLLM
from handoff_evals.checks import overall, score
from handoff_evals.drivers import Call, Limits, SpokenCall, SpokenDriver
from handoff_evals.livekit import AgentEntry, Request
from handoff_evals.livekit.scripted import tool_call
from handoff_evals.models import OracleLLM
from handoff_evals.models.remote import Shared, openai_compatible
from handoff_evals.scenarios import Expectation, Scenario, ScriptedTurn, Target, Watch
from tests.support.openai_server import OpenAIServer, serve
from tests.support.phone import Plain, scripted, short_events
from tests.support.star import star_call, star_suite

LONG = "One two three four five six seven eight nine ten."


class Greeter(Agent):
    """Greets, and answers."""

    def __init__(self, **given: Any) -> None:
        super().__init__(instructions="You answer.", **given)

    async def on_enter(self) -> None:
        self.session.say(LONG)


class Billing(Agent):
    """Deals with bills."""

    def __init__(self) -> None:
        super().__init__(instructions="You deal with bills.")

    async def on_enter(self) -> None:
        self.session.say("Billing here.")


class Router(Agent):
    """Decides before its model is asked."""

    def __init__(self) -> None:
        super().__init__(instructions="You route.")

    async def on_user_turn_completed(self, turn_ctx: ChatContext, new_message: ChatMessage) -> None:
        words = new_message.text_content or ""
        if "bill" in words:
            self.session.update_agent(Billing())
            raise StopResponse
        if "nothing" in words:
            raise StopResponse
        if "broken" in words:
            raise LookupError("no such customer")
        turn_ctx.add_message(role="assistant", content="They are a gold customer.")


async def spoken(
    found: Any,
    script: Any,
    *turns: str | ScriptedTurn,
    limits: Limits | None = None,
    kind: Any = SpokenCall,
    scenario: Scenario | None = None,
) -> Any:
    """Run a whole call; no task may be left."""
    before = asyncio.all_tasks()
    call = kind(AgentEntry.of(found), ScriptedLLM(script), limits=limits, scenario=scenario)
    await call.run([each for turn in turns for each in _turns(turn)])
    left = asyncio.all_tasks() - before
    assert not left, [task.get_coro() for task in left]
    return call


def _turns(turn: str | ScriptedTurn) -> list[ScriptedTurn]:
    return scripted(turn) if isinstance(turn, str) else [turn]


def said(call: Any) -> list[list[str]]:
    return [short_events(turn) for turn in call.turns]


async def test_a_plain_conversation_is_the_same_as_in_text() -> None:
    for kind in (Call, SpokenCall):
        call = await spoken(Greeter, ["Sure.", "Bye."], "Can you help?", "Thanks", kind=kind)
        assert said(call) == [
            ["nobody -> greeter", f"greeter: {LONG}"],
            ["caller: Can you help?", "greeter: Sure."],
            ["caller: Thanks", "greeter: Bye."],
        ]
        assert call.faults == []


async def test_the_hook_routes_and_stops_the_reply() -> None:
    call = await spoken(Router, lambda _: "Yes?", "My bill, please", "And now?")
    assert said(call)[1:] == [
        ["router -> billing", "billing: Billing here."],
        ["caller: And now?", "billing: Yes?"],
    ]
    assert call.faults == []


async def test_a_reply_that_the_hook_stops_is_silence() -> None:
    call = await spoken(Router, lambda _: "Yes?", "Say nothing", "Hello?")
    assert said(call)[1:] == [[], ["caller: Hello?", "router: Yes?"]]


async def test_what_the_hook_adds_reaches_the_model() -> None:
    call = await spoken(Router, lambda _: "Yes?", "Hello?")
    assert "gold customer" in call.turns[1].model_calls[-1].received_text


async def test_what_the_hook_raises_is_the_agents_fault() -> None:
    call = await spoken(Router, lambda _: "Yes?", "It is broken", "Hello?")
    [fault] = call.faults
    assert (fault.owner, fault.cause, fault.turn) == ("agent", "on_user_turn_completed_error", 1)
    assert fault.detail == "LookupError: no such customer"
    assert said(call)[2] == ["caller: Hello?", "router: Yes?"]


async def test_a_reply_begun_early_is_asked_for_anew_where_the_hook_adds_something() -> None:
    call = await spoken(Router, lambda _: "Yes?", "Hello?")
    assert [each.unused for each in call.turns[1].model_calls] == [True, False]
    plain = await spoken(Plain, lambda _: "Yes?", "Hello?")
    assert [each.unused for each in plain.turns[1].model_calls] == [False]


class Transferring(Router):
    """Adds what it knows, and has a tool."""

    @function_tool
    async def transfer_to_billing(self) -> Agent:
        """Transfer to billing."""
        return Billing()


async def test_a_call_in_a_reply_that_was_thrown_away_was_not_made() -> None:
    script = [tool_call("transfer_to_billing"), "Yes?"]
    call = await spoken(Transferring, script, "Say nothing", "Hello?")
    assert said(call)[1] == []
    assert call.active.id == "transferring"


async def test_the_oracle_plays_again_what_was_thrown_away() -> None:
    turns = (
        ScriptedTurn(user="Hello", expect=Expectation(agent=Target(id="transferring"))),
        ScriptedTurn(user="Please", expect=Expectation(agent=Target(id="billing"))),
    )
    scenario = Scenario(label="-", turns=turns)
    driver = SpokenDriver(
        entry=AgentEntry.of(Transferring),
        model=lambda scenario, _seed: OracleLLM(scenario),
        watch=Watch(),
        limits=Limits(),
    )
    transcript = await driver.run(scenario, seed=0)
    assert transcript.faults == ()
    assert [turn.active.id for turn in transcript.turns[1:]] == ["transferring", "billing"]


async def test_in_text_the_hook_is_named_as_untested() -> None:
    call = await spoken(Router, lambda _: "Yes?", "My bill, please", kind=Call)
    assert call.active.id == "router"
    [note] = call.transcript.notes
    assert note.startswith("router has on_user_turn_completed, which does not run in text")
    assert (await spoken(Plain, ["Yes?"], "Hello?", kind=Call)).transcript.notes == ()


@pytest.mark.parametrize("at", [3, "three four", "Three, FOUR!"])
async def test_the_caller_interrupts_at_a_word(at: int | str) -> None:
    call = await spoken(
        Plain, [LONG, "Go on."], "Count", ScriptedTurn(user="No wait", interrupts=at)
    )
    caller, cut = said(call)[1]
    assert caller == "caller: Count"
    assert cut.startswith("plain: One two three")
    assert "ten" not in cut
    assert call.turns[1].events[1].interrupted
    assert said(call)[2] == ["caller: No wait", "plain: Go on."]
    assert call.faults == []


async def test_a_greeting_can_be_interrupted() -> None:
    call = await spoken(Greeter, ["Yes?"], ScriptedTurn(user="Billing", interrupts=2))
    [_, cut] = said(call)[0]
    assert cut.startswith("greeter: One two")
    assert "ten" not in cut
    assert said(call)[1] == ["caller: Billing", "greeter: Yes?"]


async def test_an_agent_that_allows_no_interruption_does_not_hear_it() -> None:
    call = await spoken(
        lambda: Greeter(allow_interruptions=False),
        lambda _: "Yes?",
        ScriptedTurn(user="Stop that now please", interrupts=2),
        "Hello?",
    )
    assert said(call)[:2] == [["nobody -> greeter", f"greeter: {LONG}"], []]
    assert said(call)[2] == ["caller: Hello?", "greeter: Yes?"]


async def test_an_interruption_that_finds_nothing_to_interrupt_leaves_the_trial_unscored() -> None:
    call = await spoken(
        Plain, ["One two.", "Yes?"], "Count", ScriptedTurn(user="Wait", interrupts=5)
    )
    fault = call.transcript.unscored_because
    assert fault.cause == "no_interruption"
    assert fault.detail == "the caller was to interrupt at 5, and all that was said is 'One two.'"


async def test_text_does_not_pretend_to_be_interrupted() -> None:
    call = await spoken(Plain, [], ScriptedTurn(user="Wait", interrupts=5), kind=Call)
    assert call.turns == []
    fault = call.transcript.unscored_because
    assert fault.cause == "needs_spoken"
    assert "turn 1 interrupts at 5" in fault.detail


class Patient(Agent):
    """Asks whether the caller is still there."""

    def __init__(self) -> None:
        super().__init__(instructions="You wait.")

    async def on_enter(self) -> None:
        self.session.on("user_state_changed", self._changed)

    def _changed(self, event: Any) -> None:
        if event.new_state == "away":
            self.session.say("Are you still there?")


@pytest.mark.parametrize("kind", [Call, SpokenCall])
async def test_a_silent_caller_is_away_after_a_while(kind: Any) -> None:
    began = time.perf_counter()
    quiet, away = ScriptedTurn(wait_s=5), ScriptedTurn(wait_s=20)
    call = await spoken(Patient, ["Good."], quiet, away, "Yes", kind=kind)
    assert said(call)[1:] == [
        [],
        ["patient: Are you still there?"],
        ["caller: Yes", "patient: Good."],
    ]
    assert time.perf_counter() - began < 5


async def test_what_an_agent_says_into_a_silence_can_be_interrupted() -> None:
    quiet = ScriptedTurn(wait_s=30)
    call = await spoken(Patient, ["Good."], quiet, ScriptedTurn(user="Yes", interrupts=2))
    assert said(call)[1] == ["patient: Are you still"]
    assert said(call)[2] == ["caller: Yes", "patient: Good."]
    assert call.faults == []


@pytest.mark.parametrize("mode", ["manual", "stt", "vad"])
async def test_every_way_to_end_a_turn_carries_the_words(mode: Any) -> None:
    call = await spoken(lambda: Greeter(turn_detection=mode), ["Sure."], "Can you help?")
    assert said(call)[1] == ["caller: Can you help?", "greeter: Sure."]


async def test_what_would_ask_a_server_is_replaced() -> None:
    def agent() -> Agent:
        return Greeter(
            stt="deepgram/nova-3",
            tts=inference.TTS("deepgram/aura-2", voice="apollo"),
            turn_detection=inference.TurnDetector(),
        )

    def session(model: llm.LLM[Any]) -> tuple[Agent, AgentSession[None]]:
        adaptive = TurnHandlingOptions(interruption=InterruptionOptions(mode="adaptive"))
        return agent(), AgentSession[None](
            llm=model, stt="deepgram/nova-3", tts="deepgram/aura-2", turn_handling=adaptive
        )

    for found in (agent, session):
        call = await spoken(found, ["Sure."], "Can you help?")
        assert said(call)[1] == ["caller: Can you help?", "greeter: Sure."]
        assert call.faults == []


class Ask(AgentTask[str]):
    """Asks for a name."""

    def __init__(self) -> None:
        super().__init__(instructions="You ask.")

    async def on_enter(self) -> None:
        self.session.say("Your name?")

    @function_tool
    async def record(self, name: str) -> None:
        """Record it."""
        self.complete(name)


class Flow(Agent):
    """Has a task ask."""

    def __init__(self) -> None:
        super().__init__(instructions="You greet.")

    async def on_enter(self) -> None:
        self.session.say(f"Thank you, {await Ask()}.")


async def test_a_task_takes_the_call_and_gives_it_back() -> None:
    call = await spoken(Flow, [tool_call("record", name="Bo")], "I am Bo")
    assert said(call)[1] == [
        "caller: I am Bo",
        'record({"name": "Bo"})',
        "record = ",
        "ask -> flow",
        "flow: Thank you, Bo.",
    ]


class Slow(Agent):
    """Takes its time, or for ever."""

    def __init__(self, wait: Callable[[], Any]) -> None:
        super().__init__(instructions="You look up.")
        self._wait = wait

    @function_tool
    async def look(self) -> str:
        """Look up."""
        await self._wait()
        return "found"


async def test_a_tool_that_takes_its_time_is_waited_for() -> None:
    began = time.perf_counter()
    slow = Slow(lambda: asyncio.sleep(30))
    call = await spoken(slow, [tool_call("look"), "Found it."], "Look")
    assert said(call)[1][-1] == "slow: Found it."
    assert time.perf_counter() - began < 5


async def test_a_tool_that_hangs_ends_the_call_at_the_deadline() -> None:
    began = time.perf_counter()
    slow = Slow(lambda: asyncio.Event().wait())
    call = await spoken(slow, [tool_call("look")], "Look", "Hello?", limits=Limits(turn_s=60))
    [fault] = call.faults
    assert (fault.cause, fault.ended) == ("turn_timeout", True)
    assert "waits in" in fault.detail
    assert time.perf_counter() - began < 5


async def test_speaking_at_length_passes_no_deadline_and_without_end_does() -> None:
    class Talker(Agent):
        def __init__(self, times: int) -> None:
            super().__init__(instructions="You talk.")
            self._times = times

        async def on_enter(self) -> None:
            for _ in range(self._times):
                await self.session.say(f"{LONG} " * 40)

    brief = Limits(turn_s=5)
    assert (await spoken(Talker(2), [], limits=brief)).faults == []
    [fault] = (await spoken(Talker(100), [], limits=brief)).faults
    assert fault.cause == "turn_timeout"


async def test_a_model_that_fails_ends_the_call_as_in_text() -> None:
    for kind in (Call, SpokenCall):
        broken = FaultyLLM(ScriptedLLM(lambda _: "Yes?"), ModelFault.status(400))
        call = kind(AgentEntry.of(Plain), broken)
        await call.run(scripted("Hello?", "Hello?"))
        [fault] = call.faults
        assert (fault.cause, fault.turn, fault.ended) == ("api_status_400", 1, True)


class Filler(Agent):
    """Fills the pause before it answers."""

    def __init__(self) -> None:
        super().__init__(instructions="You answer.")

    async def on_user_turn_completed(self, *_: Any, **__: Any) -> None:
        await self.session.say("Let me see about that.")


async def test_what_was_said_before_an_interruption_belongs_to_the_turn_before_it() -> None:
    call = await spoken(
        Filler, lambda _: "Yes?", "Hello?", ScriptedTurn(user="No wait", interrupts=4)
    )
    assert said(call)[1:] == [
        ["caller: Hello?", "filler: Let me see about that."],
        ["caller: No wait", "filler: Let me see about that.", "filler: Yes?"],
    ]


async def test_a_turn_has_livekits_own_result() -> None:
    call = await spoken(Flow, [tool_call("record", name="Bo"), "Fine."], "I am Bo", "Thanks")
    call.results[1].expect.contains_function_call(name="record")
    call.results[1].expect.contains_agent_handoff(new_agent_type=Flow)
    call.results[2].expect.next_event().is_message(role="assistant")


async def test_the_modality_of_a_scenario_gives_the_voice_prompt_in_text() -> None:
    class Both(Agent):
        def __init__(self) -> None:
            super().__init__(
                instructions=Instructions("Be kind.", audio="Be brief.", text="Use tables.")
            )

    def prompt(request: Request) -> str:
        return " ".join((request.chat_ctx.messages()[0].text_content or "").split())

    heard = {}
    modality: Literal["text", "audio"]
    for modality in ("text", "audio"):
        scenario = Scenario(label="-", turns=(), modality=modality)
        call = await spoken(Both, prompt, "Hi", kind=Call, scenario=scenario)
        assert call.faults == []
        heard[modality] = short_events(call.turns[1])[1]
    assert heard == {"text": "both: Be kind. Use tables.", "audio": "both: Be kind. Be brief."}
    call = await spoken(Both, prompt, "Hi")
    assert short_events(call.turns[1])[1] == "both: Be kind. Be brief."


async def test_twenty_calls_at_once_do_not_mix() -> None:

    calls = [
        SpokenCall(AgentEntry.of(Plain), ScriptedLLM(lambda r: r.last_user_text + LONG))
        for _ in range(20)
    ]
    turns = [
        [ScriptedTurn(user=f"Number {n}."), ScriptedTurn(user=f"Wait {n}.", interrupts=5)]
        for n in range(20)
    ]
    await asyncio.gather(*(call.run(each) for call, each in zip(calls, turns, strict=True)))
    for number, call in enumerate(calls):
        assert call.faults == []
        assert said(call)[1][1].startswith(f"plain: Number {number}.One two")
        assert said(call)[2] == [f"caller: Wait {number}.", f"plain: Wait {number}.{LONG}"]


async def test_a_server_that_answers_late_is_waited_for() -> None:
    suite = star_suite(scenarios=2, turns=2, seed=1)
    server = OpenAIServer(latency_s=0.02)
    shared = Shared(lambda: openai_compatible(server.url, "late"))
    driver = SpokenDriver(
        entry=AgentEntry.of(star_call),
        model=lambda _scenario, seed: shared.borrow(seed=seed),
        watch=suite.watch,
        limits=Limits(turn_s=5),
    )
    async with serve(server):
        client = shared.borrow()
        for scenario in suite.scenarios:
            transcript = await driver.run(scenario, seed=0)
            assert transcript.faults == ()
            assert overall(score(scenario, transcript)) == "passed"
        await client.aclose()

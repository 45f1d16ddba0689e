"""Entry points as people deploy them, run for one conversation each."""

import asyncio
import inspect
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from livekit import api, rtc
from livekit.agents import (
    Agent,
    AgentServer,
    AgentSession,
    AgentStateChangedEvent,
    AutoSubscribe,
    BackgroundAudioPlayer,
    JobContext,
    JobProcess,
    RunContext,
    WorkerOptions,
    function_tool,
    get_job_context,
)
from livekit.agents.utils import http_context

from handoff_evals import tool_call
from handoff_evals.drivers import Call, Limits
from handoff_evals.errors import AgentImportError, UsageError
from handoff_evals.livekit import AgentEntry, FakeCaller, FakeJob, ScriptedLLM
from handoff_evals.scenarios import Scenario, ScriptedTurn, load_suite
from handoff_evals.transcript import JobAction
from tests.support.phone import ROOMY, Plain, skipping_waits


class Desk(Agent):
    """An agent whose tools ask LiveKit's job for something."""

    def __init__(self, *, name: str = "you") -> None:
        super().__init__(instructions=f"You talk to {name}.")

    @function_tool
    async def hang_up(self) -> None:
        """Hang up."""
        await get_job_context().delete_room()

    @function_tool
    async def shut_down(self) -> None:
        """Shut the job down."""
        get_job_context().shutdown("all is said")

    @function_tool
    async def transfer(self, context: RunContext[Any]) -> str:  # noqa: ARG002
        """Transfer the caller to a person."""
        job = get_job_context()
        [caller] = job.room.remote_participants.values()
        try:
            await job.transfer_sip_participant(caller, "tel:+1234")
        except api.TwirpError as error:
            return f"that failed: {error.message}"
        return "transferred"


Entry = Callable[[JobContext], Awaitable[None]]


def served(entry: Entry, *, setup: Callable[[JobProcess], Any] | None = None) -> AgentServer:
    server = AgentServer(setup_fnc=setup)
    server.rtc_session(entry, agent_name="desk")
    return server


async def plain(ctx: JobContext) -> None:
    await AgentSession[Any]().start(agent=Desk(), room=ctx.room)


@dataclass(kw_only=True)
class Driven:
    """A conversation that is over."""

    call: Call
    said: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[tuple[str, str]]:
        return [(fault.cause, fault.detail) for fault in self.call.faults]

    @property
    def actions(self) -> list[JobAction]:
        return list(self.call.transcript.job)

    @property
    def words(self) -> list[str]:
        events = self.call.transcript.events
        return [each.text for each in events if each.type == "message" and each.role != "user"]


async def drive(
    entry: Any,
    *said: str,
    replies: list[Any] | None = None,
    job: FakeJob | None = None,
    limits: Limits = ROOMY,
) -> Driven:
    is_function = inspect.iscoroutinefunction(entry) and entry is not plain
    loaded = AgentEntry.of(served(entry) if is_function else entry)
    call = Call(
        replace(loaded, job=job or FakeJob()),
        ScriptedLLM(replies or ["Yes."], unused_ok=True),
        limits=limits,
        scenario=Scenario(label="Any", turns=(), userdata={"from": "the scenario"}),
    )
    with skipping_waits():
        await call.run([ScriptedTurn(user=each) for each in said])
    return Driven(call=call)


async def test_an_entry_point_is_driven_with_its_metadata_its_caller_and_its_setup() -> None:
    ended: list[str] = []

    def prewarm(process: JobProcess) -> None:
        process.userdata["vad"] = "loaded"

    async def entry(ctx: JobContext) -> None:
        ctx.log_context_fields = {"room": ctx.room.name}

        async def flush(reason: str) -> None:
            ended.append(reason)

        ctx.add_shutdown_callback(flush)
        known = json.loads(ctx.job.metadata)
        await ctx.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY)
        caller = await ctx.wait_for_participant()
        known |= {"number": caller.attributes["sip.phoneNumber"], "kind": caller.kind}
        known |= {"vad": ctx.proc.userdata["vad"], "room": await ctx.room.sid}
        session = AgentSession[dict[str, Any]](userdata=known)
        await session.start(agent=Desk(name=known["name"]), room=ctx.room)
        await session.generate_reply(instructions="Greet the caller.")

    driven = await drive(
        served(entry, setup=prewarm),
        "Hello",
        replies=["Welcome.", "Yes?"],
        job=FakeJob(
            metadata={"name": "Ann"},
            room="front-desk",
            caller=FakeCaller(kind="sip", attributes={"sip.phoneNumber": "+4930"}),
        ),
    )

    assert driven.faults == []
    assert driven.words == ["Welcome.", "Yes?"]
    assert driven.call.turns[0].events[-1].type == "message", "the greeting is of the opening"
    assert driven.call.session.userdata == {
        "name": "Ann",
        "number": "+4930",
        "kind": rtc.ParticipantKind.PARTICIPANT_KIND_SIP,
        "vad": "loaded",
        "room": "RM_front-desk",
    }
    assert driven.actions == [
        JobAction(
            name="add_shutdown_callback",
            arguments={"callback": f"{entry.__qualname__}.<locals>.flush"},
        ),
        JobAction(name="connect", arguments={"auto_subscribe": False}),
        JobAction(name="wait_for_participant"),
    ]
    assert ended == ["the conversation is over"]


async def test_every_conversation_has_a_process_and_a_room_of_its_own() -> None:
    rooms: list[str] = []
    counts: list[int] = []

    def prewarm(process: JobProcess) -> None:
        process.userdata["orders"] = []

    async def entry(ctx: JobContext) -> None:
        rooms.append(ctx.room.name)
        ctx.proc.userdata["orders"].append(1)
        counts.append(len(ctx.proc.userdata["orders"]))
        await plain(ctx)

    server = served(entry, setup=prewarm)
    await asyncio.gather(*(drive(server, "Hello") for _ in range(3)))

    assert counts == [1, 1, 1]
    assert len(set(rooms)) == 3


@pytest.mark.parametrize(
    "found", [plain, WorkerOptions(entrypoint_fnc=plain, ws_url="ws://x"), served(plain)]
)
async def test_an_entry_point_is_taken_in_each_of_its_forms(found: Any) -> None:
    driven = await drive(found, "Hello")

    assert (driven.words, driven.faults) == (["Yes."], [])


async def test_the_function_of_a_server_brings_the_servers_setup(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Any] = []

    def prewarm(process: JobProcess) -> None:
        process.userdata["vad"] = "loaded"

    async def entry(ctx) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - nothing tells
        seen.append(ctx.proc.userdata["vad"])
        await plain(ctx)

    monkeypatch.setattr(
        sys.modules[__name__], "server", served(entry, setup=prewarm), raising=False
    )
    point = AgentEntry.of(entry).point

    assert point is not None
    assert point.setup is prewarm
    assert point.agent_name == "desk"


def test_a_server_without_an_entry_point_is_refused() -> None:
    with pytest.raises(AgentImportError, match="without an entry point"):
        AgentEntry.of(AgentServer())


async def test_an_entry_point_that_starts_no_session_is_a_fault_with_what_it_asked() -> None:
    async def entry(ctx: JobContext) -> None:
        await ctx.connect()
        ctx.shutdown("no such customer")

    driven = await drive(entry, "Hello")

    assert driven.faults == [
        (
            "no_session",
            (
                "NoSessionError: the entry point returned and had not called `session.start(…)`; "
                "it asked the job for: connect, shutdown"
            ),
        )
    ]


@pytest.mark.parametrize("first", [True, False])
async def test_what_an_entry_point_raises_is_its_fault(first: bool) -> None:  # noqa: FBT001
    async def entry(ctx: JobContext) -> None:
        if not first:
            await plain(ctx)
        json.loads(ctx.job.metadata)

    driven = await drive(entry, "Hello")

    assert driven.faults == [
        ("entrypoint_error", "JSONDecodeError: Expecting value: line 1 column 1 (char 0)")
    ]
    assert len(driven.call.turns) == 1, "the job is over"


async def test_an_entry_point_that_ends_the_process_ends_its_conversation_only() -> None:
    async def entry(ctx: JobContext) -> None:  # noqa: ARG001
        sys.exit(3)

    driven = await drive(entry, "Hello")

    assert driven.faults == [("entrypoint_error", "SystemExit: 3")]


async def test_what_an_entry_point_raises_during_the_call_belongs_to_that_turn() -> None:
    async def entry(ctx: JobContext) -> None:
        session = AgentSession[Any]()
        said = asyncio.Event()

        def thinks(event: AgentStateChangedEvent) -> None:
            if event.new_state == "thinking":
                said.set()

        session.on("agent_state_changed", thinks)
        await session.start(agent=Desk(), room=ctx.room)
        await said.wait()
        json.loads(ctx.job.metadata)

    driven = await drive(entry, "Hello")

    assert [(fault.cause, fault.turn) for fault in driven.call.faults] == [
        ("background_task_error", 1)
    ]


async def test_a_setup_that_raises_is_a_fault() -> None:
    def prewarm(process: JobProcess) -> None:
        process.userdata["vad"] = process.userdata["none"]

    driven = await drive(served(plain, setup=prewarm), "Hello")

    assert driven.faults == [("entrypoint_error", "KeyError: 'none'")]


async def test_an_entry_point_that_hangs_is_cut_off_with_the_line_where_it_waits() -> None:
    async def entry(ctx: JobContext) -> None:
        await ctx.wait_for_participant(identity="nobody")

    driven = await drive(entry, "Hello", limits=Limits(turn_s=0.2))

    [(cause, detail)] = driven.faults
    assert cause == "turn_timeout"
    assert detail.startswith("the agent's entry point was not done within 0.2 s; it waits in entry")
    assert "test_entrypoint.py, line" in detail


async def test_a_session_that_is_started_twice_is_one_conversation() -> None:
    async def entry(ctx: JobContext) -> None:
        session = AgentSession[Any]()
        await session.start(agent=Desk(), room=ctx.room)
        await session.start(agent=Plain(), room=ctx.room)

    driven = await drive(entry, "Hello")

    assert (driven.words, driven.faults) == (["Yes."], [])
    assert [ref.id for _, ref in driven.call.entered] == ["desk"]


async def test_of_two_sessions_the_first_is_driven() -> None:
    async def entry(ctx: JobContext) -> None:
        await AgentSession[Any]().start(agent=Desk(), room=ctx.room)
        await AgentSession[Any]().start(agent=Plain(), record=False)

    driven = await drive(entry, "Hello")

    assert (driven.words, driven.faults) == (["Yes."], [])
    assert [ref.id for _, ref in driven.call.entered] == ["desk"]


async def test_an_entry_point_may_go_on_as_long_as_the_call() -> None:
    closed = asyncio.Event()
    saved: list[str] = []

    async def entry(ctx: JobContext) -> None:
        session = AgentSession[Any]()
        session.on("close", lambda _: closed.set())
        await session.start(agent=Desk(), room=ctx.room)
        await closed.wait()
        saved.append("the transcript")

    driven = await drive(entry, "Hello", "Bye", replies=["Yes.", "No."])

    assert (driven.words, driven.faults) == (["Yes.", "No."], [])
    assert saved == ["the transcript"]


@pytest.mark.parametrize(
    ("tool", "asked"),
    [
        ("hang_up", JobAction(name="room.delete_room", arguments={"room": "desk"})),
        ("shut_down", JobAction(name="shutdown", arguments={"reason": "all is said"})),
    ],
)
@pytest.mark.parametrize("entry", [plain, Desk])
async def test_a_job_that_an_agent_ends_ends_the_call(
    entry: Any, tool: str, asked: JobAction
) -> None:
    loaded = replace(AgentEntry.of(entry), job=FakeJob(room="desk"))
    call = Call(loaded, ScriptedLLM([tool_call(tool)]), limits=ROOMY)

    await call.run([ScriptedTurn(user="Good bye"), ScriptedTurn(user="One more thing")])

    assert asked in call.transcript.job
    assert [fault.cause for fault in call.faults] == ["ended_call"]


SIP = FakeJob(room="desk", caller=FakeCaller(identity="+4930", kind="sip"))


async def test_a_transfer_of_the_caller_is_noted_and_the_caller_is_gone() -> None:
    driven = await drive(plain, "A person, please", replies=[tool_call("transfer")], job=SIP)

    [asked] = [each for each in driven.actions if each.name == "sip.transfer_sip_participant"]
    assert asked.arguments["participant_identity"] == "+4930"
    assert asked.arguments["transfer_to"] == "tel:+1234"
    assert driven.call.over


async def test_a_scripted_answer_takes_the_place_of_the_servers() -> None:
    busy = api.TwirpError("unavailable", "busy here", status=503)
    job = replace(SIP, answers={"sip.transfer_sip_participant": busy})

    driven = await drive(
        plain, "A person", replies=[tool_call("transfer"), "They are busy."], job=job
    )

    [output] = [
        each for each in driven.call.transcript.events if each.type == "function_call_output"
    ]
    assert output.output == "that failed: busy here"
    assert "busy here" in (driven.actions[-1].error or "")
    assert driven.words == ["They are busy."]


async def test_somebody_who_is_called_by_telephone_enters_the_room() -> None:
    seen: list[Any] = []

    async def entry(ctx: JobContext) -> None:
        await ctx.connect()
        async with api.LiveKitAPI() as livekit:
            dialled = await livekit.sip.create_sip_participant(
                api.CreateSIPParticipantRequest(
                    sip_trunk_id="ST_1",
                    sip_call_to="+4930",
                    room_name=ctx.room.name,
                    participant_identity="callee",
                    wait_until_answered=True,
                )
            )
        callee = await ctx.wait_for_participant(identity="callee")
        seen.extend([dialled.sip_call_id, callee.attributes["sip.callStatus"]])
        await plain(ctx)

    answers = {"sip.create_sip_participant": {"sip_call_id": "SCL_1"}}
    driven = await drive(entry, "Hello", job=FakeJob(caller=None, answers=answers))

    assert (seen, driven.faults) == (["SCL_1", "active"], [])
    assert [each.name for each in driven.actions] == [
        "connect",
        "sip.create_sip_participant",
        "wait_for_participant",
    ]


async def test_what_is_sent_to_the_room_is_noted_and_rpc_has_scripted_answers_only() -> None:
    heard: list[str] = []

    async def entry(ctx: JobContext) -> None:
        await plain(ctx)
        here = ctx.room.local_participant
        await here.set_attributes({"topic": "loans"})
        assert here.attributes["topic"] == "loans"
        await here.publish_data("ping", topic="chat")
        await here.send_text("pong", topic="chat")
        for method in ("where", "when"):
            try:
                heard.append(
                    await here.perform_rpc(destination_identity="caller", method=method, payload="")
                )
            except rtc.RpcError as error:
                heard.append(error.message)

    driven = await drive(entry, "Hello", job=FakeJob(answers={"rpc.where": lambda asked: "Berlin"}))  # noqa: ARG005

    assert driven.faults == []
    assert heard == ["Berlin", "nobody answers 'when' here: FakeJob(answers={'rpc.when': ...})"]
    assert [each.name for each in driven.actions] == [
        "connect",
        "room.local_participant.set_attributes",
        "room.local_participant.publish_data",
        "room.local_participant.send_text",
        "rpc.where",
        "rpc.when",
    ]


async def test_background_audio_is_noted_and_not_played() -> None:
    async def entry(ctx: JobContext) -> None:
        session = AgentSession[Any]()
        await session.start(agent=Desk(), room=ctx.room)
        player = BackgroundAudioPlayer()
        await player.start(room=ctx.room, agent_session=session)
        await player.play("hold.ogg")

    driven = await drive(entry, "Hello")

    assert driven.faults == []
    assert driven.actions[1:] == [
        JobAction(name="background_audio.start"),
        JobAction(name="background_audio.play", arguments={"audio": "hold.ogg"}),
    ]


async def test_an_entry_point_for_participants_runs_for_the_caller() -> None:
    met: list[str] = []

    async def meets(ctx: JobContext, participant: rtc.RemoteParticipant) -> None:  # noqa: ARG001
        met.append(participant.identity)

    async def entry(ctx: JobContext) -> None:
        ctx.add_participant_entrypoint(meets)
        await plain(ctx)

    await drive(entry, "Hello")

    assert met == ["caller"]


async def test_an_entry_point_finds_the_simulation_and_the_jobs_http_session() -> None:
    found: list[Any] = []

    async def entry(ctx: JobContext) -> None:
        simulation = ctx.simulation_context()
        assert simulation is not None
        found.extend([simulation.userdata(), http_context.http_session().closed])
        await plain(ctx)

    await drive(entry, "Hello")

    assert found == [{"from": "the scenario"}, False]


async def test_a_scenario_may_say_what_the_job_is_about(tmp_path: Path) -> None:
    path = tmp_path / "scenarios.yaml"
    path.write_text(
        "agent: any:agent\n"
        "job: {metadata: {customer: 7}, room: desk}\n"
        "scenarios:\n"
        "  - label: Any\n"
        "    job: {room: hall, caller: {kind: sip, attributes: {sip.phoneNumber: '+4930'}}}\n"
        "    turns: [{user: Hello}]\n"
    )
    seen: list[Any] = []

    async def entry(ctx: JobContext) -> None:
        await ctx.connect()
        caller = await ctx.wait_for_participant()
        seen.extend([ctx.job.metadata, ctx.room.name, caller.attributes])
        await plain(ctx)

    [scenario] = load_suite(path).scenarios
    call = Call(AgentEntry.of(served(entry)), ScriptedLLM(["Yes."]), scenario=scenario)
    await call.run(scenario.turns)

    assert seen == ['{"customer": 7}', "hall", {"sip.phoneNumber": "+4930"}]


def test_a_scenarios_answer_to_what_nothing_asks_is_an_error_that_names_the_scenario() -> None:
    scenario = Scenario(label="Busy", turns=(), job={"answers": {"sip.call": {}}})

    with pytest.raises(UsageError, match="scenario 'Busy': job: answers has"):
        Call(AgentEntry.of(plain), ScriptedLLM([]), scenario=scenario)


@pytest.mark.parametrize("name", ["sip.transfer", "sip", "call.me", ""])
def test_an_answer_to_what_nothing_asks_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="which nothing asks"):
        FakeJob(answers={name: None})


def test_a_caller_of_an_unknown_kind_is_refused() -> None:
    kind: Any = "telephone"
    with pytest.raises(ValueError, match="write one of 'standard', 'sip'"):
        FakeCaller(kind=kind)

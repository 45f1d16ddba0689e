from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from livekit.agents import AgentSession, llm

from handoff_evals.livekit import HistoryReader
from handoff_evals.transcript import (
    AgentConfigUpdate,
    AgentHandoff,
    AgentRef,
    Event,
    FunctionCall,
    FunctionCallOutput,
    Message,
)
from tests.support.phone import Plain, run_call

TRIAGE, CLAIMS = AgentRef(id="triage"), AgentRef(id="desk", attributes={"topic": "claims"})


def session(*items: llm.ChatItem) -> AgentSession[Any]:
    """What the reader sees of a session: its history."""
    history = SimpleNamespace(items=list(items))
    return cast("AgentSession[Any]", SimpleNamespace(history=history))


def noted(item_id: str) -> AgentHandoff | None:
    return {
        "to_triage": AgentHandoff(old=None, new=TRIAGE),
        "to_claims": AgentHandoff(old=TRIAGE, new=CLAIMS),
    }.get(item_id)


def said(role: llm.ChatRole, text: str) -> llm.ChatMessage:
    return llm.ChatMessage(role=role, content=[text])


def handoff(item_id: str) -> llm.AgentHandoff:
    return llm.AgentHandoff(id=item_id, old_agent_id=None, new_agent_id="by livekit")


def made(name: str, agent: AgentRef) -> FunctionCall:
    return FunctionCall(name=name, arguments="{}", call_id=f"call_{name}", agent=agent)


def filed(name: str) -> llm.FunctionCall:
    return llm.FunctionCall(name=name, arguments="{}", call_id=f"call_{name}")


def untimed(events: list[Event]) -> list[Event]:
    return [replace(event, at_s=None) if isinstance(event, Message) else event for event in events]


def test_each_item_becomes_one_event_of_the_agent_that_was_active() -> None:
    reader = HistoryReader(noted)
    output = llm.FunctionCallOutput(name="t", output="x", call_id="call_t", is_error=True)
    events = reader.read(
        session(
            handoff("to_triage"),
            llm.AgentConfigUpdate(instructions="You route.", tools_added=["t"]),
            said("user", "Hello?"),
            filed("t"),
            output,
            handoff("to_claims"),
            said("assistant", "Yes."),
        )
    )

    assert untimed(events) == [
        AgentHandoff(old=None, new=TRIAGE),
        AgentConfigUpdate(agent=TRIAGE, instructions="You route.", tools_added=("t",)),
        Message(role="user", text="Hello?"),
        made("t", TRIAGE),
        FunctionCallOutput(name="t", output="x", call_id="call_t", is_error=True, agent=TRIAGE),
        AgentHandoff(old=TRIAGE, new=CLAIMS),
        Message(role="assistant", text="Yes.", agent=CLAIMS),
    ]


def test_an_item_is_read_once() -> None:
    reader = HistoryReader(noted)
    items: list[llm.ChatItem] = [handoff("to_triage"), said("user", "Hello?")]
    reader.read(session(*items))

    assert reader.read(session(*items)) == []
    assert untimed(reader.read(session(*items, said("assistant", "Yes.")))) == [
        Message(role="assistant", text="Yes.", agent=TRIAGE)
    ]


def test_a_handoff_that_nobody_noted_is_known_by_livekits_id() -> None:
    (event,) = HistoryReader(noted).read(session(handoff("unheard of")))

    assert event == AgentHandoff(old=None, new=AgentRef(id="by livekit"))


def test_a_call_whose_tool_is_not_done_stands_before_the_handoff_that_it_led_to() -> None:
    reader = HistoryReader(noted)
    reader.read(session(handoff("to_triage")))

    events = reader.read(
        session(said("user", "Hello?"), handoff("to_claims"), said("assistant", "Yes.")),
        [(0, made("t", TRIAGE)), (1, made("u", CLAIMS))],
    )

    assert [getattr(event, "name", event.type) for event in events] == [
        "message",
        "t",
        "agent_handoff",
        "message",
        "u",
    ]


def test_a_call_that_livekit_files_later_is_not_told_twice() -> None:
    reader = HistoryReader(noted)
    assert reader.read(session(), [(0, made("t", TRIAGE))]) == [made("t", TRIAGE)]

    assert reader.read(session(filed("t"))) == []


def test_a_call_that_livekit_has_filed_is_taken_from_there() -> None:
    reader = HistoryReader(noted)

    assert reader.read(session(filed("t")), [(0, made("t", TRIAGE))]) == [made("t", None)]  # type: ignore[arg-type]  # nobody has entered


def test_metrics_are_kept_where_they_are_numbers() -> None:
    message = said("assistant", "Yes.")
    message.metrics = {"llm_node_ttft": 0.5, "started_speaking_at": 3}
    (event,) = HistoryReader(noted).read(session(message))

    assert isinstance(event, Message)
    assert event.metrics == {"llm_node_ttft": 0.5, "started_speaking_at": 3.0}


async def test_the_agents_instructions_and_tools_are_in_the_record() -> None:
    call = await run_call(Plain, ["Yes."], "Hello?")

    (update,) = (e for e in call.transcript.events if isinstance(e, AgentConfigUpdate))
    assert update.instructions == "You answer."
    assert update.agent == AgentRef(id="plain")

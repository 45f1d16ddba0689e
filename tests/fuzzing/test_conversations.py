"""What random conversations do beyond talking: models fail, callers interrupt, tasks nest."""

import asyncio
import importlib
import sys
from collections.abc import Callable
from typing import Any

import pytest
from livekit.agents import Agent, AgentTask, function_tool

from handoff_evals import AgentEntry, Request, ScriptedLLM, fuzzing, tool_call
from handoff_evals.errors import UsageError
from handoff_evals.fuzzing import Subject, fuzz
from handoff_evals.fuzzing.subject import broken
from handoff_evals.fuzzing.watched import Conversation, counted
from handoff_evals.livekit import Reply


class Desk(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You are the desk.")

    async def on_enter(self) -> None:
        self.session.say("This is the desk.")


class AskForName(AgentTask[str]):
    """Holds the call until it has a name."""

    def __init__(self) -> None:
        super().__init__(instructions="Ask for the name.")

    async def on_enter(self) -> None:
        self.session.say("What is your name?")

    @function_tool
    async def record(self, name: str) -> None:
        """Record the name."""
        self.complete(name)


class Reception(Agent):
    """Asks for the name in a task of its own before it transfers."""

    def __init__(self) -> None:
        super().__init__(instructions="You are the reception.")

    async def on_enter(self) -> None:
        self.session.say("Hello.")

    @function_tool
    async def transfer(self) -> Agent:
        """Transfer the caller to the desk."""
        return Desk()

    @function_tool
    async def identify(self) -> str:
        """Find out who calls."""
        return await AskForName()


GRAPH = {
    "reception": ["desk", "ask_for_name"],
    "ask_for_name": ["reception"],
}


def subject() -> Subject:
    return Subject(entry=AgentEntry.of(Reception), graph=GRAPH)


def held(
    answer: Callable[[Request], Reply], *says: str, interrupt_after: int | None = None
) -> Conversation:
    """Hold a conversation; the last thing said may be interrupted."""

    async def hold() -> Conversation:
        conversation = Conversation(subject(), ScriptedLLM(answer))
        await conversation.open()
        for text in says[:-1]:
            await conversation.say(text)
        await conversation.say(says[-1], interrupt_after=interrupt_after)
        seen.append(conversation.active)
        await conversation.close()
        return conversation

    seen: list[Any] = []
    with counted():
        conversation = asyncio.run(hold())
    assert seen
    return conversation


def test_tasks_that_nest_break_no_invariant() -> None:
    fuzz(subject(), turns=3)


def test_an_agent_that_goes_on_after_a_task_is_not_expected_to_enter_again() -> None:
    replies = {
        "Who am I?": tool_call("identify"),
        "Ada.": tool_call("record", name="Ada"),
    }

    conversation = held(
        lambda request: (
            replies.get(request.last_user_text, "Yes.")
            if getattr(request.last_item, "role", "") == "user"
            else "Thank you."
        ),
        "Who am I?",
        "Ada.",
    )

    seen = conversation.seen
    assert [step.new.id for step in seen.activations] == ["reception", "ask_for_name", "reception"]
    assert [step.resumed for step in seen.activations] == [False, False, True]
    assert [entrance.agent.id for entrance in seen.entrances] == ["reception", "ask_for_name"]
    assert broken(seen, subject()) is None


@pytest.mark.parametrize(
    ("graph", "strays"),
    [
        ({"reception": ["desk"]}, []),
        ({"reception": ["desk", "ask_for_name"]}, []),
        ({"reception": [], "desk": []}, ["desk"]),
        ({"reception": ["desk"], "desk": ["ask_for_name"]}, ["ask_for_name"]),
    ],
)
def test_a_task_that_the_graph_does_not_name_is_a_part_of_the_agent_that_awaits_it(
    graph: dict[str, list[str]], strays: list[str]
) -> None:
    said = {
        "Who am I?": tool_call("identify"),
        "Ada.": tool_call("record", name="Ada"),
        "Go.": tool_call("transfer"),
    }
    seen = held(
        lambda request: (
            said.get(request.last_user_text, "Yes.")
            if getattr(request.last_item, "role", "") == "user"
            else "Thank you."
        ),
        *said,
    ).seen

    asked = Subject(entry=AgentEntry.of(Reception), graph=graph)
    assert [step.new.id for step in asked.strays(seen.activations)] == strays


def test_a_call_goes_on_after_a_models_error() -> None:
    conversation = held(
        lambda request: (
            ConnectionError("gone") if request.last_user_text == "One." else tool_call("transfer")
        ),
        "One.",
        "Two.",
    )

    assert [step.new.id for step in conversation.seen.activations] == ["reception", "desk"]
    assert conversation.seen.heard == ("One.", "Two.")


def test_a_handoff_is_interrupted_early_in_its_turn_and_no_word_is_lost() -> None:
    whole = held(lambda _: tool_call("transfer"), "Go.")
    cut_off = held(lambda _: tool_call("transfer"), "Go.", interrupt_after=10)

    assert [step.new.id for step in whole.seen.activations] == ["reception", "desk"]
    assert [step.new.id for step in cut_off.seen.activations] == ["reception"]
    assert cut_off.seen.heard == ("Go.",)


def test_a_machine_that_stands_still_is_named_before_what_it_costs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Five seconds after an interruption livekit cancels the speech, and with it the words
    # that it had not yet put into the history.
    monkeypatch.setattr("livekit.agents.voice.speech_handle.INTERRUPTION_TIMEOUT", 0)

    conversation = held(lambda _: "Yes.", "One.", "Two.", interrupt_after=2)

    assert conversation.seen.said == ("One.", "Two.")
    assert conversation.seen.heard == ("One.",)
    found = broken(conversation.seen, subject())
    assert found is not None
    assert found[0] == "every run ends in time"
    assert found[1].startswith("interruption_timeout in turn 2: ")


def test_without_hypothesis_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)

    with pytest.raises(ModuleNotFoundError, match=r"pip install 'handoff-evals\[properties\]'"):
        importlib.reload(fuzzing)


async def test_it_says_that_it_needs_an_event_loop_of_its_own() -> None:
    with pytest.raises(UsageError, match="call it from a plain `def` test"):
        fuzz(subject())


def test_a_graph_of_letters_is_refused() -> None:
    with pytest.raises(TypeError, match=r"give a list of agents, \['desk'\]"):
        Subject(entry=AgentEntry.of(Reception), graph={"reception": "desk"})

"""One bug planted for each invariant, which random conversations find."""

import asyncio
import itertools
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from livekit.agents import Agent, ChatContext, function_tool, llm

from handoff_evals import (
    AgentEntry,
    BrokenInvariantError,
    Limits,
    Subject,
    TooLittleTakenError,
    fuzz,
    replay,
)
from handoff_evals.fuzzing import INVARIANTS
from handoff_evals.fuzzing.random_model import PlayedTurn
from handoff_evals.fuzzing.taken import ShrinkingTimeOver, Tally
from handoff_evals.scenarios import load_suite

pytestmark = pytest.mark.usefixtures("no_waiting")

HERE = "tests.fuzzing.test_planted"
# None of the bugs takes more than this to show.
TURNS = 2
CONVERSATIONS = 100


class Desk(Agent):
    """Where the caller ends up, and is greeted."""

    def __init__(self, *, chat_ctx: ChatContext | None = None) -> None:
        super().__init__(instructions="You are the desk.", chat_ctx=chat_ctx)

    async def on_enter(self) -> None:
        self.session.say("This is the desk.")


class Front(Agent):
    """Takes the call."""

    def __init__(self) -> None:
        super().__init__(instructions="You are the reception.")

    def said(self) -> ChatContext:
        return self.chat_ctx.copy(exclude_instructions=True, exclude_config_update=True)


class Reception(Front):
    """Does nothing wrong."""

    @function_tool
    async def transfer(self) -> Agent:
        """Transfer the caller to the desk."""
        return Desk(chat_ctx=self.said())


class ForgetfulDesk(Desk):
    """Tidies the session's own history away, with the records in it."""

    def keeps(self, item: llm.ChatItem) -> bool:
        return item.type != "agent_handoff"

    async def on_enter(self) -> None:
        items = self.session.history.items
        items[:] = filter(self.keeps, items)
        await super().on_enter()


class ForgetfulReception(Front):
    @function_tool
    async def transfer(self) -> Agent:
        """Transfer the caller to the desk."""
        return ForgetfulDesk()


class DiscreetDesk(ForgetfulDesk):
    """Forgets what the caller said to others."""

    def keeps(self, item: llm.ChatItem) -> bool:
        return not (isinstance(item, llm.ChatMessage) and item.role == "user")


class DiscreetReception(Front):
    @function_tool
    async def transfer(self) -> Agent:
        """Transfer the caller to the desk."""
        return DiscreetDesk()


class EagerDesk(Desk):
    """Looks the caller up as it enters."""

    async def on_enter(self) -> None:
        await asyncio.sleep(0)


class EagerReception(Front):
    """Has the desk enter by hand, although livekit will."""

    @function_tool
    async def transfer(self) -> Agent:
        """Transfer the caller to the desk."""
        desk = EagerDesk()
        await desk.on_enter()
        return desk


class Vault(Desk):
    """Open to nobody."""


class TrustingReception(Front):
    """Puts the caller through to whatever the model asks for."""

    @function_tool
    async def transfer(self, where: Literal["desk", "vault"]) -> Agent:
        """Transfer the caller."""
        return {"desk": Desk, "vault": Vault}[where]()


class RetellingReception(Front):
    """Hands on what was said in its own words."""

    @function_tool
    async def transfer(self) -> Agent:
        """Transfer the caller to the desk."""
        told = ChatContext.empty()
        for message in self.said().messages():
            told.add_message(role=message.role, content=f"It was said: {message.text_content}")
        return Desk(chat_ctx=told)


class CarelessReception(Front):
    """Hands on calls of tools that the desk knows nothing of."""

    @function_tool
    async def look_up(self) -> str:
        """Look the caller up."""
        return "A caller in good standing."

    @function_tool
    async def transfer(self) -> Agent:
        """Transfer the caller to the desk."""
        desk = Desk()
        await desk.update_chat_ctx(self.said(), exclude_invalid_function_calls=False)
        return desk


class WaitingReception(Front):
    """Waits for somebody who never comes."""

    @function_tool
    async def transfer(self) -> Agent:
        """Transfer the caller to the desk."""
        await asyncio.Event().wait()
        return Desk()


class PassingDesk(Desk):
    """Passes every caller on, to a desk like itself."""

    async def on_enter(self) -> None:
        self.session.update_agent(PassingDesk())


class PassingReception(Front):
    @function_tool
    async def transfer(self) -> Agent:
        """Transfer the caller to the desk."""
        return PassingDesk()


class MoodyReception(Front):
    """Opens the vault once, and never again."""

    opened = False

    @function_tool
    async def transfer(self) -> Agent:
        """Transfer the caller to the desk."""
        return Desk() if MoodyReception.opened else OnceOpen()


class OnceOpen(Vault):
    async def on_enter(self) -> None:
        MoodyReception.opened = True
        await super().on_enter()


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A bug, and what it must break."""

    reception: type[Agent]
    invariant: str
    calls: tuple[str, ...] = ("transfer",)
    """The calls without which nothing breaks."""
    desks: Iterable[str] = ("desk",)
    shrink: bool = True
    limits: Limits = field(default_factory=lambda: Limits(turn_s=20.0))

    @property
    def subject(self) -> Subject:
        name = self.reception.__name__
        entry = AgentEntry.load(f"{HERE}:{name}")
        first = name.replace("Reception", "_reception").lower().lstrip("_")
        graph: dict[str, Iterable[str]] = {first: self.desks, "passing_desk": ["passing_desk"]}
        return Subject(
            entry=entry,
            graph={old: list(news) for old, news in graph.items()},
            limits=self.limits,
        )


PLANTED = [
    Planted(
        reception=ForgetfulReception,
        desks=["forgetful_desk"],
        invariant="the chain of records is unbroken",
    ),
    Planted(
        reception=EagerReception,
        desks=["eager_desk"],
        invariant="every activation has one on_enter",
    ),
    Planted(reception=TrustingReception, invariant="the graph is kept"),
    Planted(
        reception=DiscreetReception,
        desks=["discreet_desk"],
        invariant="no words of the caller are lost",
    ),
    Planted(reception=RetellingReception, invariant="context is only handed on"),
    Planted(
        reception=CarelessReception,
        invariant="context is only handed on",
        calls=("look_up", "transfer"),
    ),
    Planted(
        reception=WaitingReception,
        invariant="every run ends in time",
        shrink=False,  # it would wait each time
        limits=Limits(turn_s=1.5, close_s=0.5),
    ),
    Planted(
        reception=PassingReception,
        desks=["passing_desk"],
        invariant="every run ends in time",
    ),
]


def test_every_invariant_has_a_planted_bug() -> None:
    assert {planted.invariant for planted in PLANTED} == set(INVARIANTS)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.reception.__name__)
def test_a_planted_bug_is_found_and_its_scenario_file_breaks_the_same_invariant(
    planted: Planted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BrokenInvariantError) as caught:
        fuzz(
            planted.subject,
            conversations=CONVERSATIONS,
            turns=TURNS,
            shrink_s=60.0 if planted.shrink else 0.0,
        )

    assert caught.value.invariant == planted.invariant
    assert caught.value.file in capsys.readouterr().out
    file = tmp_path / "scenarios.yaml"
    file.write_text(caught.value.file, encoding="utf-8")
    (scenario,) = load_suite(file).scenarios
    called = [call.name for turn in scenario.turns for call in turn.expect.calls or ()]
    assert set(called) == set(planted.calls)
    with pytest.raises(BrokenInvariantError) as again:
        replay(scenario, planted.subject)
    assert again.value.invariant == planted.invariant


def test_agents_without_a_bug_pass_all_conversations() -> None:
    planted = Planted(reception=Reception, invariant="")

    report = fuzz(planted.subject, turns=TURNS)

    assert report.conversations >= 25
    assert report.edges["reception -> desk"] > 0
    assert report.tools.keys() == {"transfer"}


class Returning(Front):
    """Goes to the desk and is the very same agent when the desk sends the caller back."""

    @function_tool
    async def transfer(self) -> Agent:
        """Transfer the caller to the desk."""
        return DeskWithAWayBack(self)


class DeskWithAWayBack(Agent):
    """Knows nothing of the call, and who had it."""

    def __init__(self, before: Agent) -> None:
        super().__init__(instructions="You are the desk.")
        self._before = before

    @function_tool
    async def back(self) -> Agent:
        """Transfer the caller back."""
        return self._before


def test_an_agent_that_has_the_call_again_is_not_blamed_for_what_it_knew() -> None:
    report = fuzz(
        Subject(
            entry=AgentEntry.load(f"{HERE}:Returning"),
            graph={"returning": ["desk_with_a_way_back"], "desk_with_a_way_back": ["returning"]},
        ),
        turns=4,
        min_share=1.0,
    )
    assert report.edges["desk_with_a_way_back -> returning"] > 0


def test_conversations_that_take_too_little_fail_and_say_what_they_did_not_take() -> None:
    subject = Subject(
        entry=AgentEntry.load(f"{HERE}:Reception"),
        graph={"reception": ["desk", "somebody"], "desk": ["nobody"]},
    )
    with pytest.raises(TooLittleTakenError, match="33% of the edges, below") as low:
        fuzz(subject, conversations=10, turns=TURNS)
    assert "Never: reception -> somebody, desk -> nobody." in str(low.value)
    assert fuzz(subject, conversations=10, turns=TURNS, min_share=0.3).edge_share < 0.5


def test_the_search_for_a_shorter_conversation_ends_in_time_with_the_shortest_by_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: float(next(seconds)))
    planted = Planted(reception=RetellingReception, invariant="context is only handed on")
    tally = Tally(planted.subject, shrink_s=3.0)
    long, short = (
        BrokenInvariantError(
            "the graph is kept", "why", turns=[PlayedTurn(user="Hi", answers=())] * n
        )
        for n in (3, 1)
    )
    tally.begin()
    tally.broke(long)
    tally.begin()
    tally.broke(short)
    while next(seconds) < 4:
        tally.begin()
    with pytest.raises(ShrinkingTimeOver):
        tally.begin()
    assert tally.shortest is short


def test_a_bug_that_does_not_show_again_is_reported_with_its_conversation() -> None:
    MoodyReception.opened = False

    with pytest.raises(BrokenInvariantError) as caught:
        fuzz(
            Planted(reception=MoodyReception, invariant="").subject,
            conversations=CONVERSATIONS,
            turns=TURNS,
        )

    assert caught.value.invariant == "the graph is kept"
    assert "transfer" in caught.value.file
    assert "It does not break the invariant again" in caught.value.file
    assert "timing" in caught.value.__notes__[0]

"""Mocks of a scenario file, and what only shows once the conversation is over."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from livekit import api
from livekit.agents import Agent, AgentSession, ToolError, function_tool, get_job_context

from handoff_evals import ScriptedLLM, tool_call
from handoff_evals.checks import score
from handoff_evals.drivers import Call
from handoff_evals.errors import UsageError
from handoff_evals.livekit import AgentEntry
from handoff_evals.models import OracleLLM
from handoff_evals.scenarios import Scenario, Suite, load_suite
from handoff_evals.transcript import FunctionCallOutput, Transcript


@dataclass
class Profile:
    name: str = "Ada"
    tags: set[str] = field(default_factory=lambda: {"vip", "abroad"})


@dataclass
class Data:
    profile: Profile = field(default_factory=Profile)
    seen: frozenset[int] = frozenset({3, 1, 2})


class Billing(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You do billing.")

    @function_tool
    async def look_up(self, order: str) -> str:
        """Look up an order."""
        raise ToolError(f"no order {order}")


class Desk(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You greet.")

    async def on_enter(self) -> None:
        await self.session.say("Hello, how can I help?")

    @function_tool
    async def look_up(self) -> str:
        """Look up the caller."""
        return "real"

    @function_tool
    async def to_billing(self) -> Agent:
        """To billing."""
        return Billing()


def desk_call(llm: Any) -> tuple[Agent, AgentSession[Data]]:
    return Desk(), AgentSession(llm=llm, userdata=Data())


ENTRY = AgentEntry.of(desk_call, name="desk_call")


def scenario(tmp_path: Path, rest: str, *, mocks: str = "{}") -> Scenario:
    path = tmp_path / "scenarios.yaml"
    path.write_text(f"agent: m:desk\nscenarios:\n  - label: A\n    mocks: {mocks}\n{rest}")
    return load_suite(path).scenarios[0]


async def transcript(asked: Scenario, model: Any) -> Transcript:
    watch = Suite(name="", agent="", scenarios=(asked,)).watch
    call = Call(ENTRY, model, scenario=asked, watch=watch)
    await call.run(asked.turns)
    return call.transcript


def outputs(held: Transcript) -> list[tuple[str, bool]]:
    return [(e.output, e.is_error) for e in held.events if isinstance(e, FunctionCallOutput)]


TURNS = "    turns:\n      - user: Look me up.\n      - user: To billing.\n      - user: Order 7.\n"
PLAYED: list[Any] = [
    tool_call("look_up"),
    "Yes.",
    tool_call("to_billing"),
    tool_call("look_up", order="7"),
    "So.",
]


HANDOFF = ("", False)


@pytest.mark.parametrize(
    ("mocks", "given"),
    [
        (
            "{desk: {look_up: mocked}}",
            [("mocked", False), HANDOFF, ("no order 7", True)],
        ),
        ("{Desk: {look_up: {returns: {error: 1}}}}", [("{'error': 1}", False)]),
        ("{desk: {look_up: {error: nobody there}}}", [("nobody there", True)]),
        (
            "{billing: {look_up: {open: true}}}",
            [("real", False), HANDOFF, ("{'open': True}", False)],
        ),
        ("{desk: {to_billing: we are closed}}", [("real", False), ("we are closed", False)]),
    ],
)
async def test_a_tool_gives_back_what_the_file_says(
    tmp_path: Path, mocks: str, given: list[tuple[str, bool]]
) -> None:
    model = ScriptedLLM([*PLAYED], unused_ok=True)

    held = await transcript(scenario(tmp_path, TURNS, mocks=mocks), model)

    assert outputs(held)[: len(given)] == given


async def test_a_mock_of_a_tool_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    asked = scenario(tmp_path, TURNS, mocks="{desk: {lok_up: x}}")

    with pytest.raises(UsageError, match="did you mean 'look_up'"):
        await transcript(asked, ScriptedLLM([*PLAYED], unused_ok=True))


async def test_mocks_of_an_agent_that_does_not_exist_leave_the_trial_unscored(
    tmp_path: Path,
) -> None:
    asked = scenario(tmp_path, TURNS, mocks="{biling_desk: {look_up: x}}")

    held = await transcript(asked, ScriptedLLM([*PLAYED], unused_ok=True))

    [found] = score(asked, held)
    assert (found.status, found.cause) == ("unscored", "unknown_mock")
    assert "mocks name the agent 'biling_desk', which never took the call" in found.reason


async def test_mocks_of_an_agent_that_is_not_reached_are_no_error(tmp_path: Path) -> None:
    asked = scenario(tmp_path, "    turns: [{user: Hi}]\n", mocks="{billing: {look_up: x}}")

    assert not (await transcript(asked, ScriptedLLM(["Hello."]))).faults


async def test_the_oracle_plays_what_a_file_expects_by_matchers(tmp_path: Path) -> None:
    asked = scenario(
        tmp_path,
        """    opening: {agent: desk, said: how can i help, lacks: billing}
    turns:
      - user: To billing.
        expect: {agent: billing, calls: [to_billing], silence: true}
      - user: Order 7.
        expect:
          agent: billing
          calls:
            - name: look_up
              arguments: {order: {pattern: "^44", example: "4471"}}
              error: no order
            - {name: look_up, arguments: {order: {any_of: ["7", "8"]}}, error: true}
          userdata: {profile.name: Ada, profile: {tags: [vip, abroad]}, seen: [1, 2, 3]}
""",
    )

    found = score(asked, await transcript(asked, OracleLLM(asked)))

    assert [each.reason for each in found if each.status != "passed"] == []


async def test_sets_in_userdata_stand_in_one_order_in_the_transcript(tmp_path: Path) -> None:
    asked = scenario(
        tmp_path,
        "    turns: [{user: Hi, expect: {userdata: {seen: [], profile.tags: []}}}]\n",
    )

    held = await transcript(asked, ScriptedLLM(["Hello."]))

    assert held.turns[1].userdata == {
        "profile": {"name": "Ada", "tags": {"$set": ["abroad", "vip"]}},
        "seen": {"$set": [1, 2, 3]},
    }


class Operator(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You ring people.")

    @function_tool
    async def ring(self) -> str:
        """Ring somebody."""
        request = api.TransferSIPParticipantRequest(
            room_name="room", participant_identity="caller", transfer_to="tel:+491234"
        )
        await get_job_context().api.sip.transfer_sip_participant(request)
        return "done"


async def test_a_transfer_by_sip_is_seen_in_the_turn_in_which_the_agent_asks_for_it(
    tmp_path: Path,
) -> None:
    asked = scenario(
        tmp_path,
        "    turns: [{user: Hi}, {user: A person!, expect: {agent: operator, person: true}}]\n",
    )
    model = ScriptedLLM(["Hello.", tool_call("ring"), "I'm transferring you to a colleague."])
    call = Call(AgentEntry.of(Operator), model, scenario=asked)

    await call.run(asked.turns)

    assert [each.reason for each in score(asked, call.transcript) if each.status != "passed"] == []
    assert [(each.name, each.turn) for each in call.transcript.job] == [
        ("sip.transfer_sip_participant", 2)
    ]

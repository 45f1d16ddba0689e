"""The oracle on agents as people write them, with nothing in the file but who is expected."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from itertools import pairwise
from typing import Annotated, Any, Literal

import pytest
from livekit.agents import Agent, AgentSession, AgentTask, RunContext, ToolError, function_tool, llm
from pydantic import Field

from handoff_evals.checks import overall, score
from handoff_evals.drivers import TextDriver
from handoff_evals.livekit import AgentEntry
from handoff_evals.models import OracleLLM
from handoff_evals.scenarios import (
    Expectation,
    ExpectedCall,
    ExpectedHandoff,
    Scenario,
    ScriptedTurn,
    Suite,
    Target,
)
from handoff_evals.transcript import FunctionCall, Transcript
from tests.support.phone import ROOMY
from tests.support.star import patient_call, star_suite
from tests.support.task_agents import BooksInSteps, DoesAtOnce, Raises
from tests.support.transfer_mixin import Shared, Transferring

Opened = tuple[Agent, AgentSession[Any]]


def turn(
    user: str,
    agent: str | None = None,
    *,
    path: str | None = None,
    calls: tuple[ExpectedCall | str, ...] | None = None,
) -> ScriptedTurn:
    """A turn; `path` is written as `a > b > c`, and an empty one is no handoff at all."""
    steps = None if path is None else [Target.parse(each) for each in path.split(" > ") if each]
    return ScriptedTurn(
        user=user,
        expect=Expectation(
            agent=None if agent is None else Target.parse(agent),
            handoffs=None
            if steps is None
            else tuple(ExpectedHandoff(old=old, new=new) for old, new in pairwise(steps)),
            calls=None
            if calls is None
            else tuple(
                ExpectedCall(name=each) if isinstance(each, str) else each for each in calls
            ),
        ),
    )


async def play(
    opened: Callable[[llm.LLM[Any]], Any], *turns: ScriptedTurn
) -> tuple[str, Transcript]:
    """Run a scenario with the oracle: its status, and the conversation that counts."""
    scenario = Scenario(label="Any", turns=turns)
    driver = TextDriver(
        entry=AgentEntry.of(opened),
        model=lambda each, _: OracleLLM(each),
        watch=Suite(name="Any", agent="", scenarios=(scenario,)).watch,
        limits=ROOMY,
    )
    transcript = await driver.run(scenario, seed=0)
    return overall(score(scenario, transcript)), transcript


def called(transcript: Transcript) -> list[str]:
    return [event.name for event in transcript.events if isinstance(event, FunctionCall)]


class Asking(Agent):
    """Has its model greet."""

    async def on_enter(self) -> None:
        self.session.generate_reply()


class Greeting(Agent):
    """Greets by itself."""

    async def on_enter(self) -> None:
        self.session.say("Hello.")


class Vault(Greeting):
    def __init__(self) -> None:
        super().__init__(instructions="You keep things.")


class Garden(Greeting):
    def __init__(self) -> None:
        super().__init__(instructions="You water.")


def opening(agent: type[Agent]) -> Callable[[llm.LLM[Any]], Opened]:
    def opened(model: llm.LLM[Any]) -> Opened:
        return agent(), AgentSession(llm=model)  # type: ignore[call-arg]  # a subclass, which needs none

    return opened


# --- where the source does not tell -----------------------------------------


@dataclass
class Desks(Shared):
    verified: bool = False


class Router(Transferring):
    @function_tool
    async def route_call(self, context: RunContext[Desks], destination: str) -> Any:
        """Route the call."""
        return await self.transferred(destination, context)


class Billing(Transferring):
    @function_tool
    async def go_back(self, context: RunContext[Desks]) -> Any:
        """Back to where the caller came from."""
        return context.userdata.previous


class Tech(Transferring):
    @function_tool
    async def first(self, context: RunContext[Desks]) -> str:
        """Go on."""
        return await self.jump("router", context)

    @function_tool
    async def second(self, context: RunContext[Desks]) -> str:
        """Go on."""
        return await self.jump("billing", context)


def desks(model: llm.LLM[Any]) -> Opened:
    shared = Desks()
    shared.agents = {"router": Router(), "billing": Billing(), "tech": Tech()}
    return shared.agents["router"], AgentSession(llm=model, userdata=shared)


async def test_agents_in_userdata_are_found_by_a_tool_of_a_base_class_elsewhere() -> None:
    status, _ = await play(
        desks,
        turn("Hi.", "router"),
        turn("My bill is wrong.", "billing"),
        turn("Back, please.", "router"),
        turn("My modem!", "tech"),
        turn("My bill again.", "billing"),
    )
    assert status == "passed"


def option(number: int, makes: Callable[[], Agent]) -> llm.Tool:
    @function_tool(name=f"option_{number}", description="Go on.")
    async def go_on() -> Agent:
        return makes()

    return go_on


class Menu(Greeting):
    def __init__(self) -> None:
        tools: list[llm.Tool | llm.Toolset] = [
            option(number, partial(Room, name)) for number, name in enumerate("xyz")
        ]
        super().__init__(id="menu", instructions="You ask.", tools=tools)


class Room(Greeting):
    def __init__(self, name: str) -> None:
        super().__init__(id=f"room_{name}", instructions=name, tools=[option(9, Menu)])


async def test_tools_without_a_telling_name_are_tried() -> None:
    status, transcript = await play(
        opening(Menu),
        turn("Hi.", "menu"),
        turn("To y.", "room_y"),
        turn("Back.", "menu"),
        turn("To z.", "room_z"),
        turn("Stay.", "room_z", path="", calls=()),
    )
    assert status == "passed"
    assert called(transcript) == ["option_1", "option_9", "option_2"]


DATA = {"front": ["returns", "sales"], "returns": ["front"], "sales": ["front"]}


class FromData(Asking):
    def __init__(self, name: str) -> None:
        self.name = name
        tools: list[llm.Tool | llm.Toolset] = [
            self._tool(number, to) for number, to in enumerate(DATA[name])
        ]
        super().__init__(id=f"{name}_agent", instructions=name, tools=tools)

    def _tool(self, number: int, to: str) -> llm.Tool:
        async def handler(raw_arguments: dict[str, object]) -> Agent:
            assert raw_arguments["reason"]
            return self._build(to)

        parameters = {
            "type": "object",
            "properties": {"reason": {"type": "string"}},
            "required": ["reason"],
        }
        return function_tool(
            handler,
            raw_schema={"name": f"handoff_{number}", "description": "", "parameters": parameters},
        )

    def _build(self, name: str) -> Agent:
        return FromData(name)


async def test_agents_made_from_data_are_led_through_several_handoffs_in_one_turn() -> None:
    status, _ = await play(
        lambda model: (FromData("front"), AgentSession(llm=model)),
        turn("Hello.", "front_agent", calls=()),
        turn(
            "Sales, by way of returns.",
            "sales_agent",
            path="front_agent > returns_agent > front_agent > sales_agent",
        ),
        turn("Bye.", "sales_agent", path=""),
    )
    assert status == "passed"


class Kind(Enum):
    SALES = "sales"
    SUPPORT = "support"


class Window(Greeting):
    """A window for each kind of matter."""


class Porter(Greeting):
    def __init__(self) -> None:
        super().__init__(instructions="You open doors.")

    @function_tool
    async def note(self, text: str) -> str:
        """Note something."""
        return text

    @function_tool
    async def dispatch(self, kind: Kind, *, urgent: bool = False) -> Agent:
        """Dispatch."""
        return Window(id=f"{kind.value}_window", instructions=str(urgent))

    @function_tool
    async def pick(self, what: Literal["one", "two"]) -> Any:
        """Pick."""
        return getattr(self, f"_go_{what}")()

    @function_tool
    async def end_call(self, context: RunContext[Any]) -> None:
        """End the call."""
        context.session.shutdown()

    def _go_one(self) -> Agent:
        return Garden()

    def _go_two(self) -> Agent:
        return Vault()


@pytest.mark.parametrize("target", ["sales_window", "support_window", "garden", "vault"])
async def test_one_tool_for_several_agents_gets_the_argument_that_leads_there(target: str) -> None:
    status, transcript = await play(
        opening(Porter), turn("Hello.", "porter"), turn("There.", target)
    )

    assert status == "passed"
    assert "end_call" not in called(transcript)


class Flow(Asking):
    def __init__(self, number: int = 0) -> None:
        super().__init__(id=f"step_{number}", instructions="You go on.")
        self.number = number

    @function_tool
    async def proceed(self, context: RunContext[Any]) -> None:
        """Proceed."""
        context.session.update_agent(Flow(self.number + 1))


async def test_a_chain_of_agents_is_gone_as_far_as_the_turn_says() -> None:
    status, _ = await play(
        opening(Flow),
        turn("Go.", "step_1"),
        turn("Go, go.", "step_3", path="step_1 > step_2 > step_3"),
        turn("Wait.", "step_3"),
        turn("Go.", "step_4"),
    )
    assert status == "passed"


class Ping(Asking):
    def __init__(self) -> None:
        super().__init__(instructions="You ping.")

    @function_tool
    async def onwards(self) -> tuple[Agent, str]:
        """Go on."""
        return Pong(), "Say goodbye."


class Pong(Asking):
    def __init__(self) -> None:
        super().__init__(instructions="You pong.")

    @function_tool
    async def onwards(self) -> tuple[Agent, str]:
        """Go on."""
        return Ping(), "Say goodbye."


async def test_there_and_back_in_one_turn_while_each_says_goodbye() -> None:
    status, transcript = await play(
        opening(Ping),
        turn("There and back.", "ping", path="ping > pong > ping"),
        turn("Stay.", "ping", path="", calls=()),
    )
    assert status == "passed"
    assert called(transcript) == ["onwards", "onwards"]


class Consent(AgentTask[str]):
    def __init__(self) -> None:
        super().__init__(instructions="May we record?")

    async def on_enter(self) -> None:
        self.session.say("May we record?")

    @function_tool
    async def agreed(self) -> None:
        """The caller agrees."""
        self.complete("yes")


class Survey(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You ask.")

    async def on_enter(self) -> None:
        assert await Consent()
        self.session.say("Thanks.")


async def test_a_task_is_completed_where_the_agent_that_awaits_it_is_expected() -> None:
    status, _ = await play(opening(Survey), turn("Yes.", "survey"), turn("Hm.", "survey"))

    assert status == "passed"


class CheckIn(Greeting):
    def __init__(self) -> None:
        super().__init__(instructions="You check in.")

    @function_tool
    async def check_in(self, code: Annotated[str, Field(pattern=r"^[A-Z]{3}-\d{4}$")]) -> str:
        """Check the caller in."""

        @function_tool
        async def proceed() -> Agent:
            """Proceed."""
            return Vault()

        await self.update_tools([*self.tools, proceed])
        return code


async def test_a_tool_that_another_one_brings_is_called_once_it_is_there() -> None:
    status, _ = await play(
        opening(CheckIn), turn("Hello.", "check_in", calls=("check_in",)), turn("In.", "vault")
    )
    assert status == "passed"


# --- guards and arguments ----------------------------------------------------


class Guarded(Greeting):
    def __init__(self) -> None:
        super().__init__(instructions="You guard.")
        self.verified = False

    @function_tool
    async def verify(self, account_number: str, born: str) -> str:
        """Verify the caller.

        Args:
            account_number: eight digits
            born: the day of birth, YYYY-MM-DD
        """
        if not re.fullmatch(r"\d{8}", account_number):
            raise ToolError("an account number has eight digits")
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", born):
            raise ToolError("that is no date")
        self.verified = True
        return "verified"

    @function_tool
    async def open_up(self) -> Agent:
        """Open up."""
        if not self.verified:
            raise ToolError("verify the caller first")
        return Vault()


async def test_what_the_caller_says_passes_the_checks_of_a_tool() -> None:
    status, transcript = await play(
        opening(Guarded),
        turn("It's 12345678, born on 1980-02-03.", "guarded", calls=("verify",)),
        turn("Open up.", "vault"),
    )
    assert status == "passed"
    assert '"12345678"' in next(e for e in transcript.events if e.type == "function_call").arguments


async def test_what_a_tool_refuses_until_another_one_was_called_is_called_after_that() -> None:
    status, transcript = await play(
        opening(Guarded), turn("It's 12345678, 1980-02-03. Open up.", "vault")
    )
    assert status == "passed"
    assert called(transcript) == ["verify", "open_up"]


class Form(Greeting):
    def __init__(self) -> None:
        super().__init__(instructions="You fill in a form.")
        self.known: dict[str, object] = {}

    @function_tool
    async def record_name(self, name: str) -> Agent | None:
        """Record the name."""
        return self._recorded("name", name)

    @function_tool
    async def record_age(self, age: int) -> Agent | None:
        """Record the age."""
        return self._recorded("age", age)

    @function_tool
    async def record_city(self, city: str) -> Agent | None:
        """Record the city."""
        return self._recorded("city", city)

    def _recorded(self, name: str, value: object) -> Agent | None:
        self.known[name] = value
        return Vault() if len(self.known) == 3 else None


async def test_all_is_recorded_that_a_handoff_by_itself_waits_for() -> None:
    status, transcript = await play(opening(Form), turn("I'm Ada, 36, from Ockham.", "vault"))

    assert status == "passed"
    assert sorted(called(transcript)) == ["record_age", "record_city", "record_name"]


class Polite(Greeting):
    def __init__(self) -> None:
        super().__init__(instructions="You ask.")
        self.name = ""

    @function_tool
    async def record(self, name: str) -> str:
        """Record the name."""
        self.name = name
        return "recorded"

    @function_tool
    async def forward(self) -> Agent | str:
        """Forward the caller."""
        return Vault() if self.name else "Ask for the name first."


async def test_a_guard_that_only_says_what_is_missing_is_met() -> None:
    status, transcript = await play(opening(Polite), turn("I'm Ada. The vault, please.", "vault"))

    assert (status, called(transcript)) == ("passed", ["record", "forward"])


class Secretive(Greeting):
    def __init__(self) -> None:
        super().__init__(instructions="You keep a secret.")

    @function_tool
    async def to_vault(self, code: str) -> Agent:
        """Open the vault."""
        if code[::-1] != "4711":
            raise ToolError("wrong code")
        return Vault()


async def test_arguments_that_nobody_can_know_leave_the_trial_unscored_with_what_to_write() -> None:
    status, transcript = await play(opening(Secretive), turn("Open.", "vault"))

    assert status == "unscored"
    (fault,) = transcript.faults
    assert (fault.owner, fault.cause) == ("infrastructure", "oracle")
    assert "'wrong code'" in fault.detail
    assert "`calls: [{name: to_vault, arguments: {…}}]`" in fault.detail


@pytest.mark.parametrize(("code", "expected"), [("1174", "passed"), ("4711", "failed")])
async def test_arguments_that_the_file_gives_are_used_as_they_are(code: str, expected: str) -> None:
    call = ExpectedCall(name="to_vault", arguments={"code": code})
    status, transcript = await play(opening(Secretive), turn("Open.", "vault", calls=(call,)))

    assert (status, called(transcript)) == (expected, ["to_vault"])


class Entry(Asking):
    def __init__(self) -> None:
        super().__init__(instructions="You save.")

    @function_tool
    async def save(self, email: str) -> str:
        """Save it."""
        if "@" not in email:
            raise ToolError("that is no address")
        return "saved"

    @function_tool
    async def hand_on(self) -> Agent:
        """Hand on."""
        return Exit()


class Exit(Asking):
    def __init__(self) -> None:
        super().__init__(instructions="You confirm.")

    @function_tool
    async def confirm(self, email: str) -> str:
        """Confirm it."""
        return email


async def test_calls_are_made_by_whom_they_belong_to_before_and_after_the_handoff() -> None:
    status, transcript = await play(
        opening(Entry), turn("ada@example.org", "exit", calls=("save", "confirm"))
    )
    assert status == "passed"
    assert called(transcript) == ["save", "hand_on", "confirm"]


async def test_a_call_that_is_expected_twice_is_made_twice() -> None:
    _, transcript = await play(opening(Entry), turn("Both.", "entry", calls=("save", "save")))

    assert called(transcript) == ["save", "save"]


class Helpdesk(Greeting):
    def __init__(self) -> None:
        super().__init__(instructions="You help.")

    @function_tool
    async def look_up(self, order: str) -> str:
        """Look up an order."""
        return order

    @function_tool
    async def transfer_to_human(self) -> str:
        """Transfer to a human."""
        return "queued"


@pytest.mark.parametrize("person", [True, "transfer_to_human"])
async def test_a_person_is_called_where_the_turn_expects_one(person: bool | str) -> None:  # noqa: FBT001 - as the file has it
    wanted = ScriptedTurn(user="A person!", expect=Expectation(person=person))
    status, transcript = await play(opening(Helpdesk), turn("Hi.", "helpdesk"), wanted)

    assert (status, called(transcript)) == ("passed", ["transfer_to_human"])


async def test_what_the_caller_is_to_hear_is_said() -> None:
    said = ("thirty days", {"any_of": ["refund", "money back"]})
    status, transcript = await play(
        opening(Helpdesk), ScriptedTurn(user="How long?", expect=Expectation(said=said))
    )
    assert status == "passed"
    assert transcript.turns[1].said == "I see. thirty days refund"
    assert transcript.turns[0].said == "Hello."


# --- where nothing comes as expected ----------------------------------------


class Scribe(Greeting):
    def __init__(self) -> None:
        super().__init__(instructions="You note.")

    @function_tool
    async def note_it(self, text: str) -> str:
        """Note something for the garden."""
        return text


class Mixed(Greeting):
    def __init__(self) -> None:
        super().__init__(instructions="You mix things up.")

    @function_tool
    async def transfer_to_vault(self) -> Agent:
        """Transfer to the vault."""
        return Garden()


class Dropping(Greeting):
    def __init__(self) -> None:
        super().__init__(instructions="You forget.")

    @function_tool
    async def leave(self) -> str:
        """Go on."""
        Vault()
        return "all right"


@pytest.mark.parametrize(
    ("agent", "says"),
    [(Scribe, "no tool of scribe was found that leads to 'porter'"), (Vault, "no tool is offered")],
)
async def test_where_no_tool_leads_there_the_trial_is_unscored_by_the_oracle(
    agent: type[Agent], says: str
) -> None:
    status, transcript = await play(opening(agent), turn("Hi."), turn("There.", "porter"))

    assert status == "unscored"
    (fault,) = transcript.faults
    assert (fault.cause, fault.turn) == ("oracle", 2)
    assert says in fault.detail
    assert "`calls: [{name: TOOL, arguments: {…}}]`" in fault.detail


@pytest.mark.parametrize(
    ("agent", "outcome"), [(Mixed, "wrong: expected vault"), (Dropping, "missed: expected vault")]
)
async def test_a_tool_that_says_where_it_leads_and_does_not_fails_the_trial(
    agent: type[Agent], outcome: str
) -> None:
    status, transcript = await play(opening(agent), turn("To the vault.", "vault"))

    assert status == "failed"
    scenario = Scenario(label="Any", turns=(turn("To the vault.", "vault"),))
    assert any(each.reason.startswith(outcome) for each in score(scenario, transcript))
    assert transcript.unscored_because is None


async def test_the_steps_of_a_group_are_gone_through_and_one_is_gone_back_to() -> None:
    status, transcript = await play(
        lambda _: BooksInSteps(),
        turn("A table.", "ask_name"),
        turn("Ada.", "ask_size"),
        turn("No, Bob.", "ask_name", path="ask_size > task_group > ask_name"),
        turn("Bob.", "ask_size", path="ask_name > ask_size"),
        turn("Two.", "ask_name"),
        turn("Eve.", "books_in_steps"),
        turn("The bill.", "billing"),
    )

    assert status == "passed", transcript.faults
    assert called(transcript)[2] == "out_of_scope"


async def test_a_trial_fails_where_the_agents_code_has_failed_before() -> None:
    def does_at_once(_: llm.LLM[Any]) -> Agent:
        return DoesAtOnce(Raises)

    status, transcript = await play(does_at_once, turn("Hi."), turn("Well?", "does_at_once"))

    assert status == "failed"
    assert [fault.cause for fault in transcript.faults] == ["on_enter_error"]


async def test_a_call_to_a_tool_that_is_not_there_fails_as_the_file_says_it() -> None:
    status, _ = await play(opening(Scribe), turn("There.", "vault", calls=("no_such_tool",)))

    assert status == "failed"


async def test_who_has_the_call_already_is_not_handed_over_to() -> None:
    status, transcript = await play(
        opening(Ping), turn("Hi.", "ping"), turn("Hi.", "ping", path=""), turn("Hi.", calls=())
    )
    assert status == "passed"
    assert called(transcript) == []


async def test_every_scenario_of_three_agents_with_tools_for_each_other_passes() -> None:
    suite = star_suite(scenarios=20, turns=4, seed=7)
    driver = TextDriver(
        entry=AgentEntry.of(patient_call),
        model=lambda each, _: OracleLLM(each),
        watch=suite.watch,
        limits=ROOMY,
    )
    found = [overall(score(each, await driver.run(each, seed=0))) for each in suite.scenarios]
    assert found == ["passed"] * 20

"""What the oracle calls before a handoff, and with which arguments."""

import re

import pytest
from livekit.agents import Agent, ToolError, function_tool

from handoff_evals.scenarios import (
    Expectation,
    ExpectedCall,
    ScriptedTurn,
)
from tests.support.oracle_play import (
    Asking,
    Greeting,
    Vault,
    called,
    opening,
    play,
    turn,
)


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

"""What an agent would tell its model in any call, and what it has from this one."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import pytest
from livekit.agents import Agent, AgentSession, function_tool
from livekit.agents.llm import ChatContext
from livekit.agents.llm.chat_context import Instructions

from handoff_evals import ScriptedLLM, tool_call
from handoff_evals.checks import Score, score
from handoff_evals.drivers import Call
from handoff_evals.livekit import AgentEntry
from handoff_evals.scenarios import Expectation, Scenario, ScriptedTurn, Target

MENU = "The menu is: Pizza: $10, Salad: $5."
PRICES = {"pizza": 10, "salad": 5}
TEMPLATE = "You take orders for {who}. " + MENU + " The caller wants {item}."


@dataclass
class Notes:
    item: str = ""


class Desk(Agent):
    """The second agent; each of those below is told, or not told, in its own way."""

    def __init__(self, instructions: str = "You take orders.", **given: Any) -> None:
        super().__init__(id="desk", instructions=instructions, **given)

    async def on_enter(self) -> None:
        self.session.generate_reply()


class Forgets(Desk):
    def __init__(self) -> None:
        super().__init__(f"You take orders. {MENU}")


class Greets(Desk):
    async def on_enter(self) -> None:
        await self.session.say("Hello, we have Pizza and salad.")
        self.session.generate_reply()


class AsksItselfToGreet(Desk):
    async def on_enter(self) -> None:
        self.session.generate_reply(instructions="Greet, and mention the pizza of the day.")


class ReadsAFile(Desk):
    def __init__(self) -> None:
        super().__init__(Path(FOLDER[0], "order.md").read_text())


class JoinsItsPrices(Desk):
    def __init__(self, item: str = "") -> None:
        wanted = f" The caller wants {item}." if item else ""
        super().__init__(f"We have {', '.join(PRICES)}.{wanted}")


class IsTold(Desk):
    def __init__(self, item: str) -> None:
        super().__init__(f"You take orders. The caller wants {item}.")


class FillsATemplate(Desk):
    def __init__(self, item: str) -> None:
        super().__init__(TEMPLATE.format(who="Luigi", item=item))


class IsGivenNotes(Desk):
    def __init__(self, notes: Notes) -> None:
        super().__init__(f"You take orders. {MENU} The caller wants {notes.item}.")


@dataclass(frozen=True)
class Settings:
    prompt: str


SETTINGS = {"desk": Settings(f"You take orders. {MENU}")}


class HasSettings(Desk):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.prompt)


class GreetsByWhatItKnows(Desk):
    def __init__(self, item: str) -> None:
        super().__init__()
        self._item = item

    async def on_enter(self) -> None:
        await self.session.say(f"So you want {self._item}?")
        self.session.generate_reply()


class AsksItselfAboutUserdata(Desk):
    async def on_enter(self) -> None:
        self.session.generate_reply(instructions=f"Confirm {self.session.userdata.item}.")


class HasTwoPrompts(Desk):
    def __init__(self) -> None:
        prompt: Any = Instructions(audio=f"Speak. {MENU}", text=f"Write. {MENU}")
        super().__init__(prompt)


class SumsUpUserdata(HasSettings):
    async def on_enter(self) -> None:
        context = self.chat_ctx.copy()
        context.add_message(role="system", content=f"Known so far: {vars(self.session.userdata)}")
        await self.update_chat_ctx(context)
        self.session.generate_reply()


ORDERS: list[str] = []


class NotesItsOrder(Desk):
    def __init__(self, item: str) -> None:
        ORDERS.append(item)
        super().__init__(f"You take orders. The caller wants {item}.")


class ReadsTheRegistry(Desk):
    def __init__(self) -> None:
        super().__init__(f"You take orders. The caller wants {ORDERS[-1]}.")


class UpdatesItself(Desk):
    async def on_enter(self) -> None:
        item = self.session.userdata.item
        await self.update_instructions(f"You take orders. {MENU} The caller wants {item}.")
        self.session.generate_reply()


class UpdatesItselfWithItsMenu(Desk):
    async def on_enter(self) -> None:
        await self.update_instructions(f"You take orders. {MENU}")
        self.session.generate_reply()


FOLDER = [""]


class Plain(Agent):
    """Made from data: its instructions stand where it is made."""


def _of_a_plain_agent(_: str) -> Agent:
    return Plain(id="desk", instructions=f"You take orders. {MENU}")


def _of_a_plain_agent_that_is_told(item: str) -> Agent:
    return Plain(id="desk", instructions=f"You take orders. {MENU} They want {item}.")


class Front(Agent):
    def __init__(self, to: "Callable[[Front, str], Agent]") -> None:
        super().__init__(instructions=f"You greet. {MENU}")
        self._to = to

    @function_tool
    async def to_desk(self, item: str) -> Agent:
        """To the order desk.

        Args:
            item: what the caller wants.
        """
        self.session.userdata.item = item
        return self._to(self, item)


async def said(to: Callable[[Front, str], Agent], fact: str = "pizza") -> Score:
    """What `carries` says of a call in which the caller says what they want, once."""
    replies: list[Any] = [tool_call("to_desk", item=f"a {fact} please"), "Yes.", "Well."]
    model = ScriptedLLM(replies, unused_ok=True)
    entry = AgentEntry.of(
        lambda llm: (Front(to), AgentSession(llm=llm, userdata=Notes())), name="front"
    )
    expect = Expectation(agent=Target.parse("desk"), carries=(fact,))
    turns = (
        ScriptedTurn(user=f"I want a {fact}.", expect=expect),
        ScriptedTurn(user="Are you there?"),
    )
    scenario = Scenario(label="An order", turns=turns)
    call = Call(entry, model, scenario=scenario)
    await call.run(turns)
    assert not call.faults
    [found] = [each for each in score(scenario, call.transcript) if each.name == "carries"]
    return found


@pytest.mark.parametrize(
    "to",
    [
        pytest.param(lambda _, __: Forgets(), id="its own prompt"),
        pytest.param(lambda _, __: Greets(), id="its own greeting"),
        pytest.param(lambda _, __: AsksItselfToGreet(), id="what it asks its own model for"),
        pytest.param(lambda _, __: UpdatesItselfWithItsMenu(), id="its own updated prompt"),
        pytest.param(lambda _, item: _of_a_plain_agent(item), id="a prompt where it is made"),
        pytest.param(lambda _, __: HasSettings(SETTINGS["desk"]), id="settings that it is given"),
        pytest.param(lambda _, __: HasTwoPrompts(), id="a prompt for each modality"),
        pytest.param(
            lambda _, __: Desk(f"You take orders. {MENU}"), id="a prompt that it is made with"
        ),
    ],
)
async def test_a_fact_of_the_agents_own_is_not_handed_on(
    to: Callable[[Front, str], Agent],
) -> None:
    found = await said(to)

    assert found.status == "failed"
    assert found.reason == "'pizza' stands in desk's own texts whoever calls; it was not handed on"


async def test_a_prompt_in_a_file_that_the_code_names_is_the_agents_own(tmp_path: Path) -> None:
    folder = tmp_path / "prompts"
    folder.mkdir()
    (folder / "order.md").write_text(f"You take orders.\n{MENU}\n")
    code = tmp_path / "file_agents.py"
    code.write_text(
        "from pathlib import Path\n"
        "from livekit.agents import Agent\n"
        "class Desk(Agent):\n"
        "    def __init__(self):\n"
        "        file = Path(__file__).parent / 'prompts' / 'order.md'\n"
        "        super().__init__(instructions=file.read_text())\n"
    )
    names: dict[str, Any] = {"__name__": "file_agents", "__file__": str(code)}
    exec(compile(code.read_text(), str(code), "exec"), names)  # noqa: S102 - nothing to import
    sys.modules["file_agents"] = module = ModuleType("file_agents")
    vars(module).update(names)
    try:
        assert (await said(lambda _, __: names["Desk"]())).status == "failed"
    finally:
        del sys.modules["file_agents"]


async def test_a_prompt_in_a_file_that_nobody_knows_of_is_unclear(tmp_path: Path) -> None:
    (tmp_path / "order.md").write_text(f"You take orders.\n{MENU}\n")
    FOLDER[0] = str(tmp_path)

    found = await said(lambda _, __: ReadsAFile())

    assert (found.status, found.cause) == ("unscored", "carries_unclear")


@pytest.mark.parametrize(
    "to",
    [
        pytest.param(lambda front, _: Desk(chat_ctx=front.chat_ctx), id="chat_ctx"),
        pytest.param(lambda _, item: IsTold(item), id="a constructor's argument"),
        pytest.param(lambda _, item: FillsATemplate(item), id="a filled template"),
        pytest.param(lambda _, item: IsGivenNotes(Notes(item=item)), id="an object"),
        pytest.param(lambda front, _: IsGivenNotes(front.session.userdata), id="userdata"),
        pytest.param(lambda _, __: UpdatesItself(), id="update_instructions"),
        pytest.param(lambda _, item: GreetsByWhatItKnows(item), id="a greeting"),
        pytest.param(lambda _, __: AsksItselfAboutUserdata(), id="what it asks its own model for"),
        pytest.param(lambda _, __: SumsUpUserdata(SETTINGS["desk"]), id="a sum of userdata"),
        pytest.param(lambda _, item: JoinsItsPrices(item), id="beside a word of its own"),
        pytest.param(lambda _, item: _of_a_plain_agent_that_is_told(item), id="a plain agent"),
        pytest.param(lambda front, _: Forgets_with_a_note(front), id="a summary in chat_ctx"),
    ],
)
async def test_a_fact_of_this_call_is_handed_on_whatever_the_way(
    to: Callable[[Front, str], Agent],
) -> None:
    assert (await said(to)).status == "passed"


def Forgets_with_a_note(front: Front) -> Agent:  # noqa: N802 - it stands for a class
    context = ChatContext.empty()
    context.add_message(role="system", content=f"Summary: wants {front.session.userdata.item}.")
    return Desk(f"You take orders. {MENU}", chat_ctx=context)


async def test_nothing_is_handed_on_to_an_agent_that_is_told_nothing() -> None:
    found = await said(lambda _, __: Desk())

    assert (found.status, found.reason) == ("failed", "desk's model received nothing with 'pizza'")


async def test_an_agent_that_lists_words_of_its_own_can_still_be_seen_to_forget() -> None:
    assert (await said(lambda _, __: JoinsItsPrices())).status != "passed"


async def test_a_number_that_is_an_argument_is_handed_on() -> None:
    class Numbered(Desk):
        def __init__(self, order: int) -> None:
            super().__init__(f"You take orders. It is order {order}.")

    assert (await said(lambda _, __: Numbered(int("4471")), fact="4471")).status == "passed"


async def test_an_agent_is_not_made_again_while_the_call_goes_on() -> None:
    made: list[str] = []

    class Counted(Desk):
        def __init__(self, item: str) -> None:
            super().__init__(f"You take orders. The caller wants {item}.")
            made.append(item)

    def to(front: Front, item: str) -> Agent:
        # Were it made again now, it would take the place of the one that has the call.
        front.session.on("close", lambda _: made.append("closed"))
        return Counted(item)

    assert (await said(to)).status == "passed"
    assert next(iter(made)) == "a pizza please"
    assert made.index("closed") == 1
    assert "pizza" not in "".join(made[2:])


async def test_what_calls_leave_in_a_registry_is_no_text_of_the_agents_own() -> None:
    for _ in range(2):
        assert (await said(lambda _, item: NotesItsOrder(item))).status == "passed"


async def test_what_an_agent_reads_from_a_registry_of_the_process_is_unclear() -> None:
    def to(_: Front, item: str) -> Agent:
        ORDERS.append(item)
        return ReadsTheRegistry()

    assert (await said(to)).cause == "carries_unclear"


async def test_a_constructor_that_can_be_called_once_only_does_no_harm() -> None:
    class Once(Desk):
        left = 1

        def __init__(self, item: str) -> None:
            if not type(self).left:
                raise RuntimeError("there is one already")
            type(self).left = 0
            super().__init__(f"You take orders. The caller wants {item}.")

    assert (await said(lambda _, item: Once(item))).status == "passed"


async def test_an_agent_class_with_a_way_of_its_own_to_be_made_can_be_called() -> None:
    class Made(Desk):
        def __new__(cls, *_: Any, **__: Any) -> Self:
            return super().__new__(cls)

        def __init__(self, item: str) -> None:
            super().__init__(f"You take orders. The caller wants {item}.")

    assert (await said(lambda _, item: Made(item))).status == "passed"

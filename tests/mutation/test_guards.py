from tests.mutation.sources import broken, told

TOOLS = '''
from livekit.agents import Agent, ToolError, function_tool as tool

@tool
async def book(day: str, hour: int) -> str:
    """Book a table.

    Args:
        day: The day of the week.
        hour: The full hour.
    """
    if hour > 22:
        raise ToolError("We are closed.")
    try:
        save(day)
    except OSError:
        raise ToolError("The book is out of reach.") from None
    return "Done."

class Front(Agent):
    def __init__(self):
        super().__init__(instructions="", tools=[book])

    @tool
    async def to_billing(self):
        """Transfer to billing."""
        if self.session.current_agent is self:
            self.session.update_agent(agent=Billing())

    async def on_enter(self):
        self.session.generate_reply(tools=[], tool_choice="none")

class Billing(Agent):
    pass
'''


def test_a_guard_that_refuses_is_left_out() -> None:
    assert told(TOOLS, "guard-dropped") == [
        "12 book: no guard: if hour > 22",
        "27 Front.to_billing: no guard: if self.session.current_agent is self",
    ]
    refusal, handoff = broken(TOOLS, "guard-dropped")
    assert refusal == "- if hour > 22:\n- raise ToolError('We are closed.')"
    assert "+ if True:" in handoff


def test_an_error_that_is_no_guards_is_left_out() -> None:
    assert told(TOOLS, "tool-error-dropped") == [
        "17 book: no raise ToolError('The book is out of reach.') from None"
    ]


def test_an_ordinary_tool_is_taken_from_the_agent_that_has_it() -> None:
    assert told(TOOLS, "tool-removed") == ["22 Front.__init__: Front has no book"]
    assert told(TOOLS, "handoff-tool-removed") == ["25 Front.to_billing: Front has no to_billing"]


def test_descriptions_of_two_arguments_are_swapped() -> None:
    (change,) = broken(TOOLS, "argument-descriptions-swapped")
    added = [line for line in change.splitlines() if line.startswith("+")]
    assert "day: The full hour." in added[0]
    assert "hour: The day of the week." in added[-1]


def test_annotated_descriptions_are_swapped() -> None:
    source = """
    @function_tool
    async def book(day: Annotated[str, "The day"], hour: Annotated[int, Field(description="h")]):
        pass
    """
    (change,) = broken(source, "argument-descriptions-swapped")
    assert "+ async def book(day: Annotated[str, 'h']" in change
    assert "Field(description='The day')" in change


def test_what_a_reply_may_call_is_left_out_one_by_one() -> None:
    without_tools, without_choice = broken(TOOLS, "reply-limits-dropped")
    assert "+ self.session.generate_reply(tool_choice='none')" in without_tools
    assert "+ self.session.generate_reply(tools=[])" in without_choice

from tests.mutation.sources import broken, told

METHODS = '''
class Front(Agent):
    @function_tool
    async def to_billing(self):
        """Transfer to billing."""
        return Billing()

    @function_tool
    async def look_up(self):
        """Look the caller up."""
        return "Ann"

class Billing(Agent):
    @function_tool()
    async def back(self):
        """Transfer back."""
        self.session.update_agent(Front())

def answer(model):
    return Front()
'''

LISTS = '''
@function_tool
async def to_billing(context: RunContext):
    """Transfer to billing."""
    return Billing(), "Billing takes over."

@function_tool
async def to_front(context: RunContext):
    """Transfer to the front."""
    return Front()

@function_tool
async def look_up(context: RunContext):
    """Look the caller up."""

class Front(Agent):
    def __init__(self):
        super().__init__(instructions="", tools=[to_billing, look_up])

class Billing(Agent):
    def __init__(self):
        super().__init__(instructions="", tools=[to_front])

session.start(agent=Front())
'''

MADE = """
def way_back(carry):
    @function_tool
    async def to_front(context: RunContext):
        return Front()
    return to_front

class Front(Agent):
    @function_tool
    async def to_desk(self):
        return Agent(instructions="", tools=[way_back(1)]), "bye"
"""


def test_a_method_that_hands_over_is_taken_from_its_class() -> None:
    assert told(METHODS, "handoff-tool-removed") == ["4 Front.to_billing: Front has no to_billing"]
    (change,) = broken(METHODS, "handoff-tool-removed")
    assert "- async def to_billing(self):" in change
    assert "+" not in change


def test_a_tool_that_leads_nearer_to_the_first_agent_is_the_way_back() -> None:
    assert told(METHODS, "way-back-removed") == ["15 Billing.back: Billing has no back"]
    (change,) = broken(METHODS, "way-back-removed")
    assert "+ pass" in change.splitlines()


def test_a_tool_of_a_list_is_taken_from_the_list_alone() -> None:
    assert broken(LISTS, "handoff-tool-removed") == [
        (
            "- super().__init__(instructions='', tools=[to_billing, look_up])\n"
            "+ super().__init__(instructions='', tools=[look_up])"
        )
    ]
    assert broken(LISTS, "way-back-removed") == [
        (
            "- super().__init__(instructions='', tools=[to_front])\n"
            "+ super().__init__(instructions='', tools=[])"
        )
    ]


def test_a_tool_that_a_function_makes_is_taken_from_the_list() -> None:
    assert told(MADE, "way-back-removed") == ["11 Front.to_desk: Agent has no to_front"]


def test_the_docstring_of_every_tool_is_emptied_also_of_those_that_hand_nobody_over() -> None:
    assert [each.splitlines() for each in broken(LISTS, "tool-description-emptied")] == [
        ['- """Transfer to billing."""'],
        ['- """Transfer to the front."""'],
        ['- """Look the caller up."""', "+ pass"],
    ]


def test_a_description_in_the_decorator_is_dropped_with_the_docstring_that_would_replace_it() -> (
    None
):
    source = '''
    class Front(Agent):
        @function_tool(name="bill", description="Transfer to billing.")
        async def to_billing(self):
            """Not for models."""
            return Billing()
    '''
    assert broken(source, "tool-description-emptied") == [
        (
            "- @function_tool(name='bill', description='Transfer to billing.')\n"
            "+ @function_tool(name='bill')\n"
            '- """Not for models."""'
        )
    ]


def test_a_tool_without_a_description_is_no_mutant() -> None:
    source = """
    class Front(Agent):
        @function_tool
        async def to_billing(self):
            return Billing()
    """
    assert broken(source, "tool-description-emptied") == []


def test_an_inherited_tool_is_taken_away_once_for_all_who_inherit_it() -> None:
    source = """
    class Base(Agent):
        @function_tool
        async def to_front(self):
            return Front()
    class Front(Agent): pass
    class Billing(Base): pass
    class Support(Base): pass
    """
    removed = told(source, "handoff-tool-removed") + told(source, "way-back-removed")
    assert len(removed) == 1

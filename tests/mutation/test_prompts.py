from tests.mutation.sources import broken, told

SOURCE = """
class Front(Agent):
    def __init__(self):
        super().__init__(instructions="You are the front desk.")

class Billing(Agent):
    def __init__(self, caller):
        super().__init__(instructions=f"You deal with {caller.name}'s bills.", tts=voice())

    @function_tool
    async def to_nobody(self):
        return Agent(instructions="")
"""


def test_each_prompt_is_emptied_unless_it_is_empty() -> None:
    assert told(SOURCE, "instructions-emptied") == [
        "4 Front.__init__: Front has no instructions",
        "8 Billing.__init__: Billing has no instructions",
    ]


def test_prompts_are_swapped_and_what_is_unknown_there_stands_by_its_name() -> None:
    (change,) = broken(SOURCE, "instructions-swapped")
    added = [line for line in change.splitlines() if line[0] == "+"]
    assert added[1] == "+ super().__init__(instructions='You are the front desk.', tts=voice())"
    assert "caller.name" in added[0]
    assert "{caller.name}" not in added[0].replace("{{", "").replace("{'", "")


def test_more_than_two_agents_swap_in_a_ring() -> None:
    source = "\n".join(
        f"class {name}Agent(Agent):\n"
        f"    def __init__(self): super().__init__(instructions='{name}')"
        for name in ("A", "B", "C")
    )
    assert [each.partition(": ")[2] for each in told(source, "instructions-swapped")] == [
        "AAgent and BAgent swapped",
        "BAgent and CAgent swapped",
        "CAgent and AAgent swapped",
    ]


def test_an_agents_own_model_or_voice_is_dropped() -> None:
    assert told(SOURCE, "override-dropped") == [
        "8 Billing.__init__: Billing has no tts= of its own"
    ]
    source = "session = AgentSession(tts=voice())\nfront = FrontAgent(llm=None, stt=NOT_GIVEN)"
    assert broken(source, "override-dropped") == []

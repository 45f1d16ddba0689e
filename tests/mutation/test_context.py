from tests.mutation.sources import broken, told

SOURCE = """
class Front(Agent):
    @function_tool
    async def to_billing(self):
        return Billing(chat_ctx=said(self))

class Billing(Agent):
    def __init__(self, *, chat_ctx=None):
        super().__init__(instructions="b", chat_ctx=chat_ctx)

def said(agent: Agent) -> ChatContext:
    return agent.chat_ctx.copy(exclude_instructions=True)
"""


def test_the_argument_is_left_out_at_the_handoff_and_in_the_class() -> None:
    assert broken(SOURCE, "context-not-passed") == [
        "- return Billing(chat_ctx=said(self))\n+ return Billing()",
        (
            "- super().__init__(instructions='b', chat_ctx=chat_ctx)\n"
            "+ super().__init__(instructions='b')"
        ),
    ]


def test_the_context_is_emptied_and_cut_at_each_place_on_its_way() -> None:
    for operator, function in (
        ("context-emptied", "emptied"),
        ("context-truncated-to-one", "truncated"),
    ):
        added = [each.splitlines()[1] for each in broken(SOURCE, operator)]
        assert added == [
            f"+ return Billing(chat_ctx=_breakage.{function}(said(self)))",
            f"+ super().__init__(instructions='b', chat_ctx=_breakage.{function}(chat_ctx))",
            f"+ return _breakage.{function}(agent.chat_ctx.copy(exclude_instructions=True))",
        ]


def test_old_instructions_are_added_where_the_agent_that_leaves_is_at_hand() -> None:
    assert [each.splitlines()[1] for each in broken(SOURCE, "context-with-old-instructions")] == [
        "+ return Billing(chat_ctx=_breakage.with_prompt(said(self), self))",
        "+ return _breakage.with_prompt(agent.chat_ctx.copy(exclude_instructions=True), agent)",
    ]


def test_a_context_that_is_set_on_entering_can_get_lost_too() -> None:
    source = """
    class Billing(Agent):
        async def on_enter(self):
            await self.update_chat_ctx(self.session.userdata.last.chat_ctx)
    """
    assert broken(source, "context-not-passed") == [
        "- await self.update_chat_ctx(self.session.userdata.last.chat_ctx)\n+ pass"
    ]
    assert broken(source, "context-with-old-instructions") == []


def test_an_empty_context_is_emptied_nowhere() -> None:
    source = """
    class Front(Agent):
        @function_tool
        async def to_billing(self):
            return Billing(chat_ctx=ChatContext.empty())
        @function_tool
        async def to_support(self):
            return Support(chat_ctx=None)
    """
    assert broken(source, "context-emptied") == []
    assert broken(source, "context-truncated-to-one") == []
    assert told(source, "context-not-passed") == [
        "5 Front.to_billing: chat_ctx=ChatContext.empty() not passed"
    ]


def test_what_a_model_is_asked_on_the_side_is_left_alone() -> None:
    source = """
    async def summary(model, order):
        return await model.chat(chat_ctx=order).collect()
    """
    assert broken(source, "context-not-passed") == []

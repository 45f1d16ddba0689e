from tests.mutation.sources import broken, told

STAR = """
class Front(Agent):
    @function_tool
    async def to_billing(self):
        return Billing(chat_ctx=self.chat_ctx), "Billing takes over."

    @function_tool
    async def to_support(self):
        self.session.update_agent(Support(chat_ctx=self.chat_ctx))

class Billing(Agent):
    def __init__(self, *, chat_ctx=None):
        super().__init__(instructions="b", chat_ctx=chat_ctx)

    @function_tool
    async def back(self):
        return Front()

class Support(Agent):
    def __init__(self, *, chat_ctx=None):
        super().__init__(instructions="s", chat_ctx=chat_ctx)

def answer(model):
    return Front(), AgentSession(llm=model)
"""

HELPER = """
class Front(Agent):
    @function_tool
    async def to_billing(self) -> Agent:
        return await self._specialist("billing")

    @function_tool
    async def to_support(self) -> Agent:
        return await self._specialist("support")

    async def _specialist(self, topic):
        chat_ctx = await carried(self)
        return Specialist(topic, chat_ctx=chat_ctx)

class Specialist(Agent):
    def __init__(self, topic, *, chat_ctx=None):
        super().__init__(instructions=topic, chat_ctx=chat_ctx)
"""


def test_a_handoff_is_left_out_whether_it_is_returned_or_called() -> None:
    assert broken(STAR, "handoff-returns-nothing") == [
        "- return (Billing(chat_ctx=self.chat_ctx), 'Billing takes over.')\n+ return None",
        "- self.session.update_agent(Support(chat_ctx=self.chat_ctx))\n+ pass",
        "- return Front()\n+ return None",
    ]


def test_an_agent_that_answers_the_call_is_no_handoff() -> None:
    assert not any("answer" in each for each in told(STAR, "handoff-returns-nothing"))


def test_the_agent_of_a_sibling_stands_in_as_if_copied() -> None:
    changes = broken(STAR, "handoff-returns-another-agent")
    assert changes[0].splitlines()[1] == (
        "+ return (Support(chat_ctx=self.chat_ctx), 'Billing takes over.')"
    )
    assert changes[1].splitlines()[1] == (
        "+ self.session.update_agent(Billing(chat_ctx=self.chat_ctx))"
    )


def test_another_topic_stands_in_where_agents_share_a_class() -> None:
    changes = broken(HELPER, "handoff-returns-another-agent")
    assert changes[:2] == [
        "- return await self._specialist('billing')\n+ return await self._specialist('support')",
        "- return await self._specialist('support')\n+ return await self._specialist('billing')",
    ]


def test_a_helper_never_returns_what_would_call_it_again() -> None:
    changes = broken(HELPER, "handoff-returns-another-agent")
    assert not any("+ return await" in each for each in changes[2:])


def test_an_agent_with_less_context_is_no_other_one() -> None:
    source = """
class Desk(Agent):
    @function_tool
    async def to_sales(self) -> Agent:
        return Sales(chat_ctx=self.chat_ctx)

class Sales(Agent):
    def __init__(self, chat_ctx=None):
        super().__init__(instructions="x", chat_ctx=chat_ctx)

    @function_tool
    async def again(self) -> Agent:
        return Sales()
"""
    assert not [
        change
        for change in broken(source, "handoff-returns-another-agent")
        if "Sales() instead of Sales(" in str(change)
    ]


def test_another_class_stands_in_with_the_arguments_that_it_takes() -> None:
    source = """
    class Intake(Agent):
        def __init__(self, *, chat_ctx=None):
            super().__init__(instructions="i", chat_ctx=chat_ctx)
        @function_tool
        async def done(self):
            said = self.chat_ctx.copy()
            return Adviser(self.name, chat_ctx=said)
    class Adviser(Agent):
        def __init__(self, name, *, chat_ctx=None):
            super().__init__(instructions=name, chat_ctx=chat_ctx)
    def answer():
        return Intake()
    """
    assert broken(source, "handoff-returns-another-agent") == [
        "- return Adviser(self.name, chat_ctx=said)\n+ return Intake(chat_ctx=said)"
    ]


def test_there_is_no_mutant_where_nothing_else_can_be_returned() -> None:
    source = """
    class Front(Agent):
        @function_tool
        async def to_billing(self):
            return Billing()
    """
    assert broken(source, "handoff-returns-another-agent") == []


def test_the_agent_itself_is_returned_by_self_or_by_the_run_context() -> None:
    source = """
    @function_tool
    async def to_billing(context: RunContext[Caller]):
        return Billing()
    @function_tool
    async def to_support(reason):
        return Support()
    """
    assert "_breakage.current(self)" in broken(STAR, "handoff-returns-same-agent")[0]
    assert broken(source, "handoff-returns-same-agent") == [
        "- return Billing()\n+ return _breakage.current(context)"
    ]


def test_the_message_is_dropped_where_there_is_one() -> None:
    assert broken(STAR, "handoff-message-dropped") == [
        (
            "- return (Billing(chat_ctx=self.chat_ctx), 'Billing takes over.')\n"
            "+ return Billing(chat_ctx=self.chat_ctx)"
        )
    ]


def test_an_agent_is_kept_only_where_the_caller_may_meet_it_twice() -> None:
    assert told(STAR, "agent-reused") == [
        "5 Front.to_billing: one Billing, built once and kept",
        "17 Billing.back: one Front, built once and kept",
    ]


def test_an_agent_in_a_variable_is_found() -> None:
    source = """
    class Front(Agent):
        @function_tool
        async def to_billing(self):
            desk = Billing()
            return desk, "bye"
    """
    assert broken(source, "handoff-returns-nothing") == ["- return (desk, 'bye')\n+ return None"]


def test_agents_that_are_kept_in_userdata_are_found() -> None:
    source = """
    class Base(Agent):
        async def _transfer(self, name, context):
            userdata = context.userdata
            next_agent = userdata.agents[name]
            return next_agent, f"Transferring to {name}."
    class Front(Base):
        @function_tool
        async def to_billing(self, context: RunContext):
            return await self._transfer("billing", context)
        @function_tool
        async def to_support(self, context: RunContext):
            return await self._transfer("support", context)
    """
    assert len(broken(source, "handoff-returns-nothing")) == 3
    assert len(broken(source, "handoff-message-dropped")) == 1
    assert (
        "- return await self._transfer('billing', context)\n"
        "+ return await self._transfer('support', context)"
    ) in broken(source, "handoff-returns-another-agent")


def test_a_string_that_is_returned_instead_is_no_handoff() -> None:
    source = """
    class Front(Agent):
        @function_tool
        async def to_billing(self):
            if not self.ready:
                return "Ask for the name first."
            return Billing() if self.ready else "no"
    """
    assert broken(source, "handoff-returns-nothing") == [
        "- return Billing() if self.ready else 'no'\n+ return None if self.ready else 'no'"
    ]


def test_what_an_awaited_task_gives_is_no_handoff() -> None:
    source = """
class Ask(AgentTask[str]):
    def __init__(self):
        super().__init__(instructions="a")

class Front(Agent):
    def __init__(self):
        super().__init__(instructions="f")

    @function_tool
    async def ask(self):
        return await Ask()

    @function_tool
    async def get_email(self):
        result = await GetEmailTask()
        return result

    @function_tool
    async def take_in(self):
        name = await Ask()
        return Billing(), f"This is {name}."

class Billing(Agent):
    def __init__(self):
        super().__init__(instructions="b")
"""
    assert broken(source, "handoff-returns-nothing") == [
        "- return (Billing(), f'This is {name}.')\n+ return None"
    ]

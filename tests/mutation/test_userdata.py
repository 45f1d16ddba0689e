from tests.mutation.sources import broken, told

SOURCE = """
class Intake(Agent):
    @function_tool
    async def record(self, context: RunContext, name, tag):
        self.session.userdata.name = name
        context.userdata["name"] = name
        data = context.userdata
        data.tags.append(tag)
        return "Noted."

    @function_tool
    async def done(self):
        return Adviser()
"""


def test_each_change_of_userdata_is_left_out() -> None:
    assert broken(SOURCE, "userdata-not-set") == [
        "- self.session.userdata.name = name",
        "- context.userdata['name'] = name",
        "- data.tags.append(tag)",
    ]


def test_a_session_begins_without_userdata() -> None:
    source = "def answer(model): return Front(), AgentSession[Caller](userdata=Caller(), llm=model)"
    assert told(source, "userdata-not-set") == ["1 answer: the session has no userdata=Caller()"]


def test_userdata_is_reset_before_each_change_and_each_handoff() -> None:
    assert told(SOURCE, "userdata-reset") == [
        "5 Intake.record: reset before self.session.userdata.name = name",
        "6 Intake.record: reset before context.userdata['name'] = name",
        "8 Intake.record: reset before data.tags.append(tag)",
        "13 Intake.done: reset before return Adviser()",
    ]
    assert all("+ _breakage.forgotten(self)" in each for each in broken(SOURCE, "userdata-reset"))


def test_handoffs_of_a_module_without_userdata_reset_nothing() -> None:
    source = """
    class Front(Agent):
        @function_tool
        async def to_billing(self):
            return Billing()
    """
    assert broken(source, "userdata-reset") == []


def test_what_a_worker_keeps_for_its_process_is_left_alone() -> None:
    source = """
    def setup(process: JobProcess):
        process.userdata["vad"] = load()
    """
    assert broken(source, "userdata-not-set") == []

from handoff_evals.mutation import breakage
from tests.mutation.sources import broken, told

FACTORY = """
@dataclass
class Caller:
    topics: list[str] = field(default_factory=list)

class Front(Agent):
    def __init__(self, *, carry=1):
        super().__init__(instructions="")
        self.notes: list[str] = []

def build(model, *, carry=1):
    session = AgentSession[Caller](llm=model, userdata=Caller(), max_tool_steps=5)
    return Front(carry=carry), session
"""

TASKS = """
class Consent(AgentTask[bool]):
    @function_tool
    async def agree(self):
        self.complete(True)

class Front(Agent):
    async def on_enter(self):
        await ConsentTask()
        agreed = await Consent()
        if not agreed:
            self.session.say("Bye.")
        elif await ConsentTask():
            self.session.say("Good.")
"""


def test_each_argument_that_a_factory_passes_on_is_ignored() -> None:
    assert told(FACTORY, "factory-argument-ignored") == [
        "12 build: AgentSession[Caller] without llm=model",
        "13 build: Front without carry=carry",
    ]


def test_each_option_of_the_session_is_left_out() -> None:
    assert told(FACTORY, "session-option-dropped") == [
        "12 build: the session has no max_tool_steps=5"
    ]


def test_what_is_made_for_each_call_is_made_once() -> None:
    assert told(FACTORY, "state-shared") == [
        "4 Caller: one list for all calls: topics",
        "9 Front.__init__: one [] for all calls: Front.notes",
        "12 build: one Caller() for all calls: the session's userdata",
    ]
    field, attribute, session = broken(FACTORY, "state-shared")
    assert "default_factory=lambda: _breakage.shared('field 0', list)" in field
    assert "self.notes: list[str] = _breakage.shared(1, lambda: [])" in attribute
    assert "userdata=_breakage.shared(0, lambda: Caller())" in session


def test_what_is_shared_is_made_once_for_each_place() -> None:
    first = breakage.shared("one place", list)
    assert breakage.shared("one place", list) is first
    assert breakage.shared("another place", list) is not first


def test_a_task_is_not_waited_for_and_its_result_not_checked() -> None:
    assert told(TASKS, "task-skipped") == [
        "9 Front.on_enter: no await ConsentTask()",
        "11 Front.on_enter: not checked: not agreed",
        "13 Front.on_enter: not checked: await ConsentTask()",
    ]
    _, refused, agreed = broken(TASKS, "task-skipped")
    assert "+ if False:" in refused
    assert "+ elif True:" in agreed


def test_a_task_is_completed_with_another_value() -> None:
    assert broken(TASKS, "task-completed-wrongly") == [
        "- self.complete(True)\n+ self.complete(_breakage.wrong(True))"
    ]


def test_a_wrong_value_is_of_the_same_type() -> None:
    values = (True, 3, "Ann", ["Ann"])
    assert [breakage.wrong(value) for value in values] == [False, 4, "", []]
    assert breakage.wrong(object()) is None

"""A model that answers at random, and remembers what it did."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from handoff_evals.livekit.scripted import Reply, Request, ScriptedLLM, ToolCall
from handoff_evals.livekit.tap import _schemas as schemas_of
from handoff_evals.properties.arguments import arguments

Draw = Callable[[st.SearchStrategy[Any]], Any]

WORDS = "All right."
_MOST = 6  # replies of one turn that are drawn: a model may err for ever, a turn must end
_BROKEN = ("", "{", "[1]", "null", '{"no_such_argument": 1}')

# The first is what shrinking ends with; what stands twice is drawn twice as often.
_KINDS_WITHOUT_TOOLS = ("words", "words", "words", "unknown tool", "nothing", "failure")
_KINDS = (
    "words",
    "call",
    "call",
    "call",
    "words and call",
    "two calls",
    "broken arguments",
    "unknown tool",
    "nothing",
    "failure",
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One reply of the model, and what it replied to."""

    reply: Reply
    to_caller: bool
    """Whether the caller's words were the newest item, and not a tool's output, say."""
    offered: tuple[str, ...]
    """The tools that it might call."""

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tool calls in it."""
        if isinstance(self.reply, ToolCall):
            return (self.reply,)
        if isinstance(self.reply, str | BaseException):
            return ()
        return tuple(part for part in self.reply if isinstance(part, ToolCall))

    @property
    def words(self) -> str:
        """What it says."""
        if isinstance(self.reply, ToolCall | BaseException):
            return ""
        if isinstance(self.reply, str):
            return self.reply
        return " ".join(part for part in self.reply if isinstance(part, str))

    @property
    def failed(self) -> bool:
        """Whether there was no reply at all."""
        return isinstance(self.reply, BaseException)

    @property
    def is_words(self) -> bool:
        """Whether it is what any model says that has nothing to do."""
        return self.reply == WORDS


class DrawnModel:
    """Draws each reply when it is asked for, from the tools that it is offered.

    `draw` is Hypothesis's, of the rule that runs. What it raises can't pass
    through livekit, so it is kept in `stopped` for the rule to raise.
    """

    def __init__(self) -> None:
        self.draw: Draw | None = None
        self.stopped: BaseException | None = None
        self.answers: list[Answer] = []
        self._known: dict[str, None] = {}

    def port(self) -> ScriptedLLM:
        """The model for a session."""
        return ScriptedLLM(self._answer)

    def _answer(self, request: Request) -> Reply:
        last = request.last_item
        to_caller = last is not None and last.type == "message" and last.role == "user"
        reply = self._drawn(request)
        self.answers.append(Answer(reply=reply, to_caller=to_caller, offered=request.tool_names))
        return reply

    def _drawn(self, request: Request) -> Reply:
        self._known.update(dict.fromkeys(request.tool_names))
        if self.draw is None or self.stopped is not None or len(self.answers) >= _MOST:
            return WORDS
        try:
            return self.draw(replies(request, list(self._known)))  # type: ignore[no-any-return]
        except BaseException as stop:  # noqa: BLE001 - Hypothesis's own ones are no Exceptions
            self.stopped = stop
            return WORDS


@st.composite
def replies(draw: st.DrawFn, request: Request, known: list[str]) -> Reply:
    """Draw what a model may do with the tools it is offered, and knowing of others."""

    def name() -> str:
        return draw(st.sampled_from(request.tool_names))

    def call() -> ToolCall:
        tool = name()
        return ToolCall(name=tool, arguments=json.dumps(draw(arguments(parameters(request, tool)))))

    reply: Reply = WORDS
    match draw(st.sampled_from(_KINDS if request.tool_names else _KINDS_WITHOUT_TOOLS)):
        case "call":
            reply = call()
        case "words and call":
            reply = [WORDS, call()]
        case "two calls":
            reply = [call(), call()]
        case "broken arguments":
            reply = ToolCall(name=name(), arguments=draw(st.sampled_from(_BROKEN)))
        case "unknown tool":
            reply = ToolCall(name=draw(st.sampled_from(["no_such_tool", *known])), arguments="{}")
        case "nothing":
            reply = ""
        case "failure":
            # No APIError, which livekit would ask for again, seconds later.
            reply = ConnectionError("the model is out of reach")
    return reply


def parameters(request: Request, name: str) -> Mapping[str, Any]:
    """The JSON schema of the arguments of one tool."""
    return next(each.parameters for each in schemas_of(list(request.tools)) if each.name == name)

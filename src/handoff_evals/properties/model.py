"""A model that makes random moves, and remembers what it did."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from hypothesis import strategies as st

from handoff_evals.livekit.schemas import schemas as schemas_of
from handoff_evals.livekit.scripted import Reply, Request, ScriptedLLM, ToolCall
from handoff_evals.properties.arguments import arguments

WORDS = "All right."
_BROKEN = ("", "{", "[1]", "null", '{"no_such_argument": 1}')

Kind = Literal[
    "words",
    "call",
    "words and call",
    "two calls",
    "broken arguments",
    "unknown tool",
    "nothing",
    "failure",
]


@dataclass(frozen=True, kw_only=True)
class Move:
    """What a model is to do when it is asked, whatever tools it is then offered."""

    kind: Kind = "words"
    choices: tuple[int, ...] = ()
    """Which tools and which arguments: see `arguments`."""


MOVES: st.SearchStrategy[Move] = st.builds(
    Move,
    # What stands several times is drawn as often; shrinking ends at the first.
    kind=st.sampled_from([*get_args(Kind), *["call"] * 5]),
    choices=st.lists(st.integers(0, 9), max_size=4).map(tuple),
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


class MovingModel:
    """Makes one move after the other, and then says a few words to all that comes."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self._moves: Iterator[Move] = iter(())
        self._known: dict[str, None] = {}

    def port(self) -> ScriptedLLM:
        """The model for a session."""
        return ScriptedLLM(self._answer)

    def prepare(self, moves: Iterable[Move]) -> None:
        """Set out the moves of the next turn."""
        self.answers = []
        self._moves = iter(moves)

    def _answer(self, request: Request) -> Reply:
        last = request.last_item
        to_caller = last is not None and last.type == "message" and last.role == "user"
        self._known.update(dict.fromkeys(request.tool_names))
        reply = reply_of(next(self._moves, Move()), request, known=tuple(self._known))
        self.answers.append(Answer(reply=reply, to_caller=to_caller, offered=request.tool_names))
        return reply


def reply_of(move: Move, request: Request, *, known: Sequence[str]) -> Reply:
    """The reply that a move comes to; a call without tools to call comes to words.

    Args:
        move: what to do.
        request: what the model is asked, with the tools that it is offered.
        known: all tools that it was ever offered, for it to remember at the wrong time.
    """
    choices = iter(move.choices)

    def one(options: Sequence[str]) -> str:
        return options[next(choices, 0) % len(options)]

    def call() -> ToolCall:
        name = one(request.tool_names)
        return ToolCall(
            name=name, arguments=json.dumps(arguments(parameters(request, name), choices))
        )

    reply: Reply = WORDS
    match move.kind:
        case "nothing":
            reply = ""
        case "failure":
            # No APIError, which livekit would ask for again, seconds later.
            reply = ConnectionError("the model is out of reach")
        case "unknown tool":
            reply = ToolCall(name=one(("no_such_tool", *known)), arguments="{}")
        case "broken arguments" if request.tool_names:
            reply = ToolCall(name=one(request.tool_names), arguments=one(_BROKEN))
        case "call" | "words and call" | "two calls" if request.tool_names:
            words = [WORDS] if move.kind == "words and call" else []
            reply = [*words, *(call() for _ in range(2 if move.kind == "two calls" else 1))]
    return reply


def parameters(request: Request, name: str) -> Mapping[str, Any]:
    """The JSON schema of the arguments of one tool."""
    return next(each.parameters for each in schemas_of(list(request.tools)) if each.name == name)

"""A model that makes random moves, with random arguments, and remembers what it did.

The schema is known only once a model is asked, and Hypothesis has to draw before:
else the draws would depend on how the event loop happens to run. So it draws the
numbers, which shrink to 0, the plainest choice, and they choose here.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from hypothesis import strategies as st

from handoff_evals.livekit import Reply, Request, ScriptedLLM, ToolCall
from handoff_evals.livekit import schemas as schemas_of

_TEXTS = ("Ada", "", " ", "two words", "naïve café", "0", "a" * 200)
_INTEGERS = (1, 0, 34, -1, 200, 10**9)
_NUMBERS = (1.0, 0.0, 0.5, -1.0, 1e9)
_FORMATS: Mapping[str, tuple[str, ...]] = {
    "date": ("2025-06-30", "1999-12-31"),
    "date-time": ("2025-06-30T09:30:00Z",),
    "time": ("09:30:00Z", "23:59:59Z"),
    "duration": ("PT30M",),
    "email": ("ada@example.com",),
    "uri": ("https://example.com/",),
    "uuid": ("123e4567-e89b-42d3-a456-426614174000",),
}
_DEEPEST = 6


Values = Mapping[str, Sequence[Any]]
"""By the name of an argument, what is known to be sensible."""


def arguments(
    schema: Mapping[str, Any], choices: Iterator[int], values: Values | None = None
) -> Any:
    """Build what a model may send: of the right types, though seldom sensible.

    Args:
        schema: the `parameters` of a tool, with `$ref` into its own `$defs`.
        choices: numbers from 0; the first choice is made where they run out.
        values: for some arguments, what to choose from before anything else.
    """
    known = {
        name: options
        for name, options in (values or {}).items()
        if options and name in schema.get("properties", {})
    }
    chosen: dict[str, Any] = {}
    for name, options in known.items():
        number = _one(range(len(options) + 1), choices)
        if number < len(options):
            chosen[name] = options[number]
    sent = _value(schema, schema, choices, _DEEPEST)
    return {**sent, **chosen} if chosen else sent


def _value(
    schema: Mapping[str, Any], root: Mapping[str, Any], choices: Iterator[int], depth: int
) -> Any:
    if depth == 0:
        return None
    while "$ref" in schema:
        schema = _definition(schema["$ref"], root)
    value: Any
    match schema:
        case {"const": value}:
            pass
        case {"enum": options}:
            value = _one(options, choices)
        case {"anyOf": parts} | {"oneOf": parts} | {"allOf": parts}:
            value = _value(_one(parts, choices), root, choices, depth - 1)
        case {"type": [*kinds]}:
            kind = _one(kinds, choices)
            value = _value({**schema, "type": kind}, root, choices, depth - 1)
        case {"type": "array"}:
            count = _one(range(3), choices)
            part = schema.get("items", {})
            value = [_value(part, root, choices, depth - 1) for _ in range(count)]
        case {"type": "object"}:
            required = schema.get("required", ())
            value = {
                name: _value(part, root, choices, depth - 1)
                for name, part in schema.get("properties", {}).items()
                if name in required or _one((False, True), choices)
            }
        case _:
            value = _plain(schema, choices)
    return value


def _plain(schema: Mapping[str, Any], choices: Iterator[int]) -> Any:
    options: Mapping[str, tuple[Any, ...]] = {
        "string": _FORMATS.get(schema.get("format", ""), _fitting_texts(schema)),
        "integer": _within(schema, _INTEGERS),
        "number": _within(schema, _NUMBERS),
        "boolean": (True, False),
    }
    return _one(options.get(schema.get("type", "")) or (None,), choices)


def _within(schema: Mapping[str, Any], numbers: Sequence[float]) -> tuple[float, ...]:
    """The numbers that a schema allows, or else its bounds."""
    least, most = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    above, below = (
        schema.get("exclusiveMinimum", -math.inf),
        schema.get("exclusiveMaximum", math.inf),
    )
    step = schema.get("multipleOf", 0)
    bounds = [each for each in (least, most) if math.isfinite(each)]
    return tuple(
        each
        for each in (*numbers, *bounds)
        if least <= each <= most and above < each < below and (not step or not each % step)
    )


def _fitting_texts(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The texts of a length that a schema allows, or else one of the least length."""
    least, most = schema.get("minLength", 0), schema.get("maxLength", math.inf)
    return tuple(each for each in _TEXTS if least <= len(each) <= most) or ("a" * least,)


def _one(options: Any, choices: Iterator[int]) -> Any:
    return options[next(choices, 0) % len(options)]


def _definition(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found  # type: ignore[no-any-return]  # a part of a schema is a mapping


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
class RandomMove:
    """What a model is to do when it is asked, whatever tools it is then offered."""

    kind: Kind = "words"
    choices: tuple[int, ...] = ()
    """Which tools and which arguments: see `arguments`."""


RANDOM_MOVES: st.SearchStrategy[RandomMove] = st.builds(
    RandomMove,
    # What stands several times is drawn as often; shrinking ends at the first.
    kind=st.sampled_from([*get_args(Kind), *["call"] * 5]),
    choices=st.lists(st.integers(0, 9), min_size=1, max_size=4).map(tuple),
)


@dataclass(frozen=True, kw_only=True)
class RandomAnswer:
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

    def __init__(self, values: Values | None = None) -> None:
        self.answers: list[RandomAnswer] = []
        self._values = values
        self._moves: Iterator[RandomMove] = iter(())
        self._known: dict[str, None] = {}

    def port(self) -> ScriptedLLM:
        """The model for a session."""
        return ScriptedLLM(self._answer)

    def prepare(self, moves: Iterable[RandomMove]) -> None:
        """Set out the moves of the next turn."""
        self.answers = []
        self._moves = iter(moves)

    def _answer(self, request: Request) -> Reply:
        last = request.last_item
        to_caller = last is not None and last.type == "message" and last.role == "user"
        self._known.update(dict.fromkeys(request.tool_names))
        reply = reply_of(
            next(self._moves, RandomMove()),
            request,
            known=tuple(self._known),
            values=self._values,
        )
        self.answers.append(
            RandomAnswer(reply=reply, to_caller=to_caller, offered=request.tool_names)
        )
        return reply


def reply_of(
    move: RandomMove, request: Request, *, known: Sequence[str], values: Values | None = None
) -> Reply:
    """The reply that a move comes to; a call without tools to call comes to words.

    Args:
        move: what to do.
        request: what the model is asked, with the tools that it is offered.
        known: all tools that it was ever offered, for it to remember at the wrong time.
        values: sensible values of arguments; see `arguments`.
    """
    choices = iter(move.choices)

    def one(options: Sequence[str]) -> str:
        return options[next(choices, 0) % len(options)]

    def call() -> ToolCall:
        name = one(request.tool_names)
        sent = arguments(parameters(request, name), choices, values)
        return ToolCall(name=name, arguments=json.dumps(sent))

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


@dataclass(frozen=True, kw_only=True)
class PlayedTurn:
    """One turn of a random conversation: what the caller and the model did."""

    user: str | None
    """What the caller said; None for the opening."""
    answers: tuple[RandomAnswer, ...]
    active: str | None = None
    """Who had the call when it was over; None when the session was closed."""
    interrupted_after: int | None = None
    """How many rounds of the event loop into the turn the caller interrupted."""


class BrokenInvariantError(AssertionError):
    """A conversation that breaks an invariant; its message says which one, and how.

    Args:
        invariant: its name in `INVARIANTS`.
        why: what was seen instead.
        turns: the conversation.
        keeps: who should have kept the call, where the graph does not lead on.
    """

    def __init__(
        self,
        invariant: str,
        why: str,
        *,
        turns: Sequence[PlayedTurn] = (),
        keeps: str | None = None,
    ) -> None:
        super().__init__(f"{invariant}: {why}")
        self.invariant = invariant
        self.why = why
        self.turns = tuple(turns)
        self.keeps = keeps
        self.file = ""
        """The scenario file that was printed; `fuzz` fills it in."""

"""Models that say what they are told to: by a test, or by a cassette."""

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

from livekit.agents import llm
from livekit.agents.types import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
)

from handoff_evals.cassettes import Answer
from handoff_evals.errors import HandoffEvalsError
from handoff_evals.transcript import AgentRef


class ScriptExhaustedError(HandoffEvalsError):
    """A ScriptedLLM was asked once more than it has replies."""


@dataclass(frozen=True, kw_only=True)
class ToolCall:
    """A tool call in a scripted reply; `arguments` is sent as it is, malformed or not."""

    name: str
    arguments: str


def tool_call(name: str, /, **arguments: Any) -> ToolCall:
    """Write a tool call for a scripted reply: `tool_call("record_age", age=34)`."""
    return ToolCall(name=name, arguments=json.dumps(arguments))


Part = str | ToolCall
Reply = Part | Sequence[Part] | BaseException
"""One reply: a text, a tool call, several of them in order, or an error to raise."""


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Who asks a model, and where in the conversation."""

    agent: AgentRef
    turn: int
    """The turn that is under way; 0 is the opening."""
    arrivals: tuple[AgentRef, ...] = ()
    """The agents that took the call in this turn so far, in order."""
    purpose: Literal["reply", "direct", "decision", "caller"] = "reply"
    """`reply`: livekit asks for the agent's next words. Else the agent's own code asks, for
    words or for a decision."""
    unused: Callable[[], bool] = lambda: False
    """Whether livekit has thrown the answer away: it was begun before the turn was over."""


ASKER: ContextVar[Asker | None] = ContextVar("handoff_evals_asker", default=None)
"""Who asks the model that runs in this context."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a scripted function gets: all that a real model would get, and who asks."""

    chat_ctx: llm.ChatContext
    tools: tuple[llm.Tool, ...] = ()
    tool_choice: llm.ToolChoice | None = None
    asker: Asker | None = None
    """Who asks; None where no call of the harness is under way."""

    @property
    def tool_names(self) -> tuple[str, ...]:
        """The names of the function tools that the model may call."""
        return tuple(llm.ToolContext(self.tools).function_tools)

    @property
    def last_item(self) -> llm.ChatItem | None:
        """The newest item of the context that a model would see."""
        seen = {"message", "function_call", "function_call_output"}
        return next((item for item in reversed(self.chat_ctx.items) if item.type in seen), None)

    @property
    def last_user_text(self) -> str:
        """The caller's newest words, or an empty text."""
        said = (m for m in reversed(self.chat_ctx.messages()) if m.role == "user")
        return next((message.text_content or "" for message in said), "")


@dataclass
class _Script:
    replies: list[Reply] = field(default_factory=list)
    given: int = 0


class ScriptedLLM(llm.LLM[Any]):
    """A public test double on livekit's `llm.LLM` port.

    ```python
    ScriptedLLM(["Hello.", tool_call("transfer_to_billing"), "Billing here."])
    ScriptedLLM(lambda request: "Yes?" if not request.tools else tool_call("change_agent"))
    ```

    It streams like a real model: words in several chunks, each tool call in one,
    and the usage last. A list is used up reply by reply, across all agents of the
    session; a function is asked each time and may return anything that a list may
    contain.

    Args:
        script: the replies, or a function that gets a request and returns a reply.
        unused_ok: whether replies may be left when a test is over; the fixture
            `agent_call` fails a test that leaves some.
    """

    def __init__(
        self,
        script: Sequence[Reply] | Callable[[Request], Reply],
        *,
        unused_ok: bool = False,
    ) -> None:
        super().__init__()
        self.unused_ok = unused_ok
        if isinstance(script, str | ToolCall | BaseException):
            raise TypeError(
                f"{script!r} is one reply: a script is a list of them, ScriptedLLM([...]), or a "
                "function"
            )
        self._answer = script if callable(script) else None
        self._script = _Script(replies=[] if callable(script) else [_sound(r) for r in script])

    @property
    def model(self) -> str:
        """The name that reports show."""
        return "scripted"

    @property
    def provider(self) -> str:
        """Whose model it is."""
        return "handoff-evals"

    @property
    def given(self) -> int:
        """How many replies of the list have been used."""
        return self._script.given

    @property
    def unused(self) -> tuple[Reply, ...]:
        """The replies of the list that have not been used, in order."""
        return tuple(self._script.replies[self._script.given :])

    @property
    def left(self) -> int:
        """How many replies of the list have not been used."""
        return len(self.unused)

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,  # noqa: ARG002 - livekit's signature
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,  # noqa: ARG002 - as above
        **_more: Any,
    ) -> llm.LLMStream:
        """Answer with the next reply of the script."""
        request = Request(
            chat_ctx=chat_ctx.copy(),
            tools=tuple(tools or ()),
            tool_choice=tool_choice or None,
            asker=ASKER.get(),
        )
        return _ScriptedStream(
            self,
            chat_ctx=chat_ctx,
            tools=tools or [],
            conn_options=conn_options,
            reply=lambda: self._next(request),
        )

    def _next(self, request: Request) -> Reply:
        if self._answer is not None:
            return _sound(self._answer(request))
        script = self._script
        if script.given == len(script.replies):
            last = request.last_item
            raise ScriptExhaustedError(
                f"all {len(script.replies)} of the script's replies are used, but the model is "
                f"asked again after {last.type if last else 'nothing'} "
                f"(caller's last words: {request.last_user_text!r}; "
                f"tools: {', '.join(request.tool_names) or 'none'}). "
                "Add a reply, or pass a function."
            )
        script.given += 1
        return script.replies[script.given - 1]


def _sound(reply: Any) -> Reply:
    """The reply, if it is one.

    Raises:
        TypeError: it is none.
    """
    parts = reply if isinstance(reply, list | tuple) else [reply]
    if isinstance(reply, BaseException) or all(isinstance(part, Part) for part in parts):
        return reply  # type: ignore[no-any-return]
    if isinstance(reply, Coroutine):
        reply.close()
        raise TypeError("the script is an async function: it is asked for its reply at once")
    raise TypeError(
        f"{reply!r} is no reply: say a text, tool_call(...), a list of these, or an error to raise"
    )


class _ScriptedStream(llm.LLMStream):
    def __init__(
        self,
        model: ScriptedLLM,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
        reply: Callable[[], Reply],
    ) -> None:
        super().__init__(model, chat_ctx=chat_ctx, tools=tools, conn_options=conn_options)
        self._reply = reply

    async def _run(self) -> None:
        reply = self._reply()
        if isinstance(reply, BaseException):
            raise reply
        parts: Sequence[Part] = (reply,) if isinstance(reply, str | ToolCall) else reply
        reply_id = f"scripted_{uuid4().hex[:12]}"
        written = 0
        for part in parts:
            for delta in _deltas(part):
                written += 1
                self._event_ch.send_nowait(llm.ChatChunk(id=reply_id, delta=delta))
        read = sum(len(m.text_content or "") for m in self._chat_ctx.messages()) // 4
        self._event_ch.send_nowait(
            llm.ChatChunk(
                id=reply_id,
                usage=llm.CompletionUsage(
                    completion_tokens=written, prompt_tokens=read, total_tokens=read + written
                ),
            )
        )


def _deltas(part: Part) -> list[llm.ChoiceDelta]:
    if isinstance(part, ToolCall):
        made = llm.FunctionToolCall(
            name=part.name, arguments=part.arguments, call_id=f"call_{uuid4().hex[:12]}"
        )
        return [llm.ChoiceDelta(role="assistant", tool_calls=[made])]
    words = part.split(" ")
    return [
        llm.ChoiceDelta(role="assistant", content=word if last else f"{word} ")
        for word, last in zip(words, [False] * (len(words) - 1) + [True], strict=True)
        if word or not last
    ]


@dataclass(kw_only=True)
class IncomingAnswer:
    """An answer while it comes in."""

    chunks: list[Mapping[str, Any]] = field(default_factory=list)

    def note(self, chunk: llm.ChatChunk, *, at: float) -> None:
        """Take in one chunk, so many seconds after the request."""
        data = chunk.model_dump(mode="json", exclude={"id"}, exclude_none=True)
        if data.get("delta") and not data["delta"].get("tool_calls"):
            data["delta"].pop("tool_calls", None)
        self.chunks.append({"at": round(at, 3), **data})

    def answer(self, *, model: str, ttft_s: float | None, duration_s: float) -> Answer:
        """The whole of it."""
        return Answer(model=model, chunks=tuple(self.chunks), ttft_s=ttft_s, duration_s=duration_s)


def chunks_of(answer: Answer) -> list[llm.ChatChunk]:
    """The chunks that livekit gets; when each came, stays on the cassette."""
    return [
        llm.ChatChunk.model_validate(
            {"id": "replayed", **{name: part for name, part in each.items() if name != "at"}}
        )
        for each in answer.chunks
    ]

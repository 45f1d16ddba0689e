"""A model that fails on purpose: the one it wraps, with faults let loose on it."""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from livekit.agents import APIConnectionError, APIStatusError, APITimeoutError, llm

from handoff_evals.livekit.llm_wrapper import ChatRequest, WrapperLLM, WrapperStream
from handoff_evals.livekit.scripted import Reply, Request, ScriptedLLM, ToolCall

Chunks = AsyncGenerator[llm.ChatChunk, None]


@dataclass(frozen=True, kw_only=True)
class ReplyAttempt:
    """One try at one reply, as a fault meets it."""

    request: Request
    chunks: Chunks
    """What the wrapped model answers. It is asked when the first chunk is wanted, and
    never if none is."""
    occur: Callable[[], None]
    """To be called where the fault does its harm."""


@dataclass(frozen=True, kw_only=True)
class ModelFault:
    """Something that goes wrong with a reply, and when.

    As it is made it occurs at every request, and again whenever livekit retries.
    `at` and `sometimes` narrow that:

    ```python
    ModelFault.status(429)                      # for good
    ModelFault.status(429).at(2)                # the second request, retries included
    ModelFault.status(429).at(2, attempts=1)    # only the first try at it: the retry gets through
    ModelFault.stall(after=3).sometimes(0.1)    # a tenth of the requests, by the FaultyLLM's seed
    ```

    One of your own is a name and an async generator that gets the `Attempt` and
    yields the chunks that livekit is to see.
    """

    name: str
    play: Callable[[ReplyAttempt], Chunks]
    requests: frozenset[int] = frozenset()
    """Which requests it is meant for, from 1; empty for all."""
    attempts: int | None = None
    """How many tries at one request it spoils; None for all."""
    probability: float = 1.0

    def at(self, *requests: int, attempts: int | None = None) -> "ModelFault":
        """Occur at these requests only, counted from 1, and at so many tries of each.

        Raises:
            ValueError: when a number is below 1, or there is none.
        """
        if not requests or min(*requests, 1 if attempts is None else attempts) < 1:
            raise ValueError(
                f"at({', '.join(map(repr, requests))}, attempts={attempts!r}): name at least "
                "one request; requests and attempts count from 1"
            )
        return replace(self, requests=frozenset(requests), attempts=attempts)

    def sometimes(self, probability: float) -> "ModelFault":
        """Occur at this share of the requests that it is meant for.

        Raises:
            ValueError: when it is no share.
        """
        if not 0 < probability <= 1:
            raise ValueError(f"a probability of {probability!r}: it must be above 0, at most 1")
        return replace(self, probability=probability)

    @classmethod
    def status(cls, code: int, *, retry_after: float | None = None) -> "ModelFault":
        """Answer with an HTTP status (429, 500); livekit decides by it whether to retry.

        `retry_after` is the header's value in seconds. LiveKit's own models leave it to
        the `__context__` of their error, where it can be read once there was a retry.
        """
        headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}

        def error() -> Exception:
            failed = APIStatusError(f"HTTP {code}", status_code=code)
            failed.__context__ = _Answer(code, headers)
            return failed

        return cls._fails(str(code), error)

    @classmethod
    def refused(cls) -> "ModelFault":
        """Refuse the connection."""

        def error() -> Exception:
            failed = APIConnectionError()
            failed.__cause__ = ConnectionRefusedError("connection refused")
            return failed

        return cls._fails("connection refused", error)

    @classmethod
    def timed_out(cls) -> "ModelFault":
        """Time out before the first chunk, without the wait."""
        return cls._fails("time-out", APITimeoutError)

    @classmethod
    def stall(cls, *, after: int = 0) -> "ModelFault":
        """Fall silent for ever after so many chunks, as behind a client with no time-out."""

        async def play(attempt: ReplyAttempt) -> Chunks:
            async for chunk in _first(after, attempt.chunks):
                yield chunk
            attempt.occur()
            await asyncio.Event().wait()

        return cls(name=f"stall after {after} chunks", play=play)

    @classmethod
    def cut(cls, *, after: int) -> "ModelFault":
        """Lose the connection after so many chunks, or at the end of a shorter reply."""

        async def play(attempt: ReplyAttempt) -> Chunks:
            given = 0
            async for chunk in _first(after, attempt.chunks):
                given += 1
                yield chunk
            attempt.occur()
            # LiveKit's own models ask for no retry once something was heard.
            raise APIConnectionError(retryable=given == 0) from ConnectionResetError("stream cut")

        return cls(name=f"cut after {after} chunks", play=play)

    @classmethod
    def empty(cls) -> "ModelFault":
        """Answer with neither a word nor a tool call."""

        async def play(attempt: ReplyAttempt) -> Chunks:
            async for chunk in attempt.chunks:
                if chunk.has_response():
                    attempt.occur()
                else:
                    yield chunk

        return cls(name="empty reply", play=play)

    @classmethod
    def instead(cls, reply: Reply, *, name: str = "another reply") -> "ModelFault":
        """Give this reply; the wrapped model is not asked."""

        async def play(attempt: ReplyAttempt) -> Chunks:
            attempt.occur()
            async for chunk in _scripted(reply, attempt.request):
                yield chunk

        return cls(name=name, play=play)

    @classmethod
    def refusal(cls, text: str = "I'm sorry, but I can't help with that.") -> "ModelFault":
        """Decline, in a reply like any other."""
        return cls.instead(text, name="refusal")

    @classmethod
    def beside(cls, *calls: ToolCall) -> "ModelFault":
        """Put more tool calls into a reply that calls a tool."""

        async def play(attempt: ReplyAttempt) -> Chunks:
            async for chunk in attempt.chunks:
                yield chunk
                if chunk.delta is not None and chunk.delta.tool_calls:
                    attempt.occur()
                    async for more in _scripted(calls, attempt.request):
                        if more.has_response():
                            yield more.model_copy(update={"id": chunk.id})

        return cls(name=f"{' and '.join(made.name for made in calls)} beside", play=play)

    @classmethod
    def unknown_tool(cls, name: str = "no_such_tool") -> "ModelFault":
        """Call tools by a name that no agent has."""
        return cls._edits("unknown tool", lambda made: made.model_copy(update={"name": name}))

    @classmethod
    def malformed_arguments(cls, text: str = "{'reason': ") -> "ModelFault":
        """Call tools with arguments that are no JSON."""
        return cls._edits(
            "malformed arguments", lambda made: made.model_copy(update={"arguments": text})
        )

    @classmethod
    def missing_arguments(cls) -> "ModelFault":
        """Call tools without their arguments."""
        return cls._edits(
            "missing arguments", lambda made: made.model_copy(update={"arguments": "{}"})
        )

    @classmethod
    def extra_arguments(cls, **arguments: Any) -> "ModelFault":
        """Call tools with these arguments on top; they are to be no parameters of theirs."""
        more = arguments or {"no_such_parameter": 1}

        def edit(made: llm.FunctionToolCall) -> llm.FunctionToolCall:
            given = json.loads(made.arguments or "{}")
            return made.model_copy(update={"arguments": json.dumps({**given, **more})})

        return cls._edits("extra arguments", edit)

    @classmethod
    def _fails(cls, name: str, error: Callable[[], Exception]) -> "ModelFault":
        async def play(attempt: ReplyAttempt) -> Chunks:
            attempt.occur()
            raise error()
            yield  # type: ignore[unreachable]  # makes it a generator

        return cls(name=name, play=play)

    @classmethod
    def _edits(
        cls, name: str, edit: Callable[[llm.FunctionToolCall], llm.FunctionToolCall]
    ) -> "ModelFault":
        async def play(attempt: ReplyAttempt) -> Chunks:
            async for chunk in attempt.chunks:
                if chunk.delta is None or not chunk.delta.tool_calls:
                    yield chunk
                    continue
                attempt.occur()
                edited = [edit(made) for made in chunk.delta.tool_calls]
                delta = chunk.delta.model_copy(update={"tool_calls": edited})
                yield chunk.model_copy(update={"delta": delta})

        return cls(name=name, play=play)


async def _scripted(reply: Reply, request: Request) -> Chunks:
    model = ScriptedLLM([reply])
    async with model.chat(chat_ctx=request.chat_ctx, tools=list(request.tools)) as stream:
        async for chunk in stream:
            yield chunk


async def _first(count: int, chunks: Chunks) -> Chunks:
    """The first `count` chunks that hold something."""
    given = 0
    while given < count:
        chunk = await anext(chunks, None)
        if chunk is None:
            return
        given += chunk.has_response()
        yield chunk


class _Answer(Exception):  # noqa: N818 - what a provider's client raises; never seen by name
    """A provider's answer that is none."""

    def __init__(self, code: int, headers: Mapping[str, str]) -> None:
        super().__init__(f"HTTP {code}")
        self.response = SimpleNamespace(status_code=code, headers=headers)


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """A fault that happened."""

    fault: str
    request: int
    """Which request to the FaultyLLM it was, from 1."""
    attempt: int
    """Which try at it, from 1: livekit repeats a request that failed."""


class FaultyLLM(WrapperLLM):
    """A public test double on livekit's `llm.LLM` port: a model and what goes wrong with it.

    ```python
    FaultyLLM(ScriptedLLM(["Hello.", "Bye."]), ModelFault.status(500).at(2))
    FaultyLLM(openai.LLM(), ModelFault.status(429).sometimes(0.2), ModelFault.empty().at(3), seed=7)
    ```

    livekit retries around it as it does around any other model, by the session's
    `conn_options`; the wrapped model gets one try at a time, so that the retries do not
    multiply. Where several faults occur at once, each meets what those before it left.

    Args:
        inner: the model that answers.
        faults: what goes wrong, and when.
        seed: of `ModelFault.sometimes`: the same seed occurs at the same requests.
    """

    def __init__(self, inner: llm.LLM[Any], *faults: ModelFault, seed: int = 0) -> None:
        if not isinstance(inner, llm.LLM):
            raise TypeError(f"{inner!r} is no model: FaultyLLM(model, *faults)")
        for each in faults:
            if not isinstance(each, ModelFault):
                raise TypeError(f"{each!r} is no ModelFault: FaultyLLM(model, *faults)")
        super().__init__(inner)
        self.faults = faults
        self.occurred: list[Occurrence] = []
        """What did happen, in order: a fault that finds nothing to spoil is not in here."""
        self._seed = seed
        self._asked = 0

    async def aclose(self) -> None:
        """Close the wrapped model."""
        await self.inner.aclose()
        await super().aclose()

    def answer(self, asked: ChatRequest) -> llm.LLMStream:
        """Ask the wrapped model, unless a fault is in the way."""
        self._asked += 1
        return _FaultyStream(self, asked, number=self._asked, due=self._due(self._asked))

    def _due(self, number: int) -> list[ModelFault]:
        """The faults of one request; drawn by its number, whatever was asked before it."""
        return [
            fault
            for place, fault in enumerate(self.faults)
            if (not fault.requests or number in fault.requests)
            and random.Random(f"{self._seed}/{place}/{number}").random()  # noqa: S311 - no secret
            < fault.probability
        ]


class _FaultyStream(WrapperStream):
    def __init__(
        self, model: FaultyLLM, asked: ChatRequest, *, number: int, due: list[ModelFault]
    ) -> None:
        super().__init__(model, asked)
        self._model = model
        self._asked = replace(asked, conn_options=replace(asked.conn_options, max_retry=0))
        self._request = Request(
            chat_ctx=asked.chat_ctx.copy(),
            tools=tuple(asked.tools or ()),
            tool_choice=asked.tool_choice or None,
        )
        self._number = number
        self._due = due
        self._tries = 0

    async def _run(self) -> None:
        self._tries += 1
        async with AsyncExitStack() as stack:
            chunks = _answer(self._asked, self._model.inner)
            stack.push_async_callback(chunks.aclose)
            for fault in self._due:
                if fault.attempts is not None and self._tries > fault.attempts:
                    continue
                chunks = fault.play(
                    ReplyAttempt(request=self._request, chunks=chunks, occur=self._noting(fault))
                )
                stack.push_async_callback(chunks.aclose)
            async for chunk in chunks:
                self._event_ch.send_nowait(chunk)

    def _noting(self, fault: ModelFault) -> Callable[[], None]:
        occurrence = Occurrence(fault=fault.name, request=self._number, attempt=self._tries)

        def note() -> None:
            if occurrence not in self._model.occurred:
                self._model.occurred.append(occurrence)

        return note


async def _answer(asked: ChatRequest, model: llm.LLM[Any]) -> Chunks:
    async with asked.of(model) as stream:
        async for chunk in stream:
            yield chunk

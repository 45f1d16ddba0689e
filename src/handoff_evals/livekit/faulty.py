"""A model that fails on purpose: the one it wraps, with mishaps let loose on it."""

import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from livekit.agents import llm
from livekit.agents.types import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
)

from handoff_evals.livekit.mishap import Attempt, Chunks, Mishap
from handoff_evals.livekit.scripted import Request


@dataclass(frozen=True, kw_only=True)
class Strike:
    """A mishap that happened."""

    mishap: str
    request: int
    """Which request to the FaultyLLM it was, from 1."""
    attempt: int
    """Which try at it, from 1: livekit repeats a request that failed."""


class FaultyLLM(llm.LLM[Any]):
    """A public test double on livekit's `llm.LLM` port: a model and what goes wrong with it.

    ```python
    FaultyLLM(ScriptedLLM(["Hello.", "Bye."]), Mishap.status(500).at(2))
    FaultyLLM(openai.LLM(), Mishap.status(429).sometimes(0.2), Mishap.empty().at(3), seed=7)
    ```

    livekit retries around it as it does around any other model, by the session's
    `conn_options`; the wrapped model gets one try at a time, so that the retries do not
    multiply. Where several mishaps strike at once, each meets what those before it left.

    Args:
        inner: the model that answers.
        mishaps: what goes wrong, and when.
        seed: of `Mishap.sometimes`: the same seed strikes at the same requests.
    """

    def __init__(self, inner: llm.LLM[Any], *mishaps: Mishap, seed: int = 0) -> None:
        super().__init__()
        self.inner = inner
        self.mishaps = mishaps
        self.struck: list[Strike] = []
        """What did happen, in order: a mishap that finds nothing to spoil is not in here."""
        self._seed = seed
        self._asked = 0

    @property
    def model(self) -> str:
        """The wrapped model's name."""
        return self.inner.model

    @property
    def provider(self) -> str:
        """The wrapped model's provider."""
        return self.inner.provider

    def prewarm(self, **kwargs: Any) -> None:
        """Warm the wrapped model."""
        self.inner.prewarm(**kwargs)

    async def aclose(self) -> None:
        """Close the wrapped model."""
        await self.inner.aclose()
        await super().aclose()

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> llm.LLMStream:
        """Ask the wrapped model, unless a mishap is in the way."""
        self._asked += 1
        once = APIConnectOptions(max_retry=0, timeout=conn_options.timeout)
        return _FaultyStream(
            self,
            request=Request(
                chat_ctx=chat_ctx.copy(), tools=tuple(tools or ()), tool_choice=tool_choice or None
            ),
            conn_options=conn_options,
            number=self._asked,
            due=self._due(self._asked),
            ask=lambda: self.inner.chat(
                chat_ctx=chat_ctx,
                tools=tools,
                conn_options=once,
                parallel_tool_calls=parallel_tool_calls,
                tool_choice=tool_choice,
                extra_kwargs=extra_kwargs,
            ),
        )

    def _due(self, number: int) -> list[Mishap]:
        """The mishaps of one request; drawn by its number, whatever was asked before it."""
        return [
            mishap
            for place, mishap in enumerate(self.mishaps)
            if (not mishap.requests or number in mishap.requests)
            and random.Random(f"{self._seed}/{place}/{number}").random()  # noqa: S311 - no secret
            < mishap.probability
        ]


class _FaultyStream(llm.LLMStream):
    def __init__(
        self,
        model: FaultyLLM,
        *,
        request: Request,
        conn_options: APIConnectOptions,
        number: int,
        due: list[Mishap],
        ask: Callable[[], llm.LLMStream],
    ) -> None:
        super().__init__(
            model, chat_ctx=request.chat_ctx, tools=list(request.tools), conn_options=conn_options
        )
        self._model = model
        self._request = request
        self._number = number
        self._due = due
        self._ask = ask
        self._tries = 0

    async def _run(self) -> None:
        self._tries += 1
        async with AsyncExitStack() as stack:
            chunks = _answer(self._ask)
            stack.push_async_callback(chunks.aclose)
            for mishap in self._due:
                if mishap.attempts is not None and self._tries > mishap.attempts:
                    continue
                chunks = mishap.play(
                    Attempt(request=self._request, chunks=chunks, strike=self._noting(mishap))
                )
                stack.push_async_callback(chunks.aclose)
            async for chunk in chunks:
                self._event_ch.send_nowait(chunk)

    def _noting(self, mishap: Mishap) -> Callable[[], None]:
        strike = Strike(mishap=mishap.name, request=self._number, attempt=self._tries)

        def note() -> None:
            if strike not in self._model.struck:
                self._model.struck.append(strike)

        return note


async def _answer(ask: Callable[[], llm.LLMStream]) -> Chunks:
    async with ask() as stream:
        async for chunk in stream:
            yield chunk

"""A model that fails on purpose: the one it wraps, with mishaps let loose on it."""

import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

from livekit.agents import llm

from handoff_evals.livekit.mishap import Attempt, Chunks, Mishap
from handoff_evals.livekit.scripted import Request
from handoff_evals.livekit.wrapper import Asked, WrapperLLM, WrapperStream


@dataclass(frozen=True, kw_only=True)
class Strike:
    """A mishap that happened."""

    mishap: str
    request: int
    """Which request to the FaultyLLM it was, from 1."""
    attempt: int
    """Which try at it, from 1: livekit repeats a request that failed."""


class FaultyLLM(WrapperLLM):
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
        if not isinstance(inner, llm.LLM):
            raise TypeError(f"{inner!r} is no model: FaultyLLM(model, *mishaps)")
        for each in mishaps:
            if not isinstance(each, Mishap):
                raise TypeError(f"{each!r} is no Mishap: FaultyLLM(model, *mishaps)")
        super().__init__(inner)
        self.mishaps = mishaps
        self.struck: list[Strike] = []
        """What did happen, in order: a mishap that finds nothing to spoil is not in here."""
        self._seed = seed
        self._asked = 0

    async def aclose(self) -> None:
        """Close the wrapped model."""
        await self.inner.aclose()
        await super().aclose()

    def answer(self, asked: Asked) -> llm.LLMStream:
        """Ask the wrapped model, unless a mishap is in the way."""
        self._asked += 1
        return _FaultyStream(self, asked, number=self._asked, due=self._due(self._asked))

    def _due(self, number: int) -> list[Mishap]:
        """The mishaps of one request; drawn by its number, whatever was asked before it."""
        return [
            mishap
            for place, mishap in enumerate(self.mishaps)
            if (not mishap.requests or number in mishap.requests)
            and random.Random(f"{self._seed}/{place}/{number}").random()  # noqa: S311 - no secret
            < mishap.probability
        ]


class _FaultyStream(WrapperStream):
    def __init__(self, model: FaultyLLM, asked: Asked, *, number: int, due: list[Mishap]) -> None:
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


async def _answer(asked: Asked, model: llm.LLM[Any]) -> Chunks:
    async with asked.of(model) as stream:
        async for chunk in stream:
            yield chunk

"""A limit on a model's requests and tokens a minute: a request that is too early waits.

Any sixty seconds count, as providers count them. The usual limiters let a whole minute's
worth through at once and refill meanwhile, belong to one event loop, and must be told
beforehand what a request takes; how many tokens it took is known by its answer only.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from livekit.agents import llm

from handoff_evals.livekit import ChatRequest, WrapperLLM, WrapperStream, current_wait_clock

_WINDOW_S = 60.0
# A clock that says "now" for a time that is still to come would make a busy loop.
_SHORTEST_S = 0.001


@dataclass
class SentRequest:
    """A request that was sent; until it is answered, `tokens` is what requests usually take."""

    at: float
    tokens: float


class RateLimit:
    """So many requests and tokens in any minute, over all conversations with one model.

    Conversations of several event loops may share it.

    Args:
        requests: the most that are sent in a minute; None is without limit.
        tokens: likewise, of prompts and answers.
        clock: gives seconds that only grow.
    """

    def __init__(
        self,
        *,
        requests: int | None = None,
        tokens: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._requests = requests
        self._tokens = tokens
        self._clock = clock
        self._sent: deque[SentRequest] = deque()
        self._usual = 0.0
        self._lock = threading.Lock()

    def claim(self) -> SentRequest | float:
        """Count a request in if it may go now; otherwise, in how many seconds to ask again."""
        with self._lock:
            at = self._clock()
            while self._sent and self._sent[0].at <= at - _WINDOW_S:
                self._sent.popleft()
            ahead = max(self._too_many(), self._too_long())
            if ahead:
                return max(_SHORTEST_S, self._sent[ahead - 1].at + _WINDOW_S - at)
            sent = SentRequest(at=at, tokens=self._usual)
            self._sent.append(sent)
            return sent

    def settle(self, sent: SentRequest, tokens: int | None) -> None:
        """Take in what a request took; None where no answer told."""
        with self._lock:
            sent.tokens = tokens or 0
            if tokens:
                # Later turns are longer: what was last counts most.
                self._usual += (tokens - self._usual) * (0.2 if self._usual else 1.0)

    async def admitted(self) -> SentRequest:
        """Wait until a request may go."""
        while True:
            claimed = self.claim()
            if isinstance(claimed, SentRequest):
                return claimed
            await asyncio.sleep(claimed)

    def _too_many(self) -> int:
        """How many of the oldest requests must leave the window before another one fits."""
        return 0 if self._requests is None else max(0, len(self._sent) - self._requests + 1)

    def _too_long(self) -> int:
        """As `_too_many`, by their tokens. Alone in its minute a request always fits."""
        if self._tokens is None:
            return 0
        used = sum(each.tokens for each in self._sent)
        over = used + self._usual - self._tokens
        if over <= 0 or not self._sent:
            return 0
        freed = accumulate(each.tokens for each in self._sent)
        enough = (number for number, each in enumerate(freed, 1) if each >= over)
        return next(enough, len(self._sent))


def limited(inner: llm.LLM[Any], limit: RateLimit | None) -> llm.LLM[Any]:
    """The model, asked no faster than the limit allows."""
    return inner if limit is None else LimitedLLM(inner, limit)


class LimitedLLM(WrapperLLM):
    """What `limited` makes. Each retry is a request of its own, and waits like any other."""

    def __init__(self, inner: llm.LLM[Any], limit: RateLimit) -> None:
        super().__init__(inner)
        self.limit = limit

    def answer(self, asked: ChatRequest) -> llm.LLMStream:
        """Ask the model as soon as it may be asked."""
        return _LimitedStream(self, asked)

    async def aclose(self) -> None:
        """Close the model."""
        await super().aclose()
        await self.inner.aclose()


class _LimitedStream(WrapperStream):
    def __init__(self, model: LimitedLLM, asked: ChatRequest) -> None:
        super().__init__(model, asked)
        self._model = model
        # Retries are this one's: two layers of them would multiply.
        self._asked = replace(asked, conn_options=replace(asked.conn_options, max_retry=0))

    async def _run(self) -> None:
        limit = self._model.limit
        with current_wait_clock().back():
            sent = await limit.admitted()
        tokens: int | None = None
        try:
            async with self._asked.of(self._model.inner) as stream:
                async for chunk in stream:
                    if chunk.usage is not None:
                        tokens = chunk.usage.total_tokens
                    self._event_ch.send_nowait(chunk)
        finally:
            limit.settle(sent, tokens)

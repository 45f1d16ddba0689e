"""One client for many conversations: to make one takes more time than to hold a conversation.

Each client reads the machine's certificates anew, and its first request opens a connection
of its own. A provider's client knows nothing of conversations, so they may share one.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from livekit.agents import llm

from handoff_evals.livekit.wrapper import Asked, WrapperLLM

# livekit's clients have at most 50 connections, and a request that gets none fails.
_CONVERSATIONS = 16


@dataclass(eq=False)
class _Lent:
    inner: llm.LLM[Any]
    borrowers: int = 0


class Shared:
    """Lends a model's clients to conversations, and closes each with its last one.

    A client belongs to the event loop that it was made on.

    Args:
        make: makes one.
    """

    def __init__(self, make: Callable[[], llm.LLM[Any]]) -> None:
        self._make = make
        self._lent: dict[asyncio.AbstractEventLoop, list[_Lent]] = {}

    def borrow(self, **options: Any) -> llm.LLM[Any]:
        """A model for one conversation; closing it gives it back.

        Args:
            options: what this conversation's requests have and others' have not, as a seed.

        Raises:
            RuntimeError: when no event loop runs.
        """
        for gone in [loop for loop in self._lent if loop.is_closed()]:
            del self._lent[gone]  # who never gave back can't any more
        lent = self._lent.setdefault(asyncio.get_running_loop(), [])
        free = next((each for each in lent if each.borrowers < _CONVERSATIONS), None)
        if free is None:
            free = _Lent(self._make())
            lent.append(free)
        free.borrowers += 1

        async def give_back() -> None:
            free.borrowers -= 1
            if not free.borrowers:
                lent.remove(free)
                await free.inner.aclose()

        return _Borrowed(free.inner, options, give_back)


class _Borrowed(WrapperLLM):
    def __init__(
        self, inner: llm.LLM[Any], options: dict[str, Any], give_back: Callable[[], Any]
    ) -> None:
        super().__init__(inner)
        self._options = options
        self._give_back: Callable[[], Any] | None = give_back

    def answer(self, asked: Asked) -> llm.LLMStream:
        options = {**self._options, **(asked.extra_kwargs or {})}
        return replace(asked, extra_kwargs=options).of(self.inner)

    async def aclose(self) -> None:
        await super().aclose()
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            await give_back()

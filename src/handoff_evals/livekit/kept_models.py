"""Models that agents keep for themselves, as `self._summarizer` or in a module: tapped too.

No session and no agent of livekit's knows of them, so what is replaced is the `chat` of their
classes, for as long as a call runs and in its context only.
"""

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import wraps
from typing import Any

from livekit.agents import llm

from handoff_evals.livekit.scripted import ScriptedLLM

_CURRENT: ContextVar["KeptModels"] = ContextVar("handoff_evals_kept_models")
_IS_TAPPED: ContextVar[bool] = ContextVar("handoff_evals_is_tapped", default=False)


class KeptModels:
    """Stands before every model that the agents of one call ask by themselves.

    Args:
        asks: gives the model to ask in place of the one that it is given.
    """

    def __init__(self, asks: Callable[[llm.LLM[Any]], llm.LLM[Any]]) -> None:
        self.asks = asks

    def enter(self) -> None:
        """Take what is asked in the current context, and in all tasks made in it."""
        _CURRENT.set(self)


def ask_untapped() -> None:
    """Let what is asked from here on in this context be: a tap stands before it already."""
    _IS_TAPPED.set(True)


def look_for_models() -> None:
    """Stand before all classes of models that are known by now."""
    for kind in _kinds(llm.LLM):  # type: ignore[type-abstract]
        chat = vars(kind).get("chat")
        is_ours = kind.__module__.startswith("handoff_evals.") and kind is not ScriptedLLM
        if callable(chat) and not is_ours and not hasattr(chat, "stands_before"):
            kind.chat = _tapped(chat)  # type: ignore[method-assign]


def _kinds(of: type[llm.LLM[Any]]) -> Iterator[type[llm.LLM[Any]]]:
    for kind in of.__subclasses__():
        yield kind
        yield from _kinds(kind)


def _tapped(chat: Callable[..., llm.LLMStream]) -> Callable[..., llm.LLMStream]:
    @wraps(chat)
    def tapped(self: llm.LLM[Any], *args: Any, **kwargs: Any) -> llm.LLMStream:
        models = _CURRENT.get(None)
        if models is None or _IS_TAPPED.get():
            return chat(self, *args, **kwargs)
        return models.asks(self).chat(*args, **kwargs)

    tapped.stands_before = chat  # type: ignore[attr-defined]
    return tapped

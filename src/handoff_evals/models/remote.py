"""Models that answer from elsewhere, by livekit's own clients, shared by conversations.

Each client reads the machine's certificates anew, and its first request opens a connection
of its own. A provider's client knows nothing of conversations, so they may share one.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from types import ModuleType
from typing import Any

from livekit.agents import Plugin, inference, llm

from handoff_evals.config import ModelConfig
from handoff_evals.errors import ModelError
from handoff_evals.livekit import Asked, WrapperLLM, missing


def plugin(name: str) -> ModuleType:
    """Import `livekit.plugins.NAME`.

    livekit lets plugins register on the main thread alone, and a console call runs on
    another one. What needs the main thread is a worker that preloads them, and a model
    that is asked for in the middle of a call is in none.

    Raises:
        ImportError: when it is not installed.
    """
    module = f"livekit.plugins.{name}"
    if module in sys.modules or threading.current_thread() is threading.main_thread():
        return import_module(module)
    checked = Plugin.__dict__["register_plugin"]
    Plugin.register_plugin = Plugin.registered_plugins.append  # type: ignore[assignment,method-assign]  # see above
    try:
        return import_module(module)
    finally:
        Plugin.register_plugin = checked  # type: ignore[method-assign]  # as it was


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


_INFERENCE_KEYS = ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")


def inference_lacks() -> list[str]:
    """Which of LiveKit Inference's credentials are not set."""
    # livekit takes those of its own before the project's.
    return [
        name
        for name in _INFERENCE_KEYS
        if missing(name) and missing(name.replace("_API_", "_INFERENCE_API_"))
    ]


def inference_llm(model: str) -> llm.LLM[Any]:
    """A model of LiveKit Inference, as `openai/gpt-4.1-mini`.

    Raises:
        ModelError: when no credentials are set.
    """
    lacking = inference_lacks()
    if lacking:
        raise ModelError(
            f"model {model!r} is LiveKit Inference's and needs {' and '.join(lacking)} in the "
            "environment or in .env"
        )
    return inference.LLM(model)


def plugin_llm(config: ModelConfig) -> llm.LLM[Any]:
    """A model of one of livekit's plugins.

    Raises:
        ModelError: when the plugin is not installed, its key is not set, or it does
            not take the options.
    """
    try:
        module = plugin(config.plugin)
    except ImportError as error:
        raise ModelError(
            f"model {config.model!r} needs the plugin {config.plugin!r}: "
            f"pip install livekit-plugins-{config.plugin.replace('_', '-')}"
        ) from error
    arguments: dict[str, Any] = {"model": config.model, **config.options}
    if config.base_url is not None:
        arguments["base_url"] = config.base_url
    if config.api_key_env is not None:
        if missing(config.api_key_env):
            raise ModelError(f"model {config.model!r} needs its key in ${config.api_key_env}")
        arguments["api_key"] = os.environ[config.api_key_env]
    if config.temperature is not None:
        arguments["temperature"] = config.temperature
    try:
        made: llm.LLM[Any] = module.LLM(**arguments)
    except (TypeError, ValueError) as error:
        raise ModelError(f"model {config.model!r}: {config.plugin}.LLM says: {error}") from error
    return made


def openai_compatible(base_url: str, model: str) -> llm.LLM[Any]:
    """A model behind any server that speaks the OpenAI protocol.

    The key is `OPENAI_API_KEY`'s; many servers on one's own machine need none.

    Raises:
        ModelError: when livekit's openai plugin is not installed.
    """
    options = {"api_key": os.environ.get("OPENAI_API_KEY", "none")}
    return plugin_llm(ModelConfig(model=model, base_url=base_url, options=options))

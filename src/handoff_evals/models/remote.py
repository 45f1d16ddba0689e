"""Models of a provider or a server, by livekit's own clients, shared by conversations.

Each client reads the machine's certificates again, and its first request opens a connection
of its own. A provider's client knows nothing of conversations, so they may share one.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

from livekit.agents import Plugin, inference, llm

from handoff_evals.cassettes import ModelIdentity, without_carried
from handoff_evals.config import ModelConfig
from handoff_evals.credentials import MASK, add_secret, add_url, without_credentials
from handoff_evals.errors import ModelError
from handoff_evals.livekit import ChatRequest, WrapperLLM, missing
from handoff_evals.models.kind import Listed, Model, ModelKind, Project, model_kind
from handoff_evals.models.rate_limit import RateLimit, limited
from handoff_evals.results import Price
from handoff_evals.scenarios import Scenario


def plugin(name: str) -> ModuleType:
    """Import `livekit.plugins.NAME`, on any thread.

    livekit lets plugins register on the main thread only, because a worker preloads them
    there. A console call runs on another thread, and has no worker.

    Raises:
        ImportError: when it is not installed.
    """
    module = f"livekit.plugins.{name}"
    if module in sys.modules or threading.current_thread() is threading.main_thread():
        return import_module(module)
    checked = Plugin.__dict__["register_plugin"]
    Plugin.register_plugin = Plugin.registered_plugins.append  # type: ignore[assignment,method-assign]  # as the docstring says
    try:
        return import_module(module)
    finally:
        Plugin.register_plugin = checked  # type: ignore[method-assign]  # as it was


def lacks_plugin(name: str) -> str:
    """How to install `livekit.plugins.NAME`; empty when it is installed."""
    try:
        installed = find_spec(f"livekit.plugins.{name}") is not None
    except ModuleNotFoundError:
        installed = False
    return "" if installed else f"pip install livekit-plugins-{name.replace('_', '-')}"


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
        """A model for one conversation; closing it returns the client.

        Args:
            options: of this conversation's requests alone, as a seed.

        Raises:
            RuntimeError: when no event loop runs.
        """
        for gone in [loop for loop in self._lent if loop.is_closed()]:
            del self._lent[gone]  # nobody can return those any more
        lent = self._lent.setdefault(asyncio.get_running_loop(), [])
        free = next((each for each in lent if each.borrowers < _CONVERSATIONS), None)
        if free is None:
            free = _Lent(self._make())
            lent.append(free)
        free.borrowers += 1

        async def return_client() -> None:
            free.borrowers -= 1
            if not free.borrowers:
                lent.remove(free)
                await free.inner.aclose()

        return _Borrowed(free.inner, options, return_client)


class _Borrowed(WrapperLLM):
    def __init__(
        self, inner: llm.LLM[Any], options: dict[str, Any], return_client: Callable[[], Any]
    ) -> None:
        super().__init__(inner)
        self._options = options
        self._return_client: Callable[[], Any] | None = return_client

    def answer(self, asked: ChatRequest) -> llm.LLMStream:
        options = {**self._options, **(asked.extra_kwargs or {})}
        return replace(asked, extra_kwargs=options).of(self.inner)

    async def aclose(self) -> None:
        await super().aclose()
        return_client, self._return_client = self._return_client, None
        if return_client is not None:
            await return_client()


_INFERENCE_KEYS = ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")


def inference_lacks() -> list[str]:
    """Which of LiveKit Inference's credentials are not set."""
    # livekit looks for LIVEKIT_INFERENCE_API_KEY before LIVEKIT_API_KEY.
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
            f"{lacks_plugin(config.plugin) or error}"
        ) from error
    arguments: dict[str, Any] = {"model": config.model, **config.options}
    if config.base_url is not None:
        if not _host(config.base_url):
            raise ModelError(
                f"model {config.model!r}: base_url {without_credentials(config.base_url)!r} is no "
                "URL: write http://HOST/v1, or https"
            )
        add_url(config.base_url)
        arguments["base_url"] = config.base_url
    if config.api_key_env is not None:
        if missing(config.api_key_env):
            raise ModelError(f"model {config.model!r} needs its key in ${config.api_key_env}")
        arguments["api_key"] = os.environ[config.api_key_env]
        add_secret(arguments["api_key"])
    if config.temperature is not None:
        arguments["temperature"] = config.temperature
    try:
        made: llm.LLM[Any] = module.LLM(**arguments)
    except (TypeError, ValueError) as error:
        raise ModelError(f"model {config.model!r}: {config.plugin}.LLM says: {error}") from None
    return made


def openai_compatible(base_url: str, model: str) -> llm.LLM[Any]:
    """A model behind any server that speaks the OpenAI protocol.

    The key is `OPENAI_API_KEY`'s; many servers on one's own machine need none.

    Raises:
        ModelError: when livekit's openai plugin is not installed.
    """
    options = {"api_key": os.environ.get("OPENAI_API_KEY", "none")}
    return plugin_llm(ModelConfig(model=model, base_url=base_url, options=options))


_REMOTE = 8
"""Conversations at once, where the project's configuration names no other number."""


@model_kind
class InferenceModel(ModelKind):
    """A model of LiveKit Inference."""

    form = "provider/model"
    about = "LiveKit Inference, as openai/gpt-4.1-mini"
    precedence = 2

    @classmethod
    def matches(cls, name: str, project: Project) -> bool:  # noqa: ARG003 - any project has it
        """A slash, and no colon."""
        return "/" in name and ":" not in name

    @classmethod
    def listing(cls, project: Project) -> Sequence[Listed]:  # noqa: ARG003 - any project has it
        """The form, and which credentials are missing."""
        keys = " and ".join(inference_lacks())
        lacks = f"{keys} in the environment or .env" if keys else ""
        return [Listed(name=cls.form, what=cls.about, lacks=lacks, checkable=False)]

    def check(self) -> None:
        """See that the credentials are set."""
        inference_llm(self.name)

    def open(self) -> Model:
        """Share clients between its conversations."""
        shared = Shared(lambda: inference_llm(self.name))
        return Model(
            label=self.label, build=lambda _scenario, _seed: shared.borrow(), concurrency=_REMOTE
        )


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # as http://[::1/v1
        return ""


@model_kind
class ServerModel(ModelKind):
    """A model of any server that speaks the OpenAI protocol."""

    form = "http://HOST/v1#MODEL"
    about = "a server that speaks the OpenAI protocol (https too); key in OPENAI_API_KEY"

    @classmethod
    def matches(cls, name: str, project: Project) -> bool:  # noqa: ARG003 - any project has it
        """A URL."""
        return name.partition(":")[0] in {"http", "https"}

    @classmethod
    def listing(cls, project: Project) -> Sequence[Listed]:  # noqa: ARG003 - any project has it
        """The form, and what it needs."""
        lacks = lacks_plugin("openai")
        return [Listed(name=cls.form, what=cls.about, lacks=lacks, checkable=False)]

    @property
    def identity(self) -> ModelIdentity:
        """The URL without its credentials, and the model."""
        return ModelIdentity(label=without_credentials(self.name))

    @cached_property
    def _make(self) -> Callable[[], llm.LLM[Any]]:
        url, _, model = self.name.partition("#")
        shown = without_credentials(self.name)
        if not model or not _host(url):
            raise ModelError(f"model {shown!r}: write http://HOST/v1#MODEL")
        if MASK in unquote(url):
            raise ModelError(
                f"model {shown!r} stands here without the key that its URL had, since keys are not "
                "kept: start a new run, with the whole URL"
            )
        return lambda: openai_compatible(url, model)

    def check(self) -> None:
        """See that the name is whole, and that livekit's client is installed."""
        self._make()

    def open(self) -> Model:
        """Share clients between its conversations."""
        shared = Shared(self._make)
        return Model(
            label=self.label,
            build=lambda _scenario, seed: shared.borrow(seed=seed),
            concurrency=_REMOTE,
        )


# What of a model's table its answers don't depend on.
_BESIDE = {
    "api_key_env",
    "price",
    "concurrency",
    "requests_per_minute",
    "tokens_per_minute",
    "seed",
}


@model_kind
class ConfiguredModel(ModelKind):
    """A model that the project's `pyproject.toml` describes."""

    form = "NAME"
    about = "a [tool.handoff-evals.models.NAME] of your pyproject.toml"
    precedence = 0

    @classmethod
    def matches(cls, name: str, project: Project) -> bool:
        """A name of the table."""
        return name in project.config.models

    @classmethod
    def listing(cls, project: Project) -> Sequence[Listed]:
        """Every model of the table, and what it needs."""
        return [
            Listed(name=name, what=f"{each.plugin}: {each.model}", lacks=_lacks(each))
            for name, each in project.config.models.items()
        ]

    @property
    def _config(self) -> ModelConfig:
        return self.project.config.models[self.name]

    @property
    def identity(self) -> ModelIdentity:
        """The name, and all of the table that its answers depend on."""
        table = self._config.model_dump(mode="json", exclude=_BESIDE, exclude_none=True)
        options = {key: each for key, each in self._config.options.items() if key != "api_key"}
        table["options"] = options
        if self._config.base_url is not None:
            table["base_url"] = without_credentials(self._config.base_url)
        return ModelIdentity(label=self.name, options=without_carried(table))

    def check(self) -> None:
        """See that the plugin is there, takes the options, and has its key."""
        plugin_llm(self._config)

    def open(self) -> Model:
        """Share clients, and one limit a minute, between its conversations."""
        config = self._config
        shared = Shared(lambda: plugin_llm(config))
        share, table = self.project.share, f"{self.name}: "
        rates = (
            share.limit(config.requests_per_minute, what=f"{table}requests_per_minute"),
            share.limit(config.tokens_per_minute, what=f"{table}tokens_per_minute"),
        )
        limit = RateLimit(requests=rates[0], tokens=rates[1]) if any(rates) else None

        def build(_scenario: Scenario, seed: int) -> llm.LLM[Any]:
            return limited(shared.borrow(seed=seed) if config.seed else shared.borrow(), limit)

        price = config.price
        return Model(
            label=self.label,
            build=build,
            concurrency=config.concurrency,
            price=None
            if price is None
            else Price(prompt=price.prompt, completion=price.completion),
        )


def _lacks(config: ModelConfig) -> str:
    if config.api_key_env is not None and missing(config.api_key_env):
        return lacks_plugin(config.plugin) or f"its key in ${config.api_key_env}"
    return lacks_plugin(config.plugin)

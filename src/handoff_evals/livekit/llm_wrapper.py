"""What models that stand before another one have in common: they pass on what is asked."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from livekit.agents import llm
from livekit.agents.types import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
)
from livekit.agents.utils import is_given

from handoff_evals.livekit.internals import model_options


@dataclass(frozen=True, kw_only=True)
class ChatRequest:
    """One request, as livekit makes it; the parameters of `llm.LLM.chat`."""

    chat_ctx: llm.ChatContext
    tools: list[llm.Tool] | None
    conn_options: APIConnectOptions
    parallel_tool_calls: NotGivenOr[bool]
    tool_choice: NotGivenOr[llm.ToolChoice]
    extra_kwargs: NotGivenOr[dict[str, Any]]
    more: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of this kind of model alone, as the plugins' `response_format`."""

    def of(self, model: llm.LLM[Any]) -> llm.LLMStream:
        """Ask this of a model."""
        return model.chat(
            chat_ctx=self.chat_ctx,
            tools=self.tools,
            conn_options=self.conn_options,
            parallel_tool_calls=self.parallel_tool_calls,
            tool_choice=self.tool_choice,
            extra_kwargs=self.extra_kwargs,
            **self.more,
        )


class WrapperLLM(llm.LLM[Any]):
    """A model by another one's name, which closes nothing that it did not open.

    Args:
        inner: the model that answers.
    """

    def __init__(self, inner: llm.LLM[Any]) -> None:
        super().__init__()
        self.inner = inner

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

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
        **more: Any,
    ) -> llm.LLMStream:
        """Ask the wrapped model, in the wrapper's way; what livekit's `LLM` lacks is passed on."""
        return self.answer(
            ChatRequest(
                chat_ctx=chat_ctx,
                tools=tools,
                conn_options=conn_options,
                parallel_tool_calls=parallel_tool_calls,
                tool_choice=tool_choice,
                extra_kwargs=extra_kwargs,
                more=more,
            )
        )

    @abstractmethod
    def answer(self, asked: ChatRequest) -> llm.LLMStream:
        """The stream of the wrapped model's answer, or what stands for it."""


class WrapperStream(llm.LLMStream):
    """The stream of a wrapper's answer.

    Args:
        model: the wrapper.
        asked: what it was asked.
        conn_options: how this stream retries, in place of how the request says.
    """

    def __init__(
        self,
        model: WrapperLLM,
        asked: ChatRequest,
        *,
        conn_options: APIConnectOptions | None = None,
    ) -> None:
        super().__init__(
            model,
            chat_ctx=asked.chat_ctx,
            tools=asked.tools or [],
            conn_options=conn_options or asked.conn_options,
        )


# Words in the name of an option that must never be written anywhere.
_SECRET = frozenset({"key", "secret", "token", "header", "headers", "password", "url"})


def described(model: Any) -> str:
    """`provider/model`, and the options that are set."""
    name = f"{model.provider}/{model.model}"
    options = model_options(model)
    if not is_dataclass(options):
        return name
    given = {
        field.name: getattr(options, field.name)
        for field in fields(options)
        if field.name not in {"model", "provider"}
        and not _SECRET.intersection(field.name.split("_"))
    }
    said = [
        f"{key}={written(value)}"
        for key, value in sorted(given.items())
        if is_given(value) and value not in (None, {}, [], "", False)
    ]
    return f"{name} ({', '.join(said)})" if said else name


def written(value: Any) -> str:
    """A value as text, without addresses; an object by its class."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key}: {written(each)}" for key, each in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, str | int | float | None):
        return str(value)
    return type(value).__name__

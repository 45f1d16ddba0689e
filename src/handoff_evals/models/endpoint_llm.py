"""A model behind an `Endpoint`, as a livekit LLM that enforces `tool_choice`.

The server does not. So `required` and a named tool become a JSON schema that the reply must
match, in a request that has the tools like any other; for `none` the tools are left out.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    APIError,
    NotGivenOr,
    llm,
    utils,
)

from handoff_evals.errors import EngineError
from handoff_evals.local_model import Endpoint
from handoff_evals.models.remote import plugin

_MOST_TOKENS = 512
"""Of a reply: a small model that loops would otherwise fill its context."""


def endpoint_llm(
    endpoint: Endpoint, *, seed: int | None = None, temperature: float | None = 0.0
) -> llm.LLM[Any]:
    """Make a livekit LLM of an endpoint, by livekit's own client for the OpenAI protocol.

    Raises:
        EngineError: when livekit's openai plugin is not installed.
    """
    try:
        openai = plugin("openai")
    except ImportError as error:
        raise EngineError(
            "a local model needs livekit's openai plugin: pip install 'handoff-evals[local]'"
        ) from error
    client = openai.LLM(
        model=endpoint.model,
        base_url=endpoint.base_url,
        api_key=endpoint.api_key,
        temperature=NOT_GIVEN if temperature is None else temperature,
        max_completion_tokens=_MOST_TOKENS,
        extra_body={} if seed is None else {"seed": seed},
    )
    return EndpointLLM(endpoint, client)


class EndpointLLM(llm.LLM[Any]):
    """What `endpoint_llm` makes."""

    def __init__(self, endpoint: Endpoint, client: llm.LLM[Any]) -> None:
        super().__init__()
        self.endpoint = endpoint
        self.client = client

    @property
    def model(self) -> str:
        """The weights, and the template that they are served with."""
        return self.endpoint.model

    @property
    def provider(self) -> str:
        """With `model`, the label of the endpoint."""
        return self.endpoint.provider

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,  # noqa: ARG002 - it makes one at a time
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
        **more: Any,
    ) -> llm.LLMStream:
        """Ask the model; `more` is for the client, as `response_format`.

        Raises:
            ValueError: when `tool_choice` names a tool that is not there.
        """
        shown = [] if tool_choice == "none" else tools or []
        forced = _forced(shown, tool_choice)
        extra = dict(extra_kwargs or {})
        if forced:
            extra["response_format"] = _as_response_format(forced)
            more.pop("response_format", None)
        asked = _Asked(chat_ctx=chat_ctx, tools=shown, extra=extra, more=more, forced=bool(forced))
        return _EndpointStream(self, asked, conn_options)

    async def aclose(self) -> None:
        """Close the connections to the server, which goes on."""
        await super().aclose()
        await self.client.aclose()


@dataclass(frozen=True, kw_only=True)
class _Asked:
    chat_ctx: llm.ChatContext
    tools: list[llm.Tool]
    extra: dict[str, Any]
    more: dict[str, Any]
    forced: bool


class _EndpointStream(llm.LLMStream):
    def __init__(self, model: EndpointLLM, asked: _Asked, conn_options: APIConnectOptions) -> None:
        # The start of a conversation is read for longer than livekit waits for a remote model.
        timeout = max(conn_options.timeout, model.endpoint.timeout_s)
        super().__init__(
            model,
            chat_ctx=asked.chat_ctx,
            tools=asked.tools,
            conn_options=replace(conn_options, timeout=timeout),
        )
        self._model = model
        self._asked = asked

    async def _run(self) -> None:
        stream = self._model.client.chat(
            chat_ctx=self._asked.chat_ctx,
            tools=self._asked.tools,
            # Retries are this stream's: two layers of them would multiply.
            conn_options=replace(self._conn_options, max_retry=0),
            extra_kwargs=self._asked.extra,
            **self._asked.more,
        )
        no_tool = self._model.endpoint.no_tool if self._asked.tools else ""
        async with stream:
            chunks = _as_call(stream) if self._asked.forced else _without(no_tool, stream)
            async for chunk in chunks:
                self._event_ch.send_nowait(chunk)


def _forced(
    tools: Sequence[llm.Tool], choice: NotGivenOr[llm.ToolChoice]
) -> Mapping[str, dict[str, Any]]:
    """The tools, by name, of which one must be called; the values are their parameters."""
    if choice != "required" and not isinstance(choice, Mapping):
        return {}
    described = llm.ToolContext(tools).parse_function_tools("openai", strict=True)
    parameters = {each["function"]["name"]: each["function"]["parameters"] for each in described}
    if choice == "required":
        return parameters
    name = choice["function"]["name"]
    if name not in parameters:
        raise ValueError(f"tool_choice names {name!r}; the tools are {sorted(parameters)}")
    return {name: parameters[name]}


def _as_response_format(forced: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The schema of `{tool: arguments}`, of which exactly one is allowed."""
    shared: dict[str, Any] = {}
    calls = []
    for name, parameters in forced.items():
        # A `$ref` counts from the root of the whole schema.
        shared |= parameters.get("$defs", {})
        own = {key: value for key, value in parameters.items() if key != "$defs"}
        calls.append(
            {
                "type": "object",
                "properties": {name: own},
                "required": [name],
                "additionalProperties": False,
            }
        )
    schema = {"anyOf": calls, **({"$defs": shared} if shared else {})}
    return {"type": "json_schema", "json_schema": {"name": "call", "schema": schema}}


async def _as_call(stream: llm.LLMStream) -> AsyncIterator[llm.ChatChunk]:
    """Read `{tool: arguments}` from the whole reply, and give it as a tool call."""
    text, last = "", ""
    async for chunk in stream:
        last = chunk.id or last
        text += (chunk.delta.content or "") if chunk.delta else ""
        if chunk.usage:
            yield chunk
    try:
        ((name, arguments),) = json.loads(text).items()
    except (ValueError, AttributeError) as error:
        raise APIError(
            f"the model did not finish the call that it was asked for: {text!r}", retryable=False
        ) from error
    call = llm.FunctionToolCall(
        name=name,
        arguments=json.dumps(arguments, ensure_ascii=False),
        call_id=utils.shortuuid("call_"),
    )
    yield llm.ChatChunk(id=last, delta=llm.ChoiceDelta(role="assistant", tool_calls=[call]))


async def _without(no_tool: str, stream: llm.LLMStream) -> AsyncIterator[llm.ChatChunk]:
    """Take away what the model was taught to write before a reply that calls nothing."""
    begun = ""
    looking = bool(no_tool)
    last: llm.ChatChunk | None = None
    async for chunk in stream:
        if not looking or chunk.delta is None or not chunk.delta.content:
            yield chunk
            continue
        begun += chunk.delta.content
        last = chunk
        if no_tool.startswith(begun):
            continue
        looking = False
        yield _saying(begun.removeprefix(no_tool.rstrip()).lstrip(), chunk)
    if looking and last is not None and begun.rstrip(": ") != no_tool.rstrip(": "):
        yield _saying(begun, last)


def _saying(text: str, chunk: llm.ChatChunk) -> llm.ChatChunk:
    delta = (chunk.delta or llm.ChoiceDelta()).model_copy(update={"content": text})
    return chunk.model_copy(update={"delta": delta})

"""livekit's `DecisionModel`, asked through an `llm.LLM`: tapped, recorded, scripted as any model.

Agents keep a DecisionModel where they like, mostly in an attribute, and ask it in
`on_user_turn_completed` or in a tool. No session knows of it, so what is replaced is its
`evaluate`, for as long as a call runs and in its context only.
"""

import json
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import asdict
from functools import wraps
from typing import Any
from uuid import uuid4

from livekit.agents import APIError, llm
from livekit.agents.types import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
)
from pydantic import ValidationError

_Definitions = Mapping[str, llm.Decision]
_CURRENT: ContextVar["DecisionTaps"] = ContextVar("handoff_evals_decisions")


class DecisionTaps:
    """Stands before every DecisionModel that the agents of one call ask.

    Args:
        asks: gives the model to ask in place of the one that it is given.
    """

    def __init__(self, asks: Callable[[llm.LLM[Any]], llm.LLM[Any]]) -> None:
        self._asks = asks

    def enter(self) -> None:
        """Take what is asked in the current context, and in all tasks made in it."""
        _CURRENT.set(self)

    def stand_in(self, inner: llm.DecisionModel) -> "_StandIn":
        """What is asked in place of an agent's DecisionModel."""
        return _StandIn(inner, self._asks)


class DecisionLLM(llm.LLM[Any]):
    """An agent's DecisionModel as an LLM: its answer is the response, as JSON.

    Args:
        inner: the DecisionModel.
        text: what it is to decide about.
        decisions: what it is to decide.
    """

    def __init__(self, inner: llm.DecisionModel, text: str, decisions: _Definitions) -> None:
        super().__init__()
        self.inner = inner
        self.text = text
        self.decisions = decisions

    @property
    def model(self) -> str:
        """The DecisionModel's name."""
        return self.inner.model

    @property
    def provider(self) -> str:
        """The DecisionModel's provider."""
        return self.inner.provider

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,  # noqa: ARG002 - livekit's signature
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,  # noqa: ARG002 - as above
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,  # noqa: ARG002 - as above
    ) -> llm.LLMStream:
        """Have it decide."""
        return _DecisionStream(
            self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options
        )


class _DecisionStream(llm.LLMStream):
    async def _run(self) -> None:
        asked = self._llm
        assert isinstance(asked, DecisionLLM)  # noqa: S101 - `chat` made it
        response = await asked.inner._evaluate_impl(  # noqa: SLF001 - livekit's hook for subclasses
            input=asked.text, decisions=asked.decisions, conn_options=self._conn_options
        )
        reply_id = response.request_id or f"decided_{uuid4().hex[:12]}"
        content = response.model_dump_json(exclude_none=True)
        delta = llm.ChoiceDelta(role="assistant", content=content)
        self._event_ch.send_nowait(llm.ChatChunk(id=reply_id, delta=delta))
        prompt, completion = response.input_tokens or 0, response.output_tokens or 0
        usage = llm.CompletionUsage(
            prompt_tokens=prompt,
            completion_tokens=completion,
            total_tokens=prompt + completion,
        )
        self._event_ch.send_nowait(llm.ChatChunk(id=reply_id, usage=usage))


class _StandIn(llm.DecisionModel):
    """A DecisionModel that asks an LLM; livekit's own `evaluate` retries and validates."""

    def __init__(
        self, inner: llm.DecisionModel, asks: Callable[[llm.LLM[Any]], llm.LLM[Any]]
    ) -> None:
        super().__init__(capabilities=inner.capabilities)
        self._inner = inner
        self._asks = asks
        self.on("metrics_collected", lambda metrics: inner.emit("metrics_collected", metrics))

    @property
    def model(self) -> str:
        return self._inner.model

    @property
    def provider(self) -> str:
        return self._inner.provider

    async def _evaluate_impl(
        self,
        *,
        input: str,  # noqa: A002 - livekit's signature
        decisions: _Definitions,
        conn_options: APIConnectOptions,
    ) -> llm.DecisionResponse:
        context = llm.ChatContext.empty()
        wanted = {
            name: {"kind": type(each).__name__.lower(), **asdict(each)}
            for name, each in decisions.items()
        }
        context.add_message(role="system", content=json.dumps(wanted, ensure_ascii=False))
        context.add_message(role="user", content=input)
        model = self._asks(DecisionLLM(self._inner, input, decisions))
        once = APIConnectOptions(max_retry=0, timeout=conn_options.timeout)
        answer = await model.chat(chat_ctx=context, conn_options=once).collect()
        return _response(answer.text, decisions)


def decided(**values: str | float) -> str:
    """A reply of a ScriptedLLM to a DecisionModel: `decided(route="billing", urgent=0.9)`.

    A choice by its option, a probability or a score by its number.
    """
    return json.dumps(values)


def _response(text: str, decisions: _Definitions) -> llm.DecisionResponse:
    """Read a response, or the values of a script.

    Raises:
        APIError: when it is none.
    """
    try:
        data = json.loads(text)
        if isinstance(data, dict) and isinstance(data.get("results"), dict):
            return llm.DecisionResponse.model_validate(data)
        if isinstance(data, dict):
            results = {
                name: _result(decisions[name], value)
                for name, value in data.items()
                if name in decisions
            }
            return llm.DecisionResponse(results=results)
    except (ValueError, TypeError, ValidationError) as error:
        why = str(error).splitlines()[0]
        raise APIError(f"{text!r} decides nothing: {why}", retryable=False) from error
    raise APIError(f"{text!r} decides nothing: it is no JSON object", retryable=False)


def _result(decision: llm.Decision, value: Any) -> llm.DecisionResult:
    if isinstance(decision, llm.Choice):
        return llm.ChoiceResult(value=value)
    if isinstance(decision, llm.Probability):
        return llm.ProbabilityResult(value=value)
    levels = range(len(decision.levels))
    nearest = min(levels, key=lambda level: abs(level - value))
    return llm.ScoreResult(
        value=value,
        probabilities={level: float(level == nearest) for level in levels},
        levels=decision.levels,
    )


def _install() -> None:
    """Have each DecisionModel ask what stands before it, where a call runs."""
    evaluate = llm.DecisionModel.evaluate

    @wraps(evaluate)
    async def tapped(self: llm.DecisionModel, **asked: Any) -> llm.DecisionResponse:
        taps = _CURRENT.get(None)
        if taps is None or isinstance(self, _StandIn):
            return await evaluate(self, **asked)
        return await evaluate(taps.stand_in(self), **asked)

    llm.DecisionModel.evaluate = tapped  # type: ignore[method-assign]


_install()

"""The wrapper around each agent's model: it notes what the model got and gave."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from livekit.agents import Agent, AgentSession, NotGivenOr, llm, utils
from livekit.agents.types import APIConnectOptions
from livekit.agents.voice import SpeechHandle
from pydantic import PydanticUserError, TypeAdapter
from pydantic_core import to_jsonable_python

from handoff_evals.cassettes import Answer, ModelIdentity, RecordedRequest, TrialExchanges
from handoff_evals.errors import UsageError
from handoff_evals.livekit.deadlines import WaitClock, count_in, now
from handoff_evals.livekit.decision_model import DecisionTaps, decided
from handoff_evals.livekit.internals import replace_model, speech_under_way
from handoff_evals.livekit.kept_models import KeptModels, ask_untapped, look_for_models
from handoff_evals.livekit.llm_wrapper import (
    ChatRequest,
    WrapperLLM,
    WrapperStream,
    described,
)
from handoff_evals.livekit.scripted import ASKER, Asker, IncomingAnswer, ScriptedLLM, chunks_of
from handoff_evals.livekit.tools import schemas
from handoff_evals.livekit.virtual_time import VirtualTime
from handoff_evals.transcript import AgentRef, FunctionCall, ModelCall, ToolSchema, Usage
from handoff_evals.user_code import as_error


@dataclass(kw_only=True)
class Exchange:
    """A model call while it is under way; `frozen()` makes the record of it."""

    agent: AgentRef
    purpose: Literal["reply", "direct", "decision", "caller"]
    model: str
    messages: tuple[Mapping[str, Any], ...]
    tools: tuple[ToolSchema, ...]
    tool_choice: str | None
    turn: int = 0
    arrivals: tuple[AgentRef, ...] = ()
    """The agents that took the call in its turn before it."""
    speech: SpeechHandle | None = field(default_factory=speech_under_way)
    started: float = field(default_factory=now)
    held: WaitClock = field(default_factory=WaitClock)
    text: str = ""
    calls: list[Mapping[str, str]] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    ttft_s: float | None = None
    duration_s: float | None = None
    failure: Exception | None = None
    replayed: bool = False

    @property
    def after_handoffs(self) -> int:
        """How many handoffs of its turn had happened when it was made."""
        return len(self.arrivals)

    @property
    def elapsed_s(self) -> float:
        """Seconds since it started in which no rate limit held it back."""
        return now() - self.started - self.held.seconds

    @property
    def unused(self) -> bool:
        """Whether livekit threw the answer away, so far: it was begun before the turn was over."""
        return self.purpose == "reply" and self.speech is not None and not self.speech.scheduled

    @property
    def in_flight(self) -> bool:
        """Whether the answer is still awaited."""
        return self.duration_s is None

    def note(self, chunk: llm.ChatChunk) -> None:
        """Take in one chunk of the answer."""
        if self.ttft_s is None and chunk.has_response():
            self.ttft_s = self.elapsed_s
        if chunk.delta is not None:
            self.text += chunk.delta.content or ""
            self.calls.extend(
                {"name": made.name, "arguments": made.arguments, "call_id": made.call_id}
                for made in chunk.delta.tool_calls
            )
        if chunk.usage is not None:
            self.usage = Usage(
                prompt=chunk.usage.prompt_tokens,
                completion=chunk.usage.completion_tokens,
                cached=chunk.usage.prompt_cached_tokens,
            )

    def made(self) -> list[tuple[int, FunctionCall]]:
        """The calls that livekit carries out, and after how many handoffs each was made."""
        if self.purpose != "reply" or self.tool_choice == "none" or self.unused:
            return []
        calls = [
            FunctionCall(
                name=call["name"],
                arguments=call["arguments"],
                call_id=call["call_id"],
                agent=self.agent,
            )
            for call in self.calls
        ]
        return [(self.after_handoffs, call) for call in calls]

    def frozen(self) -> ModelCall:
        """The record as it stands now."""
        failure = self.failure
        return ModelCall(
            agent=self.agent,
            purpose=self.purpose,
            model=self.model,
            messages=self.messages,
            tools=self.tools,
            tool_choice=self.tool_choice,
            text=self.text,
            calls=tuple(self.calls),
            usage=self.usage,
            ttft_s=self.ttft_s,
            duration_s=self.duration_s or self.elapsed_s,
            held_s=self.held.seconds,
            after_handoffs=self.after_handoffs,
            error=None if failure is None else f"{type(failure).__name__}: {failure}",
            finished=not self.in_flight,
            replayed=self.replayed,
            unused=self.unused,
        )


class Tap(WrapperLLM):
    """A model that passes everything on to another one and notes it.

    Args:
        inner: the model that answers.
        agent: who is asking, looked up at each request.
        purpose: `reply` for an agent's own model, `direct` for the session's,
            which only the agents' own code asks, `decision` for a DecisionModel.
        log: where an exchange is put as soon as it starts.
        exchanges: answers instead of the model where it can, and keeps what the model answers.
    """

    def __init__(
        self,
        inner: llm.LLM[Any],
        *,
        agent: Callable[[], AgentRef],
        purpose: Literal["reply", "direct", "decision", "caller"],
        log: Callable[[Exchange], None],
        exchanges: TrialExchanges | None = None,
    ) -> None:
        super().__init__(inner)
        self.exchanges = exchanges
        self._agent = agent
        self._purpose = purpose
        self._log = log

    def logs_to(self, log: Callable[[Exchange], None]) -> bool:
        """Whether it is the tap of that conversation; an agent object may outlive one."""
        return self._log == log

    def answer(self, asked: ChatRequest) -> llm.LLMStream:
        """Ask the wrapped model, and note what it was asked."""
        exchange = Exchange(
            agent=self._agent(),
            purpose=self._purpose,
            model=self.model,
            messages=tuple(asked.chat_ctx.to_provider_format("openai")[0]),
            tools=schemas(asked.tools or []),
            tool_choice=_written(asked.tool_choice or None),
        )
        self._log(exchange)
        return _TapStream(self, asked, exchange)


class _TapStream(WrapperStream):
    def __init__(self, tap: Tap, asked: ChatRequest, exchange: Exchange) -> None:
        # The wrapped model retries by the caller's options; a second layer of
        # retries here would multiply them.
        super().__init__(tap, asked, conn_options=APIConnectOptions(max_retry=0))
        self._tap = tap
        self._asked = asked
        self._exchange = exchange

    async def _run(self) -> None:
        exchange, recorded = self._exchange, self._tap.exchanges
        try:
            if recorded is None:
                await self._answer_by_model()
                return
            found = recorded.find(self._request(recorded.model))
            if isinstance(found, Answer):
                self._answer_again(found)
            else:
                recording = IncomingAnswer()
                await self._answer_by_model(recording)
                duration_s = exchange.duration_s = exchange.elapsed_s
                answer = recording.answer(
                    model=exchange.model, ttft_s=exchange.ttft_s, duration_s=duration_s
                )
                recorded.keep(found, answer)
        except BaseException as error:
            exchange.failure = failure = as_error(error)
            if failure is None or failure is error:
                raise
            raise failure from error
        finally:
            if exchange.in_flight:
                exchange.duration_s = exchange.elapsed_s

    def _request(self, model: ModelIdentity) -> RecordedRequest:
        exchange, asked = self._exchange, self._asked
        if exchange.purpose == "decision":
            # Whatever answers in the agents' place, this is the agents' own.
            label = f"decisions by {described(self._tap.inner)}"
            model = ModelIdentity(label=label)
        elif model.agents_own:
            # Which one it is, only the agent says.
            label = f"{model.label} {described(self._tap.inner)}"
            model = replace(model, label=label, agents_own=False)
        return RecordedRequest(
            agent=exchange.agent.label,
            model=model,
            messages=to_jsonable_python(exchange.messages, fallback=str),
            tools=exchange.tools,
            tool_choice=exchange.tool_choice,
            options=_set(
                parallel_tool_calls=asked.parallel_tool_calls,
                extra_kwargs=asked.extra_kwargs,
                **asked.more,
            ),
        )

    async def _answer_by_model(self, recording: IncomingAnswer | None = None) -> None:
        exchange = self._exchange
        count_in(exchange.held)
        ask_untapped()
        ASKER.set(
            Asker(
                agent=exchange.agent,
                turn=exchange.turn,
                arrivals=exchange.arrivals,
                purpose=exchange.purpose,
                unused=lambda: exchange.unused,
            )
        )
        with VirtualTime.of().outside():
            async with self._asked.of(self._tap.inner) as stream:
                async for chunk in stream:
                    exchange.note(chunk)
                    if recording is not None:
                        recording.note(chunk, at=exchange.elapsed_s)
                    self._event_ch.send_nowait(chunk)

    def _answer_again(self, answer: Answer) -> None:
        exchange = self._exchange
        for chunk in chunks_of(answer):
            exchange.note(chunk)
            self._event_ch.send_nowait(chunk)
        exchange.model, exchange.replayed = answer.model, True
        exchange.ttft_s, exchange.duration_s = answer.ttft_s, answer.duration_s


def _set(**options: Any) -> Mapping[str, Any]:
    """Those that are given, as JSON that is the same in each process."""
    return {name: _plain(each) for name, each in options.items() if utils.is_given(each) and each}


def _plain(value: Any) -> Any:
    """A value as JSON: types by their schema, sets sorted, other objects by their class."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(_plain, value), key=json.dumps)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, type):
        try:
            return TypeAdapter(value).json_schema()
        except PydanticUserError:
            return value.__qualname__
    return to_jsonable_python(value, fallback=lambda other: type(other).__qualname__)


def _written(choice: llm.ToolChoice | None) -> str | None:
    if choice is None or isinstance(choice, str):
        return choice
    return choice["function"]["name"]


class Taps:
    """Puts a tap before the session's model and before that of each agent that takes the call.

    Args:
        model: stands in for every model; None leaves each agent its own.
        agent: who has the call, looked up at each request of the agents' own code.
        log: where an exchange is put as soon as it starts.
        exchanges: answers in the models' place where it can.
    """

    def __init__(
        self,
        model: llm.LLM[Any] | None,
        *,
        agent: Callable[[], AgentRef],
        log: Callable[[Exchange], None],
        exchanges: TrialExchanges | None = None,
    ) -> None:
        self.model = model
        self.decides: llm.LLM[Any] | None = None
        """Stands in for every DecisionModel; None leaves each agent its own."""
        self._agent = agent
        self._log = log
        self._exchanges = exchanges

    def enter(self) -> None:
        """Stand before what models and DecisionModels are asked in the current context."""
        DecisionTaps(self._decision).enter()
        KeptModels(self._kept).enter()
        look_for_models()

    def script_decisions(self, values: Mapping[str, Any]) -> None:
        """Have DecisionModels decide so, where a model stands in for the agents' own."""
        if self.model is not None:
            self.decides = ScriptedLLM(lambda _: decided(**values)) if values else None

    def direct(self, model: llm.LLM[Any]) -> Tap:
        """A tap for the session, whose model only the agents' own code asks."""
        return Tap(
            model, agent=self._agent, purpose="direct", log=self._log, exchanges=self._exchanges
        )

    def _kept(self, model: llm.LLM[Any]) -> Tap:
        # A script that an agent keeps was written for what is asked of it.
        is_script = isinstance(model, ScriptedLLM)
        return self.direct(model if is_script or self.model is None else self.model)

    def _decision(self, model: llm.LLM[Any]) -> Tap:
        # What a script says is no model's answer, to be kept for when there is no script.
        exchanges = None if self.decides else self._exchanges
        return Tap(
            self.decides or model,
            agent=self._agent,
            purpose="decision",
            log=self._log,
            exchanges=exchanges,
        )

    def stand_in(self, session: AgentSession[Any], model: NotGivenOr[llm.LLM[Any]]) -> None:
        """Put a tap in the place of the session's own model.

        Args:
            session: that has not started.
            model: the tap that its factory was given; not given, the session's own is tapped.
        """
        if not model and isinstance(session.llm, llm.LLM):
            model = self.direct(session.llm)
        if model and session.llm is not model:
            # A factory that brought its own model: the run's stands in for it.
            replace_model(session, model)

    def put_before(
        self, agent: Agent, *, session: AgentSession[Any], ref: Callable[[], AgentRef]
    ) -> None:
        """Tap what the agent answers by, once.

        Raises:
            UsageError: it answers by something else than an `llm.LLM`.
        """
        if isinstance(agent.llm, Tap) and agent.llm.logs_to(self._log):
            return
        look_for_models()  # of modules that were imported meanwhile
        model = self.model or _own(agent, session)
        agent.update_options(
            llm=Tap(model, agent=ref, purpose="reply", log=self._log, exchanges=self._exchanges)
        )


def _own(agent: Agent, session: AgentSession[Any]) -> llm.LLM[Any]:
    """The model that the agent brought, or the session's."""
    model = agent.llm or session.llm
    if isinstance(model, Tap):
        return model.inner
    if not isinstance(model, llm.LLM):
        has = f"{model!r} as its own model" if model else "no model of its own, nor has the session"
        raise UsageError(f"{agent.label} has {has}; the harness drives text and needs an `llm.LLM`")
    return model

"""What a call brings, and one turn while it runs, and whose fault it is where it does not end."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from traceback import format_exception
from typing import Any

from livekit.agents import AgentSession, RunResult
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from handoff_evals.drivers.ending import Ending
from handoff_evals.livekit import Exchange, Noted, Opened, cause_of, fields_of
from handoff_evals.scenarios import SET
from handoff_evals.transcript import AgentError, AgentRef, Fault, JobAction, Owner, Transcript, Turn
from handoff_evals.user_code import original


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Where a conversation is cut off."""

    turn_s: float = 60.0
    """Seconds that one turn, or the opening, may take."""
    call_s: float = 1800.0
    """Seconds that all turns together may take."""
    close_s: float = 5.0
    """Seconds that closing may take before what is left is cancelled."""
    handoffs: int = 20
    """Handoffs in one turn that are taken for a loop without end."""
    requests: int = 20
    """Requests to models in one turn that are taken for a loop, where the turn does not end."""


SILENT_LOG = AgentError(
    where="silent_log",
    message="the turn was interrupted, and only livekit's log says whether what was under way "
    "ended in time; but its errors can't be read: remove `logging.disable(...)`, and filters or "
    "a class of your own from the logger 'livekit.agents'",
)


def _ended(owner: Owner, cause: str, detail: str) -> Fault:
    return Fault(owner=owner, cause=cause, detail=detail, turn=0, ended=True)


@dataclass(kw_only=True)
class TurnRecord:
    """What one turn has brought so far."""

    exchanges: list[Exchange] = field(default_factory=list)
    errors: list[Noted] = field(default_factory=list)
    interrupted: bool = False
    arrivals: list[AgentRef] = field(default_factory=list)
    """The agents that took the call, in order."""
    fatal: Exchange | None = None
    """The unanswered request that ended the conversation."""

    @property
    def handoffs(self) -> int:
        """How many there were."""
        return len(self.arrivals)

    def overdue(
        self, limits: Limits, *, who: str, limit: str, where: str, cut_off: bool
    ) -> Fault | None:
        """Whose fault it is that the turn did not end.

        A model's only while a request to it is unanswered; but where very many were
        answered before, it is the agent's code that keeps on asking.

        Args:
            limits: of the conversation.
            who: the agent that has the call.
            limit: which limit it passed, in words.
            where: where the agent's code waits, in words.
            cut_off: whether it was ended before its deadline.

        Returns:
            None where an error says it already; else the fault, its turn still to be set.
        """
        waiting = [exchange for exchange in self.exchanges if exchange.in_flight]
        answered = len(self.exchanges) - len(waiting)
        if cut_off:
            if self.handoffs <= limits.handoffs:
                return None  # the agents' code asked the process to end
            return _ended("agent", "handoff_loop", f"{self.handoffs} handoffs in one turn")
        if answered > limits.requests:
            detail = f"{answered} requests to models in one turn, which was not done within {limit}"
            return _ended("agent", "request_loop", f"{detail}{where}")
        if waiting:
            asked = f"{waiting[-1].agent.label} asked {waiting[-1].model}"
            detail = f"{asked} and had no answer within {limit}"
            return _ended("infrastructure", "model_timeout", detail)
        made = [call["name"] for last in self.exchanges[-1:] for call in last.calls]
        after = f", having called {' and '.join(made)}" if made else ""
        detail = f"{who} was not done within {limit}{after}{where}"
        return _ended("agent", "turn_timeout", detail)

    def step_limit(self, opened: Opened | None) -> Iterator[Noted]:
        """Where livekit ended an agent's tool calls, because of the session's `max_tool_steps`.

        It says so in its log alone, as a warning: the request shows it too, since no call is
        allowed in it after as many replies with calls.
        """
        limit = None if opened is None else opened.session.options.max_tool_steps
        steps: Counter[str] = Counter()
        for exchange in self.exchanges:
            if limit is None or exchange.purpose == "direct":
                continue
            agent = exchange.agent.label
            if exchange.tool_choice == "none" and steps[agent] > limit:
                message = (
                    f"{agent} called tools in {steps[agent]} replies running, and livekit allowed "
                    f"no more (max_tool_steps={limit}): AgentSession(max_tool_steps=...) sets it"
                )
                yield Noted(error=AgentError(where="max_tool_steps", message=message))
            steps[agent] = steps[agent] + 1 if exchange.calls else 0

    def failures(self) -> Iterator[Exception]:
        """What the models raised."""
        for exchange in self.exchanges:
            if exchange.failure is not None:
                yield exchange.failure

    def end_by_model(self) -> bool:
        """Note that the last failed request ended the conversation; whether there is one."""
        failed = [exchange for exchange in self.exchanges if exchange.failure is not None]
        self.fatal = failed[-1] if failed else None
        return self.fatal is not None

    def drop_repeated(self, faults: Sequence[Fault]) -> None:
        """Drop arguments that do not fit a tool where a fault of the model's says why."""
        if any(fault.owner == "model" for fault in faults):
            self.errors = [
                noted for noted in self.errors if noted.error.where != "invalid_arguments"
            ]

    def error_events(self) -> Iterator[AgentError]:
        """What the models' code raised, with its traceback, and what livekit swallowed."""
        for failure in self.failures():
            if cause_of(failure) == "model_raised":
                raised = original(failure)
                yield AgentError(
                    where="model",
                    message=f"{type(raised).__name__}: {raised}",
                    traceback="".join(format_exception(raised)),
                )
        yield from (noted.error for noted in self.errors)


class CallRecord:
    """What a call has brought so far."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.faults: list[Fault] = []
        self.on_opened: Callable[[], None] = lambda: None
        """Called once the opening is over."""
        self.asked: list[JobAction] = []
        """What the agents' code asked of LiveKit's job so far."""
        self.notes: list[str] = []
        """What a reader has to know of how the caller's words were carried, in sentences."""
        self.results: list[RunResult[Any] | None] = []
        """livekit's RunResult of each turn, the opening's first; None where there is none."""
        self._ending = Ending()

    @property
    def transcript(self) -> Transcript:
        """The record so far."""
        return Transcript(
            turns=tuple(self.turns),
            faults=tuple(self.faults),
            notes=tuple(self.notes),
            ended_by=self._ending.ended_by,
            veto=self._ending.veto,
            job=tuple(self.asked),
        )

    def _ended_by_agent(self) -> None:
        """Note that the agents' code closed the session although the caller had more to say."""
        if any(fault.ended or fault.cause == "ended_call" for fault in self.faults):
            return
        last = len(self.turns) - 1
        where = f"turn {last}" if last > 0 else "the opening"
        detail = f"the agent ended the call in {where}, and the caller had more to say"
        # It cut no turn off: what was said in that one was said.
        self.faults.append(Fault(owner="agent", cause="ended_call", detail=detail, turn=last))

    def _fault(self, owner: Any, cause: str, detail: str, *, ended: bool = False) -> None:
        turn = len(self.turns)
        self.faults.append(Fault(owner=owner, cause=cause, detail=detail, turn=turn, ended=ended))


def userdata_of(session: AgentSession[Any], names: Iterable[str]) -> Mapping[str, Any]:
    """What a session's userdata has under these names, as JSON; nothing where it has none."""
    try:
        data = session.userdata
    except ValueError:  # livekit's way to say that there is none
        return {}
    watched = fields_of(data, names)
    return {
        name: to_jsonable_python(_with_sets(each), fallback=str) for name, each in watched.items()
    }


def _with_sets(value: Any) -> Any:
    """The value with its sets marked, in an order that no hash seed changes."""
    if isinstance(value, set | frozenset):
        members = to_jsonable_python([_with_sets(each) for each in value], fallback=str)
        return {SET: sorted(members, key=lambda each: json.dumps(each, sort_keys=True))}
    if isinstance(value, Mapping):
        return {name: _with_sets(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_with_sets(each) for each in value]
    if isinstance(value, BaseModel):
        return {name: _with_sets(each) for name, each in value}
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _with_sets(getattr(value, each.name)) for each in fields(value)}
    return value

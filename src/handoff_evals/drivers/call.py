"""One conversation with a LiveKit agent, in text, that always ends."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any

from livekit.agents import (
    NOT_GIVEN,
    Agent,
    AgentSession,
    ConversationItemAddedEvent,
    RunResult,
    llm,
)
from pydantic_core import to_jsonable_python

from handoff_evals.cassettes import TrialExchanges
from handoff_evals.errors import UsageError
from handoff_evals.livekit import (
    LOGGED,
    AgentEntry,
    ConversationTasks,
    Exchange,
    HistoryReader,
    Opened,
    OverdueError,
    Tap,
    Taps,
    Timed,
    allow_construction,
    faults_of,
    fields_of,
    listen,
    quiet,
    text_job,
)
from handoff_evals.scenarios import Scenario, Watch
from handoff_evals.transcript import AgentError, AgentRef, Event, Fault, Transcript, Turn


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


@dataclass(kw_only=True)
class _Noted:
    """What one turn has brought so far."""

    exchanges: list[Exchange] = field(default_factory=list)
    errors: list[AgentError] = field(default_factory=list)
    handoffs: int = 0
    fatal: Exchange | None = None
    """The unanswered request that ended the conversation."""


class Call:
    """A session with one agent after another, driven by `AgentSession.run`.

    Nothing in here waits for ever: a turn that passes its deadline ends the call,
    with the cause in `faults`, and whatever still runs is cancelled. The session,
    the agents and livekit's own RunResults stay in reach.

    Args:
        entry: the agent under test.
        model: stands in for every LLM of the session and its agents; None lets each
            answer by its own.
        limits: where to cut off.
        watch: which attributes and userdata fields to note.
        scenario: whose label and userdata `current_simulation()` gives.
        reel: answers in the models' place where it can.
    """

    def __init__(
        self,
        entry: AgentEntry,
        model: llm.LLM[Any] | None,
        *,
        limits: Limits | None = None,
        watch: Watch | None = None,
        scenario: Scenario | None = None,
        reel: TrialExchanges | None = None,
    ) -> None:
        self._entry = entry
        self._taps = Taps(model, log=self._log, reel=reel)
        self._limits = limits or Limits()
        self._watch = watch or Watch()
        self._job = text_job(
            label=scenario.label if scenario else "",
            userdata=scenario.userdata if scenario else None,
        )
        self._stack = AsyncExitStack()
        self._nursery = ConversationTasks()
        self._home: Context | None = None
        """Where the session was opened; what was entered there has to be left there."""
        self._added: dict[Any, Any] = {}
        self._opened: Opened | None = None
        self._entered: dict[str, tuple[Agent, AgentRef]] = {}
        self._history = HistoryReader(lambda item_id: self._entered.get(item_id, (None, None))[1])
        self._noted = _Noted()
        self._timed = Timed(total_s=self._limits.call_s)
        self._agent: Agent | None = None
        self._refused: UsageError | None = None
        self.on_entrance: Callable[[Agent, AgentRef], None] = lambda _agent, _ref: None
        """Called with each agent that takes the call, before a run's model replaces its own."""
        self.turns: list[Turn] = []
        self.faults: list[Fault] = []
        self.results: list[RunResult[Any] | None] = []
        """livekit's RunResult of each turn, the opening's first; None where there is none."""

    @property
    def session(self) -> AgentSession[Any]:
        """The session, livekit's own."""
        if self._opened is None:
            raise RuntimeError("the call has not started: await start() first")
        return self._opened.session

    @property
    def started(self) -> bool:
        """Whether there is a session yet."""
        return self._opened is not None

    @property
    def active(self) -> AgentRef:
        """The agent that has the call, or had it when the session closed.

        By the handoffs that were announced: `session.current_agent` runs ahead of them.
        """
        return AgentRef(id="nobody") if self._agent is None else self._ref(self._agent)

    @property
    def entered(self) -> tuple[tuple[Agent, AgentRef], ...]:
        """Who took the call, one for each handoff, in order; the first is the entrance."""
        return tuple(self._entered.values())

    @property
    def over(self) -> bool:
        """Whether the conversation was cut off or closed, so that no turn can follow."""
        if any(fault.ended for fault in self.faults):
            return True
        if self._opened is None:
            return False
        return not self.session._started or self.session._is_closing()  # noqa: SLF001

    @property
    def transcript(self) -> Transcript:
        """The record so far."""
        return Transcript(turns=tuple(self.turns), faults=tuple(self.faults))

    async def start(self) -> Turn:
        """Build the agent and the session, enter the first agent and hear its greeting."""
        allow_construction()
        before = copy_context()
        self._home = home = copy_context()
        home.run(self._job.__enter__)
        home.run(self._nursery.enter)
        home.run(listen, self._note)
        try:
            return await self._turn(None, self._start(), home)
        finally:
            # What a factory sets by context managers, as mock_tools does, is in force later on.
            self._added = {
                var: value for var, value in home.items() if before.get(var) is not value
            }

    async def say(self, text: str) -> Turn:
        """Speak as the caller and wait until all is quiet again."""
        if self.over:
            raise RuntimeError(f"the call is over: {self.faults[-1:] or 'the session closed'}")
        return await self._turn(text, self._say(text), self._context())

    async def hold(self, said: Iterable[str]) -> None:
        """Hold the whole conversation: say one thing after the other while somebody is there."""
        try:
            await self.start()
            for text in said:
                if self.over:
                    break
                await self.say(text)
        finally:
            await self.close()

    def interrupt(self) -> None:
        """Interrupt what the agent says or does, while a turn runs.

        Raises:
            RuntimeError: no session runs, or what runs must not be interrupted.
        """
        # livekit gives it five seconds to end, and says so in this context when it has not.
        self._context().run(self.session.interrupt)

    async def close(self) -> None:
        """Close the session and cancel what is left of the conversation."""
        self._noted = _Noted()
        # What cut the conversation off mostly hinders its closing too: that is one fault.
        cut_off = any(fault.ended for fault in self.faults)
        try:
            await self._timed.within(self._close(), self._limits.close_s, self._home)
        except OverdueError:
            if not cut_off:
                self._fault("agent", "close_timeout", f"took over {self._limits.close_s:g} s")
        except Exception as error:  # noqa: BLE001 - closing must not hide what went before
            self._fault("agent", "close_error", f"{type(error).__name__}: {error}")
        finally:
            if not cut_off:
                self._blame()
            ignored = await self._nursery.cancel(patience_s=self._limits.close_s)
            if ignored:
                self._fault("agent", "close_timeout", f"{ignored} tasks ignore cancellation")
            if self._home is not None:
                self._home.run(self._job.__exit__, None, None, None)
                self._home = None

    async def _start(self) -> RunResult[Any]:
        given = self._taps.model
        model = NOT_GIVEN if given is None else self._direct(given)
        opened = await self._stack.enter_async_context(self._entry.open(model))
        session = opened.session
        if given is None and isinstance(session.llm, llm.LLM):
            model = self._direct(session.llm)
        if model and session.llm is not model:
            # A factory that brought its own model: the run's stands in for it.
            session._llm = model  # noqa: SLF001 - there is no public way to replace it
        session.on("conversation_item_added", self._on_item)
        self._opened = opened
        result = await session.start(opened.agent, capture_run=True)
        await quiet(session)
        return result

    async def _say(self, text: str) -> RunResult[Any]:
        result: RunResult[Any] = await self.session.run(user_input=text)
        await quiet(self.session)
        return result

    async def _close(self) -> None:
        try:
            if self._opened is not None:
                run = self.session._global_run_state  # noqa: SLF001 - see below
                if run is not None and not run.done():
                    # Closing fails a run that was cut off, and nobody awaits it any more.
                    run._done_fut.add_done_callback(asyncio.Future.exception)  # noqa: SLF001
                await self.session.aclose()
        finally:
            await self._stack.aclose()

    async def _turn(
        self, user: str | None, work: Coroutine[Any, Any, RunResult[Any]], context: Context
    ) -> Turn:
        began = self._timed.clock()
        self._history.begin_turn()
        self._noted = _Noted()
        result: RunResult[Any] | None = None
        try:
            result = await self._timed.within(work, self._turn_s, context)
        except OverdueError:
            self._overdue()
        except UsageError:
            raise  # nobody's behaviour: what was asked for can't be
        except Exception as error:  # noqa: BLE001 - whatever it is, it becomes a fault
            self._raised(error)
        if self._refused is not None:
            raise self._refused
        self.results.append(result)
        for exchange in self._noted.exchanges:
            ended = exchange is self._noted.fatal
            self.faults.extend(faults_of(exchange, turn=len(self.turns), ended=ended))
        self._blame()
        turn = Turn(
            user=user,
            events=tuple(self._events()),
            model_calls=tuple(exchange.frozen() for exchange in self._noted.exchanges),
            active=self.active,
            userdata=self._userdata(),
            duration_s=self._timed.clock() - began,
        )
        self.turns.append(turn)
        return turn

    def _context(self) -> Context:
        """The caller's context, with what belongs to this conversation in it."""
        context = copy_context()
        for var, value in self._added.items():
            context.run(var.set, value)
        return context

    @property
    def _turn_s(self) -> float:
        return min(self._limits.turn_s, self._timed.left_s)

    def _overdue(self) -> None:
        waiting = [exchange for exchange in self._noted.exchanges if exchange.in_flight]
        limit = f"{self._limits.turn_s:g} s"
        if not self._timed.left_s:
            limit = f"the {self._limits.call_s:g} s of the conversation"
        if self._timed.broken_off:
            number = self._noted.handoffs
            self._fault("agent", "handoff_loop", f"{number} handoffs in one turn", ended=True)
        elif waiting:
            asked = f"{waiting[-1].agent.label} asked {waiting[-1].model}"
            detail = f"{asked} and had no answer within {limit}"
            self._fault("infrastructure", "model_timeout", detail, ended=True)
        else:
            made = [call["name"] for last in self._noted.exchanges[-1:] for call in last.calls]
            after = f", having called {' and '.join(made)}" if made else ""
            detail = f"{self.active.label} was not done within {limit}{after}"
            self._fault("agent", "turn_timeout", detail, ended=True)

    def _raised(self, error: Exception) -> None:
        failed = [exchange for exchange in self._noted.exchanges if exchange.failure is not None]
        if failed:
            self._noted.fatal = failed[-1]
            return
        detail = f"{type(error).__name__}: {error}"
        self._noted.errors.append(AgentError(where="session", message=detail))
        self._fault("agent", "session_error", detail, ended=True)

    def _events(self) -> list[Event]:
        made = [each for exchange in self._noted.exchanges for each in exchange.made()]
        events = self._history.read(self._opened.session, made) if self._opened else []
        return [*events, *self._noted.errors]

    def _blame(self) -> None:
        """Make faults of what livekit only logged."""
        turn = len(self.turns)
        if any(fault.owner == "model" and fault.turn == turn for fault in self.faults):
            # Arguments that are missing or malformed, say, are a fault already.
            self._noted.errors = [
                error for error in self._noted.errors if error.where != "invalid_arguments"
            ]
        for error in self._noted.errors:
            if error.where in LOGGED:
                self._fault("model", LOGGED[error.where], error.message)
            elif error.where == "interruption_timeout":
                self._fault("agent", error.where, error.message)
            elif error.where != "session":
                self._fault("agent", f"{error.where}_error", error.message)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        if not isinstance(event.item, llm.AgentHandoff):
            return
        activity = self.session._activity  # noqa: SLF001 - current_agent may be further on
        if activity is None:
            return
        self._agent = agent = activity.agent
        self._entered[event.item.id] = entered = (agent, self._ref(agent))
        self.on_entrance(*entered)
        # Before it runs: livekit announces the handoff first, then starts the agent.
        try:
            self._taps.put_before(agent, session=self.session, ref=lambda: self._ref(agent))
        except UsageError as error:  # livekit would only log it
            self._refused = error
        self._noted.handoffs += 1
        if self._noted.handoffs > self._limits.handoffs:
            self._timed.break_off()

    def _direct(self, model: llm.LLM[Any]) -> Tap:
        return self._taps.direct(model, agent=lambda: self.active)

    def _note(self, error: AgentError) -> None:
        closing = self._opened is not None and self.session._is_closing()  # noqa: SLF001
        # A session that closes fails the tasks that an on_enter still awaits: nobody's error.
        if closing and error.where == "on_enter":
            return
        self._noted.errors.append(error)

    def _log(self, exchange: Exchange) -> None:
        exchange.after_handoffs = self._noted.handoffs
        exchange.held.within = self._timed.held
        self._noted.exchanges.append(exchange)

    def _ref(self, agent: Agent) -> AgentRef:
        watched = fields_of(agent, self._watch.attributes)
        attributes = {name: str(value) for name, value in watched.items()}
        return AgentRef(id=agent.id, attributes=attributes)

    def _userdata(self) -> Mapping[str, Any]:
        data = None if self._opened is None else self._opened.session._userdata  # noqa: SLF001
        if data is None:
            return {}
        watched = fields_of(data, self._watch.userdata)
        return {name: to_jsonable_python(each, fallback=str) for name, each in watched.items()}

    def _fault(self, owner: Any, cause: str, detail: str, *, ended: bool = False) -> None:
        turn = len(self.turns)
        self.faults.append(Fault(owner=owner, cause=cause, detail=detail, turn=turn, ended=ended))

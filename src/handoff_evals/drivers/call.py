"""One conversation with a LiveKit agent that always ends, however its words are carried."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from contextvars import Context, copy_context
from dataclasses import replace
from typing import Any, ClassVar

from livekit.agents import NOT_GIVEN, Agent, AgentSession, RunResult, llm
from livekit.agents import ConversationItemAddedEvent as ItemAdded

from handoff_evals.cassettes import TrialExchanges
from handoff_evals.drivers.caller_side import CallerSide
from handoff_evals.drivers.ending import Ending
from handoff_evals.drivers.entrances import Entrances
from handoff_evals.drivers.turn_record import (
    SILENT_LOG,
    CallRecord,
    Limits,
    TurnRecord,
    userdata_of,
)
from handoff_evals.errors import UsageError
from handoff_evals.livekit import (
    AgentEntry,
    AgentErrors,
    ConversationTasks,
    Exchange,
    Handoffs,
    HistoryReader,
    Noted,
    Opened,
    OverdueError,
    Start,
    Taps,
    Timed,
    VirtualTime,
    agent_with_the_call,
    allow_construction,
    fault_of,
    faults_of,
    fields_of,
    is_closing,
    is_started,
    job_of,
    listen_to_log,
    retrieve_failed_run,
    text_job,
)
from handoff_evals.scenarios import Scenario, ScriptedTurn, Watch
from handoff_evals.transcript import AgentRef, Event, Fault, Turn
from handoff_evals.watchdog import watched


class BaseCall(CallRecord, ABC):
    """A session with one agent after another; each driver carries the caller's words its way.

    Nothing waits for ever: a turn that passes its deadline ends the call, with the cause in
    `faults`, and whatever still runs is cancelled.

    Args:
        entry: the agent under test.
        model: stands in for every LLM of the call; None lets each agent answer by its own.
        limits: where to cut off.
        watch: which attributes and userdata fields to note.
        scenario: what the call is of, and what LiveKit's `simulation_context()` gives.
        exchanges: answers in the models' place where it can.
    """

    spoken: ClassVar[bool] = False
    """Whether the agents hear and speak, so that they can be interrupted at a word."""

    def __init__(
        self,
        entry: AgentEntry,
        model: llm.LLM[Any] | None,
        *,
        limits: Limits | None = None,
        watch: Watch | None = None,
        scenario: Scenario | None = None,
        exchanges: TrialExchanges | None = None,
    ) -> None:
        super().__init__()
        self._entry = entry
        self.taps = Taps(model, agent=lambda: self.active, log=self._log, exchanges=exchanges)
        self._limits = limits or Limits()
        self._watch = watch or Watch()
        self._job = text_job(scenario, fake=job_of(scenario, entry.job), audio=self.spoken)
        self._ending = Ending.of(scenario)
        self._modality = scenario.modality if scenario else "text"
        self._stack = AsyncExitStack()
        self._timed = Timed(total_s=self._limits.call_s)
        self._held_before = 0.0  # seconds that all deadlines stood still before this turn
        self._errors = AgentErrors(
            failures=lambda: [*self._record.failures()],
            closing=lambda: self._opened is not None and is_closing(self.session),
            turn=lambda: len(self.turns),
            on_exit=self._timed.cut_off,
        )
        task_done = self._errors.task_done
        self._tasks = ConversationTasks(lambda task, ours: task_done(task, livekits=ours))
        # Where the session was opened: what was entered there has to be left there.
        self._home: Context | None = None
        self._added: dict[Any, Any] = {}
        self._opened: Opened | None = None
        self._handoffs = Handoffs(self._ref)
        self._history = HistoryReader(self._handoffs.find)
        self._record = TurnRecord()
        self.entrances = Entrances(scenario)
        self._refused: UsageError | None = None
        self.on_entrance: Callable[[Agent, AgentRef], None] = lambda _agent, _ref: None
        """Called with each agent that takes the call, before a run's model replaces its own."""

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
        agent = self._handoffs.active
        return AgentRef(id="nobody") if agent is None else self._ref(agent)

    @property
    def entered(self) -> tuple[tuple[Agent, AgentRef], ...]:
        """Who took the call, one for each handoff, in order; the first is the entrance."""
        return self._handoffs.entered

    @property
    def over(self) -> bool:
        """Whether the conversation was cut off or closed, so that no turn can follow."""
        if any(fault.ended for fault in self.faults):
            return True
        if self._opened is None:
            return False
        return not is_started(self.session) or is_closing(self.session)

    async def start(self, *, until: int | str | None = None) -> Turn:
        """Build the agent and the session, and let the first agent greet.

        Args:
            until: ends the turn after so many words, or these, for a caller who interrupts.
        """
        allow_construction()
        before = copy_context()
        self._home = home = copy_context()
        self.asked = home.run(self._job.__enter__).actions
        home.run(self._tasks.enter)
        home.run(self.entrances.facts.enter)
        home.run(self.taps.enter)
        VirtualTime.of().watch(self._tasks)
        home.run(self._errors.enter)
        try:
            return await self._turn(None, self._start(until), home)
        finally:
            self.on_opened()
            # What a factory sets by context managers, as mock_tools does, is in force later on.
            self._added = {
                var: value for var, value in home.items() if before.get(var) is not value
            }

    async def say(self, text: str, *, wait_s: float = 0.0, until: int | str | None = None) -> Turn:
        """Speak as the caller and wait until all is quiet again.

        Args:
            text: the caller's words; without any the caller is silent.
            wait_s: seconds of silence before.
            until: as in `start`.

        Raises:
            RuntimeError: the conversation is over; see `faults`.
        """
        if self.over:
            self._ended_by_agent()
            raise RuntimeError(f"the call is over: {self.faults[-1].detail}")
        said = ScriptedTurn(user=text, wait_s=wait_s)
        return await self._turn(text, self._say(said, until), self._context())

    async def run(self, turns: Sequence[ScriptedTurn]) -> None:
        """Run the whole conversation with a scripted caller."""
        await self.converse(CallerSide.scripted(turns))

    async def converse(self, side: CallerSide) -> None:
        """Run the whole conversation: say one thing after the other while somebody is there."""
        try:
            await self.start(until=side.caller.interrupts_greeting)
            while not self.over and (said := await side.next(self.turns, self.taps.model)):
                self.taps.script_decisions(said.decisions)
                await self.say(said.text, wait_s=said.wait_s, until=said.interrupts_after)
            self.faults.extend([side.fault] if side.fault else [])
            if self.over and side.caller.unsaid:
                self._ended_by_agent()
        finally:
            await self.close()

    async def close(self) -> None:
        """Close the session and cancel what is left of the conversation."""
        self._record = TurnRecord()
        # What cut the conversation off mostly hinders its closing too: that is one fault.
        cut_off = any(fault.ended for fault in self.faults)
        if not cut_off and self._opened is not None:
            self.faults += await self._ending.note(self, self._in_time)
        self._fail_for_background_tasks()
        waited = self._tasks.cancel_waiting()
        for detail in () if cut_off else waited:
            self._fault("agent", "close_timeout", detail)
        try:
            await self._in_time(self._close())
        except OverdueError:
            if not cut_off:
                self._fault("agent", "close_timeout", f"took over {self._limits.close_s:g} s")
        except Exception as error:  # noqa: BLE001 - closing must not hide what went before
            self._fault("agent", "close_error", f"{type(error).__name__}: {error}")
        finally:
            self._record.errors += self._errors.take()
            if not cut_off:
                self._fail_for_errors()
            ignored = await self._tasks.cancel(timeout_s=self._limits.close_s)
            if ignored:
                self._fault("agent", "close_timeout", f"{ignored} tasks ignore cancellation")
            if self._home is not None:
                self._home.run(self._job.__exit__, None, None, None)
                self._home = None
                self.entrances.look_back(self.turns, self.faults)

    def _in_time(self, work: Coroutine[Any, Any, None]) -> Coroutine[Any, Any, None]:
        return self._timed.within(work, self._limits.close_s, self._home)

    async def _start(self, until: int | str | None) -> RunResult[Any] | None:
        given = self.taps.model
        model = NOT_GIVEN if given is None else self.taps.direct(given)

        def prepare(opened: Opened) -> None:
            self._opened = opened
            self.taps.stand_in(opened.session, model)
            opened.session.on("conversation_item_added", self._on_item)
            opened.session.on("function_tools_executed", self._errors.tools_executed)
            self._prepare(opened.session)

        try:
            opened = await self._stack.enter_async_context(self._entry.open(model, prepare))
            return await self._greet(opened.start, until)
        except UsageError:
            raise
        except BaseException as error:
            raised = self._errors.opening(error, opened=self._opened is not None)
            if raised is error:
                raise
            raise raised from raised.__cause__

    def _prepare(self, session: AgentSession[Any]) -> None:
        """See to a session before it starts."""

    @abstractmethod
    async def _greet(self, start: Start, until: int | str | None) -> RunResult[Any] | None:
        """Let the first agent enter and wait until all is quiet."""

    @abstractmethod
    async def _say(self, turn: ScriptedTurn, until: int | str | None) -> RunResult[Any] | None:
        """Carry the caller's words to the agent and wait until all is quiet."""

    @abstractmethod
    def _take_over(self, agent: Agent) -> None:
        """See to an agent that takes the call, before it starts."""

    async def _close(self) -> None:
        try:
            if self._opened is not None:
                retrieve_failed_run(self.session)
                await self.session.aclose()
        finally:
            await self._stack.aclose()

    async def _turn(
        self, user: str | None, work: Coroutine[Any, Any, RunResult[Any] | None], context: Context
    ) -> Turn:
        began = self._timed.clock()
        self._held_before = self._timed.held.seconds
        self._history.begin_turn()
        self._record = TurnRecord()
        listen_to_log()  # the agents' modules, imported since, may have silenced it
        result: RunResult[Any] | None = None
        late: Fault | None = None
        try:
            with watched(turn_s := self._limits.turn_s):
                result = await self._timed.within(work, min(turn_s, self._timed.left_s), context)
        except OverdueError:
            late = self._overdue()
        except UsageError:
            raise  # nobody's behaviour: what was asked for can't be
        except Exception as error:  # noqa: BLE001 - whatever it is, it becomes a fault
            self._raised(error)
        if self._refused is not None:
            raise self._refused
        self.results.append(result)
        self._record.errors = [*self._errors.take(), *self._record.step_limit(self._opened)]
        if self._record.interrupted and not listen_to_log():
            self._record.errors.append(Noted(error=SILENT_LOG))
        for exchange in self._record.exchanges:
            ended = exchange is self._record.fatal
            self.faults.extend(faults_of(exchange, turn=len(self.turns), ended=ended))
        self._fail_for_errors()
        self.faults.extend([late] if late else [])
        turn = Turn(
            user=user,
            events=tuple(self._events()),
            model_calls=tuple(exchange.frozen() for exchange in self._record.exchanges),
            active=self.active,
            userdata=userdata_of(self.session, self._watch.userdata) if self.started else {},
            duration_s=self._timed.clock() - began,
        )
        self.turns.append(turn)
        self.entrances.end_turn(self._handoffs.active, self.asked)
        return turn

    def _context(self) -> Context:
        """The caller's context, with what belongs to this conversation in it."""
        context = copy_context()
        for var, value in self._added.items():
            context.run(var.set, value)
        return context

    def _overdue(self) -> Fault | None:
        """Say whose fault it is that the turn was cut off."""
        whole = f"the {self._limits.call_s:g} s of the conversation"
        limit = f"{self._limits.turn_s:g} s" if self._timed.left_s else whole
        who = self._entry.kind if self._opened is None else self.active.label
        stack = self._tasks.users_stack()
        where = f"; it waits in {' > '.join(stack)}" if stack else ""
        cut = self._timed.is_cut_off
        found = self._record.overdue(self._limits, who=who, limit=limit, where=where, cut_off=cut)
        return found and replace(found, turn=len(self.turns))

    def _raised(self, error: Exception) -> None:
        """Say whose fault it is that the turn raised."""
        if not self._errors.knows(error):
            if self._record.end_by_model():
                return
            self._errors.raised("session", error)
        self._errors.end(error)

    def _events(self) -> list[Event]:
        made = [each for exchange in self._record.exchanges for each in exchange.made()]
        events = self._history.read(self._opened.session, made) if self._opened else []
        return [*events, *self._record.error_events()]

    def _fail_for_errors(self) -> None:
        """Make faults of what livekit swallowed."""
        turn = len(self.turns)
        self._record.drop_repeated([fault for fault in self.faults if fault.turn == turn])
        for noted in self._record.errors:
            self.faults.extend(fault_of(noted, turn=turn))

    def _fail_for_background_tasks(self) -> None:
        """What a background task raised belongs to the turn in which it did."""
        for turn, noted in self._errors.unawaited():
            self.faults.extend(fault_of(noted, turn=turn))
            if turn < len(self.turns):
                there = self.turns[turn]
                self.turns[turn] = replace(there, events=(*there.events, noted.error))

    def _on_item(self, event: ItemAdded) -> None:
        agent = agent_with_the_call(self.session)
        if agent is None or not isinstance(event.item, llm.AgentHandoff):
            return
        ref = self._handoffs.note(event.item.id, agent).new
        self._take_over(agent)
        self.on_entrance(agent, ref)
        # Before it runs: livekit announces the handoff first, then starts the agent.
        try:
            self.entrances.add(agent, self.session)
            self.taps.put_before(agent, session=self.session, ref=lambda: self._ref(agent))
        except UsageError as error:  # livekit would only log it
            self._refused = error
        self._record.arrivals.append(ref)
        if self._record.handoffs > self._limits.handoffs:
            self._timed.cut_off()

    def _log(self, exchange: Exchange) -> None:
        exchange.turn = len(self.turns)
        exchange.arrivals = tuple(self._record.arrivals)
        exchange.held.within = self._timed.held
        self._record.exchanges.append(exchange)

    def _ref(self, agent: Agent) -> AgentRef:
        watched = fields_of(agent, self._watch.attributes)
        return AgentRef(id=agent.id, attributes={name: str(each) for name, each in watched.items()})

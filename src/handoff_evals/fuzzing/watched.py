"""An agent entry whose agents are watched: who takes the call over, and what it begins with.

livekit's word is not taken for it: `on_enter` is counted where it runs, and the
records that livekit keeps are compared with the activities that it really starts.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, get_args, get_type_hints

from handoff_evals.drivers import Call
from handoff_evals.fuzzing.subject import (
    Activation,
    ContextItem,
    Entrance,
    HandoffRecord,
    Observed,
    Subject,
)
from handoff_evals.livekit import AgentEntry, Handoffs, Opened, Request, quiet
from handoff_evals.scenarios import Watch
from handoff_evals.transcript import AgentRef

# livekit's Agent, by way of the package that may import it.
_AGENT: Any = get_args(get_type_hints(Opened)["agent"])[0]
# livekit gives every agent's prompt these ids; it puts them in when the agent starts.
_PROMPTS = ("lk.agent_task.", "lk.expressive.")
_NAMES = {"message": "role", "function_call": "name", "function_call_output": "name"}
_TEXTS = {"message": "text_content", "function_call": "arguments", "function_call_output": "output"}


class Watcher:
    """Notes every activation and every run of an `on_enter` of one conversation."""

    def __init__(self, watch: Watch) -> None:
        self.activations: list[Activation] = []
        self.entrances: list[Entrance] = []
        self._watch = watch
        self._session: Any = None
        self._agents: list[Any] = []
        self._activities: list[Any] = []
        self._handoffs = Handoffs(self._ref)
        self._past: dict[int, tuple[ContextItem, ...]] = {}
        """By instance, what its context held when it last had the call."""

    def attach(self, opened: Opened) -> None:
        """Begin, before the session starts."""
        self._session = opened.session
        if opened.agent is not None:
            self.count(opened.agent)
        self._session.on("conversation_item_added", self._on_item)

    def count(self, agent: Any) -> None:
        """Have the instance's `on_enter` noted each time it runs."""
        if any(agent is each for each in self._agents):
            return
        self._agents.append(agent)
        agent.on_enter = self._noted(agent, agent.on_enter)

    @property
    def records(self) -> tuple[HandoffRecord, ...]:
        """The handoffs in the session's history, as livekit wrote them."""
        return tuple(
            HandoffRecord(old=item.old_agent_id, new=item.new_agent_id)
            for item in self._items()
            if item.type == "agent_handoff"
        )

    @property
    def heard(self) -> tuple[str, ...]:
        """The caller's messages in the session's history."""
        return tuple(
            item.text
            for item in _read(self._items())
            if item.type == "message" and item.name == "user"
        )

    @property
    def tools_run(self) -> tuple[str, ...]:
        """The tools in the session's history that gave an output which is no error."""
        return tuple(
            item.name
            for item in self._items()
            if item.type == "function_call_output" and not item.is_error
        )

    @property
    def active(self) -> str | None:
        """The id of the agent that has the call."""
        activity = self._activity()
        return None if activity is None else activity.agent.id

    def _items(self) -> list[Any]:
        return [] if self._session is None else list(self._session.history.items)

    def _activity(self) -> Any:
        # `current_agent` runs ahead of it.
        return None if self._session is None else self._session._activity  # noqa: SLF001

    def _on_item(self, event: Any) -> None:
        activity = self._activity()
        if event.item.type != "agent_handoff" or activity is None:
            return
        self.count(activity.agent)
        if self._activities:
            left = self._activities[-1].agent
            self._past[self._number(left)] = _read(left.chat_ctx.items)
        handoff = self._handoffs.note(event.item.id, activity.agent)
        self.activations.append(
            Activation(
                old=handoff.old,
                new=handoff.new,
                instance=self._number(activity.agent),
                resumed=any(activity is each for each in self._activities),
                kind=handoff.kind,
            )
        )
        self._activities.append(activity)

    def _noted(
        self, agent: Any, on_enter: Callable[[], Awaitable[None]]
    ) -> Callable[[], Awaitable[None]]:
        @wraps(on_enter)
        async def noted() -> None:
            self._enter(agent)
            await on_enter()

        return noted

    def _enter(self, agent: Any) -> None:
        turns = [number for number, each in enumerate(self._activities) if each.agent is agent]
        earlier = self._activities[: turns[-1] if turns else None]
        self.entrances.append(
            Entrance(
                instance=self._number(agent),
                agent=self._ref(agent),
                first=not earlier,
                own=self._past.get(self._number(agent), ()),
                context=_read(agent.chat_ctx.items),
                left=_read(earlier[-1].agent.chat_ctx.items) if earlier else (),
                history=_read(self._items()),
                tools=frozenset(
                    Request(chat_ctx=agent.chat_ctx, tools=tuple(agent.tools)).tool_names
                ),
            )
        )

    def _number(self, agent: Any) -> int:
        return next(number for number, each in enumerate(self._agents) if each is agent)

    def _ref(self, agent: Any) -> AgentRef:
        names = sorted(self._watch.attributes)
        found = {name: str(getattr(agent, name)) for name in names if hasattr(agent, name)}
        return AgentRef(id=agent.id, attributes=found)


@dataclass(frozen=True, kw_only=True)
class WatchedEntry(AgentEntry):
    """An entry that opens as another one does, and shows the watcher what it opened."""

    watcher: Watcher

    @asynccontextmanager
    async def open(self, model: Any, prepare: Callable[[Opened], None]) -> AsyncIterator[Opened]:
        """Build the agent and the session, and watch them."""

        def watched(opened: Opened) -> None:
            self.watcher.attach(opened)
            prepare(opened)

        async with super().open(model, watched) as opened:
            yield opened


_CURRENT: ContextVar[Watcher | None] = ContextVar("handoff_evals_watcher", default=None)


def follow(watcher: Watcher) -> None:
    """Have the agents that this context constructs watched, while they are `counted`."""
    _CURRENT.set(watcher)


@contextmanager
def counted() -> Iterator[None]:
    """Watch agents from their construction on, so that no early `on_enter` is missed."""
    construct = _AGENT.__init__

    @wraps(construct)
    def constructed(self: Any, *args: Any, **kwargs: Any) -> None:
        construct(self, *args, **kwargs)
        watcher = _CURRENT.get()
        if watcher is not None:
            watcher.count(self)

    _AGENT.__init__ = constructed
    try:
        yield
    finally:
        _AGENT.__init__ = construct


class Conversation:
    """A call that may be interrupted, and that goes on after the model's errors.

    Args:
        subject: the agent under test.
        model: answers for every agent, an `llm.LLM`.
    """

    def __init__(self, subject: Subject, model: Any) -> None:
        self._limits = subject.limits
        self._watcher = Watcher(subject.watch)
        self._said: list[str] = []
        entry = WatchedEntry(
            build=subject.entry.build, name=subject.entry.name, watcher=self._watcher
        )
        self._call = Call(entry, model, limits=subject.limits, watch=subject.watch)

    @property
    def over(self) -> bool:
        """Whether no turn can follow."""
        return self._call.over

    @property
    def active(self) -> str | None:
        """Who has the call, as scenario files write it; None when it is over."""
        return None if self.over else self._call.active.label

    @property
    def seen(self) -> Observed:
        """All that is known by now."""
        return Observed(
            said=tuple(self._said),
            heard=self._watcher.heard,
            records=self._watcher.records,
            active=None if self._call.over else self._watcher.active,
            activations=tuple(self._watcher.activations),
            entrances=tuple(self._watcher.entrances),
            faults=tuple(self._call.faults),
        )

    @property
    def tools_run(self) -> tuple[str, ...]:
        """The tools that were run without an error, in order."""
        return self._watcher.tools_run

    async def open(self, *, interrupt_after: int | None = None) -> None:
        """Take the call; `interrupt_after` so many rounds of the event loop."""
        follow(self._watcher)
        await self._turn(self._call.start(), interrupt_after)

    async def say(self, text: str, *, interrupt_after: int | None = None) -> None:
        """Speak as the caller, and perhaps interrupt the reply, the tool or the handoff."""
        self._said.append(text)
        await self._turn(self._call.say(text), interrupt_after)

    async def close(self) -> None:
        """Hang up."""
        await self._call.close()

    async def _turn(self, turn: Coroutine[Any, Any, Any], interrupt_after: int | None) -> None:
        interrupting = asyncio.create_task(self._interrupt(interrupt_after))
        try:
            await turn
        finally:
            interrupting.cancel()
        await self._go_on()

    async def _interrupt(self, after: int | None) -> None:
        if after is None:
            return
        for _ in range(after):
            await asyncio.sleep(0)
        # It refuses before the session is there, and where it must not be interrupted.
        with suppress(RuntimeError):
            self._call.interrupt()

    async def _go_on(self) -> None:
        """Leave it to the session whether a model's error ends the call.

        A trial ends there, since there is nothing left to score. A session does not,
        and the caller's next words must find it in order.
        """
        faults = self._call.faults
        if not any(fault.ended and fault.cause == "model_raised" for fault in faults):
            return
        faults[:] = [
            replace(fault, ended=False) if fault.cause == "model_raised" else fault
            for fault in faults
        ]
        # `run` raises before all is quiet.
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.turn_s):
                await quiet(self._call.session)


def _read(items: list[Any]) -> tuple[ContextItem, ...]:
    """Say what an agent's model would see, without the prompts."""
    return tuple(
        ContextItem(
            id=item.id,
            type=item.type,
            name=getattr(item, _NAMES[item.type]),
            text=getattr(item, _TEXTS[item.type]) or "",
        )
        for item in items
        if item.type in _NAMES and not item.id.startswith(_PROMPTS)
    )

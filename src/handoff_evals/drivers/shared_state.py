"""What all conversations of a process share, and an agent's code may set: nothing of it leaks.

LiveKit gives each job a process of its own. Here many conversations run in one, so what a factory
or an entry point sets in modules, in classes or in the environment would be seen by all of them.
The first conversation of an agent opens alone. Where it sets such a thing, each of its
conversations runs alone, and all is put back after it.
"""

import asyncio
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from handoff_evals.livekit import AgentEntry, allow_construction
from handoff_evals.user_code import is_user_file

_MISSING = object()
_NAMED = 5
_DEEPEST = 4
# Where agents look up what LiveKit has, and where a test would replace it.
_LIVEKITS = ("livekit.agents", "livekit.agents.inference", "livekit.agents.llm")


class ProcessState:
    """The environment, the globals of the user's modules, and the attributes of their classes.

    With them go the modules and classes that the user's modules name, and what dictionaries in the
    user's globals hold.
    """

    def __init__(self) -> None:
        self._environment = dict(os.environ)
        self._names = {id(owner): (owner, where, _attributes(owner)) for owner, where in _owners()}
        self._contents = dict(_containers(self._names.values()))

    def changes(self) -> list[str]:
        """What is different now, by its name, as `shop.MODEL` or `os.environ['CITY']`."""
        found = [f"os.environ[{name!r}]" for name, _ in _differing(self._environment, os.environ)]
        for owner, where, before in self._names.values():
            now = _attributes(owner)
            found += [f"{where}.{name}" for name, _ in _differing(before, now)]
        found += [
            where for _, where, content in self._contents.values() if not _same_content(*content)
        ]
        return list(dict.fromkeys(found))

    def take(self) -> "OwnState":
        """Take away what is different now, and put everything back as it was."""
        own = OwnState()
        for name, _ in _differing(self._environment, os.environ):
            own.environment[name] = os.environ.get(name)
        for owner, _, before in self._names.values():
            now = _attributes(owner)
            own.names += [(owner, n, now.get(n, _MISSING)) for n, _ in _differing(before, now)]
        for container, _, (_, content) in self._contents.values():
            if not _same_content(container, content):
                own.contents.append((container, container.copy()))
        self.restore()
        return own

    def restore(self) -> None:
        """Put everything back as it was."""
        for name, value in _differing(self._environment, os.environ):
            if value is _MISSING:
                del os.environ[name]
            else:
                os.environ[name] = value
        for owner, _, before in self._names.values():
            for name, value in _differing(before, _attributes(owner)):
                if value is _MISSING:
                    delattr(owner, name)
                else:
                    setattr(owner, name, value)
        for _, _, (container, content) in self._contents.values():
            if not _same_content(container, content):
                container.clear()
                container.update(content)


@dataclass(kw_only=True)
class OwnState:
    """What one conversation set, while another one has its turn."""

    environment: dict[str, str | None] = field(default_factory=dict)
    names: list[tuple[Any, str, Any]] = field(default_factory=list)
    contents: list[tuple[dict[Any, Any], dict[Any, Any]]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.environment or self.names or self.contents)

    def put(self) -> None:
        """Set it again."""
        for name, text in self.environment.items():
            if text is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = text
        for owner, name, value in self.names:
            if value is not _MISSING:
                setattr(owner, name, value)
            elif name in vars(owner):
                delattr(owner, name)
        for container, content in self.contents:
            container.clear()
            container.update(content)


def _owners() -> Iterator[tuple[Any, str]]:
    """The modules and classes to look at, with their names; the user's come first."""
    users = [
        module
        for module in list(sys.modules.values())
        if is_user_file(getattr(module, "__file__", None) or "<")
    ]
    named = [each for module in users for each in list(vars(module).values())]
    found = [each for each in named if isinstance(each, ModuleType | type)]
    livekits = [sys.modules[name] for name in _LIVEKITS if name in sys.modules]
    for each in [*users, *found, *livekits]:
        if isinstance(each, ModuleType):
            yield each, each.__name__
        elif not each.__flags__ & _IMMUTABLE:
            yield each, f"{each.__module__}.{each.__qualname__}"


_IMMUTABLE = 1 << 8
"""CPython's flag of a type whose attributes can't be set."""


def _attributes(owner: Any) -> dict[str, Any]:
    """By name, without what Python and libraries keep there for themselves.

    Of a library's own only what it defines counts: functions, classes and constants that
    somebody replaced, and not what a library keeps of its work.
    """
    is_users = is_user_file(_file_of(owner))
    return {
        # A model's `chat` is replaced by each call's own doing.
        name: vars(value).get("stands_before", value) if isinstance(value, FunctionType) else value
        for name, value in list(vars(owner).items())
        if name == "__init__"
        or (
            not name.startswith("__")
            and not (isinstance(value, ModuleType) or name.startswith("_abc_"))
            and (is_users or callable(value) or isinstance(value, staticmethod | classmethod))
        )
    }


def _file_of(owner: Any) -> str:
    module = owner if isinstance(owner, ModuleType) else sys.modules.get(owner.__module__)
    return getattr(module, "__file__", None) or "<"


_Content = tuple[dict[Any, Any], str, tuple[dict[Any, Any], dict[Any, Any]]]


def _containers(
    names: Iterable[tuple[Any, str, Mapping[str, Any]]],
) -> Iterator[tuple[int, _Content]]:
    """The dictionaries in the user's globals, each with a copy of what it holds.

    A list that grows is mostly a record that somebody reads when all is over.
    """
    for owner, where, attributes in names:
        if is_user_file(_file_of(owner)):
            for name, value in attributes.items():
                yield from _held(value, f"{where}.{name}", depth=0)


def _held(value: Any, where: str, *, depth: int) -> Iterator[tuple[int, _Content]]:
    if type(value) is dict and depth < _DEEPEST:
        yield id(value), (value, where, (value, value.copy()))
        for each in value.values():
            yield from _held(each, where, depth=depth + 1)


def _same_content(now: Mapping[Any, Any], before: Mapping[Any, Any]) -> bool:
    return len(now) == len(before) and all(
        now.get(key, _MISSING) is value for key, value in before.items()
    )


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The names that differ, each with its value before."""
    found = [(name, old) for name, old in before.items() if now.get(name, _MISSING) is not old]
    return [
        *((name, old) for name, old in found if not _equal_texts(old, now.get(name))),
        *((name, _MISSING) for name in now if name not in before),
    ]


def _equal_texts(a: Any, b: Any) -> bool:
    """`os.environ` makes its texts anew each time."""
    return isinstance(a, str) and a == b


_SETS: "WeakKeyDictionary[Callable[..., Any], tuple[str, ...]]" = WeakKeyDictionary()
"""What opening an agent sets, by the code that is called to open it."""


@dataclass(kw_only=True)
class Access:
    """The time in which one conversation runs."""

    code: Callable[..., Any]
    before: ProcessState | None
    """Of the process before a conversation that runs alone."""
    share: Callable[[], None]
    note: str = ""

    def opened(self) -> None:
        """Let others run too, unless what was opened would be theirs as well."""
        if self.before is None or self.code in _SETS:
            return
        _SETS[self.code] = found = tuple(self.before.changes())
        if not found:
            self.before = None
            self.share()


@contextmanager
def process_settings() -> Iterator[None]:
    """Put back, after a conversation, what a tool may set of the process as a whole."""
    folder, limit = os.getcwd(), sys.getrecursionlimit()  # noqa: PTH109 - a string for os.chdir
    try:
        yield
    finally:
        if sys.getrecursionlimit() != limit:
            sys.setrecursionlimit(limit)
        os.chdir(folder)


@asynccontextmanager
async def turn_of(entry: AgentEntry) -> AsyncIterator[Access]:
    """Wait until a conversation with the agent may run."""
    allow_construction()  # what the harness itself sets is no conversation's
    gate = _gate()
    alone = _SETS.get(entry.code) != ()
    await gate.enter(alone=alone)
    if alone and _SETS.get(entry.code) == ():
        gate.share()
        alone = False
    turn = Access(code=entry.code, before=ProcessState() if alone else None, share=gate.share)
    try:
        yield turn
    finally:
        if turn.before is not None:
            turn.before.restore()
        gate.leave(alone=turn.before is not None)


def note_of(entry: AgentEntry) -> str:
    """What a reader has to know of how the agent's conversations were run; empty if nothing."""
    names = _SETS.get(entry.code)
    if not names or not _gate().has_queued:
        return ""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (
        f"conversations with {entry.name} ran one at a time: opening it sets "
        f"{', '.join(names[:_NAMED])}{more}, which all conversations of a process share. It was "
        "put back after each. To run several at once, give agents what they need as arguments, or "
        "in the session's userdata"
    )


class Turns:
    """The turns of calls that one test has open at the same time.

    What the opening of a call set in the process is in force in its own turns only.
    """

    def __init__(self) -> None:
        self._own: dict[int, OwnState] = {}
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def opening(self, call: object) -> AsyncIterator[None]:
        """While a call is opened."""
        async with self._lock:
            allow_construction()
            before = ProcessState()
            try:
                yield
            finally:
                if before.changes():
                    self._own[id(call)] = before.take()

    @asynccontextmanager
    async def of(self, call: object) -> AsyncIterator[None]:
        """While a call has a turn, or is closed."""
        own = self._own.get(id(call))
        if not self._own:
            yield
            return
        async with self._lock:
            if own is None:
                yield
                return
            before = ProcessState()
            own.put()
            try:
                yield
            finally:
                self._own[id(call)] = before.take()


class _Gate:
    """Lets in many conversations, or one that is alone, in the order in which they came."""

    def __init__(self) -> None:
        self._inside = 0
        self._is_alone = False
        self.has_queued = False
        """Whether a conversation had to wait for another one."""
        self._waiting: deque[tuple[asyncio.Future[None], bool]] = deque()

    async def enter(self, *, alone: bool) -> None:
        """Wait for one's turn."""
        admitted = asyncio.get_running_loop().create_future()
        self._waiting.append((admitted, alone))
        self._admit()
        self.has_queued |= not admitted.done()
        try:
            await admitted
        except asyncio.CancelledError:
            if admitted.done() and not admitted.cancelled():
                self.leave(alone=alone)
            else:
                self._waiting = deque(each for each in self._waiting if each[0] is not admitted)
                self._admit()
            raise

    def share(self) -> None:
        """Let others in, having been alone."""
        self._is_alone = False
        self._admit()

    def leave(self, *, alone: bool) -> None:
        """Make room."""
        self._inside -= 1
        if alone:
            self._is_alone = False
        self._admit()

    def _admit(self) -> None:
        while self._waiting and not self._is_alone:
            admitted, alone = self._waiting[0]
            if alone and self._inside:
                return
            self._waiting.popleft()
            if admitted.cancelled():
                continue
            self._inside += 1
            self._is_alone = alone
            admitted.set_result(None)


_GATES: "WeakKeyDictionary[asyncio.AbstractEventLoop, _Gate]" = WeakKeyDictionary()


def _gate() -> _Gate:
    return _GATES.setdefault(asyncio.get_running_loop(), _Gate())

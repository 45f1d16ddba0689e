"""Sees from a thread of its own when code of the agents blocks an event loop, and interrupts it.

A tool that never awaits (`while True`, `time.sleep(600)`) stops every conversation of its event
loop, and all deadlines too. So a thread asks each loop that runs conversations whether it still
goes round. Where one has not for as long as a turn may take, the code that blocks it gets a
`LoopBlockedError`, which names it. What ignores even that is told to `when_stuck`.

While conversations run, `os._exit` and its like raise in this process, as `sys.exit` does: they
would end the command without a word, and some of them with exit code 0.
"""

import asyncio
import ctypes
import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from handoff_evals.user_code import is_user_file

_SIGNAL = signal.SIGRTMIN + 9
_TICK_S = 0.5
_AGAIN_S = 1.0
_TRIES = 3
"""How often blocking code is interrupted before it is given up."""
_LOCKED_S = 10.0
_STDERR = 2
_DEBUGGERS = ("pdb.py", "bdb.py", "pydevd.py")


class LoopBlockedError(BaseException):
    """The event loop stood still in code of the agents; the message names the code."""

    def __init__(self, message: str = "the event loop stood still") -> None:
        super().__init__(message)


@dataclass(kw_only=True)
class _Guest:
    """One conversation that is watched, and the seconds for which it blocked its loop."""

    seconds: float
    blocked_s: float = 0.0


@dataclass(kw_only=True)
class _Watch:
    """One event loop."""

    loop: asyncio.AbstractEventLoop
    thread: int
    guests: list[_Guest] = field(default_factory=list)
    answered: bool = True
    silent_s: float = 0.0
    """For how long it has not answered."""
    tries: int = 0
    guilty: _Guest | None = None
    stood_still_s: float = 0.0
    """Seconds in which it was blocked until it was interrupted, all in all."""

    @property
    def limit_s(self) -> float:
        return min((guest.seconds for guest in list(self.guests)), default=_TICK_S)

    def answer(self) -> None:
        """Say that the loop goes round; the loop calls it."""
        if self.tries:
            self.stood_still_s += self.silent_s
        if self.guilty is not None:
            self.guilty.blocked_s += self.silent_s
        self.answered, self.silent_s, self.tries, self.guilty = True, 0.0, 0, None

    def look(self, elapsed_s: float) -> None:
        """See whether the loop has answered, and ask it again."""
        if self.answered:
            self.answered = False
            try:
                self.loop.call_soon_threadsafe(self.answer)
            except RuntimeError:  # it is closed
                _WATCHES.pop(self.loop, None)
            return
        self.silent_s += elapsed_s
        if self.silent_s < self.limit_s + self.tries * _AGAIN_S or self._is_debugged():
            return
        self.tries += 1
        if self.tries <= _TRIES:
            self._interrupt()
        elif self.tries == _TRIES + 1 and _STUCK:
            _STUCK[-1](self.words(sys._current_frames().get(self.thread)))  # noqa: SLF001 - documented, for debuggers

    def words(self, frame: FrameType | None) -> str:
        """What blocks it, in a sentence."""
        stack = _users_lines(frame)
        where = f" in {' > '.join(stack)}" if stack else ""
        return (
            f"the event loop stood still for {self.silent_s:.0f} s{where}, and with it every other "
            "conversation: await there, as by asyncio.sleep() or asyncio.to_thread()"
        )

    def _interrupt(self) -> None:
        if self.thread == threading.main_thread().ident:
            signal.pthread_kill(self.thread, _SIGNAL)
        else:
            kind = ctypes.py_object(LoopBlockedError)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.thread), kind)

    def _is_debugged(self) -> bool:
        frame = sys._current_frames().get(self.thread)  # noqa: SLF001 - as above
        while frame is not None:
            if Path(frame.f_code.co_filename).name in _DEBUGGERS:
                return True
            frame = frame.f_back
        return False


_WATCHES: dict[asyncio.AbstractEventLoop, _Watch] = {}
_STUCK: list[Callable[[str], None]] = []
_GUEST: ContextVar[_Guest | None] = ContextVar("handoff_evals_watched", default=None)
_WAKE = threading.Event()


@contextmanager
def watched(seconds: float) -> Iterator[None]:
    """Have the running event loop watched, while a conversation runs in the current context.

    Args:
        seconds: for how long the loop may stand still.
    """
    if _GUEST.get() is not None:
        yield  # a part of a conversation that is watched
        return
    loop = asyncio.get_running_loop()
    watch = _WATCHES.get(loop)
    if watch is None:
        watch = _WATCHES[loop] = _Watch(loop=loop, thread=threading.get_ident())
        _start()
    guest = _Guest(seconds=seconds)
    watch.guests.append(guest)
    token = _GUEST.set(guest)
    _WAKE.set()
    try:
        yield
    finally:
        _GUEST.reset(token)
        watch.guests = [each for each in watch.guests if each is not guest]
        if not watch.guests:
            _WATCHES.pop(loop, None)


def stood_still_s() -> float:
    """For how many seconds others have blocked the running loop: time that is nobody else's.

    Of whoever blocked it, the conversation of the current context, none counts.
    """
    watch = _WATCHES.get(asyncio.get_running_loop())
    guest = _GUEST.get()
    if watch is None:
        return 0.0
    return watch.stood_still_s - (0.0 if guest is None else guest.blocked_s)


@contextmanager
def when_stuck(told: Callable[[str], None]) -> Iterator[None]:
    """Have a loop told, in a sentence, that nothing could interrupt.

    Args:
        told: called on another thread than the loop's; it should end the process.
    """
    _STUCK.append(told)
    try:
        yield
    finally:
        _STUCK.remove(told)


def blocked_in() -> str:
    """Where the main thread is, the user's lines only; empty where it is in none of them."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)  # noqa: SLF001 - as above
    return " > ".join(_users_lines(frame))


def _users_lines(frame: FrameType | None) -> Sequence[str]:
    """The user's lines of a stack as far as the event loop, innermost last."""
    found = []
    while frame is not None and frame.f_code is not _HANDLE:
        code = frame.f_code
        if is_user_file(code.co_filename):
            found.append(f"{code.co_name} ({Path(code.co_filename).name}, line {frame.f_lineno})")
        frame = frame.f_back
    return found[::-1]


_HANDLE = asyncio.Handle._run.__code__  # noqa: SLF001 - what an event loop calls each callback by


def _raise_in_loop(_number: int, frame: FrameType | None) -> None:
    """Interrupt what blocks the loop of the main thread; a signal's handler."""
    watch = next((each for each in _WATCHES.values() if not each.answered and each.tries), None)
    # By now it may have gone on, and then it would be the harness that is interrupted.
    if watch is None or not _users_lines(frame):
        return
    watch.guilty = _GUEST.get()
    raise LoopBlockedError(watch.words(frame))


def _start() -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(_SIGNAL, _raise_in_loop)
    if not any(thread.name == _NAME for thread in threading.enumerate()):
        threading.Thread(target=_watch, name=_NAME, daemon=True).start()


_NAME = "handoff-evals watchdog"


def _watch() -> None:
    last, armed = time.monotonic(), False
    while True:
        if not (_WATCHES or armed):
            _WAKE.wait()
        _WAKE.clear()
        limits = [watch.limit_s for watch in list(_WATCHES.values())]
        tick = min([_TICK_S, *(limit / 4 for limit in limits)])
        time.sleep(tick)
        now = time.monotonic()
        if _STUCK and limits:
            # What keeps the interpreter's lock, as a regular expression, stops this thread as
            # well: then the interpreter itself prints the stack, and ends the process with 1.
            faulthandler.dump_traceback_later(min(limits) + _LOCKED_S, exit=True, file=_STDERR)
            armed = True
        elif armed:
            faulthandler.cancel_dump_traceback_later()
            armed = False
        # A process that was stopped meanwhile has blocked nothing.
        elapsed, last = min(now - last, 2 * tick), now
        for watch in list(_WATCHES.values()):
            watch.look(elapsed)


def _after_fork() -> None:
    """In a child that a tool has forked, no conversation goes on: its loop ends the process."""
    for loop in list(_WATCHES):
        selector: Any = getattr(loop, "_selector", None)
        if selector is not None:
            selector.select = lambda _timeout=None: _REAL["_exit"](_FORKED)
    _WATCHES.clear()


_FORKED = 70
os.register_at_fork(after_in_child=_after_fork)


def _refusing(name: str) -> Callable[..., Any]:
    real = _REAL[name]

    def refuse(*given: Any) -> Any:
        if _WATCHES and (name != "kill" or _ends_this(*given)):
            shown = ", ".join(map(repr, given))
            raise SystemExit(f"os.{name}({shown})")
        return real(*given)

    refuse.__name__ = name
    return refuse


def _ends_this(process: int, number: int) -> bool:
    """Whether a signal would end this process, or the one that started it."""
    return process in {os.getpid(), os.getppid(), 0, -1} and number in _ENDING


_ENDING = frozenset(
    {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGABRT, signal.SIGHUP}
)


def end_process(code: int) -> None:
    """End the process at once, whatever its threads do; what was printed stays printed."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
    _REAL["_exit"](code)


_REAL: dict[str, Callable[..., Any]] = {
    name: getattr(os, name) for name in ("_exit", "execv", "execve", "kill")
}
for _each in _REAL:
    setattr(os, _each, _refusing(_each))

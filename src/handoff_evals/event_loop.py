"""An event loop that comes to an end, whatever code of the agents does in it.

`asyncio.run` waits for tasks that ignore their cancellation and for threads that never end, and
an exit or a `loop.stop()` in a callback ends everything that runs in it.
"""

import asyncio
import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TypeVar

from handoff_evals.terminal import echo
from handoff_evals.user_code import as_error
from handoff_evals.watchdog import end_process

_Result = TypeVar("_Result")
_CLEAR_S = 2.0
"""How long what is left may take to end, once the work is done."""
_STDERR = 2
STOP_S = 5.0
"""After so many seconds of Ctrl-C `stuck` is called."""


def run_to_end(
    work: Coroutine[Any, Any, _Result], *, stuck: Callable[[], None] = lambda: None
) -> _Result:
    """Run a coroutine as `asyncio.run` does, and return once it is done.

    Tasks and threads that are left get two seconds and are then let go. An exit that a callback
    asks for and a stop of the loop are ignored. The first Ctrl-C cancels the work.

    Args:
        work: what to do.
        stuck: called on a thread of its own where the work has not ended five seconds after
            Ctrl-C.

    Raises:
        KeyboardInterrupt: after Ctrl-C, once the work has ended; at once on the second one.
    """
    loop = asyncio.new_event_loop()
    threads = ThreadPoolExecutor(thread_name_prefix="asyncio")
    loop.set_default_executor(threads)
    folder = _folder()
    task = loop.create_task(work)
    try:
        with _cancelled_by_ctrl_c(loop, task, stuck) as asked:
            while not task.done():
                _go_round(loop, task)
            if asked and task.cancelled():
                raise KeyboardInterrupt
            return task.result()
    finally:
        _clear(loop)
        threads.shutdown(wait=False, cancel_futures=True)
        with suppress(OSError):  # an agent may have closed its files
            loop.close()
        if folder is not None:
            os.chdir(folder)


def _go_round(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[Any]") -> None:
    """Run the loop until the task is done, or until code of the agents stops it.

    Raises:
        Exception: what broke the loop, as a selector that was closed.
    """
    try:
        loop.run_until_complete(task)
    except BaseException as error:
        if task.done():
            return  # whoever asks for its result gets the error
        if isinstance(error, RuntimeError) and "stopped before Future completed" in str(error):
            return
        if isinstance(error, Exception) or as_error(error) is None:
            raise
        words = f"code of the agents raised {type(error).__name__}({error}) in a callback"
        echo(f"ignored: {words}", err=True)


@contextmanager
def _cancelled_by_ctrl_c(
    loop: asyncio.AbstractEventLoop, task: "asyncio.Task[Any]", stuck: Callable[[], None]
) -> Iterator[list[None]]:
    """Cancel the task at the first Ctrl-C, as `asyncio.run` does.

    Yields:
        Something in it once there was one.
    """
    asked: list[None] = []
    timer = threading.Timer(STOP_S, stuck)
    timer.daemon = True

    def stop(_number: int, _frame: FrameType | None) -> None:
        asked.append(None)
        if len(asked) > 1 or task.done():
            raise KeyboardInterrupt
        timer.start()
        # What keeps the interpreter's lock stops the timer's thread as well.
        faulthandler.dump_traceback_later(2 * STOP_S, exit=True, file=_STDERR)
        task.cancel()
        loop.call_soon_threadsafe(lambda: None)  # it may wait for its next timer

    before = _ends_in_order() if threading.current_thread() is threading.main_thread() else {}
    for number in before:
        signal.signal(number, stop)
    try:
        yield asked
    finally:
        timer.cancel()
        if asked:
            faulthandler.cancel_dump_traceback_later()
        for number, handler in before.items():
            signal.signal(number, handler)


def _ends_in_order() -> dict[signal.Signals, Any]:
    """The signals that interrupt this process, with their handlers."""
    found: dict[signal.Signals, Any] = {}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        found[signal.SIGINT] = signal.default_int_handler
    if callable(terminated := signal.getsignal(signal.SIGTERM)):
        found[signal.SIGTERM] = terminated
    return found


def _clear(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what is left, and let it go where it does not end."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    with suppress(Exception):
        loop.call_soon(loop.stop)
        loop.run_forever()  # one round: a stop that was asked for is over after it
        _go_round(loop, loop.create_task(_ended(loop, left)))
    for task in left:
        if task.done() and not task.cancelled():
            task.exception()  # asked for, so that asyncio does not report it as lost
        elif not task.done():
            _ABANDONED.append(task)  # or it would be torn down where it can't be awaited
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 - as asyncio itself does


async def _ended(loop: asyncio.AbstractEventLoop, tasks: set["asyncio.Task[Any]"]) -> None:
    if tasks:
        await asyncio.wait(tasks, timeout=_CLEAR_S)
    await asyncio.wait({asyncio.ensure_future(loop.shutdown_asyncgens())}, timeout=_CLEAR_S)


_ABANDONED: list[asyncio.Task[Any]] = []


def _folder() -> str | None:
    with suppress(OSError):  # it may have been removed
        return os.getcwd()  # noqa: PTH109 - a string for os.chdir
    return None


def exit_with(code: int) -> None:
    """Exit, also where threads of the agents never end."""
    others = [
        thread
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and not thread.daemon
    ]
    with suppress(KeyboardInterrupt):
        for thread in others:
            thread.join(_CLEAR_S / len(others))
    if _ABANDONED or any(thread.is_alive() for thread in others):
        end_process(code)
    sys.exit(code)

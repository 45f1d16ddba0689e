"""An exit that user code asks for is told from a real Ctrl-C, and the user's lines from others."""

import asyncio
import importlib
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from handoff_evals.user_code import (
    ExitError,
    GuardedCoroutine,
    as_error,
    imported_anew,
    is_user_file,
    last_user_line,
    original,
    users_stack,
)


class OddError(BaseException):
    """Of no usual kind."""


def raised_by(code: Callable[[], object]) -> BaseException:
    try:
        code()
    except BaseException as error:  # noqa: BLE001 - it is what is tested
        return error
    raise AssertionError("it did not raise")


def interrupts() -> None:
    raise KeyboardInterrupt


def odd() -> None:
    raise OddError


def ctrl_c() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("code", [sys.exit, interrupts, odd])
def test_an_exit_becomes_an_ordinary_error(code: Callable[[], object]) -> None:
    error = raised_by(code)
    made = as_error(error)

    assert isinstance(made, ExitError)
    assert original(made) is error


def test_a_real_ctrl_c_stays_one() -> None:
    assert as_error(raised_by(ctrl_c)) is None


@pytest.mark.parametrize("error", [asyncio.CancelledError(), GeneratorExit()])
def test_a_cancellation_stays_one(error: BaseException) -> None:
    assert as_error(error) is None


def test_an_ordinary_error_stays_as_it_is() -> None:
    error = ValueError()
    assert as_error(error) is error


def test_the_last_line_of_the_users_is_named() -> None:
    line = odd.__code__.co_firstlineno + 1
    assert last_user_line(raised_by(odd)) == f" (test_user_code.py, line {line})"
    assert last_user_line(ValueError()) == ""


async def test_a_guarded_task_ends_with_the_error_in_place_of_the_exit() -> None:
    async def leaves() -> None:
        await asyncio.sleep(0)
        sys.exit(0)

    task = asyncio.create_task(GuardedCoroutine(leaves()))
    with pytest.raises(ExitError, match="SystemExit: 0"):
        await task


async def test_a_task_tells_the_users_lines_where_it_waits() -> None:
    async def chunks() -> AsyncIterator[int]:
        await asyncio.Event().wait()
        yield 1

    async def reads() -> None:
        async for _ in chunks():
            pass

    task = asyncio.create_task(GuardedCoroutine(reads()))
    await asyncio.sleep(0)
    stack = users_stack(task)
    task.cancel()

    assert [line.partition(" ")[0] for line in stack] == ["reads", "chunks"]


def test_a_projects_modules_are_imported_anew_and_those_from_before_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "drawn_anew.py").write_text("import json\nvalue = object()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = importlib.import_module("drawn_anew")
    try:
        with imported_anew(tmp_path):
            again = importlib.import_module("drawn_anew")
            assert again.value is not before.value
            assert again.json is before.json
        assert sys.modules["drawn_anew"] is before
    finally:
        del sys.modules["drawn_anew"]


@pytest.mark.parametrize("folder", ["site-packages", "dist-packages"])
def test_packages_of_another_environment_are_not_the_users(tmp_path: Path, folder: str) -> None:
    assert not is_user_file(str(tmp_path / "lib" / folder / "openai" / "types.py"))
    assert is_user_file(str(tmp_path / "lib" / "types.py"))

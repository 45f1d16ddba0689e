import logging
from contextvars import copy_context

import pytest
from livekit.agents import APIConnectionError

from handoff_evals.livekit import listen
from handoff_evals.transcript import AgentError

logger = logging.getLogger("livekit.agents")


def log(message: str, error: Exception | None = None) -> None:
    if error is None:
        logger.error(message)
        return
    try:
        raise error
    except type(error):
        logger.exception(message)


def heard(message: str, error: Exception | None = None) -> list[AgentError]:
    found: list[AgentError] = []
    context = copy_context()
    context.run(listen, found.append)
    context.run(log, message, error)
    return found


@pytest.mark.parametrize(
    ("message", "where"),
    [
        ("exception occurred while executing tool", "tool"),
        ("Error in _traceable_on_enter", "on_enter"),
        ("Error in _traceable_on_exit", "on_exit"),
        ("something that livekit will say one day", "session"),
    ],
)
def test_an_exception_is_told_apart_by_what_livekit_says_of_it(message: str, where: str) -> None:
    (error,) = heard(message, ValueError("no database"))

    assert (error.where, error.message) == (where, "ValueError: no database")
    assert error.traceback.startswith("Traceback")
    assert error.traceback.endswith("ValueError: no database\n")


def test_an_error_without_an_exception_is_told_in_livekits_words() -> None:
    message = "expected to receive only one AgentTask from the tool executions"
    (error,) = heard(message)

    assert (error.where, error.message, error.traceback) == ("dropped_handoff", message, "")


@pytest.mark.parametrize(
    "message", ["Error in _some_task_around_it", "error in on_enter task of agent asks"]
)
def test_what_is_logged_again_by_the_tasks_around_it_is_one_error(message: str) -> None:
    assert heard(message, ValueError("no database")) == []


def test_errors_of_the_models_api_are_left_to_the_tap() -> None:
    assert heard("exception occurred while executing tool", APIConnectionError()) == []


def test_what_no_conversation_logs_is_nobodys() -> None:
    found: list[AgentError] = []
    copy_context().run(listen, found.append)

    log("exception occurred while executing tool", ValueError("of somebody else"))

    assert found == []


def test_conversations_hear_their_own_errors_only() -> None:
    one: list[AgentError] = []
    other: list[AgentError] = []
    mine, theirs = copy_context(), copy_context()
    mine.run(listen, one.append)
    theirs.run(listen, other.append)

    mine.run(log, "first")
    theirs.run(log, "second")

    assert [error.message for error in one] == ["first"]
    assert [error.message for error in other] == ["second"]


def test_warnings_are_no_errors() -> None:
    found: list[AgentError] = []
    context = copy_context()
    context.run(listen, found.append)
    context.run(logger.warning, "careful")

    assert found == []


def test_a_logger_that_was_silenced_is_heard_all_the_same() -> None:
    level = logger.level
    try:
        logger.setLevel(logging.CRITICAL + 1)
        assert [error.message for error in heard("important")] == ["important"]
    finally:
        logger.setLevel(level)

"""What goes wrong in the agents' code is known whatever is done to the log."""

import logging
from contextvars import copy_context

import pytest
from livekit.agents import APIConnectionError

from handoff_evals.livekit import AgentErrors, listen_to_log
from handoff_evals.transcript import AgentError

logger = logging.getLogger("livekit.agents")


def errors(*failures: BaseException) -> AgentErrors:
    listen_to_log()
    return AgentErrors(
        failures=lambda: failures,
        closing=lambda: False,
        turn=lambda: 0,
        on_exit=lambda: None,
    )


def log(message: str, error: BaseException | None = None) -> None:
    if error is None:
        logger.error(message)
        return
    try:
        raise error
    except type(error):
        logger.exception(message)


def logged(
    message: str, error: BaseException | None = None, *failures: BaseException
) -> list[AgentError]:
    found = errors(*failures)
    context = copy_context()
    context.run(found.enter)
    context.run(log, message, error)
    return [noted.error for noted in found.take()]


@pytest.mark.parametrize(
    ("message", "where"),
    [
        ("exception occurred while executing tool", "tool"),
        ("Error in _traceable_on_enter", "on_enter"),
        ("Error in _traceable_on_exit", "on_exit"),
        ("Error in _llm_inference_task", "llm_node"),
        ("something that livekit will say one day", "session"),
    ],
)
def test_a_logged_exception_is_named_by_what_livekit_says_of_it(message: str, where: str) -> None:
    (error,) = logged(message, ValueError("no database"))

    assert (error.where, error.message) == (where, "ValueError: no database")
    assert error.traceback.startswith("Traceback")
    assert error.traceback.endswith("ValueError: no database\n")


def test_an_error_without_an_exception_keeps_livekits_words() -> None:
    message = "expected to receive only one AgentTask from the tool executions"
    (error,) = logged(message)

    assert (error.where, error.message, error.traceback) == ("dropped_handoff", message, "")


@pytest.mark.parametrize(
    "message", ["Error in _some_task_around_it", "error in on_enter task of agent asks"]
)
def test_what_the_tasks_around_log_again_is_one_error(message: str) -> None:
    assert logged(message, ValueError("no database")) == []


def test_what_two_witnesses_saw_is_one_error() -> None:
    found, error = errors(), ValueError("no database")
    context = copy_context()
    context.run(found.enter)
    context.run(log, "exception occurred while executing tool", error)
    found.raised("tool", error)
    found.note("dropped_handoff", "2 tools of one reply returned an agent each")
    context.run(log, "expected to receive only one AgentTask from the tool executions")

    assert [noted.error.message for noted in found.take()] == [
        "ValueError: no database",
        "2 tools of one reply returned an agent each",
    ]
    assert found.take() == []


def test_an_error_of_the_models_api_is_the_models() -> None:
    failure = APIConnectionError()

    assert logged("exception occurred while executing tool", failure, failure) == []


def test_an_error_of_an_api_that_no_model_of_the_run_raised_is_the_agents() -> None:
    (error,) = logged("exception occurred while executing tool", APIConnectionError())

    assert error.where == "tool"


def test_what_no_conversation_logs_belongs_to_none() -> None:
    found = errors()
    copy_context().run(found.enter)

    log("exception occurred while executing tool", ValueError("of somebody else"))

    assert found.take() == []


def test_each_conversation_takes_in_its_own_errors_only() -> None:
    one, other = errors(), errors()
    here, there = copy_context(), copy_context()
    here.run(one.enter)
    there.run(other.enter)

    here.run(log, "first")
    there.run(log, "second")

    assert [noted.error.message for noted in one.take()] == ["first"]
    assert [noted.error.message for noted in other.take()] == ["second"]


def test_warnings_are_no_errors() -> None:
    found = errors()
    context = copy_context()
    context.run(found.enter)
    context.run(logger.warning, "careful")

    assert found.take() == []

"""Holding random conversations until one of them breaks an invariant."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import run_state_machine_as_test

from handoff_evals.errors import UsageError
from handoff_evals.livekit.trivial import oracle
from handoff_evals.properties.conversation import Conversation
from handoff_evals.properties.failure import BrokenInvariantError
from handoff_evals.properties.invariants import broken
from handoff_evals.properties.machine import RandomCalls
from handoff_evals.properties.scenario_file import scenario_of, written
from handoff_evals.properties.subject import Subject
from handoff_evals.properties.watched import counted
from handoff_evals.scenario import Scenario

BRIEF = settings(
    max_examples=25,
    stateful_step_count=6,  # the opening and five turns
    derandomize=True,
    database=None,
    deadline=None,  # the subject's limits are the deadlines
    phases=(Phase.generate, Phase.shrink),  # explaining takes more runs than finding
    print_blob=False,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
"""A few conversations, the same ones each time: for every run of the tests."""

THOROUGH = settings(BRIEF, max_examples=2000, derandomize=False)
"""Two thousand conversations, others each time."""


def fuzz(subject: Subject, *, how: settings = BRIEF) -> int:
    """Hold random conversations, and print the shortest that breaks an invariant.

    ```python
    def test_whatever_is_said() -> None:
        fuzz(Subject(entry=AgentEntry.load("my_agents:reception"), graph={...}))
    ```

    Args:
        subject: the agent under test, and its graph.
        how: Hypothesis's settings; derive your own from `BRIEF` or `THOROUGH`.

    Returns:
        How many conversations were held.

    Raises:
        UsageError: where an event loop runs.
        BrokenInvariantError: for a conversation that was shrunk; its `file` is the
            scenario file that was printed.
    """
    __tracebackhide__ = True  # a failure is shown where the test asks for it
    with suppress(RuntimeError):
        asyncio.get_running_loop()
        raise UsageError(
            "fuzz holds conversations on event loops of its own: call it from a plain `def` test"
        )
    held = 0

    def machine() -> RandomCalls:
        nonlocal held
        held += 1
        return RandomCalls(subject)

    try:
        with _unheard():
            run_state_machine_as_test(
                machine,  # type: ignore[arg-type]  # any factory will do, says its docstring
                settings=how,
            )
    except BrokenInvariantError as error:
        _print(error, subject)
        # Where in Hypothesis's and our own code it was raised tells a user nothing.
        raise error.with_traceback(None) from None
    except FlakyFailure as flaky:
        for once in flaky.exceptions:
            if isinstance(once, BrokenInvariantError):
                once.add_note("It held when the same was said and done again: the timing decides.")
                _print(once, subject)
                raise once.with_traceback(None) from None
        raise
    return held


def replay(scenario: Scenario, subject: Subject) -> None:
    """Hold a scenario with the oracle, and look at all invariants after each turn.

    Raises:
        BrokenInvariantError: when one is broken.
    """

    async def hold() -> None:
        conversation = Conversation(subject, oracle(scenario))
        try:
            await conversation.open()
            _check(conversation, subject)
            for turn in scenario.turns:
                if conversation.over:
                    break
                await conversation.say(turn.user)
                _check(conversation, subject)
        finally:
            await conversation.close()
        _check(conversation, subject)

    with _unheard(), counted():
        asyncio.run(hold())


def _print(error: BrokenInvariantError, subject: Subject) -> None:
    again = _again(scenario_of(error), subject, error)
    error.file = written(error, agent=subject.entry.name, again=again)
    print(error.file)  # noqa: T201 - captured by pytest, shown where the test fails


def _check(conversation: Conversation, subject: Subject) -> None:
    found = broken(conversation.seen, subject)
    if found is not None:
        raise BrokenInvariantError(*found)


def _again(scenario: Scenario, subject: Subject, error: BrokenInvariantError) -> bool:
    try:
        replay(scenario, subject)
    except BrokenInvariantError as second:
        return second.invariant == error.invariant
    return False


@contextmanager
def _unheard() -> Iterator[None]:
    """Keep livekit's log of thousands of provoked errors out of the report."""
    logger = logging.getLogger("livekit.agents")
    before = logger.propagate
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = before

"""Random conversations, until one of them breaks an invariant."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from handoff_evals.display import visible
from handoff_evals.errors import UsageError
from handoff_evals.fuzzing.broken_scenario import scenario_of, written
from handoff_evals.fuzzing.random_model import (
    RANDOM_MOVES,
    BrokenInvariantError,
    MovingModel,
    PlayedTurn,
    RandomMove,
)
from handoff_evals.fuzzing.subject import Subject, broken
from handoff_evals.fuzzing.taken import FuzzReport, ShrinkingTimeOver, Tally
from handoff_evals.fuzzing.watched import Conversation, counted
from handoff_evals.models import OracleLLM
from handoff_evals.scenarios import Scenario

# Rounds of the event loop: a plain turn takes some 40 of them, one with a handoff up to 100.
_INTERRUPTIONS = st.none() | st.none() | st.integers(1, 100)
# A model may err for ever, but a turn must end: then it has words only.
_MOVES = st.lists(RANDOM_MOVES, max_size=5)
_USER = st.sampled_from(
    [
        "Hello.",
        "Yes.",
        "No, wait.",
        "I need somebody else.",
        "Können Sie das bitte wiederholen?",
        "I have 3 questions: the bill, the line, and who I can complain to.",
    ]
)


class RandomCalls(RuleBasedStateMachine):
    """One conversation: the opening, then turns; all invariants are looked at after each."""

    def __init__(self, subject: Subject, tally: Tally) -> None:
        super().__init__()
        self._subject = subject
        self._tally = tally
        self._model = MovingModel(subject.values)
        self._turns: list[PlayedTurn] = []
        self._sound = True
        self._stack = ExitStack()
        self._stack.enter_context(counted())
        self._runner = self._stack.enter_context(asyncio.Runner())
        self._conversation = Conversation(subject, self._model.port())

    @initialize(moves=_MOVES, interrupt_after=_INTERRUPTIONS)
    def open(self, moves: list[RandomMove], interrupt_after: int | None) -> None:
        """Take the call and hear the greeting."""
        self._run(None, moves, interrupt_after)

    @rule(text=_USER, moves=_MOVES, interrupt_after=_INTERRUPTIONS)
    def say(self, text: str, moves: list[RandomMove], interrupt_after: int | None) -> None:
        """Have the caller say something, and the model do something about it."""
        if not self._conversation.over:
            self._run(text, moves, interrupt_after)

    def teardown(self) -> None:
        """Hang up, which must not take for ever either."""
        with self._stack:
            self._runner.run(self._conversation.close())
        if self._sound:
            self._check()
        self._tally.add(
            self._conversation.seen.activations,
            offered=[
                name for turn in self._turns for each in turn.answers for name in each.offered
            ],
            run=self._conversation.tools_run,
        )

    def _run(self, text: str | None, moves: list[RandomMove], interrupt_after: int | None) -> None:
        self._sound = False
        self._model.prepare(moves)
        if text is None:
            turn = self._conversation.open(interrupt_after=interrupt_after)
        else:
            turn = self._conversation.say(text, interrupt_after=interrupt_after)
        self._runner.run(turn)
        self._turns.append(
            PlayedTurn(
                user=text,
                answers=tuple(self._model.answers),
                active=self._conversation.active,
                interrupted_after=interrupt_after,
            )
        )
        self._check()
        self._sound = True

    def _check(self) -> None:
        seen = self._conversation.seen
        found = broken(seen, self._subject)
        if found is not None:
            stray = next(self._subject.strays(seen.activations), None)
            raise self._tally.broke(
                BrokenInvariantError(
                    *found,
                    turns=self._turns,
                    keeps=stray.old.label if stray and stray.old else None,
                )
            )


def fuzz(
    subject: Subject,
    *,
    conversations: int = 25,
    turns: int = 5,
    fresh: bool = False,
    shrink_s: float = 60.0,
    min_share: float = 0.5,
) -> FuzzReport:
    """Run random conversations, and print the shortest that breaks an invariant.

    ```python
    def test_whatever_is_said() -> None:
        fuzz(Subject(entry=AgentEntry.load("my_agents:reception"), graph={...}))
    ```

    Args:
        subject: the agent under test, and its graph.
        conversations: how many, at least.
        turns: the most that a caller says in one of them.
        fresh: whether they are other conversations each time, not always the same.
        shrink_s: for how many seconds to look for the shortest conversation that fails,
            once one has been found; 0 for not at all.
        min_share: the share of the graph's edges, and of the tools that the model was
            offered, below which the conversations say too little.

    Returns:
        How many conversations were run, and which edges and tools they took. It is
        printed, too.

    Raises:
        UsageError: where an event loop runs.
        TooLittleTakenError: when a share is below `min_share`.
        BrokenInvariantError: for the conversation that was found; its `file` is the
            scenario file that was printed.
    """
    __tracebackhide__ = True  # a failure is shown where the test asks for it
    with suppress(RuntimeError):
        asyncio.get_running_loop()
        raise UsageError(
            "fuzz runs conversations on event loops of its own: call it from a plain `def` test"
        )
    tally = Tally(subject, shrink_s=shrink_s)

    def machine() -> RandomCalls:
        tally.begin()
        return RandomCalls(subject, tally)

    how = settings(
        max_examples=conversations,
        stateful_step_count=turns + 1,  # and the opening
        derandomize=not fresh,
        database=None,
        deadline=None,  # the subject's limits are the deadlines
        # Explaining takes more runs than finding.
        phases=(Phase.generate, Phase.shrink) if shrink_s else (Phase.generate,),
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )

    try:
        with _unheard():
            run_state_machine_as_test(
                machine,  # type: ignore[arg-type]  # any factory will do, says its docstring
                settings=how,
            )
    except ShrinkingTimeOver:
        error = tally.shortest
        _print(error, subject)
        raise error.with_traceback(None) from None
    except BrokenInvariantError as error:
        _print(error, subject)
        # Where in Hypothesis's and our own code it was raised tells a user nothing.
        raise error.with_traceback(None) from None
    except FlakyFailure as flaky:
        for once in flaky.exceptions:
            if isinstance(once, BrokenInvariantError):
                once.add_note(
                    "It passed when the same was said and done again: the timing decides."
                )
                _print(once, subject)
                raise once.with_traceback(None) from None
        raise
    report = tally.report
    print(visible(str(report)))  # noqa: T201 - captured by pytest
    report.check(min_share)
    return report


def replay(scenario: Scenario, subject: Subject) -> None:
    """Run a scenario with the oracle, and check all invariants after each turn.

    Raises:
        BrokenInvariantError: when one is broken.
    """

    async def run() -> None:
        conversation = Conversation(subject, OracleLLM(scenario))
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
        asyncio.run(run())


def _print(error: BrokenInvariantError, subject: Subject) -> None:
    again = _again(scenario_of(error), subject, error)
    error.file = written(error, agent=subject.entry.name, again=again)
    print(visible(error.file))  # noqa: T201 - captured by pytest, shown where the test fails


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

"""Random conversations as a Hypothesis state machine."""

import asyncio
from contextlib import ExitStack

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from handoff_evals.properties.conversation import Conversation
from handoff_evals.properties.failure import BrokenInvariantError, Held
from handoff_evals.properties.invariants import broken
from handoff_evals.properties.model import MOVES, Move, MovingModel
from handoff_evals.properties.subject import Subject
from handoff_evals.properties.watched import counted

# Rounds of the event loop: a plain turn takes some 40 of them, one with a handoff up to 100.
_INTERRUPTIONS = st.none() | st.none() | st.integers(1, 100)
# A model may err for ever, but a turn must end: then it has words only.
_MOVES = st.lists(MOVES, max_size=5)
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

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self._subject = subject
        self._model = MovingModel()
        self._turns: list[Held] = []
        self._sound = True
        self._stack = ExitStack()
        self._stack.enter_context(counted())
        self._runner = self._stack.enter_context(asyncio.Runner())
        self._conversation = Conversation(subject, self._model.port())

    @initialize(moves=_MOVES, interrupt_after=_INTERRUPTIONS)
    def open(self, moves: list[Move], interrupt_after: int | None) -> None:
        """Take the call and hear the greeting."""
        self._hold(None, moves, interrupt_after)

    @rule(text=_USER, moves=_MOVES, interrupt_after=_INTERRUPTIONS)
    def say(self, text: str, moves: list[Move], interrupt_after: int | None) -> None:
        """Have the caller say something, and the model do something about it."""
        if not self._conversation.over:
            self._hold(text, moves, interrupt_after)

    def teardown(self) -> None:
        """Hang up, which must not take for ever either."""
        with self._stack:
            self._runner.run(self._conversation.close())
        if self._sound:
            self._check()

    def _hold(self, text: str | None, moves: list[Move], interrupt_after: int | None) -> None:
        self._sound = False
        self._model.prepare(moves)
        if text is None:
            turn = self._conversation.open(interrupt_after=interrupt_after)
        else:
            turn = self._conversation.say(text, interrupt_after=interrupt_after)
        self._runner.run(turn)
        self._turns.append(
            Held(
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
            raise BrokenInvariantError(
                *found,
                turns=self._turns,
                keeps=stray.old.label if stray and stray.old else None,
            )

"""What was said and done in a turn, as the `expect:` of a scenario file has it."""

from collections.abc import Mapping, Sequence
from typing import Any

from handoff_evals.checks import MadeCall, made_calls, to_person
from handoff_evals.errors import UsageError
from handoff_evals.plugin.failure_text import agent_events, failed, turn_name
from handoff_evals.scenarios import ExpectedCall, problems, says
from handoff_evals.transcript import Transcript


class SaidAndDone:
    """Assertions on the whole turn; they leave LiveKit's cursor where it is.

    Args:
        transcript: the conversation up to the end of the turn.
        number: the turn's.
    """

    def __init__(self, transcript: Transcript, number: int) -> None:
        self._conversation = transcript
        self._number = number

    def said(self, *expected: Any) -> None:
        """Require that the caller hears all of this.

        Args:
            expected: words, in any case and spacing, or matchers as in a scenario file:
                `{"pattern": "ord(er|ers)"}`, `{"any_of": ["today", "tomorrow"]}`.

        Raises:
            AssertionError: the caller does not hear one of them.
            UsageError: when one is no words and no matcher.
        """
        __tracebackhide__ = True
        for each in expected:
            if not says(self._words, _sound(each)):
                raise self._wrong(f"expected to hear {each!r}, the caller hears {self._words!r}")

    def lacks(self, *unwanted: Any) -> None:
        """Require that the caller hears none of this; see `said`."""
        __tracebackhide__ = True
        for each in unwanted:
            if says(self._words, _sound(each)):
                raise self._wrong(
                    f"expected not to hear {each!r}, the caller hears {self._words!r}"
                )

    def called(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        loosely: bool = False,
        output: Any = None,
        error: bool | str | None = None,
        times: int = 1,
    ) -> None:
        """Require calls of a tool that were made, and that the tool did not refuse.

        Args:
            name: the tool's.
            arguments: those that it must have got: plain values and matchers.
            loosely: compare them without case and white space, and `"34"` like 34.
            output: what it must have given back: words that are contained, a part of a
                mapping, or a matcher.
            error: True, or words of it, where the tool must refuse.
            times: how many such calls, at least.

        Raises:
            AssertionError: there were fewer such calls.
        """
        __tracebackhide__ = True
        wanted = ExpectedCall(
            name=name,
            arguments=_sound(dict(arguments or {})),
            loosely=loosely,
            output=_sound(output),
            error=error,
        )
        made = made_calls(self._conversation, self._number)
        fitting = [each for each in made if each.fits(wanted)]
        if len(fitting) < times:
            many = "" if times == 1 else f" {times} times"
            raise self._wrong(
                f"expected {wanted.written}{many}, called {_shown(made)}",
                marked=[each.position for each in made],
            )

    def person(self, tool: str | None = None) -> None:
        """Require that the call was transferred to a person.

        Args:
            tool: the name of the tool that does it, where its name does not say so.

        Raises:
            AssertionError: there was no such transfer.
        """
        __tracebackhide__ = True
        if not to_person(self._conversation, self._number, tool=tool):
            by = f" by {tool}" if tool else ""
            made = made_calls(self._conversation, self._number)
            raise self._wrong(f"expected a transfer to a person{by}, called {_shown(made)}")

    @property
    def _words(self) -> str:
        return self._conversation.turns[self._number].said

    def _wrong(self, problem: str, *, marked: Sequence[int] = ()) -> AssertionError:
        return failed(
            self._conversation,
            f"{turn_name(self._number)}: {problem}",
            marked=marked or agent_events(self._conversation, self._number),
        )


def _sound(expected: Any) -> Any:
    if expected == "":
        raise UsageError("'' is in everything: give the words that are meant")
    for problem in problems(expected):
        raise UsageError(problem)
    return expected


def _shown(made: Sequence[MadeCall]) -> str:
    return ", ".join(each.shown for each in made) or "nothing"

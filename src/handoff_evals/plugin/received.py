"""What an agent's model was given: the only place where carried context shows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from handoff_evals.checks import Score
from handoff_evals.errors import UsageError
from handoff_evals.plugin.failure_text import (
    ConversationError,
    Who,
    failed,
    named,
    plain,
    request_lines,
    turn_name,
)
from handoff_evals.reports import describe, identifying_sentences
from handoff_evals.transcript import ModelCall, Transcript


@dataclass(frozen=True, kw_only=True)
class AgentRequest:
    """One request to an agent's model, and the turn in which it was made."""

    turn: int
    call: ModelCall


@dataclass(frozen=True, kw_only=True)
class Received:
    """All requests to one agent's model so far; there is at least one.

    Searches ignore case and line breaks, and look at every message: instructions,
    what was said, tool calls and their outputs.
    """

    who: Who
    requests: tuple[AgentRequest, ...]
    transcript: Transcript
    instructions: Callable[[Who], Sequence[str]]
    """Gives the instructions that an agent has had; UsageError when they are not known."""
    carried: Callable[[str], Score]
    """Says whether a fact was handed on to the agent when it last took the call."""

    @property
    def first(self) -> "Received":
        """The first request alone: what the agent knew when it was first asked."""
        return replace(self, requests=self.requests[:1])

    @property
    def messages(self) -> list[Mapping[str, Any]]:
        """The messages of the latest request, as the Chat Completions API has them."""
        return list(self.requests[-1].call.messages)

    @property
    def tools(self) -> list[str]:
        """The tools that the latest request offered."""
        return [tool.name for tool in self.requests[-1].call.tools]

    @property
    def text(self) -> str:
        """Everything that was received, request after request."""
        return "\n".join(each.call.received_text for each in self.requests)

    def contains(self, text: str) -> "Received":
        """Require that some request contains `text`.

        Raises:
            UsageError: for an empty text, which everything contains.
        """
        __tracebackhide__ = True
        text = _words(text)
        if self._with(text) is None:
            said = [
                index
                for index, event in enumerate(self.transcript.events)
                if plain(text) in plain(describe(event) or "")
            ]
            known = "it is in the conversation where marked" if said else "nobody ever said it"
            raise self._failed(f"received nothing with {text!r}; {known}", marked=said)
        return self

    def was_handed(self, fact: str) -> "Received":
        """Require that a fact was handed on to the agent when it last took the call.

        As `carries` in a scenario file: what stands in the agent's own instructions or greeting
        whoever calls was not handed on.

        Raises:
            AssertionError: it was not, or nobody knows.
        """
        __tracebackhide__ = True
        score = self.carried(_words(fact))
        if score.status != "passed":
            raise self._failed(f"was not handed {fact!r}: {score.reason}", shown=fact)
        return self

    def lacks(self, text: str) -> "Received":
        """Require that no request contains `text`."""
        __tracebackhide__ = True
        text = _words(text)
        found = self._with(text)
        if found is not None:
            raise self._failed(f"received {text!r}", at=found, shown=text)
        return self

    def lacks_instructions_of(self, who: Who) -> "Received":
        """Require that no sentence of another agent's instructions was passed on.

        Sentences that this agent's own instructions contain too are no leak.

        Args:
            who: an Agent class, an instance or an id; an agent that never took the
                call can be given as an instance only.

        Raises:
            UsageError: when the instructions are not known, or tell nothing.
        """
        __tracebackhide__ = True
        own = "\n".join(plain(text) for text in self.instructions(self.who))
        theirs = [
            text for text in identifying_sentences(self.instructions(who)) if plain(text) not in own
        ]
        if not theirs:
            raise UsageError(
                f"the instructions of {named(who)} have no sentence that those of "
                f"{named(self.who)} have not, so they can't show a leak"
            )
        for sentence in theirs:
            found = self._with(sentence)
            if found is not None:
                problem = f"received instructions of {named(who)}"
                raise self._failed(problem, at=found, shown=sentence)
        return self

    def _with(self, text: str) -> AgentRequest | None:
        wanted = plain(text)
        return next(
            (each for each in self.requests if wanted in plain(each.call.received_text)), None
        )

    def _failed(
        self,
        problem: str,
        *,
        at: AgentRequest | None = None,
        shown: str = "",
        marked: Sequence[int] = (),
    ) -> ConversationError:
        asked = at or self.requests[-1]
        many = len(self.requests)
        which = "its only request" if many == 1 else f"one of its {many} requests"
        if at is None and many > 1:
            which = f"the last of its {many} requests"
        notes = [
            "",
            f"{which}, in {turn_name(asked.turn)}:",
            *request_lines(asked.call, shown),
        ]
        headline = f"the model of {named(self.who)} {problem}"
        return failed(self.transcript, headline, marked=marked, notes=notes)


def _words(text: object) -> str:
    words = str(text)
    if not words.strip():
        raise UsageError(f"{text!r} is in everything: give the words that were to be received")
    return words

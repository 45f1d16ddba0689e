"""Whether an agent has a fact from this call, or would tell its model in any call.

What stands in its code, in the values that its code reads by name and in the files that it names
is its own. Where that says nothing, the agent is made once more, after the conversation, as for a
caller who never said the fact: what its instructions then still hold is its own too.
"""

import copy
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from livekit.agents import Agent, llm

from handoff_evals.agent_source import (
    folder_of,
    literals_in,
    literals_of,
    note_values,
    texts_of_named_files,
)
from handoff_evals.transcript import FactTexts, folded
from handoff_evals.user_code import as_error, is_user_file

_AROUND = 24
"""Characters on each side of a fact that tell which text it stands in."""
_PLACEHOLDER = re.compile(r"\{+[^{}]*\}+|\$[A-Za-z_]\w*|%\(?\w*\)?[sdr]")
_DEEPEST = 5


@dataclass(frozen=True, kw_only=True)
class _Construction:
    """How an agent was made."""

    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    site: Sequence[tuple[CodeType, Mapping[str, Any]]]
    """The user's code that made it, the innermost first, each with its globals."""
    context: Context


_NOTED: "ContextVar[dict[int, tuple[Agent, _Construction]] | None]" = ContextVar(
    "handoff_evals_constructions", default=None
)


def _new(cls: type[Agent], *args: Any, **kwargs: Any) -> Agent:
    agent = object.__new__(cls)
    noted = _NOTED.get()
    if noted is not None:
        # The agent is kept with it, so that no other one gets its id.
        noted[id(agent)] = (
            agent,
            _Construction(args=args, kwargs=kwargs, site=tuple(_site()), context=copy_context()),
        )
    return agent


# livekit's Agent has no `__new__`: this one gets what its constructor gets.
Agent.__new__ = _new  # type: ignore[method-assign,assignment]


def _site() -> Iterator[tuple[CodeType, Mapping[str, Any]]]:
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - whoever makes the agent
    while frame is not None and is_user_file(frame.f_code.co_filename):
        yield frame.f_code, frame.f_globals
        frame = frame.f_back


@dataclass(kw_only=True)
class AgentFacts:
    """How the agents of one conversation were made, and what their instructions were."""

    _made: dict[int, tuple[Agent, _Construction]] = field(default_factory=dict)
    _entered: dict[int, tuple[Agent, str]] = field(default_factory=dict)
    _known: dict[tuple[int, str, bool], FactTexts] = field(default_factory=dict)

    def enter(self) -> None:
        """Note the agents that are made in the current context from now on."""
        note_values()
        _NOTED.set(self._made)

    def took_the_call(self, agent: Agent) -> None:
        """Note an agent's instructions as it takes the call."""
        self._entered.setdefault(id(agent), (agent, _instructions(agent)))

    def of(self, agent: Agent, facts: Iterable[str], *, again: bool = True) -> FactTexts:
        """Where an agent has facts from.

        Args:
            agent: one that took the call.
            facts: what a scenario or a test asks about.
            again: whether the agent may be made once more: a constructor may register what it
                makes, so never while the call goes on.
        """
        _, instructions = self._entered.get(id(agent), (agent, _instructions(agent)))
        _, made = self._made.get(id(agent), (agent, None))
        own: list[str] = []
        given: list[str] = []
        asked = sorted({folded(each) for each in facts})
        for fact in asked:
            found = self._known.get((id(agent), fact, again))
            if found is None:
                found = _texts(type(agent), made, instructions, fact, again=again)
                self._known[id(agent), fact, again] = found
            own += found.own
            given += found.given
        return FactTexts(
            asked=tuple(asked), own=tuple(dict.fromkeys(own)), given=tuple(dict.fromkeys(given))
        )


def _texts(
    agent: type[Agent], made: _Construction | None, instructions: str, fact: str, *, again: bool
) -> FactTexts:
    texts, site = _fixed(agent, made, fact)
    own = [each for text in (*texts, *site) for each in windows(text, fact)]
    unclear = any(_bare(each, fact) for each in own)
    own = [each for each in own if not _bare(each, fact)]
    given: list[str] = []
    if again and made is not None and uncovered(instructions, fact, own):
        masked = _Masked(fact=fact, own=own)
        other = masked.agent(agent, made)
        if other is not None and masked.count:
            own += windows(other, fact)
            # What the code that makes the agent passes as a text may be its own word.
            if not (masked.in_text and any(folded(text) == fact for text in site)):
                given = uncovered(instructions, fact, own)
        elif other is not None and fact in folded(other):
            unclear = True  # from a file or a database, or from what the call left behind
    return FactTexts(own=(*own, *([fact] if unclear else [])), given=tuple(given))


def _bare(text: str, fact: str) -> bool:
    """Whether a text is the fact alone, so that it can't be told where it stands."""
    return not any(map(str.isalnum, text.replace(fact, "")))


def _fixed(
    agent: type[Agent], made: _Construction | None, fact: str
) -> tuple[list[str], list[str]]:
    """The fixed texts that hold the fact: those of the agent, and of the code that makes it."""
    literals = literals_of(agent)
    folders = [folder_of(each) for each in agent.__mro__]
    site: frozenset[str] = frozenset()
    if made is not None and _holds((made.args, made.kwargs), fact):
        site = literals_in(made.site)
        folders += [Path(code.co_filename).resolve().parent for code, _ in made.site]
    places = dict.fromkeys([*filter(None, folders)])
    files = texts_of_named_files(literals | site, places)
    return (
        [text for text in (*literals, *files) if fact in folded(text)],
        [text for text in site if fact in folded(text)],
    )


def _holds(value: Any, fact: str) -> bool:
    masked = _Masked(fact=fact, own=())
    masked(value)
    return masked.count > 0


def windows(text: str, fact: str) -> list[str]:
    """The fact with what stands around it, for each time that it stands in the text.

    Its lines and the parts between placeholders are looked at as well, for texts that are put
    together or filled in.
    """
    found: dict[str, None] = {}
    for number, part in enumerate((text, *text.splitlines(), *_PLACEHOLDER.split(text))):
        plain = folded(part)
        for at in _places(plain, fact):
            window = plain[max(0, at - _AROUND) : at + len(fact) + _AROUND].strip()
            # A part that is the fact alone is none of the agent's words for it.
            if number == 0 or not _bare(window, fact):
                found[window] = None
    return list(found)


def uncovered(text: str, fact: str, own: Sequence[str]) -> list[str]:
    """The same for those times that it stands in none of an agent's own texts."""
    plain = folded(text)
    spans = [(at, at + len(each)) for each in own for at in _places(plain, each)]
    return [
        plain[max(0, at - _AROUND) : at + len(fact) + _AROUND].strip()
        for at in _places(plain, fact)
        if not any(start <= at and at + len(fact) <= end for start, end in spans)
    ]


def _places(text: str, part: str) -> Iterator[int]:
    at = text.find(part) if part else -1
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


@dataclass(kw_only=True)
class _Masked:
    """Values as another caller would have brought them, with something else for the fact."""

    fact: str
    own: Sequence[str]
    """Texts in which the fact is fixed."""
    count: int = 0
    """How often there was something to mask."""
    in_text: bool = False
    """Whether the fact stood in a plain text, and not only in an object."""

    def agent(self, kind: type[Agent], made: _Construction) -> str | None:
        """An agent's instructions for another caller; None where it can't be made."""
        try:
            args, kwargs = self(list(made.args)), self(dict(made.kwargs))
            context = made.context.copy()
            context.run(_NOTED.set, None)
            return _instructions(context.run(kind, *args, **kwargs))
        except BaseException as error:
            if as_error(error) is None:
                raise
            return None

    def __call__(self, value: Any, depth: int = 0) -> Any:
        """The value, or where something in it was masked a copy: it may be shared."""
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            masked = self._text(str(value))
            if masked == str(value):
                return value
            self.in_text = self.in_text or isinstance(value, str)
            return masked if isinstance(value, str) else type(value)(masked)
        if depth < _DEEPEST and type(value) in {dict, frozenset, list, set, tuple}:
            return self._members(value, depth + 1)
        if isinstance(value, llm.ChatContext):
            return llm.ChatContext([self._object(each, depth) for each in value.items])
        if depth < _DEEPEST and is_user_file(_file(type(value))):
            return self._object(value, depth)
        return value

    def _members(self, value: Any, depth: int) -> Any:
        old = list(value.values() if isinstance(value, dict) else value)
        new = [self(each, depth) for each in old]
        if all(one is other for one, other in zip(old, new, strict=True)):
            return value
        return dict(zip(value, new, strict=True)) if isinstance(value, dict) else type(value)(new)

    def _object(self, value: Any, depth: int) -> Any:
        there = getattr(value, "__dict__", None)
        before = self.in_text
        old = dict(there or {})
        new: dict[str, Any] = self(old, depth + 1)
        self.in_text = before
        if new is old:
            return value
        try:
            other = copy.copy(value)
        except Exception:  # noqa: BLE001 - the user's class may refuse it
            return value
        other.__dict__.update(new)
        return other

    def _text(self, text: str) -> str:
        def other(found: re.Match[str]) -> str:
            around = folded(text[max(0, found.start() - _AROUND) : found.end() + _AROUND])
            if any(piece in around or around in piece for piece in self.own):
                return found[0]
            self.count += 1
            return _another(found[0])

        words = r"\s+".join(map(re.escape, self.fact.split()))
        return re.sub(words, other, text, flags=re.IGNORECASE)


def _file(kind: type) -> str:
    return getattr(sys.modules.get(kind.__module__), "__file__", None) or ""


def _another(fact: str) -> str:
    """Something of the same form: other digits, other letters."""
    digits = str.maketrans("0123456789", "8365927410")
    letters = str.maketrans("abcdefghijklmnopqrstuvwxyz", "zqxjkvbpygfwmucldrhsnioeta")
    return fact.lower().translate(digits).translate(letters)


def _instructions(agent: Agent) -> str:
    return str(agent.instructions)

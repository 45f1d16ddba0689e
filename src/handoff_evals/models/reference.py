"""Reference models: what a suite scores by itself, and what its author expects.

`never` answers and hands nobody over. `always:AGENT` hands over to one agent at
every chance, `random` calls any tool. A suite on which they do well flatters.
"""

import json
from difflib import SequenceMatcher
from random import Random

from livekit.agents import llm

from handoff_evals.livekit import (
    Reply,
    Request,
    ScriptedLLM,
    ToolCall,
    leading_tool,
    placeholder_arguments,
)
from handoff_evals.scenarios import ExpectedCall, Scenario, Target


class Absent(ScriptedLLM):
    """Stands where a model would be that is not needed, as a cassette answers for it.

    Args:
        label: the model's.
    """

    def __init__(self, label: str) -> None:
        super().__init__([])
        self._label = label

    @property
    def model(self) -> str:
        """The model's label."""
        return self._label


_WORDS = "I see."
_ALIKE = 0.6


class TrivialLLM(ScriptedLLM):
    """A scripted model under a name of its own."""

    def __init__(self, name: str, answer: "Answering") -> None:
        super().__init__(answer)
        self._name = name

    @property
    def model(self) -> str:
        """The name that reports show."""
        return self._name


class Answering:
    """What a trivial model does when it is the caller who spoke last."""

    def __call__(self, request: Request) -> Reply:
        """Decide on the caller's words only; everything else gets a few words."""
        last = _last_said(request)
        if isinstance(last, llm.ChatMessage) and last.role == "user" and request.tools:
            return self.decide(request)
        return _WORDS

    def decide(self, request: Request) -> Reply:  # noqa: ARG002 - for those that look
        """Hand nobody over."""
        return _WORDS


class Always(Answering):
    """Calls the tool that leads to one agent, wherever there is one."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def decide(self, request: Request) -> Reply:
        """Hand over to the one agent."""
        return _handoff(request, self._target) or _WORDS


def never() -> TrivialLLM:
    """A model that hands nobody over."""
    return TrivialLLM("never", Answering())


def always(target: Target) -> TrivialLLM:
    """A model that hands everybody over to one agent."""
    return TrivialLLM(f"always:{target.label}", Always(target))


class Guess(Answering):
    """Picks one of an agent's tools, or none of them, by lot."""

    def __init__(self, seed: int) -> None:
        self._lot = Random(seed)  # noqa: S311 - no secret

    def decide(self, request: Request) -> Reply:
        """Call any tool, or none; each is as likely."""
        name = self._lot.choice([None, *sorted(request.tool_names)])
        return _WORDS if name is None else _filled(request, ExpectedCall(name=name))


def guess(seed: int) -> TrivialLLM:
    """A model that guesses."""
    return TrivialLLM("random", Guess(seed))


class Oracle(Answering):
    """Plays what each turn of a scenario expects.

    By the turn's `calls`, or by the tool whose handoff leads to the next agent of
    the turn's path.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._turns = scenario.turns
        self._met: dict[str, int] = {}
        self._played: set[tuple[int, str]] = set()

    def decide(self, request: Request) -> Reply:
        """Do what the scenario expects of this turn, once."""
        index = self._turn(request)
        if index is None:
            return _WORDS
        expect = self._turns[index].expect
        if expect.calls:
            due = [
                _filled(request, call)
                for call in expect.calls
                if call.name in request.tool_names and (index, call.name) not in self._played
            ]
            self._played.update((index, call.name) for call in due)
            return due or _WORDS
        if expect.agent is None or (index, "") in self._played:
            return _WORDS
        reply = _handoff(request, expect.agent)
        if reply is None:
            return _WORDS
        self._played.add((index, ""))
        return reply

    def _turn(self, request: Request) -> int | None:
        """The turn that the caller's last message belongs to.

        By the message's id, since a caller may say the same thing twice.
        """
        item = _last_said(request)
        if item is None:
            return None
        if item.id not in self._met:
            met = max(self._met.values(), default=-1)
            said = request.last_user_text.strip()
            left = range(met + 1, len(self._turns))
            found = next((i for i in left if self._turns[i].user.strip() == said), None)
            if found is None:
                # The agent's `llm_node` edits what the caller says, perhaps at each request.
                found = self._alike(said, range(max(0, met), len(self._turns)))
            if found is not None:
                self._met[item.id] = found
        return self._met.get(item.id)

    def _alike(self, said: str, turns: range) -> int | None:
        """The turn whose words are most like these, if they are at all."""
        rated = [
            (SequenceMatcher(None, self._turns[i].user, said, autojunk=False).ratio(), -i)
            for i in turns
        ]
        ratio, turn = max(rated, default=(0.0, 0))
        return -turn if ratio >= _ALIKE else None


def oracle(scenario: Scenario) -> TrivialLLM:
    """A model that plays what the scenario's turns expect."""
    return TrivialLLM("oracle", Oracle(scenario))


def _last_said(request: Request) -> llm.ChatItem | None:
    """The newest item but for what an agent's `llm_node` puts below: reminders, facts."""
    return next(
        (
            item
            for item in reversed(request.chat_ctx.items)
            if item.type in {"function_call", "function_call_output"}
            or (isinstance(item, llm.ChatMessage) and item.role in {"user", "assistant"})
        ),
        None,
    )


def _handoff(request: Request, target: Target) -> ToolCall | None:
    name = leading_tool(request.tools, target)
    if name is None:
        return None
    tool = llm.ToolContext(list(request.tools)).function_tools[name]
    return ToolCall(name=name, arguments=json.dumps(placeholder_arguments(tool)))


def _filled(request: Request, call: ExpectedCall) -> ToolCall:
    """The expected call, with what it needs and the scenario leaves open."""
    tool = llm.ToolContext(list(request.tools)).function_tools[call.name]
    arguments = {**placeholder_arguments(tool), **call.arguments}
    return ToolCall(name=call.name, arguments=json.dumps(arguments))

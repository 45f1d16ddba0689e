"""Reference models, which answer by a rule: what a suite scores by itself.

`never` answers and hands nobody over. `always:AGENT` hands over to one agent at
every chance, `random` calls any tool. A suite on which they do well is too easy.
`oracle`, in a file of its own, plays what the suite's author expects.
"""

import json
from abc import abstractmethod
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from livekit.agents import llm

from handoff_evals.errors import ModelError
from handoff_evals.livekit import (
    Reply,
    Request,
    ScriptedLLM,
    ToolCall,
    leading_tool,
    placeholder_arguments,
)
from handoff_evals.models.kind import Listed, Model, ModelKind, Project, model_kind
from handoff_evals.results import ModelTraits
from handoff_evals.scenarios import ExpectedCall, Scenario, Target

WORDS = "I see."
"""What a reference model says where it does nothing."""


class ReferenceLLM(ScriptedLLM):
    """A scripted model with a name of its own."""

    def __init__(self, name: str, answer: Callable[[Request], Reply]) -> None:
        super().__init__(answer)
        self._name = name

    @property
    def model(self) -> str:
        """The name that reports show."""
        return self._name


class Answering:
    """What a reference model does when the caller spoke last."""

    def __call__(self, request: Request) -> Reply:
        """Decide where the caller spoke last; answer anything else with a few words."""
        last = _last_said(request)
        if isinstance(last, llm.ChatMessage) and last.role == "user" and request.tools:
            return self.decide(request)
        return WORDS

    def decide(self, request: Request) -> Reply:  # noqa: ARG002 - for those that look
        """Hand nobody over."""
        return WORDS


class Always(Answering):
    """Calls the tool that leads to one agent, wherever there is one."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def decide(self, request: Request) -> Reply:
        """Hand over to the one agent, unless it has the call."""
        if request.asker is not None and self._target.matches(request.asker.agent):
            return WORDS
        return _handoff(request, self._target) or WORDS


def never() -> ReferenceLLM:
    """A model that hands nobody over."""
    return ReferenceLLM("never", Answering())


def always(target: Target) -> ReferenceLLM:
    """A model that hands everybody over to one agent."""
    return ReferenceLLM(f"always:{target.label}", Always(target))


class Guess(Answering):
    """Picks one of an agent's tools, or none of them, at random."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - no secret

    def decide(self, request: Request) -> Reply:
        """Call any tool, or none, with the same chance."""
        name = self._random.choice([None, *sorted(request.tool_names)])
        return WORDS if name is None else _filled(request, ExpectedCall(name=name))


def guess(seed: int) -> ReferenceLLM:
    """A model that guesses."""
    return ReferenceLLM("random", Guess(seed))


def _last_said(request: Request) -> llm.ChatItem | None:
    """The newest item, without what an agent's `llm_node` adds at the end: reminders, facts."""
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
    """The expected call, with placeholders for arguments that the scenario leaves open."""
    tool = llm.ToolContext(list(request.tools)).function_tools[call.name]
    arguments = {**placeholder_arguments(tool), **call.example}
    return ToolCall(name=call.name, arguments=json.dumps(arguments))


class Reference(ModelKind):
    """What all have in common: no key, nothing to record, an answer by a rule."""

    @classmethod
    def matches(cls, name: str, project: Project) -> bool:  # noqa: ARG003 - any project has it
        """The name itself."""
        return name == cls.form

    def open(self) -> Model:
        """Nothing is started."""
        return Model(label=self.label, build=self.build)

    @abstractmethod
    def build(self, scenario: Scenario, seed: int) -> llm.LLM[Any]:
        """The model of one trial."""


@model_kind
class _Never(Reference):
    form = "never"
    about = "a reference: answers, and hands nobody over"
    traits = ModelTraits(reference=True, deterministic=True)

    def build(self, scenario: Scenario, seed: int) -> llm.LLM[Any]:  # noqa: ARG002 - not needed
        return never()


@model_kind
class _Always(Reference):
    form = "always:AGENT"
    about = "a reference: hands over to AGENT wherever a tool leads there"
    traits = ModelTraits(reference=True, deterministic=True)

    @classmethod
    def matches(cls, name: str, project: Project) -> bool:  # noqa: ARG003 - any project has it
        kind, _, agent = name.partition(":")
        return kind == "always" and bool(agent)

    @classmethod
    def listing(cls, project: Project) -> Sequence[Listed]:  # noqa: ARG003 - any project has it
        return [Listed(name=cls.form, what=cls.about, checkable=False)]

    @property
    def _target(self) -> Target:
        try:
            return Target.parse(self.name.partition(":")[2])
        except ValueError as error:
            raise ModelError(f"model {self.name!r}: {error}") from error

    def check(self) -> None:
        """See that AGENT can be read."""
        self._target  # noqa: B018 - reads it

    def build(self, scenario: Scenario, seed: int) -> llm.LLM[Any]:  # noqa: ARG002 - not needed
        return always(self._target)


@model_kind
class _Random(Reference):
    form = "random"
    about = "a reference: calls any tool, or none"
    traits = ModelTraits(reference=True)

    def build(self, scenario: Scenario, seed: int) -> llm.LLM[Any]:  # noqa: ARG002 - not needed
        return guess(seed)

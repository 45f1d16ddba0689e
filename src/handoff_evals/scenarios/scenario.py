"""A conversation, and what must come of it."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from handoff_evals.scenarios.caller_script import CallerScript
from handoff_evals.scenarios.expected_path import ExpectedPath
from handoff_evals.scenarios.matchers import example
from handoff_evals.scenarios.target import Target


@dataclass(frozen=True, kw_only=True)
class ExpectedHandoff:
    """One step of an expected path; `old` is None where only the new agent is named."""

    new: Target
    old: Target | None = None

    @property
    def label(self) -> str:
        """As it is written in a scenario file."""
        return f"{self.old.label if self.old else '…'} -> {self.new.label}"


@dataclass(frozen=True, kw_only=True)
class ExpectedCall:
    """A tool that must have been called, with at least these arguments."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Plain values and matchers."""
    loosely: bool = False
    """Whether arguments are compared without case and white space, and `"34"` like 34."""
    output: Any = None
    """What the tool must have given back; None where that does not matter."""
    error: Any = None
    """True, or words of it, where the tool must refuse; False where it must not; None where
    it must not, unless an output is expected."""

    @property
    def written(self) -> str:
        """As a message names it."""
        inner = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        outcome = "" if self.output is None else f" giving {self.output!r}"
        if self.error is not None:
            outcome += f" with error {self.error!r}"
        return f"{self.name}({inner}){outcome}"

    @property
    def example(self) -> Mapping[str, Any]:
        """Arguments that meet the expected ones; a pattern that has no example is left out."""
        found: dict[str, Any] = {}
        for name, value in self.arguments.items():
            with suppress(LookupError):
                found[name] = example(value)
        return found


@dataclass(frozen=True, kw_only=True)
class ExpectKey:
    """A key of `expect:` that a check brings."""

    name: str
    kind: Any
    """The type of its value: whatever pydantic can validate."""
    of: Literal["turn", "conversation"] = "turn"
    """Whether it stands in the `expect:` of a turn, or of a scenario."""
    about: str = ""
    """The first line of what the check says of itself."""


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What must be so once a turn is over; whatever is None or empty is not checked."""

    agent: Target | None = None
    handoffs: tuple[ExpectedHandoff, ...] | None = None
    """The exact path of the turn; an empty one means that no agent hands over."""
    calls: tuple[ExpectedCall, ...] | None = None
    """Tools that must have been called; an empty one means that none is."""
    carries: tuple[str, ...] = ()
    """What the agent that is active after the turn must have been told."""
    userdata: Mapping[str, Any] = field(default_factory=dict)
    silence: bool = False
    """Whether the caller must hear nothing; otherwise they must hear something."""
    said: tuple[Any, ...] = ()
    """What the caller must hear: words that are contained, or matchers."""
    lacks: tuple[Any, ...] = ()
    """What the caller must not hear."""
    person: bool | str | None = None
    """Whether the call must be transferred to a person; a text names the tool that does it."""
    checks: tuple[str, ...] = ()
    """Functions of the user's own that judge the turn, as `module:name`."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """The keys of other checks, as they are written, with their values."""

    @property
    def said_example(self) -> tuple[str, ...]:
        """Words that meet `said`; a pattern that has no example is left out."""
        found: list[str] = []
        for words in self.said:
            with suppress(LookupError):
                found.append(str(example(words)))
        return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Never:
    """What must happen in no turn."""

    agents: tuple[Target, ...] = ()
    """Agents that must never have the call."""
    tools: tuple[str, ...] = ()
    """Tools that must never be called."""


@dataclass(frozen=True, kw_only=True)
class CarriedTo:
    """What an agent must have been told each time that it takes the call."""

    to: Target
    facts: tuple[str, ...]


Ender = Literal["agent", "caller", "person"]


@dataclass(frozen=True, kw_only=True)
class ConversationExpectation:
    """What must be so of a whole conversation; whatever is None or empty is not checked."""

    path: ExpectedPath | None = None
    """The hops that the call takes: each required one is a handoff decision."""
    final: Target | None = None
    """The agent that has the call in the end, however it got there: one decision."""
    never: Never = field(default_factory=Never)
    calls: tuple[ExpectedCall, ...] | None = None
    """Tools that must have been called, in whichever turn; an empty one means that none is."""
    max_handoffs: int | None = None
    ends: Ender | None = None
    """Who ends the call: the agent hangs up, the caller does, or a person has taken over."""
    person: tuple[str, ...] = ()
    """The tools that bring a person to the call."""
    carries: tuple[CarriedTo, ...] = ()
    userdata: Mapping[str, Any] = field(default_factory=dict)
    """The session's userdata in the end."""
    on_simulation_end: str = ""
    """`module:function` of a callback as LiveKit's `on_simulation_end`, which may veto."""

    @property
    def facts(self) -> tuple[str, ...]:
        """All that some agent must have been told."""
        return tuple(fact for each in self.carries for fact in each.facts)


@dataclass(frozen=True, kw_only=True)
class ScriptedTurn:
    """What the caller says, and what is expected after it."""

    user: str = ""
    """Empty for a turn in which the caller is silent."""
    expect: Expectation = field(default_factory=Expectation)
    wait_s: float = 0.0
    """Seconds of silence before the caller speaks."""
    interrupts: int | str | None = None
    """After how many words, or after which words, of what is being said the caller begins to
    speak; None waits for the end of it. It takes the spoken driver."""
    decisions: Mapping[str, str | float] = field(default_factory=dict)
    """What DecisionModels decide in this turn, by the decision's name, where a model stands in
    for the agents' own: a choice by its option, a probability or a score by its number."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One conversation.

    `instructions` and `agent_expectations` are LiveKit's own keys, for a simulated
    caller; `turns` are ours, for a scripted one, and so is `caller`, for one by rules.
    """

    label: str
    turns: tuple[ScriptedTurn, ...]
    id: str = ""
    """LiveKit's own, as `SCN_a1charge001`; the label may change where there is one."""
    tags: Mapping[str, str] = field(default_factory=dict)
    instructions: str = ""
    agent_expectations: str = ""
    userdata: Mapping[str, Any] = field(default_factory=dict)
    expect: Mapping[str, Any] = field(default_factory=dict)
    """The keys of checks of whole conversations, with their values."""
    conversation: ConversationExpectation = field(default_factory=ConversationExpectation)
    """What is expected of the whole, in whichever turns it happens."""
    judges: tuple[str, ...] = ()
    """Who judges the conversation besides: names as in `checks: [judge: NAME]`."""
    opening: Expectation | None = None
    """What must be so before the caller says anything."""
    mocks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By agent and tool, what the tool gives back in its place; or `{error: …}`."""
    job: Mapping[str, Any] = field(default_factory=dict)
    """What LiveKit's job is about, as `FakeJob` takes it; see docs/how-to/entry-points.md."""
    caller: CallerScript = field(default_factory=CallerScript)
    """Who calls, where no turns say it."""
    modality: Literal["text", "audio"] = "text"
    """What the agents take the caller's words for, where they are driven by text."""
    line: int = 0
    """Where it stands in its file."""

    @property
    def identity(self) -> str:
        """What it is known by in baselines, cassettes and comparisons: its id, else its label."""
        return self.id or self.label

    @property
    def is_open(self) -> bool:
        """Whether nobody knows before how many turns there will be, or what is said in them."""
        return not self.turns

    @property
    def expected_agents(self) -> Iterator[Target]:
        """Every agent that should have the call at some time; no alternatives, nothing optional."""
        yield from (turn.expect.agent for turn in self.turns if turn.expect.agent is not None)
        if self.conversation.final is not None:
            yield self.conversation.final
        for hop in self.conversation.path.required if self.conversation.path else ():
            if len(hop.to) == 1:
                yield hop.to[0]

    @property
    def expectations(self) -> Iterator[Expectation]:
        """What is expected of the opening and of each turn."""
        if self.opening is not None:
            yield self.opening
        yield from (turn.expect for turn in self.turns)

    @property
    def expects_nothing(self) -> bool:
        """Whether it is a mere call, without an expectation: that it breaks is all one can see."""
        return (
            not self.expect
            and not self.judges
            and self.conversation == ConversationExpectation()
            and all(each == Expectation() for each in self.expectations)
        )


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What the driver has to note beyond the conversation itself.

    Only what a scenario asks about is read from the agents and the userdata, so
    that nothing else of a user's objects ever reaches a file.
    """

    attributes: frozenset[str] = frozenset()
    userdata: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Suite:
    """The scenarios of one file, and the agent that they are about."""

    name: str
    agent: str
    """`module:name` of an `Agent` class or of a function that gets the model."""
    scenarios: tuple[Scenario, ...]
    without_caller: tuple[Scenario, ...] = ()
    """Scenarios without turns and without rules: a model has to play their caller."""
    driver: str = ""
    """Which driver the file names; empty where it names none."""
    path: str = ""
    sha256: str = ""
    id: str = ""
    """LiveKit's own, as `SCNG_7Qw2kLr9Tz`."""

    @property
    def simulated(self) -> tuple[str, ...]:
        """The labels of those that need a model to play their caller."""
        return tuple(scenario.label for scenario in self.without_caller)

    def called_by_model(self) -> "Suite":
        """The suite for a run in which a model plays the callers: nothing is left out."""
        everything = sorted((*self.scenarios, *self.without_caller), key=lambda each: each.line)
        return replace(self, scenarios=tuple(everything), without_caller=())

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to know about its figures, in sentences."""
        empty = [scenario.label for scenario in self.scenarios if scenario.expects_nothing]
        if not empty:
            return ()
        which = f"{len(empty)} of {len(self.scenarios)} scenarios of {self.name!r}"
        shown = ", ".join(map(repr, empty))
        note = f"{which} expect nothing and are unscored where nothing breaks: {shown}"
        return (f"{note}. Write `expect:`.",)

    @cached_property
    def watch(self) -> Watch:
        """Everything that some scenario asks about."""
        expectations = [expect for scenario in self.scenarios for expect in scenario.expectations]
        wholes = [scenario.conversation for scenario in self.scenarios]
        return Watch(
            attributes=frozenset(
                name
                for target in (
                    *(target for expect in expectations for target in _targets(expect)),
                    *(target for expect in wholes for target in _targets_of_whole(expect)),
                )
                for name in target.where
            ),
            userdata=frozenset(
                name
                for expected in (
                    *(expect.userdata for expect in expectations),
                    *(expect.userdata for expect in wholes),
                )
                for written in expected
                for name in (written, written.partition(".")[0])
            ),
        )


def _targets(expect: Expectation) -> list[Target]:
    targets = [] if expect.agent is None else [expect.agent]
    for handoff in expect.handoffs or ():
        targets.append(handoff.new)
        if handoff.old is not None:
            targets.append(handoff.old)
    return targets


def _targets_of_whole(expect: ConversationExpectation) -> list[Target]:
    targets = [*expect.never.agents, *(each.to for each in expect.carries)]
    if expect.path is not None:
        targets.extend(expect.path.targets)
    return [*targets, expect.final] if expect.final is not None else targets

"""A turn of a scenario file as it may be written."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from handoff_evals.scenarios.matchers import matcher, problems
from handoff_evals.scenarios.scenario import (
    Expectation,
    ExpectedCall,
    ExpectedHandoff,
    ScriptedTurn,
)
from handoff_evals.scenarios.target import Target


def _as_written(value: Any) -> Any:
    if isinstance(value, bool | float):
        raise ValueError("put it in quotes: YAML takes it for a value of its own")  # noqa: TRY004 - pydantic's way
    return str(value) if isinstance(value, int) else value


Words = Annotated[str, BeforeValidator(_as_written)]
"""A text, or a whole number, which reads the same as a text."""

Fact = Annotated[str, Field(min_length=1), BeforeValidator(_as_written)]
"""What everything contains proves nothing."""


def _with_sound_matchers(value: Any) -> Any:
    for problem in problems(value):
        raise ValueError(problem)
    return value


Expected = Annotated[Any, AfterValidator(_with_sound_matchers)]
"""A plain value, or a matcher."""


def _words_or_matcher(value: Any) -> Any:
    if matcher(value) is not None:
        return value
    text = _as_written(value)
    if not isinstance(text, str) or not text.strip():
        raise ValueError("write the words, or `{pattern: …}` or `{any_of: […]}`")
    return text


ExpectedWords = Annotated[
    Any, BeforeValidator(_words_or_matcher), AfterValidator(_with_sound_matchers)
]
"""Words that a text contains, or a matcher."""

Reference = Annotated[str, Field(pattern=r"^[\w.]+:[\w.]+$")]
"""`module:name` of something of the user's own."""

Mocks = dict[str, dict[str, Any]]
"""By the agent's id or class name, and the tool's name: what the tool gives back instead."""
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0}


def _seconds(value: Any) -> Any:
    match = (
        re.fullmatch(r"(\d+(?:\.\d+)?) ?(ms|s|m|min)", value) if isinstance(value, str) else None
    )
    if match is None:
        raise ValueError("write a number and its unit, as in `3s`, `500ms` or `2min`")
    return float(match[1]) * _SECONDS[match[2]]


def _place_in_speech(value: Any) -> Any:
    good = isinstance(value, str) and value.strip()
    if not good and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ValueError("give a number of words, from 1, or the words after which to interrupt")
    return value


Seconds = Annotated[float, BeforeValidator(_seconds)]
"""A time as `3s`, in seconds."""


class StrictModel(BaseModel):
    """A mapping of a scenario file, without keys that nobody knows."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    def extra_keys(self) -> Mapping[str, Any]:
        """The keys of checks that were written, with their values as their types have them."""
        fields = type(self).model_fields
        return {
            str(fields[name].alias): getattr(self, name)
            for name in sorted(self.model_fields_set)
            if name.startswith(EXTRA_KEY)
        }


EXTRA_KEY = "extra_key_"


class CallModel(StrictModel):
    """`calls: [{name: …, arguments: {…}}]`."""

    name: str = Field(min_length=1)
    arguments: dict[str, Expected] = Field(default_factory=dict)
    compare: Literal["exactly", "loosely"] = "exactly"
    output: Expected = None
    error: bool | ExpectedWords | None = None

    def value(self) -> ExpectedCall:
        """The value that the rest of the harness works with."""
        return ExpectedCall(
            name=self.name,
            arguments=self.arguments,
            loosely=self.compare == "loosely",
            output=self.output,
            error=self.error,
        )


class ExpectModel(StrictModel):
    """`expect:` of a turn; every key is optional."""

    agent: str | None = None
    where: dict[str, Any] = Field(default_factory=dict)
    handoffs: list[str] | None = None
    calls: list[CallModel] | None = None
    carries: list[Fact] = Field(default_factory=list)
    userdata: dict[str, Expected] = Field(default_factory=dict)
    silence: bool = False
    said: list[ExpectedWords] = Field(default_factory=list)
    lacks: list[ExpectedWords] = Field(default_factory=list)
    person: bool | str | None = None
    check: list[Reference] = Field(default_factory=list)

    @field_validator("said", "lacks", "check", mode="before")
    @classmethod
    def _one_is_a_list(cls, written: Any) -> Any:
        return listed(written)

    @field_validator("agent")
    @classmethod
    def _names_an_agent(cls, text: str | None) -> str | None:
        if text is not None:
            Target.parse(text)
        return text

    @field_validator("handoffs")
    @classmethod
    def _are_handoffs(cls, written: list[str] | None) -> list[str] | None:
        for text in written or ():
            _handoff(text)
        return written

    @field_validator("calls", mode="before")
    @classmethod
    def _names_arenamed_calls(cls, written: Any) -> Any:
        return named_calls(written)

    @model_validator(mode="after")
    def _where_needs_an_agent(self) -> "ExpectModel":
        if self.where and self.agent is None:
            raise ValueError("`where` says which `agent` is meant: name the agent too")
        return self

    def value(self) -> Expectation:
        """The value that the rest of the harness works with."""
        return Expectation(
            agent=self._target(),
            handoffs=None if self.handoffs is None else tuple(map(_handoff, self.handoffs)),
            calls=None if self.calls is None else tuple(call.value() for call in self.calls),
            carries=tuple(self.carries),
            userdata=self.userdata,
            silence=self.silence,
            said=tuple(self.said),
            lacks=tuple(self.lacks),
            person=self.person,
            checks=tuple(self.check),
            extra=self.extra_keys(),
        )

    def _target(self) -> Target | None:
        if self.agent is None:
            return None
        written = Target.parse(self.agent)
        where = {name: str(value) for name, value in self.where.items()}
        return Target(id=written.id, where={**written.where, **where})


class TurnModel(StrictModel):
    """One entry of `turns:`."""

    user: Words = Field(default="", min_length=1)
    wait: Seconds = 0.0
    interrupts: Annotated[int | str | None, BeforeValidator(_place_in_speech)] = None
    decisions: dict[str, float | str] = Field(default_factory=dict)
    expect: ExpectModel = Field(default_factory=ExpectModel)

    @model_validator(mode="after")
    def _something_happens(self) -> "TurnModel":
        if not self.user and not self.wait:
            raise ValueError("it needs `user`, what the caller says, or `wait`, a silence as `3s`")
        if self.interrupts is not None and (self.wait or not self.user):
            raise ValueError("who `interrupts` speaks at once: it needs `user`, and no `wait`")
        return self

    def value(self) -> ScriptedTurn:
        """The value that the rest of the harness works with."""
        return ScriptedTurn(
            user=self.user,
            expect=self.expect.value(),
            wait_s=self.wait,
            interrupts=self.interrupts,
            decisions=self.decisions,
        )


class CallerModel(StrictModel):
    """`caller:` of a job: who is in the room."""

    identity: Words = "caller"
    name: Words = ""
    kind: Literal["standard", "sip"] = "standard"
    metadata: str = ""
    attributes: dict[str, Words] = Field(default_factory=dict)


class JobModel(StrictModel):
    """`job:`, what LiveKit's job is about, for agents that are run from their entry point."""

    metadata: str | dict[str, Any] = ""
    room: Words = ""
    room_metadata: str = ""
    caller: CallerModel | None = Field(default_factory=CallerModel)
    answers: dict[str, dict[str, Any]] = Field(default_factory=dict)

    def value(self) -> Mapping[str, Any]:
        """What was written of it."""
        return self.model_dump(exclude_unset=True)


def _handoff(text: str) -> ExpectedHandoff:
    old, arrow, new = text.partition("->")
    if not arrow:
        return ExpectedHandoff(new=Target.parse(text))
    return ExpectedHandoff(old=Target.parse(old), new=Target.parse(new))


def listed(written: Any) -> Any:
    """One is a list of one."""
    return written if isinstance(written, list) else [written]


def named_calls(written: Any) -> Any:
    """A tool's name by itself is a call of it."""
    if isinstance(written, list):
        return [{"name": each} if isinstance(each, str) else each for each in written]
    return written

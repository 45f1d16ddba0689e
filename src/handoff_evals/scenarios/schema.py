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
    WithJsonSchema,
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


Words = Annotated[str, BeforeValidator(_as_written, json_schema_input_type=str | int)]
"""A text, or a whole number, which reads the same as a text."""

_SOME_WORDS: dict[str, Any] = {"pattern": r"\S"}
_NotEmpty = Annotated[str, Field(min_length=1, json_schema_extra=_SOME_WORDS)]
Fact = Annotated[_NotEmpty, BeforeValidator(_as_written, json_schema_input_type=_NotEmpty | int)]
"""What everything contains proves nothing."""


def _with_sound_matchers(value: Any) -> Any:
    for problem in problems(value):
        raise ValueError(problem)
    return value


_PART = r"(?:[^\[\]=,]*=[^\[\],]*)?"
_ID = rf"\s*[^\s\[\]]+(?:\[{_PART}(?:,{_PART})*\])?\s*"


def _names_an_agent(text: str) -> str:
    Target.parse(text)
    return text


AgentName = Annotated[
    str, Field(json_schema_extra={"pattern": f"^{_ID}$"}), AfterValidator(_names_an_agent)
]
"""An agent's id, perhaps with attributes that tell instances apart."""

MATCHER: dict[str, Any] = {"type": "object", "$comment": "a matcher"}
"""What stands for the JSON Schema of a matcher, until the one of the whole file is made."""
_ANYTHING: dict[str, Any] = {"description": "Compared as it is written."}
_WORDS: dict[str, Any] = {"type": ["string", "integer"], "pattern": r"\S"}

Expected = Annotated[
    Any,
    AfterValidator(_with_sound_matchers),
    WithJsonSchema({"anyOf": [MATCHER, _ANYTHING]}),
]
"""A plain value, or a matcher."""


def _words_or_matcher(value: Any) -> Any:
    if matcher(value) is not None:
        return value
    text = _as_written(value)
    if not isinstance(text, str) or not text.strip():
        raise ValueError("write the words, or `{pattern: …}` or `{any_of: […]}`")
    return text


ExpectedWords = Annotated[
    Any,
    BeforeValidator(_words_or_matcher),
    AfterValidator(_with_sound_matchers),
    WithJsonSchema({"anyOf": [_WORDS, MATCHER]}),
]
"""Words that a text contains, or a matcher."""

Reference = Annotated[str, Field(pattern=r"^[\w.]+:[\w.]+$")]
"""`module:name` of something of the user's own."""


def one_or_several(written: Any) -> Any:
    """What stands alone is a list of one."""
    return written if isinstance(written, list) else [written]


_SeveralWords = Annotated[
    list[ExpectedWords],
    BeforeValidator(one_or_several, json_schema_input_type=ExpectedWords | list[ExpectedWords]),
]
_References = Annotated[
    list[Reference],
    BeforeValidator(one_or_several, json_schema_input_type=Reference | list[Reference]),
]

Mocks = dict[str, dict[str, Any]]
"""By the agent's id or class name, and the tool's name: what the tool gives back instead."""
_TIME = r"^(\d+(?:\.\d+)?) ?(ms|s|m|min)$"
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0}


def _seconds(value: Any) -> Any:
    match = re.fullmatch(_TIME, value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("write a number and its unit, as in `3s`, `500ms` or `2min`")
    return float(match[1]) * _SECONDS[match[2]]


def _place_in_speech(value: Any) -> Any:
    good = isinstance(value, str) and value.strip()
    if not good and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ValueError("give a number of words, from 1, or the words after which to interrupt")
    return value


_Time = Annotated[str, Field(pattern=_TIME)]
Seconds = Annotated[float, BeforeValidator(_seconds, json_schema_input_type=_Time)]
"""A time as `3s`, in seconds."""
_FromOne = Annotated[int, Field(ge=1)]
_PlaceInSpeech = Annotated[
    int | str | None,
    BeforeValidator(_place_in_speech, json_schema_input_type=_FromOne | _NotEmpty),
]


class StrictModel(BaseModel):
    """A mapping of a scenario file, without keys that nobody knows."""

    model_config = ConfigDict(
        extra="forbid", str_strip_whitespace=True, use_attribute_docstrings=True
    )

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
    """A call of a tool."""

    name: str = Field(min_length=1)
    """The tool's name."""
    arguments: dict[str, Expected] = Field(default_factory=dict)
    """Arguments that the call must have, among others: values or matchers."""
    compare: Literal["exactly", "loosely"] = "exactly"
    """`loosely` leaves case and white space out, and takes `"34"` for 34, in all arguments."""
    output: Expected = None
    """What the tool must give back: a text that is in it, or a part of its mapping."""
    error: bool | ExpectedWords | None = None
    """`true`, or words of the error: the tool must refuse. `false`: it must not."""

    def value(self) -> ExpectedCall:
        """The value that the rest of the harness works with."""
        return ExpectedCall(
            name=self.name,
            arguments=self.arguments,
            loosely=self.compare == "loosely",
            output=self.output,
            error=self.error,
        )


def _handoff(text: str) -> ExpectedHandoff:
    old, arrow, new = text.partition("->")
    if not arrow:
        return ExpectedHandoff(new=Target.parse(text))
    return ExpectedHandoff(old=Target.parse(old), new=Target.parse(new))


def _is_handoff(text: str) -> str:
    _handoff(text)
    return text


_WrittenHandoff = Annotated[
    str, Field(json_schema_extra={"pattern": f"^{_ID}(->{_ID})?$"}), AfterValidator(_is_handoff)
]


def _named(written: Any) -> Any:
    if isinstance(written, list):
        return [{"name": each} if isinstance(each, str) else each for each in written]
    return written


Calls = Annotated[
    list[CallModel], BeforeValidator(_named, json_schema_input_type=list[CallModel | _NotEmpty])
]
"""Calls, of which a tool's name alone is one."""


class ExpectModel(StrictModel):
    """What must be so once a turn is over; every key is optional."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"required": ["where"], "properties": {"where": {"minProperties": 1}}},
            "then": {"required": ["agent"]},
        }
    )

    agent: AgentName | None = None
    """Who has the call after the turn, by LiveKit's id: `billing_agent`, `desk[topic=claims]`."""
    where: dict[str, Any] = Field(default_factory=dict)
    """Attributes that tell instances of the agent's class apart: `{topic: claims}`."""
    handoffs: list[_WrittenHandoff] | None = None
    """The exact path of the turn: `[triage -> billing]`; `[]` that no agent hands over."""
    calls: Calls | None = None
    """Tools that must have been called, each by a call of its own; `[]` that none is."""
    carries: list[Fact] = Field(default_factory=list)
    """Facts that must have been handed on to the agent that has the call after the turn."""
    userdata: dict[str, Expected] = Field(default_factory=dict)
    """Fields of the session's userdata; `profile.name` for one inside of another."""
    silence: bool = False
    """`true`: the caller hears nothing."""
    said: _SeveralWords = Field(default_factory=list)
    """Words, or matchers, that the caller hears in the turn."""
    lacks: _SeveralWords = Field(default_factory=list)
    """Words, or matchers, that the caller does not hear in the turn."""
    person: bool | str | None = None
    """`true`: the call was transferred to a person; a text names the tool; `false`: it was not."""
    check: _References = Field(default_factory=list)
    """Functions of yours that judge the turn, as `module:name`."""

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
    """One turn: what the caller says, and what is expected after it."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": ["user"]}, {"required": ["wait"]}],
            "dependentRequired": {"interrupts": ["user"]},
            "not": {"required": ["interrupts", "wait"]},
        }
    )

    user: Words = Field(default="", min_length=1, json_schema_extra=_SOME_WORDS)
    """What the caller says."""
    wait: Seconds = 0.0
    """How long the caller is silent before that, or instead: `3s`, `500ms`, `2min`."""
    interrupts: _PlaceInSpeech = None
    """The words of the agent's, or their number, after which the caller begins to speak."""
    decisions: dict[str, float | str] = Field(default_factory=dict)
    """What a `DecisionModel` decides in this turn: `{route: billing, urgent: 0.9}`."""
    expect: ExpectModel = Field(default_factory=ExpectModel)
    """What must be so once the turn is over."""

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
    """The participant who calls."""

    identity: Words = "caller"
    """LiveKit's identity of the participant."""
    name: Words = ""
    """The participant's name."""
    kind: Literal["standard", "sip"] = "standard"
    """`sip` for a caller by telephone."""
    metadata: str = ""
    """The participant's metadata."""
    attributes: dict[str, Words] = Field(default_factory=dict)
    """The participant's attributes: `{sip.phoneNumber: "+4930"}`."""


class JobModel(StrictModel):
    """What LiveKit's job is about, for agents that are run from their entry point."""

    metadata: str | dict[str, Any] = ""
    """`ctx.job.metadata`; a mapping is written as JSON."""
    room: Words = ""
    """The room's name; without it one that no other conversation has."""
    room_metadata: str = ""
    """The room's metadata."""
    caller: CallerModel | None = Field(default_factory=CallerModel)
    """Who is in the room; `null` for nobody."""
    answers: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """What LiveKit's API answers, by the name after `ctx.api.`."""

    def value(self) -> Mapping[str, Any]:
        """What was written of it."""
        return self.model_dump(exclude_unset=True)

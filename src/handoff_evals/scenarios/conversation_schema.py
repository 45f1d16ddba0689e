"""What a scenario file may expect of a whole conversation, as it may be written."""

from itertools import pairwise
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from handoff_evals.scenarios.expected_path import ExpectedPath, Hop
from handoff_evals.scenarios.scenario import CarriedTo, ConversationExpectation, Ender, Never
from handoff_evals.scenarios.schema import AgentName, Calls, Fact, StrictModel, one_or_several
from handoff_evals.scenarios.target import Target

_Agents = Annotated[
    list[str], BeforeValidator(one_or_several, json_schema_input_type=str | list[str])
]
_Facts = Annotated[
    list[Fact], BeforeValidator(one_or_several, json_schema_input_type=Fact | list[Fact])
]


class HopModel(StrictModel):
    """A hop of a path: `{to: billing, turn: 2}`."""

    to: _Agents = Field(min_length=1)
    """The agent that takes the call, or several of which one does."""
    old: AgentName | None = Field(default=None, alias="from")
    """The agent that hands over."""
    optional: bool = False
    """Whether it may be left out."""
    turn: int | None = Field(default=None, ge=1)
    """The turn in which it is due, from 1: later is fine, earlier is premature."""

    @classmethod
    def read(cls, written: Any) -> Any:
        """Also a hop in one text; what is neither is refused as a mapping."""
        if not isinstance(written, str):
            return written
        hop = Hop.parse(written)
        return {
            "to": [target.label for target in hop.to],
            "from": hop.old and hop.old.label,
            "optional": hop.optional,
        }

    @model_validator(mode="after")
    def _names_agents(self) -> "HopModel":
        self.value()
        return self

    def value(self) -> Hop:
        """The value that the rest of the harness works with."""
        return Hop(
            to=tuple(map(Target.parse, self.to)),
            old=None if self.old is None else Target.parse(self.old),
            optional=self.optional,
            turn=self.turn,
        )


_WrittenHop = Annotated[
    HopModel, BeforeValidator(HopModel.read, json_schema_input_type=str | HopModel)
]


class PathModel(StrictModel):
    """The hops that the call takes, as a mapping."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": [name]} for name in ("exact", "in_order", "any_order")]
        }
    )

    exact: list[_WrittenHop] | None = None
    """Exactly these hops."""
    in_order: list[_WrittenHop] | None = None
    """These hops in order; others may lie between them, and after."""
    any_order: list[_WrittenHop] | None = None
    """These hops in any order; others may lie between them, and after."""
    start: AgentName | None = None
    """The agent that has the call first."""

    @classmethod
    def read(cls, written: Any) -> Any:
        """Also a list of hops, or a whole path in one text."""
        if isinstance(written, list):
            return {"exact": written}
        if not isinstance(written, str):
            return written
        path = ExpectedPath.parse(written)
        hops = [
            {"to": [target.label for target in hop.to], "optional": hop.optional}
            for hop in path.hops
        ]
        return {"exact": hops, "start": path.start and path.start.label}

    @model_validator(mode="after")
    def _is_a_path(self) -> "PathModel":
        given = [each for each in (self.exact, self.in_order, self.any_order) if each is not None]
        if len(given) != 1:
            raise ValueError(
                "write a list of hops, or one of `exact`, `in_order` and `any_order` with a list"
            )
        for name, hops in (("in_order", self.in_order), ("any_order", self.any_order)):
            if hops is not None and all(hop.optional for hop in hops):
                raise ValueError(
                    f"`{name}` needs a hop that is not optional: nothing would be judged"
                )
        if self.any_order is None:
            self._refuse_gaps()
        elif any(hop.turn is not None for hop in self.any_order):
            raise ValueError("hops in any order are due in no `turn`: leave it out")
        return self

    def _refuse_gaps(self) -> None:
        """See that each hop begins where the one before it ends, and is not due before it.

        Raises:
            ValueError: naming the first that does not.
        """
        due = 0
        hops = self.value().hops
        for number, (before, hop) in enumerate(pairwise(hops), 2):
            known = self.exact is not None and hop.old is not None and not before.optional
            if known and hop.old is not None and hop.old.id not in {to.id for to in before.to}:
                raise ValueError(
                    f"hop {number} begins at {hop.old.label!r}, but hop {number - 1} ends at "
                    f"{before.label!r}"
                )
            due = max(due, before.turn or 0)
            if hop.turn is not None and hop.turn < due:
                raise ValueError(
                    f"hop {number} is due in turn {hop.turn}, but one before it in turn {due}"
                )

    def value(self) -> ExpectedPath:
        """The value that the rest of the harness works with."""
        written = self.exact or self.in_order or self.any_order or ()
        hops = tuple(hop.value() for hop in written)
        start = None if self.start is None else Target.parse(self.start)
        if start is None and self.exact is not None and hops:
            start = hops[0].old
        any_order = self.any_order is not None
        return ExpectedPath(
            hops=hops,
            in_order=any_order or self.in_order is not None,
            any_order=any_order,
            start=start,
        )


_WrittenPath = Annotated[
    PathModel,
    BeforeValidator(PathModel.read, json_schema_input_type=str | list[str | HopModel] | PathModel),
]


class NeverModel(StrictModel):
    """What must happen in no turn."""

    agents: list[AgentName] = Field(default_factory=list)
    """Agents that must never have the call."""
    tools: list[str] = Field(default_factory=list)
    """Tools that must never be called, refused calls included."""

    def value(self) -> Never:
        """The value that the rest of the harness works with."""
        return Never(agents=tuple(map(Target.parse, self.agents)), tools=tuple(self.tools))


class EndsModel(StrictModel):
    """Who ends the call, with the tools that bring a person."""

    by: Ender = "person"
    """`agent` hangs up in the last turn, `caller` after it, or a `person` has taken over."""
    person: _Agents = Field(default_factory=list)
    """The tool that brings a person, or several."""

    @classmethod
    def read(cls, written: Any) -> Any:
        """Also `agent`, `caller` or `person` by itself."""
        if isinstance(written, str):
            return {"by": written}
        return written


_WrittenEnds = Annotated[
    EndsModel, BeforeValidator(EndsModel.read, json_schema_input_type=Ender | EndsModel)
]


class ConversationExpectModel(StrictModel):
    """What must be so of the whole conversation; every key is optional."""

    path: _WrittenPath | None = None
    """The hops that the call takes: `triage -> billing -> optional survey`, or a list of them."""
    final: AgentName | None = None
    """The agent that has the call in the end, however it got there."""
    never: NeverModel = Field(default_factory=NeverModel)
    """Agents that never have the call, and tools that are never called."""
    calls: Calls | None = None
    """Calls that are made in some turn, each by a call of its own; `[]` that there is none."""
    max_handoffs: int | None = Field(default=None, ge=0)
    """At most so many handoffs; the first agent's entrance is none."""
    ends: _WrittenEnds | None = None
    """Who ends the call: `agent`, `caller` or `person`; `{person: TOOL}` names the tool."""
    userdata: dict[str, Any] = Field(default_factory=dict)
    """Fields of the session's userdata in the end: values or matchers."""
    carries: dict[AgentName, _Facts] = Field(default_factory=dict)
    """What agents must have been told each time that they take the call: `{billing: "4471"}`."""
    on_simulation_end: str = Field(default="", pattern=r"^([\w.]+:[\w.]+)?$")
    """LiveKit's callback, as `module:function`: its `fail("…")` is a veto."""

    def value(self) -> ConversationExpectation:
        """The value that the rest of the harness works with."""
        return ConversationExpectation(
            path=None if self.path is None else self.path.value(),
            final=None if self.final is None else Target.parse(self.final),
            never=self.never.value(),
            calls=None if self.calls is None else tuple(call.value() for call in self.calls),
            max_handoffs=self.max_handoffs,
            ends=None if self.ends is None else self.ends.by,
            person=() if self.ends is None else tuple(self.ends.person),
            userdata=self.userdata,
            carries=tuple(
                CarriedTo(to=Target.parse(agent), facts=tuple(facts))
                for agent, facts in self.carries.items()
            ),
            on_simulation_end=self.on_simulation_end,
        )

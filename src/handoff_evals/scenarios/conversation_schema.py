"""What a scenario file may expect of a whole conversation, as it may be written."""

from itertools import pairwise
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from handoff_evals.scenarios.expected_path import ExpectedPath, Hop
from handoff_evals.scenarios.scenario import CarriedTo, ConversationExpectation, Ender, Never
from handoff_evals.scenarios.schema import CallModel, Fact, StrictModel, listed, named_calls
from handoff_evals.scenarios.target import Target


class HopModel(StrictModel):
    """A hop of `path:` as a mapping: `{to: billing, turn: 2}`."""

    to: list[str] = Field(min_length=1)
    old: str | None = Field(default=None, alias="from")
    optional: bool = False
    turn: int | None = Field(default=None, ge=1)

    @field_validator("to", mode="before")
    @classmethod
    def _one_or_several(cls, written: Any) -> Any:
        return [written] if isinstance(written, str) else written

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


_WrittenHop = Annotated[HopModel, BeforeValidator(HopModel.read)]


class PathModel(StrictModel):
    """`path:` as a mapping, by which every other form is read."""

    exact: list[_WrittenHop] | None = None
    in_order: list[_WrittenHop] | None = None
    any_order: list[_WrittenHop] | None = None
    start: str | None = None

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


class NeverModel(StrictModel):
    """`never: {agents: […], tools: […]}`."""

    agents: list[str] = Field(default_factory=list)
    tools: list[str] = Field(default_factory=list)

    @field_validator("agents")
    @classmethod
    def _are_agents(cls, written: list[str]) -> list[str]:
        for text in written:
            Target.parse(text)
        return written

    def value(self) -> Never:
        """The value that the rest of the harness works with."""
        return Never(agents=tuple(map(Target.parse, self.agents)), tools=tuple(self.tools))


class EndsModel(StrictModel):
    """`ends:` as a mapping: `{person: [transfer_to_human]}`, the tools that bring a person."""

    by: Ender = "person"
    person: list[str] = Field(default_factory=list)

    @classmethod
    def read(cls, written: Any) -> Any:
        """Also `agent`, `caller` or `person` by itself."""
        if isinstance(written, str):
            return {"by": written}
        if isinstance(written, dict) and isinstance(written.get("person"), str):
            return {**written, "person": [written["person"]]}
        return written


class ConversationExpectModel(StrictModel):
    """`expect:` of a scenario; every key is optional."""

    path: Annotated[PathModel, BeforeValidator(PathModel.read)] | None = None
    final: str | None = None
    never: NeverModel = Field(default_factory=NeverModel)
    calls: list[CallModel] | None = None
    max_handoffs: int | None = Field(default=None, ge=0)
    ends: Annotated[EndsModel, BeforeValidator(EndsModel.read)] | None = None
    userdata: dict[str, Any] = Field(default_factory=dict)
    carries: dict[str, Annotated[list[Fact], BeforeValidator(listed)]] = Field(
        default_factory=dict
    )
    on_simulation_end: str = Field(default="", pattern=r"^([\w.]+:[\w.]+)?$")

    @field_validator("final")
    @classmethod
    def _names_an_agent(cls, text: str | None) -> str | None:
        if text is not None:
            Target.parse(text)
        return text

    @field_validator("carries")
    @classmethod
    def _to_agents(cls, written: dict[str, list[str]]) -> dict[str, list[str]]:
        for text in written:
            Target.parse(text)
        return written

    @field_validator("calls", mode="before")
    @classmethod
    def _names_arenamed_calls(cls, written: Any) -> Any:
        return named_calls(written)

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

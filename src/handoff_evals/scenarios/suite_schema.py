"""A scenario file as it may be written: LiveKit's keys, and ours beside them."""

import json
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, create_model, model_validator

from handoff_evals.scenarios.conversation_schema import ConversationExpectModel
from handoff_evals.scenarios.scenario import ExpectKey, Scenario
from handoff_evals.scenarios.schema import (
    EXTRA_KEY,
    ExpectModel,
    JobModel,
    Mocks,
    StrictModel,
    TurnModel,
    Words,
)


class JudgeCheckModel(StrictModel):
    """An entry of `checks:`."""

    judge: str = Field(min_length=1)


class ScenarioModel(StrictModel):
    """One entry of `scenarios:`."""

    id: str = ""
    label: Words = Field(min_length=1)
    instructions: str = ""
    agent_expectations: str = ""
    tags: dict[str, Any] = Field(default_factory=dict)
    userdata: dict[str, Any] = Field(default_factory=dict)
    modality: Literal["text", "audio"] = "text"
    opening: ExpectModel | None = None
    mocks: Mocks = Field(default_factory=dict)
    job: JobModel = Field(default_factory=JobModel)
    turns: list[TurnModel] = Field(default_factory=list)
    expect: ConversationExpectModel = Field(default_factory=ConversationExpectModel)
    checks: list[JudgeCheckModel] = Field(default_factory=list)

    @model_validator(mode="after")
    def _due_in_its_turns(self) -> "ScenarioModel":
        path = self.expect.path
        for hop in () if path is None else path.value().hops:
            if hop.turn is not None and hop.turn > len(self.turns):
                raise ValueError(
                    f"a hop of `path` is due in turn {hop.turn}, but there are {len(self.turns)}"
                )
        return self

    def value(
        self, *, line: int, mocks: Mocks, job: JobModel, checks: Sequence["JudgeCheckModel"] = ()
    ) -> Scenario:
        """The value that the rest of the harness works with.

        Args:
            line: where it stands in its file.
            mocks: those of the whole file; its own come first.
            job: that of the whole file; its own keys come first.
            checks: those of the whole file; its own come after them.
        """
        named = dict.fromkeys([*mocks, *self.mocks])
        return Scenario(
            id=self.id,
            label=self.label,
            turns=tuple(turn.value() for turn in self.turns),
            tags={
                name: value if isinstance(value, str) else json.dumps(value)
                for name, value in self.tags.items()
            },
            instructions=self.instructions,
            agent_expectations=self.agent_expectations,
            userdata=self.userdata,
            expect=self.expect.extra_keys(),
            conversation=self.expect.value(),
            modality=self.modality,
            judges=tuple(dict.fromkeys(each.judge for each in (*checks, *self.checks))),
            opening=None if self.opening is None else self.opening.value(),
            mocks={agent: {**mocks.get(agent, {}), **self.mocks.get(agent, {})} for agent in named},
            job={**job.value(), **self.job.value()},
            line=line,
        )


class SuiteModel(StrictModel):
    """A whole file."""

    id: str = ""
    name: str = ""
    agent: str = ""
    driver: str = ""
    mocks: Mocks = Field(default_factory=dict)
    job: JobModel = Field(default_factory=JobModel)
    checks: list[JudgeCheckModel] = Field(default_factory=list)
    scenarios: list[ScenarioModel]


def suite_model(keys: Sequence[ExpectKey]) -> type[SuiteModel]:
    """A file in which `expect:` has further keys, those of checks."""
    if not keys:
        return SuiteModel

    def fields(of: str) -> dict[str, Any]:
        # By number: a key may have the name of something that every model has.
        return {
            f"{EXTRA_KEY}{number}": (key.kind, Field(default=None, alias=key.name))
            for number, key in enumerate(keys)
            if key.of == of
        }

    expect = create_model("ExpectModel", __base__=ExpectModel, **fields("turn"))
    turn = create_model(
        "TurnModel", __base__=TurnModel, expect=(expect, Field(default_factory=expect))
    )
    further: dict[str, Any] = {
        "turns": (list[turn], Field(default_factory=list)),  # type: ignore[valid-type]
        "opening": (expect | None, None),
    }
    whole = create_model(
        "ConversationExpectModel", __base__=ConversationExpectModel, **fields("conversation")
    )
    further["expect"] = (whole, Field(default_factory=whole))
    scenario = create_model("ScenarioModel", __base__=ScenarioModel, **further)
    return create_model("SuiteModel", __base__=SuiteModel, scenarios=(list[scenario], ...))  # type: ignore[valid-type]

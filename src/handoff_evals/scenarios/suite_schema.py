"""A scenario file as it may be written: LiveKit's keys, and ours beside them."""

import json
from collections.abc import Sequence
from typing import Any, Literal, TypeVar

from pydantic import Field, create_model, model_validator
from pydantic.fields import FieldInfo

from handoff_evals.scenarios.caller_schema import CallerScriptModel
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
    """The judge's name, as `greeted_anew`; `handoff-evals calibrate --list` lists them."""


class ScenarioModel(StrictModel):
    """A conversation, and what must come of it."""

    id: str = ""
    """LiveKit's id, by which the scenario is known whatever its label is."""
    label: Words = Field(min_length=1, json_schema_extra={"pattern": r"\S"})
    """What the scenario is called; no two of a file have the same."""
    instructions: str = ""
    """LiveKit's: who a simulated caller is, and what they want."""
    agent_expectations: str = ""
    """LiveKit's: what the agent should do, in words."""
    tags: dict[str, Any] = Field(default_factory=dict)
    """LiveKit's: what to choose scenarios by: `{route: billing}`."""
    userdata: dict[str, Any] = Field(default_factory=dict)
    """LiveKit's: what the agent finds in `get_job_context().simulation_context().userdata()`."""
    modality: Literal["text", "audio"] = "text"
    """`audio`: text is driven as if it had been spoken."""
    opening: ExpectModel | None = None
    """What must be so before the caller says anything."""
    mocks: Mocks = Field(default_factory=dict)
    """What tools give back instead, by the agent's id or class and the tool's name."""
    job: JobModel = Field(default_factory=JobModel)
    """What LiveKit's job is about; keys of the scenario come before those of the file."""
    turns: list[TurnModel] = Field(default_factory=list)
    """What the caller says, turn by turn. Without turns, `caller` says it, or a model plays it."""
    caller: CallerScriptModel = Field(default_factory=CallerScriptModel)
    """Who calls, where there are no turns."""
    expect: ConversationExpectModel = Field(default_factory=ConversationExpectModel)
    """What must be so of the whole conversation."""
    checks: list[JudgeCheckModel] = Field(default_factory=list)
    """Who judges the conversation besides, where a run has `--judge`."""

    @model_validator(mode="after")
    def _due_in_its_turns(self) -> "ScenarioModel":
        path = self.expect.path
        for hop in () if path is None else path.value().hops:
            if hop.turn is not None and not self.turns:
                raise ValueError(
                    f"a hop of `path` is due in turn {hop.turn}, but the scenario has no `turns`: "
                    "leave `turn` out"
                )
            if hop.turn is not None and hop.turn > len(self.turns):
                raise ValueError(
                    f"a hop of `path` is due in turn {hop.turn}, but there are {len(self.turns)}"
                )
        return self

    @model_validator(mode="after")
    def _one_caller(self) -> "ScenarioModel":
        if self.turns and self.caller.lines:
            raise ValueError("it has `turns` and `caller.lines`: choose one of them")
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
            caller=self.caller.value(),
            line=line,
        )


class SuiteModel(StrictModel):
    """Scenarios for one agent: LiveKit's `scenarios.yaml`, with turns and expectations."""

    id: str = ""
    """LiveKit's id of the file."""
    name: str = ""
    """What the suite is called; without it, as its folder."""
    agent: str = ""
    """The agent under test, as `module:name` or `path/to/file.py:name`."""
    driver: str = ""
    """How the caller's words are carried: `text` or `spoken`."""
    mocks: Mocks = Field(default_factory=dict)
    """What tools give back instead, in every scenario."""
    job: JobModel = Field(default_factory=JobModel)
    """What LiveKit's job is about, in every scenario."""
    checks: list[JudgeCheckModel] = Field(default_factory=list)
    """Who judges each of the conversations besides, where a run has `--judge`."""
    scenarios: list[ScenarioModel]
    """The conversations."""


def suite_model(keys: Sequence[ExpectKey]) -> type[SuiteModel]:
    """A file in which `expect:` has further keys, those of checks."""
    if not keys:
        return SuiteModel

    def fields(of: str) -> dict[str, Any]:
        # By number: a key may have the name of something that every model has.
        return {
            f"{EXTRA_KEY}{number}": (
                key.kind,
                Field(default=None, alias=key.name, description=key.about or "A check of yours."),
            )
            for number, key in enumerate(keys)
            if key.of == of
        }

    expect = _further(ExpectModel, **fields("turn"))
    turn = _further(TurnModel, expect=expect)
    whole = _further(ConversationExpectModel, **fields("conversation"))
    scenario = _further(
        ScenarioModel,
        turns=list[turn],  # type: ignore[valid-type]
        opening=expect | None,
        expect=whole,
    )
    return _further(SuiteModel, scenarios=list[scenario])  # type: ignore[valid-type]


_M = TypeVar("_M", bound=StrictModel)


def _further(base: type[_M], **fields: Any) -> type[_M]:
    """A model with further fields, or with further keys in the models of its own ones."""

    def field(name: str, kind: Any) -> Any:
        known = base.model_fields.get(name)
        if known is None:
            return kind
        default = {"default_factory": kind} if isinstance(kind, type) else {}
        return kind, FieldInfo.merge_field_infos(known, annotation=kind, **default)

    made = {name: field(name, kind) for name, kind in fields.items()}
    return create_model(base.__name__, __base__=base, __doc__=base.__doc__, **made)

"""`caller:` of a scenario as it may be written.

```yaml
caller:
  goal: one of the two payments back          # for a caller that a model plays
  facts: {order number: "4471", name: Ada}    # what the caller knows
  manner: vague at first
  fallback: I'd have to look that up.
  lines:                                      # for a caller by rules: said in this order
    - Something is wrong with a payment.
    - I was charged twice.
    - {to: billing_agent, says: "The first came off on the third."}
  answers:
    - {asked: order, says: ["It's {order number}.", "I gave it to you: {order number}."]}
    - {tool: look_up, says: "Did you find it?"}
  hangs_up: {heard: looked into, says: "Thanks, goodbye."}
```
"""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from handoff_evals.scenarios.caller_script import (
    ASKS_AGAIN,
    CallerAnswer,
    CallerHangUp,
    CallerLine,
    CallerScript,
    When,
)
from handoff_evals.scenarios.schema import AgentName, Fact, StrictModel, one_or_several
from handoff_evals.scenarios.target import Target


def _line(written: Any) -> Any:
    return written if isinstance(written, dict) else {"says": written}


def _is_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"it is no regular expression: {error}") from None
    return text


_Pattern = Annotated[str, AfterValidator(_is_pattern)]
_Texts = Annotated[
    list[Fact], BeforeValidator(one_or_several, json_schema_input_type=Fact | list[Fact])
]
_Agents = Annotated[
    list[AgentName],
    BeforeValidator(one_or_several, json_schema_input_type=AgentName | list[AgentName]),
]


class CallerLineModel(StrictModel):
    """Something that the caller has to say, in its place among the others."""

    says: Fact
    """The words; `{name}` stands for a fact of that name."""
    to: _Agents = Field(default_factory=list)
    """Only to this agent, or one of these: to others the caller asks to be put through."""


class CallerAnswerModel(StrictModel):
    """What the caller says to a question, to an agent that takes the call, or to a tool's call."""

    asked: _Pattern = ""
    """A regular expression, looked for in what the agents said."""
    agent: AgentName | None = None
    """An agent that took the call."""
    tool: str = ""
    """A tool that was called."""
    says: _Texts = Field(min_length=1)
    """The words; of several those for the first time, the second, …"""

    @model_validator(mode="after")
    def _answers_something(self) -> "CallerAnswerModel":
        if not (self.asked or self.agent or self.tool):
            raise ValueError("say what it answers: `asked`, a pattern, or an `agent`, or a `tool`")
        return self


class CallerHangUpModel(StrictModel):
    """When the caller hangs up."""

    heard: _Pattern = ""
    """A regular expression, looked for in what the agents said."""
    agent: AgentName | None = None
    """An agent that took the call."""
    tool: str = ""
    """A tool that was called."""
    says: Fact | None = None
    """The caller's last words."""

    @model_validator(mode="after")
    def _waits_for_something(self) -> "CallerHangUpModel":
        if not (self.heard or self.agent or self.tool):
            raise ValueError("say when: `heard`, a pattern, or an `agent`, or a `tool`")
        return self


_Line = Annotated[
    CallerLineModel, BeforeValidator(_line, json_schema_input_type=Fact | CallerLineModel)
]
_HangUps = Annotated[
    list[CallerHangUpModel],
    BeforeValidator(
        one_or_several, json_schema_input_type=CallerHangUpModel | list[CallerHangUpModel]
    ),
]


def _when(model: CallerAnswerModel | CallerHangUpModel, heard: str) -> When:
    agent = None if model.agent is None else Target.parse(model.agent)
    return When(heard=heard, agent=agent, tool=model.tool)


class CallerScriptModel(StrictModel):
    """Who calls: a brief for a model, or `lines` and `answers` for a caller by rules."""

    goal: str = ""
    """What the caller wants."""
    facts: dict[str, Fact] = Field(default_factory=dict)
    """What the caller knows, by what it is called: `{order number: "4471"}`."""
    manner: str = ""
    """How the caller speaks."""
    fallback: Fact = CallerScript().fallback
    """The answer to a question that nothing here answers."""
    lines: list[_Line] = Field(default_factory=list)
    """What the caller by rules says by itself, in this order."""
    answers: list[CallerAnswerModel] = Field(default_factory=list)
    """What it says to what happened in the last turn, before the next line; the first that fits."""
    hangs_up: _HangUps = Field(default_factory=list)
    """When it hangs up; without this, when all is said."""
    asks_again: Fact = ASKS_AGAIN
    """What it says to an agent that a line is not for; `{agent}` is the one that it is for."""
    patience: int = Field(default=CallerScript().patience, ge=0)
    """How often in a row it asks again, or falls back, before it hangs up."""
    max_turns: int = Field(default=CallerScript().max_turns, ge=1)
    """The caller hangs up after so many turns."""

    @model_validator(mode="after")
    def _can_be_played(self) -> "CallerScriptModel":
        if (self.answers or self.hangs_up) and not self.lines:
            raise ValueError("a caller by rules needs `lines`, what it says by itself, in order")
        script = self.value()
        for text, name in script.unknown_facts:
            known = ", ".join(map(repr, script.facts)) or "none"
            raise ValueError(f"{text!r} has {{{name}}}, which is no fact: `facts` has {known}")
        return self

    def value(self) -> CallerScript:
        """The value that the rest of the harness works with."""
        return CallerScript(
            goal=self.goal,
            facts=self.facts,
            manner=self.manner,
            fallback=self.fallback,
            lines=tuple(
                CallerLine(says=line.says, to=tuple(map(Target.parse, line.to)))
                for line in self.lines
            ),
            answers=tuple(
                CallerAnswer(when=_when(each, each.asked), says=tuple(each.says))
                for each in self.answers
            ),
            hangs_up=tuple(
                CallerHangUp(when=_when(each, each.heard), says=each.says or "")
                for each in self.hangs_up
            ),
            asks_again=self.asks_again,
            patience=self.patience,
            max_turns=self.max_turns,
        )

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
    - {tool: look_up, says: Did you find it?}
  hangs_up: {heard: looked into, says: "Thanks, goodbye."}
```
"""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from handoff_evals.scenarios.caller_script import (
    ASKS_AGAIN,
    CallerAnswer,
    CallerHangUp,
    CallerLine,
    CallerScript,
    When,
)
from handoff_evals.scenarios.schema import StrictModel, Words, listed
from handoff_evals.scenarios.target import Target


def _line(written: Any) -> Any:
    return written if isinstance(written, dict) else {"says": written}


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"it is no regular expression: {error}") from None
    return text


def _agent(text: str) -> str:
    Target.parse(text)
    return text


_NonEmpty = Annotated[Words, Field(min_length=1)]


class CallerLineModel(StrictModel):
    """A line: a text, or `{to: AGENT, says: TEXT}`."""

    says: _NonEmpty
    to: Annotated[list[str], BeforeValidator(listed)] = Field(default_factory=list)

    @field_validator("to")
    @classmethod
    def _names_agents(cls, written: list[str]) -> list[str]:
        return [_agent(each) for each in written]


class _WhenModel(StrictModel):
    agent: str = ""
    tool: str = ""

    @field_validator("agent")
    @classmethod
    def _names_an_agent(cls, text: str) -> str:
        return text and _agent(text)

    def when(self, heard: str) -> When:
        agent = Target.parse(self.agent) if self.agent else None
        return When(heard=heard, agent=agent, tool=self.tool)


class CallerAnswerModel(_WhenModel):
    """`{asked: PATTERN | agent: ID | tool: NAME, says: TEXT}`."""

    asked: str = ""
    says: Annotated[list[_NonEmpty], BeforeValidator(listed), Field(min_length=1)]

    @field_validator("asked")
    @classmethod
    def _is_a_pattern(cls, text: str) -> str:
        return _pattern(text)

    @model_validator(mode="after")
    def _answers_something(self) -> "CallerAnswerModel":
        if not (self.asked or self.agent or self.tool):
            raise ValueError("say what it answers: `asked`, a pattern, or an `agent`, or a `tool`")
        return self


class CallerHangUpModel(_WhenModel):
    """`{heard: PATTERN | agent: ID | tool: NAME, says: TEXT}`, `says` being last words."""

    heard: str = ""
    says: Words = ""

    @field_validator("heard")
    @classmethod
    def _is_a_pattern(cls, text: str) -> str:
        return _pattern(text)

    @model_validator(mode="after")
    def _waits_for_something(self) -> "CallerHangUpModel":
        if not (self.heard or self.agent or self.tool):
            raise ValueError("say when: `heard`, a pattern, or an `agent`, or a `tool`")
        return self


class CallerScriptModel(StrictModel):
    """The whole of `caller:`; every key is optional."""

    goal: str = ""
    facts: dict[str, _NonEmpty] = Field(default_factory=dict)
    manner: str = ""
    fallback: _NonEmpty = CallerScript().fallback
    lines: list[Annotated[CallerLineModel, BeforeValidator(_line)]] = Field(default_factory=list)
    answers: list[CallerAnswerModel] = Field(default_factory=list)
    hangs_up: Annotated[list[CallerHangUpModel], BeforeValidator(listed)] = Field(
        default_factory=list
    )
    asks_again: _NonEmpty = ASKS_AGAIN
    patience: int = Field(default=CallerScript().patience, ge=0)
    max_turns: int = Field(default=CallerScript().max_turns, ge=1)

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
                CallerAnswer(when=each.when(each.asked), says=tuple(each.says))
                for each in self.answers
            ),
            hangs_up=tuple(
                CallerHangUp(when=each.when(each.heard), says=each.says) for each in self.hangs_up
            ),
            asks_again=self.asks_again,
            patience=self.patience,
            max_turns=self.max_turns,
        )

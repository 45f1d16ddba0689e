"""The arguments that a random model sends."""

from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from handoff_evals.fuzzing.random_model import arguments


class Address(BaseModel):
    street: str
    number: int = Field(ge=1, le=99)


class Arguments(BaseModel):
    kind: Literal["home", "work"]
    address: Address
    others: list[Address] = []
    note: str | None = None
    share: float = Field(default=0.5, ge=0, le=1)
    sure: bool


CHOICES = st.lists(st.integers(0, 9), max_size=20)
FEW = settings(derandomize=True, database=None, deadline=None)


@given(CHOICES)
@FEW
def test_they_fit_the_schema_of_the_tool(choices: list[int]) -> None:
    Arguments.model_validate(arguments(Arguments.model_json_schema(), iter(choices)))


def test_without_choices_they_are_the_plainest() -> None:
    assert arguments(Arguments.model_json_schema(), iter(())) == {
        "kind": "home",
        "address": {"street": "Ada", "number": 1},
        "sure": True,
    }


@given(CHOICES)
@FEW
def test_a_schema_that_contains_itself_has_an_end(choices: list[int]) -> None:
    node = {
        "type": "object",
        "properties": {"next": {"$ref": "#/$defs/node"}},
        "required": ["next"],
    }
    sent = arguments({"$ref": "#/$defs/node", "$defs": {"node": node}}, iter(choices))

    while sent is not None:
        sent = sent["next"]


def test_a_tool_without_parameters_gets_none() -> None:
    assert arguments({"type": "object", "properties": {}}, iter([1, 2, 3])) == {}

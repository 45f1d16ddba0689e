"""The arguments that a random model sends."""

from typing import Any, Literal

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from handoff_evals.properties.arguments import arguments


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


@given(arguments(Arguments.model_json_schema()))
@settings(derandomize=True, database=None, deadline=None)
def test_they_fit_the_schema_of_the_tool(sent: dict[str, Any]) -> None:
    Arguments.model_validate(sent)


@given(st.data())
@settings(derandomize=True, database=None, deadline=None, max_examples=10)
def test_a_schema_that_contains_itself_has_an_end(data: st.DataObject) -> None:
    node = {
        "type": "object",
        "properties": {"next": {"$ref": "#/$defs/node"}},
        "required": ["next"],
    }
    sent = data.draw(arguments({"$ref": "#/$defs/node", "$defs": {"node": node}}))

    while sent is not None:
        sent = sent["next"]


def test_a_tool_without_parameters_gets_none() -> None:
    sent: list[Any] = []

    @given(arguments({"type": "object", "properties": {}}))
    @settings(database=None, max_examples=3)
    def look(value: Any) -> None:
        sent.append(value)

    look()
    assert sent
    assert all(value == {} for value in sent)

"""Arguments that nobody gave pass what a tool asks of them."""

import re
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.agents import function_tool, llm
from livekit.agents.llm.utils import validated_arguments
from pydantic import AnyUrl, BaseModel, Field, field_validator, model_validator

from handoff_evals.livekit import ArgumentHints, arguments_for


class Level(Enum):
    LOW = "low"
    HIGH = "high"


class Stay(BaseModel):
    arrives: date
    leaves: date

    @model_validator(mode="after")
    def _in_order(self) -> "Stay":
        if self.leaves < self.arrives:
            raise ValueError("leaves before it arrives")
        return self


class Phone(BaseModel):
    number: str

    @field_validator("number")
    @classmethod
    def _international(cls, number: str) -> str:
        if not re.fullmatch(r"\+\d{8,15}", number):
            raise ValueError("write it as +14155550132")
        return number


class Money(BaseModel):
    amount: Annotated[float, Field(gt=0, le=500, multiple_of=0.5)]
    currency: Literal["EUR", "USD"]
    note: Annotated[str, Field(min_length=30, max_length=40)]


def taking(annotation: Any, *, name: str = "value", doc: str = "Record it.") -> Any:
    source = f"async def record({name}): return None"
    scope: dict[str, Any] = {}
    exec(source, scope)  # noqa: S102 - the parameter's name is part of the case
    record = scope["record"]
    record.__doc__ = doc
    record.__annotations__[name] = annotation
    return function_tool(record)


@pytest.mark.parametrize(
    "annotation",
    [
        date,
        datetime,
        time,
        UUID,
        AnyUrl,
        Decimal,
        Level,
        Stay,
        Phone,
        Money,
        list[Money],
        dict[str, int],
        tuple[int, str],
        int | str | None,
        Literal["only"],
        Annotated[int, Field(ge=18, lt=20)],
        Annotated[int, Field(gt=10, multiple_of=7)],
        Annotated[float, Field(lt=-1)],
        Annotated[str, Field(min_length=40)],
        Annotated[str, Field(max_length=3)],
        Annotated[str, Field(pattern=r"^[A-Z]{3}-\d{4}$")],
        Annotated[str, Field(pattern=r"^(?:GB|IE)[^a-z]\w+@[\w.]+\.[a-z]{2,}$")],
        Annotated[list[str], Field(min_length=2)],
    ],
    ids=str,
)
def test_made_up_arguments_pass_the_tools_own_validation(annotation: Any) -> None:
    tool = taking(annotation)
    found = arguments_for(tool)

    assert found
    for arguments in found:
        validated_arguments(tool, arguments)


@pytest.mark.parametrize(
    ("name", "doc", "fits"),
    [
        ("when", "Args:\n    when: the day, as YYYY-MM-DD", date.fromisoformat),
        ("start_time", "Args:\n    start_time: HH:MM", time.fromisoformat),
        ("starts_at", "", datetime.fromisoformat),
        ("email_address", "", re.compile(r"[^@]+@[^@]+\.\w+").fullmatch),
        ("phone", "", re.compile(r"\+\d{8,15}").fullmatch),
        ("ticket", "Args:\n    ticket: its number, e.g. AB-123", re.compile("AB-123").fullmatch),
    ],
)
def test_a_name_or_a_description_says_what_a_text_looks_like(
    name: str, doc: str, fits: Any
) -> None:
    tool = taking(str, name=name, doc=f"Record it.\n\n{doc}")

    assert fits(arguments_for(tool)[0][name])


@pytest.mark.parametrize(
    ("name", "said", "value"),
    [
        ("email", "It's ada@lovelace.org.", "ada@lovelace.org"),
        ("birth_date", "I was born on 1815-12-10.", "1815-12-10"),
        ("order_id", "Where's my order A-4471?", "A-4471"),
        ("customer_name", "Well, I'm Ada Lovelace.", "Ada Lovelace"),
    ],
)
def test_what_the_caller_said_comes_before_what_is_made_up(
    name: str, said: str, value: str
) -> None:
    hints = ArgumentHints(said=(said,))

    assert arguments_for(taking(str, name=name), hints=hints)[0] == {name: value}


def test_a_number_that_the_caller_said_is_tried() -> None:
    tool = taking(int, name="age")

    assert {"age": 36} in arguments_for(tool, hints=ArgumentHints(said=("I'm 36.",)))


def test_of_several_options_the_one_that_is_wanted_comes_first() -> None:
    hints = ArgumentHints(wanted=("high_level",))

    assert arguments_for(taking(Level), hints=hints)[0] == {"value": "high"}
    assert arguments_for(taking(str, name="destination"), hints=hints)[0] == {
        "destination": "high_level"
    }


def test_what_is_given_is_sent_as_it_is() -> None:
    @function_tool
    async def record(name: str, age: Annotated[int, Field(ge=18)]) -> str:
        """Record it."""
        return f"{name}{age}"

    assert arguments_for(record, given={"age": 3})[0]["age"] == 3
    assert arguments_for(record, given={"name": "Bo", "age": 20}) == [{"name": "Bo", "age": 20}]


def test_an_option_with_a_default_is_left_out_first_and_then_tried() -> None:
    @function_tool
    async def move(to: Literal["front", "back"] = "front", note: str = "") -> str:
        """Move."""
        return to + note

    assert arguments_for(move) == [{}, {"to": "front"}, {"to": "back"}]


def test_a_raw_schema_with_parts_in_parts_is_filled() -> None:
    async def handler(raw_arguments: dict[str, object]) -> None:
        """Do nothing."""

    parameters = {
        "type": "object",
        "properties": {
            "place": {"$ref": "#/$defs/place"},
            "count": {"type": ["null", "integer"], "exclusiveMinimum": 2},
            "any": {"allOf": [{"type": "string"}, {"enum": ["one"]}]},
        },
        "required": ["place", "count", "any"],
        "$defs": {
            "place": {
                "type": "object",
                "properties": {"queue": {"oneOf": [{"const": "vault"}, {"type": "null"}]}},
                "required": ["queue"],
            }
        },
    }
    tool = function_tool(handler, raw_schema={"name": "x", "parameters": parameters})

    assert arguments_for(tool)[0] == {"place": {"queue": "vault"}, "count": 3, "any": "one"}


def test_where_nothing_passes_there_is_something_all_the_same() -> None:
    class Never(BaseModel):
        word: str

        @field_validator("word")
        @classmethod
        def _refuse(cls, _: str) -> str:
            raise ValueError("never")

    assert len(arguments_for(taking(Never))) == 1


@given(
    st.integers(-50, 50),
    st.integers(0, 40),
    st.sampled_from(["minimum", "exclusiveMinimum"]),
    st.sampled_from([None, 1, 3, 10]),
)
def test_whole_numbers_stay_within_their_bounds(
    least: int, span: int, kind: str, step: int | None
) -> None:
    part: dict[str, Any] = {"type": "integer", kind: least, "maximum": least + span + 11}
    if step is not None:
        part["multipleOf"] = step

    async def handler(raw_arguments: dict[str, object]) -> None:
        """Do nothing."""

    schema = {"type": "object", "properties": {"n": part}, "required": ["n"]}
    tool: llm.Tool = function_tool(handler, raw_schema={"name": "x", "parameters": schema})
    for arguments in arguments_for(tool):
        number = arguments["n"]
        assert isinstance(number, int)
        assert least + (kind == "exclusiveMinimum") <= number <= least + span + 11
        assert step is None or number % step == 0

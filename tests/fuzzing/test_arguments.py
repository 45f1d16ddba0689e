"""The arguments that a random model sends."""

from pathlib import Path
from typing import Any, Literal

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from handoff_evals import AgentEntry, Subject
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


FORMS = {
    "type": "object",
    "properties": {
        "day": {"type": "string", "format": "date"},
        "mail": {"type": "string", "format": "email"},
        "code": {"type": "string", "minLength": 4, "maxLength": 4},
        "guests": {"type": "integer", "exclusiveMinimum": 1, "multipleOf": 17},
    },
    "required": ["day", "mail", "code", "guests"],
}


def test_formats_lengths_and_bounds_are_kept() -> None:
    assert arguments(FORMS, iter(())) == {
        "day": "2025-06-30",
        "mail": "ada@example.com",
        "code": "aaaa",
        "guests": 34,
    }


def test_what_a_scenario_file_gives_is_chosen_first() -> None:
    known: dict[str, list[Any]] = {"code": ["A-17", "B-2"], "elsewhere": [1]}
    assert arguments(FORMS, iter(()), known)["code"] == "A-17"
    assert arguments(FORMS, iter([1]), known)["code"] == "B-2"
    assert arguments(FORMS, iter([2]), known)["code"] == "aaaa"


def test_scenario_files_give_arguments_and_fields_of_userdata(tmp_path: Path) -> None:
    file = tmp_path / "scenarios.yaml"
    file.write_text(
        "agent: shop:Front\n"
        "scenarios:\n"
        "  - label: Books\n"
        "    turns:\n"
        "      - user: A table for two.\n"
        "        expect: {agent: front, calls: [{name: book, arguments: {guests: 2}}]}\n"
        "      - user: Make it three. It's Ann.\n"
        "        expect: {agent: front, calls: [{name: book, arguments: {guests: 3}}],"
        " userdata: {name: Ann}}\n"
    )
    entry = AgentEntry.load("tests.fuzzing.test_planted:Reception")
    subject = Subject(entry=entry, graph={"front": []}, scenarios=[file])
    assert subject.values == {"guests": (2, 3), "name": ("Ann",)}
    assert Subject(entry=entry, graph={"front": []}).values == {}

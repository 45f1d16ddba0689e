"""The JSON Schema of scenario files, against what the loader admits and refuses."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field

from handoff_evals.scenarios import ExpectKey, json_schema, load_suite
from handoff_evals.scenarios.load import load
from tests.scenarios.test_load_errors import BAD, EXPECT, HEAD

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "docs" / "scenarios.schema.json"
ONLY_THE_LOADER = {"one label twice", "a key twice"}
"""What no schema can see."""


class Tone(BaseModel):
    """What a check of somebody's expects."""

    polite: bool = Field(description="Whether the agent says please.")


OWN = (
    ExpectKey(name="max_words", kind=int, about="The most words that the caller hears."),
    ExpectKey(name="tone", kind=Tone, of="conversation"),
)
OWN_KEYS = """
          max_words: 30
    expect: {tone: {polite: true}}
"""
MATCHERS = """
          calls:
            - transfer
            - name: charge
              arguments: {order: {pattern: "^44", example: "4471"}, at: {any_of: [1, {loosely: x}]}}
              output: {pattern: x, any_of: of two keys none is a matcher}
              error: true
          userdata: {profile.name: {contains: Maria}, tags: [vip], any_of: {equals: {any_of: 1}}}
          said: {any_of: [billing, 4471]}
          lacks: [technical, {pattern: x}]
          check: my_checks:is_polite
"""
PATHS = (
    "triage",
    "triage -> billing or claims -> optional survey",
    "[triage -> billing, {to: [a, b], from: billing, optional: true, turn: 1}]",
    "{in_order: [billing]}",
    "{exact: [billing], start: triage}",
)


def problems(text: str, schema: dict[str, Any]) -> list[str]:
    found = Draft202012Validator(schema).iter_errors(load(text).value)
    return [error.message for error in found]


def is_yaml(text: str) -> bool:
    try:
        load(text)
    except (yaml.YAMLError, ValueError):
        return False
    return True


def described(schema: Any, path: str = "") -> Iterator[tuple[str, bool]]:
    """Every key that a mapping may have, and whether the schema says what it is."""
    for name, each in schema.get("properties", {}).items():
        yield f"{path}.{name}", bool(each.get("description"))
    for name, each in schema.get("$defs", {}).items():
        yield from described(each, name)


def test_it_is_a_json_schema() -> None:
    Draft202012Validator.check_schema(json_schema(OWN))


def test_every_key_says_what_it_is() -> None:
    assert [key for key, has in described(json_schema(OWN)) if not has] == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("evals/**/scenarios.yaml")), ids=str)
def test_it_admits_the_suites_of_the_repository(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert problems(text, json_schema(further_checks=True)) == []


@pytest.mark.parametrize("name", sorted(name for name, (text, _) in BAD.items() if is_yaml(text)))
def test_it_refuses_what_the_loader_refuses(name: str) -> None:
    text, _ = BAD[name]
    assert bool(problems(text, json_schema())) is (name not in ONLY_THE_LOADER)


@pytest.mark.parametrize("path", PATHS)
def test_it_admits_every_form_of_a_path(path: str, tmp_path: Path) -> None:
    text = f"{HEAD}  - label: A\n    turns: [{{user: hi}}]\n    expect: {{path: {path}}}\n"
    file = tmp_path / "scenarios.yaml"
    file.write_text(text, encoding="utf-8")
    assert load_suite(file).scenarios
    assert problems(text, json_schema()) == []


@pytest.mark.parametrize("written", [OWN_KEYS, MATCHERS], ids=["own keys", "matchers"])
def test_it_admits_own_checks_and_matchers_as_the_loader_does(written: str, tmp_path: Path) -> None:
    text = EXPECT + written.lstrip("\n")
    file = tmp_path / "scenarios.yaml"
    file.write_text(text, encoding="utf-8")
    assert load_suite(file, keys=OWN).scenarios
    assert problems(text, json_schema(OWN)) == []
    assert problems(text, json_schema(further_checks=True)) == []


def test_a_value_of_an_own_check_is_checked() -> None:
    assert problems(EXPECT + "          max_words: many\n", json_schema(OWN))


def test_scenarios_may_be_named_by_a_function() -> None:
    text = "agent: m:A\nscenarios: my_scenarios:every_route\n"
    assert problems(text, json_schema()) == []


def test_the_kept_schema_is_the_one_of_this_version() -> None:
    assert json.loads(KEPT.read_text(encoding="utf-8")) == json_schema(further_checks=True), (
        "scenario files have other keys now: run `make schema`"
    )

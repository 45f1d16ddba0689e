"""The chat template, rendered by another engine than the server's."""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import jinja2
import pytest

from handoff_evals.local_model.catalogue import template_named

ENGINE = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)  # noqa: S701 - a prompt is no HTML
ENGINE.filters["tojson"] = json.dumps
TEMPLATE = ENGINE.from_string(template_named("examples").text)
QUESTION = "(Which tool is this for, if any?)"
SYSTEM = {"role": "system", "content": "You answer the phone."}


def tool(name: str, description: str, /, **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


BILLING = tool("to_billing", "Pass on to billing.")
RECORD = tool("record", "Record the caller.", name={"type": "string", "description": "As said."})


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def reply(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def called(name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"role": "assistant", "tool_calls": [{"id": "1", "function": function}]}


def result(text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": "1", "content": text}


def turns(
    messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] | None = None
) -> list[str]:
    """Each turn as `role text`; the last one is the one to be written."""
    prompt = TEMPLATE.render(messages=messages, tools=tools, add_generation_prompt=True)
    assert prompt.startswith("<|im_start|>")
    parts = prompt.removeprefix("<|im_start|>").split("<|im_start|>")
    assert all(part.endswith("<|im_end|>\n") for part in parts[:-1])
    return [part.removesuffix("<|im_end|>\n").replace("\n", " ", 1) for part in parts]


def test_without_tools_it_is_plain_chat() -> None:
    assert turns([SYSTEM, user("Hi."), reply("Hello."), user("Bye.")]) == [
        "system You answer the phone.",
        "user Hi.",
        "assistant Hello.",
        "user Bye.",
        "assistant ",
    ]


def test_tools_are_described_once_after_the_instructions() -> None:
    system = turns([SYSTEM, user("Hi.")], [BILLING, RECORD])[0]
    assert system.startswith("system You answer the phone.\n")
    assert "- to_billing: Pass on to billing.\n" in system
    assert "- record: Record the caller.\n  - name: As said.\n" in system


def test_every_tool_gets_one_worked_call_made_from_its_description() -> None:
    found = turns([SYSTEM, user("Hi.")], [BILLING, RECORD])
    assert found[1] == f"user I need someone for this: Pass on to billing.\n{QUESTION}"
    assert found[2] == 'assistant CALL {"to_billing": {}} END'
    assert found[3].startswith('user I need someone for this: Record the caller. With "name": "X".')
    assert found[4] == 'assistant CALL {"record": {"name": "X"}} END'
    assert sum("CALL" in turn for turn in found[1:]) == 2


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, '"X"'),
        ({"type": "integer"}, "1"),
        ({"type": "number"}, "1"),
        ({"type": "boolean"}, "true"),
        ({"type": "array", "items": {"type": "string"}}, "[]"),
        ({"type": "object"}, "{}"),
        ({"enum": ["red", "blue"]}, '"red"'),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "1"),
        ({"$ref": "#/$defs/Other"}, '"X"'),
    ],
)
def test_a_worked_call_takes_values_that_its_user_gave_and_that_fit_the_schema(
    schema: dict[str, Any], value: str
) -> None:
    found = turns([user("Hi.")], [tool("t", "Do it.", a=schema)])
    assert f'With "a": {value}.' in found[1]
    assert found[2] == f'assistant CALL {{"t": {{"a": {value}}}}} END'


def test_a_tool_may_have_no_parameters_at_all() -> None:
    bare = {"type": "function", "function": {"name": "bare", "description": "Do it."}}
    assert turns([user("Hi.")], [bare])[2] == 'assistant CALL {"bare": {}} END'


def test_every_turn_of_the_user_asks_for_the_decision_and_every_reply_states_it() -> None:
    found = turns([SYSTEM, user("Hi."), reply("Hello."), user("Bye.")], [BILLING])
    assert found[-4:] == [
        f"user Hi.\n{QUESTION}",
        "assistant None: Hello.",
        f"user Bye.\n{QUESTION}",
        "assistant ",
    ]
    assert all(turn.endswith(QUESTION) for turn in found if turn.startswith("user"))


def test_a_past_call_is_shown_as_the_call_that_the_model_writes_and_its_result_as_a_turn() -> None:
    past = [user("I'm Al."), called("record", '{"name": "Al"}'), result("Noted.")]
    assert turns([SYSTEM, *past], [RECORD])[-3:] == [
        'assistant CALL {"record": {"name": "Al"}} END',
        "user Result of the tool: Noted.",
        "assistant ",
    ]


def test_without_tools_past_calls_are_hidden_so_that_none_is_imitated() -> None:
    found = turns([SYSTEM, user("I'm Al."), called("record", '{"name": "Al"}'), result("Noted.")])
    assert found[1:] == ["user I'm Al.", "user Result of the tool: Noted.", "assistant "]


def test_later_instructions_stay_where_they_stand() -> None:
    for role in ("system", "developer"):
        late = {"role": role, "content": "Greet the caller."}
        assert turns([SYSTEM, user("Hi."), late])[-2] == "system Greet the caller."


def test_a_context_without_instructions_has_a_system_turn_all_the_same() -> None:
    assert turns([user("Hi.")])[0] == "system You are a helpful assistant."


@pytest.mark.parametrize("tools", [None, [BILLING, RECORD]])
def test_a_conversation_begins_with_the_prompt_of_its_beginning(
    tools: list[dict[str, Any]] | None,
) -> None:
    """The server reads again only what differs from what it read before."""
    whole = [SYSTEM, user("Hi."), called("record", "{}"), result("Noted."), reply("Thanks.")]
    prompts = [
        TEMPLATE.render(messages=whole[:end], tools=tools, add_generation_prompt=False)
        for end in range(1, len(whole) + 1)
    ]
    for shorter, longer in pairwise(prompts):
        assert longer.startswith(shorter)

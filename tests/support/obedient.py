"""A model that does what it is told, by rule: an instrument for edits of instructions.

It reads sentences like `Charges and refunds go to billing` in the instructions, and where
they say nothing about a tool, what its description says after the colon (`Transfer to
billing: charges, refunds`). It calls the tool that the caller's words speak for most, and
none where two are level or nothing speaks for any.
"""

import re
from typing import Any

from livekit.agents import llm

from handoff_evals import ScriptedLLM, tool_call
from handoff_evals.livekit import Reply, Request

_GOES = re.compile(r"([^.;:]+?),? (?:goes|go) to (?:the )?(\w+)", re.IGNORECASE)
_STEM = 5
_WORDS = re.compile(r"[a-z]+")
_EMPTY = frozenset(
    _WORDS.findall(
        "about again and are but call caller can could everything for from get got had has have "
        "hello her his how its just long may more much not now off one our own per she should some "
        "tell than that the their them then there they this too two want wants was what when where "
        "which who why will with would yes you your"
    )
)
_MONEY = (
    "charge charged fee bill invoice refund payment paid pay euros money bank transfer declined"
)
_FAULTS = (
    "connection router line phone slow speed fault broken dead wifi internet outage light tone "
    "dropping cutting cable"
)
_COMPLAINTS = "manager complain complaint demands supervisor"
_SENSES = (_MONEY, _FAULTS, _COMPLAINTS)
"""Words that mean the same to it: a rule about one is a rule about all."""


def obedient() -> ScriptedLLM:
    """A new one, for one conversation."""
    return ScriptedLLM(_answer)


def _answer(request: Request) -> Reply:
    last = request.last_item
    if not (isinstance(last, llm.ChatMessage) and last.role == "user" and request.tools):
        return "I see."
    said = _stems(request.last_user_text)
    votes = {name: len(said & words) for name, words in _routes(request).items()}
    first, second = sorted([*votes.values(), 0, 0], reverse=True)[:2]
    if first == second:
        return "How can I help?"
    [name] = [name for name, number in votes.items() if number == first]
    return tool_call(name, **_arguments(request, name))


def _routes(request: Request) -> dict[str, set[str]]:
    """The words that speak for each tool."""
    routes: dict[str, set[str]] = {name: set() for name in request.tool_names}
    for words, target in _GOES.findall(_instructions(request)):
        for name in routes:
            if target.lower() in name:
                routes[name] |= _meant(words)
    for name, schema in _schemas(request).items():
        if not routes[name]:
            routes[name] = _meant(str(schema.get("description", "")).partition(":")[2])
    return routes


def _instructions(request: Request) -> str:
    return " ".join(
        message.text_content or ""
        for message in request.chat_ctx.messages()
        if message.role in {"system", "developer"}
    )


def _arguments(request: Request, name: str) -> dict[str, str]:
    required = _schemas(request)[name].get("parameters", {}).get("required", ())
    return dict.fromkeys(required, request.last_user_text)


def _schemas(request: Request) -> dict[str, dict[str, Any]]:
    described = llm.ToolContext(list(request.tools)).parse_function_tools("openai", strict=False)
    functions = [each.get("function", each) for each in described]
    return {function["name"]: function for function in functions}


def _meant(text: str) -> set[str]:
    """The words of a text, and those that mean the same."""
    words = _stems(text)
    return words.union(*(sense for sense in map(_stems, _SENSES) if sense & words))


def _stems(text: str) -> set[str]:
    """The words of a text without their endings; the shortest say nothing."""
    words = (word for word in _WORDS.findall(text.lower()) if word not in _EMPTY)
    return {word.removesuffix("s")[:_STEM] for word in words if len(word) > 2}

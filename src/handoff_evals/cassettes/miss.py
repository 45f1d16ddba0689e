"""What to say of a request that was never recorded: the nearest that was, and what differs."""

import json
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from handoff_evals.cassettes.exchange import Entry, RecordedRequest
from handoff_evals.cassettes.mask_proposal import as_toml, differently_ordered, proposed_masks
from handoff_evals.transcript import ToolSchema, message_text

_AROUND = 4
"""Words shown before and after a change."""
_LONGEST = 12
"""Words shown of one side of a change."""
_WHO = {"user": "the caller", "assistant": "the agent", "tool": "a tool's result"}


def miss(request: RecordedRequest, recorded: Sequence[Entry], *, trial: int, where: str) -> str:
    """Say in the user's terms why nothing recorded answers the request.

    Args:
        request: what was asked, canonical.
        recorded: what the cassette files have, of any trial.
        trial: the trial's number.
        where: the folder of the cassette files. The file is not named: the same miss of two
            scenarios is to be counted as one.
    """
    same_trial = [entry.request for entry in recorded if entry.trial == trial]
    nearest = max(same_trial, key=lambda each: _nearness(request, each), default=None)
    return (
        f"{request.agent} asked what was never recorded: "
        f"{_why(request, recorded, nearest, trial)}; {_what_to_do(request, nearest)}record it: "
        f"--cassettes auto (in {where})"
    )


def _what_to_do(request: RecordedRequest, nearest: RecordedRequest | None) -> str:
    """What has the request found without recording it anew, where there is something."""
    if nearest is None:
        return ""
    masks = proposed_masks(nearest, request)
    if masks:
        return (
            "if that differs from run to run by itself, as an id that a tool draws at random or "
            f"today's date, write `{as_toml(masks)}` under [tool.handoff-evals] in "
            "pyproject.toml; or else "
        )
    if differently_ordered(nearest, request):
        return (
            "the same words stand in another order, as a set gives them, which depends on the "
            "hash seed of the process: write sorted(...) around the set; or else "
        )
    return ""


def first_difference(recorded: RecordedRequest, now: RecordedRequest) -> str | None:
    """What differs first, in the order in which people change things; None where nothing."""
    return (
        _of_model(recorded, now)
        or _of_instructions(recorded, now)
        or _of_tools(recorded, now)
        or _of_messages(recorded.conversation, now.conversation)
        or _of_options(recorded, now)
    )


def changed_words(old: str, new: str) -> str:
    """The first change of a text, word by word: `… please [-book-] {+reserve+} a table …`."""
    before, after = old.split(), new.split()
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for kind, start, end, new_start, new_end in matcher.get_opcodes():
        if kind == "equal":
            continue
        parts = [
            "… " if start > _AROUND else "",
            " ".join(before[max(0, start - _AROUND) : start]),
            f" [-{_few(before[start:end])}-]" if end > start else "",
            f" {{+{_few(after[new_start:new_end])}+}}" if new_end > new_start else "",
            " " + " ".join(before[end : end + _AROUND]),
            " …" if end + _AROUND < len(before) else "",
        ]
        return "".join(parts).strip()
    return "only blanks and line breaks differ"


def _why(
    request: RecordedRequest,
    recorded: Sequence[Entry],
    nearest: RecordedRequest | None,
    trial: int,
) -> str:
    if not recorded:
        return "there is nothing of this conversation"
    if nearest is None:
        known = ", ".join(str(number + 1) for number in sorted({each.trial for each in recorded}))
        return f"there is no trial {trial + 1} of this conversation, only {known}"
    return (
        first_difference(nearest, request)
        or "it was asked once more than was recorded, or with another seed"
    )


def _nearness(
    request: RecordedRequest, recorded: RecordedRequest
) -> tuple[bool, int, bool, bool, bool, int]:
    """How much of a recorded request is the same; greater is nearer."""
    conversation, other = request.conversation, recorded.conversation
    same = 0
    for mine, theirs in zip(conversation, other, strict=False):
        if mine != theirs:
            break
        same += 1
    return (
        recorded.agent == request.agent,
        same,
        conversation == other,
        recorded.tools == request.tools,
        recorded.instructions == request.instructions,
        -abs(len(conversation) - len(other)),
    )


def _of_model(recorded: RecordedRequest, now: RecordedRequest) -> str | None:
    if recorded.model.label != now.model.label:
        return f"recorded of model {recorded.model.label!r}, now {now.model.label!r} is asked"
    old, new = recorded.model.options, now.model.options
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            return f"model {now.model.label}: {name} was {old.get(name)!r}, now {new.get(name)!r}"
    return None


def _of_instructions(recorded: RecordedRequest, now: RecordedRequest) -> str | None:
    if recorded.instructions == now.instructions:
        return None
    if recorded.agent != now.agent:
        return f"the nearest that was recorded is a request of {recorded.agent}"
    changed = changed_words(recorded.instructions, now.instructions)
    return f"instructions of {now.agent} changed: {changed}"


def _of_tools(recorded: RecordedRequest, now: RecordedRequest) -> str | None:
    before = {tool.name: tool for tool in recorded.tools}
    after = {tool.name: tool for tool in now.tools}
    changes = [
        *(f"{name} is new" for name in after if name not in before),
        *(f"{name} is gone" for name in before if name not in after),
        *(
            change
            for name, tool in before.items()
            if name in after and (change := _of_tool(tool, after[name])) is not None
        ),
    ]
    return f"tools of {now.agent} changed: {changes[0]}" if changes else None


def _of_tool(old: ToolSchema, new: ToolSchema) -> str | None:
    if old.description != new.description:
        words = changed_words(old.description, new.description)
        return f"the description of {old.name}: {words}"
    if old.parameters != new.parameters:
        words = changed_words(_json(old.parameters), _json(new.parameters))
        return f"the arguments of {old.name}: {words}"
    return None


def _of_options(recorded: RecordedRequest, now: RecordedRequest) -> str | None:
    if recorded.tool_choice != now.tool_choice:
        return f"tool_choice was {recorded.tool_choice!r}, now {now.tool_choice!r}"
    if recorded.options != now.options:
        return f"options of the request were {dict(recorded.options)}, now {dict(now.options)}"
    return None


def _of_messages(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> str | None:
    for number, (before, after) in enumerate(zip(old, new, strict=False), 1):
        if before == after:
            continue
        who = _WHO.get(after["role"], after["role"])
        was, now = message_text(before), message_text(after)
        if before["role"] != after["role"] or was == now:
            was, now = f"{before['role']}: {_json(before)}", f"{after['role']}: {_json(after)}"
        return f"message {number} ({who}): {changed_words(was, now)}"
    if len(old) == len(new):
        return None
    more, which = (new, "more") if len(new) > len(old) else (old, "fewer")
    extra = more[min(len(old), len(new))]
    text = _few(message_text(extra).split())
    count = abs(len(new) - len(old))
    return f"{count} {which} messages, first {_WHO.get(extra['role'], extra['role'])}: {text!r}"


def _few(words: Sequence[str]) -> str:
    shown = " ".join(words[:_LONGEST])
    return shown if len(words) <= _LONGEST else f"{shown} …"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)

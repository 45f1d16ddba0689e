"""What mutants call: each function does one thing wrong.

Written against the names of livekit's objects and not against livekit, so that
it needs nothing imported. What the broken code has at hand, and passes on, is the
agent itself (`self`) or the `RunContext`.
"""

import dataclasses
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

_SHARED: dict[Any, Any] = {}
_BUILT: "WeakKeyDictionary[Any, dict[int, Any]]" = WeakKeyDictionary()


def emptied(chat_ctx: Any) -> Any:
    """The context without what was said."""
    return _last(chat_ctx, 0)


def truncated(chat_ctx: Any) -> Any:
    """The last item of the context.

    Not by livekit's `truncate`, which keeps the first system message besides: of a
    summary and the caller's last words it would take nothing away.
    """
    return _last(chat_ctx, 1)


def with_prompt(chat_ctx: Any, at_hand: Any) -> Any:
    """The context with the prompt of the agent that leaves.

    As a message of its own: a copy that merely keeps the old instructions does no
    harm in livekit 1.8, which writes the next agent's over them.
    """
    copied = chat_ctx.copy()
    copied.add_message(role="system", content=str(current(at_hand).instructions))
    return copied


def current(at_hand: Any) -> Any:
    """The agent that has the call."""
    return at_hand if hasattr(at_hand, "instructions") else at_hand.session.current_agent


def reused(agent: Any, place: int, at_hand: Any) -> Any:
    """The agent that this place built first in this session."""
    return _BUILT.setdefault(at_hand.session, {}).setdefault(place, agent)


def forgotten(at_hand: Any) -> None:
    """The session's userdata made anew."""
    session = at_hand.session
    session.userdata = type(session.userdata)()


def shared(place: Any, make: Callable[[], Any]) -> Any:
    """What this place made first in this process."""
    if place not in _SHARED:
        _SHARED[place] = make()
    return _SHARED[place]


def wrong(value: Any) -> Any:
    """Another value of the same type, where there is one that fits any program."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str() | list() | dict() | tuple() | set():
            return type(value)() if value else value
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = [each.name for each in dataclasses.fields(value) if each.init]
            changed = {name: wrong(getattr(value, name)) for name in fields[:1]}
            return dataclasses.replace(value, **changed)
        case _:
            return None


def _last(chat_ctx: Any, number: int) -> Any:
    if chat_ctx is None:
        return None
    copied = chat_ctx.copy()  # an agent's own is read-only
    del copied.items[: max(0, len(copied.items) - number)]
    return copied

"""A conversation as text, with a mark at the events that matter."""

from collections.abc import Collection, Iterator

from handoff_evals.transcript import (
    AgentConfigUpdate,
    AgentError,
    AgentHandoff,
    Event,
    FunctionCall,
    FunctionCallOutput,
    Message,
    Transcript,
)

MARK = ">>>"


def conversation(transcript: Transcript, *, marked: Collection[int] = ()) -> str:
    """Write the whole conversation, one event a line, the marked ones with `>>>`.

    Args:
        transcript: what to write.
        marked: indices into the transcript's events.
    """
    return "\n".join(_lines(transcript, set(marked)))


def _lines(transcript: Transcript, marked: set[int]) -> Iterator[str]:
    for number, turn in enumerate(transcript.turns):
        title = "opening" if number == 0 else f"turn {number}"
        yield f"{title}  ({turn.duration_s:.2f} s, then {turn.active.label})"
        for index, event in transcript.indexed(number):
            text = describe(event)
            if text is None and index not in marked:
                continue
            shown = (text or event.type).replace("\n", "\n          ")
            yield f"{MARK if index in marked else '   '} [{index}] {shown}"
        for fault in transcript.faults:
            if fault.turn == number:
                yield f"  ! {fault.owner}: {fault.cause}: {fault.detail}"
    for fault in transcript.faults:
        if fault.turn >= len(transcript.turns):
            yield f"  ! {fault.owner}: {fault.cause}: {fault.detail}"


def describe(event: Event) -> str | None:  # noqa: PLR0911 - one a type
    """One event as a line; None for what only matters when it is marked."""
    match event:
        case Message(role="user"):
            return f"caller: {event.text}"
        case Message():
            who = event.agent.label if event.agent else event.role
            return f"{who}: {event.text}{' (interrupted)' if event.interrupted else ''}"
        case FunctionCall():
            who = event.agent.label if event.agent else "?"
            return f"{who} calls {event.name}({event.arguments})"
        case FunctionCallOutput():
            return f"{event.name} {'fails' if event.is_error else 'gives'}: {event.output!r}"
        case AgentHandoff(old=None):
            return f"{event.new.label} takes the call"
        case AgentHandoff():
            return f"handoff: {event.old.label if event.old else '?'} -> {event.new.label}"
        case AgentError():
            return f"error in {event.where}: {event.message}"
        case AgentConfigUpdate():
            return None

"""Which handoffs of a turn led from one agent to another, and which only passed by.

livekit shows the parts of an agent's work as agents too: an AgentTask, the agent that goes on
after it, a TaskGroup between its steps. None of them is a detour. Neither is an agent that
neither spoke nor was asked anything on the way: no caller has noticed it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from handoff_evals.transcript.events import AgentHandoff, Event, FunctionCall, Message


def passed_by(
    events: Sequence[Event], asked: Iterable[tuple[int, str]]
) -> tuple[tuple[AgentHandoff, bool], ...]:
    """The handoffs of a turn, each with whether the call only passed through its new agent.

    That is so of one that neither spoke nor was asked, of an AgentTask that began and was over
    in this turn, and of an agent that went on after its AgentTask. It is never so of the agent
    that has the call in the end.

    Args:
        events: of the turn.
        asked: the models that were asked for a reply: after how many of the turn's handoffs,
            and the agent's id.
    """
    moves = [event for event in events if isinstance(event, AgentHandoff)]
    heard = set(asked) | set(_answered(events))
    over = _begun_and_over(moves)
    last = len(moves) - 1
    return tuple(
        (
            move,
            place < last
            and ((place + 1, move.new.id) not in heard or move.kind == "return" or place in over),
        )
        for place, move in enumerate(moves)
    )


def transfers(passed: Sequence[tuple[AgentHandoff, bool]]) -> tuple[AgentHandoff, ...]:
    """The handoffs without those agents through which the call only passed.

    What led there and what led on from there is one transfer; it is none where the call came
    back to the agent that it had left.

    Args:
        passed: as `passed_by` gives it.
    """
    found: list[AgentHandoff] = []
    joined: list[AgentHandoff] = []
    for move, is_passed in passed:
        joined.append(move)
        if not is_passed:
            found += _joined(joined)
            joined = []
    return tuple(found)


def _joined(moves: Sequence[AgentHandoff]) -> list[AgentHandoff]:
    """Several handoffs in a row as one; none where they led nowhere."""
    first, last = moves[0], moves[-1]
    if len(moves) > 1 and (first.old == last.new or _is_round_trip(moves)):
        return []
    kind = "handoff" if any(move.kind == "handoff" for move in moves) else last.kind
    return [replace(last, old=first.old, kind=kind)]


def _is_round_trip(moves: Sequence[AgentHandoff]) -> bool:
    """Whether only AgentTasks were awaited, each to its end."""
    old, over = moves[0].old, _begun_and_over(moves)
    return old is not None and old.id == moves[-1].new.id and 2 * len(over) == len(moves)


def _begun_and_over(moves: Sequence[AgentHandoff]) -> set[int]:
    """The places at which an AgentTask began that was over later on."""
    found: set[int] = set()
    begun: list[int] = []
    for place, move in enumerate(moves):
        if move.kind == "task":
            begun.append(place)
        elif move.kind == "return" and begun:
            found.add(begun.pop())
        elif move.kind == "handoff":
            begun = []  # whoever awaited them has lost the call
    return found


def _answered(events: Sequence[Event]) -> Iterable[tuple[int, str]]:
    """Who said something or called a tool, after how many handoffs."""
    handoffs = 0
    for event in events:
        if isinstance(event, AgentHandoff):
            handoffs += 1
        elif event.agent is not None and (
            isinstance(event, FunctionCall) or (isinstance(event, Message) and event.text.strip())
        ):
            yield handoffs, event.agent.id

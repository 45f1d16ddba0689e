"""Which handoffs of a turn led on, and which agents the call only passed by."""

from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_evals.transcript import AgentHandoff, FunctionCall, Message, Turn
from tests.support.conversations import ref, request

Kind = Literal["handoff", "task", "return"]


def turn(*way: str, heard: tuple[str, ...] = ()) -> Turn:
    """A turn from agent to agent: `a`, `task b`, `return a`; `heard` ones were asked there."""
    steps = [each.rpartition(" ") for each in way]
    agents = [ref(name) for _, _, name in steps]
    kinds: list[Kind] = [
        "task" if k == "task" else "return" if k else "handoff" for k, _, _ in steps
    ]
    return Turn(
        user="Hello?",
        events=tuple(
            AgentHandoff(old=old, new=new, kind=kind)
            for (old, new), kind in zip(pairwise(agents), kinds[1:], strict=True)
        ),
        model_calls=tuple(
            request(agent.label, after=place)
            for place, agent in enumerate(agents)
            if agent.label in heard
        ),
        active=agents[-1],
    )


def written(one: Turn) -> list[str]:
    return [f"{move.kind} {move.old and move.old.label} {move.new.label}" for move in one.transfers]


@pytest.mark.parametrize(
    ("way", "heard", "transfers"),
    [
        (["a"], [], []),
        (["a", "b"], [], ["handoff a b"]),
        # An agent that neither spoke nor was asked is passed by.
        (["a", "b", "c"], [], ["handoff a c"]),
        (["a", "b", "c"], ["b"], ["handoff a b", "handoff b c"]),
        (["a", "b", "a"], [], []),
        (["a", "b", "a"], ["b"], ["handoff a b", "handoff b a"]),
        # The agent that has the call in the end is never passed by, whatever it does.
        (["a", "b", "b"], [], ["handoff a b"]),
        # A task that is over is a part of who awaited it, also where it was asked.
        (["a", "task t", "return a"], ["t"], []),
        (["a", "task t", "return a", "b"], ["t", "a"], ["handoff a b"]),
        (["a", "task g", "task t", "return g", "return a"], ["g", "t"], []),
        # One that goes on is not; neither is one that began earlier.
        (["a", "task t"], ["t"], ["task a t"]),
        (["t", "return a"], ["a"], ["return t a"]),
        (["t", "return a", "b"], ["a"], ["handoff t b"]),
        # From one step of a group to the next.
        (["t", "return g", "task u"], [], ["task t u"]),
        (["t", "return g", "task t"], [], []),
        # A task that hands over by itself was a station like any other.
        (["a", "task t", "b"], ["t"], ["task a t", "handoff t b"]),
        (["a", "task t", "b"], [], ["handoff a b"]),
        # Who awaited a task that was left that way gets nothing back.
        (["a", "task t", "b", "return a"], ["t", "b"], ["task a t", "handoff t b", "return b a"]),
    ],
)
def test_what_was_passed_by_is_joined_to_one_transfer(
    way: list[str], heard: list[str], transfers: list[str]
) -> None:
    assert written(turn(*way, heard=tuple(heard))) == transfers


@pytest.mark.parametrize(
    "event",
    [
        Message(role="assistant", text="Yes.", agent=ref("b")),
        FunctionCall(name="go", arguments="{}", call_id="1", agent=ref("b")),
    ],
)
def test_an_agent_that_said_or_called_something_was_heard(event: Message | FunctionCall) -> None:
    first, second = turn("a", "b", "c").handoffs

    one = Turn(user=None, events=(first, event, second), model_calls=(), active=ref("c"))
    assert written(one) == ["handoff a b", "handoff b c"]
    late = Turn(user=None, events=(first, second, event), model_calls=(), active=ref("c"))
    assert written(late) == ["handoff a c"]


def test_the_first_agents_entrance_is_no_transfer() -> None:
    entrance = AgentHandoff(old=None, new=ref("a"))
    task = AgentHandoff(old=ref("a"), new=ref("t"), kind="task")
    opening = Turn(user=None, events=(entrance, task), model_calls=(), active=ref("t"))

    assert written(opening) == ["task a t"]


agents = st.sampled_from(["a", "b", "c"])
ways = st.lists(
    st.builds(
        lambda kind, name: f"{kind} {name}".strip(), st.sampled_from(["", "task", "return"]), agents
    ),
    min_size=1,
    max_size=6,
)


@given(ways, st.sets(agents))
def test_transfers_are_a_chain_from_the_first_agent_to_the_last(
    way: list[str], heard: set[str]
) -> None:
    one = turn(*way, heard=tuple(heard))
    chain = [way[0].rpartition(" ")[2], *(move.new.id for move in one.transfers)]

    assert [move.old and move.old.id for move in one.transfers] == chain[:-1]
    assert chain[-1] == one.active.id
    assert len(one.transfers) <= len(one.handoffs)

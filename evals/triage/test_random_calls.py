"""Whatever the caller says and the model does, no call breaks an invariant."""

from collections.abc import Callable

import pytest

from handoff_evals import AgentEntry, ContextItem, Subject, fuzz


def _nothing(item: ContextItem) -> bool:  # noqa: ARG001 - the signature of `Subject.adds`
    return False


def _notes(item: ContextItem) -> bool:
    """Tell the one message that a handoff adds in these modes."""
    return item.name == "system" and item.text.startswith(
        ("Earlier in this call: ", "Known about this call: ")
    )


@pytest.mark.parametrize(
    ("carry", "adds"),
    [
        ("fresh", _nothing),
        ("full", _nothing),
        ("last_turns", _nothing),
        ("summary", _notes),
        ("facts", _notes),
    ],
)
def test_no_call_breaks_an_invariant(
    carry: str, adds: Callable[[ContextItem], bool], conversations: int, *, thorough: bool
) -> None:
    # The five share what one agent is given.
    conversations = max(10, conversations // 5)
    report = fuzz(
        Subject(
            entry=AgentEntry.load(f"evals.triage.carries:{carry}"),
            graph={
                "triage_agent": [
                    "specialist_agent[topic=claims]",
                    "specialist_agent[topic=policies]",
                    "specialist_agent[topic=payments]",
                    "default_agent",
                ],
                "specialist_agent": ["triage_agent"],
                "default_agent": ["triage_agent"],
            },
            adds=adds,
        ),
        conversations=conversations,
        fresh=thorough,
        min_share=0.6,
    )

    assert report.conversations >= conversations

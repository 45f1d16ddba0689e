"""Whatever the caller says and the model does, no call breaks an invariant."""

from handoff_evals import AgentEntry, Subject, fuzz


def test_no_call_breaks_an_invariant(conversations: int, *, thorough: bool) -> None:
    report = fuzz(
        Subject(
            entry=AgentEntry.load("agents.agent_transfer:transfer_call"),
            graph={
                "short_winded_agent": ["long_winded_agent"],
                "long_winded_agent": ["short_winded_agent"],
            },
        ),
        conversations=conversations,
        fresh=thorough,
        min_share=1.0,
    )

    assert report.conversations >= conversations

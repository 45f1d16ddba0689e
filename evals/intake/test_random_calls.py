"""Whatever the caller says and the model does, no call breaks an invariant."""

from handoff_evals import AgentEntry, Subject, fuzz


def test_no_call_breaks_an_invariant(conversations: int, *, thorough: bool) -> None:
    run = fuzz(
        Subject(
            entry=AgentEntry.load("agents.intake:intake_call"),
            graph={"intake_agent": ["membership_agent"], "membership_agent": []},
        ),
        conversations=conversations,
        fresh=thorough,
    )

    assert run >= conversations

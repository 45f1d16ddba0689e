"""Whatever the caller says and the model does, no call breaks an invariant."""

from pathlib import Path

from handoff_evals import AgentEntry, Subject, fuzz


def test_no_call_breaks_an_invariant(conversations: int, *, thorough: bool) -> None:
    report = fuzz(
        Subject(
            entry=AgentEntry.load("agents.medical_office:medical_call"),
            graph={
                "triage_agent": ["support_agent", "billing_agent"],
                "support_agent": ["billing_agent", "triage_agent"],
                "billing_agent": ["support_agent", "triage_agent", "task_group"],
            },
            scenarios=[Path(__file__).with_name("scenarios.yaml")],
        ),
        conversations=conversations,
        fresh=thorough,
    )

    assert report.conversations >= conversations

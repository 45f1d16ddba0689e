"""Whatever the caller says and the model does, no call breaks an invariant."""

from pathlib import Path

from handoff_evals import AgentEntry, Subject, fuzz


def test_no_call_breaks_an_invariant(conversations: int, *, thorough: bool) -> None:
    report = fuzz(
        Subject(
            entry=AgentEntry.load("agents.front_desk:front_desk_call"),
            graph={"front_desk_agent": ["get_email_task", "confirm_task"]},
            scenarios=[Path(__file__).with_name("scenarios.yaml")],
        ),
        conversations=conversations,
        fresh=thorough,
    )

    assert report.conversations >= conversations

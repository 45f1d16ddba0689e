"""Whatever the caller says and the model does, no call breaks an invariant."""

from pathlib import Path

from handoff_evals import AgentEntry, Subject, fuzz


def test_no_call_breaks_an_invariant(conversations: int, *, thorough: bool) -> None:
    report = fuzz(
        Subject(
            entry=AgentEntry.load("agents.drive_thru:drive_thru_call"),
            graph={"drive_thru_agent": []},
            scenarios=[Path(__file__).with_name("scenarios.yaml")],
        ),
        conversations=conversations,
        fresh=thorough,
    )

    assert report.conversations >= conversations

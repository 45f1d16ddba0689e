"""Whatever the caller says and the model does, no call breaks an invariant."""

from pathlib import Path

from handoff_evals import AgentEntry, Subject, fuzz


def test_no_call_breaks_an_invariant(conversations: int, *, thorough: bool) -> None:
    report = fuzz(
        Subject(
            entry=AgentEntry.load("agents.restaurant:restaurant_call"),
            graph={
                "greeter_agent": ["reservation_agent", "takeaway_agent"],
                "reservation_agent": ["greeter_agent"],
                "takeaway_agent": ["checkout_agent", "greeter_agent"],
                "checkout_agent": ["greeter_agent", "takeaway_agent"],
            },
            scenarios=[Path(__file__).with_name("scenarios.yaml")],
        ),
        conversations=conversations,
        fresh=thorough,
    )

    assert report.conversations >= conversations

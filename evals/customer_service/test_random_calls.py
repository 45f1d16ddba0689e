"""Whatever the caller says and the model does, no call breaks an invariant."""

from handoff_evals import AgentEntry, Subject, fuzz


def test_no_call_breaks_an_invariant(conversations: int, *, thorough: bool) -> None:
    report = fuzz(
        Subject(
            entry=AgentEntry.load("agents.customer_service:service_call"),
            graph={
                "customer_service_agent": [
                    "billing_agent",
                    "technical_support_agent",
                    "manager_agent",
                ],
                "billing_agent": [
                    "technical_support_agent",
                    "manager_agent",
                    "customer_service_agent",
                ],
                "technical_support_agent": [
                    "billing_agent",
                    "manager_agent",
                    "customer_service_agent",
                ],
                "manager_agent": ["customer_service_agent"],
            },
        ),
        conversations=conversations,
        fresh=thorough,
        min_share=1.0 if thorough else 0.6,
    )

    assert report.conversations >= conversations

"""Whatever the caller says and the model does, no call breaks an invariant."""

from collections.abc import Callable

import pytest
from hypothesis import settings

from handoff_evals import AgentEntry
from handoff_evals.fuzzing import Item, Subject, adds_nothing, fuzz


def test_agent_transfer(how: settings) -> None:
    held = fuzz(
        Subject(
            entry=AgentEntry.load("agents.agent_transfer:transfer_call"),
            graph={
                "short_winded_agent": ["long_winded_agent"],
                "long_winded_agent": ["short_winded_agent"],
            },
        ),
        how=how,
    )

    assert held >= how.max_examples


def test_customer_service(how: settings) -> None:
    held = fuzz(
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
        how=how,
    )

    assert held >= how.max_examples


def test_intake(how: settings) -> None:
    held = fuzz(
        Subject(
            entry=AgentEntry.load("agents.intake:intake_call"),
            graph={"intake_agent": ["membership_agent"], "membership_agent": []},
        ),
        how=how,
    )

    assert held >= how.max_examples


def _notes(item: Item) -> bool:
    """Tell the one message that a handoff adds in these modes."""
    return item.name == "system" and item.text.startswith(
        ("Earlier in this call: ", "Known about this call: ")
    )


@pytest.mark.parametrize(
    ("carry", "adds"),
    [
        ("fresh", adds_nothing),
        ("full", adds_nothing),
        ("last_turns", adds_nothing),
        ("summary", _notes),
        ("facts", _notes),
    ],
)
def test_triage(carry: str, adds: Callable[[Item], bool], how: settings) -> None:
    # The five share what one agent is given.
    how = settings(how, max_examples=max(10, how.max_examples // 5))
    held = fuzz(
        Subject(
            entry=AgentEntry.load(f"evals.properties.carries:{carry}"),
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
        how=how,
    )

    assert held >= how.max_examples

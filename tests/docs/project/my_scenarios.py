"""Scenarios that a function makes."""

from typing import Any

ROUTES = {"billing": "My bill is wrong.", "cancellation": "I want to leave."}


def every_route() -> list[dict[str, Any]]:
    """One for each agent that the front desk hands over to."""
    return [
        {"label": route, "turns": [{"user": said, "expect": {"agent": f"{route}_agent"}}]}
        for route, said in ROUTES.items()
    ]

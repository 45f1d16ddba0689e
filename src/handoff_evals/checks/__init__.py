"""What each check says of a transcript: handoff decisions, and everything else; open to users'.

Pure, but for the register of checks. `check` adds to it.
"""

from handoff_evals.checks import whole_conversation as _whole  # noqa: F401 - it registers its checks
from handoff_evals.checks.calls import (
    MadeCall,
    made_calls,
    names_a_person,
    person_takes_the_call,
    to_person,
    tools_are_called,
)
from handoff_evals.checks.carried import carried, first_request
from handoff_evals.checks.decisions import (
    OUTCOMES,
    UNREACHED,
    Decision,
    Outcome,
    Quality,
    announces_transfer,
    confusion,
    per_agent,
)
from handoff_evals.checks.expectations import agent_is_right, path_is_right
from handoff_evals.checks.hops import decisions
from handoff_evals.checks.scoring import (
    NOTHING_EXPECTED,
    Score,
    Status,
    check,
    expect_keys,
    load_checks,
    overall,
    reached,
    score,
)

__all__ = [
    "NOTHING_EXPECTED",
    "OUTCOMES",
    "UNREACHED",
    "Decision",
    "MadeCall",
    "Outcome",
    "Quality",
    "Score",
    "Status",
    "agent_is_right",
    "announces_transfer",
    "carried",
    "check",
    "confusion",
    "decisions",
    "expect_keys",
    "first_request",
    "load_checks",
    "made_calls",
    "names_a_person",
    "overall",
    "path_is_right",
    "per_agent",
    "person_takes_the_call",
    "reached",
    "score",
    "to_person",
    "tools_are_called",
]

"""The one table from an error of the agents' code to its owner and cause."""

import pytest

from handoff_evals.livekit import Noted, fault_of, internals
from handoff_evals.livekit.faults import AGENT_ERRORS
from handoff_evals.transcript import AgentError

EXPECTED = {
    "entrypoint": ("agent", "entrypoint_error"),
    "no_session": ("agent", "no_session"),
    "tool": ("agent", "tool_error"),
    "on_enter": ("agent", "on_enter_error"),
    "on_exit": ("agent", "on_exit_error"),
    "on_user_turn_completed": ("agent", "on_user_turn_completed_error"),
    "llm_node": ("agent", "llm_node_error"),
    "factory": ("agent", "factory_error"),
    "background_task": ("agent", "background_task_error"),
    "several_agents": ("agent", "several_agents_returned"),
    "invalid_output": ("agent", "invalid_output"),
    "interruption_timeout": ("agent", "interruption_timeout"),
    "session": ("agent", "session_error"),
    "blocked_loop": ("agent", "blocked_loop"),
    "dropped_handoff": ("model", "several_handoffs"),
    "invalid_arguments": ("model", "invalid_arguments"),
    "max_tool_steps": ("model", "max_tool_steps"),
    "silent_log": ("infrastructure", "silent_log"),
}


def noted(where: str, *, ended: bool = False) -> Noted:
    return Noted(error=AgentError(where=where, message="what was said"), ended=ended)


def test_the_table_has_a_row_for_all_that_livekit_logs_and_records() -> None:
    known = {*internals.LOGGED.values(), *internals.TOOL_OUTPUTS.values()}

    assert set(AGENT_ERRORS) == set(EXPECTED)
    assert known - {"ignored_call"} <= set(EXPECTED)  # the request tells of an ignored call


@pytest.mark.parametrize("where", EXPECTED)
def test_each_error_has_its_owner_and_cause(where: str) -> None:
    (fault,) = fault_of(noted(where, ended=True), turn=3)

    assert (fault.owner, fault.cause) == EXPECTED[where]
    assert (fault.detail, fault.turn, fault.ended) == ("what was said", 3, True)


def test_what_livekit_logs_of_itself_is_no_fault_unless_it_ended_the_conversation() -> None:
    assert fault_of(noted("session"), turn=3) == []

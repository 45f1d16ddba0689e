"""What knows livekit: agents opened and looked at, their models tapped, their faults told."""

from handoff_evals.livekit.agent_entry import (
    AgentEntry,
    Opened,
    allow_construction,
    missing,
    text_job,
)
from handoff_evals.livekit.agent_snapshot import fields_of, look_at, session_options
from handoff_evals.livekit.deadlines import OverdueError, Timed, WaitClock, current_wait_clock
from handoff_evals.livekit.faults import LOGGED, faults_of, listen
from handoff_evals.livekit.history import HistoryReader
from handoff_evals.livekit.llm_wrapper import Asked, WrapperLLM, WrapperStream
from handoff_evals.livekit.scripted import Reply, Request, ScriptedLLM, ToolCall
from handoff_evals.livekit.tap import Exchange, Tap, Taps
from handoff_evals.livekit.tasks import ConversationTasks, quiet
from handoff_evals.livekit.tools import leading_tool, placeholder_arguments, schemas

__all__ = [
    "LOGGED",
    "AgentEntry",
    "Asked",
    "ConversationTasks",
    "Exchange",
    "HistoryReader",
    "Opened",
    "OverdueError",
    "Reply",
    "Request",
    "ScriptedLLM",
    "Tap",
    "Taps",
    "Timed",
    "ToolCall",
    "WaitClock",
    "WrapperLLM",
    "WrapperStream",
    "allow_construction",
    "current_wait_clock",
    "faults_of",
    "fields_of",
    "leading_tool",
    "listen",
    "look_at",
    "missing",
    "placeholder_arguments",
    "quiet",
    "schemas",
    "session_options",
    "text_job",
]

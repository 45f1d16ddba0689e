"""What knows livekit: opens agents, records what their models get, and tells their faults."""

from handoff_evals.livekit.agent_entry import (
    AgentEntry,
    allow_construction,
    missing,
)
from handoff_evals.livekit.agent_errors import AgentErrors, Noted, listen_to_log
from handoff_evals.livekit.agent_snapshot import fields_of, look_at, session_options
from handoff_evals.livekit.arguments import arguments_for, placeholder_arguments
from handoff_evals.livekit.deadlines import OverdueError, Timed, WaitClock, current_wait_clock
from handoff_evals.livekit.entry_candidates import EntryCandidate, entry_candidates, unmakeable
from handoff_evals.livekit.entrypoint import Opened, Start
from handoff_evals.livekit.fact_texts import AgentFacts
from handoff_evals.livekit.faults import cause_of, fault_of, faults_of
from handoff_evals.livekit.handoffs import Handoffs
from handoff_evals.livekit.history import HistoryReader
from handoff_evals.livekit.idle import quiet, result_when_quiet
from handoff_evals.livekit.internals import (
    agent_with_the_call,
    begin_run,
    begin_simulation_end,
    commits_by_hand,
    is_closing,
    is_started,
    replace_detectors,
    replace_voice,
    retrieve_failed_run,
    simulation_end_of,
)
from handoff_evals.livekit.job import FakeJob, RecordedJob, job_of, text_job
from handoff_evals.livekit.llm_wrapper import ChatRequest, WrapperLLM, WrapperStream
from handoff_evals.livekit.mocks import ToolMocks
from handoff_evals.livekit.room import FakeCaller
from handoff_evals.livekit.sample_texts import PLACEHOLDER, ArgumentHints
from handoff_evals.livekit.scripted import (
    Asker,
    Reply,
    Request,
    ScriptedLLM,
    ScriptExhaustedError,
    ToolCall,
)
from handoff_evals.livekit.tap import Exchange, Tap, Taps
from handoff_evals.livekit.tasks import ConversationTasks
from handoff_evals.livekit.tools import (
    Lead,
    clear_choice,
    default_id,
    leading_tool,
    leads,
    leads_to,
    schemas,
)
from handoff_evals.livekit.virtual_time import VirtualTime

__all__ = [
    "PLACEHOLDER",
    "AgentEntry",
    "AgentErrors",
    "AgentFacts",
    "ArgumentHints",
    "Asker",
    "ChatRequest",
    "ConversationTasks",
    "EntryCandidate",
    "Exchange",
    "FakeCaller",
    "FakeJob",
    "Handoffs",
    "HistoryReader",
    "Lead",
    "Noted",
    "Opened",
    "OverdueError",
    "RecordedJob",
    "Reply",
    "Request",
    "ScriptExhaustedError",
    "ScriptedLLM",
    "Start",
    "Tap",
    "Taps",
    "Timed",
    "ToolCall",
    "ToolMocks",
    "VirtualTime",
    "WaitClock",
    "WrapperLLM",
    "WrapperStream",
    "agent_with_the_call",
    "allow_construction",
    "arguments_for",
    "begin_run",
    "begin_simulation_end",
    "cause_of",
    "clear_choice",
    "commits_by_hand",
    "current_wait_clock",
    "default_id",
    "entry_candidates",
    "fault_of",
    "faults_of",
    "fields_of",
    "is_closing",
    "is_started",
    "job_of",
    "leading_tool",
    "leads",
    "leads_to",
    "listen_to_log",
    "look_at",
    "missing",
    "placeholder_arguments",
    "quiet",
    "replace_detectors",
    "replace_voice",
    "result_when_quiet",
    "retrieve_failed_run",
    "schemas",
    "session_options",
    "simulation_end_of",
    "text_job",
    "unmakeable",
]

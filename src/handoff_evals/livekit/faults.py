"""What went wrong in a conversation, and whose fault it was."""

import asyncio
import json
import math
from collections.abc import Iterator, Mapping

from livekit.agents import APIConnectionError, APIError, APIStatusError, APITimeoutError

from handoff_evals.errors import CassetteError, CassetteMissError
from handoff_evals.livekit.agent_errors import Noted, chain
from handoff_evals.livekit.scripted import ScriptExhaustedError
from handoff_evals.livekit.tap import Exchange
from handoff_evals.transcript import Fault, Owner, ToolSchema

AGENT_ERRORS: Mapping[str, tuple[Owner, str]] = {
    "tool": ("agent", "tool_error"),
    "on_enter": ("agent", "on_enter_error"),
    "on_exit": ("agent", "on_exit_error"),
    "on_user_turn_completed": ("agent", "on_user_turn_completed_error"),
    "llm_node": ("agent", "llm_node_error"),
    "factory": ("agent", "factory_error"),
    "entrypoint": ("agent", "entrypoint_error"),
    "no_session": ("agent", "no_session"),
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
"""What an error is about (`AgentError.where`), to whose fault it is and its cause.

Of several calls in one reply that each hand over livekit follows none. `session` is a
fault only where it ended the conversation; `silent_log` is what only livekit's log could
have told, and nobody could read it.
"""


def fault_of(noted: Noted, *, turn: int) -> list[Fault]:
    """The fault that an error of the agents' code is; none where it did no harm."""
    where = noted.error.where
    if where == "session" and not noted.ended:
        return []
    owner, cause = AGENT_ERRORS[where]
    detail = noted.error.message
    return [Fault(owner=owner, cause=cause, detail=detail, turn=turn, ended=noted.ended)]


def faults_of(exchange: Exchange, *, turn: int, ended: bool = False) -> list[Fault]:
    """The faults that one exchange shows.

    No answer is infrastructure; a bad answer (nothing in it, a tool that the
    agent does not have, arguments that are no JSON object, or not those of the
    tool) is the model's, whether livekit copes with it or not. `ended` says that the
    conversation ended with this exchange.
    """
    failure = exchange.failure
    if failure is not None:
        return [
            Fault(
                owner="infrastructure",
                cause=cause_of(failure),
                detail=_said_by(exchange, failure),
                turn=turn,
                retry_after_s=retry_after(failure),
                ended=ended,
            )
        ]
    if exchange.in_flight:
        return []
    tools = {tool.name: tool for tool in exchange.tools}
    found = [
        fault for made in exchange.calls for fault in _faults_of_call(made, tools.get(made["name"]))
    ]
    if exchange.tool_choice == "none" and exchange.purpose == "reply":
        found.extend(
            ("forbidden_call", f"called {made['name']} where no call was allowed")
            for made in exchange.calls
        )
    if not exchange.calls and not exchange.text.strip():
        found.append(("empty_reply", "neither a word nor a tool call"))
    return [
        Fault(owner="model", cause=cause, detail=f"{exchange.agent.label}: {detail}", turn=turn)
        for cause, detail in found
    ]


def _said_by(exchange: Exchange, failure: Exception) -> str:
    # A miss begins with the agent's name.
    said = str(failure)
    if exchange.purpose == "decision":
        said += "; a turn's `decisions: {NAME: VALUE}` decides in the place of a DecisionModel"
    return said if isinstance(failure, CassetteMissError) else f"{exchange.agent.label}: {said}"


def cause_of(error: BaseException) -> str:  # noqa: PLR0911 - one a cause
    """A word to count a failed request by, as `api_status_429` or `api_timeout`.

    livekit wraps the last error in an APIConnectionError once its retries are
    used up, so the chain of causes is searched for the one that says most.
    """
    links = chain(error)
    for each in links:
        if isinstance(each, APIStatusError):
            return f"api_status_{each.status_code}"
    if any(isinstance(each, APITimeoutError | asyncio.TimeoutError) for each in links):
        return "api_timeout"
    if any(isinstance(each, APIConnectionError) for each in links):
        return "api_connection"
    if isinstance(error, CassetteMissError):
        return "cassette_miss"
    if isinstance(error, CassetteError):
        return "cassette_error"
    if isinstance(error, ScriptExhaustedError):
        return "script_exhausted"
    return "api_error" if isinstance(error, APIError) else "model_raised"


def retry_after(error: BaseException) -> float | None:
    """The seconds of a `retry-after` header, where a provider's response is in the chain."""
    for each in chain(error):
        headers = getattr(getattr(each, "response", None), "headers", None) or {}
        try:
            seconds = float(headers["retry-after"])
        except (KeyError, TypeError, ValueError):
            continue  # none, or a date: the runner's own back-off does
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    return None


def _faults_of_call(made: Mapping[str, str], tool: ToolSchema | None) -> Iterator[tuple[str, str]]:
    name, written = made["name"], made["arguments"]
    if tool is None:
        yield "unknown_tool", f"called {name!r}, which the agent does not have"
    try:
        given = json.loads(written or "{}")
    except ValueError:
        given = None
    if not isinstance(given, dict):
        yield "malformed_arguments", f"{name}: {written!r} is no JSON object"
    elif tool is not None:
        missing = [each for each in tool.parameters.get("required", ()) if each not in given]
        if missing:
            yield "missing_arguments", f"{name}: {written!r} lacks {', '.join(missing)}"
        known = tool.parameters.get("properties")
        extra = [each for each in given if known is not None and each not in known]
        if extra and not tool.parameters.get("additionalProperties"):
            yield "extra_arguments", f"{name} takes no {', '.join(extra)}: {written!r}"

"""What a model call says about the model: badly answered, or not at all."""

import asyncio
import json

from livekit.agents import APIConnectionError, APIError, APIStatusError, APITimeoutError

from handoff_evals.livekit.scripted import ScriptExhaustedError
from handoff_evals.livekit.tap import Exchange
from handoff_evals.transcript import Fault


def faults_of(exchange: Exchange, *, turn: int) -> list[Fault]:
    """The faults that one exchange shows.

    No answer is infrastructure; a bad answer (nothing in it, a tool that the
    agent does not have, arguments that are no JSON object) is the model's.
    """
    failure = exchange.failure
    if failure is not None:
        return [
            Fault(
                owner="infrastructure",
                cause=cause_of(failure),
                detail=f"{exchange.agent.label}: {failure}",
                turn=turn,
            )
        ]
    if exchange.in_flight:
        return []
    known = {tool.name for tool in exchange.tools}
    found = [
        ("unknown_tool", f"called {made['name']!r}, which is none of {sorted(known)}")
        for made in exchange.calls
        if made["name"] not in known
    ]
    found += [
        ("malformed_arguments", f"{made['name']}: {made['arguments']!r} is no JSON object")
        for made in exchange.calls
        if not _is_object(made["arguments"])
    ]
    if not exchange.calls and not exchange.text.strip():
        found.append(("empty_reply", "neither a word nor a tool call"))
    return [
        Fault(owner="model", cause=cause, detail=f"{exchange.agent.label}: {detail}", turn=turn)
        for cause, detail in found
    ]


def cause_of(error: BaseException) -> str:
    """A word to count a failed request by, as `api_status_429` or `api_timeout`.

    livekit wraps the last error in an APIConnectionError once its retries are
    used up, so the chain of causes is searched for the one that says most.
    """
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__
    for each in chain:
        if isinstance(each, APIStatusError):
            return f"api_status_{each.status_code}"
    if any(isinstance(each, APITimeoutError | asyncio.TimeoutError) for each in chain):
        return "api_timeout"
    if any(isinstance(each, APIConnectionError) for each in chain):
        return "api_connection"
    if isinstance(error, ScriptExhaustedError):
        return "script_exhausted"
    return "api_error" if isinstance(error, APIError) else "model_raised"


def _is_object(arguments: str) -> bool:
    try:
        return isinstance(json.loads(arguments or "{}"), dict)
    except ValueError:
        return False

"""The triage once for each `Carry`, so that a scenario file can name it."""

from typing import Any

from livekit.agents import Agent, AgentSession, llm

from agents.triage import Caller, Carry, triage_call

Opened = tuple[Agent, AgentSession[Caller]]


def fresh(model: llm.LLM[Any]) -> Opened:
    """Tell the next agent nothing."""
    return triage_call(model, carry=Carry.FRESH)


def full(model: llm.LLM[Any]) -> Opened:
    """Tell it all that was said."""
    return triage_call(model, carry=Carry.FULL)


def last_turns(model: llm.LLM[Any]) -> Opened:
    """Tell it the last messages."""
    return triage_call(model, carry=Carry.LAST_TURNS)


def summary(model: llm.LLM[Any]) -> Opened:
    """Tell it a summary."""
    return triage_call(model, carry=Carry.SUMMARY)


def facts(model: llm.LLM[Any]) -> Opened:
    """Tell it the facts."""
    return triage_call(model, carry=Carry.FACTS)

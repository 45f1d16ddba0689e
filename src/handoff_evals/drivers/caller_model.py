"""The model of a simulated caller: asked by livekit's port, noted apart from the agents' ones."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from livekit.agents import llm

from handoff_evals.callers import CallerReply, end_call_schema
from handoff_evals.cassettes import TrialExchanges
from handoff_evals.livekit import Exchange, Tap
from handoff_evals.transcript import AgentRef, ModelCall


@dataclass(kw_only=True)
class CallerModel:
    """Asks a caller's model for one conversation."""

    model: llm.LLM[Any]
    exchanges: TrialExchanges | None = None
    """Answers in the model's place where it can, and keeps what the model answers."""
    _asked: list[Exchange] = field(default_factory=list)

    async def __call__(self, messages: Sequence[Mapping[str, str]]) -> CallerReply:
        """Ask for the caller's next turn."""
        context = llm.ChatContext.empty()
        for message in messages:
            context.add_message(role=message["role"], content=message["content"])  # type: ignore[arg-type]
        tap = Tap(
            self.model,
            agent=lambda: AgentRef(id="caller"),
            purpose="caller",
            log=self._asked.append,
            exchanges=self.exchanges,
        )
        answer = await tap.chat(chat_ctx=context, tools=[_end_call]).collect()
        ended = [call for call in answer.tool_calls if call.name == _SCHEMA["name"]]
        return CallerReply(
            text=answer.text or "",
            ends=bool(ended),
            why=_reason(ended[0].arguments) if ended else "",
        )

    @property
    def calls(self) -> tuple[ModelCall, ...]:
        """What it was asked, in order."""
        return tuple(exchange.frozen() for exchange in self._asked)


def _reason(arguments: str) -> str:
    try:
        given = json.loads(arguments or "{}")
    except ValueError:
        return ""
    return str(given.get("reason") or "")[:200] if isinstance(given, dict) else ""


_SCHEMA = end_call_schema()


@llm.function_tool(raw_schema=_SCHEMA)
async def _end_call(raw_arguments: dict[str, object]) -> None:
    """Never run: that it is called is what counts."""

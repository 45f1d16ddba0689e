"""Agents that lose a model or a voice of their own."""

import ast
from collections.abc import Iterator

from handoff_evals.mutation.agent_module import AgentModule
from handoff_evals.mutation.handoff import constructions
from handoff_evals.mutation.mutant import Operator, Place
from handoff_evals.mutation.routes import owner

_OVERRIDES = {"llm", "stt", "tts", "turn_detection", "turn_handling", "vad"}


def dropped(module: AgentModule) -> Iterator[Place]:
    """Each override of the session's models."""
    for call in constructions(module):
        for keyword in call.keywords:
            if keyword.arg in _OVERRIDES and not _is_none(keyword.value):
                what = f"{owner(module, call)} has no {keyword.arg}= of its own"
                yield Place(node=keyword.value, what=what, edits={keyword: None})


def _is_none(value: ast.expr) -> bool:
    return ast.unparse(value) in {"None", "NOT_GIVEN"}


OPERATORS = (
    Operator(
        name="override-dropped",
        places=dropped,
        suggestion="assert that this agent, once active, has its own model or voice",
    ),
)

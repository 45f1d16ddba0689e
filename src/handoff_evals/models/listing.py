"""Which models there are, which can be used, and whether they answer."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from livekit.agents import APIConnectOptions, llm

from handoff_evals.errors import HandoffEvalsError
from handoff_evals.models.kind import Listed, kinds, project_of, resolve
from handoff_evals.scenarios import Scenario

_CHECK_S = 60.0


def listing(folder: Path) -> list[Listed]:
    """Every kind of model by its own description, the reference models last.

    Raises:
        UsageError: when the folder's `pyproject.toml` is not as it must be.
    """
    project = project_of(folder)
    return [listed for kind in kinds() for listed in kind.listing(project)]


async def check(names: Sequence[str], *, folder: Path) -> dict[str, str]:
    """Ask each model for a word.

    Returns:
        By name: how long the answer took, or what went wrong.
    """
    return {name: await _check(name, folder) for name in names}


async def _check(name: str, folder: Path) -> str:
    try:
        [model] = resolve([name], folder=folder)
        made = model.build(Scenario(label="check", turns=()), 0)
    except HandoffEvalsError as error:
        return f"fails: {error}"
    except Exception as error:  # noqa: BLE001 - the user's own function raised it
        return f"fails: {type(error).__name__}: {error}"
    if made is None:
        return "each agent answers by its own model"
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="Say: ok")
    began = time.perf_counter()
    try:
        asked = made.chat(chat_ctx=context, conn_options=APIConnectOptions(max_retry=0))
        await asyncio.wait_for(asked.collect(), _CHECK_S)
    except Exception as error:  # noqa: BLE001 - whatever a provider raises is the answer
        return f"fails: {type(error).__name__}: {error}"
    finally:
        await made.aclose()
    return f"answers in {time.perf_counter() - began:.2f} s"

"""Which models there are, which can be used, and what is missing to use the others."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from livekit.agents import APIConnectOptions, llm

from handoff_evals.config import ModelConfig, read_config
from handoff_evals.errors import HandoffEvalsError
from handoff_evals.livekit import missing
from handoff_evals.local_model import WEIGHTS
from handoff_evals.models.registry import resolve
from handoff_evals.models.remote import inference_lacks
from handoff_evals.scenarios import Scenario

_CHECK_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A model that can be named, and what it lacks; nothing when it is ready."""

    name: str
    what: str
    lacks: str = ""


def listing(folder: Path) -> list[Listed]:
    """The local models, the project's own, and the two ways to models elsewhere."""
    local = "" if find_spec("xllamacpp") else "pip install 'handoff-evals[local]'"
    plugin = "" if _has_plugin("openai") else "pip install livekit-plugins-openai"
    keys = inference_lacks()
    found = [
        Listed(
            name=f"local:{weights.name}",
            what=f"{weights.size / 1e9:.1f} GB, {weights.licence}, on this machine",
            lacks=local or plugin,
        )
        for weights in {each.name: each for each in WEIGHTS.values()}.values()
    ]
    found += [_configured(name, config) for name, config in read_config(folder).models.items()]
    found.append(
        Listed(
            name="provider/model",
            what="LiveKit Inference",
            lacks=f"{' and '.join(keys)} in the environment or .env" if keys else "",
        )
    )
    found.append(
        Listed(
            name="http://HOST/v1#MODEL",
            what="a server that speaks the OpenAI protocol; key in OPENAI_API_KEY",
            lacks=plugin,
        )
    )
    trivial = ("never", "always:AGENT", "random", "oracle", "own")
    return [*found, *(Listed(name=name, what="no key, no model of its own") for name in trivial)]


async def check(names: Sequence[str], *, folder: Path) -> dict[str, str]:
    """Ask each model for a word.

    Returns:
        By name: how long it took, or what went wrong, in words.
    """
    return {name: await _check(name, folder) for name in names}


async def _check(name: str, folder: Path) -> str:
    try:
        [model] = resolve([name], folder=folder)
        made = model.build(Scenario(label="check", turns=()), 0)
    except HandoffEvalsError as error:
        return f"fails: {error}"
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


def _configured(name: str, config: ModelConfig) -> Listed:
    lacks = ""
    if not _has_plugin(config.plugin):
        lacks = f"pip install livekit-plugins-{config.plugin.replace('_', '-')}"
    elif config.api_key_env is not None and missing(config.api_key_env):
        lacks = f"its key in ${config.api_key_env}"
    return Listed(name=name, what=f"{config.plugin}: {config.model}", lacks=lacks)


def _has_plugin(name: str) -> bool:
    try:
        return find_spec(f"livekit.plugins.{name}") is not None
    except ModuleNotFoundError:
        return False

"""Models that answer from elsewhere, by livekit's own clients."""

import os
from typing import Any

from livekit.agents import inference, llm

from handoff_evals.config import ModelConfig
from handoff_evals.errors import ModelError
from handoff_evals.livekit.offline import missing
from handoff_evals.livekit.plugins import plugin

_INFERENCE_KEYS = ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")


def inference_lacks() -> list[str]:
    """Which of LiveKit Inference's credentials are not set."""
    # livekit takes those of its own before the project's.
    return [
        name
        for name in _INFERENCE_KEYS
        if missing(name) and missing(name.replace("_API_", "_INFERENCE_API_"))
    ]


def inference_llm(model: str) -> llm.LLM[Any]:
    """A model of LiveKit Inference, as `openai/gpt-4.1-mini`.

    Raises:
        ModelError: when no credentials are set.
    """
    lacking = inference_lacks()
    if lacking:
        raise ModelError(
            f"model {model!r} is LiveKit Inference's and needs {' and '.join(lacking)} in the "
            "environment or in .env"
        )
    return inference.LLM(model)


def plugin_llm(config: ModelConfig) -> llm.LLM[Any]:
    """A model of one of livekit's plugins.

    Raises:
        ModelError: when the plugin is not installed, its key is not set, or it does
            not take the options.
    """
    try:
        module = plugin(config.plugin)
    except ImportError as error:
        raise ModelError(
            f"model {config.model!r} needs the plugin {config.plugin!r}: "
            f"pip install livekit-plugins-{config.plugin.replace('_', '-')}"
        ) from error
    arguments: dict[str, Any] = {"model": config.model, **config.options}
    if config.base_url is not None:
        arguments["base_url"] = config.base_url
    if config.api_key_env is not None:
        if missing(config.api_key_env):
            raise ModelError(f"model {config.model!r} needs its key in ${config.api_key_env}")
        arguments["api_key"] = os.environ[config.api_key_env]
    if config.temperature is not None:
        arguments["temperature"] = config.temperature
    try:
        made: llm.LLM[Any] = module.LLM(**arguments)
    except (TypeError, ValueError) as error:
        raise ModelError(f"model {config.model!r}: {config.plugin}.LLM says: {error}") from error
    return made


def openai_compatible(base_url: str, model: str) -> llm.LLM[Any]:
    """A model behind any server that speaks the OpenAI protocol.

    The key is `OPENAI_API_KEY`'s; many servers on one's own machine need none.

    Raises:
        ModelError: when livekit's openai plugin is not installed.
    """
    options = {"api_key": os.environ.get("OPENAI_API_KEY", "none")}
    return plugin_llm(ModelConfig(model=model, base_url=base_url, options=options))

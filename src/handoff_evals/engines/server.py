"""A language model server inside this process, by xllamacpp."""

import importlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from handoff_evals.errors import EngineError


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What of the server's many settings matters here."""

    template: str | None = None
    """A chat template in Jinja; None keeps the one in the file."""
    context: int = 8192
    """Tokens that a conversation may fill, tools and examples included."""
    slots: int = 1
    """Replies at once. With one, the same conversation gives the same decisions."""
    prompts_mib: int = 1024
    """Memory for prompts that are not in use. Without it two agents that alternate
    read their whole prompt again each turn, five times as long."""


class LocalServer:
    """A server on the loopback, on a free port, with a key of its own.

    Starting blocks for the 2 to 5 s that loading takes, and holds the interpreter's lock
    all the while, whatever thread it is called from.

    Raises:
        EngineError: when xllamacpp is missing, or can't serve the file.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        self._server = _start(path, settings, api_key := secrets.token_urlsafe())
        self.base_url = f"{self._server.listening_address}/v1"
        self.api_key = api_key

    def stop(self) -> None:
        """Stop it and free its memory; twice does no harm."""
        self._server = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def require_xllamacpp() -> Any:
    """Import the library.

    Raises:
        EngineError: when it is missing, or this machine lacks what it needs.
    """
    # Its threads would spin while they wait, and slow whatever else runs here fivefold.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        return importlib.import_module("xllamacpp")
    except ImportError as error:
        raise EngineError(
            f"a local model needs xllamacpp ({error}): pip install 'handoff-evals[local]'. "
            "Where it is installed, the system's libgomp may be missing: apt install libgomp1"
        ) from error


def _start(path: Path, settings: Settings, api_key: str) -> Any:
    xllamacpp = require_xllamacpp()
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx = settings.context * settings.slots
    params.n_parallel = settings.slots
    params.cache_ram_mib = settings.prompts_mib
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = len(os.sched_getaffinity(0))
    params.api_keys = [api_key]
    params.ui = False
    # A context that ends in a reply asks for another one, not for the rest of that one.
    params.prefill_assistant = False
    params.warmup = False
    params.verbosity = 0
    if settings.template is not None:
        params.chat_template = settings.template
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        raise EngineError(f"xllamacpp can't serve {str(path)!r}: {error}") from error

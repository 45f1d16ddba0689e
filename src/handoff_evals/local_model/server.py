"""A language model server of this machine, by xllamacpp, in a process of its own.

In this process it would keep the interpreter's lock while it loads, and stopping it during a
reply would never return.
"""

import atexit
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from handoff_evals.errors import EngineError, ModelError
from handoff_evals.local_model.catalogue import Weights, template_named, weights_named
from handoff_evals.local_model.weights import Cache
from handoff_evals.processes import ChildProcess


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A server on this machine that speaks the OpenAI protocol for one model."""

    base_url: str
    """As in `http://127.0.0.1:PORT/v1`."""
    api_key: str = field(repr=False)
    provider: str
    model: str
    notes: Sequence[str] = ()
    """What figures that were got with it don't show, in sentences."""
    no_tool: str = ""
    """What the model writes in front of a reply that calls nothing, when there are tools."""
    timeout_s: float = 300.0
    """How long the first token may take: a long prompt is read at some 60 tokens a second."""

    @property
    def label(self) -> str:
        """The model as reports name it, with the template that it was served with."""
        return f"{self.provider}/{self.model}"


_STOP_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What of the server's many settings matters here."""

    path: str
    """The GGUF file."""
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

    Starting blocks for the 2 to 5 s that loading takes.

    Raises:
        EngineError: when xllamacpp is missing, or can't serve the file.
    """

    def __init__(self, settings: Settings) -> None:
        require_xllamacpp()
        self.api_key = secrets.token_urlsafe()
        self._child, address = _start(settings, self.api_key)
        self.base_url = f"{address}/v1"

    @property
    def pid(self) -> int:
        """The process that has the model in memory."""
        return self._child.pid

    def stop(self) -> None:
        """Stop it and free its memory; a second call does nothing."""
        self._child.stop(within_s=_STOP_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def require_xllamacpp() -> None:
    """Raise `EngineError` when the library is not installed."""
    if find_spec("xllamacpp") is None:
        raise EngineError("a local model needs xllamacpp: pip install 'handoff-evals[local]'")


def _start(settings: Settings, api_key: str) -> tuple[ChildProcess, str]:
    # Without the current folder on its path, where anything may have the name of a library.
    child = ChildProcess(
        "handoff_evals.local_model.server_process", environment={"PYTHONSAFEPATH": "1"}
    )
    try:
        child.send({**asdict(settings), "api_key": api_key})
        return child, _address(child)
    except BaseException as error:
        child.stop(within_s=_STOP_S)
        if not isinstance(error, EngineError):
            raise
        raise EngineError(f"{settings.path!r} can't be served: {error}\n{child.printed}") from error


def _address(child: ChildProcess) -> str:
    said = child.receive()
    if said is None:
        raise EngineError(f"its process ended at once, with {child.stop(within_s=_STOP_S)}")
    if "error" in said:
        hint = ": is libgomp there? (apt install libgomp1)" if "libgomp" in said["error"] else ""
        raise EngineError(said["error"] + hint)
    address: str = said["address"]
    return address


@dataclass(frozen=True, kw_only=True)
class _Servers:
    """The servers of this process, by what they serve."""

    servers: dict[Settings, LocalServer] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def server(self, settings: Settings) -> LocalServer:
        with self.lock:
            if settings not in self.servers:
                self.servers[settings] = LocalServer(settings)
            return self.servers[settings]

    def stop(self) -> None:
        with self.lock:
            while self.servers:
                self.servers.popitem()[1].stop()


_SERVERS = _Servers()
atexit.register(_SERVERS.stop)


def serve(model: str | Path = "default") -> Endpoint:
    """Serve weights by their name in the catalogue, or any GGUF file by its path.

    Blocks: weights are fetched once, with a progress bar, and the first call in this process
    loads them. The server stops with the process, or by `stop_servers`.

    Raises:
        ModelError: when there are no weights of that name, or there is no such file.
        EngineError: when they can't be fetched or served.
    """
    return _any_file(model) if isinstance(model, Path) else _known(weights_named(model))


def stop_servers() -> None:
    """Stop what `serve` started; its endpoints answer no more."""
    _SERVERS.stop()


def _known(weights: Weights) -> Endpoint:
    require_xllamacpp()  # before a gigabyte is fetched for it
    path = Cache().path(weights)
    template = template_named(weights.template)
    server = _SERVERS.server(Settings(path=str(path), template=template.text))
    return Endpoint(
        base_url=server.base_url,
        api_key=server.api_key,
        provider="local",
        model=f"{weights.name}+{template.name}",
        notes=weights.limits,
        no_tool=template.no_tool,
    )


def _any_file(path: Path) -> Endpoint:
    path = path.resolve()
    if not path.is_file():
        raise ModelError(f"there is no file {str(path)!r}; gguf: takes the path of a GGUF file")
    server = _SERVERS.server(Settings(path=str(path)))
    return Endpoint(
        base_url=server.base_url,
        api_key=server.api_key,
        provider="gguf",
        model=path.stem,
        notes=("Served with the chat template in the file; no figure of ours was got with it.",),
    )

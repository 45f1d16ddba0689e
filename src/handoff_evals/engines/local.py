"""Names of local models, made into endpoints. One server a file, shared by this process."""

import atexit
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from handoff_evals.engines.catalogue import Weights, weights_named
from handoff_evals.engines.endpoint import Endpoint
from handoff_evals.engines.server import LocalServer, Settings, require_xllamacpp
from handoff_evals.engines.template import template_named
from handoff_evals.engines.weights import Cache
from handoff_evals.errors import ModelError


@dataclass(frozen=True, kw_only=True)
class _Fleet:
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


_FLEET = _Fleet()
atexit.register(_FLEET.stop)


def serve(model: str | Path = "default") -> Endpoint:
    """Serve weights by their name in the catalogue, or any GGUF file by its path.

    Blocks: weights are fetched once, with a progress bar, and a first call in this process
    loads them. The server stops with the process, or by `stop_servers`.

    Raises:
        ModelError: when there are no weights of that name, or there is no such file.
        EngineError: when they can't be fetched or served.
    """
    return _any_file(model) if isinstance(model, Path) else _known(weights_named(model))


def stop_servers() -> None:
    """Stop what `serve` started; endpoints that it gave are dead after that."""
    _FLEET.stop()


def _known(weights: Weights) -> Endpoint:
    require_xllamacpp()  # before a gigabyte is fetched for it
    path = Cache().path(weights)
    template = template_named(weights.template)
    server = _FLEET.server(Settings(path=str(path), template=template.text))
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
    server = _FLEET.server(Settings(path=str(path)))
    return Endpoint(
        base_url=server.base_url,
        api_key=server.api_key,
        provider="gguf",
        model=path.stem,
        notes=("Served with the chat template in the file; no figure of ours was got with it.",),
    )

"""Models on this machine: `local`, `local:NAME` and `gguf:PATH`."""

from abc import abstractmethod
from collections.abc import Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from livekit.agents import llm

from handoff_evals.cassettes import ModelIdentity
from handoff_evals.errors import ModelError
from handoff_evals.local_model import WEIGHTS, Endpoint, serve, template_named, weights_named
from handoff_evals.models.endpoint_llm import endpoint_llm
from handoff_evals.models.kind import Listed, Model, ModelKind, Project, model_kind
from handoff_evals.models.remote import lacks_plugin

_GGUF = "gguf:"
_LOCAL = "local:"


def local_llm(name: str = "default") -> llm.LLM[Any]:
    """A real language model on this machine as a livekit LLM; the first call starts it.

    For agents that should answer where no credentials are set. It blocks while the
    weights are fetched (once, with a progress bar) and loaded.

    Raises:
        ModelError: when there are no weights of that name.
        EngineError: when it can't be fetched or started.
    """
    return endpoint_llm(serve(name))


class _Served(ModelKind):
    """What both have in common: a server on this machine, one conversation at a time."""

    @property
    @abstractmethod
    def weights(self) -> str | Path:
        """A name of the catalogue, or a file."""

    def serve(self) -> Endpoint:
        """Start the server."""
        return serve(self.weights)

    def open(self) -> Model:
        """Use the server that is up already, or start one."""
        endpoint = self.project.endpoints.get(self.name) or self.serve()
        return Model(
            label=endpoint.label,
            build=lambda _scenario, seed: endpoint_llm(endpoint, seed=seed),
            concurrency=1,
            notes=tuple(endpoint.notes),
        )


@model_kind
class LocalModel(_Served):
    """Weights that the harness knows by name, fetched once."""

    form = "local, local:NAME"
    about = "a real language model on this machine, no key"

    @classmethod
    def matches(cls, name: str, project: Project) -> bool:  # noqa: ARG003 - any project has it
        """`local`, or with the name of weights."""
        return name == "local" or (name.startswith(_LOCAL) and name != _LOCAL)

    @classmethod
    def listing(cls, project: Project) -> Sequence[Listed]:  # noqa: ARG003 - any project has them
        """The catalogue."""
        lacks = lacks_server()
        return [
            Listed(
                name=f"{_LOCAL}{weights.name}",
                what=f"{weights.size / 1e9:.1f} GB, {weights.licence}, on this machine",
                lacks=lacks,
            )
            for weights in {each.name: each for each in WEIGHTS.values()}.values()
        ]

    @property
    def weights(self) -> str:
        """Their name in the catalogue."""
        return self.name.removeprefix(_LOCAL) if self.name.startswith(_LOCAL) else "default"

    @property
    def identity(self) -> ModelIdentity:
        """The weights by their hash, and the template that they are served with.

        Raises:
            ModelError: when there are no weights of that name.
        """
        weights = weights_named(self.weights)
        template = template_named(weights.template)
        return ModelIdentity(
            label=f"local/{weights.name}+{template.name}",
            options={
                "weights": weights.sha256[:16],
                "template": sha256(template.text.encode()).hexdigest()[:16],
                "temperature": 0.0,
            },
        )


@model_kind
class GgufFile(_Served):
    """Any GGUF file, with the chat template that is in it."""

    form = "gguf:PATH"
    about = "any GGUF file, on this machine"

    @classmethod
    def matches(cls, name: str, project: Project) -> bool:  # noqa: ARG003 - `check` looks for it
        """`gguf:` and a path."""
        return name.startswith(_GGUF) and name != _GGUF

    @classmethod
    def listing(cls, project: Project) -> Sequence[Listed]:  # noqa: ARG003 - any project has it
        """The form, and what it needs."""
        return [Listed(name=cls.form, what=cls.about, lacks=lacks_server(), checkable=False)]

    @property
    def weights(self) -> Path:
        """The file; a relative path starts at the project's folder."""
        return self.project.folder / self.name.removeprefix(_GGUF)

    @property
    def identity(self) -> ModelIdentity:
        """The file's name, as reports show it."""
        return ModelIdentity(label=f"gguf/{self.weights.stem}")

    def check(self) -> None:
        """See that the file exists."""
        if not self.weights.is_file():
            raise ModelError(
                f"model {self.name!r}: there is no file {str(self.weights)!r}; give the path of a "
                "GGUF file, from the project's folder"
            )


def lacks_server() -> str:
    """What is missing to serve a model on this machine; empty when nothing is."""
    return (
        lacks_plugin("openai") if find_spec("xllamacpp") else "pip install 'handoff-evals[local]'"
    )

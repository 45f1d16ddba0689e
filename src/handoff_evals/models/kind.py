"""The kinds of `--model`: what every kind can do, the table of them, and how a name is resolved."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from dotenv import dotenv_values, load_dotenv
from livekit.agents import APIConnectOptions, llm

from handoff_evals.cassettes import ModelIdentity
from handoff_evals.config import Portion, ProjectConfig, read_config
from handoff_evals.credentials import add_secret, add_url
from handoff_evals.errors import HandoffEvalsError, ModelError
from handoff_evals.livekit import ScriptedLLM
from handoff_evals.local_model import Endpoint
from handoff_evals.results import ModelTraits, Price
from handoff_evals.scenarios import Scenario

ENTRY_POINTS = "handoff_evals.models"
"""The group of entry points by which an installed package adds kinds of its own."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model of a run: each trial asks it for an LLM of its own."""

    label: str
    """How every report names it."""
    build: Callable[[Scenario, int], llm.LLM[Any] | None]
    """From the scenario and the trial's seed; None leaves each agent its own model."""
    concurrency: int = 8
    """How many conversations at once it serves well."""
    notes: tuple[str, ...] = ()
    """What a reader has to know about its figures, in sentences."""
    price: Price | None = None
    identity: ModelIdentity | None = None
    """What cassettes know it by; None where there is nothing to record."""
    traits: ModelTraits = field(default_factory=ModelTraits)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A line of `handoff-evals models`."""

    name: str
    what: str
    lacks: str = ""
    """What is missing to use it; empty when it is ready."""
    checkable: bool = True
    """Whether it can be asked as it is: no form to fill in, and no model of the agents'."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """Where the names of models are looked up."""

    folder: Path
    """Where `pyproject.toml` and `.env` are."""
    code: Path
    """Where modules are imported from."""
    config: ProjectConfig
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    """Local models that another process serves already, by their names."""
    share: Portion = field(default_factory=Portion)
    """Which part of a limit a minute is for this process."""


class ModelKind(ABC):
    """One model, as a user named it. Each subclass is one form of name.

    A subclass that `@model_kind` registers is known to `--model`, to its error messages and
    to `handoff-evals models`: in a module of this room, or in one that an entry point of the
    group `handoff_evals.models` names.

    Args:
        name: as the user wrote it; it matches.
        project: where it is looked up.
    """

    form: ClassVar[str]
    """How it is written, as in `always:AGENT`."""
    about: ClassVar[str]
    """What it is, in a few words."""
    traits: ClassVar[ModelTraits] = ModelTraits()
    """What reports and comparisons need to know about its answers."""
    precedence: ClassVar[int] = 1
    """Which kind gets a name that several match: 0 for names that the project gives, 1 for
    forms with a word of their own, 2 for forms that other kinds' names have too."""

    def __init__(self, name: str, project: Project) -> None:
        self.name = name
        self.project = project

    @classmethod
    @abstractmethod
    def matches(cls, name: str, project: Project) -> bool:
        """Whether the name is of this form; whether it can be used, `check` says."""

    @abstractmethod
    def open(self) -> Model:
        """Make it ready to answer. `resolve` adds the identity and the traits.

        Raises:
            ModelError: when it can't be used.
            EngineError: when a local model can't be fetched or started.
        """

    @classmethod
    def listing(cls, project: Project) -> Sequence[Listed]:  # noqa: ARG003 - for those that look
        """The lines of `handoff-evals models`."""
        return [Listed(name=cls.form, what=cls.about)]

    @property
    def identity(self) -> ModelIdentity | None:
        """What cassettes know it by, without starting it; None where nothing is recorded."""
        return None if self.traits.reference else ModelIdentity(label=self.name)

    @property
    def label(self) -> str:
        """How every report names it."""
        return self.name if self.identity is None else self.identity.label

    def check(self) -> None:  # noqa: B027 - most need nothing
        """See that it can be used, as far as that can be seen without starting anything.

        Raises:
            ModelError: when it can't.
        """

    def serve(self) -> Endpoint | None:
        """Start the server that several processes can share; None where each opens its own.

        Raises:
            ModelError: when there is no such model.
            EngineError: when it can't be fetched or started.
        """
        return None


_KINDS: list[type[ModelKind]] = []
_Kind = TypeVar("_Kind", bound=type[ModelKind])


def model_kind(kind: _Kind) -> _Kind:
    """Register a kind of model, as a class decorator."""
    _KINDS.append(kind)
    return kind


def kinds() -> tuple[type[ModelKind], ...]:
    """Every kind, the real models first; the order of imports does not matter.

    Raises:
        ModelError: when a package's own kind can't be imported.
    """
    _load_entry_points()
    return tuple(sorted(_KINDS, key=lambda kind: (kind.traits.reference, kind.__module__)))


@cache
def _load_entry_points() -> None:
    """Import the kinds of other packages, once."""
    for point in entry_points(group=ENTRY_POINTS):
        try:
            point.load()
        except (Exception, SystemExit) as error:
            raise ModelError(
                f"the kind of model {point.name!r} can't be imported from {point.value!r}: "
                f"{type(error).__name__}: {error}. Mend or remove the package that declares it"
            ) from error


def kind_of(name: str, project: Project) -> ModelKind:
    """Find the kind of a name.

    Raises:
        ModelError: when it is of none; the message lists them.
    """
    _load_entry_points()
    add_url(name)
    # In the order of registration: no package's kind takes a name from one of this room.
    for kind in sorted(_KINDS, key=lambda each: each.precedence):
        if kind.matches(name, project):
            return kind(name, project)
    raise ModelError(f"no model {name!r}; there are:\n{forms(project)}")


def forms(project: Project) -> str:
    """Every form of name with what it is, a line each, and the project's own names."""
    known = [f"  {kind.form:<22} {kind.about}" for kind in kinds()]
    return "\n".join([*known, *(f"  {name}" for name in project.config.models)])


def project_of(
    folder: Path,
    *,
    code: Path | None = None,
    endpoints: Mapping[str, Endpoint] | None = None,
    share: Portion | None = None,
) -> Project:
    """Read what a folder says about models; its `.env` becomes part of the environment.

    Raises:
        UsageError: when its `pyproject.toml` is not as it must be.
    """
    load_dotenv(folder / ".env")
    for name, value in dotenv_values(folder / ".env").items():
        if name.upper().endswith(("KEY", "TOKEN", "SECRET", "PASSWORD")):
            add_secret(value)
    return Project(
        folder=folder,
        code=code or folder,
        config=read_config(folder),
        endpoints=endpoints or {},
        share=share or Portion(),
    )


def resolve(
    names: Sequence[str],
    *,
    folder: Path,
    replayed: bool = False,
    code: Path | None = None,
    endpoints: Mapping[str, Endpoint] | None = None,
    share: Portion | None = None,
) -> list[Model]:
    """Make each name a model; nothing is started before all of them are known to be valid.

    Args:
        names: as `--model` takes them.
        folder: where `pyproject.toml` and `.env` are, and modules are imported from.
        replayed: whether cassettes answer, so that no model is needed.
        code: where modules are imported from instead.
        endpoints: what `start_server` returned, by the name of each model that can be shared.
        share: which part of a limit a minute is for this process.

    Raises:
        ModelError: when a name is of no kind, can't be used, or is given twice.
        EngineError: when the local model can't be fetched or started.
    """
    project = project_of(folder, code=code, endpoints=endpoints, share=share)
    wanted = [kind_of(name, project) for name in names]
    labels = [kind.label for kind in wanted]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise ModelError(f"{list(names)} name {twice[0]!r} twice: name each model once")
    live = [not (replayed and _needs_no_model(kind)) for kind in wanted]
    for kind, is_live in zip(wanted, live, strict=True):
        if is_live:
            kind.check()
    return [
        replace(
            kind.open() if is_live else replayed_model(kind.label),
            identity=kind.identity,
            traits=kind.traits,
        )
        for kind, is_live in zip(wanted, live, strict=True)
    ]


def _needs_no_model(kind: ModelKind) -> bool:
    """Whether cassettes can answer for it; agents whose models are their own bring them anyway."""
    return kind.identity is not None and not kind.traits.agents_own


def start_server(name: str, *, folder: Path) -> Endpoint | None:
    """Start the model's server, for several processes to share; None where it has none.

    Raises:
        ModelError: when there is no such model.
        EngineError: when it can't be fetched or started.
    """
    return kind_of(name, project_of(folder)).serve()


def replayed_model(label: str) -> Model:
    """The model of that label where a cassette answers in its place."""
    return Model(label=label, build=lambda _scenario, _seed: ReplayedLLM(label))


class ReplayedLLM(ScriptedLLM):
    """Has a model's name and no answers, for a cassette answers in its place.

    Args:
        label: the model's.
    """

    def __init__(self, label: str) -> None:
        super().__init__([])
        self._label = label

    @property
    def model(self) -> str:
        """The model's label."""
        return self._label


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

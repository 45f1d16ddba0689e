"""What answers besides the agents' models: their cassettes, and the model that plays callers."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from livekit.agents import llm

from handoff_evals.callers import brief_version, has_brief
from handoff_evals.cassettes import Cassette, Mode, ModelIdentity, cassette_of
from handoff_evals.errors import ModelError
from handoff_evals.models import Model, resolve
from handoff_evals.results import CallingModelRecord
from handoff_evals.runs.runner import Route
from handoff_evals.scenarios import Scenario, Suite


@dataclass(frozen=True, kw_only=True)
class CallingModel:
    """The model that plays the callers of a run."""

    model: Model
    cassettes: Mapping[Route, Cassette] = field(default_factory=dict)

    @property
    def record(self) -> CallingModelRecord:
        """What a manifest has of it: another model, option or brief is another caller."""
        identity = self.model.identity or ModelIdentity(label=self.model.label)
        return CallingModelRecord(
            model=self.model.label, options=identity.options, brief=brief_version()
        )

    def build(self, scenario: Scenario, seed: int) -> llm.LLM[Any] | None:
        """The caller's model in one trial; None where a scenario has no brief to play by."""
        if not has_brief(scenario):
            return None
        return self.model.build(scenario, caller_seed(seed))


def caller_seed(seed: int) -> int:
    """The caller's seed in a trial: the same on both sides of a pair, and not the agents'."""
    digest = hashlib.sha256(f"caller {seed}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def suites_called(suites: Sequence[Suite], caller: str) -> tuple[Suite, ...]:
    """The suites as they are run: with a model that plays callers, no scenario is left out."""
    return tuple(suite.called_by_model() if caller else suite for suite in suites)


def calling_model(
    request: Any, suites: Sequence[Suite], models: Sequence[Model]
) -> CallingModel | None:
    """The model that a run asked for to play its callers; None where none was asked for.

    Args:
        request: a `RunRequest`.
        suites: the run's.
        models: those that answer for the agents.

    Raises:
        ModelError: when there is no such model, or it can't be a caller.
    """
    if not request.caller:
        return None
    # In a diff both sides have the caller of the working tree.
    folder = request.checks_from or request.folder
    replayed = request.cassettes is Mode.REPLAY
    [model] = resolve(
        [request.caller],
        folder=folder,
        replayed=replayed,
        endpoints=request.endpoints,
        share=request.share,
    )
    if model.traits.reference or model.traits.agents_own:
        raise ModelError(
            f"--caller {request.caller!r}: it can't play a caller; name a model such as `local` "
            "or a `module:function` of your own, or leave it out and write `caller: {lines: […]}`"
        )
    identity = model.identity or ModelIdentity(label=model.label)
    found: dict[Route, Cassette] = {}
    for suite in suites:
        for answering in models:
            # What it hears differs with who answers: each has a cassette of its own.
            label = f"{identity.label} calls {answering.label}"
            cassette = cassette_of(
                suite.name,
                replace(identity, label=label),
                mode=request.cassettes,
                folders=request.cassette_folders,
                project=request.folder,
            )
            if cassette is not None:
                found[suite.name, answering.label] = cassette
    return CallingModel(model=model, cassettes=found)


def cassettes_of(
    suites: Sequence[Suite], models: Sequence[Model], request: Any
) -> Mapping[Route, Cassette]:
    """A cassette for each suite and model; drivers of one model share it."""
    found: dict[tuple[str, str], Cassette | None] = {}
    for suite in suites:
        for model in models:
            key = suite.name, repr(model.identity)
            if key not in found:
                found[key] = cassette_of(
                    suite.name,
                    model.identity,
                    mode=request.cassettes,
                    folders=request.cassette_folders,
                    project=request.folder,
                )
    return {
        (suite.name, model.label): cassette
        for suite in suites
        for model in models
        if (cassette := found[suite.name, repr(model.identity)]) is not None
    }

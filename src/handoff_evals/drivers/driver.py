"""What a driver is, and the table of them: a new one is a class in a file of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from livekit.agents import llm

from handoff_evals.cassettes import Cassette
from handoff_evals.drivers.call import BaseCall
from handoff_evals.drivers.caller_model import CallerModel
from handoff_evals.drivers.caller_side import CallerSide
from handoff_evals.drivers.shared_state import note_of, process_settings, turn_of
from handoff_evals.drivers.turn_record import Limits
from handoff_evals.errors import UsageError
from handoff_evals.livekit import AgentEntry
from handoff_evals.scenarios import Scenario, Suite, Watch
from handoff_evals.transcript import Fault, Transcript
from handoff_evals.user_code import as_error, last_user_line, original
from handoff_evals.watchdog import watched


class Driver(Protocol):
    """Runs conversations with one agent under test on one model."""

    async def run(self, scenario: Scenario, *, seed: int, number: int) -> Transcript:
        """Run one conversation and return its record; what goes wrong stands in it.

        Args:
            scenario: what the caller says.
            seed: the trial's.
            number: which of the scenario's trials it is, from 0.
        """
        ...


@runtime_checkable
class Rehearsing(Protocol):
    """A model that may need several conversations until it knows how to play one."""

    def settle(self, transcript: Transcript) -> Transcript | None:
        """Learn from a conversation that is over.

        Returns:
            The conversation that counts; None where another one has to be run.
        """
        ...


async def rehearse(model: Any, run: Callable[[], Awaitable[Transcript]]) -> Transcript:
    """Run a conversation, again and again where the model rehearses.

    Args:
        model: who answers in it.
        run: runs one conversation from its beginning to its end.
    """
    while True:
        transcript = await run()
        counts = model.settle(transcript) if isinstance(model, Rehearsing) else transcript
        if counts is not None:
            return counts


def no_model(scenario: Scenario, seed: int) -> llm.LLM[Any] | None:  # noqa: ARG001 - as a model has it
    """No model plays the caller: its own rules do."""
    return None


@dataclass(frozen=True, kw_only=True)
class InProcessDriver:
    """A driver on `AgentSession`: one entry, one model, any number of conversations."""

    entry: AgentEntry
    model: Callable[[Scenario, int], llm.LLM[Any] | None]
    """Gives the model for one trial, from the scenario and the trial's seed; None
    lets every agent answer by its own."""
    watch: Watch
    limits: Limits
    caller: Callable[[Scenario, int], llm.LLM[Any] | None] = no_model
    """Gives the model that plays the caller of a scenario without turns; None where its own rules
    do."""
    caller_cassette: Cassette | None = None
    cassette: Cassette | None = None
    """What answers in the model's place, and keeps what the model answers."""
    call: ClassVar[type[BaseCall]]
    """How it carries the caller's words."""

    async def run(self, scenario: Scenario, *, seed: int, number: int = 0) -> Transcript:
        """Run one conversation to its end, or to the fault that ended it."""
        with watched(self.limits.turn_s), process_settings():
            return await self._run(scenario, seed=seed, number=number)

    async def _run(self, scenario: Scenario, *, seed: int, number: int) -> Transcript:
        try:
            model = self.model(scenario, seed)
        except UsageError:
            raise
        except BaseException as error:
            raised = as_error(error)
            if raised is None:
                raise
            return _no_model(original(raised))
        exchanges = None
        if self.cassette is not None:
            exchanges = self.cassette.trial(scenario.identity, trial=number, seed=seed)

        async def conversation() -> Transcript:
            side = self._side(scenario, seed=seed, number=number, callers=callers)
            call = self.call(
                self.entry,
                model,
                limits=self.limits,
                watch=self.watch,
                scenario=scenario,
                exchanges=exchanges,
            )
            async with turn_of(self.entry) as turn:
                call.on_opened = turn.opened
                await call.converse(side)
            if note := note_of(self.entry):
                call.notes.append(note)
            return replace(call.transcript, caller=side.record)

        callers: list[CallerModel] = []
        try:
            transcript = await rehearse(model, conversation)
        finally:
            await self._close([model, *(caller.model for caller in callers)])
        for kept in (exchanges, *(caller.exchanges for caller in callers[-1:])):
            if kept is not None:
                kept.close(whole=transcript.unscored_because is None)
        return transcript

    def _side(
        self, scenario: Scenario, *, seed: int, number: int, callers: list[CallerModel]
    ) -> CallerSide:
        """The caller of one conversation."""
        model = self.caller(scenario, seed) if scenario.is_open else None
        if model is None:
            return CallerSide.of(scenario)
        kept = self.caller_cassette
        exchanges = None
        if kept is not None:
            exchanges = kept.trial(scenario.identity, trial=number, seed=seed)
        callers.append(CallerModel(model=model, exchanges=exchanges))
        return CallerSide.simulated(scenario, callers[-1])

    async def _close(self, models: Iterable[llm.LLM[Any] | None]) -> None:
        """Close the models; they have answered, so how they close says nothing."""
        for model in filter(None, models):
            try:
                await asyncio.wait_for(model.aclose(), self.limits.close_s)
            except BaseException as error:
                if as_error(error) is None:
                    raise


def _no_model(error: BaseException) -> Transcript:
    detail = f"{type(error).__name__}: {error}{last_user_line(error)}"
    return Transcript(
        turns=(),
        faults=(
            Fault(owner="infrastructure", cause="no_model", detail=detail, turn=0, ended=True),
        ),
    )


_DEFAULT = "text"
"""The driver where neither a run nor a scenario file names one."""

_DRIVERS: dict[str, type[InProcessDriver]] = {}
_Kind = TypeVar("_Kind", bound=type[InProcessDriver])


def driver(name: str) -> Callable[[_Kind], _Kind]:
    """Register a driver under the name that `--driver` takes, as a class decorator."""

    def register(kind: _Kind) -> _Kind:
        _DRIVERS[name] = kind
        return kind

    return register


def drivers() -> Mapping[str, type[InProcessDriver]]:
    """Every driver by its name: what the files of this room register."""
    room = import_module(__package__ or "")
    for each in iter_modules(room.__path__):
        import_module(f"{room.__name__}.{each.name}")
    return dict(sorted(_DRIVERS.items()))


def driver_named(name: str | None) -> type[InProcessDriver]:
    """The driver of that name; the one in text where none is named.

    Raises:
        UsageError: when there is none.
    """
    found = drivers()
    if (name or _DEFAULT) not in found:
        raise UsageError(f"driver {name!r}: choose one of {', '.join(found)}")
    return found[name or _DEFAULT]


def driver_for(suite: Suite, name: str | None = None) -> type[InProcessDriver]:
    """The driver of that name; without one, of the name in the suite's file.

    Raises:
        UsageError: when there is none.
    """
    try:
        return driver_named(name or suite.driver)
    except UsageError as error:
        raise error if name else UsageError(f"{suite.path or suite.name}: {error}") from None

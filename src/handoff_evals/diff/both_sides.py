"""Both sides of a diff, opened."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from handoff_evals.config import read_config
from handoff_evals.diff.live_side import LiveSide
from handoff_evals.diff.orders import Orders
from handoff_evals.diff.request import DiffRequest
from handoff_evals.diff.sources import Checkout, Kept, KeptModel, Live, Source, source
from handoff_evals.diff.worktree import Repository
from handoff_evals.engines.endpoint import Endpoint
from handoff_evals.errors import UsageError
from handoff_evals.scenario import Suite
from handoff_evals.suite import discover, load_suite
from handoff_evals.versions import Survey, survey, unseen

TAPES = Path("fixtures/cassettes")
_KEPT_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class Ready:
    """What can hold conversations, or give those that were held."""

    a: Source
    b: Source
    model: str
    """Its label."""
    at_once: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BothSides:
    """Two sides of the same suites; `opened` opens them."""

    request: DiffRequest
    suites: tuple[Suite, ...]
    a: Live | Kept
    b: Live | Kept

    @classmethod
    @asynccontextmanager
    async def opened(cls, request: DiffRequest) -> AsyncIterator[Self]:
        """Find the sides, check out what has to be, and start a process for each.

        Yields:
            The sides; no agent is imported yet.

        Raises:
            UsageError: when there is no such side, or no suite.
        """
        paths = discover(request.suites, folder=request.folder)
        suites = tuple(suite for suite in map(load_suite, paths) if suite.scenarios)
        if not suites:
            raise UsageError(f"no scenario in {', '.join(map(str, paths))} has `turns`")
        specs = (request.a or Repository.around(request.folder).fork_point(), request.b)
        found = [source(spec, folder=request.folder, suites=suites) for spec in specs]
        async with AsyncExitStack() as stack:
            opening = _Opening(request=request, kept=found, stack=stack)
            a, b = [
                await opening.live(letter, each) if isinstance(each, Checkout) else each
                for letter, each in zip("ab", found, strict=True)
            ]
            yield cls(request=request, suites=suites, a=a, b=b)

    @property
    def live(self) -> tuple[Live, ...]:
        """The sides that hold conversations."""
        return tuple(side for side in (self.a, self.b) if isinstance(side, Live))

    async def survey(self) -> Survey:
        """Import the agents of both sides, and see what changed; no model is asked."""
        if not (isinstance(self.a, Live) and isinstance(self.b, Live)):
            return unseen(self.suites, seed=self.request.seed)
        found = await asyncio.gather(self.a.side.rehearse(), self.b.side.rehearse())
        one, other = ({each.suite: each for each in side} for side in found)
        return survey(self.suites, one, other, seed=self.request.seed)

    async def prepare(self) -> Ready:
        """Make the model, and the run folders.

        Raises:
            UsageError: when the sides are not of the same model.
            EngineError: when the local model can't be had.
        """
        live = self.live
        endpoint = await self._endpoint(live)
        prepared = [await side.prepare(endpoint) for side in live]
        label = prepared[0].model if prepared else self.request.model
        a, b = (side if isinstance(side, Live) else side.of(label) for side in (self.a, self.b))
        if isinstance(a, KeptModel) and isinstance(b, KeptModel) and a.model != b.model:
            raise UsageError(
                f"{a.name!r} was held on {a.model!r} and {b.name!r} on {b.model!r}: to compare "
                "models, use `handoff-evals compare`"
            )
        return Ready(
            a=a,
            b=b,
            model=label or (a.model if isinstance(a, KeptModel) else ""),
            at_once=min((each.concurrency for each in prepared), default=_KEPT_AT_ONCE),
            notes=tuple(dict.fromkeys(note for each in prepared for note in each.notes)),
        )

    async def _endpoint(self, live: Sequence[Live]) -> Endpoint | None:
        """Start the local model, if it is asked for: once, for both sides."""
        kind, _, rest = live[0].model.partition(":") if live else ("", "", "")
        named = read_config(self.request.folder).models
        local = kind in {"local", "gguf"} and bool(live) and live[0].model not in named
        if not local:
            return None
        from handoff_evals.engines import serve  # noqa: PLC0415 - an extra that may be missing

        weights = self.request.folder / rest if kind == "gguf" else rest or "default"
        return await asyncio.to_thread(serve, weights)


@dataclass(frozen=True, kw_only=True)
class _Opening:
    request: DiffRequest
    kept: Sequence[Checkout | Kept]
    stack: AsyncExitStack

    async def live(self, letter: str, checkout: Checkout) -> Live:
        """Start a side's process, in a worktree of its own if it is a commit's."""
        request = self.request
        home = request.folder.resolve()
        root = here = home
        if checkout.commit is not None:
            repository = Repository.around(home)
            root = repository.root
            here = self.stack.enter_context(repository.checked_out(checkout.commit))
        folder = here / home.relative_to(root)
        if not folder.is_dir():
            raise UsageError(f"{checkout.name}: there is no folder {str(home.relative_to(root))!r}")
        out = (request.out / letter).resolve()
        model = self._model()
        orders = Orders(
            folder=str(folder),
            home=str(home),
            root=str(here),
            home_root=str(root),
            suites=tuple(str(path.resolve()) for path in discover(request.suites, folder=home)),
            model=model,
            trials=request.trials,
            seed=request.seed,
            turn_s=request.turn_s,
            out=str(out),
            tapes=(str((request.out / "cassettes").resolve()), str(home / TAPES)),
        )
        side = await self.stack.enter_async_context(
            LiveSide.started(f"side {letter} ({checkout.name})", orders)
        )
        return Live(name=checkout.name, side=side, out=out, model=model)

    def _model(self) -> str:
        if self.request.model is not None:
            return self.request.model
        asked = [name for each in self.kept if isinstance(each, Kept) for name in each.asked]
        return asked[0] if len(set(asked)) == 1 else "local"

"""A run from Python or a notebook: what `handoff-evals run` does, as a function."""

import asyncio
from collections.abc import Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from typing import Any

from handoff_evals.cassettes import Mode
from handoff_evals.checks import expect_keys, load_checks
from handoff_evals.errors import UsageError
from handoff_evals.event_loop import run_to_end
from handoff_evals.reports import Run
from handoff_evals.results import RunFolder
from handoff_evals.runs.prepare import prepare
from handoff_evals.runs.request import RunRequest
from handoff_evals.scenarios import Suite
from handoff_evals.scenarios import load_suite as read_suite

_DEFAULT_PARENT = Path("runs")


def load_suite(path: str | Path) -> Suite:
    """Read one `scenarios.yaml`; `expect:` may have the keys of your own checks too.

    Raises:
        ScenarioFileError: naming every problem with its line.
        UsageError: when a check that `pyproject.toml` names can't be imported.
    """
    load_checks(Path.cwd())
    return read_suite(Path(path), keys=expect_keys())


def evaluate(  # noqa: PLR0913 - as the options of `run`, by name
    suite: "str | Path | Suite | Iterable[str | Path | Suite]",
    *,
    model: str | Iterable[str] = "local",
    trials: int = 1,
    seed: int = 0,
    cassettes: str = "off",
    driver: str | Iterable[str] = (),
    caller: str = "",
    out: str | Path | None = None,
) -> Run:
    """Run every scenario on every model, and return the run.

    ```python
    run = evaluate("evals/intake", model=["local", "never"], trials=3)
    run  # the tables, as the last line of a notebook's cell; print(run) elsewhere
    run.summary.models["never"].accuracy.value
    ```

    It is a plain function, also in a notebook: where an event loop runs already, the
    conversations run in a thread of their own. Timeouts, retries and other limits stand
    in `pyproject.toml`, under `[tool.handoff-evals]`, as for `handoff-evals run`.

    Args:
        suite: a scenario file, a folder that contains some, a `Suite`, or several of these.
        model: a name as `--model` takes it, or several.
        trials: conversations per scenario and model.
        seed: the run's seed; each trial's is derived from it.
        cassettes: `off`, `auto`, `replay` or `record`; see `--cassettes`.
        driver: `text` or `spoken`, or both to compare them; the suite's own without one.
        caller: a model that plays the callers of scenarios without turns; see `--caller`.
        out: the run's folder; `runs/TIME` where it is None.

    Returns:
        The run, as it stands in its folder.

    Raises:
        UsageError: when something that was asked for can't be; the message says what.
        EngineError: when the local model can't be had.
    """
    if trials < 1:
        raise UsageError(f"trials={trials!r}: it must be at least 1")
    try:
        mode = Mode(cassettes)
    except ValueError:
        raise UsageError(f"cassettes={cassettes!r}: choose one of {', '.join(Mode)}") from None
    given = [suite] if isinstance(suite, str | Path | Suite) else list(suite)
    request = replace(
        RunRequest.of_project(Path.cwd()),
        suites=tuple(str(each) for each in given if not isinstance(each, Suite)),
        models=(model,) if isinstance(model, str) else tuple(model),
        trials=trials,
        seed=seed,
        cassettes=mode,
        drivers=(driver,) if isinstance(driver, str) else tuple(driver),
        caller=caller,
    )
    prepared = prepare(request, suites=[each for each in given if isinstance(each, Suite)])
    parent, name = (_DEFAULT_PARENT, None) if out is None else (Path(out).parent, Path(out).name)
    folder = RunFolder.create(parent, prepared.manifest, name=name)
    try:
        with folder.locked():
            _finish(prepared.execute(folder, lambda _: None))
    except KeyboardInterrupt as error:
        error.add_note(f"what is finished is kept: Run.open({str(folder.path)!r})")
        raise
    run = Run.open(folder.path)
    folder.write_summary(run.summary)
    return run


def _finish(work: Coroutine[Any, Any, object]) -> None:
    """Run it to its end, also where an event loop runs already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        run_to_end(work)
        return
    started: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[object]]] = []

    async def watched() -> None:
        task = asyncio.ensure_future(work)
        started.append((asyncio.get_running_loop(), task))
        await task

    with ThreadPoolExecutor(max_workers=1) as pool:
        future = pool.submit(copy_context().run, run_to_end, watched())
        try:
            future.result()
        except KeyboardInterrupt:
            for loop, task in started:
                loop.call_soon_threadsafe(task.cancel)
            raise

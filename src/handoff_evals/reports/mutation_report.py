"""Which breakages the tests noticed, in the terminal and as JSON."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table

from handoff_evals.mutation import Examined, Mutant, MutationRun, Result
from handoff_evals.terminal import Console, Text

SCHEMA = 1
_STYLES = {"killed": "green", "survived": "bold red", "invalid": "dim", "unjudged": "yellow"}


def print_mutation(console: Console, run: MutationRun) -> None:
    """Print each module by operator and place, and then the scores."""
    for module in run.modules:
        for part in module_report(module):
            console.print(part)
    console.print(score_table(run))


def print_mutants(console: Console, path: Path, mutants: Sequence[Mutant]) -> None:
    """Print the places that could be broken."""
    console.print(Text(f"{path}: {len(mutants)} mutants", style="bold"))
    for name, group in groupby(mutants, key=lambda each: each.operator.name):
        console.print(Text(f"  {name}"))
        for mutant in group:
            console.print(Text(f"    {mutant.line:>4} {mutant.id_in(path)}"), soft_wrap=True)


def module_report(module: Examined) -> Iterator[RenderableType]:
    """The results of one module by operator and place, with what would kill the survivors."""
    yield Text(f"\n{module.path}: {_share(module.score)} {_killed(module.results)}", style="bold")
    if len(module.results) < module.total:
        missing = module.total - len(module.results)
        yield Text(f"{missing} of {module.total} mutants were not run", style="yellow")
    if module.deselected:
        yield Text(f"{module.deselected} more were deselected")
    for name, group in groupby(module.results, key=lambda each: each.mutant.operator.name):
        results = list(group)
        yield Text(f"  {name} {_killed(results)}")
        for each in results:
            yield Padding(Text(_broken(module.path, each.mutant)), (0, 0, 0, 4))
            yield Padding(_outcome(each), (0, 0, 0, 8))
        if any(each.status == "survived" for each in results):
            advice = f"to kill what survived: {results[0].mutant.operator.suggestion}"
            yield Padding(Text(advice, style="italic"), (0, 0, 0, 4))


def score_table(run: MutationRun) -> Table:
    """The scores, a module a row."""
    table = Table(title="Mutation score", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("module", overflow="fold")
    for column in ("score", "mutants", *_STYLES):
        table.add_column(column, justify="right")
    for module in run.modules:
        table.add_row(Text(str(module.path)), _share(module.score), *_counts(module.results))
    if len(run.modules) > 1:
        table.add_section()
        table.add_row("all", _share(run.score), *_counts(run.results), style="bold")
    return table


def mutation_json(run: MutationRun) -> dict[str, Any]:
    """The run as JSON."""
    return {
        "schema": SCHEMA,
        "score": run.score,
        "complete": run.is_complete,
        "modules": [
            {
                "path": str(module.path),
                "score": module.score,
                "tests": list(module.tests),
                "deselected": module.deselected,
                "mutants": [_result(each, module.path) for each in module.results],
            }
            for module in run.modules
        ],
    }


def _result(result: Result, path: Path) -> dict[str, Any]:
    mutant = result.mutant
    survived = result.status == "survived"
    return {
        "id": mutant.id_in(path),
        "operator": mutant.operator.name,
        "line": mutant.line,
        "scope": mutant.scope,
        "what": mutant.what,
        "status": result.status,
        "killed_by": result.killed_by or None,
        "reason": result.reason or None,
        "seconds": round(result.seconds, 3),
        "suggestion": mutant.operator.suggestion if survived else None,
    }


def _broken(path: object, mutant: Mutant) -> str:
    return f"{path}:{mutant.line} {mutant.scope}: {mutant.what}"


def _outcome(result: Result) -> Text:
    style = _STYLES[result.status]
    if result.status == "survived":
        return Text("survived", style=style)
    if result.status == "invalid":
        return Text("not counted, the code fits together no longer: ").append(result.reason)
    if result.status == "unjudged":
        return Text("no verdict: ", style=style).append(result.reason)
    killer = result.killed_by.rpartition("::")[2]
    return Text("killed by ", style=style).append(killer, style="dim")


def _killed(results: Sequence[Result]) -> str:
    return f"({sum(each.status == 'killed' for each in results)} of {len(results)} killed)"


def _counts(results: Sequence[Result]) -> list[str]:
    found = [each.status for each in results]
    numbers = [len(found), *(found.count(status) for status in _STYLES)]  # type: ignore[arg-type]
    return [str(number) if number else "·" for number in numbers]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"

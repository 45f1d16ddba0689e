"""A run's summary in the terminal."""

from collections.abc import Iterable, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from handoff_evals.handoffs import OUTCOMES
from handoff_evals.store import Accuracy, Failure, ModelSummary, Summary

_SHOWN = 12


def print_run(console: Console, summary: Summary, *, notes: Sequence[str] = ()) -> None:
    """Print the models side by side, then each one's matrix, then what failed."""
    console.print(models_table(summary))
    if len({suite for model in summary.models.values() for suite in model.suites}) > 1:
        console.print(suites_table(summary))
    for name, model in summary.models.items():
        if model.confusion:
            console.print(confusion_table(name, model))
    for line in failures(summary.failures):
        console.print(line)
    for note in notes:
        console.print(Padding(Text(note, style="dim"), (0, 2)))


def models_table(summary: Summary) -> Table:
    """Accuracy, outcomes and trials, a model a row."""
    table = Table(title="Handoff decisions", title_justify="left")
    table.add_column("model", overflow="fold")
    table.add_column("accuracy", justify="right")
    table.add_column("95% interval" if _is_95(summary) else "interval", justify="right")
    table.add_column("decisions", justify="right")
    for outcome in OUTCOMES:
        table.add_column(outcome, justify="right")
    table.add_column("cascaded", justify="right")
    table.add_column("trials passed", justify="right")
    table.add_column("unscored", justify="right")
    for name, model in summary.models.items():
        counts, trials = model.decisions, model.trials
        table.add_row(
            Text(name),
            share(model.accuracy.value),
            interval(model.accuracy),
            str(counts.on_path),
            *(_count(counts.outcomes[outcome]) for outcome in OUTCOMES),
            _count(counts.cascaded),
            f"{trials.passed}/{trials.passed + trials.failed}",
            _unscored(model),
        )
    return table


def suites_table(summary: Summary) -> Table:
    """Accuracy with its interval, a suite a row and a model a column."""
    table = Table(title="Accuracy by suite", title_justify="left")
    table.add_column("suite")
    for name in summary.models:
        table.add_column(Text(name), justify="right")
    suites = sorted({suite for model in summary.models.values() for suite in model.suites})
    for suite in suites:
        cells = []
        for model in summary.models.values():
            found = model.suites.get(suite)
            cells.append("-" if found is None else f"{share(found.value)} {interval(found)}")
        table.add_row(Text(suite), *cells)
    return table


def confusion_table(name: str, model: ModelSummary) -> RenderableType:
    """Expected agents down, active agents across, with precision and recall."""
    actual = sorted({agent for row in model.confusion.values() for agent in row})
    table = Table(title=f"{name}: expected by active agent", title_justify="left")
    table.add_column("expected")
    for agent in actual:
        table.add_column(Text(agent), justify="right", overflow="fold")
    table.add_column("precision", justify="right")
    table.add_column("recall", justify="right")
    for agent, quality in model.per_agent.items():
        row = model.confusion.get(agent, {})
        cells = [
            Text(str(row[each]), style="green" if each == agent else "red")
            if row.get(each)
            else Text("·", style="dim")
            for each in actual
        ]
        table.add_row(Text(agent), *cells, share(quality.precision), share(quality.recall))
    return Group(table)


def failures(found: Iterable[Failure]) -> Iterable[RenderableType]:
    """What failed, the first few of each model in full."""
    by_model: dict[str, list[Failure]] = {}
    for each in found:
        if each.name in {"handoff", "agent", "unscored"}:
            by_model.setdefault(each.model, []).append(each)
    for model, listed in by_model.items():
        yield Text(f"{model}: what went wrong", style="bold")
        for each in listed[:_SHOWN]:
            trial = f" trial {each.number + 1}" if each.number else ""
            where = f"{each.suite} / {each.scenario}{trial}"
            turn = "" if each.turn is None else f", turn {each.turn}"
            yield Text(f"  {where}{turn}: {each.reason}")
            if each.user:
                yield Text(f"      caller: {each.user}", style="dim")
        if len(listed) > _SHOWN:
            yield Text(f"  and {len(listed) - _SHOWN} more: `handoff-evals show RUN LABEL`")


def share(value: float | None) -> str:
    """A proportion with two digits; `-` where there is none."""
    return "-" if value is None else f"{value:.2f}"


def interval(accuracy: Accuracy) -> str:
    """`[low, high]`."""
    if accuracy.low is None or accuracy.high is None:
        return "-"
    return f"[{accuracy.low:.2f}, {accuracy.high:.2f}]"


def _is_95(summary: Summary) -> bool:
    return all(model.accuracy.confidence == 0.95 for model in summary.models.values())  # noqa: PLR2004


def _count(number: int) -> str:
    return str(number) if number else "·"


def _unscored(model: ModelSummary) -> Text:
    trials = model.trials
    if not trials.unscored:
        return Text("·")
    causes = ", ".join(f"{cause} {number}" for cause, number in sorted(trials.causes.items()))
    return Text(f"{trials.unscored} ({causes})", style="yellow")

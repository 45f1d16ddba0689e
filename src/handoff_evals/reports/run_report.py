"""A run's summary in the terminal."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from handoff_evals.checks import OUTCOMES
from handoff_evals.results import Accuracy, Failure, ModelSummary, SuiteSummary, Summary

_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class SameCause:
    """Failures of one model that have one reason; mostly it is one alone."""

    failures: tuple[Failure, ...]

    @property
    def first(self) -> Failure:
        """The first of them."""
        return self.failures[0]


def telling(found: Iterable[Failure]) -> list[Failure]:
    """Leave out what failed along with the decision of its turn: it follows from that."""
    listed = list(found)
    decided = {_place(each) for each in listed if each.name == "handoff"}
    return [each for each in listed if each.name == "handoff" or _place(each) not in decided]


def _place(each: Failure) -> tuple[str, str, str, int, int | None]:
    return each.model, each.suite, each.scenario, each.number, each.turn


def grouped(found: Iterable[Failure]) -> list[SameCause]:
    """Put the unscored trials of one model together that have the same reason.

    What an agent or a model did wrong stands by itself: each time the caller said something else.
    """
    groups: dict[object, list[Failure]] = {}
    for number, each in enumerate(found):
        same = (each.model, each.reason) if each.name == "unscored" else number
        groups.setdefault(same, []).append(each)
    return [SameCause(failures=tuple(group)) for group in groups.values()]


def named(labels: Iterable[str]) -> str:
    """The first few different ones, and how many more there are."""
    different = list(dict.fromkeys(labels))
    more = f" and {len(different) - _NAMED} more" if len(different) > _NAMED else ""
    return f"{', '.join(different[:_NAMED])}{more}"


_SHOWN = 12
# Failing is what these are for.
TRIVIAL = ("never", "always:", "random")


def print_run(console: Console, summary: Summary, *, notes: Sequence[str] = ()) -> None:
    """Print the models side by side, then each one's matrix, then what failed."""
    for part in run_tables(summary):
        console.print(part)
    for note in notes:
        console.print(Text(note, style="dim"))


def run_tables(summary: Summary) -> Iterator[RenderableType]:
    """The models side by side, then each one's matrix, then what failed."""
    yield accuracy_table(summary)
    yield outcomes_table(summary)
    for name, model in summary.models.items():
        if not name.startswith(TRIVIAL):
            for suite, found in model.suites.items():
                yield confusion_table(f"{suite}, {name}", found)
    for name, model in summary.models.items():
        if len({each.model for each in model.deciders}) > 1:
            yield deciders_table(name, model)
    yield from failures(summary.failures)


def accuracy_table(summary: Summary) -> Table:
    """Accuracy with its interval, a model a row, and below it a row for each of its suites."""
    table = _table("Accuracy of handoff decisions")
    table.add_column("model", overflow="fold")
    table.add_column("accuracy", justify="right")
    confidence = next((m.accuracy.confidence for m in summary.models.values()), 0.95)
    table.add_column(f"{confidence:.0%} interval", justify="right")
    table.add_column("decisions", justify="right")
    table.add_column("passed", justify="right")
    table.add_column("unscored", justify="right")
    for name, model in summary.models.items():
        trials = model.trials
        table.add_row(
            Text(name, style="bold"),
            share(model.accuracy.value),
            interval(model.accuracy),
            str(model.accuracy.decisions),
            f"{trials.passed}/{trials.passed + trials.failed}",
            _unscored(model),
        )
        if len(model.suites) > 1:
            for suite, found in model.suites.items():
                table.add_row(
                    Text(f"  {suite}", style="dim"),
                    share(found.accuracy.value),
                    interval(found.accuracy),
                    str(found.accuracy.decisions),
                )
    return table


def outcomes_table(summary: Summary) -> Table:
    """What the decisions came to, a model a row."""
    table = _table("Outcomes of the decisions on path")
    table.add_column("model", overflow="fold")
    for outcome in OUTCOMES:
        table.add_column(outcome, justify="right")
    table.add_column("cascaded", justify="right", style="dim")
    for name, model in summary.models.items():
        counts = model.decisions
        table.add_row(
            Text(name),
            *(_count(counts.outcomes[outcome]) for outcome in OUTCOMES),
            _count(counts.cascaded),
        )
    return table


def confusion_table(title: str, found: SuiteSummary) -> Table:
    """Expected agents down, active agents across by their numbers, precision and recall."""
    agents = list(found.per_agent)
    table = _table(f"{title}: expected by active agent")
    table.add_column("expected")
    for number in range(1, len(agents) + 1):
        table.add_column(str(number), justify="right")
    table.add_column("precision", justify="right")
    table.add_column("recall", justify="right")
    for number, (agent, quality) in enumerate(found.per_agent.items(), 1):
        row = found.confusion.get(agent, {})
        cells = [
            Text(str(row[each]), style="green" if each == agent else "red")
            if row.get(each)
            else Text("·", style="dim")
            for each in agents
        ]
        label = Text(f"{number} {agent}")
        table.add_row(label, *cells, share(quality.precision), share(quality.recall))
    return table


def deciders_table(name: str, model: ModelSummary) -> Table:
    """Who decided, where the agents ask models of their own."""
    table = _table(f"{name}: which model decided for which agent")
    table.add_column("agent")
    table.add_column("model", overflow="fold")
    table.add_column("decisions", justify="right")
    table.add_column("correct", justify="right")
    for each in model.deciders:
        right = f"{each.correct} ({share(each.correct / each.decisions)})"
        table.add_row(Text(each.agent), Text(each.model or "none"), str(each.decisions), right)
    return table


def failures(found: Iterable[Failure]) -> Iterable[RenderableType]:
    """What went wrong, the first few of each model that can be expected to do well."""
    by_model: dict[str, list[Failure]] = {}
    for each in telling(each for each in found if not each.model.startswith(TRIVIAL)):
        by_model.setdefault(each.model, []).append(each)
    for model, listed in by_model.items():
        yield Text(f"{model}: what went wrong", style="bold")
        groups = grouped(listed)
        for group in groups[:_SHOWN]:
            yield from _told(group)
        left = sum(len(group.failures) for group in groups[_SHOWN:])
        if left:
            yield Text(f"  and {left} more: `handoff-evals show RUN LABEL`")


def _told(group: SameCause) -> Iterable[RenderableType]:
    each = group.first
    if len(group.failures) > 1:
        yield Text(f"  {len(group.failures)} trials: {each.reason}")
        yield Text(f"      {named([f.scenario for f in group.failures])}", style="dim")
        return
    trial = f" trial {each.number + 1}" if each.number else ""
    turn = "" if each.turn is None else f", turn {each.turn}"
    # With models of their own, the agents' is the one to look at.
    by = f" [{each.asked}]" if each.asked and each.model == "own" else ""
    yield Text(f"  {each.suite} / {each.scenario}{trial}{turn}: {each.reason}{by}")
    if each.user:
        yield Text(f"      caller: {each.user}", style="dim")


def _table(title: str) -> Table:
    return Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 0, 0, 1),
    )


def share(value: float | None) -> str:
    """A proportion with two digits; `-` where there is none."""
    return "-" if value is None else f"{value:.2f}"


def interval(accuracy: Accuracy) -> str:
    """`[low, high]`."""
    if accuracy.low is None or accuracy.high is None:
        return "-"
    return f"[{accuracy.low:.2f}, {accuracy.high:.2f}]"


def _count(number: int) -> str:
    return str(number) if number else "·"


def _unscored(model: ModelSummary) -> Text:
    trials = model.trials
    causes = {**trials.causes, **({"not run": trials.not_run} if trials.not_run else {})}
    if not causes:
        return Text("·")
    shown = ", ".join(f"{cause} {number}" for cause, number in sorted(causes.items()))
    return Text(f"{trials.unscored + trials.not_run} ({shown})", style="yellow")

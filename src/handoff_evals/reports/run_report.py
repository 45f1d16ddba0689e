"""A run's summary in the terminal."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table

from handoff_evals.checks import OUTCOMES, UNREACHED
from handoff_evals.reports.judge_report import judges_table
from handoff_evals.results import JUDGE, Failure, ModelSummary, Share, SuiteSummary, Summary
from handoff_evals.terminal import Console, Text

_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class SameCause:
    """Failures of one model that have one reason; mostly it is one alone."""

    failures: tuple[Failure, ...]

    @property
    def first(self) -> Failure:
        """The first of them."""
        return self.failures[0]


def leading_failures(found: Iterable[Failure]) -> list[Failure]:
    """Leave out what follows from something else that is shown.

    That is what failed along with the decision of its turn; of the decisions of one trial
    that were not reached all but the first; and that its conversation was cut short.
    """
    listed = list(found)
    decided = {_place(each) for each in listed if each.name == "handoff"}
    first: dict[object, int | None] = {}
    for each in listed:
        if each.outcome == "unreached":
            first.setdefault(_trial(each), each.turn)
    return [each for each in listed if not _follows(each, decided, first)]


def _follows(
    each: Failure, decided: set[tuple[object, int | None]], first: dict[object, int | None]
) -> bool:
    if each.outcome == "unreached":
        return first[_trial(each)] != each.turn
    if each.name == "conversation":
        return _trial(each) in first
    return each.name != "handoff" and _place(each) in decided


def _trial(each: Failure) -> object:
    return each.model, each.suite, each.scenario, each.number


def _place(each: Failure) -> tuple[object, int | None]:
    return _trial(each), each.turn


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
    yield checks_table(summary)
    judged = judges_table(summary)
    if judged is not None:
        yield judged
    for name, model in summary.models.items():
        if not model.traits.expected_to_fail:
            for suite, found in model.suites.items():
                yield confusion_table(f"{suite}, {name}", found)
    for name, model in summary.models.items():
        if len({each.model for each in model.deciders}) > 1:
            yield deciders_table(name, model)
    yield from failures(summary)


def accuracy_table(summary: Summary) -> Table:
    """Passed scenarios, then decisions: a model a row, below it a row for each of its suites."""
    table = _table("Passed scenarios, and accuracy of handoff decisions")
    confidence = next((m.accuracy.confidence for m in summary.models.values()), 0.95)
    table.add_column("model", overflow="fold")
    within = f"{confidence:.0%} interval"
    for title in ("passed", within, "trials", "accuracy", within, "on path"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("unscored", justify="right")
    for name, model in summary.models.items():
        trials = model.trials
        counted = f"{trials.passed}/{trials.passed + trials.failed}"
        table.add_row(Text(name, style="bold"), *shares(model, counted), _unscored(model))
        if len(model.suites) > 1:
            for suite, found in model.suites.items():
                table.add_row(Text(f"  {suite}", style="dim"), *shares(found, str(found.passed.of)))
    return table


def shares(found: ModelSummary | SuiteSummary, trials: str) -> tuple[str, ...]:
    """Passed scenarios with their interval, the trials, accuracy with its interval, on path."""
    return (
        share(found.passed.value),
        interval(found.passed),
        trials,
        share(found.accuracy.value),
        interval(found.accuracy),
        share(found.on_path.value),
    )


def outcomes_table(summary: Summary) -> Table:
    """What the decisions came to, an outcome a row, a model a column."""
    table = _table("Outcomes of the expected decisions")
    table.add_column("outcome")
    for name in summary.models:
        table.add_column(Text(name), justify="right", overflow="fold")
    found = [model.decisions for model in summary.models.values()]
    for outcome in OUTCOMES:
        table.add_row(outcome, *(_count(each.outcomes[outcome]) for each in found))
    table.add_row("cascaded", *(_count(each.cascaded) for each in found))
    table.add_row("all", *(str(each.expected) for each in found))
    return table


def check_rows(summary: Summary) -> Iterable[tuple[str, ...]]:
    """A check a row: its name, and for each model the trials that pass it, of how many."""
    names = dict.fromkeys(
        name
        for model in summary.models.values()
        for name in model.checks
        if not name.startswith(JUDGE)  # they have a table of their own
    )
    for name in names:
        found = [model.checks.get(name) for model in summary.models.values()]
        yield (
            name,
            *(
                "·" if each is None else f"{each.passed}/{each.passed + each.failed}"
                for each in found
            ),
        )


def checks_table(summary: Summary) -> Table:
    """The other checks: in how many trials each passed."""
    table = _table("Other checks: trials that pass, of those that it judged")
    table.add_column("check")
    for name in summary.models:
        table.add_column(Text(name), justify="right", overflow="fold")
    for row in check_rows(summary):
        table.add_row(*map(Text, row))
    return table


def confusion_table(title: str, found: SuiteSummary) -> Table:
    """Expected agents down, active agents across by their numbers, precision and recall."""
    agents = list(found.per_agent)
    table = _table(f"{title}: expected by active agent")
    table.add_column("expected")
    for number in range(1, len(agents) + 1):
        table.add_column(str(number), justify="right")
    lost = any(UNREACHED in row for row in found.confusion.values())
    if lost:
        table.add_column("unreached", justify="right")
    table.add_column("precision", justify="right")
    table.add_column("recall", justify="right")
    for number, (agent, quality) in enumerate(found.per_agent.items(), 1):
        row = found.confusion.get(agent, {})
        cells = [
            Text(str(row[each]), style="green" if each == agent else "red")
            if row.get(each)
            else Text("·", style="dim")
            for each in (*agents, *([UNREACHED] if lost else []))
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


def unexpected(summary: Summary) -> list[Failure]:
    """The failures of the models that are not expected to fail.

    What failed along with the decision of its turn follows from it, and is left out.
    """
    failing = {name for name, model in summary.models.items() if model.traits.expected_to_fail}
    return leading_failures(each for each in summary.failures if each.model not in failing)


def failures(summary: Summary) -> Iterable[RenderableType]:
    """What went wrong, the first few of each model that is not expected to fail."""
    by_model: dict[str, list[Failure]] = {}
    for each in unexpected(summary):
        by_model.setdefault(each.model, []).append(each)
    for model, listed in by_model.items():
        yield Text(f"{model}: what went wrong", style="bold")
        groups = grouped(listed)
        for group in groups[:_SHOWN]:
            yield from _told(group, own=summary.models[model].traits.agents_own)
        left = sum(len(group.failures) for group in groups[_SHOWN:])
        if left:
            yield Text(f"  and {left} more: `handoff-evals show RUN LABEL`")


def _told(group: SameCause, *, own: bool) -> Iterable[RenderableType]:
    each = group.first
    if len(group.failures) > 1:
        yield Text(f"  {len(group.failures)} trials: {each.reason}")
        yield Text(f"      {named([f.scenario for f in group.failures])}", style="dim")
        return
    trial = f" trial {each.number + 1}" if each.number else ""
    turn = "" if each.turn is None else f", turn {each.turn}"
    # Where each agent has a model of its own, which one decided is what a reader looks for.
    by = f" [{each.asked}]" if each.asked and own else ""
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


def interval(found: Share) -> str:
    """`[low, high]`."""
    if found.low is None or found.high is None:
        return "-"
    return f"[{found.low:.2f}, {found.high:.2f}]"


def _count(number: int) -> str:
    return str(number) if number else "·"


def _unscored(model: ModelSummary) -> Text:
    trials = model.trials
    causes = {**trials.causes, **({"not run": trials.not_run} if trials.not_run else {})}
    if not causes:
        return Text("·")
    shown = ", ".join(f"{cause} {number}" for cause, number in sorted(causes.items()))
    return Text(f"{trials.unscored + trials.not_run} ({shown})", style="yellow")

"""What an HTML report draws: places in percent of a plot's width, from numbers of the summary."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from handoff_evals.checks import OUTCOMES, UNREACHED
from handoff_evals.reports.html_data import Measured, short_name
from handoff_evals.results import ModelSummary, Share, SuiteSummary, Summary

_BINS = 32
_LEVELS = 5


@dataclass(frozen=True, kw_only=True)
class Column:
    """A model of one side."""

    name: str
    model: str
    found: ModelSummary
    side: str = ""
    """`a` or `b`; empty where there is one run."""

    @property
    def reference(self) -> bool:
        """Whether it is a line to beat, and no model to be judged."""
        return self.found.traits.reference

    def link(self, **filters: str) -> str:
        """The address of those of its conversations."""
        chosen = {"side": self.side, "model": self.model, **filters}
        return "#" + urlencode({name: short_name(each) for name, each in chosen.items() if each})


def columns(sides: Sequence[Summary]) -> tuple[Column, ...]:
    """Every model of every side, those of one name beside each other."""
    names = dict.fromkeys(name for side in sides for name in side.models)
    letters = ("a", "b") if len(sides) > 1 else ("",)
    return tuple(
        Column(
            name=f"{letter.upper()}: {name}" if letter else name,
            model=name,
            side=letter,
            found=side.models[name],
        )
        for name in names
        for letter, side in zip(letters, sides, strict=True)
        if name in side.models
    )


@dataclass(frozen=True, kw_only=True)
class ReferenceLine:
    """Where a reference model is on a plot."""

    name: str
    passed: float | None
    accuracy: float | None


@dataclass(frozen=True, kw_only=True)
class AccuracyRow:
    """A model, or one of its suites, with its intervals."""

    column: Column
    suite: str
    """Empty for all of them."""
    passed: Share
    accuracy: Share
    on_path: Share
    lines: tuple[ReferenceLine, ...]

    @property
    def link(self) -> str:
        """The address of its conversations."""
        return self.column.link(suite=self.suite)


def accuracy_rows(found: Sequence[Column]) -> Iterator[AccuracyRow]:
    """A row for each model, then one for each of its suites; reference models come last.

    Of their suites they are lines in the rows of the others, where there are any.
    """
    alone = all(column.reference for column in found)
    for column in sorted(found, key=lambda each: each.reference):
        yield _accuracy_row(column, "", column.found, found)
        if len(column.found.suites) > 1 and (alone or not column.reference):
            for suite, its in column.found.suites.items():
                yield _accuracy_row(column, suite, its, found)


def _accuracy_row(
    column: Column, suite: str, its: ModelSummary | SuiteSummary, found: Sequence[Column]
) -> AccuracyRow:
    lines: list[ReferenceLine] = []
    for each in found:
        if each.reference and each.side == column.side and not column.reference:
            part = each.found.suites.get(suite) if suite else each.found
            if part is not None:
                line = ReferenceLine(
                    name=each.model, passed=part.passed.value, accuracy=part.accuracy.value
                )
                lines.append(line)
    return AccuracyRow(
        column=column,
        suite=suite,
        passed=its.passed,
        accuracy=its.accuracy,
        on_path=its.on_path,
        lines=tuple(lines),
    )


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One outcome in a bar."""

    outcome: str
    count: int
    start: float
    width: float
    link: str


def outcome_bar(column: Column) -> tuple[Segment, ...]:
    """What the model's expected decisions came to, in percent of all of them."""
    decisions = column.found.decisions
    counts = [(str(each), decisions.outcomes[each]) for each in OUTCOMES]
    counts.append(("cascaded", decisions.cascaded))
    found: list[Segment] = []
    start = 0.0
    for outcome, count in counts:
        width = 100 * count / decisions.expected if decisions.expected else 0.0
        if count:
            link = column.link(outcome=outcome)
            found.append(Segment(outcome=outcome, count=count, start=start, width=width, link=link))
        start += width
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """How often one agent was expected and one was active."""

    actual: str
    count: int
    level: int
    """How much of its row, from 0 to 5."""
    right: bool
    link: str


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Expected agents down, active agents across."""

    column: Column
    suite: str
    agents: tuple[str, ...]
    """Those across: the last may be what stands for a decision that was not reached."""
    rows: Mapping[str, tuple[Cell, ...]]
    quality: Mapping[str, tuple[float | None, float | None]]
    """Precision and recall, by agent."""


def matrices(found: Sequence[Column]) -> Iterator[Matrix]:
    """A matrix for each suite of each model that is judged, or of all where none is."""
    judged = [each for each in found if not each.reference] or list(found)
    # A rule that plays the scenario is worth a look only where the agents came to something else.
    judged += [
        each
        for each in found
        if each not in judged
        and each.found.traits.plays_scenario
        and (each.found.accuracy.value or 0) < 1
    ]
    for column in judged:
        for suite, its in column.found.suites.items():
            if its.per_agent:
                yield _matrix(column, suite, its)


def _matrix(column: Column, suite: str, its: SuiteSummary) -> Matrix:
    across = [*its.per_agent]
    if any(UNREACHED in row for row in its.confusion.values()):
        across.append(UNREACHED)
    rows: dict[str, tuple[Cell, ...]] = {}
    for expected in its.per_agent:
        counts = its.confusion.get(expected, {})
        total = sum(counts.values())
        rows[expected] = tuple(
            Cell(
                actual=actual,
                count=counts.get(actual, 0),
                level=_level(counts.get(actual, 0), total),
                right=actual == expected,
                link=column.link(suite=suite, expected=expected, actual=actual),
            )
            for actual in across
        )
    return Matrix(
        column=column,
        suite=suite,
        agents=tuple(across),
        rows=rows,
        quality={agent: (each.precision, each.recall) for agent, each in its.per_agent.items()},
    )


def _level(count: int, total: int) -> int:
    """Any count is seen: the lowest level is for none."""
    return 0 if not count else max(1, round(_LEVELS * count / total))


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How values are spread, from 0 to the largest one."""

    title: str
    unit: str
    values: int
    most: float
    """The largest value, at the right end."""
    bars: tuple[tuple[float, float, float], ...]
    """Left end, width and height of each, in percent."""
    marks: tuple[tuple[str, float, float], ...]
    """Name, value and place of what the summary says of them."""


def histograms(column: Column, measured: Measured | None) -> Iterator[Histogram]:
    """Times and tokens of one model; nothing for what was not measured."""
    if measured is None:
        return
    found = column.found
    for title, unit, values, said in (
        ("First token", "s", measured.ttft, found.ttft_s),
        ("Whole answer", "s", measured.answer, None),
        ("Seam of a handoff", "s", measured.seam, found.seam_s),
        ("Tokens", "", measured.tokens, None),
    ):
        most = max(values, default=0.0)
        if most <= 0:
            continue
        marks = () if said is None else (("median", said.median), ("95%", said.p95))
        yield Histogram(
            title=title,
            unit=unit,
            values=len(values),
            most=most,
            bars=tuple(_bars(values, most)),
            marks=tuple(
                (name, value, min(100.0, 100 * value / most))
                for name, value in marks
                if value is not None
            ),
        )


def _bars(values: Iterable[float], most: float) -> Iterator[tuple[float, float, float]]:
    counts = [0] * _BINS
    for value in values:
        counts[min(_BINS - 1, max(0, int(_BINS * value / most)))] += 1
    width, highest = 100 / _BINS, max(counts)
    for number, count in enumerate(counts):
        if count:
            yield number * width, width, max(4.0, 100 * count / highest)

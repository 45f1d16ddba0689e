"""A run, or a comparison, as a short summary for a pull request: GitHub's Markdown.

What callers and models said, and every name, stands in it as text: it can't open a tag, a
table cell, a code span or a link, and it mentions no user.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from handoff_evals.checks import OUTCOMES
from handoff_evals.comparison import AgainstBaseline, Comparison, Flip, leading
from handoff_evals.reports.comparison_report import against_lines, comparison_lines
from handoff_evals.reports.judge_report import JUDGE_COLUMNS, judge_rows
from handoff_evals.reports.run_report import (
    SameCause,
    check_rows,
    grouped,
    named,
    shares,
    unexpected,
)
from handoff_evals.results import ModelSummary, Summary

_SHOWN = 20
_LONGEST = 160
# Entities are text to Markdown whatever stands around them. An underscore before a letter or
# a digit ends no emphasis, so that agents' ids stay readable in the source.
_ACTIVE = re.compile(r"[\\`*\[\]<>|~&$]|:(?=\S)|_(?![A-Za-z0-9])|(?<=www)\.", re.IGNORECASE)
# GitHub looks for mentions and issues in the finished text; nothing but a character between
# keeps them apart.
_REFERENCE = re.compile(r"[@#]|(?<=gh)-", re.IGNORECASE)
_APART = "&#8203;"


def run_markdown(
    summary: Summary,
    *,
    verdict: str,
    reasons: Sequence[str] = (),
    against: Sequence[AgainstBaseline] = (),
    notes: Sequence[str] = (),
) -> str:
    """Summarise a run.

    Args:
        summary: the run in numbers.
        verdict: a word or two, which the reader sees first.
        reasons: why it is so, a line each.
        against: the run compared with a baseline.
        notes: what a reader has to know besides.
    """
    return _joined(
        f"### Handoffs: {escape(verdict)}",
        "\n".join(f"- {escape(each)}" for each in reasons),
        *(
            "  \n".join([f"**{escape(each.headline)}**", *map(escape, against_lines(each))])
            for each in against
        ),
        accuracy_table(summary),
        *against_sections(against),
        f"**Outcomes of the expected decisions**\n\n{outcomes_table(summary)}",
        checks_section(summary),
        judges_section(summary),
        unscored_section(summary),
        failures_section(summary),
        "\n".join(f"<sub>{escape(each)}</sub><br>" for each in notes),
    )


def comparison_markdown(
    sides: Iterable[tuple[str, ModelSummary]], pairs: Sequence[Comparison]
) -> str:
    """Summarise models side by side, and what can be said of each pair."""
    models = dict(sides)
    return _joined(
        "### Handoffs: models compared",
        "\n".join(
            "  \n".join([f"- **{escape(pair.headline)}**", *map(escape, comparison_lines(pair))])
            for pair in pairs
        ),
        accuracy_table(Summary(models=models)),
        f"**Outcomes of the expected decisions**\n\n{outcomes_table(Summary(models=models))}",
        *(_disagreements(pair) for pair in pairs),
        unscored_section(Summary(models=models)),
    )


def accuracy_table(summary: Summary) -> str:
    """Passed scenarios, then decisions: a model a row, and a row for each of its suites."""
    confidence = next((m.accuracy.confidence for m in summary.models.values()), 0.95)
    within = f"{confidence:.0%} interval"
    columns = ("model", "suite", "passed", within, "trials", "accuracy", within, "on path")
    rows: list[tuple[str, ...]] = []
    for name, model in summary.models.items():
        trials = model.trials
        counted = f"{trials.passed}/{trials.passed + trials.failed}"
        suites = list(model.suites.items())
        only = escape(suites[0][0]) if len(suites) == 1 else "all"
        passed, *more = shares(model, counted)
        rows.append((f"**{escape(name)}**", only, f"**{passed}**", *more))
        if len(suites) > 1:
            rows.extend(
                ("", escape(suite), *shares(found, str(found.passed.of))) for suite, found in suites
            )
    return table(columns, rows, numbers=6)


def outcomes_table(summary: Summary) -> str:
    """What the decisions came to, a model a row."""
    rows = [
        (
            escape(name),
            str(model.decisions.expected),
            *(str(model.decisions.outcomes[outcome] or "·") for outcome in OUTCOMES),
            str(model.decisions.cascaded or "·"),
        )
        for name, model in summary.models.items()
    ]
    return table(("model", "all", *OUTCOMES, "cascaded"), rows, numbers=len(OUTCOMES) + 2)


def checks_section(summary: Summary) -> str:
    """In how many trials each of the other checks passed, folded away."""
    rows = [tuple(map(escape, row)) for row in check_rows(summary)]
    if not rows:
        return ""
    columns = ("check", *map(escape, summary.models))
    return details(
        "Other checks: trials that pass, of those that it judged",
        table(columns, rows, numbers=len(summary.models)),
    )


def judges_section(summary: Summary) -> str:
    """What judges say, raw and corrected for their known errors; empty where none was asked."""
    rows = [tuple(map(escape, row)) for row in judge_rows(summary)]
    return f"**Judges**\n\n{table(JUDGE_COLUMNS, rows)}" if rows else ""


def against_sections(found: Iterable[AgainstBaseline]) -> Iterator[str]:
    """What flipped against the baseline, and what was not compared, a model a section."""
    for each in found:
        if each.flips:
            yield f"**Flipped against the baseline: {escape(each.model)}**"
            yield flips_table(each.flips)
        lines = [f"- {escape(line)}" for line in each.left_out]
        if lines:
            yield "\n".join(lines)


def flips_table(flips: Iterable[Flip]) -> str:
    """Decisions and checks that came out otherwise, but for what follows from others."""
    ordered = leading(flips)
    rows = [
        (
            f"**{flip.direction}**" if flip.direction == "worse" else flip.direction,
            escape(_scenario(flip.key.suite, flip.key.scenario, flip.key.number)),
            flip.place or ("" if flip.turn is None else str(flip.turn)),
            escape(flip.expected or flip.check),
            escape(flip.a),
            escape(_is(flip)),
        )
        for flip in ordered[:_SHOWN]
    ]
    found = table(("", "scenario", "turn", "expected", "was", "is"), rows)
    return _with_rest(found, len(ordered))


def unscored_section(summary: Summary) -> str:
    """The unscored trials, with their causes; empty where there is none."""
    rows = [
        (escape(name), escape(cause), str(number))
        for name, model in summary.models.items()
        for cause, number in (
            *sorted(model.trials.causes.items()),
            *([("not run", model.trials.not_run)] if model.trials.not_run else []),
        )
    ]
    if not rows:
        return ""
    return f"**Unscored**\n\n{table(('model', 'cause', 'trials'), rows, numbers=1)}"


def failures_section(summary: Summary) -> str:
    """What went wrong, folded away, of the models that are not expected to fail."""
    wanted = unexpected(summary)
    if not wanted:
        return ""
    groups = grouped(wanted)
    columns = ("model", "scenario", "turn", "the caller said", "what failed")
    rows = [_failure_row(group) for group in groups[:_SHOWN]]
    inside = _with_rest(table(columns, rows), len(groups))
    return details(f"What went wrong: {len(wanted)}", inside)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0) -> str:
    """A table of cells that are Markdown already; the last `numbers` columns are to the right."""
    rules = ["---"] * (len(columns) - numbers) + ["---:"] * numbers
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (columns, rules, *rows))


def details(title: str, inside: str) -> str:
    """A part that is folded away; `inside` is Markdown already."""
    return f"<details><summary>{escape(title)}</summary>\n\n{inside}\n\n</details>"


def escape(text: str) -> str:
    """Any text as it is, on one line: no Markdown, no HTML, no link, no mention."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    inert = _ACTIVE.sub(lambda match: f"&#{ord(match[0])};", line)
    # After the entities, so that their own `#` is left alone.
    return re.sub(r"&#\d+;|" + _REFERENCE.pattern, _reference, inert, flags=re.IGNORECASE)


def said(text: str) -> str:
    """What a caller or a model said, cut where it is long, and told from our own words."""
    line = " ".join(text.split())
    shown = line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1].rstrip()}…"
    return f"<code>{escape(shown)}</code>"


def _reference(match: re.Match[str]) -> str:
    return match[0] if match[0].startswith("&#") else match[0] + _APART


def _scenario(suite: str, scenario: str, number: int) -> str:
    return f"{suite} / {scenario}" + (f", trial {number + 1}" if number else "")


def _is(flip: Flip) -> str:
    who = f": {flip.actual}" if flip.actual != flip.expected else ""
    return f"{flip.b}{who}{', cascaded' if flip.cascaded else ''}"


def _failure_row(group: SameCause) -> tuple[str, ...]:
    each = group.first
    what = f"{escape(each.name)}: {said(each.reason)}"
    if len(group.failures) > 1:
        labels = named(failure.scenario for failure in group.failures)
        trials = f"{len(group.failures)} trials: {escape(labels)}"
        return escape(each.model), trials, "", "", what
    return (
        escape(each.model),
        escape(_scenario(each.suite, each.scenario, each.number)),
        "" if each.turn is None else str(each.turn),
        said(each.user) if each.user else "",
        what,
    )


def _disagreements(pair: Comparison) -> str:
    if not pair.disagreements:
        return ""
    rows = [
        (
            escape(f"{each.suite} / {each.scenario}"),
            escape("; ".join(each.a)),
            escape("; ".join(each.b)),
            f"{each.difference:+.2f}",
        )
        for each in pair.disagreements[:_SHOWN]
    ]
    columns = ("scenario", escape(pair.a), escape(pair.b), "difference")
    inside = _with_rest(table(columns, rows, numbers=1), len(pair.disagreements))
    return details(f"Where {pair.b} and {pair.a} differ", inside)


def _with_rest(listed: str, total: int) -> str:
    return listed if total <= _SHOWN else f"{listed}\n\nand {total - _SHOWN} more"


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"

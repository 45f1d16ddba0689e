"""Models side by side, and a run against its baseline, in the terminal."""

from collections.abc import Callable, Iterable
from typing import Any

from pydantic import TypeAdapter
from rich.box import SIMPLE_HEAD
from rich.table import Table

from handoff_evals.comparison import AgainstBaseline, Comparison, Flip, leading
from handoff_evals.reports.diff_report import STYLES
from handoff_evals.reports.run_report import interval, share
from handoff_evals.results import ModelSummary
from handoff_evals.terminal import Console, Text

_SHOWN = 15


def print_comparison(
    console: Console, sides: Iterable[tuple[str, ModelSummary]], pairs: Iterable[Comparison]
) -> None:
    """Print the accuracy of each, what each costs the caller, then every pair's verdict."""
    models = list(sides)
    console.print(_side_by_side(models))
    console.print(_agents(models))
    for pair in pairs:
        console.print(Text(pair.headline, style=STYLES[pair.verdict]), soft_wrap=True)
        for said in comparison_lines(pair):
            console.print(Text(f"  {said}"), soft_wrap=True)
        for line in _disagreements(pair):
            console.print(line)


def comparison_lines(pair: Comparison) -> Iterable[str]:
    """What the verdict rests on, and what more can be said."""
    if not pair.overall.scenarios:
        return
    yield from pair.sentences
    for name, found in (
        ("All expected decisions", pair.all_decisions),
        ("Decisions on path", pair.on_path),
    ):
        if found is not None:
            yield (
                f"{name}: the share that is correct differs by {found.value:+.3f} "
                f"[{found.low:+.3f}, {found.high:+.3f}], per scenario."
            )
    if pair.left_out:
        yield f"{pair.left_out} scenarios were run by one of them only, and are left out."
    yield pair.next_step


def comparison_json(
    sides: Iterable[tuple[str, ModelSummary]], pairs: Iterable[Comparison]
) -> dict[str, Any]:
    """The same and more, for programs: all of the numbers, and all disagreements."""
    summary = TypeAdapter(ModelSummary)
    compared = TypeAdapter(Comparison)
    return {
        "schema": 2,
        "sides": [
            {
                "name": name,
                "summary": summary.dump_python(model, mode="json"),
                "a_decision": _a_decision(model),
            }
            for name, model in sides
        ],
        "pairs": [
            {**compared.dump_python(pair, mode="json"), "headline": pair.headline} for pair in pairs
        ],
    }


def _side_by_side(models: list[tuple[str, ModelSummary]]) -> Table:
    table = Table(title="Side by side", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("")
    for name, _ in models:
        table.add_column(Text(name), justify="right", overflow="fold")
    rows: dict[str, Callable[[ModelSummary], str]] = {
        "passed": lambda m: share(m.passed.value),
        "passed, interval": lambda m: interval(m.passed),
        "trials passed": lambda m: f"{m.trials.passed}/{m.trials.passed + m.trials.failed}",
        "accuracy": lambda m: share(m.accuracy.value),
        "accuracy, interval": lambda m: interval(m.accuracy),
        "decisions": lambda m: str(m.accuracy.of),
        "accuracy on path": lambda m: share(m.on_path.value),
        "unscored, not run": _unscored,
        **_pass_hat_rows(model for _, model in models),
        "pass@k": lambda m: " ".join(f"{k}:{value:.2f}" for k, value in m.pass_at.items()) or "-",
        "first token, median s": lambda m: _number(m.ttft_s.median),
        "seam, median s": lambda m: _number(m.seam_s.median),
        "seconds a decision": lambda m: _number(_a_decision(m)["seconds"]),
        "tokens a decision": lambda m: _number(_a_decision(m)["tokens"]),
    }
    if any(model.cost is not None for _, model in models):
        rows["cost"] = lambda m: _number(m.cost)
        rows["cost a decision"] = lambda m: _number(_a_decision(m)["cost"])
    for title, cell in rows.items():
        table.add_row(title, *(cell(model) for _, model in models))
    return table


def _agents(models: list[tuple[str, ModelSummary]]) -> Table:
    table = Table(title="Precision and recall", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("agent")
    for name, _ in models:
        table.add_column(Text(name), justify="right", overflow="fold")
    agents = sorted({agent for _, model in models for agent in model.per_agent})
    for agent in agents:
        found = [model.per_agent.get(agent) for _, model in models]
        cells = [f"{share(each.precision)} {share(each.recall)}" if each else "-" for each in found]
        table.add_row(Text(agent), *cells)
    return table


def _disagreements(pair: Comparison) -> Iterable[Text]:
    for each in pair.disagreements[:_SHOWN]:
        differing = [
            f"{x.partition(': ')[0]}: {x.partition(': ')[2]} / {y.partition(': ')[2]}"
            for x, y in zip(each.a, each.b, strict=False)
            if x != y
        ]
        turns = ", ".join(differing) or "in other trials than the first"
        yield Text(f"  {each.difference:+.2f} {each.suite} / {each.scenario}: {turns}", style="dim")
    left = len(pair.disagreements) - _SHOWN
    if left > 0:
        yield Text(f"  and {left} more (--json has them all)", style="dim")


def _pass_hat_rows(models: Iterable[ModelSummary]) -> dict[str, Callable[[ModelSummary], str]]:
    """pass^k with its interval, a row for each k; what is left out is named."""

    def cell_of(k: int) -> Callable[[ModelSummary], str]:
        def cell(model: ModelSummary) -> str:
            found = model.pass_hat.get(k)
            if found is None:
                return "-"
            left_out = f", {found.left_out} left out" if found.left_out else ""
            return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]{left_out}"

        return cell

    largest = max((k for model in models for k in model.pass_hat), default=0)
    # k = 1 is the share of passed trials.
    return {f"pass^{k}": cell_of(k) for k in range(2, largest + 1)}


def _unscored(model: ModelSummary) -> str:
    trials = model.trials
    causes = ", ".join(f"{cause} {number}" for cause, number in sorted(trials.causes.items()))
    return f"{trials.unscored}, {trials.not_run}" + (f" ({causes})" if causes else "")


def _a_decision(model: ModelSummary) -> dict[str, float | None]:
    """What falls to one decision: seconds, tokens, and cost where a price is known."""
    return {
        "seconds": model.a_decision(model.wall_s),
        "tokens": model.a_decision(model.tokens.prompt + model.tokens.completion),
        "cost": model.a_decision(model.cost),
    }


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


_SHOWN_FLIPS = 15
_FLIP_STYLES = {"worse": "red", "better": "green", "other": "yellow"}


def print_against(console: Console, found: Iterable[AgainstBaseline]) -> None:
    """Print each model's verdict, what it rests on, what flipped, and what was not compared."""
    for each in found:
        console.print(Text(each.headline, style=STYLES[each.verdict]), soft_wrap=True)
        for line in against_lines(each):
            console.print(Text(f"  {line}"), soft_wrap=True)
        flips = leading(each.flips)
        for flip in flips[:_SHOWN_FLIPS]:
            console.print(Text(f"  {flip_line(flip)}", style=_FLIP_STYLES[flip.direction]))
        if len(flips) > _SHOWN_FLIPS:
            console.print(f"  and {len(flips) - _SHOWN_FLIPS} more")
        for line in each.left_out:
            console.print(Text(f"  {line}", style="dim"), soft_wrap=True)


def against_lines(each: AgainstBaseline) -> Iterable[str]:
    """What the verdict rests on, and what regressed apart from whole scenarios."""
    if not each.overall.pairs:
        return
    yield from each.sentences
    for part in each.parts:
        if part.verdict == "regressed":
            yield (
                f"{part.kind} {part.name}: right less often in {part.worse} scenarios, more often "
                f"in {part.better} (p {part.p:.3g}, adjusted)."
            )
    if each.decisions is not None:
        found = each.decisions
        yield (
            f"All expected decisions: the share that is correct differs by {found.value:+.3f} "
            f"[{found.low:+.3f}, {found.high:+.3f}], per scenario."
        )
    if each.next_step:
        yield each.next_step


def flip_line(flip: Flip) -> str:
    """One flip in a line."""
    trial = f" trial {flip.key.number + 1}" if flip.key.number else ""
    turn = f", {flip.where}" if flip.where else ""
    where = f"{flip.direction}: {flip.key.suite} / {flip.key.scenario}{trial}{turn}"
    if not flip.expected:
        return f"{where}: {flip.check} {flip.a}, now {flip.b}"
    active = f", active {flip.actual}" if flip.actual not in {"", flip.expected} else ""
    active += ", cascaded" if flip.cascaded else ""
    return f"{where}: {flip.a}, now {flip.b} (expected {flip.expected}{active})"

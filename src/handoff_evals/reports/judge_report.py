"""What judges say of a run, and how far each can be trusted."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from handoff_evals.results import JudgeRate, Share, Summary
from handoff_evals.stats import Confusion, kappa_interval
from handoff_evals.terminal import Text

if TYPE_CHECKING:  # they load livekit, which reading a run does not need
    from handoff_evals.judges import Calibration

_ORDERS = {"asked": "as in a run", "swapped": "order swapped", "repeated": "repeated"}
JUDGE_COLUMNS = ("judge", "model", "passed", "raw", "corrected", "unscored", "counts")
CALIBRATION_COLUMNS = ("asked", "kappa", "95% interval", "agree", "wrong", "unscored", "same")


def judge_rows(summary: Summary) -> Iterator[tuple[str, ...]]:
    """A judge and a model a row: trials passed, the rate as it says it, and corrected."""
    for model, found in summary.models.items():
        for judge, rate in found.judges.items():
            yield (
                judge,
                model,
                f"{rate.passed}/{rate.passed + rate.failed}",
                _rate(rate.raw),
                _rate(rate.corrected),
                _causes(rate.unscored),
                _standing(rate),
            )


def judges_table(summary: Summary) -> Table | None:
    """What the judges say; None where none was asked."""
    rows = list(judge_rows(summary))
    if not rows:
        return None
    table = Table(
        title=Text("Judges: as they say it, and corrected for their known errors", style="bold"),
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 0, 0, 1),
    )
    for column in JUDGE_COLUMNS:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def calibration_table(found: "Calibration") -> Table:
    """Each pass over the labels, and the first one by halves."""
    table = Table(
        title=Text(f"{found.judge}, asked of {found.model}: {found.labels} labels", style="bold"),
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 0, 0, 1),
    )
    for column in CALIBRATION_COLUMNS:
        table.add_column(column, overflow="fold")
    for each in found.passes:
        same = "-" if each.same is None else f"{each.same:.2f}"
        row = (_ORDERS[each.order], *_agreement(each.confusion), _causes(each.unscored), same)
        table.add_row(*map(Text, row))
    for half, confusion in found.halves.items():
        table.add_row(*map(Text, (f"  the {half} half", *_agreement(confusion), "", "")))
    return table


def judged_by_label_table(found: Confusion) -> Table:
    """The judge's verdicts across, the labels down."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("label")
    table.add_column("judge: pass", justify="right")
    table.add_column("judge: fail", justify="right")
    table.add_row("pass", str(found.both_pass), str(found.failed_wrongly))
    table.add_row("fail", str(found.passed_wrongly), str(found.both_fail))
    return table


def _agreement(found: Confusion) -> tuple[str, ...]:
    kappa = kappa_interval(found)
    wrong = found.passed_wrongly + found.failed_wrongly
    return (
        "-" if kappa is None else f"{kappa.value:.2f}",
        "-" if kappa is None else f"[{kappa.low:.2f}, {kappa.high:.2f}]",
        "-" if found.agreement is None else f"{found.agreement:.2f}",
        f"{wrong}/{found.total}",
    )


def _causes(unscored: Mapping[str, int]) -> str:
    return ", ".join(f"{cause} {number}" for cause, number in sorted(unscored.items())) or "·"


def _rate(found: Share) -> str:
    if found.value is None or found.low is None or found.high is None:
        return "-"
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


def _standing(rate: JudgeRate) -> str:
    return f"yes, {rate.why}" if rate.gates else f"shown only: {rate.why}"

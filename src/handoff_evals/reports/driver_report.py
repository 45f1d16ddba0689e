"""What two drivers of one run show differently, in the terminal."""

from collections import Counter

from rich.box import SIMPLE_HEAD
from rich.table import Table

from handoff_evals.comparison import DriverPair, Parting, driver_pairs
from handoff_evals.results import RunFolder
from handoff_evals.terminal import Console, Text

_LONGEST = 60


def print_driver_differences(console: Console, folder: RunFolder) -> None:
    """Print a table for each model that several drivers carried the words to; else nothing."""
    if len(set(folder.manifest.drivers.values())) > 1:
        for pair in driver_pairs(folder.trials(), folder.manifest.drivers):
            console.print(_table(pair) if pair.differences else _none(pair))


def _title(pair: DriverPair) -> str:
    verdicts = Counter(each.a != each.b for each in pair.differences)[True]
    return (
        f"{pair.model}: {pair.a} against {pair.b}: {len(pair.differences)} of {pair.trials} "
        f"conversations differ, {verdicts} in their verdict"
    )


def _none(pair: DriverPair) -> Text:
    return Text(_title(pair), style="bold")


def _table(pair: DriverPair) -> Table:
    table = Table(
        title=Text(_title(pair), style="bold"),
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 0, 0, 1),
    )
    table.add_column("scenario", overflow="fold")
    table.add_column(pair.a)
    table.add_column(pair.b)
    table.add_column("first difference", overflow="fold")
    for each in pair.differences:
        trial = f" #{each.pair.number + 1}" if each.pair.number else ""
        table.add_row(
            Text(f"{each.pair.suite} / {each.pair.scenario}{trial}"),
            Text(each.a),
            Text(each.b),
            Text(_first_difference(each.parting, pair)),
        )
    return table


def _first_difference(parting: Parting | None, pair: DriverPair) -> str:
    if parting is None:
        return "the same was said and done"
    where = f"turn {parting.turn}" if parting.turn else "opening"
    a, b = _shown(parting.a), _shown(parting.b)
    return f"{where}, {parting.aspect}: {pair.a} {a}; {pair.b} {b}"


def _shown(what: tuple[str, ...]) -> str:
    text = " | ".join(what)
    if not text:
        return "none"
    return repr(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")

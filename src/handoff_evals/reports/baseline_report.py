"""A run against the baseline, in the terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from handoff_evals.compare import AgainstBaseline, Flip, leading

_SHOWN = 15
_STYLES = {"worse": "red", "better": "green", "other": "yellow"}


def print_against(console: Console, found: Iterable[AgainstBaseline]) -> None:
    """Print each model's verdict, what flipped, and what was not compared."""
    for each in found:
        console.print(Text(each.sentence, style="bold"), soft_wrap=True)
        flips = leading(each.flips)
        for flip in flips[:_SHOWN]:
            console.print(Text(f"  {flip_line(flip)}", style=_STYLES[flip.direction]))
        if len(flips) > _SHOWN:
            console.print(f"  and {len(flips) - _SHOWN} more")
        for line in each.left_out:
            console.print(Text(f"  not compared: {line}", style="dim"), soft_wrap=True)


def flip_line(flip: Flip) -> str:
    """One flip in a line."""
    trial = f" trial {flip.key.number + 1}" if flip.key.number else ""
    turn = "" if flip.turn is None else f", turn {flip.turn}"
    where = f"{flip.direction}: {flip.key.suite} / {flip.key.scenario}{trial}{turn}"
    if not flip.expected:
        return f"{where}: {flip.what} {flip.was}, now {flip.now}"
    active = f", active {flip.actual}" if flip.actual not in {"", flip.expected} else ""
    active += ", cascaded" if flip.cascaded else ""
    return f"{where}: {flip.was}, now {flip.now} (expected {flip.expected}{active})"

"""Two versions side by side in the terminal: what changed, what flipped, what can be said."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.table import Table

from handoff_evals.changes import Change
from handoff_evals.comparison import (
    UNCHANGED,
    Difference,
    Flip,
    Part,
    leading,
    verdict_words,
)
from handoff_evals.stats import Terms, Verdict
from handoff_evals.terminal import Console, Text

_SHOWN = 20
_LONGEST = 600
STYLES: Mapping[Verdict, str] = {
    "regressed": "bold red",
    "improved": "bold green",
    "no difference larger than the margin": "green",
    "can't tell": "yellow",
}
_STOPPED = {
    "all run": "all that the change can reach was run",
    "clear": "stopped early: the verdict was clear",
    "no answers": "stopped early: one after another could not be scored",
    "nothing changed": UNCHANGED,
}


def print_difference(console: Console, found: Difference) -> None:
    """Print all of it, the verdict last."""
    for line in _lines(found):
        console.print(line, soft_wrap=isinstance(line, Text))


def _lines(found: Difference) -> Iterator[Text | Table]:
    judged = found.judged
    yield Text(f"a  {found.a.name}")
    yield Text(f"b  {found.b.name}{f'   on {found.model}' if found.model else ''}")
    yield from _changes(found)
    yield from _flips(found.flips, found)
    # A part in which nothing flipped is of little interest.
    told = [part for part in judged.parts if part.kind == "suite" or part.worse or part.better]
    for title, kind in (("By suite", "suite"), ("By edge", "edge"), ("By check", "check")):
        listed = [part for part in told if part.kind == kind]
        if listed:
            yield _table(title, listed, found.terms)
    yield from _scope(found)
    for note in found.notes:
        yield Text(note, style="dim")
    yield Text(verdict_words(judged.verdict, found.terms), style=STYLES[judged.verdict])
    for part in judged.regressed:
        yield Text(f"  {part.kind} {part.name} regressed: {_seen(part)}", style="red")
    for sentence in judged.sentences:
        yield Text(f"  {sentence}")
    if judged.next_step:
        yield Text(f"  {judged.next_step}", style="dim")


def _changes(found: Difference) -> Iterator[Text]:
    yield Text("What changed", style="bold")
    if not found.changes:
        said = "nothing that can be seen" if found.looked_at else "not looked at: a side is no code"
        yield Text(f"  {said}", style="dim")
    for agent, listed in groupby(found.changes, key=lambda change: change.agent):
        yield Text(f"  {agent}")
        for change in listed:
            yield _marked(change)
    for each in found.not_seen:
        changed = ", and its code has changed" if each.changed else ""
        where = f"no scenario of {each.suite} meets it"
        yield Text(f"  {each.agent} was not looked at: {where}{changed}", "yellow")


def _marked(change: Change) -> Text:
    sentence = change.sentence
    shown = sentence if len(sentence) <= _LONGEST else f"{sentence[:_LONGEST]}…"
    text = Text(f"    {shown}")
    text.highlight_regex(r"\[-.*?-\]", "red")
    text.highlight_regex(r"\{\+.*?\+\}", "green")
    return text


def _flips(flips: Sequence[Flip], found: Difference) -> Iterator[Text]:
    if not flips:
        return
    yield Text("What flipped", style="bold")
    ordered = leading(flips)
    for flip in ordered[:_SHOWN]:
        key = flip.key
        trial = f" trial {key.number + 1}" if key.number else ""
        turn = f", {flip.where}" if flip.where else ""
        style = {"worse": "red", "better": "green"}.get(flip.direction, "")
        yield Text(f"  {flip.direction:6} ", style).append(
            f"{key.suite} / {key.scenario}{trial}{turn}: {flip.edge or flip.check}: "
            f"{_outcome(flip.a, flip.actual_a)} -> {_outcome(flip.b, flip.actual)}",
            "",
        )
    if len(ordered) > _SHOWN:
        yield Text(f"  and {len(ordered) - _SHOWN} more (--json has them all)", style="dim")
    yield Text(
        f'  handoff-evals show {found.a.folder} {found.b.folder} "{ordered[0].key.scenario}"',
        style="dim",
    )


def _outcome(outcome: str, actual: str) -> str:
    return f"{outcome} ({actual})" if outcome in {"wrong", "spurious"} else outcome


def _table(title: str, parts: Sequence[Part], terms: Terms) -> Table:
    table = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 0, 0, 1),
    )
    table.add_column("", no_wrap=True)
    for name in ("worse", "better", "same", "p", "loss up to"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for part in parts:
        table.add_row(
            Text(part.name.replace(" -> ", "\n  -> ")),
            str(part.worse),
            str(part.better),
            str(part.same),
            f"{part.p:.3f}",
            f"{max(0.0, part.loss):.2f}",
            Text(verdict_words(part.verdict, terms), style=STYLES[part.verdict]),
        )
    return table


def _scope(found: Difference) -> Iterator[Text]:
    scope = found.scope
    total = scope.reached + scope.may_be_reached + scope.out_of_reach
    if total:
        reach = f"{scope.reached} of {total} scenarios meet a change"
        reach += f", {scope.may_be_reached} may" if scope.may_be_reached else ""
        reach += (
            f", {scope.out_of_reach} can't: they come out the same" if scope.out_of_reach else ""
        )
        yield Text(f"{reach}. Run: {scope.held}; {_STOPPED[found.stopped]}.")
    if scope.untouched:
        yield Text(f"No change for {', '.join(scope.untouched)}: left out.", style="dim")
    if scope.unscored:
        causes = ", ".join(f"{cause} {number}" for cause, number in sorted(scope.unscored.items()))
        number = sum(scope.unscored.values())
        yield Text(f"{number} of {scope.pairs} pairs are unscored ({causes})", style="yellow")
    asked, replayed = found.a.asked + found.b.asked, found.a.replayed + found.b.replayed
    yield Text(
        f"Model calls: {asked} made ({found.a.asked} for a, {found.b.asked} for b), "
        f"{replayed} answered from cassettes, about {scope.spared} not needed. "
        f"{found.seconds:.1f} s."
    )


def _seen(part: Part) -> str:
    return f"{part.worse} scenarios worse, {part.better} better, {part.same} the same"

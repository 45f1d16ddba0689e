"""What a command says of the cassettes that it used."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from handoff_evals.assembly.run import PreparedRun


def tell_of_cassettes(prepared: "PreparedRun", console: "Console", *, prune: bool) -> None:
    """Say what was replayed, what was recorded, and what is there for nothing.

    Args:
        prepared: the run, over by now.
        console: where to say it.
        prune: whether to remove what nothing asked for.
    """
    cassettes = list(prepared.cassettes.values())
    if not cassettes:
        return
    replayed = sum(each.replayed for each in cassettes)
    asked = sum(each.asked for each in cassettes)
    console.print(
        f"cassettes: {replayed} answers replayed, {asked} requests asked a model", highlight=False
    )
    unused = sum(len(each.places) for cassette in cassettes for each in cassette.unused)
    if prune:
        removed = sum(cassette.prune() for cassette in cassettes)
        console.print(f"cassettes: {removed} unused exchanges removed", highlight=False)
    elif unused:
        where = sorted({str(each.tape.path) for cassette in cassettes for each in cassette.unused})
        more = f" and {len(where) - 3} more" if len(where) > 3 else ""  # noqa: PLR2004 - a few
        console.print(
            f"cassettes: {unused} exchanges are unused (--prune removes them), in "
            f"{', '.join(where[:3])}{more}",
            highlight=False,
            soft_wrap=True,
        )

"""Texts compared word by word."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

_AROUND = 4
"""Words shown before and after a change."""
_Block = Sequence[tuple[str, int, int, int, int]]


def changed_words(old: str, new: str) -> str:
    """Every change of a text: `… please [-book-] {+reserve+} a table …`.

    Returns:
        An empty text where both are the same.
    """
    if old == new:
        return ""
    before, after = old.split(), new.split()
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    blocks = list(matcher.get_grouped_opcodes(_AROUND))
    if not blocks:
        return "only blanks and line breaks differ"
    shown = " … ".join(" ".join(_written(block, before, after)) for block in blocks)
    begins, ends = blocks[0][0][1] == 0, blocks[-1][-1][2] == len(before)
    return f"{'' if begins else '… '}{shown}{'' if ends else ' …'}"


def _written(block: _Block, before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    for kind, start, end, new_start, new_end in block:
        gone, come = " ".join(before[start:end]), " ".join(after[new_start:new_end])
        if kind == "equal":
            yield gone
            continue
        if gone:
            yield f"[-{gone}-]"
        if come:
            yield f"{{+{come}+}}"

"""Texts compared word by word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_evals.word_diff import changed_words

WORDS = st.lists(st.sampled_from(["go", "to", "billing", "now", "please"]), max_size=30)


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("please book a table", "please reserve a table", "please [-book-] {+reserve+} a table"),
        ("go now", "go", "go [-now-]"),
        ("", "go", "{+go+}"),
        ("a  b", "a\nb", "only blanks and line breaks differ"),
        ("same", "same", ""),
        (
            "1 2 3 4 5 6 7 8 9 x 1 2 3 4 5 6 7",
            "1 2 3 4 5 6 7 8 9 y 1 2 3 4 5 6 7",
            "… 6 7 8 9 [-x-] {+y+} 1 2 3 4 …",
        ),
    ],
)
def test_a_change_is_shown_between_a_few_words(old: str, new: str, shown: str) -> None:
    assert changed_words(old, new) == shown


@given(WORDS, WORDS)
def test_it_says_something_exactly_where_the_words_differ(old: list[str], new: list[str]) -> None:
    shown = changed_words(" ".join(old), " ".join(new))
    assert bool(shown) == (old != new)


@given(WORDS, WORDS)
def test_every_word_that_came_or_went_is_shown(old: list[str], new: list[str]) -> None:
    shown = changed_words(" ".join(old), " ".join(new))
    for word in set(old) ^ set(new):
        assert word in shown

"""Words that want to be more are shown, and do nothing."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_evals.display import is_inert, visible, visible_json, visible_line
from handoff_evals.terminal import Console, Text

COMMANDS = [
    "::error",
    "##[error]",
    "##vso[x]",
    "\x1b[2J",
    "\u202e",
    "::",
    "#",
    ":",
    "\n",
    " ",
    "x[",
]
TEXTS = st.lists(st.sampled_from(COMMANDS) | st.text(max_size=3)).map("".join)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\x9b2J\r", "a\\x9b2J\\x0d"),
        ("\u202eright", "\\u202eright"),
        ("half \ud83d", "half \\ud83d"),
        ("  ::error file=a::b", "  :\\:error file=a::b"),
        ("x ##[error]y", "x #\\#[error]y"),
        ("x::set-output name=a", "x:\\:set-output name=a"),
    ],
)
def test_what_a_terminal_or_ci_acts_on_becomes_what_is_seen(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "tests/test_a.py::test_b[c-1]",
        "Star::error_case",
        "ein\u00a0Wort, \u0645\u06cc\u200c\u062e, \U0001f468\u200d\U0001f469",
        "two\n\tlines",
        "# a ## title [x](y)",
    ],
)
def test_ordinary_words_stay_as_they_are(text: str) -> None:
    assert visible(text) == text


def test_every_mark_of_direction_is_shown() -> None:
    marks = [
        chr(code) for code in range(0x3000) if unicodedata.bidirectional(chr(code))[1:] in _BIDI
    ]
    assert len(marks) > 8
    assert not any(map(is_inert, marks))


_BIDI = {"RE", "LE", "RO", "LO", "DF", "RI", "LI", "SI", "DI"}


@given(TEXTS)
def test_what_is_shown_is_inert_and_is_shown_the_same_again(text: str) -> None:
    shown = visible(text)
    assert is_inert(shown)
    assert visible(shown) == shown
    assert "\n" not in visible_line(text)


@given(TEXTS)
def test_json_says_the_same_and_is_inert(text: str) -> None:
    document = json.dumps({text: [text]}, ensure_ascii=False)
    shown = visible_json(document)
    assert is_inert(shown)
    assert json.loads(shown) == {text: [text]}


def test_a_text_is_no_markup_and_a_table_is_as_wide_as_what_is_seen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console = Console(width=80)
    console.print("[/x] x:smile: ##[error] \x1b[2J")
    console.print(Text("[bold]\x1b").append(" ::error::"))
    assert (
        capsys.readouterr().out == "[/x] x:smile: #\\#[error] \\x1b[2J\n[bold]\\x1b :\\:error::\n"
    )

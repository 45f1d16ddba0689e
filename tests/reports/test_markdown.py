"""The Markdown summary: what it says, and that nothing that was said gets out of its place."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from handoff_evals.checks import OUTCOMES, Score
from handoff_evals.comparison import Record, against_baseline, compare_all
from handoff_evals.reports import comparison_markdown, run_markdown
from handoff_evals.reports.markdown import escape, said, table
from handoff_evals.results import Failure, Summary, Trial, summarise
from tests.comparison.test_against_baseline import baseline, decision, kept
from tests.support.trials import MANIFEST, RICH

# As GitHub renders it, but for what it does to the finished text.
GITHUB = MarkdownIt("commonmark").enable(["table", "strikethrough"])
APART = "\N{ZERO WIDTH SPACE}"


def cells(markdown: str) -> list[str]:
    """The text of each cell of the first table; anything but text and our own marks fails."""
    found: list[str] = []
    for token in GITHUB.parse(markdown):
        if token.type == "inline":
            found.append(text_of(token))
        assert token.type not in {"html_block", "fence", "code_block", "heading_open"}
    return found


def text_of(inline: Token) -> str:
    children = inline.children or []
    wanted = [child for child in children if child.content not in {"<code>", "</code>"}]
    assert {child.type for child in wanted} <= {"text", "text_special"}, children
    return "".join(child.content for child in wanted)


def plain(text: str) -> str:
    """As it reads: on one line, and without what stands between `@` and a name."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(shown.split())


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
@example("a | b \\| c \\\\| d")
@example("`x` ``y | z``")
@example("<script>alert(1)</script><!-- &lt; --> </details>")
@example("[x](javascript:alert) ![y](http://z) <http://a.b> https://a.b www.a.b")
@example("**b** _i_ ~~s~~ ***x*** __y__ a_b_c")
@example("@team me@x.org #12 GH-12 a/b#3")
@example("# title\n---\n- list\n1. one\n> quote\n    code\n```\nfence")
@example("&amp; &#64; &nbsp; $x$ \\")
@settings(deadline=None)
def test_any_text_reads_in_a_cell_as_it_was_said(text: str) -> None:
    markdown = table(("a", "b"), [(escape(text), "end")])
    head, other, cell, end = cells(markdown)
    assert (head, other, end) == ("a", "b", "end")
    assert cell.replace(APART, "").strip() == plain(text.replace(APART, "")).strip()


@given(st.text(max_size=300))
@settings(deadline=None)
def test_what_was_said_is_one_short_line_of_code(text: str) -> None:
    cell = cells(table(("a",), [(said(text),)]))[1]
    assert len(cell.replace(APART, "")) <= 160


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("@team", "@&#8203;team"),
        ("order #4471", "order #&#8203;4471"),
        ("GH-12", "GH-&#8203;12"),
        ("https://x.org", "https&#58;//x.org"),
        ("www.x.org", "www&#46;x.org"),
        ("billing_agent[topic=a]", "billing_agent&#91;topic=a&#93;"),
    ],
)
def test_nobody_is_mentioned_and_nothing_is_linked(text: str, written: str) -> None:
    assert escape(text) == written


def summary_of(*trials: Trial) -> Summary:
    return summarise(trials, MANIFEST)


HOSTILE = "<b>|`x`|@all\n</details>"


def hostile_summary() -> Summary:
    failure = Failure(
        model="scripted",
        suite="Any",
        scenario=HOSTILE,
        number=1,
        turn=1,
        user=HOSTILE,
        name="carries",
        reason=HOSTILE,
    )
    return replace(summary_of(RICH), failures=(failure,))


def sections(markdown: str) -> list[str]:
    return [token.content for token in GITHUB.parse(markdown) if token.type == "inline"]


def test_the_verdict_is_the_first_line() -> None:
    text = run_markdown(summary_of(RICH), verdict="regressed", reasons=["m: it got worse"])
    assert text.startswith("### Handoffs: regressed\n\n- m: it got worse\n\n")


def test_a_run_is_summarised_by_model_and_suite_with_intervals() -> None:
    text = run_markdown(summary_of(RICH), verdict="valid")
    assert "| **scripted** | Any | **0.00** | [0.00, " in text
    assert f"| model | all | {' | '.join(OUTCOMES)} | cascaded |" in text
    assert "| scripted | 1 | · | · | · | 1 | · | · | · | · |" in text


def test_the_other_checks_are_counted_by_trials() -> None:
    judged = replace(RICH, scores=(*RICH.scores, Score(name="polite", status="passed")))
    text = run_markdown(summary_of(judged), verdict="valid")
    assert "| polite | 1/1 |" in text
    assert "| handoff |" not in text


def test_unscored_trials_stand_with_their_causes() -> None:
    lost = replace(RICH, scores=(Score(name="conversation", status="unscored"),))
    text = run_markdown(summary_of(lost), verdict="invalid")
    assert "**Unscored**" in text
    assert "| scripted | api_timeout | 1 |" in text
    assert "| scripted | not run | 1 |" in text


def test_what_callers_said_can_close_nothing_and_open_nothing() -> None:
    text = run_markdown(hostile_summary(), verdict="valid")
    assert text.count("<details>") == text.count("</details>") == 1
    assert "<b>" not in text
    assert "@all" not in text
    row = next(line for line in text.splitlines() if "carries" in line)
    assert row.count("|") == 6


def test_flips_come_worst_first_with_what_was_not_compared() -> None:
    old = baseline(kept("a", decision(1)), kept("b", decision(1, "missed")), kept("gone"))
    new = baseline(kept("b", decision(1), replayed=1), kept("a", decision(1, "wrong", "x|y")))
    found = against_baseline(old, new)
    text = run_markdown(summary_of(RICH), verdict="can't tell", against=found)
    rows = [line for line in text.splitlines() if "Shop /" in line]
    assert rows == [
        "| **worse** | Shop / a | 1 | billing | correct | wrong: x&#124;y |",
        "| better | Shop / b | 1 | billing | missed | correct |",
        "- not compared: in the baseline, but not in this run: Shop / gone",
    ]


def test_long_lists_are_cut_and_say_so() -> None:
    old = baseline(*(kept(f"s{n}", decision(1)) for n in range(30)))
    new = baseline(*(kept(f"s{n}", decision(1, "missed")) for n in range(30)))
    text = run_markdown(summary_of(RICH), verdict="regressed", against=against_baseline(old, new))
    assert text.count("**worse**") == 20
    assert "and 10 more" in text


def test_a_comparison_says_every_pair_and_where_they_differ() -> None:
    old = [kept(f"s{n}", decision(1)) for n in range(8)]
    new = [kept(f"s{n}", decision(1, "missed")) for n in range(8)]
    pairs = compare_all(
        [Record(name="a", trials=tuple(old)), Record(name="b|c", trials=tuple(new))]
    )
    model = summary_of(RICH).models["scripted"]
    text = comparison_markdown([("a", model), ("b|c", model)], pairs)
    assert text.startswith("### Handoffs: models compared\n\n- **b&#124;c against a: regressed**")
    assert "differs by -1.000 &#91;-1.000" in text
    assert "<summary>Where b&#124;c and a differ</summary>" in text
    assert text.count("| turn 1: correct | turn 1: missed | -1.00 |") == 8

"""`handoff-evals show RUN RUN LABEL`: one conversation of two runs side by side."""

from collections.abc import Callable
from typing import Any

import pytest

Command = Callable[..., Any]


@pytest.fixture
def runs(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs of the same suite, on a wide terminal."""
    monkeypatch.setenv("COLUMNS", "160")
    command("run", "-m", "oracle", "--out", "good")
    command("run", "-m", "never", "--out", "bad")


@pytest.mark.usefixtures("runs")
def test_both_conversations_are_shown_and_marked_where_they_part(command: Command) -> None:
    done = command("show", "good", "bad", "stays, then b")
    assert done.code == 0, done.err
    assert "good: passed" in done.out
    assert "bad: failed" in done.out
    [marked] = [line for line in done.out.splitlines() if ">>>" in line]
    assert "star[node=a] calls to_b({})" in marked
    assert "star[node=a]: I see." in marked


@pytest.mark.usefixtures("runs")
def test_it_says_how_far_the_requests_are_the_same(command: Command) -> None:
    done = command("show", "good", "bad", "stays, then b")
    assert "the first 2 requests are the same on both sides, the answers are not" in done.out
    same = command("show", "good", "bad", "Stays", "-m", "never")
    assert same.code == 2
    twice = command("show", "good", "good", "Stays")
    assert "every request is the same on both sides" in twice.out
    assert ">>>" not in twice.out


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["good", "bad"], "'bad' is a second run: which conversation? Add a LABEL"),
        (["good", "bad", "zzz"], "has no scenario 'zzz'"),
        (["good", "nowhere", "Stays"], "'nowhere' is no run folder"),
        (["good", "bad", "two", "words"], "a label in quotes"),
    ],
)
def test_bad_usage_exits_2(command: Command, words: list[str], said: str) -> None:
    done = command("show", *words)
    assert done.code == 2
    assert said in done.err

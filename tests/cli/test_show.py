"""`handoff-evals show`: one conversation, or the whole run."""

from collections.abc import Callable
from typing import Any

Command = Callable[..., Any]


def test_it_prints_a_conversation_with_the_failed_event_marked(command: Command) -> None:
    command("run", "-m", "never", "-m", "oracle", "--out", "mine")
    done = command("show", "mine", "stays, then b", "--model", "oracle")
    assert done.code == 0
    assert "caller: c=0 t=2 want=b" in done.out
    assert "handoff: star[node=a] -> star[node=b]" in done.out
    assert "never" not in done.out


def test_it_prints_what_the_models_received(command: Command) -> None:
    command("run", "-m", "oracle", "--out", "mine")
    done = command("show", "mine", "Stays, then b", "--received")
    assert "system: node=b" in done.out


def test_without_a_label_it_lists_the_trials(command: Command) -> None:
    command("run", "-m", "never", "--out", "mine")
    done = command("show", "mine")
    assert "passed    never  Star / Stays #1" in done.out
    assert "failed    never  Star / Stays, then b #1" in done.out


def test_a_label_that_is_not_there_names_the_near_ones(command: Command) -> None:
    command("run", "-m", "never", "--out", "mine")
    done = command("show", "mine", "Stay then b")
    assert done.code == 2
    assert "near are 'Stays, then b'" in done.err

"""Judges a turn."""

from handoff_evals import Transcript, Turn


def is_polite(turn: Turn, transcript: Transcript) -> None:
    """See that nobody is called silly."""
    assert turn in transcript.turns
    assert "silly" not in turn.said.lower()

"""Whether an agent was told a fact: by what its model received, not by what was meant."""

from typing import Literal

from handoff_evals.transcript import ModelCall, Transcript, message_text


def carried(
    transcript: Transcript, turn: int, fact: str
) -> tuple[Literal["passed", "failed"], str]:
    """Look for `fact` in the first request of the turn's last agent.

    An agent that greets by a fixed sentence asks its model only in the next turn;
    what the caller says in that turn is no carried context and is left out.

    Returns:
        The status and its reason.
    """
    call, later_words = first_request(transcript, turn)
    agent = transcript.turns[turn].active.label
    if call is None:
        return "failed", f"{agent}'s model was never asked, so nothing shows that it got {fact!r}"
    received = "\n".join(
        text for text in map(message_text, call.messages) if text.strip() not in later_words
    )
    if fact.casefold() in received.casefold():
        return "passed", f"{agent}'s model received {fact!r}"
    return "failed", f"{agent}'s model received nothing with {fact!r}"


def first_request(transcript: Transcript, turn: int) -> tuple[ModelCall | None, set[str]]:
    """The first request of the agent that is active after `turn`, once it had taken over.

    Returns:
        The request, or None; and the caller's words of later turns that it includes.
    """
    active = transcript.turns[turn].active
    later_words: set[str] = set()
    for index, current in enumerate(transcript.turns[turn:], turn):
        arrived = 0 if index > turn else len(current.handoffs)
        if index > turn:
            later_words.add((current.user or "").strip())
        for call in current.model_calls:
            # By the id: what else is known of an agent may have changed since. Who else has
            # the same id took the call by a handoff.
            mine = call.agent.id == active.id and call.after_handoffs == arrived
            if mine and call.purpose == "reply":
                return call, later_words
        if index > turn and current.handoffs:
            break
    return None, later_words

"""How long a caller waits at a handoff."""

from collections.abc import Iterator

from handoff_evals.transcript import AgentHandoff, Message, Transcript


def seams(transcript: Transcript) -> Iterator[float]:
    """Seconds from the caller's last word to the new agent's first, a handoff turn each.

    A turn in which the new agent says nothing has no seam, nor has one in which a rate
    limit held a request back, or a cassette answered: those waits are the harness's.
    """
    for turn in transcript.turns[1:]:
        if any(call.held_s or call.replayed for call in turn.model_calls):
            continue
        handed_over = False
        for event in turn.events:
            if isinstance(event, AgentHandoff):
                handed_over = True
            elif (
                handed_over
                and isinstance(event, Message)
                and event.agent is not None
                and event.agent.id == turn.active.id
                and event.at_s is not None
            ):
                yield max(0.0, event.at_s)
                break

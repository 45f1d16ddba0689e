"""What one swap of agents does to a call."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class Seam:
    """The call at the place where one agent leaves it and the next one enters."""

    old_agent: str
    new_agent: str
    old_voice: str
    new_voice: str
    kept: tuple[str, ...]
    """Which parts of the line are the same objects before and after."""
    replaced: tuple[str, ...]
    """Which are not."""
    frames_in: int
    """The caller's frames, from the first word that led to the swap to the end of the reply."""
    frames_lost: int
    """How many of them never reached the speech recognition."""
    gap_ms: float
    """What livekit takes, in wall time: from the moment that nothing but its own work is left
    (the tool is done, the old agent has said its last) to the new agent's first frame."""
    silence_ms: int
    """What the caller hears of it, in audio time: from the last sound on the line, of either
    side, to the new voice. Ends of turns are told by 550 ms of silence, which is part of it."""

    def json(self) -> str:
        """Write it in one line."""
        return json.dumps(asdict(self))

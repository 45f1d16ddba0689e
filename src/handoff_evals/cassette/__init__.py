"""What models answered, kept so that it can be answered again without them; no livekit here."""

from handoff_evals.cassette.cassette import Cassette, Unused
from handoff_evals.cassette.entry import Answer, Entry
from handoff_evals.cassette.mode import Mode
from handoff_evals.cassette.reel import Reel
from handoff_evals.cassette.request import ModelIdentity, Request

__all__ = [
    "Answer",
    "Cassette",
    "Entry",
    "Mode",
    "ModelIdentity",
    "Reel",
    "Request",
    "Unused",
]

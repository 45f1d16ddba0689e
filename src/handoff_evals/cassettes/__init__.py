"""What models answered, kept so that it can be answered again without them; no livekit here."""

from handoff_evals.cassettes.cassette import Cassette, Mode, TrialExchanges, cassette_of
from handoff_evals.cassettes.exchange import (
    Answer,
    ModelIdentity,
    RecordedRequest,
    json_schema,
    without_carried,
)
from handoff_evals.cassettes.masks import Mask, mask_of

__all__ = [
    "Answer",
    "Cassette",
    "Mask",
    "Mode",
    "ModelIdentity",
    "RecordedRequest",
    "TrialExchanges",
    "cassette_of",
    "json_schema",
    "mask_of",
    "without_carried",
]

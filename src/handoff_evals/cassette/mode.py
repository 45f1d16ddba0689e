"""What is done with cassettes."""

from enum import StrEnum


class Mode(StrEnum):
    """How requests to a model are answered."""

    OFF = "off"
    """By the model; nothing is kept."""
    AUTO = "auto"
    """From the cassette where it is there; by the model where not, and that is kept."""
    REPLAY = "replay"
    """From the cassette. What is not there is an error, and no model is needed."""
    RECORD = "record"
    """By the model; a trial's exchanges take the place of those that were kept of it."""

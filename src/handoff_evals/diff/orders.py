"""What the process of one side of a diff is told."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What a side is: where its agents are, and how they are held."""

    folder: str
    """The project's folder, on this side."""
    home: str
    """The project's folder in the working tree: models, `.env` and cassettes are from there."""
    root: str
    """The folder that stands for `home_root` on this side."""
    home_root: str
    suites: tuple[str, ...]
    """Scenario files of the working tree."""
    model: str
    trials: int
    seed: int
    turn_s: float
    out: str
    """The run folder to write."""
    tapes: tuple[str, ...]
    """Folders of cassettes; the first is written to."""

"""What a user asks to be compared."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from handoff_evals.stats import Pairs
from handoff_evals.versions import Terms


@dataclass(frozen=True, kw_only=True)
class DiffRequest:
    """Side b against side a. A side is a git ref, `.`, a run's folder or a baseline file."""

    out: Path
    """Where both sides' run folders go, and the cassettes that they share."""
    a: str | None = None
    """None for where the current branch left the main one."""
    b: str = "."
    suites: Sequence[str] = ()
    model: str | None = None
    """None for the one that a finished run was held on, or else the local one."""
    trials: int = 1
    seed: int = 0
    terms: Terms = field(default_factory=Terms)
    folder: Path = field(default_factory=Path.cwd)
    turn_s: float = 120.0


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far it is; at most `total` scenarios are held."""

    what: str
    total: int = 0
    pairs: Pairs = field(default_factory=Pairs)

"""The exchanges of a suite: a folder with one folder a model, and in it a file a scenario."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from handoff_evals.cassette.mode import Mode
from handoff_evals.cassette.reel import Reel
from handoff_evals.cassette.request import ModelIdentity
from handoff_evals.cassette.tape import Tape, file_name


@dataclass(frozen=True, kw_only=True)
class Unused:
    """Exchanges of one trial that nothing asks for any more."""

    scenario: str
    trial: int
    places: frozenset[tuple[str, int]]
    tape: Tape


@dataclass(kw_only=True)
class Cassette:
    """What one model answered to the agents of one suite.

    ```
    FOLDER/SUITE/MODEL/SCENARIO.jsonl
    ```
    """

    suite: str
    model: ModelIdentity
    mode: Mode
    folders: Sequence[Path]
    """The first is written to, all are read."""
    redact: Callable[[str], str] | None = None
    """What every text goes through before it is written or looked up."""
    unused: list[Unused] = field(default_factory=list)
    """Of the trials that were held."""
    replayed: int = 0
    asked: int = 0

    def reel(self, scenario: str, *, trial: int, seed: int) -> Reel:
        """Begin a trial."""
        place = Path(file_name(self.suite), file_name(self.model.label))
        name = f"{file_name(scenario)}.jsonl"
        return Reel(
            scenario=scenario,
            trial=trial,
            seed=seed,
            model=self.model,
            mode=self.mode,
            tapes=[Tape(folder / place / name) for folder in self.folders],
            redact=self.redact,
            done=self._held,
        )

    def prune(self) -> int:
        """Remove what no trial asked for.

        Returns:
            How many exchanges were removed.
        """
        for unused in self.unused:
            unused.tape.rewrite(
                lambda entries, gone=unused.places: [  # type: ignore[misc]  # bound per round
                    each for each in entries if each.place not in gone
                ]
            )
        return sum(len(unused.places) for unused in self.unused)

    def _held(self, reel: Reel) -> None:
        self.replayed += reel.replayed
        self.asked += reel.asked
        left = reel.unused
        if left:
            places = frozenset(entry.place for entry in left)
            self.unused.append(
                Unused(scenario=reel.scenario, trial=reel.trial, places=places, tape=reel.tapes[0])
            )

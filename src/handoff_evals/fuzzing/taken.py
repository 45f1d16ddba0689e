"""Which edges and tools random conversations took, and for how long they may be shortened."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from handoff_evals.fuzzing.random_model import BrokenInvariantError
from handoff_evals.fuzzing.subject import Activation, Subject


class TooLittleTakenError(AssertionError):
    """Random conversations took so few edges or tools that they say little."""


@dataclass(frozen=True, kw_only=True)
class FuzzReport:
    """What the random conversations came to; as a text, a line for each edge and tool."""

    conversations: int
    edges: Mapping[str, int]
    """How often each edge of the graph was taken."""
    tools: Mapping[str, int]
    """How often each tool that the model was offered ran without an error."""

    @property
    def edge_share(self) -> float:
        """The share of the edges that were taken; 1 where the graph has none."""
        return _share(self.edges)

    @property
    def tool_share(self) -> float:
        """The share of the tools that ran; 1 where none was offered."""
        return _share(self.tools)

    def __str__(self) -> str:
        """Say it in lines."""
        lines = [f"{self.conversations} random conversations"]
        for name, counts in (("edges", self.edges), ("tools", self.tools)):
            taken = sum(count > 0 for count in counts.values())
            lines.append(f"  {taken} of {len(counts)} {name}")
            lines += [f"    {count:>5} {each}" for each, count in counts.items()]
        return "\n".join(lines)

    def check(self, min_share: float) -> None:
        """Fail below a share.

        Raises:
            TooLittleTakenError: when too few of the edges were taken, or of the tools run.
        """
        for name, counts in (("edges", self.edges), ("tools", self.tools)):
            if _share(counts) < min_share:
                never = ", ".join(each for each, count in counts.items() if not count)
                raise TooLittleTakenError(
                    f"{self.conversations} random conversations took "
                    f"{_share(counts):.0%} of the {name}, below min_share={min_share:g}. "
                    f"Never: {never}. Run more `conversations`, or name scenario files with "
                    "sensible arguments: Subject(scenarios=[...])"
                )


def _share(counts: Mapping[str, int]) -> float:
    return sum(count > 0 for count in counts.values()) / len(counts) if counts else 1.0


class ShrinkingTimeOver(BaseException):
    """The time for finding a shorter conversation is over.

    No `Exception`, which Hypothesis would take for a failure of the conversation.
    """


class Tally:
    """Counts over all conversations, and keeps the shortest that failed.

    Args:
        subject: the agent under test.
        shrink_s: how long to look for a shorter one after the first that failed.
    """

    def __init__(self, subject: Subject, *, shrink_s: float) -> None:
        self._subject = subject
        self._shrink_s = shrink_s
        self._conversations = 0
        self._edges = Counter(dict.fromkeys(subject.edges, 0))
        self._tools: Counter[str] = Counter()
        self._failed: list[BrokenInvariantError] = []
        self._until = float("inf")

    def begin(self) -> None:
        """Begin a conversation.

        Raises:
            ShrinkingTimeOver: when one has failed, and there is no time for another.
        """
        if self._shrink_s and time.monotonic() > self._until:
            raise ShrinkingTimeOver
        self._conversations += 1

    def add(
        self, activations: Iterable[Activation], *, offered: Iterable[str], run: Iterable[str]
    ) -> None:
        """Count what one conversation took."""
        for source, step in self._subject.sources(activations):
            for name, (old, new) in self._subject.edges.items():
                if source is not None and old.matches(source) and new.matches(step.new):
                    self._edges[name] += 1
        self._tools.update(dict.fromkeys(offered, 0))
        self._tools.update(name for name in run if name in self._tools)

    def broke(self, error: BrokenInvariantError) -> BrokenInvariantError:
        """Note that one broke an invariant, and give it back."""
        if not self._failed:
            self._until = time.monotonic() + self._shrink_s
        self._failed.append(error)
        return error

    @property
    def shortest(self) -> BrokenInvariantError:
        """The shortest one that failed: the fewest turns, then the fewest replies."""
        return min(
            self._failed,
            key=lambda each: (len(each.turns), sum(len(turn.answers) for turn in each.turns)),
        )

    @property
    def report(self) -> FuzzReport:
        """What there is by now."""
        return FuzzReport(
            conversations=self._conversations,
            edges=dict(self._edges),
            tools=dict(sorted(self._tools.items())),
        )

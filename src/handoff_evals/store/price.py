"""What a model costs."""

from dataclasses import dataclass

from handoff_evals.transcript import Usage


@dataclass(frozen=True, kw_only=True)
class Price:
    """In one currency, per million tokens."""

    prompt: float
    completion: float

    def of(self, usage: Usage) -> float:
        """What so many tokens cost."""
        return (usage.prompt * self.prompt + usage.completion * self.completion) / 1e6

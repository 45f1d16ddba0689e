"""What a run may spend."""

from dataclasses import dataclass

from handoff_evals.store import Price
from handoff_evals.trial import Trial


@dataclass(kw_only=True)
class Budget:
    """Counts what is spent; None is without limit."""

    max_tokens: int | None = None
    max_cost: float | None = None
    tokens: int = 0
    cost: float = 0.0

    def spend(self, trial: Trial, price: Price | None) -> None:
        """Count a trial that was held, scored or not."""
        usage = trial.transcript.usage
        self.tokens += usage.prompt + usage.completion
        self.cost += 0.0 if price is None else price.of(usage)

    @property
    def spent(self) -> str | None:
        """Which limit is reached, in words; None while there is something left."""
        if self.max_tokens is not None and self.tokens >= self.max_tokens:
            return f"--max-tokens {self.max_tokens} is reached ({self.tokens} used)"
        if self.max_cost is not None and self.cost >= self.max_cost:
            return f"--max-cost {self.max_cost:g} is reached ({self.cost:.4f} spent)"
        return None

"""What a suite will be able to show, and what it costs, before anything is run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, log
from statistics import fmean

from handoff_evals.results import Trial
from handoff_evals.scenarios import Suite
from handoff_evals.stats import (
    ON_TRIALS,
    Advice,
    Spread,
    Terms,
    advise,
    expected_spread,
    smallest_loss,
)

_PASS_RATE = 0.9


@dataclass(frozen=True, kw_only=True)
class Past:
    """What an earlier run of one model took and came to."""

    conversations: int
    """All of them, also those that are unscored: they cost the same."""
    calls: int
    """Requests to the model."""
    tokens: int
    seconds: float
    """Of all conversations, one after the other."""
    pass_rate: float
    spread: Spread
    """What the difference of two such runs does by chance."""

    @classmethod
    def of(cls, trials: Iterable[Trial]) -> "Past | None":
        """Add up a run's trials of one model.

        Returns:
            None where no trial is scored.
        """
        conversations = calls = tokens = 0
        seconds = 0.0
        tries: dict[tuple[str, str], list[bool]] = {}
        for trial in trials:
            usage = trial.transcript.usage
            conversations += 1
            calls += len(trial.transcript.model_calls)
            tokens += usage.prompt + usage.completion
            seconds += trial.duration_s
            if trial.status != "unscored":
                found = tries.setdefault(trial.key.scenario_key, [])
                found.append(trial.status == "passed")
        if not tries:
            return None
        pass_rate = fmean(fmean(each) for each in tries.values())
        repeated = [each for each in tries.values() if len(each) > 1]
        within = [
            2 * fmean(each) * (1 - fmean(each)) * len(each) / (len(each) - 1) for each in repeated
        ]
        return cls(
            conversations=conversations,
            calls=calls,
            tokens=tokens,
            seconds=seconds,
            pass_rate=pass_rate,
            # With single trials nobody knows: as if every scenario were as flaky as all of them.
            spread=Spread(model=fmean(within), scenarios=0.0)
            if within
            else expected_spread(pass_rate),
        )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What so many trials of these suites take and show."""

    scenarios: int
    trials: int
    """Of each scenario."""
    turns: int
    """What callers say, in all conversations."""
    calls: int | None
    """Requests; None where there is no run to go by, as with tokens and seconds."""
    tokens: int | None
    seconds: float | None
    """Of conversations one after the other."""
    pass_rate: float
    """What the rest goes by: that of the earlier run, or 0.9."""
    found: float | None
    """The smallest loss that `diff` and a baseline find 4 times in 5, as a share of scenarios."""
    told_apart: float | None
    """The smallest difference that `compare` tells two models apart by."""
    margin: float
    needed_for_margin: int
    """The fewest scenarios that rule a loss of the margin out, if no scenario differs."""
    advice: Advice
    """What to add so that a loss of the margin is found."""

    @property
    def conversations(self) -> int:
        """On each side."""
        return self.scenarios * self.trials

    @property
    def sentences(self) -> tuple[str, ...]:
        """All of it, in words."""
        return tuple(self._sentences())

    def _sentences(self) -> Iterable[str]:
        yield (
            f"{self.scenarios} scenarios, {self.trials} "
            f"{'trial' if self.trials == 1 else 'trials'} of each: {self.conversations} "
            f"conversations of {self.turns} turns in all, on each side."
        )
        if self.calls is not None and self.tokens is not None and self.seconds is not None:
            yield (
                f"About {self.calls} requests, {self.tokens} tokens and {self.seconds:.0f} s one "
                "after the other, going by that run."
            )
        yield f"Where {self.pass_rate:.0%} of the trials pass:"
        yield (
            f"- `diff` and a baseline find a loss of {_share(self.found)} of the scenarios 4 "
            "times in 5;"
        )
        yield f"- `compare` tells models apart that differ by {_share(self.told_apart)};"
        reach = (
            "that is in reach if few differ"
            if self.scenarios >= self.needed_for_margin
            else "that is out of reach here"
        )
        yield (
            f"- no difference larger than {self.margin:g} takes {self.needed_for_margin} scenarios "
            f"that are all the same: {reach}."
        )
        ways = [
            f"{self.advice.scenarios} scenarios" if self.advice.scenarios else "",
            f"{self.advice.trials} trials of each" if self.advice.trials else "",
        ]
        listed = [each for each in ways if each]
        if self.advice.more != "nothing" and listed:
            fewer = f"; more {self.advice.more} take fewer calls" if len(listed) > 1 else ""
            yield f"To find a loss of {self.margin:g}: about {' or '.join(listed)}{fewer}."


def plan(suites: Sequence[Suite], *, trials: int, terms: Terms, past: Past | None = None) -> Plan:
    """Plan a run, a diff or a comparison.

    Args:
        suites: What is to be run.
        trials: Of each scenario, at least 1.
        terms: The margin, and the chance of a false verdict.
        past: An earlier run to go by.
    """
    scenarios = sum(len(suite.scenarios) for suite in suites)
    said = [each.turns or each.caller.lines for suite in suites for each in suite.scenarios]
    turns = sum(map(len, said)) * trials
    noise = past.spread if past else expected_spread(_PASS_RATE)
    level = terms.alpha / 2
    each = scenarios * trials / past.conversations if past else None
    return Plan(
        scenarios=scenarios,
        trials=trials,
        turns=turns,
        calls=round(past.calls * each) if past and each else None,
        tokens=round(past.tokens * each) if past and each else None,
        seconds=past.seconds * each if past and each else None,
        pass_rate=past.pass_rate if past else _PASS_RATE,
        found=smallest_loss(scenarios, trials, noise, level=level * ON_TRIALS),
        told_apart=smallest_loss(
            scenarios, trials, noise, level=level, basis="scenarios like these"
        ),
        margin=terms.margin,
        needed_for_margin=ceil(log(terms.alpha) / log(1 - terms.margin)),
        advice=advise(scenarios, trials, noise, loss=terms.margin, level=level * ON_TRIALS),
    )


def _share(found: float | None) -> str:
    return "nothing (too few)" if found is None else f"{found:.2f}"

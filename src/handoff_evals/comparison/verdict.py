"""The verdict on all scenarios and on their parts, and the sentences that say it.

Every verdict has two sentences: what is certain of *these* scenarios, and what can be said
of *scenarios like these*. The second is the interval that the verdict is taken from, but for
a regression that the trials of these scenarios show already.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median_low, variance
from typing import Literal

from handoff_evals.comparison.scenario_pairs import ScenarioPair
from handoff_evals.stats import (
    ON_PARTS,
    ON_TRIALS,
    Assessment,
    Basis,
    Spread,
    Terms,
    TrialPairs,
    Trials,
    Verdict,
    advise,
    holm,
    loss_evidence,
    lower_bound,
    smallest_loss,
    spread,
)

Kind = Literal["suite", "edge", "check"]
# Checks that are counted with, whether they fail or not: about as many as there are.
_CHECKS = 10
NO_LARGER: Verdict = "no difference larger than the margin"


@dataclass(frozen=True, kw_only=True)
class Part:
    """The verdict on a suite, an edge or a check: on some of what all scenarios show."""

    kind: Kind
    name: str
    verdict: Verdict
    worse: int
    """Scenarios in which it came out right less often on side b."""
    better: int
    same: int
    p: float
    """One-sided, for the direction that was seen; adjusted for the parts beside it."""
    loss: float
    """The largest loss that is not ruled out, as a share of its scenarios."""

    @property
    def decides(self) -> bool:
        """Whether the whole regresses with it.

        An edge says where to look only: a decision is compared while both sides are on path, so
        an earlier mistake would hide it.
        """
        return self.kind != "edge"


def parts(
    by_name: Mapping[tuple[Kind, str], Sequence[TrialPairs]],
    terms: Terms,
    *,
    identical: bool = False,
    stopped_early: bool = False,
) -> tuple[Part, ...]:
    """Verdicts that stand beside each other and beside the one on all scenarios.

    Suites and checks together may raise a false `regressed` in a tenth of what is allowed in
    all, and so may edges: Holm's adjustment in each direction, so that none depends on how
    another came out in the other.

    Args:
        by_name: The trials of each scenario, by the part's kind and name.
        terms: What a verdict has to hold to.
        identical: Whether trials are copies of each other.
        stopped_early: Whether the results decided when to stop. Then only e-values count,
            and no loss is ruled out.
    """
    edges = {key: pairs for key, pairs in by_name.items() if key[0] == "edge"}
    others = {key: pairs for key, pairs in by_name.items() if key[0] != "edge"}
    suites = sum(kind == "suite" for kind, _ in others)
    return tuple(
        part
        # A check that fails for the first time must not make the others less sure.
        for family, size in ((others, max(len(others), suites + _CHECKS)), (edges, len(edges)))
        for part in _family(family, size, terms, identical=identical, stopped_early=stopped_early)
    )


def _family(
    by_name: Mapping[tuple[Kind, str], Sequence[TrialPairs]],
    size: int,
    terms: Terms,
    *,
    identical: bool,
    stopped_early: bool,
) -> Iterator[Part]:
    counted = {name: Trials.of(pairs, identical=identical) for name, pairs in by_name.items()}

    def p_values(*, gain: bool) -> Sequence[float]:
        if not stopped_early:
            raw = [each.p_gain if gain else each.p_loss for each in counted.values()]
        else:
            evidence = (
                loss_evidence([(b, a, n) for a, b, n in each.against] if gain else each.in_favour)
                for each in counted.values()
            )
            raw = [min(1.0, 1 / value) if value else 1.0 for value in evidence]
        return holm([*raw, *[1.0] * (size - len(raw))])[: len(raw)]

    losses, gains = p_values(gain=False), p_values(gain=True)
    level = terms.alpha / 2 * ON_PARTS
    for ((kind, name), pairs), p_loss, p_gain in zip(by_name.items(), losses, gains, strict=True):
        worst = [each.at_worst for each in pairs]
        loss = 1.0 if stopped_early else -lower_bound(worst, least=-1.0, level=terms.alpha / size)
        verdict: Verdict = "can't tell"
        if p_loss <= level:
            verdict = "regressed"
        elif p_gain <= level:
            verdict = "improved"
        elif loss < terms.margin:
            verdict = NO_LARGER
        ways = [each.way for each in pairs]
        worse, better = ways.count("worse"), ways.count("better")
        yield Part(
            kind=kind,
            name=name,
            verdict=verdict,
            worse=worse,
            better=better,
            same=ways.count("same"),
            p=p_gain if better > worse else p_loss,
            loss=loss,
        )


def by_part(
    pairs: Sequence[ScenarioPair], unchanged: Mapping[str, int]
) -> Mapping[tuple[Kind, str], Sequence[TrialPairs]]:
    """The trials by suite (of several), by edge, and by check, the decisions among these.

    Args:
        pairs: The scenarios that were run.
        unchanged: How many more of each suite are the same for certain.
    """
    found: dict[tuple[Kind, str], list[TrialPairs]] = {}
    suites = sorted({pair.suite for pair in pairs} | set(unchanged))
    if len(suites) > 1:
        for suite in suites:
            same = [TrialPairs(a=(True,), b=(True,))] * unchanged.get(suite, 0)
            found["suite", suite] = [p.passed for p in pairs if p.suite == suite] + same
    edges: dict[str, list[TrialPairs]] = {}
    for pair in pairs:
        for edge, trials in pair.edges.items():
            edges.setdefault(edge, []).append(trials)
    found |= {("edge", edge): trials for edge, trials in sorted(edges.items())}
    if any(pair.expected for pair in pairs):
        found["check", "handoff"] = [pair.handed_over for pair in pairs if pair.expected]
    for name in sorted(set().union(*(pair.checks for pair in pairs))):
        found["check", name] = [pair.check(name) for pair in pairs]
    return found


def these_scenarios(found: Assessment, *, of: int = 0) -> str:
    """What is certain of the scenarios that were run.

    Args:
        found: What they show.
        of: How many there are in all, where some were not run.
    """
    number = f"{found.scenarios} of {of}" if of > found.scenarios else f"{found.scenarios}"
    counts = f"{found.worse} passed less often, {found.better} more often, {found.same} as often"
    said = [f"These {number} scenarios: {counts}"]
    if found.broken:
        said.append(f"{found.broken} went from all of their trials passed to none")
    if found.worse and not found.identical:
        p = min(found.p_loss, found.p_broken)
        said.append(f"where nothing is worse, chance does as badly in {_percent(p)} of comparisons")
    if found.identical:
        said.append(
            "the trials of a scenario repeat each other, so what flipped is certain here, and each "
            f"scenario counts once (p {found.p_loss:.3f})"
        )
    if found.unscored:
        said.append(
            f"{found.unscored} of {found.pairs} pairs of trials are unscored, and counted as well "
            "and as badly as they could have come out"
        )
    return f"{'; '.join(said)}."


def scenarios_like_these(found: Assessment, *, suites: Sequence[str], terms: Terms) -> str:
    """What can be said of further scenarios of these suites."""
    whose = f"Scenarios like these (of {', '.join(suites)})" if suites else "Scenarios like these"
    if found.difference is None:
        return f"{whose}: nothing can be said, for none was scored on both sides."
    seen = found.difference
    ruled_out = (
        f"a loss of more than {max(0.0, found.loss):.3f} is ruled out"
        if found.loss < 1
        else "no loss is ruled out"
    )
    return (
        f"{whose}: the share that passes differs by {seen.value:+.3f} "
        f"[{seen.low:+.3f}, {seen.high:+.3f}] ({100 * seen.confidence:.4g}% interval); "
        f"{ruled_out} ({100 - 100 * terms.alpha:.4g}% sure)."
    )


def verdict_words(verdict: Verdict, terms: Terms) -> str:
    """The verdict, with the margin in numbers."""
    return verdict.replace("the margin", f"{terms.margin:g}")


def next_step(
    pairs: Sequence[TrialPairs],
    terms: Terms,
    *,
    basis: Basis = "these scenarios",
    identical: bool = False,
) -> str:
    """What these scenarios could have shown, and what would show a loss of the margin.

    Args:
        pairs: What was seen, one a scenario.
        terms: The margin, and the chance of a false verdict.
        basis: What decides; see `smallest_loss`.
        identical: Whether trials are copies of each other: more of them show nothing.
    """
    scored = [found for each in pairs if (found := each.difference) is not None]
    if not scored:
        return "No scenario was scored on both sides: see what left them unscored first."
    trials = 1 if identical else median_low(each.trials for each in pairs)
    split = None if identical else spread(pairs)
    if split is None and basis == "these scenarios":
        # Chance falls to both sides alike: the rarer way is noise, and so is as much of the other.
        rarer = min(sum(each < 0 for each in scored), sum(each > 0 for each in scored))
        noise = Spread(model=2 * rarer / len(scored), scenarios=0.0)
    else:
        whole = variance(scored) if len(scored) > 1 else 0.0
        noise = split or Spread(model=0.0, scenarios=whole)
    level = terms.alpha / 2 * (ON_TRIALS if basis == "these scenarios" else 1)
    smallest = smallest_loss(len(scored), trials, noise, level=level, basis=basis)
    said = (
        f"A loss of {smallest:.2f} of the scenarios would be found 4 times in 5."
        if smallest is not None
        else "So few scenarios find no loss 4 times in 5."
    )
    advice = advise(len(scored), trials, noise, loss=terms.margin, level=level, basis=basis)
    ways = [f"about {advice.scenarios} scenarios" if advice.scenarios else ""]
    if not identical:
        ways.append(f"{advice.trials} trials of each" if advice.trials else "")
    listed = [each for each in ways if each]
    if advice.more == "nothing" or not listed:
        return said
    fewer = f"; more {advice.more} take fewer calls" if len(listed) > 1 else ""
    return f"{said} To find {terms.margin:g}: {' or '.join(listed)}{fewer}."


def with_parts(verdict: Verdict, found: Sequence[Part]) -> Verdict:
    """The verdict on everything: what regressed in a suite or in a check has regressed."""
    lost = any(part.decides and part.verdict == "regressed" for part in found)
    return "regressed" if lost else verdict


def divided(terms: Terms, comparisons: int) -> Terms:
    """The terms of each of several comparisons that stand beside each other."""
    return replace(terms, alpha=terms.alpha / max(1, comparisons))


def _percent(share: float) -> str:
    return "less than 0.1%" if share < 0.001 else f"{share:.1%}"  # noqa: PLR2004 - a tenth of a percent

"""Adding up a run, one trial at a time."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from statistics import fmean, median, quantiles

from handoff_evals.checks import (
    OUTCOMES,
    Decision,
    Score,
    Status,
    confusion,
    overall,
    per_agent,
)
from handoff_evals.results.judged import JUDGE, judge_rate
from handoff_evals.results.manifest import Manifest, ModelTraits, Price
from handoff_evals.results.summary import (
    CheckCounts,
    Decider,
    DecisionCounts,
    Failure,
    JudgeRate,
    ModelSummary,
    PassHat,
    Seconds,
    Share,
    SuiteSummary,
    Summary,
    TrialCounts,
)
from handoff_evals.results.trial import ScenarioKey, Trial
from handoff_evals.stats import Tries, mean_interval, pass_at_k, pass_hat_k_interval
from handoff_evals.transcript import AgentHandoff, AgentRef, Message, Transcript, Usage


def decider(transcript: Transcript, decision: Decision) -> tuple[str, str]:
    """The agent that had the call when the turn began, and the model that it asked first.

    Of a decision that was not reached it is the last turn that took place: who had the call
    then kept it from being made.

    Returns:
        Their names; the model's is empty where the agent decided without one.
    """
    turn = min(decision.turn, len(transcript.turns) - 1)
    agent = transcript.turns[max(turn - 1, 0)].active
    calls = transcript.turns[turn].model_calls
    asked = (
        each.model
        for each in calls
        if each.agent == agent and each.purpose == "reply" and not each.unused
    )
    return agent.label, next(asked, "")


def seams(transcript: Transcript) -> Iterator[tuple[int, float]]:
    """Handoff turns, each with the seconds from the caller's last word to the new agent's first.

    A turn in which the new agent says nothing has no seam, nor has one in which a rate
    limit delayed a request, or a cassette answered: those waits are the harness's.
    """
    for number, turn in enumerate(transcript.turns[1:], 1):
        if any(call.held_s or call.replayed for call in turn.model_calls):
            continue
        handed_over = False
        for event in turn.events:
            if isinstance(event, AgentHandoff):
                handed_over = True
            elif (
                handed_over
                and isinstance(event, Message)
                and event.agent is not None
                and event.agent.id == turn.active.id
                and event.at_s is not None
            ):
                yield number, max(0.0, event.at_s)
                break


@dataclass
class _Tally:
    """What is kept of a model's trials; their transcripts are let go."""

    statuses: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    decisions: list[tuple[str, str, Decision]] = field(default_factory=list)
    checks: dict[str, Counter[str]] = field(default_factory=dict)
    """How each check came out, by its name, a trial each."""
    usage: Usage = field(default_factory=Usage)
    ttft: list[float] = field(default_factory=list)
    seams: list[float] = field(default_factory=list)
    lost: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Unscored trials, by scenario."""
    tries: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    """Scored trials and passed ones, by scenario."""
    wall_s: float = 0.0
    judged: dict[str, list[tuple[ScenarioKey, Score]]] = field(default_factory=dict)
    """What each judge says of each trial."""
    deciders: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    """Decisions and correct ones, by agent and model."""


def summarise(trials: Iterable[Trial], manifest: Manifest, *, confidence: float = 0.95) -> Summary:
    """Add up a run, one trial at a time. Unscored trials count as such and nowhere else."""
    tallies = {model: _Tally() for model in manifest.models}
    planned = manifest.trials * sum(len(suite.scenarios) for suite in manifest.suites)
    failures: list[Failure] = []
    met: dict[str, AgentRef] = {}
    notes: dict[str, None] = {}
    for trial in trials:
        tally = tallies[trial.key.model]
        _add(tally, trial)
        failures.extend(_failures(trial))
        met.update({turn.active.label: turn.active for turn in trial.transcript.turns})
        notes.update(dict.fromkeys(trial.transcript.notes))
    return Summary(
        models={
            name: replace(
                _model(tally, planned, confidence, manifest.prices.get(name)),
                judges=_judges(tally, manifest, confidence),
                traits=manifest.traits.get(name, ModelTraits()),
            )
            for name, tally in tallies.items()
        },
        failures=tuple(failures),
        met=tuple(each for _, each in sorted(met.items())),
        notes=tuple(notes),
    )


def _add(tally: _Tally, trial: Trial) -> None:
    tally.statuses[trial.status] += 1
    tally.usage += trial.transcript.usage
    tally.wall_s += trial.duration_s
    calls = trial.transcript.model_calls
    tally.ttft.extend(call.ttft_s for call in calls if call.ttft_s is not None)
    for score in trial.scores:
        if score.name.startswith(JUDGE):
            name = score.name.removeprefix(JUDGE)
            tally.judged.setdefault(name, []).append((trial.key.scenario_key, score))
    if trial.status == "unscored":
        tally.causes[trial.cause or ""] += 1
        tally.lost[trial.key.scenario_key] += 1
        return
    for name, status in _by_check(trial).items():
        tally.checks.setdefault(name, Counter())[status] += 1
    key = trial.key
    tally.seams.extend(seconds for _, seconds in seams(trial.transcript))
    tries = tally.tries.setdefault(key.scenario_key, [0, 0])
    tries[0] += 1
    tries[1] += trial.status == "passed"
    tally.decisions.extend((*key.scenario_key, each) for each in trial.decisions)
    for decision in trial.decisions:
        if decision.on_path:
            made = tally.deciders.setdefault(decider(trial.transcript, decision), [0, 0])
            made[0] += 1
            made[1] += decision.outcome == "correct"


def _by_check(trial: Trial) -> Mapping[str, Status]:
    """How each check of a trial came out, but for the handoff decisions."""
    scores: dict[str, list[Score]] = {}
    for each in trial.scores:
        if each.name != "handoff":
            # Also of those that are only shown: this says how they came out, not what they do.
            scores.setdefault(each.name, []).append(replace(each, gates=True))
    return {name: overall(tuple(found)) for name, found in scores.items()}


def _failures(trial: Trial) -> Iterable[Failure]:
    key = trial.key
    # A handoff score each, in their order.
    decided = iter(trial.decisions)
    for score in trial.scores:
        decision = next(decided, None) if score.name == "handoff" else None
        # What is only shown has left nothing unscored.
        if score.status == "failed" or (score.status == "unscored" and score.gates):
            turns = trial.transcript.turns
            heard = score.turn is not None and score.turn < len(turns)
            yield Failure(
                model=key.model,
                suite=key.suite,
                scenario=key.scenario,
                number=key.number,
                turn=score.turn,
                user=(turns[score.turn].user or "") if heard and score.turn is not None else "",
                name=score.name if score.status == "failed" else "unscored",
                reason=score.reason,
                asked=_asked(trial, score, decision),
                outcome=decision.outcome if decision is not None else "",
            )


def _asked(trial: Trial, score: Score, decision: Decision | None) -> str:
    """The model that decided, where the score is about a decision or its turn."""
    of_turn = (each for each in trial.decisions if each.turn == score.turn)
    found = decision or next(of_turn, None)
    return "" if found is None else decider(trial.transcript, found)[1]


def _model(tally: _Tally, planned: int, confidence: float, price: Price | None) -> ModelSummary:
    found = [decision for _, _, decision in tally.decisions]
    matrix = confusion(found)
    suites = sorted({suite for suite, _ in tally.tries})
    return ModelSummary(
        trials=TrialCounts(
            passed=tally.statuses["passed"],
            failed=tally.statuses["failed"],
            unscored=tally.statuses["unscored"],
            causes=dict(tally.causes),
            not_run=planned - tally.statuses.total(),
        ),
        passed=_share(tally.tries, tally, confidence),
        decisions=_counts(found),
        accuracy=_correct(tally, confidence),
        on_path=_correct(tally, confidence, only_on_path=True),
        checks={
            name: CheckCounts(
                passed=counted["passed"], failed=counted["failed"], unscored=counted["unscored"]
            )
            for name, counted in tally.checks.items()
        },
        suites={suite: _suite(suite, tally, confidence) for suite in suites},
        confusion=matrix,
        per_agent=per_agent(matrix),
        tokens=tally.usage,
        pass_hat=_pass_hat(tally, confidence),
        pass_at=_pass_at(tally),
        ttft_s=_seconds(tally.ttft),
        seam_s=_seconds(tally.seams),
        wall_s=tally.wall_s,
        deciders=tuple(
            Decider(agent=agent, model=model, decisions=made, correct=correct)
            for (agent, model), (made, correct) in sorted(tally.deciders.items())
        ),
        cost=None if price is None else price.of(tally.usage),
    )


def _judges(tally: _Tally, manifest: Manifest, confidence: float) -> Mapping[str, JudgeRate]:
    standings = manifest.judge.standings if manifest.judge is not None else {}
    return {
        name: judge_rate(scores, standings.get(name), confidence=confidence)
        for name, scores in tally.judged.items()
    }


def _suite(suite: str, tally: _Tally, confidence: float) -> SuiteSummary:
    found = [each for each in tally.decisions if each[0] == suite]
    tries = {key: counts for key, counts in tally.tries.items() if key[0] == suite}
    matrix = confusion(decision for _, _, decision in found)
    return SuiteSummary(
        passed=_share(tries, tally, confidence, suite=suite),
        accuracy=_correct(tally, confidence, suite=suite),
        on_path=_correct(tally, confidence, suite=suite, only_on_path=True),
        confusion=matrix,
        per_agent=per_agent(matrix),
    )


def _counts(found: list[Decision]) -> DecisionCounts:
    outcomes = Counter(each.outcome for each in found if each.on_path)
    return DecisionCounts(
        on_path=outcomes.total(),
        cascaded=sum(not each.on_path for each in found),
        recovered=sum(each.on_path and each.recovered_after is not None for each in found),
        outcomes={outcome: outcomes[outcome] for outcome in OUTCOMES},
        premature=sum(each.on_path and each.premature for each in found),
    )


def _correct(
    tally: _Tally, confidence: float, *, suite: str | None = None, only_on_path: bool = False
) -> Share:
    """The share of correct decisions: on path, with the expected outcome."""
    scenarios: dict[tuple[str, str], list[int]] = {}
    for name, scenario, decision in tally.decisions:
        if suite in {None, name} and (decision.on_path or not only_on_path):
            counts = scenarios.setdefault((name, scenario), [0, 0])
            counts[0] += 1
            counts[1] += decision.on_path and decision.outcome == "correct"
    return _share(scenarios, tally, confidence, suite=suite)


def _share(
    scenarios: Mapping[tuple[str, str], list[int]],
    tally: _Tally,
    confidence: float,
    *,
    suite: str | None = None,
) -> Share:
    """Average over scenarios; the bounds count unscored trials against and for the model.

    Args:
        scenarios: How many there were of each, and how many of them were right.
        tally: The unscored trials, and the scored ones.
        confidence: Of the interval.
        suite: Of this suite only.
    """
    keys = sorted(
        {*scenarios, *(key for key in tally.lost if suite in {None, key[0]})}
        if scenarios
        else scenarios
    )
    found, worst, best = [], [], []
    for key in keys:
        number, right = scenarios.get(key, (0, 0))
        scored, lost = tally.tries.get(key, [0, 0])[0], tally.lost[key]
        if number:
            found.append(right / number)
        elif scored:
            continue  # It has no decision: nothing of it is missing.
        share = found[-1] if number else 0.0
        worst.append(share * scored / (scored + lost))
        best.append((share * scored + lost) / (scored + lost))
    interval = mean_interval(found, confidence=confidence, missing=(worst, best)) if found else None
    return Share(
        value=interval.value if interval else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        confidence=confidence,
        of=sum(number for number, _ in scenarios.values()),
        scenarios=len(found),
    )


def _pass_hat(tally: _Tally, confidence: float) -> Mapping[int, PassHat]:
    """pass^k for every k that the planned trials allow, from 1 up."""
    tries = [
        Tries(passed=passed, failed=tried - passed, unscored=tally.lost[key])
        for key in sorted({*tally.tries, *tally.lost})
        for tried, passed in [tally.tries.get(key, [0, 0])]
    ]
    found: dict[int, PassHat] = {}
    for k in range(1, max((each.scored for each in tries), default=0) + 1):
        result = pass_hat_k_interval(tries, k, confidence)
        if result is not None:
            found[k] = PassHat(
                value=result.interval.value,
                low=result.interval.low,
                high=result.interval.high,
                scenarios=result.scenarios,
                left_out=result.short,
                unscored=result.unscored,
            )
    return found


def _pass_at(tally: _Tally) -> Mapping[int, float]:
    """pass@k for every k that each scenario was tried as often as, from 1 up."""
    fewest = min((tried for tried, _ in tally.tries.values()), default=0)
    return {
        k: fmean(pass_at_k(tried, passed, k) for tried, passed in tally.tries.values())
        for k in range(1, fewest + 1)
    }


def _seconds(values: list[float]) -> Seconds:
    if not values:
        return Seconds(median=None, p95=None)
    # Between the nearest two values: of few, the one below would flatter.
    p95 = quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]
    return Seconds(median=median(values), p95=p95)

"""A run that is kept, and later runs held against it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_evals.checks import OUTCOMES, Decision, Outcome, Score
from handoff_evals.comparison import Flip, against_baseline, leading, unlike
from handoff_evals.errors import UsageError
from handoff_evals.results import (
    Baseline,
    FailedCheck,
    SuiteRecord,
    TrialKey,
    TrialResult,
    scenario_sha256,
)
from handoff_evals.stats import VERDICTS
from tests.support.conversations import expects, scenario
from tests.support.trials import RICH, numbered

if TYPE_CHECKING:
    from handoff_evals.scenarios import Scenario

NO_LARGER = "no difference larger than the margin"
_SCENARIO = scenario(expects("desk"))
SUITE = SuiteRecord(
    name="Any",
    path="",
    sha256="00",
    agent="m:A",
    agent_sha256="11",
    scenarios=(_SCENARIO.label,),
    scenario_sha256={_SCENARIO.label: scenario_sha256(_SCENARIO)},
)


def decision(turn: int, outcome: Outcome = "correct", actual: str = "billing") -> Decision:
    right = outcome == "correct"
    return Decision(
        turn=turn,
        expected="billing",
        actual="billing" if right else actual,
        outcome=outcome,
        on_path=True,
    )


def kept(
    label: str, *decisions: Decision, failed: tuple[FailedCheck, ...] = (), **given: str | int
) -> TrialResult:
    right = not failed and all(each.outcome == "correct" for each in decisions)
    return TrialResult(
        key=TrialKey(
            suite="Shop",
            scenario=label,
            model=str(given.get("model", "m")),
            number=int(given.get("number", 0)),
        ),
        scenario_sha256=str(given.get("sha256", "aa")),
        status="passed" if right else "failed",
        decisions=decisions,
        failed=failed,
        asked=0 if given.get("replayed", 0) else 1,
    )


def baseline(*trials: TrialResult) -> Baseline:
    return Baseline(suites=(), trials=trials)


def flip_words(flip: Flip) -> tuple[str, str, str, str]:
    return flip.direction, flip.check, flip.a, flip.b


def test_a_run_is_kept_without_a_word_of_what_was_said(tmp_path: Path) -> None:
    Baseline.of([RICH], [SUITE]).write(tmp_path / "b" / "baseline.json")
    text = (tmp_path / "b" / "baseline.json").read_text()
    assert "4471" not in text
    assert "Half of a pair" not in text
    data = json.loads(text)
    assert (data["schema"], data["models"]) == (1, ["scripted"])
    assert data["suites"] == [{"name": "Any", "path": "", "sha256": "00", "agent": "m:A"}]
    assert Baseline.read(tmp_path / "b" / "baseline.json").trials[0].key == RICH.key


def test_a_trial_is_a_line_and_the_order_is_not_that_of_the_run(tmp_path: Path) -> None:
    trials = [kept("b"), kept("a", number=1), kept("a", decision(1, "missed"))]
    paths = [tmp_path / "one.json", tmp_path / "other.json"]
    Baseline.of([], []).updated(baseline(*trials), partial=False).write(paths[0])
    Baseline.of([], []).updated(baseline(*reversed(trials)), partial=False).write(paths[1])
    one, other = (path.read_text() for path in paths)
    assert one == other
    lines = [line for line in one.splitlines() if '"scenario"' in line]
    assert [json.loads(line.strip(" ,"))["scenario"] for line in lines] == ["a", "a", "b"]
    run = Baseline.of([numbered(2), numbered(0)], [SUITE])
    assert [trial.key.number for trial in run.trials] == [0, 2]


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
trials_of_any = st.builds(
    TrialResult,
    key=st.builds(TrialKey, suite=words, scenario=words, model=words, number=st.integers(0, 3)),
    scenario_sha256=words,
    status=st.sampled_from(["passed", "failed", "unscored"]),
    decisions=st.lists(
        st.builds(
            Decision,
            turn=st.integers(1, 9),
            expected=words,
            actual=words,
            outcome=st.sampled_from(OUTCOMES),
            on_path=st.booleans(),
            premature=st.just(value=False),
            recovered_after=st.none(),
        ),
        max_size=3,
    ).map(tuple),
    failed=st.lists(
        st.builds(FailedCheck, check=words, turn=st.none() | st.integers(0, 9)), max_size=2
    ).map(tuple),
)


@given(st.lists(trials_of_any, max_size=4, unique_by=lambda each: each.key))
@settings(deadline=None)
def test_what_was_kept_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, trials: list[TrialResult]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any-baseline.json"
    baseline(*trials).write(path)
    assert set(Baseline.read(path).trials) == set(trials)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "it is not JSON"),
        ("[]", "it has schema None, and this version reads 1"),
        ('{"schema": 2}', "it has schema 2, and this version reads 1"),
        ('{"schema": 1, "models": [], "suites": []}', "trials is"),
        (
            '{"schema": 1, "models": [], "suites": [], "trials": [{"model": 3}]}',
            "trials.0.model is 3",
        ),
    ],
)
def test_what_is_no_baseline_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(text)
    with pytest.raises(UsageError) as raised:
        Baseline.read(path)
    assert says in str(raised.value)


def test_a_scenario_is_the_same_wherever_it_stands_and_whatever_its_tags() -> None:
    one = scenario(expects("desk", carries=("4471",)))
    assert scenario_sha256(one) == scenario_sha256(replace(one, line=9, tags={"a": "b"}))
    others: list[Scenario] = [
        scenario(expects("billing", carries=("4471",))),
        scenario(expects("desk")),
        replace(one, userdata={"name": "Anna"}),
    ]
    assert len({scenario_sha256(each) for each in (one, *others)}) == 4


def test_a_whole_run_takes_the_place_of_its_suites_and_models_alone() -> None:
    old = baseline(kept("gone"), kept("a"), kept("a", model="other"))
    newer = baseline(kept("a", decision(1, "missed")))
    assert old.updated(newer, partial=False).trials == (*newer.trials, kept("a", model="other"))


def test_a_part_of_a_run_takes_the_place_of_its_scenarios_alone() -> None:
    old = baseline(kept("a"), kept("a", number=1), kept("b"))
    newer = baseline(kept("a", decision(1, "missed")))
    assert old.updated(newer, partial=True).trials == (*newer.trials, kept("b"))


def test_with_replayed_answers_one_newly_failing_decision_is_a_regression() -> None:
    old = baseline(kept("a", decision(1)), kept("b", decision(1, "missed")))
    new = baseline(
        kept("a", decision(1, "wrong", "desk"), replayed=1), kept("b", decision(1), replayed=1)
    )
    [found] = against_baseline(old, new)
    assert found.verdict == "regressed"
    assert sorted(map(flip_words, found.flips)) == [
        ("better", "handoff", "missed", "correct"),
        ("worse", "handoff", "correct", "wrong"),
    ]
    assert "1 newly failing, 1 newly right, of 2 decisions" in found.headline
    assert "No chance in it" in found.sentences[0]


def test_with_replayed_answers_another_mistake_than_before_is_no_regression() -> None:
    old = baseline(kept("a", decision(1, "missed", "desk")))
    new = baseline(kept("a", decision(1, "wrong", "sales"), replayed=1))
    [found] = against_baseline(old, new)
    assert found.verdict == NO_LARGER
    assert [flip_words(flip) for flip in found.flips] == [("other", "handoff", "missed", "wrong")]


def test_a_check_that_newly_fails_is_a_regression_too() -> None:
    old = baseline(kept("a", decision(1)))
    new = baseline(
        kept("a", decision(1), failed=(FailedCheck(check="carries", turn=1),), replayed=1)
    )
    [found] = against_baseline(old, new)
    assert found.verdict == "regressed"
    assert [flip_words(flip) for flip in found.flips] == [("worse", "carries", "passed", "failed")]


def test_a_decision_that_is_not_reached_any_more_counts_as_worse() -> None:
    old = baseline(kept("a", decision(1), decision(2)))
    [found] = against_baseline(old, baseline(kept("a", decision(1), replayed=1)))
    assert [flip_words(flip) for flip in found.flips] == [("worse", "handoff", "correct", "-")]


def test_on_a_live_model_a_single_flip_is_no_verdict() -> None:
    old = baseline(*(kept(f"s{n}", decision(1)) for n in range(20)))
    new = baseline(
        *(kept(f"s{n}", decision(1, "missed" if not n else "correct")) for n in range(20))
    )
    [found] = against_baseline(old, new)
    assert found.verdict == "can't tell"
    assert found.headline.startswith("m against the baseline: can't tell: 1 newly failing")


def test_on_a_live_model_many_flips_are_a_regression() -> None:
    old = baseline(*(kept(f"s{n}", decision(1)) for n in range(20)))
    new = baseline(
        *(kept(f"s{n}", decision(1, "missed" if n < 10 else "correct")) for n in range(20))
    )
    [found] = against_baseline(old, new)
    assert found.verdict == "regressed"
    assert "differs by -0.500 [-0.7" in found.sentences[1]
    [back] = against_baseline(new, old)
    assert back.verdict == "improved"


def test_no_flip_of_a_model_that_answers_by_a_rule_is_chance() -> None:
    old = baseline(kept("a", decision(1)))
    new = baseline(kept("a", decision(1, "missed")))
    assert against_baseline(old, new, deterministic={"m"})[0].verdict == "regressed"


@pytest.mark.parametrize("label", ["oracle", "never", "always:billing", "oracle_models:gpt"])
def test_no_name_makes_a_models_flips_certain(label: str) -> None:
    old = baseline(kept("a", decision(1), model=label))
    new = baseline(kept("a", decision(1, "missed"), model=label))
    assert against_baseline(old, new)[0].verdict == "can't tell"


def test_what_follows_from_a_decision_is_not_told_again() -> None:
    lost = FailedCheck(check="carries", turn=1)
    late = FailedCheck(check="carries", turn=2)
    old = baseline(kept("a", decision(1), decision(2)))
    new = baseline(kept("a", decision(1, "missed"), decision(2), failed=(lost, late), replayed=1))
    [found] = against_baseline(old, new)
    assert len(found.flips) == 3
    told = [(flip.check, flip.turn) for flip in leading(found.flips)]
    assert told == [("handoff", 1), ("carries", 2)]

    cascade = replace(decision(2, "missed"), on_path=False)
    [found] = against_baseline(old, baseline(kept("a", decision(1, "missed"), cascade)))
    assert [(flip.turn, flip.cascaded) for flip in found.flips] == [(1, False), (2, True)]
    assert [flip.turn for flip in leading(found.flips)] == [1]


def test_several_models_are_judged_at_a_stricter_level() -> None:
    """Four of six scenarios worse has a p of 0.018: enough for one model, not for each of two."""
    one = [kept(f"s{n}", decision(1)) for n in range(6)]
    worse = [kept(f"s{n}", decision(1, "missed" if n < 4 else "correct")) for n in range(6)]
    assert against_baseline(baseline(*one), baseline(*worse))[0].verdict == "regressed"

    def also(trials: list[TrialResult], model: str) -> list[TrialResult]:
        return [*trials, *(replace(each, key=replace(each.key, model=model)) for each in one)]

    found = against_baseline(baseline(*also(one, "n")), baseline(*also(worse, "n")))
    assert [each.verdict for each in found] == ["can't tell", "can't tell"]

    by_rule = (baseline(*also(one, "never")), baseline(*also(worse, "never")))
    found = against_baseline(*by_rule, deterministic={"never"})
    assert [each.verdict for each in found] == ["regressed", NO_LARGER]


def test_a_check_that_is_lost_in_all_scenarios_is_a_regression_though_they_failed_before() -> None:
    lost = FailedCheck(check="carries", turn=1)
    old = baseline(*(kept(f"s{n}", decision(1, "missed")) for n in range(40)))
    new = baseline(*(kept(f"s{n}", decision(1, "missed"), failed=(lost,)) for n in range(40)))
    [found] = against_baseline(old, new)
    assert (found.verdict, found.overall.worse) == ("regressed", 0)
    assert "regressed (carries): 40 newly failing" in found.headline


def test_all_trials_of_the_baseline_count() -> None:
    def trials(outcome: Outcome) -> list[TrialResult]:
        return [
            replace(
                kept(f"s{n}", decision(1, outcome if n < 2 else "correct"), number=number),
                digest=f"{n} {number} {outcome}",
            )
            for n in range(10)
            for number in range(3)
        ]

    [found] = against_baseline(baseline(*trials("correct")), baseline(*trials("missed")))
    assert (found.verdict, found.overall.broken) == ("regressed", 2)
    again = [replace(each, digest="copy") for each in trials("missed")]
    [found] = against_baseline(baseline(*trials("correct")), baseline(*again))
    assert (found.verdict, found.overall.identical) == ("can't tell", True)


def test_planned_trials_that_were_not_run_are_missing_and_not_equal() -> None:
    old = baseline(*(kept(f"s{n}", decision(1)) for n in range(30)))
    run = baseline(*old.trials[:29])
    assert against_baseline(old, run)[0].verdict == NO_LARGER
    [found] = against_baseline(old, run, planned=[each.key for each in old.trials])
    assert found.verdict == "can't tell"
    assert "1 of 30 pairs of trials are unscored" in found.sentences[0]


wrongs = st.one_of(
    st.none(), st.sets(st.sampled_from(["turn 1", "turn 2", "carries", "userdata"]), max_size=3)
)
"""What went wrong in a trial; None where it is unscored."""


def trial_of(number: int, wrong: set[str] | None, *, replayed: int) -> TrialResult:
    found = wrong or set()
    trial = kept(
        f"s{number}",
        *(decision(n, "missed" if f"turn {n}" in found else "correct") for n in (1, 2)),
        failed=tuple(
            FailedCheck(check=name, turn=1) for name in ("carries", "userdata") if name in found
        ),
        replayed=replayed,
    )
    return replace(trial, status="unscored", decisions=()) if wrong is None else trial


@given(
    st.lists(st.tuples(wrongs, wrongs), min_size=1, max_size=8),
    st.integers(1, 6),
    st.integers(0, 1),
    st.data(),
)
@settings(deadline=None)
def test_making_a_trial_of_the_run_worse_never_makes_the_verdict_better(
    pairs: list[tuple[set[str] | None, set[str] | None]],
    copies: int,
    replayed: int,
    data: st.DataObject,
) -> None:
    listed = pairs * copies
    now = [each for _, each in listed]
    place = data.draw(st.integers(0, len(now) - 1))
    before = now[place]
    if before is None:
        return
    more = data.draw(st.sets(st.sampled_from(["turn 1", "turn 2", "carries", "userdata"])))
    lost = not before and data.draw(st.booleans())
    after = [*now[:place], None if lost else before | more, *now[place + 1 :]]
    old = baseline(*(trial_of(n, each, replayed=0) for n, (each, _) in enumerate(listed)))
    [one], [other] = (
        against_baseline(
            old, baseline(*(trial_of(n, each, replayed=replayed) for n, each in enumerate(run)))
        )
        for run in (now, after)
    )
    assert VERDICTS.index(other.verdict) <= VERDICTS.index(one.verdict)


def test_only_what_is_the_same_in_both_is_compared() -> None:
    old = baseline(
        kept("same", decision(1)),
        kept("changed", decision(1)),
        kept("gone", decision(1)),
        replace(kept("unscored"), status="unscored"),
    )
    new = baseline(
        kept("same", decision(1), replayed=1),
        kept("same", decision(1), replayed=1, number=1),
        kept("changed", decision(1, "missed"), sha256="bb", replayed=1),
        kept("new", decision(1, "missed"), replayed=1),
        kept("unscored", decision(1, "missed"), replayed=1),
    )
    [found] = against_baseline(old, new)
    assert (found.compared, found.flips) == (1, ())
    # The one that was unscored may have been right before.
    assert found.verdict == "can't tell"
    assert found.left_out == (
        "not compared: changed since the baseline: Shop / changed",
        "not compared: not in the baseline: Shop / new",
        "not compared: in the baseline, but not in this run: Shop / gone",
        "unscored in the baseline, counted as it could have come out: Shop / unscored",
        "not compared: trials of the same scenarios that one of them lacks: 1",
    )


def test_nothing_in_common_is_no_verdict() -> None:
    [found] = against_baseline(baseline(kept("a", decision(1))), baseline(kept("b", decision(1))))
    assert found.verdict == "can't tell"
    assert "can't tell, no trial is in both" in found.headline


def test_a_run_without_hashes_of_its_scenarios_is_refused() -> None:
    with pytest.raises(UsageError, match=r"older version.* run the suites again"):
        Baseline.of([RICH], [replace(SUITE, scenario_sha256={})])


def test_models_and_suites_that_it_lacks_are_named() -> None:
    there = Baseline.of([RICH], [SUITE])
    assert list(unlike(there, models=["scripted"], suites=["Any"])) == []
    assert list(unlike(there, models=["gpt"], suites=["Other"])) == [
        "it has nothing of the model 'gpt', but of 'scripted'",
        "it has nothing of the suite 'Other', but of 'Any'",
    ]


def test_a_trial_knows_its_failed_checks_and_whether_it_was_replayed() -> None:
    lost = Score(name="carries", status="failed", turn=1)
    one = TrialResult.of(replace(RICH, scores=(*RICH.scores, lost)), scenario_sha256="aa")
    assert (one.status, one.failed) == ("failed", (FailedCheck(check="carries", turn=1),))
    call = RICH.transcript.turns[1].model_calls[0]
    turn = replace(RICH.transcript.turns[1], model_calls=(replace(call, replayed=True),))
    again = replace(RICH, transcript=replace(RICH.transcript, turns=(turn,)))
    assert (one.asked > 0, TrialResult.of(again).asked) == (True, 0)


def test_what_a_scenario_leaves_out_is_not_in_its_hash() -> None:
    one = scenario(expects("desk", carries=("4471",)))
    # As it stands in baselines that are kept: a key that comes to be known must not change it.
    assert scenario_sha256(one) == "58fdceaa8975bda3"
    assert (
        scenario_sha256(scenario(expects("desk", carries=("4471",), calls=None)))
        == "58fdceaa8975bda3"
    )
    assert (
        scenario_sha256(scenario(expects("desk", carries=("4471",), calls=())))
        != "58fdceaa8975bda3"
    )

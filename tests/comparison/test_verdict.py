"""What two sides' trials come to, in words, and when to stop."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_evals.checks import Decision
from handoff_evals.comparison import (
    Judged,
    ScenarioPair,
    flips,
    judge,
    judge_unchanged,
    leading,
    pair_up,
    repeats_itself,
)
from handoff_evals.diff.diff_run import Pairing
from handoff_evals.results import FailedCheck, PairKey, TrialKey, TrialResult
from handoff_evals.stats import Terms

TERMS = Terms()
NO_LARGER = "no difference larger than the margin"


def held(number: int, *outcomes: str, trial: int = 0, **more: object) -> TrialResult:
    """A conversation with a decision a turn, each from `front` to `billing`."""
    decisions = tuple(
        Decision(
            turn=turn,
            expected="billing",
            actual="billing" if outcome == "correct" else "front",
            outcome=outcome,  # type: ignore[arg-type] # names in a test
            on_path=True,
        )
        for turn, outcome in enumerate(outcomes, 1)
    )
    status = "passed" if set(outcomes) <= {"correct"} else "failed"
    values: dict[str, object] = {
        "status": status,
        "starts": dict.fromkeys(range(1, len(outcomes) + 1), "front"),
        **more,
    }
    key = TrialKey(suite="s", scenario=str(number), model="m", number=trial)
    return TrialResult(key=key, decisions=decisions, **values)  # type: ignore[arg-type] # as above


@dataclass
class Recorded:
    """A side whose outcomes are known."""

    name: str
    passes: list[bool]
    log: list[str]
    waits: dict[int, int] = field(default_factory=dict)

    async def trial(self, place: PairKey) -> TrialResult | None:
        number = int(place.scenario)
        for _ in range(self.waits.get(number, 0)):
            await asyncio.sleep(0)
        self.log.append(f"{self.name}{number}.{place.number}")
        return held(number, "correct" if self.passes[number] else "missed", trial=place.number)


class Dead:
    """A side whose model never answers."""

    name = "dead"

    async def trial(self, place: PairKey) -> TrialResult | None:
        return held(int(place.scenario), status="unscored", cause="api_timeout")


def pairing(a: list[bool], b: list[bool], *, trials: int = 1, at_once: int = 1) -> Pairing:
    log: list[str] = []
    return Pairing(
        a=Recorded(name="a", passes=a, log=log),
        b=Recorded(name="b", passes=b, log=log, waits={0: 9, 3: 5}),
        trials=trials,
        terms=TERMS,
        at_once=at_once,
    )


def places(number: int) -> list[PairKey]:
    return [PairKey(suite="s", scenario=str(each)) for each in range(number)]


def suite(*pairs: tuple[int, str, str], trials: int = 1, **more: object) -> list[ScenarioPair]:
    """So many scenarios each, with what the decision comes to on both sides in every trial."""
    found: list[ScenarioPair] = []
    for number, a, b in pairs:
        for _ in range(number):
            both = [
                tuple(held(len(found), each, trial=trial, **more) for each in (a, b))
                for trial in range(trials)
            ]
            found.append(
                ScenarioPair(suite="s", scenario=str(len(found)), trials=tuple(both))  # type: ignore[arg-type]  # of two each
            )
    return found


def judged(pairs: Sequence[ScenarioPair], terms: Terms = TERMS) -> Judged:
    return judge(pairs, terms, planned=len(pairs), out_of_reach={})


@pytest.mark.parametrize("at_once", [1, 8])
def test_up_to_60_scenarios_all_are_run(at_once: int) -> None:
    """43 that are the same say nothing of 17 that come later, and are broken."""
    work = pairing([True] * 60, [True] * 43 + [False] * 17, at_once=at_once)
    assert asyncio.run(work.run(places(60))) == "all run"
    assert work.ways == {"same": 43, "worse": 17}
    assert judged(work.pairs).verdict == "regressed"


def test_seven_scenarios_that_all_break_are_all_run_and_regress() -> None:
    work = pairing([True] * 7, [False] * 7)
    assert asyncio.run(work.run(places(7))) == "all run"
    found = judged(work.pairs)
    assert found.verdict == "regressed"
    assert found.sentences[0].startswith("These 7 scenarios: 7 passed less often, 0 more often")


def test_of_more_scenarios_a_regression_stops_it_as_soon_as_it_is_clear() -> None:
    work = pairing([True] * 80, [False] * 80)
    assert asyncio.run(work.run(places(80))) == "clear"
    assert work.ways == {"worse": 11}
    found = judge(work.pairs, TERMS, planned=80, out_of_reach={})
    assert found.verdict == "regressed"
    assert found.sentences[0].startswith("These 11 of 80 scenarios: 11 passed less often")


def test_fixed_runs_all_of_them() -> None:
    work = pairing([True] * 80, [False] * 80)
    work.terms = Terms(fixed=True)
    assert asyncio.run(work.run(places(80))) == "all run"


def test_it_never_stops_because_nothing_could_settle_it() -> None:
    work = pairing([True] * 10, [True] * 10)
    assert asyncio.run(work.run(places(10))) == "all run"
    assert judged(work.pairs).verdict == "can't tell"


def test_it_stops_where_no_model_answers_and_what_was_not_run_counts_as_missing() -> None:
    work = pairing([True] * 50, [True] * 50)
    work.b = Dead()
    assert asyncio.run(work.run(places(50))) == "no answers"
    assert len(work.seen) == 5
    assert work.unscored == {"api_timeout": 5}
    found = judge(work.pairs, TERMS, planned=50, out_of_reach={}, not_run=45)
    assert found.verdict == "can't tell"
    assert found.overall.difference is None
    assert "nothing can be said" in found.sentences[1]


def test_side_a_goes_first_with_each_trial() -> None:
    work = pairing([True], [True], trials=2)
    asyncio.run(work.run(places(1)))
    assert isinstance(work.a, Recorded)
    assert work.a.log == ["a0.0", "b0.0", "a0.1", "b0.1"]


@given(st.lists(st.booleans(), min_size=70, max_size=70), st.integers(1, 8))
@settings(max_examples=15, deadline=None)
def test_how_many_are_under_way_changes_nothing(b: list[bool], at_once: int) -> None:
    one, several = pairing([True] * 70, b), pairing([True] * 70, b, at_once=at_once)
    stopped = [asyncio.run(work.run(places(70))) for work in (one, several)]
    assert stopped[0] == stopped[1]
    assert one.ways == several.ways
    assert list(one.seen) == list(several.seen)


def passes_the_gate(a: list[bool], b: list[bool]) -> bool:
    work = pairing(a, b)
    asyncio.run(work.run(places(len(a))))
    found = judge(work.pairs, TERMS, planned=len(a), out_of_reach={})
    return found.verdict not in {"regressed", "can't tell"}


@given(
    st.integers(0, 80),
    st.integers(0, 12),
    st.permutations(range(80)),
    st.sets(st.integers(0, 79), min_size=1, max_size=6),
)
@settings(max_examples=15, deadline=None)
def test_also_where_it_may_stop_early_no_further_failure_opens_the_gate(
    passing: int, failing: int, order: list[int], failures: set[int]
) -> None:
    a = [number < passing for number in order]
    b = [number < passing - failing for number in order]
    worse = [passed and number not in failures for number, passed in enumerate(b)]
    assert passes_the_gate(a, b) or not passes_the_gate(a, worse)


def test_single_flips_are_told_even_where_nothing_can_be_said() -> None:
    found = judged(suite((2, "correct", "missed"), (10, "correct", "correct")))
    assert found.verdict == "can't tell"
    these, like_these = found.sentences
    assert these.startswith("These 12 scenarios: 2 passed less often, 0 more often, 10 as often;")
    assert like_these.startswith(
        "Scenarios like these (of s): the share that passes differs by -0.167 ["
    )
    assert "a loss of more than 0.4" in like_these
    assert "would be found 4 times in 5" in found.next_step


def test_trials_that_repeat_each_other_are_noticed_and_said() -> None:
    copies = suite((4, "correct", "missed"), (10, "correct", "correct"), trials=3, digest="same")
    assert repeats_itself(copies)
    found = judged(copies)
    assert found.verdict == "can't tell"
    assert "the trials of a scenario repeat each other" in found.sentences[0]
    others = [
        replace(
            pair,
            trials=tuple(
                (replace(a, digest=f"a{n}"), replace(b, digest=f"b{n}"))
                for n, (a, b) in enumerate(pair.trials)
            ),
        )
        for pair in copies
    ]
    assert judged(others).verdict == "regressed"


def test_what_regresses_in_one_check_alone_has_regressed() -> None:
    """All of them failed already, and now another check fails besides."""
    lost = (FailedCheck(check="carries", turn=1),)
    pairs = [
        ScenarioPair(
            suite="s",
            scenario=str(n),
            trials=((held(n, "missed"), held(n, "missed", failed=lost)),),
        )
        for n in range(40)
    ]
    found = judged(pairs)
    assert (found.verdict, found.overall.worse) == ("regressed", 0)
    [part] = found.regressed
    assert (part.kind, part.name, part.worse) == ("check", "carries", 40)


def test_a_check_that_fails_for_the_first_time_makes_no_other_less_sure() -> None:
    def suite_with(more: tuple[FailedCheck, ...]) -> list[ScenarioPair]:
        lost = (FailedCheck(check="carries", turn=1),)
        return [
            ScenarioPair(
                suite="s",
                scenario=str(n),
                trials=(
                    (
                        held(n, "missed"),
                        held(n, "missed", failed=lost + (more if n == 0 else ())),
                    ),
                ),
            )
            for n in range(12)
        ]

    one, two = (
        {part.name: part.p for part in judged(suite_with(more)).parts}
        for more in ((), (FailedCheck(check="userdata", turn=1),))
    )
    assert two["carries"] == one["carries"]


def test_an_edge_says_where_to_look_and_decides_nothing() -> None:
    found = judged(suite((9, "correct", "missed"), (5, "correct", "correct")))
    edges = [part for part in found.parts if part.kind == "edge"]
    assert [part.verdict for part in edges] == ["regressed"]
    assert not any(part.decides for part in edges)


def test_parts_are_suites_edges_and_checks_counted_by_scenario() -> None:
    one = suite((1, "correct", "missed"), (1, "correct", "correct"))
    other = [replace(pair, suite="t") for pair in suite((1, "missed", "correct"))]
    found = {(part.kind, part.name): part for part in judged([*one, *other]).parts}
    assert set(found) == {
        ("suite", "s"), ("suite", "t"), ("edge", "front -> billing"), ("check", "handoff"),
    }  # fmt: skip
    edge = found["edge", "front -> billing"]
    assert (edge.worse, edge.better, edge.same) == (1, 1, 1)
    assert found["suite", "t"].better == 1


def test_many_parts_that_did_not_change_raise_no_alarm_of_their_own() -> None:
    found = judged(suite((5, "correct", "missed"), (20, "correct", "correct")))
    assert found.verdict == "regressed"
    assert found.regressed == ()


def test_what_is_out_of_reach_counts_as_the_same_once_all_is_run() -> None:
    found = judge(suite((9, "correct", "correct")), TERMS, planned=9, out_of_reach={"s": 20})
    assert (found.verdict, found.overall.same) == (NO_LARGER, 29)


def test_where_nothing_changed_no_test_is_needed() -> None:
    found = judge_unchanged(TERMS, {"s": 3})
    assert (found.verdict, found.overall.loss) == (NO_LARGER, 0)


def test_all_expected_decisions_count_and_not_only_those_on_path() -> None:
    """On path, b is right in 0 of 1 and a in 1 of 3: of all three, a is right in 1 and b in 0."""
    a = held(0, "correct", "bounced", "bounced")
    b = held(0, "missed", "missed", "missed")
    astray = replace(
        b, decisions=(b.decisions[0], *(replace(each, on_path=False) for each in b.decisions[1:]))
    )
    [pair] = pair_up([a], [astray])
    assert pair.decisions(on_path=False) == pytest.approx(-1 / 3)
    short = replace(a, decisions=a.decisions[:1])
    [cut] = pair_up([a], [short])
    assert cut.decisions(on_path=False) == 0
    assert cut.handed_over.b == (False,)
    assert cut.decisions(on_path=True) == pytest.approx(2 / 3)


def test_trials_that_one_side_lacks_are_no_pairs() -> None:
    [pair] = pair_up([held(1, "correct"), held(1, "correct", trial=1)], [held(1, "missed")])
    assert pair.passed.trials == 1


def test_a_flip_is_told_with_its_edge_and_both_outcomes() -> None:
    [flip] = flips(held(1, "correct", "correct"), held(1, "correct", "phantom"))
    assert (flip.turn, flip.edge, flip.a, flip.b) == (2, "front -> billing", "correct", "phantom")
    assert flip.direction == "worse"
    [back] = flips(held(1, "correct", "phantom"), held(1, "correct", "correct"))
    assert back.direction == "better"


def test_another_check_is_told_only_where_no_decision_of_its_turn_flipped() -> None:
    told = (FailedCheck(check="carries", turn=1),)
    [flip] = flips(held(1, "correct"), held(1, "correct", status="failed", failed=told))
    assert (flip.check, flip.turn, flip.b, flip.direction) == ("carries", 1, "failed", "worse")
    [other] = leading(flips(held(1, "correct"), held(1, "missed", failed=told)))
    assert other.check == "handoff"


def test_what_follows_from_an_earlier_miss_is_no_flip_of_its_own() -> None:
    astray = held(1, "missed", "wrong")
    cascaded = (astray.decisions[0], replace(astray.decisions[1], on_path=False))
    found = leading(flips(held(1, "correct", "correct"), replace(astray, decisions=cascaded)))
    assert [flip.turn for flip in found] == [1]

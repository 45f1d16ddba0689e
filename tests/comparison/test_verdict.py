"""Better, worse, no different, or can't tell, and when to stop."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_evals.checks import Decision
from handoff_evals.comparison import (
    Terms,
    by_edge,
    collapse,
    counted,
    flips,
    leading,
    look,
    part,
    parts,
)
from handoff_evals.diff.diff_run import Pairing
from handoff_evals.results import FailedCheck, PairKey, TrialKey, TrialResult
from handoff_evals.stats import Pairs, Ruling

TERMS = Terms()


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

    async def hold(self, place: PairKey) -> TrialResult | None:
        number = int(place.scenario)
        for _ in range(self.waits.get(number, 0)):
            await asyncio.sleep(0)
        self.log.append(f"{self.name}{number}.{place.number}")
        return held(number, "correct" if self.passes[number] else "missed", trial=place.number)


class Dead:
    """A side whose model never answers."""

    name = "dead"

    async def hold(self, place: PairKey) -> TrialResult | None:
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


def test_a_regression_stops_it_as_soon_as_it_is_clear() -> None:
    work = pairing([True] * 50, [False] * 50)
    assert asyncio.run(work.run(places(50))) == "clear"
    assert work.pairs == Pairs(worse=8)


def test_it_stops_when_nothing_that_is_left_could_settle_it() -> None:
    work = pairing([True] * 10, [True] * 10)
    assert asyncio.run(work.run(places(10))) == "futile"
    assert len(work.seen) < 10


def test_it_stops_where_no_model_answers() -> None:
    work = pairing([True] * 50, [True] * 50)
    work.b = Dead()
    assert asyncio.run(work.run(places(50))) == "no answers"
    assert len(work.seen) == 5
    assert work.unscored == {"api_timeout": 5}


def test_side_a_goes_first_with_each_trial() -> None:
    work = pairing([True], [True], trials=2)
    asyncio.run(work.run(places(1)))
    assert isinstance(work.a, Recorded)
    assert work.a.log == ["a0.0", "b0.0", "a0.1", "b0.1"]


@given(st.lists(st.booleans(), min_size=60, max_size=60), st.integers(1, 8))
@settings(max_examples=15, deadline=None)
def test_how_many_are_under_way_changes_nothing(b: list[bool], at_once: int) -> None:
    one, several = pairing([True] * 60, b), pairing([True] * 60, b, at_once=at_once)
    stopped = [asyncio.run(work.run(places(60))) for work in (one, several)]
    assert stopped[0] == stopped[1]
    assert one.pairs == several.pairs
    assert list(one.seen) == list(several.seen)


def test_fixed_looks_once_at_the_end() -> None:
    terms = Terms(fixed=True)
    at = [look(Pairs(worse=9), remaining=n, out_of_reach=0, terms=terms) for n in (1, 0)]
    assert at == [Ruling.CONTINUE, Ruling.REGRESSED]


def test_what_is_out_of_reach_counts_only_once_the_rest_is_through() -> None:
    # 46 that are the same rule out a loss of a tenth; 40 that are still to be held may lose it.
    before = look(Pairs(same=1), remaining=40, out_of_reach=46, terms=TERMS)
    after = look(Pairs(same=1), remaining=0, out_of_reach=46, terms=TERMS)
    assert (before, after) == (Ruling.CONTINUE, Ruling.NO_LARGER)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
@settings(max_examples=40, deadline=None)
def test_what_it_calls_futile_no_outcome_could_have_settled(
    worse: int, better: int, remaining: int, out_of_reach: int
) -> None:
    seen = Pairs(worse=worse, better=better)
    now = look(seen, remaining=remaining, out_of_reach=out_of_reach, terms=TERMS)
    if now is not Ruling.FUTILE:
        return
    for share in (0, remaining // 2, remaining):
        end = Pairs(worse=worse + share, better=better + remaining - share)
        last = look(end, remaining=0, out_of_reach=out_of_reach, terms=TERMS)
        assert last is Ruling.FUTILE


def test_trials_of_a_scenario_are_one_pair() -> None:
    assert collapse([(True, False), (True, True), (False, True)]) == (True, True)
    assert collapse([(True, False), (True, False), (False, True)]) == (True, False)
    assert collapse([]) is None
    assert counted([(True, False), None, (True, True)]) == Pairs(worse=1, same=1)


def test_an_early_stop_does_not_use_a_test_that_it_would_bias() -> None:
    pairs = {"one": Pairs(worse=6), "other": Pairs(same=3)}
    early = parts(pairs, terms=TERMS)
    fixed = parts(pairs, terms=Terms(fixed=True))
    assert early[0].p == pytest.approx(2 / (128 / 14))
    assert fixed[0].p == 2 * 0.03125
    assert part("all", Pairs(worse=6), terms=Terms(fixed=True)).verdict == "regressed"
    assert part("all", Pairs(worse=6), terms=TERMS).verdict == "can't tell"
    assert part("all", Pairs(worse=8), terms=TERMS).verdict == "regressed"
    assert part("all", Pairs(better=8), terms=TERMS).verdict == "improved"
    assert part("all", Pairs(same=60), terms=TERMS).verdict == "no larger difference"
    assert part("all", Pairs(same=6), terms=TERMS).verdict == "can't tell"


def test_edges_are_counted_by_scenario() -> None:
    pairs = [
        [(held(1, "correct"), held(1, "missed")), (held(1, "correct"), held(1, "missed", trial=1))],
        [(held(2, "correct"), held(2, "correct"))],
    ]
    assert by_edge(pairs) == {"front -> billing": Pairs(worse=1, same=1)}


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

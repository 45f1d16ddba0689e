import pytest

from handoff_evals.stats import Outcome, TrialPairs

P, F, U = True, False, None


def pairs(a: list[Outcome], b: list[Outcome]) -> TrialPairs:
    return TrialPairs(a=tuple(a), b=tuple(b))


def test_trials_are_paired_by_their_numbers_and_the_others_left_out() -> None:
    found = TrialPairs.by_number({0: P, 1: P, 2: F, 7: P}, {2: P, 0: F, 3: F})
    assert found == pairs([P, F], [F, P])


def test_no_number_in_common_is_no_pair() -> None:
    assert TrialPairs.by_number({0: P}, {1: P}) is None


def test_ten_trials_against_one_count_as_one_pair() -> None:
    found = TrialPairs.by_number(dict.fromkeys(range(10), P), {0: F})
    assert found is not None
    assert found.trials == 1


@pytest.mark.parametrize(
    ("found", "way", "difference"),
    [
        (pairs([P, P], [P, F]), "worse", -0.5),
        (pairs([F, P], [P, P]), "better", 0.5),
        (pairs([P, F], [F, P]), "same", 0.0),
        (pairs([P, U], [U, F]), "worse", -1.0),
        (pairs([U, U], [P, P]), "unscored", None),
    ],
)
def test_the_way_is_that_of_the_scored_trials(
    found: TrialPairs, way: str, difference: float | None
) -> None:
    assert found.way == way
    assert found.difference == difference


def test_missing_trials_count_as_badly_and_as_well_as_they_could_have_come_out() -> None:
    found = pairs([P, U, P, F], [U, P, P, F])
    assert found.unscored == 2
    # The baseline at 2 or 3 of 4, the candidate as well.
    assert found.at_worst == (2 - 3) / 4
    assert found.at_best == (3 - 2) / 4
    assert found.in_favour == (2, 3)
    assert found.against == (3, 2)


def test_a_pair_without_any_score_says_nothing_of_a_loss() -> None:
    assert pairs([U, P], [U, F]).in_favour == (1, 0)


@pytest.mark.parametrize(
    ("found", "in_favour", "against"),
    [
        (pairs([P, P], [F, F]), (1, 0), (1, 0)),
        (pairs([P, F], [F, P]), (0, 1), (1, 0)),
        (pairs([P, U], [U, U]), (1, 1), (1, 0)),
        (pairs([U, U], [U, U]), (0, 0), (1, 0)),
    ],
)
def test_identical_trials_count_once(
    found: TrialPairs, in_favour: tuple[int, int], against: tuple[int, int]
) -> None:
    assert found.one_in_favour == in_favour
    assert found.one_against == against


def test_broken_is_from_all_passed_to_none_and_never_with_anything_missing() -> None:
    assert pairs([P, P], [F, F]).broken
    assert not pairs([P, P], [F, U]).broken
    assert not pairs([P, F], [F, F]).broken


@pytest.mark.parametrize(("a", "b"), [([], []), ([P], [P, F])])
def test_trials_that_make_no_pairs_are_refused(a: list[Outcome], b: list[Outcome]) -> None:
    with pytest.raises(ValueError, match="make no pairs; give as many of each side"):
        pairs(a, b)

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_evals.scenarios import meets, paired, says
from handoff_evals.scenarios.matchers import example, problems


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        ("Ada", {"any_of": ["Bob", "Ada"]}),
        ("order 4471", {"pattern": r"\b44\d\d$"}),
        ("ADA@example.com", {"pattern": "^ada@"}),
        (4471, {"pattern": "^44"}),
        ("The blue one, please", {"contains": "blue  ONE"}),
        (" ada ", {"loosely": "Ada"}),
        ("34", {"loosely": 34}),
        (34, {"loosely": "34.0"}),
        ("True", {"loosely": True}),
        ({"any_of": [1]}, {"equals": {"any_of": [1]}}),
        ([{"a": "X"}], [{"a": {"loosely": "x"}}]),
        ({"$set": ["a", "b"]}, ["b", "a"]),
        ({"tags": {"$set": ["a"]}}, {"tags": ["a"]}),
    ],
)
def test_a_value_meets_what_a_file_expects_of_it(actual: Any, expected: Any) -> None:
    assert meets(actual, expected)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        ("Ada", {"any_of": ["Bob"]}),
        ("4471", {"pattern": "^55"}),
        ("0042", {"loosely": 42}),
        (1, {"loosely": True}),
        (None, {"loosely": "None"}),
        ("34", 34),
        ("ada", "Ada"),
        ({"a": 1, "b": 2}, {"a": 1}),
        ({"a": 1, "b": 2}, {"equals": {"a": 1}}),
        ({"$set": ["a", "b"]}, ["a"]),
        ({"$set": ["a", "b"]}, ["a", "a"]),
        (["a", "b"], ["b", "a"]),
    ],
)
def test_what_is_not_expected_does_not_meet_it(actual: Any, expected: Any) -> None:
    assert not meets(actual, expected)


def test_a_mapping_may_have_more_keys_where_a_part_is_expected() -> None:
    actual = {"name": "Ada", "cover": {"from": 2001, "by": "Anthem"}}

    assert meets(actual, {"cover": {"by": "Anthem"}}, partly=True)
    assert not meets(actual, {"cover": {"equals": {"by": "Anthem"}}}, partly=True)


def test_words_are_found_in_any_case_and_spacing_and_by_matchers() -> None:
    text = "I\N{RIGHT SINGLE QUOTATION MARK}m passing you on to\n billing."

    assert says(text, "i'm PASSING you on to billing")
    assert says(text, {"pattern": r"passing (you|the call)"})
    assert says(text, {"any_of": ["sales", "Billing"]})
    assert not says(text, "technical")
    assert not says(text, {"equals": "billing"})


@pytest.mark.parametrize(
    ("expected", "problem"),
    [
        ({"any_of": []}, "any_of is []: write a list with at least one value"),
        ({"any_of": [{"pattern": "("}]}, "pattern '(' is no regular expression"),
        ({"deep": [{"contains": " "}]}, "contains is ' ': write the words that must be in there"),
    ],
)
def test_a_matcher_that_can_match_nothing_is_named(expected: Any, problem: str) -> None:
    [found] = problems(expected)

    assert found.startswith(problem)


def test_a_model_that_plays_the_scenario_gets_a_value_that_meets_the_expected_one() -> None:
    expected = {
        "id": {"pattern": "^44", "example": "4471"},
        "day": [{"any_of": [{"loosely": "Monday"}, "Tuesday"]}],
    }

    assert example(expected) == {"id": "4471", "day": ["Monday"]}
    assert meets(example(expected), expected)
    with pytest.raises(LookupError, match="write an `example` beside it"):
        example({"pattern": "^44"})


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(min_size=10), inner),
    max_leaves=10,
)


@given(plain)
def test_every_plain_value_meets_itself_in_every_way(value: Any) -> None:
    assert meets(value, value)
    assert meets(value, value, loosely=True, partly=True)
    assert meets(value, {"equals": value})
    assert example(value) == value


@given(st.lists(st.integers(0, 4)), st.lists(st.integers(0, 4)))
def test_as_many_as_can_be_are_paired_and_nothing_twice(
    expected: list[int], actual: list[int]
) -> None:
    places = paired(expected, actual, lambda one, other: one == other)

    taken = [place for place in places if place is not None]
    assert len(set(taken)) == len(taken)
    assert all(place is None or actual[place] == expected[i] for i, place in enumerate(places))
    assert len(taken) == sum(min(expected.count(each), actual.count(each)) for each in range(5))


def test_a_pair_is_given_up_where_another_needs_it_more() -> None:
    wide, narrow = {"any_of": ["a", "b"]}, "a"

    assert paired([wide, narrow], ["a", "b"], meets) == [1, 0]

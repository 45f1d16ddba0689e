"""What differs between two rehearsals of the same code is no change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_evals.changes import AgentSnapshot, Rehearsal, Rehearsed, ToolSnapshot, without_noise
from handoff_evals.changes.agent_change import changes
from handoff_evals.transcript import AgentRef, Message, Transcript, Turn


def rehearsed(instructions: str, *, code: str = "c v", said: tuple[str, ...] = ()) -> Rehearsed:
    tool = ToolSnapshot(description=instructions, parameters={}, code=code)
    look = AgentSnapshot(label="desk", instructions=instructions, tools={"go": tool}, code=code)
    turn = Turn(
        user=None,
        events=tuple(Message(role="assistant", text=each) for each in said),
        model_calls=(),
        active=AgentRef(id="desk"),
    )
    rehearsal = Rehearsal(
        transcript=Transcript(turns=(turn,)), passed=True, session={}, looks=(look,)
    )
    return Rehearsed(suite="S", rehearsals={"One": rehearsal})


def sentences(a: list[Rehearsed], b: list[Rehearsed]) -> list[str]:
    return [change.sentence for change in changes(a[0], without_noise(a, b))]


def test_an_id_that_is_drawn_each_time_is_no_change() -> None:
    a = [rehearsed(f"Call {drawn}, be kind.") for drawn in ("81f3", "77c2")]
    b = [rehearsed(f"Call {drawn}, be kind.") for drawn in ("99aa", "0b1c")]
    assert sentences(a, b) == []
    assert without_noise(a, b) == a[0]


def test_an_edit_beside_it_is() -> None:
    a = [rehearsed(f"Call {drawn}, be kind.") for drawn in ("81f3", "77c2")]
    b = [rehearsed(f"Call {drawn}, be rude.") for drawn in ("99aa", "0b1c")]
    assert sentences(a, b) == [
        "instructions: Call 81f3, be [-kind.-] {+rude.+}",
        "description of go: Call 81f3, be [-kind.-] {+rude.+}",
    ]


def test_a_value_that_is_the_same_by_chance_on_one_side_is_none() -> None:
    a = [rehearsed(f"Number {drawn}.") for drawn in "33"]
    b = [rehearsed(f"Number {drawn}.") for drawn in "56"]
    assert sentences(a, b) == []


@pytest.mark.parametrize(
    ("code", "found"), [("c v3", []), ("d v3", ["the code of go", "the code of its methods"])]
)
def test_code_is_told_apart_from_a_value_that_a_module_draws(code: str, found: list[str]) -> None:
    a = [rehearsed("Be kind.", code=f"c {drawn}") for drawn in ("v1", "v2")]
    b = [rehearsed("Be kind.", code=each) for each in (code, code.replace("v3", "v4"))]
    assert sorted(sentences(a, b)) in (found, found[:1])


def test_a_conversation_that_goes_another_way_each_time_tells_nothing() -> None:
    a = [rehearsed("Be kind.", said=said) for said in (("One.",), ("One.", "Two."))]
    b = [rehearsed("Be kind.", said=("One.", "Three."))] * 2
    assert without_noise(a, b) == a[0]
    steady = [a[0], a[0]]
    assert without_noise(steady, b) == b[0]


def test_an_edit_of_two_texts_that_differ_elsewhere_is_told_once() -> None:
    def side(word: str) -> Rehearsed:
        both = {label: rehearsed(f"{label} is the caller of today. Be {word}.") for label in "xy"}
        found = {label: each.rehearsals["One"] for label, each in both.items()}
        return Rehearsed(suite="S", rehearsals=found)

    told = [each.sentence for each in changes(side("kind"), side("rude"))]
    assert told == [
        "instructions: … caller of today. Be [-kind.-] {+rude.+}",
        "description of go: … caller of today. Be [-kind.-] {+rude.+}",
    ]


TEXTS = st.text(alphabet="ab 1,", max_size=12)


@given(TEXTS, TEXTS)
def test_sides_that_never_differ_from_themselves_are_left_as_they_are(one: str, two: str) -> None:
    a, b = rehearsed(one), rehearsed(two)
    assert without_noise([a, a], [b, b]) == b
    assert without_noise([a], [b]) == b


@given(TEXTS, TEXTS)
def test_the_same_code_has_no_change_however_it_differs_from_itself(one: str, two: str) -> None:
    both = [rehearsed(one), rehearsed(two)]
    assert without_noise(both, both) == both[0]
    assert without_noise(both, both[::-1]) == both[0]

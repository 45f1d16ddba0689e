"""A miss because of an id or a date says which mask would have it found."""

from dataclasses import replace
from pathlib import Path

import pytest

from handoff_evals.cassettes import Answer, Cassette, Mode, ModelIdentity, RecordedRequest
from handoff_evals.cassettes.mask_proposal import as_toml, differently_ordered, proposed_masks
from handoff_evals.errors import CassetteMissError

MODEL = ModelIdentity(label="test/model")


def asked(text: str) -> RecordedRequest:
    messages = ({"role": "system", "content": text}, {"role": "user", "content": f"So: {text}"})
    return RecordedRequest(agent="desk", model=MODEL, messages=messages)


@pytest.mark.parametrize(
    ("before", "after", "patterns"),
    [
        (
            "Booked as 84c35b8f-2ef0-4f7b-9a86-2d0d4f1a7c11.",
            "Booked as 17f4be21-a1b0-4c52-8d0b-9f6ab77e0c35.",
            ["[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"],
        ),
        ("Ticket b5ad75c8 is made.", "Ticket c5caec3e is made.", [r"\b[0-9a-f]{8}\b"]),
        ("Your ticket is T-81f3.", "Your ticket is T-77c2.", [r"\bT-[0-9a-f]{4}\b"]),
        ("Your order is ORD48213.", "Your order is ORD9987.", [r"\bORD\d+\b"]),
        ("The pin is 48213.", "The pin is 9987.", [r"pin is (\d+)"]),
        ("Use code QXVBTR.", "Use code MPLKDA.", ["Use code ([0-9A-Z]{6})"]),
        ("See Gl1xV_Arr66W.", "See ZM-fXVOcLDv3.", [r"See ([\w-]{12})"]),
        (
            "Today is Tuesday, November 24, 2026. Be kind.",
            "Today is Thursday, December 3, 2026. Be kind.",
            [r"Today is ([A-Z][a-z]+, [A-Z][a-z]+ \d+, \d+)"],
        ),
        (
            "It is 10:04 AM on Tue 24 Nov 2026",
            "It is 11:04 PM on Wed 25 Nov 2026",
            [
                r"It is (\d+:\d+ [AaPp][Mm])",
                r" on ([A-Z][a-z]+ \d+ [A-Z][a-z]+ \d+)",
            ],
        ),
        ("At 2026-11-24T10:00:00Z.", "At 2026-12-01T11:00:00Z.", [r"\d+-\d+-\d+T\d+:\d+:\d+Z"]),
        (
            '{"id": "a81f3bc2", "at": 1764000000.123}',
            '{"id": "99c1d2e3", "at": 1764000100.5}',
            [r"\b[0-9a-f]{8}\b", r'", "at": (\d+\.\d+)'],
        ),
    ],
)
def test_ids_dates_and_times_are_proposed_as_masks(
    before: str, after: str, patterns: list[str]
) -> None:
    assert proposed_masks(asked(before), asked(after)) == patterns


def test_any_number_in_a_tools_result_may_have_been_drawn() -> None:
    before, after = (
        replace(asked("Hello"), messages=({"role": "tool", "content": f"'position': {number}"},))
        for number in (3, 12)
    )
    assert proposed_masks(before, after) == [r"'position': (\d+)"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("It costs 3 pounds.", "It costs 4 pounds."),
        ("Be kind to all.", "Be rude to all."),
        ("Please call Tom.", "Please call Bob."),
        ("Ticket T-81f3, be kind.", "Ticket T-77c2, be rude."),
        ("Billing, sales or support.", "Sales, billing or support."),
    ],
)
def test_words_that_somebody_has_edited_are_not(before: str, after: str) -> None:
    assert proposed_masks(asked(before), asked(after)) == []


def test_the_same_words_in_another_order_are_told_apart_from_an_edit() -> None:
    assert differently_ordered(asked("sales, billing"), asked("billing, sales"))
    assert not differently_ordered(asked("sales, billing"), asked("billing, support"))
    assert not differently_ordered(asked("sales"), asked("sales"))


def test_patterns_are_written_so_that_they_can_be_copied() -> None:
    assert as_toml([r"\bT-\d+\b", "it's (x)"]) == r"""mask = ['\bT-\d+\b', "it's (x)"]"""


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("ticket T-81f3", "ticket T-77c2", r"write `mask = ['\bT-[0-9a-f]{4}\b']` under"),
        ("sales, billing", "billing, sales", "write sorted(...) around the set"),
    ],
)
def test_a_miss_says_what_to_do(tmp_path: Path, before: str, after: str, said: str) -> None:
    recording = Cassette(suite="S", model=MODEL, mode=Mode.AUTO, folders=[tmp_path])
    answers = recording.trial("One", trial=0, seed=1)
    slot = answers.find(asked(before))
    assert not isinstance(slot, Answer)
    answers.keep(slot, Answer(model="m", chunks=(), ttft_s=None, duration_s=0.1))
    replay = Cassette(suite="S", model=MODEL, mode=Mode.REPLAY, folders=[tmp_path])
    with pytest.raises(CassetteMissError) as missed:
        replay.trial("One", trial=0, seed=1).find(asked(after))
    assert said in str(missed.value)

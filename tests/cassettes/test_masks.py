"""What differs from run to run is masked in requests, and put back into answers."""

import re
from pathlib import Path

import pytest

from handoff_evals.cassettes import Answer, Cassette, Mode, ModelIdentity, RecordedRequest
from handoff_evals.cassettes.masks import Mask, mask_of
from handoff_evals.errors import CassetteMissError, UsageError
from handoff_evals.transcript import ToolSchema

MODEL = ModelIdentity(label="test/model")
TICKETS = Mask.of_patterns([r"T-[0-9a-f]{4}"])


def asked(*contents: str, tools: tuple[ToolSchema, ...] = ()) -> RecordedRequest:
    messages = tuple({"role": "user", "content": content} for content in contents)
    return RecordedRequest(agent="desk", model=MODEL, messages=messages, tools=tools)


def answer(*words: str, arguments: str = "") -> Answer:
    deltas: list[dict[str, object]] = [{"content": each} for each in words]
    if arguments:
        deltas.append({"tool_calls": [{"name": "confirm", "arguments": arguments}]})
    chunks = tuple({"at": 0.1, "delta": delta} for delta in deltas)
    return Answer(model="m", chunks=chunks, ttft_s=0.1, duration_s=0.2)


def replayed(
    folder: Path,
    first: RecordedRequest,
    given: Answer,
    then: RecordedRequest,
    *,
    masks: tuple[Mask | None, Mask | None] = (TICKETS, TICKETS),
) -> Answer:
    """The answer to the second request, of a cassette on which the first is."""
    both = []
    for mode, mask in zip((Mode.AUTO, Mode.REPLAY), masks, strict=True):
        cassette = Cassette(suite="S", model=MODEL, mode=mode, folders=[folder], mask=mask)
        both.append(cassette)
    recording = both[0].trial("One", trial=0, seed=1)
    slot = recording.find(first)
    assert not isinstance(slot, Answer)
    recording.keep(slot, given)
    found = both[1].trial("One", trial=0, seed=1).find(then)
    assert isinstance(found, Answer)
    return found


def test_a_request_with_another_id_gets_the_answer_with_the_id_of_now(tmp_path: Path) -> None:
    given = answer("Your ticket is T-", "81f3.", arguments='{"ticket": "T-81f3"}')
    found = replayed(tmp_path, asked("made T-81f3"), given, asked("made T-77c2"))
    assert found.words == 'Your ticket is T-77c2.\n{"ticket": "T-77c2"}'


def test_two_ids_are_told_apart_by_their_order(tmp_path: Path) -> None:
    first, then = asked("T-0001, T-0002", "T-0002"), asked("T-00aa, T-00bb", "T-00bb")
    assert replayed(tmp_path, first, answer("Not T-0001"), then).words == "Not T-00aa"
    with pytest.raises(CassetteMissError):
        replayed(tmp_path / "2", first, answer(), asked("T-00aa, T-00bb", "T-00aa"))


def test_what_was_recorded_without_the_mask_is_found_once_there_is_one(tmp_path: Path) -> None:
    given = answer("T-81f3 it is")
    found = replayed(
        tmp_path, asked("made T-81f3"), given, asked("made T-77c2"), masks=(None, TICKETS)
    )
    assert found.words == "T-77c2 it is"


def test_what_was_recorded_with_one_mask_is_found_with_a_second_one(tmp_path: Path) -> None:
    more = Mask.of_patterns([r"(?<=today )\w+", r"T-[0-9a-f]{4}"])
    found = replayed(
        tmp_path,
        asked("today Monday", "made T-81f3"),
        answer("T-81f3 it is"),
        asked("today Sunday", "made T-77c2"),
        masks=(TICKETS, more),
    )
    assert found.words == "T-77c2 it is"


def test_a_group_of_a_pattern_is_the_value_and_is_masked_wherever_it_stands(
    tmp_path: Path,
) -> None:
    mask = Mask.of_patterns([r"ticket (\w+)"])
    found = replayed(
        tmp_path,
        asked("ticket abcd", '{"id": "abcd"}', "abcdefgh"),
        answer("abcd is made"),
        asked("ticket wxyz", '{"id": "wxyz"}', "abcdefgh"),
        masks=(mask, mask),
    )
    assert found.words == "wxyz is made"


def test_a_function_names_the_parts_to_mask(tmp_path: Path) -> None:
    mask = Mask.of_function(lambda text: re.findall(r"#\d+", text))
    found = replayed(
        tmp_path, asked("made #1"), answer("Yes, #1"), asked("made #22"), masks=(mask, mask)
    )
    assert found.words == "Yes, #1"  # it is too short to be looked for in an answer


def test_tools_are_masked_too(tmp_path: Path) -> None:
    def tools(day: str) -> tuple[ToolSchema, ...]:
        schema = {"properties": {"slot": {"enum": [f"slot {day}"]}}}
        return (ToolSchema(name="book", description=f"From {day}.", parameters=schema),)

    mask = Mask.of_patterns([r"\d{4}-\d{2}-\d{2}"])
    found = replayed(
        tmp_path,
        asked("Hello", tools=tools("2026-11-24")),
        answer("Yes."),
        asked("Hello", tools=tools("2026-11-25")),
        masks=(mask, mask),
    )
    assert found.words == "Yes."


def test_nothing_of_a_masked_request_or_answer_is_written(tmp_path: Path) -> None:
    replayed(tmp_path, asked("made T-81f3"), answer("T-81f3"), asked("made T-77c2"))
    [path] = tmp_path.rglob("*.jsonl")
    assert "81f3" not in path.read_text()


CONFIG = "[tool.handoff-evals]\nmask = {}\n"


def parts(text: str) -> list[str]:
    return [word for word in text.split() if word.isdigit()]


def whole(text: str) -> str:
    return text


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("['(']", r"'\(' is no regular expression"),
        (f'"{__name__}:whole"', "returns 'a word'.*return a list of the parts"),
        (f'"{__name__}:missing"', "missing"),
        ('"T-1"', "write `module:name`"),
    ],
)
def test_a_mask_that_is_none_is_refused(tmp_path: Path, given: str, message: str) -> None:
    (tmp_path / "pyproject.toml").write_text(CONFIG.format(given))
    with pytest.raises(UsageError, match=message):
        mask_of(tmp_path)


def test_a_project_names_patterns_or_a_function(tmp_path: Path) -> None:
    assert mask_of(tmp_path) is None
    for given in (r"['\d+']", f'"{__name__}:parts"'):
        (tmp_path / "pyproject.toml").write_text(CONFIG.format(given))
        mask = mask_of(tmp_path)
        assert mask is not None
        assert mask.apply(asked("number 12 it is")).request == asked("number <masked 1> it is")

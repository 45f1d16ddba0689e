"""What is kept of models' answers, and how it is found again."""

import json
import multiprocessing as mp
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handoff_evals.cassettes import (
    Answer,
    Cassette,
    Mode,
    ModelIdentity,
    RecordedRequest,
    TrialExchanges,
)
from handoff_evals.cassettes.cassette_file import file_name
from handoff_evals.errors import CassetteError, CassetteMissError
from handoff_evals.transcript import ToolSchema

MODEL = ModelIdentity(label="test/model", options={"temperature": 0.0})


def request(*said: str, **changes: Any) -> RecordedRequest:
    """A request of billing's, after these words of the caller."""
    messages = [{"role": "system", "content": "You are billing. Please be kind to the caller."}]
    messages += [{"role": "user", "content": words} for words in said]
    asked = RecordedRequest(
        agent="billing_agent",
        model=MODEL,
        messages=tuple(messages),
        tools=(ToolSchema(name="refund", description="Pay back.", parameters={"type": "object"}),),
    )
    return replace(asked, **changes)


def answer(words: str) -> Answer:
    """An answer in two chunks."""
    half = len(words) // 2
    chunks: tuple[dict[str, Any], ...] = (
        {"at": 0.1, "delta": {"role": "assistant", "content": words[:half]}},
        {"at": 0.2, "delta": {"role": "assistant", "content": words[half:]}},
        {"at": 0.2, "usage": {"completion_tokens": 2, "prompt_tokens": 9, "total_tokens": 11}},
    )
    return Answer(model="m", chunks=chunks, ttft_s=0.1, duration_s=0.2)


def said(found: object) -> str:
    """The words of an answer."""
    assert isinstance(found, Answer)
    return "".join(chunk.get("delta", {}).get("content", "") for chunk in found.chunks)


def cassette(folder: Path, mode: Mode = Mode.AUTO, **more: Any) -> Cassette:
    """A suite's cassette in that folder."""
    return Cassette(suite="Suite", model=MODEL, mode=mode, folders=[folder], **more)


def exchange(answers: TrialExchanges, asked: RecordedRequest, words: str) -> None:
    """Ask what is not there yet, and keep the answer."""
    slot = answers.find(asked)
    assert not isinstance(slot, Answer)
    answers.keep(slot, answer(words))


def record(folder: Path, *exchanges: tuple[RecordedRequest, str], trial: int = 0) -> None:
    """Record a trial with these exchanges."""
    answers = cassette(folder).trial("Scenario", trial=trial, seed=1)
    for asked, words in exchanges:
        exchange(answers, asked, words)
    answers.close(whole=True)


def test_what_was_answered_is_answered_again(tmp_path: Path) -> None:
    record(tmp_path, (request("Hello"), "Good day."), (request("Hello", "Bye"), "Bye."))
    answers = cassette(tmp_path, Mode.REPLAY).trial("Scenario", trial=0, seed=1)
    assert said(answers.find(request("Hello"))) == "Good day."
    assert said(answers.find(request("Hello", "Bye"))) == "Bye."
    assert (answers.replayed, answers.asked) == (2, 0)


def test_the_same_question_twice_has_its_two_answers_in_their_order(tmp_path: Path) -> None:
    record(tmp_path, (request("Hello"), "One."), (request("Hello"), "Two."))
    answers = cassette(tmp_path, Mode.REPLAY).trial("Scenario", trial=0, seed=1)
    assert [said(answers.find(request("Hello"))) for _ in range(2)] == ["One.", "Two."]
    with pytest.raises(CassetteMissError, match="once more than was recorded"):
        answers.find(request("Hello"))


@pytest.mark.parametrize(
    "other",
    [{"scenario": "Another"}, {"trial": 1}, {"seed": 2}],
)
def test_trials_never_share_an_answer(tmp_path: Path, other: dict[str, Any]) -> None:
    record(tmp_path, (request("Hello"), "Good day."))
    which: dict[str, Any] = {"scenario": "Scenario", "trial": 0, "seed": 1} | other
    assert not isinstance(cassette(tmp_path).trial(**which).find(request("Hello")), Answer)


def test_ids_of_calls_which_are_drawn_by_chance_make_no_difference(tmp_path: Path) -> None:
    def after_call(call_id: str) -> RecordedRequest:
        function = {"name": "refund", "arguments": '{"id": "7"}'}
        calls = [{"id": call_id, "type": "function", "function": function}]
        asked = request("Hello")
        result = {"role": "tool", "tool_call_id": call_id, "content": "done"}
        made = {"role": "assistant", "tool_calls": calls}
        return replace(asked, messages=(*asked.messages, made, result))

    record(tmp_path, (after_call("call_x1"), "Paid back."))
    answers = cassette(tmp_path, Mode.REPLAY).trial("Scenario", trial=0, seed=1)
    assert said(answers.find(after_call("fc_99"))) == "Paid back."


@pytest.mark.parametrize(
    ("now", "message"),
    [
        (
            request("Hello", messages=request("Hello", "").messages[1:2]),
            r"instructions of billing_agent changed: \[-You are billing",
        ),
        (
            request(
                messages=(
                    {
                        "role": "system",
                        "content": "You are billing. Please be rude to the caller.",
                    },
                    {"role": "user", "content": "Hello"},
                )
            ),
            (
                r"instructions of billing_agent changed: … are billing\. Please be \[-kind-\] "
                r"\{\+rude\+\} to the caller\."
            ),
        ),
        (
            request("Hello", tools=()),
            "tools of billing_agent changed: refund is gone",
        ),
        (
            request(
                "Hello",
                tools=(
                    ToolSchema(
                        name="refund", description="Pay all back.", parameters={"type": "object"}
                    ),
                ),
            ),
            r"tools of billing_agent changed: the description of refund: Pay \{\+all\+\} back\.",
        ),
        (
            request(
                "Hello",
                tools=(ToolSchema(name="refund", description="Pay back.", parameters={}),),
            ),
            "the arguments of refund",
        ),
        (request("Good morning"), r"message 1 \(the caller\): \[-Hello-\] \{\+Good morning\+\}"),
        (request("Hello", "Are you there?"), r"1 more messages, first the caller: 'Are you there"),
        (request("Hello", tool_choice="none"), "tool_choice was None, now 'none'"),
        (request("Hello", options={"parallel_tool_calls": False}), "options of the request"),
        (
            request("Hello", model=replace(MODEL, options={"temperature": 0.7})),
            "model test/model: temperature was 0.0, now 0.7",
        ),
        (
            request(
                agent="sales_agent", messages=({"role": "system", "content": "You sell things."},)
            ),
            "the nearest that was recorded is a request of billing_agent",
        ),
    ],
)
def test_a_miss_names_the_first_difference_in_the_users_terms(
    tmp_path: Path, now: RecordedRequest, message: str
) -> None:
    record(tmp_path, (request("Hello"), "Good day."))
    with pytest.raises(CassetteMissError, match=message):
        cassette(tmp_path, Mode.REPLAY).trial("Scenario", trial=0, seed=1).find(now)


def test_a_miss_is_explained_by_the_nearest_exchange_not_the_first(tmp_path: Path) -> None:
    record(
        tmp_path,
        (request("Hello"), "Good day."),
        (request("Hello", "I paid twice, on Monday"), "Oh."),
    )
    with pytest.raises(CassetteMissError, match=r"message 2 .*on \[-Monday-\] \{\+Sunday\+\}"):
        cassette(tmp_path, Mode.REPLAY).trial("Scenario", trial=0, seed=1).find(
            request("Hello", "I paid twice, on Sunday")
        )


def test_a_miss_says_which_trials_there_are(tmp_path: Path) -> None:
    record(tmp_path, (request("Hello"), "Good day."))
    with pytest.raises(CassetteMissError, match="there is no trial 4 of this conversation, only 1"):
        cassette(tmp_path, Mode.REPLAY).trial("Scenario", trial=3, seed=1).find(request("Hello"))


def test_a_conversation_that_was_never_recorded_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(CassetteMissError, match="there is nothing of this conversation"):
        cassette(tmp_path, Mode.REPLAY).trial("Scenario", trial=0, seed=1).find(request("Hello"))


def test_recording_anew_takes_the_place_of_a_trial_once_it_is_whole(tmp_path: Path) -> None:
    record(tmp_path, (request("Hello"), "Old."))
    record(tmp_path, (request("Hello"), "Of the second trial."), trial=1)
    broken_off = cassette(tmp_path, Mode.RECORD).trial("Scenario", trial=0, seed=1)
    exchange(broken_off, request("Hello"), "New.")
    broken_off.close(whole=False)
    again = cassette(tmp_path).trial("Scenario", trial=0, seed=1)
    assert said(again.find(request("Hello"))) == "Old."

    whole = cassette(tmp_path, Mode.RECORD).trial("Scenario", trial=0, seed=1)
    exchange(whole, request("Hello"), "New.")
    whole.close(whole=True)
    for trial, words in enumerate(["New.", "Of the second trial."]):
        answers = cassette(tmp_path, Mode.REPLAY).trial("Scenario", trial=trial, seed=1)
        assert said(answers.find(request("Hello"))) == words


def test_what_nothing_asked_for_is_unused_and_can_be_pruned(tmp_path: Path) -> None:
    record(tmp_path, (request("Hello"), "Good day."), (request("Hello", "Old"), "Gone."))
    record(tmp_path, (request("Hello"), "Of the second trial."), trial=1)
    now = cassette(tmp_path)
    answers = now.trial("Scenario", trial=0, seed=1)
    answers.find(request("Hello"))
    answers.close(whole=True)
    assert [len(each.places) for each in now.unused] == [1]
    assert now.prune() == 1
    left = cassette(tmp_path).trial("Scenario", trial=0, seed=1)
    assert said(left.find(request("Hello"))) == "Good day."
    assert not isinstance(left.find(request("Hello", "Old")), Answer)
    second = cassette(tmp_path).trial("Scenario", trial=1, seed=1)
    assert said(second.find(request("Hello"))) == "Of the second trial."


def test_a_conversation_that_was_cut_off_says_nothing_about_what_is_unused(tmp_path: Path) -> None:
    record(tmp_path, (request("Hello"), "Good day."))
    now = cassette(tmp_path)
    now.trial("Scenario", trial=0, seed=1).close(whole=False)
    assert now.unused == []


def test_half_a_line_of_a_killed_writer_is_passed_over_and_cut_off(tmp_path: Path) -> None:
    record(tmp_path, (request("Hello"), "Good day."))
    [path] = tmp_path.rglob("*.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    answers = cassette(tmp_path).trial("Scenario", trial=0, seed=1)
    assert said(answers.find(request("Hello"))) == "Good day."
    exchange(answers, request("Hello", "Bye"), "Bye.")
    lines = path.read_bytes().splitlines(keepends=True)
    assert [json.loads(line)["answer"]["model"] for line in lines] == ["m", "m"]
    assert lines[0] == whole


def test_a_line_that_is_no_exchange_is_an_error_that_names_its_place(tmp_path: Path) -> None:
    record(tmp_path, (request("Hello"), "Good day."))
    [path] = tmp_path.rglob("*.jsonl")
    path.write_text('{"schema": 99}\n')
    with pytest.raises(CassetteError, match=r"jsonl:1: .*schema 99; this version reads 1"):
        cassette(tmp_path).trial("Scenario", trial=0, seed=1)


def write_all(folder: Path, barrier: Any, words: str) -> None:
    """Record fifty exchanges as fast as possible, at the same time as others do."""
    answers = cassette(folder).trial("Scenario", trial=0, seed=1)
    barrier.wait()
    for number in range(50):
        asked = request(f"{number}")
        slot = answers.find(asked)
        if not isinstance(slot, Answer):
            answers.keep(slot, answer(words * 200))


def test_several_processes_may_record_at_once_and_nothing_is_there_twice(tmp_path: Path) -> None:
    context = mp.get_context("fork")
    barrier = context.Barrier(3)
    writers = [
        context.Process(target=write_all, args=(tmp_path, barrier, words)) for words in "abc"
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    [path] = tmp_path.rglob("*.jsonl")
    keys = [json.loads(line)["key"] for line in path.read_text().splitlines()]
    assert len(keys) == len(set(keys)) == 50


def test_what_callers_and_models_say_is_redacted_before_it_is_written(tmp_path: Path) -> None:
    def hide(text: str) -> str:
        return text.replace("4471", "****")

    redacting = cassette(tmp_path, redact=hide)
    answers = redacting.trial("Scenario", trial=0, seed=1)
    exchange(answers, request("It is order 4471"), "So order 4471.")
    [path] = tmp_path.rglob("*.jsonl")
    assert "4471" not in path.read_text()
    again = cassette(tmp_path, Mode.REPLAY, redact=hide).trial("Scenario", trial=0, seed=1)
    assert said(again.find(request("It is order 4471"))) == "So order ****."


def test_redacting_leaves_the_counts_of_tokens(tmp_path: Path) -> None:
    answers = cassette(tmp_path, redact=str.upper).trial("Scenario", trial=0, seed=1)
    exchange(answers, request("Hello"), "Good day.")
    again = cassette(tmp_path, Mode.REPLAY, redact=str.upper).trial("Scenario", trial=0, seed=1)
    found = again.find(request("Hello"))
    assert isinstance(found, Answer)
    assert [chunk["usage"]["total_tokens"] for chunk in found.chunks if "usage" in chunk] == [11]


def test_a_second_folder_is_read_and_never_written(tmp_path: Path) -> None:
    record(tmp_path / "kept", (request("Hello"), "Good day."))
    before = {path: path.read_bytes() for path in (tmp_path / "kept").rglob("*.jsonl")}
    both = Cassette(
        suite="Suite",
        model=MODEL,
        mode=Mode.AUTO,
        folders=[tmp_path / "own", tmp_path / "kept"],
    )
    answers = both.trial("Scenario", trial=0, seed=1)
    assert said(answers.find(request("Hello"))) == "Good day."
    exchange(answers, request("Hello", "Bye"), "Bye.")
    assert {path: path.read_bytes() for path in (tmp_path / "kept").rglob("*.jsonl")} == before
    assert len(list((tmp_path / "own").rglob("*.jsonl"))) == 1


@pytest.mark.parametrize(
    "label", ["Charged twice!", "charged twice", "…", "a/../b", "x" * 300, "half a pair \ud800"]
)
def test_a_label_becomes_a_file_name_of_its_own(label: str) -> None:
    name = file_name(label)
    assert "/" not in name
    assert not name.startswith(".")
    assert len(name) < 80
    assert name != file_name(label + " ")


def test_a_label_that_looks_like_another_ones_file_name_shares_no_file_with_it() -> None:
    assert file_name("plain-label") == "plain-label"
    labels = ["ABC", file_name("ABC"), file_name(file_name("ABC")), "y" * 60, "y" * 61, "y" * 62]
    assert len({file_name(label) for label in labels}) == len(labels)


def test_what_has_no_order_makes_no_difference(tmp_path: Path) -> None:
    def with_sets(*, turned: bool) -> RecordedRequest:
        topics = ["sales", "billing"][:: -1 if turned else 1]
        kinds = [{"type": "string"}, {"type": "null"}][:: -1 if turned else 1]
        shown = f"{{{', '.join(map(repr, topics))}}}"
        schema = {
            "properties": {
                "topic": {"enum": topics},
                "kind": {"anyOf": kinds},
                "many": {"uniqueItems": True, "default": topics},
            },
            "required": ["topic", "kind"][:: -1 if turned else 1],
        }
        tools = [
            ToolSchema(name=name, description=f"One of {shown}.", parameters=schema)
            for name in topics
        ]
        return request(
            f"Topics: {shown}", tools=tuple(tools), options={"include": {"enum": topics}}
        )

    record(tmp_path, (with_sets(turned=False), "Good day."))
    answers = cassette(tmp_path, Mode.REPLAY).trial("Scenario", trial=0, seed=1)
    assert said(answers.find(with_sets(turned=True))) == "Good day."


def test_what_has_an_order_makes_a_difference(tmp_path: Path) -> None:
    record(tmp_path, (request("sales, billing"), "Good day."))
    answers = cassette(tmp_path, Mode.REPLAY).trial("Scenario", trial=0, seed=1)
    with pytest.raises(CassetteMissError):
        answers.find(request("billing, sales"))


def test_a_cassette_of_another_version_of_the_keys_is_still_found(tmp_path: Path) -> None:
    record(tmp_path, (request("Hello"), "One."), (request("Hello"), "Two."))
    [path] = tmp_path.rglob("*.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps({**line, "key": "of old"}) + "\n" for line in lines))
    answers = cassette(tmp_path, Mode.REPLAY).trial("Scenario", trial=0, seed=1)
    assert [said(answers.find(request("Hello"))) for _ in range(2)] == ["One.", "Two."]

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import judge_labels
from handoff_evals import Excerpt, Scenario, Trial, UsageError
from handoff_evals.checks import Score
from handoff_evals.judges import (
    RULES,
    Calibration,
    JudgeModel,
    Label,
    LabelFile,
    LabelledCall,
    Panel,
    Pass,
    calibrate,
    failed_planted,
    judge_trials,
    label_line,
    labelled_for,
    labellers_agree,
    question_named,
    read_labels,
)
from handoff_evals.judges.calibration import find_calibration
from handoff_evals.judges.panel import standing
from handoff_evals.stats import Confusion
from tests.support import judge_models
from tests.support.trials import RICH

GREETED = question_named("greeted_anew")
DATA = Path(__file__).parents[2] / "fixtures" / "judge_labels"
NAMES = (
    "agent_expectations",
    "right_agent",
    "truthful_transfer",
    "information_loss",
    "greeted_anew",
    "promise_kept",
    "redundant_statements",
)


def call(number: int, label: Label, *, labeller: str = "Ann") -> LabelledCall:
    said = "Welcome to the shop!" if label == "fail" else "You called about the lamp."
    return LabelledCall(
        excerpt=Excerpt.written(
            ("caller", "caller", f"It is about lamp {number}."),
            ("handoff", "b", "a -> b"),
            ("agent", "b", said),
        ),
        labels={"greeted_anew": label},
        labeller=labeller,
        half="hard" if number % 3 else "easy",
    )


def sixty() -> list[tuple[LabelledCall, Label]]:
    labels: list[Label] = ["pass", "fail"]
    return [(call(n, labels[n % 2]), labels[n % 2]) for n in range(60)]


def measured(**changed: int) -> Calibration:
    table = Confusion(**{"both_pass": 30, "both_fail": 30, **changed})
    return Calibration(
        judge="greeted_anew",
        model="m",
        identity="",
        prompt_sha256="p",
        version="1.1",
        created_at="2026-01-01",
        labels=table.total,
        passes=(Pass(order="asked", confusion=table),),
    )


async def test_a_good_judge_is_calibrated_and_counts(tmp_path: Path) -> None:
    model = JudgeModel(label="good", open=lambda _: judge_models.good())
    found = await calibrate(GREETED, sixty(), model)
    assert found.weakness is None
    assert found.errors == Confusion(both_pass=30, both_fail=30)
    assert [each.same for each in found.passes] == [None, 1.0, 1.0]
    assert {half: each.total for half, each in found.halves.items()} == {"easy": 20, "hard": 40}
    found.write(tmp_path / "good.json")
    assert Calibration.read(tmp_path / "good.json") == found
    assert standing(GREETED, model, calibrations=tmp_path).gates


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (measured(both_pass=20, both_fail=20), "40 labels judged, and 50 are needed"),
        (measured(passed_wrongly=4), "kappa 0.88, at least 0.70: below 0.8"),
        (measured(both_fail=0, both_pass=60), "kappa has no meaning"),
        (replace(measured(), stopped="it must pass"), "it was stopped: it must pass"),
    ],
)
def test_a_weak_judge_does_not_count(found: Calibration, why: str) -> None:
    assert why in (found.weakness or "")


def test_the_other_order_has_to_agree_as_well() -> None:
    bad = Pass(order="swapped", confusion=Confusion(both_pass=30, passed_wrongly=30))
    found = replace(measured(), passes=(*measured().passes, bad))
    assert "(swapped)" in (found.weakness or "")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"model": "other"}, "which is another model"),
        ({"identity": "{'temperature': 1}"}, "which is another model"),
        ({"version": "0.9"}, "it was calibrated in version 0.9, this is 1.1"),
        ({"prompt_sha256": "0"}, "its prompt has changed"),
        ({"judge": "promise_kept"}, "it was never calibrated"),
    ],
)
async def test_a_calibration_of_another_judge_does_not_count(
    tmp_path: Path, changed: dict[str, str], why: str
) -> None:
    own = await calibrate(GREETED, sixty(), RULES, repeats=0)
    replace(own, **changed).write(tmp_path / "a.json")  # type: ignore[arg-type]
    found, because = find_calibration(tmp_path, GREETED, RULES)
    assert found is None
    assert why in because
    own.write(tmp_path / "b.json")
    assert find_calibration(tmp_path, GREETED, RULES) == (own, "")


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 0}', '{"schema": 1, "judge": 3}'])
def test_a_file_that_is_no_calibration_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(UsageError, match="calibration"):
        Calibration.read(tmp_path / "x.json")


async def test_answers_that_are_no_verdicts_are_counted_by_cause() -> None:
    model = JudgeModel(label="nonsense", open=lambda _: judge_models.nonsense())
    found = await calibrate(GREETED, sixty()[:4], model, repeats=0)
    assert found.passes[0].unscored == {"judge_no_verdict": 4}
    assert found.errors.total == 0
    assert found.weakness is not None


def test_of_one_labeller_the_last_label_counts_and_two_that_differ_are_left_out() -> None:
    calls = [
        call(1, "pass"),
        replace(call(1, "pass"), labels={"greeted_anew": "fail"}),
        call(2, "pass"),
        replace(call(2, "pass", labeller="Bo"), labels={"greeted_anew": "fail"}),
        call(3, "fail", labeller="Bo"),
    ]
    agreed, differing = labelled_for("greeted_anew", calls)
    assert [label for _, label in agreed] == ["fail", "fail"]
    assert differing == 1
    [(one, other, both)] = labellers_agree("greeted_anew", calls)
    assert (one, other, both.passed_wrongly) == ("Ann", "Bo", 1)


def test_a_label_is_on_the_disk_at_once_and_can_be_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(f"{label_line(call(9, 'fail', labeller='Bo'))}\n")
    file = LabelFile(path, "Ann")
    for number in (1, 2):
        file.add("greeted_anew", call(number, "pass").excerpt, "pass")
    assert len(read_labels(path)) == 3
    file.take_back()
    again = LabelFile(path, "Ann")
    assert again.done("greeted_anew") == {call(1, "pass").excerpt.digest}
    again.take_back()
    assert again.take_back() is None
    assert [each.labeller for each in read_labels(path)] == ["Bo"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("x", "this is no label"),
        ("{}", "schema is not as it must be"),
        ('{"schema": 1, "labeller": "A", "labels": {"q": "maybe"}, "lines": [["a"]]}', "labels.q"),
        (
            '{"schema": 1, "labeller": "A", "labels": {"q": "pass"}, "lines": [["a"]]}',
            "is no line",
        ),
    ],
)
def test_a_line_that_is_no_label_is_refused_with_its_place(
    tmp_path: Path, line: str, says: str
) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(f"{label_line(call(1, 'pass'))}\n{line}\n")
    with pytest.raises(UsageError, match=says) as raised:
        read_labels(path)
    assert "labels.jsonl:2" in str(raised.value)


@pytest.fixture(name="data", scope="module")
def _data() -> Sequence[LabelledCall]:
    return read_labels(DATA)


def test_the_labelled_conversations_are_many_different_and_in_two_halves(
    data: Sequence[LabelledCall],
) -> None:
    assert len(data) >= 120
    assert len({each.excerpt.digest for each in data}) == len(data)
    assert {each.half for each in data} == {"easy", "hard"}
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 2_000_000


@pytest.mark.parametrize("name", NAMES)
def test_each_question_has_labels_of_both_kinds(data: Sequence[LabelledCall], name: str) -> None:
    labels = [label for _, label in labelled_for(name, data)[0]]
    assert len(labels) >= 120
    assert min(labels.count("pass"), labels.count("fail")) >= 40


def test_no_labelled_words_stand_in_a_prompt_or_a_planted_conversation(
    data: Sequence[LabelledCall],
) -> None:
    from handoff_evals.judges.judge import prompt  # noqa: PLC0415 - only here

    for name in NAMES:
        question = question_named(name)
        told = " ".join(
            message.text_content or ""
            for _, excerpt, _ in question.planted
            for message in prompt(question, excerpt).messages()
        )
        said = {line.text for each in data for line in each.excerpt.lines if line.kind == "agent"}
        assert not [text for text in said if text in told]


async def test_a_perfect_judge_counts_on_the_labelled_conversations(
    data: Sequence[LabelledCall],
) -> None:
    one = judge_models.perfect()
    model = JudgeModel(label="perfect", open=lambda _: one)
    labelled, _ = labelled_for("agent_expectations", data)
    question = question_named("agent_expectations")
    assert await failed_planted(question, model) is None
    found = await calibrate(question, labelled[:60], model, repeats=0)
    assert found.weakness is None
    assert found.errors.agreement == 1


async def test_the_script_makes_the_same_labels_anew(data: Sequence[LabelledCall]) -> None:
    made = await judge_labels.labelled(8)
    assert [label_line(each) for each in made] == [label_line(each) for each in data[:8]]


def test_scores_that_are_only_shown_do_not_decide() -> None:
    from handoff_evals.checks import overall  # noqa: PLC0415 - only here

    passed = Score(status="passed")
    shown = [Score(status=each, gates=False) for each in ("failed", "unscored")]
    assert overall((passed, *shown)) == "passed"
    assert overall(tuple(shown)) == "unscored"


async def test_a_folder_that_can_not_be_written_is_told_as_what_it_is(tmp_path: Path) -> None:
    panel = Panel.of(RULES, ["greeted_anew"], calibrations=tmp_path)
    scenario = Scenario(label="a", turns=(), judges=("greeted_anew",))

    class Full:
        def trials(self) -> list[Trial]:
            return [replace(RICH, scores=(Score(status="passed"),))]

        def append_scores(self, *_: object) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        await judge_trials(panel, Full(), {RICH.key.scenario_key: scenario})  # type: ignore[arg-type]

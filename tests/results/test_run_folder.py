import json
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handoff_evals.checks import Decision, Score
from handoff_evals.errors import RunFolderError
from handoff_evals.results import RunFolder, Trial
from handoff_evals.results.manifest import SCHEMA
from handoff_evals.transcript import (
    AgentError,
    AgentHandoff,
    AgentRef,
    Fault,
    FunctionCall,
    FunctionCallOutput,
    Message,
    Transcript,
    Turn,
)
from tests.support.trials import MANIFEST, RICH, numbered

words = st.text(st.characters(exclude_categories=()), max_size=20)
seconds = st.floats(min_value=0, allow_infinity=False)
refs = st.builds(AgentRef, attributes=st.dictionaries(words, words, max_size=2))


def tuples(each: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(each, max_size=3).map(tuple)


@pytest.fixture(name="run")
def _run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, MANIFEST, name="run")


def test_a_trial_comes_back_as_it_was_kept(run: RunFolder) -> None:
    run.append(RICH)

    assert list(RunFolder.open(run.path).trials()) == [RICH]


@given(
    trial=st.builds(
        replace,
        st.just(RICH),
        transcript=st.builds(
            Transcript,
            turns=tuples(
                st.builds(
                    Turn,
                    user=st.none() | words,
                    events=tuples(
                        st.builds(Message, text=words, agent=refs)
                        | st.builds(FunctionCall, arguments=words, agent=refs)
                        | st.builds(FunctionCallOutput, output=words, agent=refs)
                        | st.builds(AgentError, message=words, agent=refs)
                        | st.builds(AgentHandoff, old=st.none() | refs, new=refs)
                    ),
                    model_calls=st.just(()),
                    active=refs,
                    userdata=st.dictionaries(words, words | st.integers() | st.none(), max_size=2),
                    duration_s=seconds,
                )
            ),
            faults=tuples(st.builds(Fault, detail=words, retry_after_s=st.none() | seconds)),
        ),
        scores=tuples(st.builds(Score, reason=words, events=tuples(st.integers()))),
        decisions=tuples(st.builds(Decision)),
        duration_s=seconds,
    )
)
@settings(
    deadline=None,
    max_examples=40,
    # Each example has the folder's file for itself: it is emptied first.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_trial_comes_back_as_it_was_kept(run: RunFolder, trial: Trial) -> None:
    (run.path / "trials.jsonl").write_bytes(b"")
    run.append(trial)

    assert list(run.trials()) == [trial]


def test_trials_come_back_in_the_order_in_which_they_ended(run: RunFolder) -> None:
    for number in (2, 0, 1):
        run.append(numbered(number))

    assert [trial.key.number for trial in run.trials()] == [2, 0, 1]


def test_a_manifest_comes_back_as_it_was_written(run: RunFolder) -> None:
    assert RunFolder.open(run.path).manifest == MANIFEST


def test_what_is_written_can_be_read_by_people(run: RunFolder) -> None:
    run.append(RICH)

    assert "Grüße" in (run.path / "manifest.json").read_text(encoding="utf-8")
    assert "你好, 4471" in (run.path / "trials.jsonl").read_text(encoding="utf-8")


def test_a_torn_last_line_is_passed_over_and_the_whole_ones_are_kept(run: RunFolder) -> None:
    for number in range(3):
        run.append(numbered(number))
    file = run.path / "trials.jsonl"
    whole = file.read_bytes()
    last = whole[: whole.rstrip(b"\n").rfind(b"\n") + 1]
    for end in (len(last) + 1, len(last) + 40, len(whole) - 1):
        file.write_bytes(whole[:end])

        assert [trial.key.number for trial in run.trials()] == [0, 1]


def test_after_a_repair_the_next_trial_stands_on_a_line_of_its_own(run: RunFolder) -> None:
    run.append(numbered(0))
    file = run.path / "trials.jsonl"
    file.write_bytes(file.read_bytes() + b'{"key": {"sui')

    run.repair()
    run.append(numbered(1))

    assert [trial.key.number for trial in run.trials()] == [0, 1]


def test_a_repair_leaves_whole_lines_alone(run: RunFolder) -> None:
    run.append(numbered(0))
    before = (run.path / "trials.jsonl").read_bytes()

    run.repair()

    assert (run.path / "trials.jsonl").read_bytes() == before


def test_a_trial_that_does_not_fit_on_the_disk_leaves_no_half_line(run: RunFolder) -> None:
    run.append(numbered(0))
    size = (run.path / "trials.jsonl").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, hard))
    try:
        with pytest.raises(OSError, match="No space left on device"):
            run.append(numbered(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    run.append(numbered(2))

    assert [trial.key.number for trial in run.trials()] == [0, 2]


def test_a_whole_line_that_is_no_trial_is_an_error_with_its_place(run: RunFolder) -> None:
    run.append(numbered(0))
    file = run.path / "trials.jsonl"
    for line in (b'{"key": 1}\n', b"not json\n", b"\xff\n"):
        file.write_bytes(file.read_bytes().splitlines(keepends=True)[0] + line)

        with pytest.raises(RunFolderError, match=r"trials\.jsonl:2: not a trial of this version"):
            list(run.trials())


def test_a_run_is_never_written_over(run: RunFolder) -> None:
    run.append(RICH)

    with pytest.raises(RunFolderError, match="has a run already: choose another --out"):
        RunFolder.create(run.path.parent, MANIFEST, name="run")
    assert list(run.trials()) == [RICH]


def test_runs_that_start_in_the_same_second_get_folders_of_their_own(tmp_path: Path) -> None:
    runs = [RunFolder.create(tmp_path / "runs", MANIFEST) for _ in range(3)]

    assert len({run.path for run in runs}) == 3


def test_a_place_that_cannot_be_written_to_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(RunFolderError, match="a run can't be written to"):
        RunFolder.create(tmp_path / "file", MANIFEST, name="run")


@pytest.mark.parametrize("missing", ["manifest.json", "trials.jsonl"])
def test_a_folder_that_is_no_run_is_not_opened(run: RunFolder, missing: str) -> None:
    (run.path / missing).unlink()

    with pytest.raises(RunFolderError, match=f"is no run folder: it has no {missing}"):
        RunFolder.open(run.path)


@pytest.mark.parametrize("schema", [SCHEMA + 1, None, "1"])
def test_another_schema_is_refused_by_its_number_whatever_its_fields(
    run: RunFolder, schema: object
) -> None:
    (run.path / "manifest.json").write_text(
        json.dumps({"schema": schema, "something": "else"}), encoding="utf-8"
    )

    with pytest.raises(RunFolderError, match=f"has schema {schema!r}; this version reads 2"):
        _ = run.manifest


@pytest.mark.parametrize("data", ["", "{", '{"schema": 2}'])
def test_a_manifest_that_is_none_is_an_error_with_its_path(run: RunFolder, data: str) -> None:
    (run.path / "manifest.json").write_text(data, encoding="utf-8")

    with pytest.raises(RunFolderError, match=r"manifest\.json: not a manifest of this version"):
        _ = run.manifest


def test_a_summary_is_replaced_as_a_whole(run: RunFolder) -> None:
    for score in RICH.scores:
        run.write_summary(score)
        run.write_summary(replace(score, reason="Half of a pair: \ud83d"))

    assert json.loads((run.path / "summary.json").read_bytes())["reason"].endswith("\ud83d")
    assert sorted(path.name for path in run.path.iterdir()) == [
        "manifest.json",
        "summary.json",
        "trials.jsonl",
    ]


def test_of_a_trial_that_was_run_again_the_last_counts(run: RunFolder) -> None:
    again = replace(RICH, duration_s=7.0)
    for each in (RICH, numbered(2), again):
        run.append(each)

    assert list(run.trials()) == [numbered(2), again]


def test_two_processes_cannot_add_to_one_run(run: RunFolder) -> None:
    with run.locked(), pytest.raises(RunFolderError, match="another process is adding to"):  # noqa: SIM117
        with RunFolder.open(run.path).locked():
            pass
    with run.locked():
        run.append(RICH)

"""A cassette's file: each line is read once, and what can't be written is said."""

import os
from errno import ENOSPC
from pathlib import Path

import pytest

from handoff_evals.cassettes import Mode
from handoff_evals.cassettes import cassette_file as module
from handoff_evals.cassettes.exchange import Entry, entry_of
from handoff_evals.errors import CassetteError
from tests.cassettes.test_cassette import answer, cassette, exchange, record, request


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.RECORD])
def test_with_four_times_the_trials_four_times_the_lines_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: Mode
) -> None:
    lines: list[bytes] = []

    def counting(line: bytes) -> Entry:
        lines.append(line)
        return entry_of(line)

    monkeypatch.setattr(module, "entry_of", counting)
    counted = []
    for trials in (10, 40):
        lines.clear()
        kept = cassette(tmp_path / str(trials), mode)
        for trial in range(trials):
            answers = kept.trial("A scenario", trial=trial, seed=0)
            exchange(answers, request("hi"), "yes")
            answers.close(whole=True)
        counted.append(len(lines))
    assert counted == [10, 40]


def test_a_file_that_another_process_replaced_is_read_anew(tmp_path: Path) -> None:
    record(tmp_path, (request("one"), "1"), (request("two"), "2"))
    [path] = tmp_path.rglob("*.jsonl")
    file = module.CassetteFile(path)
    assert len(file.entries()) == 2
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[1])
    assert [each.request.conversation[0]["content"] for each in file.entries()] == ["two"]


def test_a_full_disk_is_an_error_of_the_cassette(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    answers = cassette(tmp_path).trial("A scenario", trial=0, seed=0)
    slot = answers.find(request("hi"))
    with pytest.raises(CassetteError, match="can't be written"):
        answers.keep(slot, answer("yes"))  # type: ignore[arg-type]  # it is a slot: nothing is kept

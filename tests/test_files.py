"""Files that are written whole, and locks between processes."""

import multiprocessing as mp
import os
from pathlib import Path
from typing import Any

import pytest

from handoff_evals.files import locked, write_atomically


def test_a_file_is_replaced_and_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    for text in ("one", "Grüße, \ud83d"):
        write_atomically(path, text)
    assert path.read_bytes() == "Grüße, ".encode() + b"\\ud83d"
    assert [*tmp_path.iterdir()] == [path]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "summary.json"
    write_atomically(path, b"old")

    def full(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [path]


def test_a_lock_is_free_again_after_its_block_and_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    for _ in range(2):
        with locked(path, wait=False), pytest.raises(TimeoutError), locked(path, wait=False):
            pass
    assert [*tmp_path.iterdir()] == []


def count_up(path: Path, barrier: Any) -> None:
    barrier.wait()
    for _ in range(20):
        with locked(path):
            write_atomically(path, str(int(path.read_text()) + 1))


def test_no_process_gets_in_between_another_ones_reading_and_writing(tmp_path: Path) -> None:
    path = tmp_path / "number"
    path.write_text("0")
    context = mp.get_context("fork")
    barrier = context.Barrier(3)
    writers = [context.Process(target=count_up, args=(path, barrier)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert path.read_text() == "60"

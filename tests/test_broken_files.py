"""Files that are not as they must be: a clear error, bounded in time and memory."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from handoff_evals.cassettes.cassette_file import CassetteFile
from handoff_evals.config import read_config
from handoff_evals.errors import HandoffEvalsError
from handoff_evals.importer import read_recording
from handoff_evals.results import Baseline, RunFolder
from handoff_evals.scenarios import load_suite

DEEP_JSON = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
HEAD = "agent: a:b\nscenarios:\n  - label: x\n    turns: [{user: hi}]\n"


def _trials(path: Path) -> object:
    (path.parent / "manifest.json").touch()
    return list(RunFolder(path.parent).trials())


def _manifest(path: Path) -> object:
    return RunFolder(path.parent).manifest


READERS: dict[str, Callable[[Path], object]] = {
    "manifest.json": _manifest,
    "trials.jsonl": _trials,
    "cassette.jsonl": lambda path: CassetteFile(path).entries(),
    "baseline.json": Baseline.read,
    "report.json": read_recording,
    "pyproject.toml": lambda path: read_config(path.parent),
    "scenarios.yaml": load_suite,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "data",
    [DEEP_JSON, b"\xff\xfe\x00\n", b"[]\n", b"null\n", b'"text"\n', b"1\n", b'{"schema": 2}\n'],
    ids=["deep", "no UTF-8", "list", "null", "text", "number", "empty"],
)
def test_each_kind_of_file_refuses_what_it_is_not(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data if name != "pyproject.toml" else data.replace(b'{"a":', b"a = "))
    with pytest.raises(HandoffEvalsError):
        READERS[name](path)


@pytest.mark.parametrize(
    "written",
    [
        "tags: !!set {a, b}",
        "tags: {a: !!binary aGk=}",
        "userdata: {a: !!timestamp 2024-01-01}",
        "userdata: {1: a, b: c}",
        "userdata: {[a]: b}",
        "userdata: {a: !!python/object:os.system x}",
        f"userdata: {{a: {'9' * 5000}}}",
    ],
)
def test_only_the_values_of_json_are_taken_from_yaml(tmp_path: Path, written: str) -> None:
    path = tmp_path / "scenarios.yaml"
    path.write_text(f"{HEAD}    {written}\n")
    with pytest.raises(HandoffEvalsError, match=r"scenarios\.yaml:\d+: "):
        load_suite(path)


def test_aliases_that_repeat_aliases_are_refused_soon(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    path = tmp_path / "scenarios.yaml"
    path.write_text("\n".join(lines))
    with pytest.raises(HandoffEvalsError, match="values, those that aliases repeat included"):
        load_suite(path)


def test_a_file_that_is_too_large_is_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "scenarios.yaml"
    path.write_bytes(b"#" * 11_000_000)
    with pytest.raises(HandoffEvalsError, match="11 MB, and 10 MB is the most"):
        load_suite(path)


def test_a_line_of_valid_json_and_wrong_shape_is_named(tmp_path: Path) -> None:
    (tmp_path / "trials.jsonl").write_text(json.dumps({"key": {"suite": 1}}) + "\n")
    with pytest.raises(HandoffEvalsError, match=r"trials\.jsonl:1: not a trial"):
        list(RunFolder(tmp_path).trials())

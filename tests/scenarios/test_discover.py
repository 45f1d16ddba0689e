from pathlib import Path

import pytest

from handoff_evals.errors import UsageError
from handoff_evals.scenarios import discover


@pytest.fixture(name="project")
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("evals/triage", "evals/billing/deep", "other"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "scenarios.yaml").touch()
    (tmp_path / "evals" / "notes.yaml").touch()
    (tmp_path / "bare").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_named_means_every_scenario_file_of_evals(project: Path) -> None:
    assert discover([], folder=project) == [
        Path("evals/billing/deep/scenarios.yaml"),
        Path("evals/triage/scenarios.yaml"),
    ]


def test_a_folder_stands_for_the_scenario_files_in_it(project: Path) -> None:
    assert discover(["evals/billing"], folder=project) == [
        Path("evals/billing/deep/scenarios.yaml")
    ]


def test_a_file_may_have_any_name(project: Path) -> None:
    assert discover(["evals/notes.yaml"], folder=project) == [Path("evals/notes.yaml")]


def test_what_is_named_twice_is_found_once(project: Path) -> None:
    named = ["other", "other/scenarios.yaml", str(project / "other")]

    assert discover(named, folder=project) == [Path("other/scenarios.yaml")]


def test_a_file_outside_of_the_current_folder_keeps_its_whole_path(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "bare")

    assert discover(["other"], folder=project) == [project.resolve() / "other/scenarios.yaml"]


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (["bare"], "'bare' has no scenarios.yaml"),
        (["nowhere"], "'nowhere' is neither a file nor a folder in"),
        (["other", "nowhere"], "'nowhere' is neither"),
    ],
)
def test_what_is_not_there_is_refused(project: Path, named: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        discover(named, folder=project)


def test_a_project_without_evals_is_told_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name a scenario file or a folder that has some"):
        discover([], folder=tmp_path)


def test_a_file_may_be_called_scenario_yaml_too(project: Path) -> None:
    (project / "bare" / "scenario.yaml").touch()
    assert discover(["bare"], folder=project) == [Path("bare/scenario.yaml")]

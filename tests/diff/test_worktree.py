"""A git ref, checked out beside the working tree and removed again."""

import subprocess
import sys
from pathlib import Path

import pytest

from handoff_evals.diff.worker import move_path
from handoff_evals.diff.worker_client import WorkerSettings
from handoff_evals.diff.worktree import Repository
from handoff_evals.errors import UsageError


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words],  # noqa: S607 - whichever there is
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in a subfolder of its repository, with two commits on main."""
    folder = tmp_path / "repo" / "phone"
    folder.mkdir(parents=True)
    root = folder.parent
    git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "config", "user.email", "somebody@example.com")
    git(root, "config", "user.name", "Somebody")
    for words in ("first", "second"):
        (folder / "words.txt").write_text(words)
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", words)
    return folder


def test_a_commit_is_checked_out_elsewhere_and_removed(project: Path) -> None:
    repository = Repository.around(project)
    with repository.checked_out(repository.commit("HEAD~1")) as root:
        assert (root / repository.project / "words.txt").read_text() == "first"
        assert not root.is_relative_to(project.parent)
    assert not root.exists()
    assert git(project, "worktree", "list").count("\n") == 0
    assert (project / "words.txt").read_text() == "second"
    assert git(project, "status", "--porcelain") == ""


def test_it_is_removed_when_the_work_is_interrupted(project: Path) -> None:
    repository = Repository.around(project)
    with pytest.raises(KeyboardInterrupt), repository.checked_out("HEAD") as root:
        raise KeyboardInterrupt
    assert not root.exists()
    assert git(project, "worktree", "list").count("\n") == 0


def test_no_hook_runs(project: Path) -> None:
    hook = project.parent / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with Repository.around(project).checked_out("HEAD"):
        pass


def test_a_git_hooks_index_is_left_alone(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = project.parent / ".git" / "index"
    before = index.read_bytes()
    monkeypatch.setenv("GIT_INDEX_FILE", str(index))
    monkeypatch.setenv("GIT_DIR", str(project.parent / ".git"))
    repository = Repository.around(project)
    with repository.checked_out(repository.commit("HEAD~1")):
        assert index.read_bytes() == before
    assert repository.root == project.parent.resolve()


def test_a_branch_is_compared_with_where_it_left_main(project: Path) -> None:
    repository = Repository.around(project)
    assert repository.fork_point() == repository.commit("HEAD"), "on main: with its last commit"
    git(project, "checkout", "--quiet", "-b", "edit")
    (project / "words.txt").write_text("third")
    git(project, "commit", "--quiet", "--all", "--message", "third")
    assert repository.fork_point() == repository.commit("main")


def test_what_is_no_ref_is_told_with_the_branches(project: Path) -> None:
    with pytest.raises(UsageError, match=r"'nothing' is no git ref.*main"):
        Repository.around(project).commit("nothing")
    with pytest.raises(UsageError, match="is no git ref"):
        Repository.around(project).commit("--help")


def test_outside_of_a_repository_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is in no git repository"):
        Repository.around(tmp_path)


def test_folders_on_the_path_move_with_the_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, root = tmp_path / "home", tmp_path / "tree"
    packages = home / ".venv" / "lib" / "site-packages"
    monkeypatch.setattr(sys, "path", [str(home / "src"), str(packages), "/elsewhere"])
    settings = WorkerSettings(
        folder=str(root),
        home=str(home),
        root=str(root),
        home_root=str(home),
        suites=(),
        caller="",
        model="never",
        trials=1,
        seed=0,
        turn_s=1.0,
        out="out",
        cassette_folders=(),
    )
    move_path(settings)
    assert sys.path == [str(root / "src"), str(packages), "/elsewhere"]

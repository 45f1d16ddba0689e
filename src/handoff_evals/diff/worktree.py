"""A git ref, checked out beside the working tree and removed again."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from handoff_evals.errors import UsageError

_MAIN = ("origin/HEAD", "main", "master")
_TIMEOUT_S = 300.0
_IN_USE = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"})


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A git repository, and the project's folder in it."""

    root: Path
    project: Path
    """Relative to the root."""

    @classmethod
    def around(cls, folder: Path) -> "Repository":
        """Find the repository that a project lies in.

        Raises:
            UsageError: when there is none, or no git.
        """
        root = _git(folder, "rev-parse", "--show-toplevel")
        if root is None:
            raise UsageError(
                f"{str(folder)!r} is in no git repository (or there is no git), so there is no ref "
                "to compare with; name finished runs: --a RUN --b RUN"
            )
        return cls(
            root=Path(root).resolve(),
            project=folder.resolve().relative_to(Path(root).resolve()),
        )

    def commit(self, ref: str) -> str:
        """The commit that a ref names.

        Raises:
            UsageError: when it is none.
        """
        found = _git(
            self.root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"
        )
        if found is None:
            branches = _git(self.root, "branch", "--format=%(refname:short)") or ""
            known = ", ".join(branches.split()[:5])
            raise UsageError(
                f"{ref!r} is no git ref, no run folder and no baseline file; name a commit, a "
                f"branch ({known or 'there is none'}), a tag, a finished run, or `.` for the "
                "working tree"
            )
        return found

    def fork_point(self) -> str:
        """The commit at which the current branch left the main one; on that one, HEAD.

        Raises:
            UsageError: when nothing was ever committed.
        """
        for branch in _MAIN:
            found = _git(self.root, "merge-base", branch, "HEAD")
            if found is not None:
                return found
        return self.commit("HEAD")

    def described(self, commit: str) -> str:
        """A commit as people know it: its short name and its subject."""
        return _git(self.root, "log", "-1", "--format=%h %s", commit) or commit

    def changed_files(self, a: str | None, b: str | None) -> list[Path]:
        """The files that differ, new ones that git does not ignore included.

        Args:
            a: a commit; None for the working tree.
            b: likewise.

        Raises:
            UsageError: when git can't say.
        """
        if a == b:
            return []
        found: list[str] = []
        commits = [each for each in (a, b) if each is not None]
        asked = [("diff", "--name-only", "-z", *commits, "--")]
        if None in {a, b}:
            asked.append(("ls-files", "--others", "--exclude-standard", "-z"))
        for words in asked:
            listed = _git(self.root, *words)
            if listed is None:
                raise UsageError(f"git can't say which files differ: `git {' '.join(words)}` fails")
            found += [name for name in listed.split("\0") if name]
        return [self.root / name for name in found]

    @contextmanager
    def checked_out(self, commit: str) -> Iterator[Path]:
        """Check a commit out into a folder of its own, for as long as it is needed.

        The working tree, its branch and its index stay as they are.

        Yields:
            The folder with the commit's files, in the root's place.

        Raises:
            UsageError: when git can't.
        """
        # Resolved: what is imported from there is told by its resolved path.
        with tempfile.TemporaryDirectory(prefix="handoff-evals-", ignore_cleanup_errors=True) as at:
            path = Path(at).resolve() / "tree"
            try:
                self._add(path, commit)
                yield path
            finally:
                _git(self.root, "worktree", "remove", "--force", str(path))
                _git(self.root, "worktree", "prune")

    def _add(self, path: Path, commit: str) -> None:
        # Nobody's hook has to run for a checkout that nobody works in.
        hooks = ("-c", "core.hooksPath=/dev/null")
        done = _run(self.root, *hooks, "worktree", "add", "--detach", str(path), commit)
        if done is None or done.returncode:
            why = "git is not done in time" if done is None else done.stderr.strip()
            raise UsageError(f"{commit} can't be checked out: {why}")


def _git(folder: Path, *words: str) -> str | None:
    """What git answers; None where it fails."""
    done = _run(folder, *words)
    return done.stdout.strip() if done is not None and not done.returncode else None


def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(  # noqa: S603 - no shell, and refs are after --end-of-options
            ["git", "-C", str(folder), *words],  # noqa: S607 - whichever git the user has
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
            # In a git hook these point at a repository and an index that are in use.
            env={name: value for name, value in os.environ.items() if name not in _IN_USE},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None

"""What a run was made with: the versions of its packages, and the project's commit."""

import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def versions() -> Mapping[str, str]:
    """The versions of Python and of the packages that conversations depend on, by name."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in ("handoff-evals", "livekit-agents", "livekit-plugins-openai", "xllamacpp"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def git_state(folder: Path) -> tuple[str | None, bool]:
    """The commit that is checked out, None where there is none; and whether files are changed."""

    def ask(*words: str) -> str | None:
        try:
            done = subprocess.run(  # noqa: S603 - fixed words, no shell
                ["git", "-C", str(folder), *words],  # noqa: S607 - whichever git the user has
                capture_output=True,
                text=True,
                check=True,
                timeout=10,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip()

    commit = ask("rev-parse", "HEAD")
    return commit, bool(ask("status", "--porcelain")) if commit else False

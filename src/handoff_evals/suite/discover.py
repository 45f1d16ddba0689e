"""Which scenario files are meant by what was typed."""

from collections.abc import Sequence
from pathlib import Path

from handoff_evals.errors import UsageError

FILE_NAME = "scenarios.yaml"
DEFAULT_FOLDER = "evals"


def discover(named: Sequence[str], *, folder: Path) -> list[Path]:
    """Find the scenario files of files and folders, or of `evals/` when none is named.

    Raises:
        UsageError: when something named is not there, or holds no scenario file.
    """
    found: list[Path] = []
    for each in named or [DEFAULT_FOLDER]:
        path = folder / each
        if path.is_file():
            found.append(path)
        elif path.is_dir():
            inside = sorted(path.rglob(FILE_NAME))
            if not inside:
                raise UsageError(f"{each!r} holds no {FILE_NAME}")
            found.extend(inside)
        else:
            default = "" if named else "; name a scenario file or a folder that holds some"
            raise UsageError(f"{each!r} is neither a file nor a folder in {str(folder)!r}{default}")
    return list(dict.fromkeys(_shortest(path) for path in found))


def _shortest(path: Path) -> Path:
    resolved = path.resolve()
    here = Path.cwd().resolve()
    return resolved.relative_to(here) if resolved.is_relative_to(here) else resolved

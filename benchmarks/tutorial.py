"""Follow docs/tutorial.md word by word in a fresh environment, and compare what is printed.

    python benchmarks/tutorial.py

Builds the wheel, makes an empty folder, writes each file and types each command of the page as it
stands there (`pip install` finds the wheel), and says how long it took. Exits with 1 where anything
is printed otherwise than on the page, but for times, names of runs and addresses.
"""

import difflib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.docs.pages import Command, plain, snippets  # noqa: E402 - found by the line above

PAGE = ROOT / "docs" / "tutorial.md"


def typed(command: Command, folder: Path, environment: dict[str, str]) -> tuple[str, float]:
    """What a command prints in the reader's shell, and the seconds that it took."""
    began = time.monotonic()
    activate = ". .venv/bin/activate && " if (folder / ".venv/bin/pip").exists() else ""
    done = subprocess.run(
        ["/bin/bash", "-c", activate + command.typed],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout, time.monotonic() - began


def main() -> int:
    """Follow the page; the exit code."""
    began, wrong, compared = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as parent:
        folder, wheels = Path(parent, "shop"), Path(parent, "wheels")
        folder.mkdir()
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
        subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
        known = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        environment = {
            **known,
            **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
            "PIP_FIND_LINKS": f"{wheels} {os.environ.get('PIP_FIND_LINKS', '')}".strip(),
            "PIP_QUIET": "2",  # mirrors that lack something are no part of the page
            "COLUMNS": "80",
        }
        for snippet in snippets(PAGE):
            if snippet.file:
                path = folder / snippet.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(snippet.text, encoding="utf-8")
                print(f"wrote {snippet.file}")
                continue
            for command in snippet.commands:
                printed, seconds = typed(command, folder, environment)
                expected, found = plain(command.printed or ""), plain(printed)
                same = expected == found
                compared += 1
                wrong += not same
                print(f"{'as printed' if same else 'OTHERWISE'}  {seconds:6.1f} s  {command.typed}")
                if not same:
                    lines = difflib.unified_diff(
                        expected.splitlines(), found.splitlines(), "on the page", "here", n=99
                    )
                    print(*lines, sep="\n")
    print(f"{compared} commands, {wrong} otherwise, {time.monotonic() - began:.0f} s in all")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

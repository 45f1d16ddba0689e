"""The snippets of a page: what they are, and how each kind is run.

A fenced block is a snippet, unless its language is `text`. With `title="NAME"` it is a file of
the reader's project. What no reader has to see stands in a comment before a block:

```
<!-- test: run COMMAND -->         run this first; REPOSITORY is its folder
<!-- test: file NAME -->           as `title=`, without showing it
<!-- test: exit CODE -->           how the block's last command ends
<!-- test: shows COMMAND -->       a command that fails prints this `text`
<!-- test: agent MODULE:NAME -->   the agent of a part of a scenario file
<!-- test: not run, REASON -->     all of the block, whose commands are only parsed
```
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
_PARTS = re.compile(
    r"^<!-- test: (?P<wish>.*?) -->$"
    r"|^(?P<indent> *)```(?P<info>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_TITLE = re.compile(r'title="([^"]*)"')


@dataclass(frozen=True, kw_only=True)
class Snippet:
    """One block of a page."""

    page: Path
    line: int
    language: str
    text: str
    file: str = ""
    """The file of the reader's project that it is; empty where it is none."""
    first: tuple[str, ...] = ()
    """Commands to run before it."""
    exit: int = 0
    agent: str = ""
    shows: str = ""
    not_run: str = ""
    """Why it can't be run here."""

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def commands(self) -> tuple["Command", ...]:
        """What is typed, with what is printed where the page shows it."""
        if self.language == "console":
            return tuple(_typed(self.text))
        joined = self.text.replace("\\\n", " ")
        lines = (line.partition(" #")[0].strip() for line in joined.splitlines())
        return tuple(Command(typed=line) for line in lines if line and not line.startswith("#"))


@dataclass(frozen=True, kw_only=True)
class Command:
    """What is typed at a prompt."""

    typed: str
    printed: str | None = None
    """None where the page does not show it."""

    @property
    def words(self) -> list[str]:
        """As a shell splits them."""
        return shlex.split(self.typed)


def snippets(page: Path) -> Iterator[Snippet]:
    """The snippets of a page in their order."""
    text = page.read_text(encoding="utf-8")
    wishes: list[str] = []
    for part in _PARTS.finditer(text):
        if part["wish"] is not None:
            wishes.append(part["wish"])
            continue
        language, _, rest = part["info"].strip().partition(" ")
        if language == "text" and not any(wish.startswith("shows ") for wish in wishes):
            continue
        title = _TITLE.search(rest)
        indent = part["indent"]
        lines = [line.removeprefix(indent) for line in part["text"].splitlines(keepends=True)]
        yield _wished(
            Snippet(
                page=page,
                line=text.count("\n", 0, part.start()) + 1,
                language=language,
                text="".join(lines),
                file=title[1] if title else "",
            ),
            wishes,
        )
        wishes = []


def _wished(snippet: Snippet, wishes: list[str]) -> Snippet:
    known: dict[str, object] = {"first": ()}
    for wish in wishes:
        name, _, value = wish.partition(" ")
        match name:
            case "run":
                known["first"] = (*known["first"], value.replace("REPOSITORY", str(ROOT)))  # type: ignore[misc]
            case "file" | "agent" | "shows":
                known[name] = value
            case "exit":
                known[name] = int(value)
            case "not":
                known["not_run"] = value.removeprefix("run, ")
            case _:
                raise ValueError(f"{snippet.place}: no such wish: {wish!r}")
    return Snippet(**{**vars(snippet), **known})


def _typed(text: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        typed, _, printed = part.partition("\n")
        yield Command(typed=typed.strip(), printed=printed)


def plain(printed: str) -> str:
    """What is printed, without what differs from run to run: times, names of runs, addresses."""
    text = re.sub(r"\d+\.\d+(?= ?s\b)", "0.00", printed)
    text = re.sub(r"\b\d{8}-\d{6}(-\d+)?\b", "20260101-120000", text)
    text = re.sub(r"\b0x[0-9a-f]+\b", "0x0", text)
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())

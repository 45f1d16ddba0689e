"""What is printed: `echo` and rich's consoles and texts, in which all words are only words.

Nothing else prints; ruff refuses `typer.echo`, rich's own `Console` and rich's own `Text`.
"""

import contextlib
import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import rich.console
import rich.text
import typer
from rich.console import ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment

from handoff_evals.display import visible, visible_json

_STDOUT, _STDERR = 1, 2


def echo(text: str = "", *, err: bool = False, nl: bool = True, bold: bool = False) -> None:
    """Print a text, on standard output or on standard error."""
    typer.secho(visible(text), err=err, nl=nl, bold=bold or None)


class Text(rich.text.Text):
    """rich's text, of words that do nothing."""

    def __init__(self, text: str = "", *args: Any, **more: Any) -> None:
        super().__init__(visible(text), *args, **more)

    def append(self, text: rich.text.Text | str, style: Any = None) -> "Text":
        """Add a text at the end."""
        super().append(visible(text) if isinstance(text, str) else text, style)
        return self


class Inert:
    """Anything that rich can draw, without what a terminal or a CI system acts on.

    For consoles of others, as a notebook's; `Console` draws everything so.
    """

    def __init__(self, drawn: RenderableType) -> None:
        self._drawn = drawn

    def __rich_console__(self, console: rich.console.Console, options: ConsoleOptions) -> Any:
        """Draw it."""
        yield from _inert(console.render(self._drawn, options))


class Console(rich.console.Console):
    """rich's console: a text is no markup and has no codes for emojis."""

    def __init__(self, **more: Any) -> None:
        super().__init__(markup=False, emoji=False, **more)

    def render_str(self, text: str, **more: Any) -> rich.text.Text:
        """Make a text of a string, as of each that is printed."""
        return super().render_str(visible(text), **more)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Draw it."""
        return _inert(super().render(renderable, options))


def _inert(segments: RenderResult | Iterable[Segment]) -> Iterator[Segment]:
    for segment in segments:
        if isinstance(segment, Segment) and segment.control is None:
            yield Segment(visible(segment.text), segment.style)
        else:
            yield segment  # type: ignore[misc]  # rendered are segments only


@contextmanager
def to_reader() -> Iterator[Console]:
    """A console on standard output, for the last that a command has to say.

    Yields:
        The console; once nobody reads any more, the block ends without an error.
    """
    try:
        yield Console()
        sys.stdout.flush()
    except SystemExit:
        pass  # rich's own way of saying the same
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def json_alone(*, wanted: bool = True) -> Iterator[None]:
    """Keep standard output for JSON: what anybody else prints meanwhile goes to standard error.

    That is what an agent prints, writes to file descriptor 1, or lets another process print.

    Args:
        wanted: whether there will be any JSON; if not, nothing is changed.
    """
    if not wanted:
        yield
        return
    with contextlib.ExitStack() as stack:
        if _descriptor() == _STDOUT:
            sys.stdout.flush()
            real = os.dup(_STDOUT)
            os.dup2(_STDERR, _STDOUT)
            stack.callback(_put_back, real)
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        yield


def _put_back(real: int) -> None:
    sys.stderr.flush()
    os.dup2(real, _STDOUT)
    os.close(real)


def print_json(document: str | bytes) -> None:
    """Print a JSON document, after which standard output is closed to everybody else."""
    text = document.decode() if isinstance(document, bytes) else document
    print(visible_json(text.rstrip("\n")))  # noqa: T201 - the one place
    sys.stdout.flush()
    if _descriptor() == _STDOUT:  # for what an agent's threads and exit handlers still print
        os.dup2(_STDERR, _STDOUT)


def _descriptor() -> int:
    try:
        return sys.stdout.fileno()
    except (AttributeError, io.UnsupportedOperation):
        return -1

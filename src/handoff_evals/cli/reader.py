"""Printing a report: who stops reading it, as `head` does, changes no verdict."""

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console


@contextmanager
def to_reader() -> "Iterator[Console]":
    """A console on standard output, for the last that a command has to say.

    Yields:
        The console; once nobody reads any more, the block ends without an error.
    """
    from rich.console import Console

    try:
        yield Console()
        sys.stdout.flush()
    except SystemExit:
        pass  # rich's own way of saying the same
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

"""What tests import, and forget again."""

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import handoff_evals


def import_everything() -> None:
    """Import all of the harness, and livekit with it, also what it would import late."""
    for module in pkgutil.walk_packages(handoff_evals.__path__, f"{handoff_evals.__name__}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


@contextmanager
def forgotten(folder: Path) -> Iterator[None]:
    """Forget in the end which modules were imported from a folder, as a process does that ends."""
    path = [*sys.path]
    try:
        yield
    finally:
        sys.path[:] = path
        inside = str(folder.resolve()) + "/"
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None)).startswith(inside):
                del sys.modules[name]
        importlib.invalidate_caches()

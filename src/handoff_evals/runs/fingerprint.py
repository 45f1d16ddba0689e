"""Whether an agent's code is still what it was."""

import ast
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType


def fingerprint(module: str, *, folder: Path) -> str:
    """A sha256 over the source of a module and of all it imports from the user's project.

    Args:
        module: an imported module's name.
        folder: the project; what lies outside it, or in its virtual environment,
            is covered by the versions in the manifest.
    """
    digest = hashlib.sha256()
    for path in sorted(_sources(module, folder.resolve(), set())):
        digest.update(str(path.relative_to(folder.resolve())).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources(module: str, folder: Path, seen: set[str]) -> Iterator[Path]:
    if module in seen:
        return
    seen.add(module)
    path = _own_file(sys.modules.get(module), folder)
    if path is None:
        return
    yield path
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for name in _imports(ast.parse(path.read_bytes()), package):
        yield from _sources(name, folder, seen)


def _own_file(module: ModuleType | None, folder: Path) -> Path | None:
    written = getattr(module, "__file__", None)
    if written is None:
        return None
    path = Path(written).resolve()
    own = path.is_relative_to(folder) and "site-packages" not in path.parts
    return path if own and path.suffix == ".py" else None


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: -(node.level - 1) or None] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)

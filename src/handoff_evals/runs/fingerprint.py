"""What a run was made with: the agents' code, installed versions, the git commit."""

import ast
import hashlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
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


def installed_versions() -> Mapping[str, str]:
    """Versions of what decides how a conversation goes, by distribution name."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in ("handoff-evals", "livekit-agents", "livekit-plugins-openai", "xllamacpp"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def git_state(folder: Path) -> tuple[str | None, bool]:
    """The commit that is checked out and whether files differ from it; None outside of git."""

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

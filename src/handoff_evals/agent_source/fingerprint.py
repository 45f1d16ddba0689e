"""Whether an agent's code is still what it was: digests of files, functions and classes."""

import ast
import hashlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

_PLAIN = (str, bytes, int, float, complex, bool, type(None), type(...))


def digest_of_function(function: Any, *, folder: Path) -> str:
    """A digest of a function.

    Args:
        function: what is called; a wrapper is looked through.
        folder: the project.
    """
    return _digest(_Reader(folder).parts(inspect.unwrap(function)))


def digest_of_class(agent: type[Any], *, folder: Path) -> str:
    """A digest of an agent's class: methods and attributes, those of its bases in the project too.

    Its tools are left out: each has its own.
    """
    reader = _Reader(folder)
    own = [each for each in agent.__mro__ if reader.is_own(each)]
    return _digest(part for each in own for part in reader.members(each))


class _Reader:
    """Follows what a function uses, each thing once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._seen: set[int] = set()

    def is_own(self, thing: Any) -> bool:
        """Whether a function, a class or a module is the project's."""
        try:
            path = Path(inspect.getfile(thing)).resolve()
        except (OSError, TypeError):
            return False
        return path.is_relative_to(self._folder) and "site-packages" not in path.parts

    def parts(self, thing: Any) -> Iterator[str]:
        """All that a value comes to, as text."""
        if isinstance(thing, Enum):
            yield f"{type(thing).__qualname__}.{thing.name}"
        elif isinstance(thing, _PLAIN):
            yield repr(thing)
        elif isinstance(thing, list | tuple):
            for each in thing:
                yield from self.parts(each)
        elif isinstance(thing, set | frozenset):
            yield from sorted(part for each in thing for part in self.parts(each))
        elif isinstance(thing, Mapping):
            for name, value in thing.items():
                yield from self.parts(name)
                yield from self.parts(value)
        elif id(thing) in self._seen:
            return
        else:
            self._seen.add(id(thing))
            yield from self._object(thing)

    def members(self, owner: type) -> Iterator[str]:
        """The methods of a class, and its plain attributes."""
        for name, member in sorted(vars(owner).items()):
            if name.startswith("__") and not callable(member):
                continue  # its docstring, its module, its annotations
            yield name
            if isinstance(member, classmethod | staticmethod):
                yield from self.parts(member.__func__)
            elif isinstance(member, property):
                for function in (member.fget, member.fset, member.fdel):
                    yield from self.parts(function)
            else:
                yield from self.parts(member)

    def _object(self, thing: Any) -> Iterator[str]:
        if isinstance(thing, FunctionType):
            yield thing.__qualname__
            if self.is_own(thing):
                yield from self._function(thing)
        elif isinstance(thing, type):
            yield thing.__qualname__
            if self.is_own(thing) and not _is_agent(thing):
                yield from self.members(thing)
        else:
            yield type(thing).__qualname__

    def _function(self, function: FunctionType) -> Iterator[str]:
        yield from self._code(function.__code__, skip=function.__doc__)
        yield from self.parts(function.__defaults__)
        yield from self.parts(function.__kwdefaults__)
        for cell in function.__closure__ or ():
            try:
                yield from self.parts(inspect.unwrap(cell.cell_contents))
            except ValueError:  # it is not filled yet
                continue
        names = sorted(set(_names(function.__code__)))
        found = [function.__globals__[name] for name in names if name in function.__globals__]
        for thing in found:
            yield from self.parts(thing)
            if isinstance(thing, ModuleType) and self.is_own(thing):
                yield from self.parts([getattr(thing, name, None) for name in names])

    def _code(self, code: CodeType, *, skip: str | None = None) -> Iterator[str]:
        yield code.co_code.hex()
        yield " ".join((*code.co_names, *code.co_varnames, *code.co_freevars))
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                yield from self._code(constant)
            elif constant != skip:
                yield from self.parts(constant)


def _is_agent(thing: type) -> bool:
    """Whether it is one of livekit's, each of which has a digest of its own."""
    return any(each.__module__.startswith("livekit.agents") for each in thing.__mro__)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _digest(parts: Iterator[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass") + b"\x1f")
    return digest.hexdigest()[:16]


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

"""Whether an agent is still what it was: digests of files, functions and classes.

A digest of a function or a class is two words: the first is of its code, the second of the
values that it reads by name. An id that a module draws when it is imported changes the second.
"""

import ast
import hashlib
import inspect
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from handoff_evals.user_code import is_user_file

_PLAIN = (str, bytes, int, float, complex, bool, type(None), type(...))


class _Code(str):
    """A part of a digest that is code, and no value."""

    __slots__ = ()


def digest_of_function(function: Any, *, folder: Path) -> str:
    """A digest of a function.

    Args:
        function: what is called; a wrapper is looked through.
        folder: the project.
    """
    return _digests(_CodeReader(folder).parts(inspect.unwrap(function)))


def digest_of_class(agent: type[Any], *, folder: Path) -> str:
    """A digest of an agent's class: methods and attributes, those of its bases in the project too.

    Its tools are left out: each has its own.
    """
    reader = _CodeReader(folder)
    own = [each for each in agent.__mro__ if reader.is_own(each)]
    return _digests(part for each in own for part in reader.members(each))


def digest_of_values(factory: Any, *, folder: Path) -> str:
    """A digest of the plain values that a factory, and all agents that it leads to, read by name.

    Their order is left out: what is made of a set has another one in each process.

    Args:
        factory: an agent's class, or a function that makes agents.
        folder: the project.
    """
    parts = _CodeReader(folder, follow_agents=True).parts(inspect.unwrap(factory))
    values = (part for part in parts if not isinstance(part, _Code))
    return _digest(sorted(word for value in values for word in value.split()))


class _CodeReader:
    """Follows what a function uses, each thing once."""

    def __init__(self, folder: Path, *, follow_agents: bool = False) -> None:
        self._folder = folder.resolve()
        self._follow_agents = follow_agents
        self._seen: set[int] = set()

    def is_own(self, thing: Any) -> bool:
        """Whether a function, a class or a module is the project's."""
        try:
            path = Path(inspect.getfile(thing)).resolve()
        except (OSError, TypeError):
            return False
        return path.is_relative_to(self._folder) and is_user_file(str(path))

    def parts(self, thing: Any) -> Iterator[str]:
        """All that a value comes to, as text."""
        if isinstance(thing, Enum):
            yield f"{type(thing).__qualname__}.{thing.name}"
        elif isinstance(thing, _PLAIN):
            # Where the project lies is no part of it: the two sides of a diff lie apart.
            yield repr(thing).replace(str(self._folder), "")
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
            thing = inspect.unwrap(thing)
            yield thing.__qualname__
            if self.is_own(thing):
                yield from self._function(thing)
        elif isinstance(thing, type):
            yield thing.__qualname__
            if self.is_own(thing) and (self._follow_agents or not _is_agent(thing)):
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
        yield _Code(code.co_code.hex())
        yield _Code(" ".join((*code.co_names, *code.co_varnames, *code.co_freevars)))
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                yield from self._code(constant)
            elif constant != skip:
                yield from map(_Code, self.parts(constant))


def _is_agent(thing: type) -> bool:
    """Whether it is one of livekit's, each of which has a digest of its own."""
    return any(each.__module__.startswith("livekit.agents") for each in thing.__mro__)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _digests(parts: Iterable[str]) -> str:
    found = list(parts)
    code = [part for part in found if isinstance(part, _Code)]
    values = [part for part in found if not isinstance(part, _Code)]
    return f"{_digest(code)} {_digest(values)}"


def _digest(parts: Iterable[str]) -> str:
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
    for path in sorted(sources(module, folder.resolve(), set())):
        digest.update(str(path.relative_to(folder.resolve())).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def data_digests(module: str, *, folder: Path) -> Mapping[str, str]:
    """Digests of the data files that the source of a module, and of what it imports, may read.

    Which files these are is told by the texts in the source: one that names a file (`a.json`),
    a folder (`prompts`), or how a name ends (`_prompt.txt`), beside the module or from the
    project's folder.

    Args:
        module: an imported module's name.
        folder: the project.

    Returns:
        By the file's path from the project's folder.
    """
    folder = folder.resolve()
    found: set[Path] = set()
    for source in sources(module, folder, set()):
        for text in _texts(ast.parse(source.read_bytes())):
            for start in {source.parent, folder}:
                found.update(_named(text, start))
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for path in sorted(found)
        if path.is_relative_to(folder)
    }


# What agents read; what they write, as a database or a log, changes in each call.
_DATA = frozenset(
    f".{end}"
    for end in (
        *("json", "yaml", "yml", "toml", "xml", "csv", "ini", "cfg"),
        *("md", "txt", "html", "j2", "jinja", "jinja2", "prompt"),
    )
)
_LONGEST = 200
_MOST = 1000
"""Files that are looked at of one folder."""


def _named(text: str, start: Path) -> Iterator[Path]:
    """The data files that a text in the source may name."""
    if not 1 < len(text) <= _LONGEST or not text.isprintable() or text.strip("./") == "":
        return
    try:
        path = start / text
        if path.is_dir() and start in path.resolve().parents:
            yield from _data_in(path)
        elif Path(f"x{text.lstrip('*')}").suffix in _DATA:
            if path.is_file():
                yield path.resolve()
            elif "/" not in text:
                end = text.lstrip("*")
                yield from (each for each in _data_in(start) if each.name.endswith(end))
    except (OSError, ValueError):  # no path on this system
        return


def _data_in(folder: Path) -> Iterator[Path]:
    """The data files in a folder, but for runs, hidden folders and environments."""
    left = _MOST
    for at, folders, files in os.walk(folder):
        if "trials.jsonl" in files or "pyvenv.cfg" in files:
            folders.clear()
            continue
        folders[:] = sorted(
            each for each in folders if not each.startswith((".", "__")) and each not in _NO_DATA
        )
        for name in sorted(files):
            if Path(name).suffix in _DATA and left:
                left -= 1
                yield (Path(at) / name).resolve()


_NO_DATA = frozenset({"node_modules", "site-packages", "runs", "cassettes", "evals", "tests"})


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def sources(module: str, folder: Path, seen: set[str]) -> Iterator[Path]:
    """The files of a module and of all that it imports from the user's project.

    Args:
        module: an imported module's name.
        folder: the project, resolved.
        seen: the modules to leave out; those that are read are added.
    """
    if module in seen:
        return
    seen.add(module)
    path = _own_file(sys.modules.get(module), folder)
    if path is None:
        return
    yield path
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    tree = ast.parse(path.read_bytes())
    # `import_module("agents.billing")` names its module in a text.
    for name in {*_imports(tree, package), *(text for text in _texts(tree) if text in sys.modules)}:
        yield from sources(name, folder, seen)


def _own_file(module: ModuleType | None, folder: Path) -> Path | None:
    written = getattr(module, "__file__", None)
    if written is None:
        return None
    path = Path(written).resolve()
    own = path.is_relative_to(folder) and is_user_file(written)
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

"""The fixed texts of an agent: what stands in its code, and in the files that its code names.

Tools are left out: what they say, an agent's model only gets once it has called them.
"""

import inspect
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import yaml

from handoff_evals.user_code import is_user_file

_TEXT_FILES = frozenset(
    {".j2", ".jinja", ".json", ".md", ".prompt", ".toml", ".txt", ".yaml", ".yml"}
)
_DATA_FILES = frozenset({".json", ".toml", ".yaml", ".yml"})
_LONGEST_FILE = 1_000_000
_LONGEST_NAME = 200
_DEEPEST = 12
_MOST_ITEMS = 10_000


_NOTED: set[tuple[str, int]] = set()
"""The modules whose values are noted, by name and id."""
_VALUES: set[str] = set()
"""The texts in the values of the user's modules, before any conversation could change them."""


def note_values() -> None:
    """Note the texts that stand in the values of the user's modules, once for each module.

    What a conversation leaves in them later on, as an order in a registry, is no fixed text.
    """
    for name, module in list(sys.modules.items()):
        if (name, id(module)) in _NOTED:
            continue
        _NOTED.add((name, id(module)))
        values = getattr(module, "__dict__", {})
        if is_user_file(str(values.get("__file__") or "")):
            reader = _LiteralReader(follows_code=False)
            for value in list(values.values()):
                reader.read(value)
            _VALUES.update(reader.by_name, reader.found)


def literals_of(agent: type[Any]) -> frozenset[str]:
    """The texts that an agent's class comes to use, those of its bases in the project too."""
    reader = _LiteralReader()
    for each in agent.__mro__:
        if _file_of(each):
            reader.read_class(each)
    return reader.fixed


def literals_in(code: Iterable[tuple[CodeType, Mapping[str, Any]]]) -> frozenset[str]:
    """The texts that pieces of code come to use, each given with its globals."""
    reader = _LiteralReader()
    for each, names in code:
        reader.read_code(each, names, skip=None)
    return reader.fixed


def texts_of_named_files(literals: Iterable[str], folders: Iterable[Path]) -> Iterator[str]:
    """What stands in the text files that literals name: by name, or by their ending alone.

    Args:
        literals: `order.md`, `prompts/order.md`; `prompts` and `.md`.
        folders: where to look.
    """
    short = sorted(each for each in literals if 0 < len(each) < _LONGEST_NAME and "\n" not in each)
    places = [folder / each for folder in folders for each in ("", *short) if _usable(each)]
    inside = [place for place in dict.fromkeys(places) if _is(Path.is_dir, place)]
    files: dict[Path, None] = {}
    for literal in short:
        suffix = Path(literal).suffix if _usable(literal) else ""
        if literal.startswith(".") and literal in _TEXT_FILES:
            files.update((file, None) for folder in inside for file in folder.glob(f"*{literal}"))
        elif suffix in _TEXT_FILES:
            files.update((folder / literal, None) for folder in inside)
    for file in files:
        if _is(Path.is_file, file) and file.stat().st_size <= _LONGEST_FILE:
            with suppress(OSError):
                text = file.read_text("utf-8", errors="replace")
                yield text
                yield from _values_in(text, file.suffix)


def _values_in(text: str, suffix: str) -> Iterator[str]:
    """The texts in a file of data, without the quotes and escapes around them."""
    if suffix not in _DATA_FILES:
        return
    try:
        data = tomllib.loads(text) if suffix == ".toml" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError):
        return
    reader = _LiteralReader()
    reader.read(data)
    yield from reader.by_name


def _usable(literal: str) -> bool:
    return "\0" not in literal and not Path(literal).is_absolute() and ".." not in literal


def _is(kind: Any, path: Path) -> bool:
    try:
        return bool(kind(path))
    except (OSError, ValueError):
        return False


def _file_of(thing: Any) -> str:
    """The user's source file that a thing comes from; empty where it is not theirs."""
    try:
        path = inspect.getfile(thing)
    except (OSError, TypeError):
        return ""
    return path if is_user_file(path) else ""


def folder_of(thing: Any) -> Path | None:
    """The folder of a class's or function's source, where it is the user's."""
    path = _file_of(thing)
    return Path(path).resolve().parent if path else None


class _LiteralReader:
    """Follows what code uses, each thing once.

    Args:
        follows_code: whether functions are looked into, and not values alone.
    """

    def __init__(self, *, follows_code: bool = True) -> None:
        self.found: set[str] = set()
        """Texts that nothing can change: constants in code, defaults, attributes of classes."""
        self.by_name: set[str] = set()
        """Texts in values that may have changed."""
        self._follows_code = follows_code
        self._seen: dict[int, Any] = {}

    @property
    def fixed(self) -> frozenset[str]:
        """The texts that were there before any conversation."""
        return frozenset(self.found | (self.by_name & _VALUES))

    def read_class(self, owner: type) -> None:
        for name, member in list(vars(owner).items()):
            if name in {"__doc__", "__module__", "__qualname__"}:
                continue
            function = getattr(member, "fget", None) or getattr(member, "__func__", member)
            self._read_constant(function)

    def read_code(self, code: CodeType, names: Mapping[str, Any], *, skip: str | None) -> None:
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self.read_code(constant, names, skip=None)
            elif constant != skip:
                self._read_constant(constant)
        used = set(code.co_names)
        for name in used & names.keys():
            thing = names[name]
            if isinstance(thing, ModuleType):
                if is_user_file(getattr(thing, "__file__", None) or ""):
                    for each in used & vars(thing).keys():
                        self.read(vars(thing)[each])
            else:
                self.read(thing)

    def _read_constant(self, thing: Any) -> None:
        if isinstance(thing, str | int | float):
            self.found.add(str(thing))
        elif isinstance(thing, tuple | frozenset):
            for each in thing:
                self._read_constant(each)
        else:
            self.read(thing)

    def read(self, thing: Any, depth: int = 0) -> None:
        if isinstance(thing, str | int | float):
            self.by_name.add(str(thing))
        elif depth < _DEEPEST and id(thing) not in self._seen:
            self._seen[id(thing)] = thing  # kept, so that nothing else gets its id
            # A value may be of any class, and its methods may raise or wait for what is not there.
            with suppress(Exception):
                self._read_inside(thing, depth + 1)

    def _read_inside(self, thing: Any, depth: int) -> None:
        if isinstance(thing, Mapping):
            for name, value in list(thing.items())[:_MOST_ITEMS]:
                self.read(name, depth)
                self.read(value, depth)
        elif isinstance(thing, list | tuple | set | frozenset):
            for each in list(thing)[:_MOST_ITEMS]:
                self.read(each, depth)
        elif isinstance(thing, FunctionType):
            if self._follows_code and _file_of(thing):
                self._function(thing)
        elif isinstance(thing, type):
            # Another agent has texts of its own.
            if _file_of(thing) and not (self._follows_code and _is_agent(thing)):
                self.read_class(thing)
        elif _file_of(type(thing)) and not _is_agent(type(thing)):
            self.read(getattr(thing, "__dict__", None), depth)

    def _function(self, function: FunctionType) -> None:
        self.read_code(function.__code__, function.__globals__, skip=function.__doc__)
        self._read_constant(function.__defaults__)
        self._read_constant(tuple((function.__kwdefaults__ or {}).values()))
        for cell in function.__closure__ or ():
            try:
                self.read(cell.cell_contents)
            except ValueError:  # it is not filled yet
                continue


def _is_agent(thing: type) -> bool:
    return any(each.__module__.startswith("livekit.agents") for each in thing.__mro__)

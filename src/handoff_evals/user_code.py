"""Code of the user's: its own lines in a traceback, and an exit that it asks for.

`sys.exit()` in a tool would end the whole run: asyncio lets a `SystemExit` or a
`KeyboardInterrupt` out of the event loop. What the agents' code raises is a fault of
theirs, so it becomes an ordinary exception. A Ctrl-C of whoever runs the tests stays one.
"""

import asyncio
import dis
import gc
import pkgutil
import site
import sys
import sysconfig
import tomllib
import traceback
from collections.abc import Coroutine, Generator, Iterator, Sequence
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from types import AsyncGeneratorType, CodeType, CoroutineType, FrameType, TracebackType
from typing import Any

from handoff_evals.errors import UsageError

_FOLDERS = (
    *(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    *site.getsitepackages(),
    str(Path(__file__).parent),
)
_PACKAGES = frozenset({"site-packages", "dist-packages"})
_NOT_THE_USERS = tuple(f"{Path(folder).resolve()}/" for folder in _FOLDERS)


class ExitError(Exception):
    """The agent's or the model's code raised `SystemExit`, or another BaseException."""


@lru_cache(maxsize=4096)
def is_user_file(name: str) -> bool:
    """Whether a file of code is neither Python's, nor an installed package's, nor ours."""
    if name.startswith("<"):
        return False
    path = Path(name).resolve()
    # An environment may see the packages of another one.
    return not (str(path).startswith(_NOT_THE_USERS) or _PACKAGES.intersection(path.parts))


def as_error(error: BaseException) -> Exception | None:
    """The exception that stands for what user code raised.

    Returns:
        The same for an ordinary exception, an `ExitError` for one that would end the
        process, and None for what is not the user code's to raise: a cancellation, or a
        real Ctrl-C.
    """
    if isinstance(error, Exception):
        return error
    if isinstance(error, asyncio.CancelledError | GeneratorExit) or _is_ctrl_c(error):
        return None
    made = ExitError(f"{type(error).__name__}: {error}")
    made.__cause__ = error
    return made


def _is_ctrl_c(error: BaseException) -> bool:
    """Whether the interpreter or an event loop raised it: then no `raise` of the user's did."""
    if not isinstance(error, KeyboardInterrupt):
        return False
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is None or not _is_users_raise(last)


def _is_users_raise(last: TracebackType) -> bool:
    code = last.tb_frame.f_code
    raises = code.co_code[last.tb_lasti] == dis.opmap["RAISE_VARARGS"]
    return raises and is_user_file(code.co_filename)


def original(error: BaseException) -> BaseException:
    """What the user's code raised, where an `ExitError` stands for it."""
    cause = error.__cause__
    return cause if isinstance(error, ExitError) and cause is not None else error


def last_user_line(error: BaseException) -> str:
    """` (file.py, line 3)` of the user's last line in its traceback; empty where there is none."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if is_user_file(frame.filename)]
    return f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""


class GuardedCoroutine(Coroutine[Any, Any, Any]):
    """A coroutine that raises an `ExitError` where the one inside would end the process."""

    def __init__(self, inner: Coroutine[Any, Any, Any]) -> None:
        self.inner = inner
        self.__name__ = getattr(inner, "__name__", type(inner).__name__)
        self.__qualname__ = getattr(inner, "__qualname__", self.__name__)

    def send(self, value: Any) -> Any:
        """Go on."""
        try:
            return self.inner.send(value)
        except BaseException as error:
            raised = as_error(error)
            if raised is None or raised is error:
                raise
            raise raised from error

    def throw(self, *given: Any) -> Any:
        """Go on with an exception, as when cancelled."""
        try:
            return self.inner.throw(*given)
        except BaseException as error:
            raised = as_error(error)
            if raised is None or raised is error:
                raise
            raise raised from error

    def close(self) -> None:
        """Close it."""
        self.inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self.inner.__await__()

    @property
    def cr_frame(self) -> FrameType | None:
        """The frame in which it waits; asyncio finds a task's stack by it."""
        return getattr(self.inner, "cr_frame", None)

    @property
    def cr_code(self) -> CodeType | None:
        """The code of the one inside."""
        return getattr(self.inner, "cr_code", None)

    @property
    def cr_running(self) -> bool:
        """Whether it runs right now."""
        return bool(getattr(self.inner, "cr_running", False))

    @property
    def cr_await(self) -> Any:
        """What it waits for."""
        return getattr(self.inner, "cr_await", None)


def users_stack(task: "asyncio.Task[Any]") -> Sequence[str]:
    """Where a task waits, the user's lines only, innermost last: `look_up (desk.py, line 12)`."""
    return [
        f"{frame.f_code.co_name} ({Path(frame.f_code.co_filename).name}, line {frame.f_lineno})"
        for frame in waiting_frames(task)
        if is_user_file(frame.f_code.co_filename)
    ]


def waiting_frames(task: "asyncio.Task[Any]") -> Iterator[FrameType]:
    """The frames in which a task waits, innermost last."""
    waits: Any = task.get_coro()
    while waits is not None:
        frame = _part(waits, "frame")
        if frame is not None:
            yield frame
        waits = _part(waits, "await") or _generator_behind(waits)


def _part(waits: Any, name: str) -> Any:
    """`frame` or `await` of a coroutine or an asynchronous generator."""
    return getattr(waits, f"cr_{name}", None) or getattr(waits, f"ag_{name}", None)


def _generator_behind(waits: Any) -> Any:
    """What an `async for` or an `__await__` waits for; Python has no attribute for it."""
    if _part(waits, "frame") is not None or isinstance(waits, asyncio.Future):
        return None
    for each in gc.get_referents(waits):
        if isinstance(each, CoroutineType | AsyncGeneratorType):
            return each
    return None


@contextmanager
def imported_anew(folder: Path) -> Iterator[None]:
    """Have the project's modules imported once more within the block, as a new process would.

    After it, those from before are in their places again.

    Args:
        folder: the project.
    """
    before = dict(sys.modules)
    for name, module in before.items():
        if name != "__main__" and _is_in(folder.resolve(), getattr(module, "__file__", None)):
            del sys.modules[name]
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name not in before]:
            if _is_in(folder.resolve(), getattr(sys.modules[name], "__file__", None)):
                del sys.modules[name]
        sys.modules.update(before)


def _is_in(folder: Path, file: str | None) -> bool:
    return file is not None and is_user_file(file) and Path(file).resolve().is_relative_to(folder)


_NAMED = 8


def import_reference(
    reference: str, *, folder: Path, what: str, raises: type[UsageError] = UsageError
) -> Any:
    """Import what `module:name` or `path/to/file.py:name` refers to; the name may be dotted.

    Modules are looked up as pytest would: in the folder, in the `pythonpath` that the
    project sets for pytest, and in `src`.

    Args:
        reference: as the user wrote it.
        folder: the project's.
        what: what the user wrote it for, as `agent`; messages start with it.
        raises: the error to raise.

    Raises:
        UsageError: (or the class that `raises` names) when it is not of that form, when
            its module can't be imported, or when there is no such name in it.
    """
    written, _, name = reference.partition(":")
    if not written or not name:
        raise raises(
            f"{what} {reference!r}: write `module:name`, as in `my_agents:Triage`, or "
            "`path/to/file.py:name`"
        )
    module = module_of(reference, folder=folder)
    found = _extend_path(folder, written)
    try:
        value = pkgutil.resolve_name(f"{module}:{name}")
    except BaseException as error:
        if as_error(error) is None:
            raise
        raise raises(
            f"{what} {reference!r} can't be imported: {type(error).__name__}: {error}"
            f"{last_user_line(error)}. "
            f"{_next_step(module, error, found)}"
        ) from error
    imported = getattr(sys.modules.get(module), "__file__", None) or ""
    if _is_file(written) and Path(imported).resolve() != (folder / written).resolve():
        raise raises(
            f"{what} {reference!r} can't be imported: another module {module!r} was imported "
            f"before, from {imported!r}. Rename one of the two files, or run their suites one "
            "at a time"
        )
    return value


def module_of(reference: str, *, folder: Path) -> str:
    """The name of the module that a reference names: `src/agent.py:server` names `agent`.

    A file's module is called as Python calls it when the file is run: by the packages that
    it lies in. One that is imported already keeps the name that it was imported by.
    """
    written = reference.partition(":")[0]
    if not _is_file(written):
        return written
    path = (folder / written).resolve()
    for name, module in list(sys.modules.items()):
        if name != "__main__" and getattr(module, "__file__", None) == str(path):
            return name
    packages = [each.name for each in _packages(path)]
    return ".".join([*reversed(packages), *([] if path.stem == "__init__" else [path.stem])])


def _is_file(written: str) -> bool:
    return written.endswith(".py")


def _packages(path: Path) -> list[Path]:
    """The folders of the packages that a file lies in, innermost first."""
    return list(takewhile(lambda each: (each / "__init__.py").is_file(), path.parents))


def _extend_path(folder: Path, written: str) -> list[str]:
    """Put on `sys.path` what is not on it yet, and give where modules are looked up first."""
    folders = [folder, *(folder / each for each in _pythonpath(folder))]
    folders += [each for each in [folder / "src"] if each.is_dir()]
    if _is_file(written):
        path = (folder / written).resolve()
        folders.insert(0, path.parents[len(_packages(path))])
    found = list(dict.fromkeys(str(each.resolve()) for each in folders))
    for each in reversed(found):
        if each not in sys.path:
            sys.path.insert(0, each)
    return found


def _pythonpath(folder: Path) -> list[str]:
    """`pythonpath` in pytest's settings of the project; nothing where they can't be read."""
    with suppress(OSError, ValueError, AttributeError, RecursionError):
        tool = tomllib.loads((folder / "pyproject.toml").read_text("utf-8")).get("tool", {})
        tables = tool.get("pytest", {})
        written = tables.get("ini_options", tables).get("pythonpath")
        if written:
            return written.split() if isinstance(written, str) else [*map(str, written)]
    for file, section in _INI_FILES:
        parser = ConfigParser(interpolation=None)
        with suppress(OSError, ValueError, ConfigParserError):
            parser.read(folder / file, "utf-8")
            if written := parser.get(section, "pythonpath", fallback=""):
                return written.split()
    return []


_INI_FILES = (
    ("pytest.ini", "pytest"),
    (".pytest.ini", "pytest"),
    ("tox.ini", "pytest"),
    ("setup.cfg", "tool:pytest"),
)


def _next_step(module: str, error: BaseException, folders: Sequence[str]) -> str:
    """What to look at, by how far the import came."""
    imported = sys.modules.get(module)
    if isinstance(error, AttributeError) and imported is not None:
        own = [
            name
            for name, value in vars(imported).items()
            if getattr(value, "__module__", None) == module and not name.startswith("_")
        ]
        more = ", ..." if len(own) > _NAMED else ""
        return f"It defines {', '.join(own[:_NAMED]) or 'no class and no function'}{more}"
    if isinstance(error, ValueError) and "invalid format" in str(error):
        return "Modules and names are Python identifiers, with dots between them"
    version = ".".join(map(str, sys.version_info[:2]))
    names = {module, module.partition(".")[0]}
    if isinstance(error, ModuleNotFoundError) and error.name not in names:
        return (
            f"This Python, {sys.executable!r} ({version}), has no {error.name!r}: use the one that "
            "your agents run in, with handoff-evals installed there, or install it here"
        )
    if isinstance(error, SyntaxError):
        return f"This Python is {version}; are your agents written for a later one?"
    looked = " and ".join(map(repr, folders))
    return f"Modules are looked up from {looked} first; is that your project's folder?"

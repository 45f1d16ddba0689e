"""Runs the tests against one mutant, or against no mutant, in a process of its own."""

import ast
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest

from handoff_evals.mutation import probe
from handoff_evals.mutation.probe import probed

_OWN = Path(__file__).parents[1]


class ProbedFinder(MetaPathFinder):
    """Finds modules as the other finders do, and swaps the code of some files.

    By the file and not by a module's name, since one file may be imported under
    several.

    Args:
        path: the file that is swapped.
        tree: what is imported instead of it.
        folder: the project's; None where its other files stay as they are.
    """

    def __init__(self, path: Path, tree: ast.Module, *, folder: Path | None) -> None:
        self._path = path.resolve()
        self._tree = tree
        self._folder = folder
        self.loaded = False
        """Whether anything has imported the file."""

    def install(self) -> None:
        """Put it before all finders that there are."""
        sys.meta_path.insert(0, self)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """The other finders' spec, with a loader of its own for the files that are swapped."""
        for finder in sys.meta_path:
            if finder is self:
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is None:
                continue
            # pytest's own loader, which rewrites the assertions of tests, stays.
            if spec.origin is not None and type(spec.loader) is SourceFileLoader:
                origin = Path(spec.origin).resolve()
                if self._is_swapped(origin):
                    spec.loader = _Loader(self, fullname, spec.origin)
                    return spec
            return None  # the other finders will find it once more
        return None

    def code(self, origin: Path) -> CodeType:
        """What takes the place of a file's code."""
        if origin == self._path:
            self.loaded = True
            tree = self._tree
        else:
            tree = ast.parse(origin.read_bytes(), filename=str(origin))
        tree = probed(tree, returns=self._folder is not None)
        code: CodeType = compile(tree, origin, "exec", dont_inherit=True)
        return code

    def _is_swapped(self, origin: Path) -> bool:
        if origin == self._path:
            return True
        return (
            self._folder is not None
            and origin.is_relative_to(self._folder)
            and "site-packages" not in origin.parts
            and not origin.is_relative_to(_OWN)
        )


class _Loader(SourceFileLoader):
    """Gives the swapped code; `inspect` and tracebacks see the file's own text."""

    def __init__(self, finder: ProbedFinder, fullname: str, path: str) -> None:
        super().__init__(fullname, path)
        self._finder = finder

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - importlib's signature
        """Compile it; nothing is read from or written to a bytecode cache."""
        return self._finder.code(Path(self.path).resolve())

    def exec_module(self, module: ModuleType) -> None:
        """Import it, and tell of its errors as its functions do."""
        try:
            super().exec_module(module)
        except Exception as error:
            probe.raised(error)
            raise


_ARGUMENTS = [
    "-x",
    "-q",
    "--tb=native",  # nothing is shown of it, and this one is quick
    # Many of these run at once in one folder, and none of them is the user's last run.
    "-pno:cacheprovider",
    # The parent has imported what the tests import, so assertions there stay as they are.
    "-Wignore::pytest.PytestAssertRewriteWarning",
]


@dataclass(kw_only=True)
class Verdict:
    """What pytest said."""

    exit_code: int = -1
    loaded: bool = False
    """Whether any test imported the mutated file."""
    passed: int = 0
    failed: str = ""
    """The first test that failed, or the file that could not be collected."""
    reason: str = ""
    durations: dict[str, float] = field(default_factory=dict)
    """Seconds that the tests of each file took."""
    imported: list[str] = field(default_factory=list)
    """Modules that were imported from outside the project, in their order."""
    crashes: list[str] = field(default_factory=list)
    """Errors of code that does not fit together, in the module or in what breaks it."""
    facts: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    """See `probe.facts`; empty for a mutant."""


def run_tests(
    path: Path,
    tree: ast.Module,
    tests: list[str],
    *,
    folder: Path,
    first: Sequence[str] = (),
    removed: set[str] | None = None,
) -> Verdict:
    """Run the tests in this process, with the module replaced; to be called once in it.

    Args:
        path: the module's file.
        tree: what is imported instead of it; nobody else may use it.
        tests: what pytest is given.
        folder: the project's.
        first: ids of tests that go before all others.
        removed: names of functions that a mutant lacks; None where nothing is broken.
    """
    before = set(sys.modules)
    folder = folder.resolve()
    probe.expect_removed(removed or set())
    finder = ProbedFinder(folder / path, tree, folder=folder if removed is None else None)
    finder.install()
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    watch = _Watch(first)
    code = pytest.main([*_ARGUMENTS, *tests], plugins=[watch])
    new = [name for name in list(sys.modules) if name not in before]
    return Verdict(
        exit_code=int(code),
        loaded=finder.loaded,
        passed=watch.passed,
        failed=watch.failed,
        reason=watch.reason,
        durations=dict(watch.durations),
        imported=[name for name in new if _is_foreign(name, folder)],
        crashes=probe.crashes(),
        facts=probe.facts(folder) if removed is None else {},
    )


class _Watch:
    """A pytest plugin that notes the first failure, and turns off what would disturb it."""

    def __init__(self, first: Sequence[str]) -> None:
        self._rank = {test: number for number, test in enumerate(first)}
        self.passed = 0
        self.failed = ""
        self.reason = ""
        self.durations: defaultdict[str, float] = defaultdict(float)

    @pytest.hookimpl(wrapper=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Any:
        """Keep the tests in this process and in their order, and report to nobody else."""
        vars(config.option).update(numprocesses=None, randomly_reorganize=False, xmlpath=None)
        return (yield)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Bring the likely ones forward."""
        items.sort(key=lambda item: self._rank.get(item.nodeid, len(self._rank)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what a test came to."""
        self.durations[report.nodeid.partition("::")[0]] += report.duration
        self.passed += report.when == "call" and report.passed
        if report.failed:
            self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that can't be collected: the module may not even be importable."""
        if report.failed:
            self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not self.failed:
            self.failed = report.nodeid
            crash = getattr(report.longrepr, "reprcrash", None)
            message = crash.message if crash is not None else report.longreprtext
            lines = [line for line in message.splitlines() if line.strip()]
            self.reason = (lines[0 if crash is not None else -1] if lines else "").strip()


def _is_foreign(name: str, folder: Path) -> bool:
    """Whether a module belongs to Python, an installed package or us, not to the project."""
    module = sys.modules.get(name)
    origin = getattr(getattr(module, "__spec__", None), "origin", None)
    if name == "__main__" or not isinstance(origin, str) or not Path(origin).is_absolute():
        return False
    path = Path(origin).resolve()
    return (
        not path.is_relative_to(folder)
        or "site-packages" in path.parts
        or name.partition(".")[0] == __name__.partition(".")[0]
    )

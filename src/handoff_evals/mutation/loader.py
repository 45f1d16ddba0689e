"""The import hook: whoever imports a file gets the mutant of it, and the file stays as it is."""

import ast
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType


class MutantFinder(MetaPathFinder):
    """Finds modules as the other finders do, and swaps the code of one file.

    By the file and not by a module's name, since one file may be imported under
    several.
    """

    def __init__(self, path: Path, tree: ast.Module) -> None:
        self.path = path.resolve()
        self.tree = tree
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
        """The other finders' spec, with a loader of its own if it is about the file."""
        for finder in sys.meta_path:
            if finder is self:
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is None:
                continue
            if spec.origin is None or Path(spec.origin).resolve() != self.path:
                return None  # the other finders will find it once more
            spec.loader = _Loader(self, fullname, spec.origin)
            return spec
        return None


class _Loader(SourceFileLoader):
    """Gives the mutant's code; `inspect` and tracebacks see the file's own text."""

    def __init__(self, finder: MutantFinder, fullname: str, path: str) -> None:
        super().__init__(fullname, path)
        self._finder = finder

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - importlib's signature
        """Compile the mutant; nothing is read from or written to a bytecode cache."""
        self._finder.loaded = True
        code: CodeType = compile(self._finder.tree, self.path, "exec", dont_inherit=True)
        return code

"""A file with agents, and what is where in it."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from handoff_evals.errors import UsageError

Function = ast.FunctionDef | ast.AsyncFunctionDef

_TOOL = "function_tool"
_JOB = {"JobContext", "JobProcess", "JobRequest"}
_RUN_CONTEXT = "RunContext"


@dataclass(frozen=True, kw_only=True)
class RuntimeFacts:
    """What a run of the tests showed of a file that its text alone does not tell."""

    agents: frozenset[str] = frozenset()
    """Names of its classes that are agents, whatever their base is called."""
    tasks: frozenset[str] = frozenset()
    """Those of them that are an `AgentTask`."""
    contexts: frozenset[str] = frozenset()
    """Names that stand for livekit's `RunContext`."""
    tools: frozenset[str] = frozenset()
    """Names of its globals that are tools, defined here or imported."""
    returns: frozenset[int] = frozenset()
    """Lines of `return` statements that returned an agent."""


@dataclass(frozen=True, kw_only=True)
class AgentModule:
    """The syntax tree of a module, read the way a LiveKit developer reads it.

    Code that only a worker runs (functions that get a `JobContext` or a
    `JobProcess`, and what stands under `if __name__ == "__main__"`) is no part of
    it: no conversation in text comes there.
    """

    path: Path
    tree: ast.Module
    facts: RuntimeFacts = field(default_factory=RuntimeFacts)

    @classmethod
    def read(cls, path: Path, *, facts: RuntimeFacts | None = None) -> "AgentModule":
        """Parse a file.

        Args:
            path: the file.
            facts: what a run showed of it.

        Raises:
            UsageError: when it can't be read or is no Python.
        """
        try:
            tree = ast.parse(path.read_bytes(), filename=str(path))
            return cls(path=path, tree=tree, facts=facts or RuntimeFacts())
        except (OSError, SyntaxError, ValueError) as error:
            raise UsageError(f"{str(path)!r} can't be read as Python: {error}") from error

    def walk(self) -> Iterator[ast.AST]:
        """Every node that a conversation may come to, in the order of the file."""
        waiting: list[ast.AST] = [self.tree]
        while waiting:
            node = waiting.pop()
            if _is_deployment(node):
                continue
            yield node
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))

    def inside(self, function: Function) -> Iterator[ast.AST]:
        """The nodes of a function's body, without the functions in it."""
        waiting: list[ast.AST] = list(reversed(function.body))
        while waiting:
            node = waiting.pop()
            if isinstance(node, Function | ast.ClassDef | ast.Lambda):
                continue
            yield node
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """All functions and methods, nested ones too."""
        return tuple(node for node in self.walk() if isinstance(node, Function))

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The classes, by name."""
        return {node.name: node for node in self.walk() if isinstance(node, ast.ClassDef)}

    @cached_property
    def agents(self) -> dict[str, ast.ClassDef]:
        """The agent classes, by name."""
        found: dict[str, ast.ClassDef] = {}
        for name, node in self.classes.items():  # a base stands above its subclass
            bases = [self.real_name(base) for base in node.bases]
            if name in self.facts.agents or any(
                base in found or base.endswith(("Agent", "AgentTask")) for base in bases
            ):
                found[name] = node
        return found

    @cached_property
    def tasks(self) -> dict[str, ast.ClassDef]:
        """The agent classes that are tasks, which another agent waits for, by name."""
        found: dict[str, ast.ClassDef] = {}
        for name, node in self.agents.items():
            bases = [self.real_name(base) for base in node.bases]
            if name in self.facts.tasks or any(
                base in found or base.endswith("Task") for base in bases
            ):
                found[name] = node
        return found

    def real_name(self, node: ast.expr) -> str:
        """The last part of a name; where this file gives it a name of its own, the old one."""
        name = _last_name(node)
        return self._aliases.get(name, name)

    @cached_property
    def _aliases(self) -> dict[str, str]:
        """What this file calls otherwise, as in `Context = RunContext[Caller]`."""
        found: dict[str, str] = dict.fromkeys(self.facts.contexts, _RUN_CONTEXT)
        for node in self.tree.body:
            match node:
                case ast.ImportFrom(names=names):
                    found |= {each.asname: each.name for each in names if each.asname}
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value)
                    | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                ) if _last_name(value):
                    old = _last_name(value)
                    found[name] = found.get(old, old)
        return found

    @cached_property
    def tools(self) -> tuple[Function, ...]:
        """The functions that a model can call."""
        wrapped = {
            function
            for node in self.walk()
            if isinstance(node, ast.Call) and self.real_name(node.func) == _TOOL and node.args
            for function in [self.resolve(node.args[0], self.function_of(node))]
        }
        return tuple(each for each in self.functions if each in wrapped or self.tool_mark(each))

    def tool_mark(self, function: Function) -> ast.expr | None:
        """The `@function_tool` of a function, if it has one."""
        for decorator in function.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if self.real_name(called) == _TOOL:
                return decorator
        return None

    @cached_property
    def handing_over(self) -> tuple[Function, ...]:
        """The tools, and the functions of this file that they call."""
        found: dict[Function, None] = {}
        for tool in self.tools:
            found.update(dict.fromkeys(self.reach(tool)))
        return tuple(found)

    def reach(self, function: Function) -> Iterator[Function]:
        """A function and those of this file that it comes to call."""
        seen: set[Function] = set()
        waiting = [function]
        while waiting:
            current = waiting.pop()
            if current in seen:
                continue
            seen.add(current)
            yield current
            for node in self.inside(current):
                if isinstance(node, ast.Call):
                    called = self.resolve(node.func, current)
                    waiting.extend([called] if called else [])

    def resolve(self, named: ast.expr, inside: Function | None) -> Function | None:
        """The function of this file that a name or `self.name` stands for, if it is one."""
        match named:
            case ast.Name(id=identifier):
                holders: list[ast.AST] = [self.tree]
                while inside is not None:
                    holders.append(inside)
                    inside = self.function_of(inside)
                for holder in reversed(holders):
                    for node in getattr(holder, "body", ()):
                        if isinstance(node, Function) and node.name == identifier:
                            return node
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=attribute):
                own = self.class_of(inside) if inside else None
                for holder in [*self.line(own), *self.agents.values()]:
                    for node in holder.body:
                        if isinstance(node, Function) and node.name == attribute:
                            return node
        return None

    def function_of(self, node: ast.AST) -> Function | None:
        """The innermost function around a node."""
        return next((each for each in self._around(node) if isinstance(each, Function)), None)

    def class_of(self, node: ast.AST) -> ast.ClassDef | None:
        """The innermost class around a node."""
        return next((each for each in self._around(node) if isinstance(each, ast.ClassDef)), None)

    def statement_of(self, node: ast.AST) -> ast.stmt | None:
        """The innermost statement around a node."""
        return next((each for each in self._around(node) if isinstance(each, ast.stmt)), None)

    def scope(self, node: ast.AST) -> str:
        """Where a node stands, as in `BillingAgent.__init__`."""
        around = [node, *self._around(node)]
        names = [each.name for each in around if isinstance(each, Function | ast.ClassDef)]
        return ".".join(reversed(names)) or "module"

    def at_hand(self, function: Function | None) -> str | None:
        """The variable by which a function knows the session: `self` or its `RunContext`."""
        while function is not None:
            owner = self.parents.get(function)
            if isinstance(owner, ast.ClassDef) and owner.name in self.agents:
                return "self"
            for each in parameters(function):
                words = {self._aliases.get(word, word) for word in _words(each.annotation)}
                if words & {_RUN_CONTEXT, "Agent", *self.agents}:
                    return each.arg
                if not words and each.arg in {"context", "ctx"}:
                    return each.arg
            function = self.function_of(function)
        return None

    def local_names(self, function: Function | None) -> set[str]:
        """The variables of a function and of those around it."""
        found: set[str] = set()
        while function is not None:
            found |= {each.arg for each in parameters(function)}
            found |= {
                each.id
                for each in self.inside(function)
                if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
            }
            function = self.function_of(function)
        return found

    def globals_named(self, identifier: str) -> list[ast.expr]:
        """What this file assigns to a global of that name."""
        return [value for name, value in _assignments(self.tree.body) if name == identifier]

    def values_of(self, identifier: str, function: Function | None) -> list[ast.expr]:
        """What a variable of a function, or of those around it, or a global is assigned."""
        while function is not None:
            found = [
                value for name, value in _assignments(self.inside(function)) if name == identifier
            ]
            if found:
                return found
            function = self.function_of(function)
        return self.globals_named(identifier)

    def appended_to(self, identifier: str, function: Function | None) -> Iterator[ast.expr]:
        """What a function appends to a list."""
        for node in self.inside(function) if function else ():
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[value]
                ) if name == identifier:
                    yield value

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """The node right around each node."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def _around(self, node: ast.AST) -> Iterator[ast.AST]:
        current = self.parents.get(node)
        while current is not None:
            yield current
            current = self.parents.get(current)

    def line(self, owner: ast.ClassDef | None) -> Iterator[ast.ClassDef]:
        """A class and its bases in this file."""
        if owner is not None:
            yield owner
            for base in owner.bases:
                yield from self.line(self.agents.get(_last_name(base)))


def _assignments(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, ast.expr]]:
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value


def parameters(function: Function) -> list[ast.arg]:
    """The named parameters of a function."""
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def _words(annotation: ast.expr | None) -> set[str]:
    """The names in an annotation, which may be written as a string."""
    return set(re.findall(r"\w+", ast.unparse(annotation))) if annotation else set()


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value=value):
            return _last_name(value)
        case _:
            return ""


def _is_deployment(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return "__name__" in ast.unparse(node.test)
    if not isinstance(node, Function):
        return False
    return any(_words(each.annotation) & _JOB for each in parameters(node))

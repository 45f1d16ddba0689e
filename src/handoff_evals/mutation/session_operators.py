"""Breakages of what builds a session, and of the tasks that an agent waits for."""

import ast
from collections.abc import Iterator

from handoff_evals.agent_source import AgentModule, Function, constructions, parameters
from handoff_evals.mutation.mutant import Operator, Place, breakage, short

_SESSION = "AgentSession"
_FRESH = {"list", "dict", "set"}


def arguments_ignored(module: AgentModule) -> Iterator[Place]:
    """Each argument of a factory that it does not pass on."""
    for function in _factories(module):
        names = {each.arg for each in parameters(function)}
        for call in _calls(module, function):
            for keyword in call.keywords:
                used = {each.id for each in ast.walk(keyword.value) if isinstance(each, ast.Name)}
                if keyword.arg is not None and used & names:
                    what = f"{short(call.func)} without {short(keyword)}"
                    yield Place(node=keyword.value, what=what, edits={keyword: None})


def options_dropped(module: AgentModule) -> Iterator[Place]:
    """Each option of a session that is the same in every call."""
    for function in _factories(module):
        names = {each.arg for each in parameters(function)}
        for call in _sessions(module, function):
            for keyword in call.keywords:
                used = {each.id for each in ast.walk(keyword.value) if isinstance(each, ast.Name)}
                # What userdata a session begins with has operators of its own.
                if keyword.arg not in {None, "userdata"} and not used & names:
                    what = f"the session has no {short(keyword)}"
                    yield Place(node=keyword.value, what=what, edits={keyword: None})


def shared(module: AgentModule) -> Iterator[Place]:
    """State that is made for each call or agent, made once for all of them."""
    for number, (value, what) in enumerate(_states(module)):
        made = ast.Lambda(args=_no_arguments(), body=value)
        once = breakage("shared", ast.Constant(value=number), made)
        edits: dict[ast.AST, ast.AST | None] = {value: once}
        yield Place(node=value, what=f"one {short(value)} for all calls: {what}", edits=edits)
    for number, (factory, what) in enumerate(_fields(module)):
        key = ast.Constant(value=f"field {number}")
        body = breakage("shared", key, factory)
        edits = {factory: ast.Lambda(args=_no_arguments(), body=body)}
        yield Place(node=factory, what=f"one {short(factory)} for all calls: {what}", edits=edits)


def _states(module: AgentModule) -> Iterator[tuple[ast.expr, str]]:
    for function in _factories(module):
        for call in _sessions(module, function):
            for keyword in call.keywords:
                if keyword.arg == "userdata" and isinstance(keyword.value, ast.Call):
                    yield keyword.value, "the session's userdata"
    for agent in module.agents.values():
        for method in agent.body:
            if isinstance(method, Function) and method.name == "__init__":
                yield from _attributes(module, agent, method)


def _attributes(
    module: AgentModule, agent: ast.ClassDef, init: Function
) -> Iterator[tuple[ast.expr, str]]:
    for node in module.inside(init):
        match node:
            case (
                ast.Assign(targets=[ast.Attribute(attr=name)], value=value)
                | ast.AnnAssign(target=ast.Attribute(attr=name), value=ast.expr() as value)
            ) if _is_fresh(value):
                yield value, f"{agent.name}.{name}"


def _fields(module: AgentModule) -> Iterator[tuple[ast.Name, str]]:
    """The factories of a dataclass's fields that make something anew for each instance."""
    for node in module.walk():
        match node:
            case ast.AnnAssign(
                target=ast.Name(id=name), value=ast.Call(func=func, keywords=keywords)
            ) if module.real_name(func).lower() == "field":
                for keyword in keywords:
                    match keyword:
                        case ast.keyword(arg="default_factory", value=ast.Name(id=kind) as made):
                            if kind in _FRESH:
                                yield made, name


def _is_fresh(value: ast.expr) -> bool:
    match value:
        case ast.List(elts=[]) | ast.Dict(keys=[]):
            return True
        case ast.Call(func=ast.Name(id=kind), args=[], keywords=[]):
            return kind in _FRESH
        case _:
            return False


def _no_arguments() -> ast.arguments:
    return ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])


def _factories(module: AgentModule) -> Iterator[Function]:
    """The functions that build a session, or the agent that takes the call."""
    for function in module.functions:
        if module.class_of(function) is not None or function in module.handing_over:
            continue
        if next(_calls(module, function), None) is not None:
            yield function


def _sessions(module: AgentModule, function: Function) -> Iterator[ast.Call]:
    for node in module.inside(function):
        if isinstance(node, ast.Call):
            func = node.func.value if isinstance(node.func, ast.Subscript) else node.func
            if module.real_name(func) == _SESSION:
                yield node


def _calls(module: AgentModule, function: Function) -> Iterator[ast.Call]:
    yield from _sessions(module, function)
    inside = set(module.inside(function))
    yield from (each for each in constructions(module) if each in inside)


SESSION_OPERATORS = (
    Operator(
        name="factory-argument-ignored",
        places=arguments_ignored,
        suggestion="call the factory with this argument, and assert what the session or the agent "
        "has of it",
    ),
    Operator(
        name="session-option-dropped",
        places=options_dropped,
        suggestion="assert this option of the session that the factory builds",
    ),
    Operator(
        name="state-shared",
        places=shared,
        suggestion="run two calls, and assert that the second knows nothing of the first",
    ),
)


def skipped(module: AgentModule) -> Iterator[Place]:
    """Each task that is not waited for, and each check of what came of one."""
    for function in module.functions:
        results = set(_results(module, function))
        for node in module.inside(function):
            match node:
                case ast.Expr(value=ast.Await(value=ast.Call() as call)) if _is_task(module, call):
                    yield Place(node=node, what=f"no {short(node)}", edits={node: None})
                case ast.If(test=test) | ast.IfExp(test=test) if _asks(module, test, results):
                    passed = not (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not))
                    value = ast.Constant(value=passed)
                    what = f"not checked: {short(test)}"
                    yield Place(node=node, what=what, edits={test: value})


def completed_wrongly(module: AgentModule) -> Iterator[Place]:
    """Each `complete(...)` of a task, with another value."""
    for task in module.tasks.values():
        for node in ast.walk(task):
            match node:
                case ast.Call(func=ast.Attribute(attr="complete"), args=[value]):
                    edits: dict[ast.AST, ast.AST | None] = {value: breakage("wrong", value)}
                    yield Place(node=node, what=f"another value than {short(value)}", edits=edits)


def _is_task(module: AgentModule, call: ast.Call) -> bool:
    name = module.real_name(call.func)
    func = call.func.value if isinstance(call.func, ast.Subscript) else call.func
    known = module.real_name(func) in module.tasks or name.endswith("Task")
    return known or module.real_name(func) == "TaskGroup"


def _results(module: AgentModule, function: Function) -> Iterator[str]:
    """The variables that hold what came of a task."""
    for node in module.inside(function):
        match node:
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.Await(value=ast.Call() as call)
            ) if _is_task(module, call):
                yield name


def _asks(module: AgentModule, test: ast.expr, results: set[str]) -> bool:
    for node in ast.walk(test):
        match node:
            case ast.Name(id=name) if name in results:
                return True
            case ast.Await(value=ast.Call() as call) if _is_task(module, call):
                return True
    return False


TASK_OPERATORS = (
    Operator(
        name="task-skipped",
        places=skipped,
        suggestion="let the caller not give what the task asks for, and assert that the agent "
        "does not go on as if they had",
    ),
    Operator(
        name="task-completed-wrongly",
        places=completed_wrongly,
        suggestion="assert what the agent has made of the task's result",
    ),
)

"""Breakages of handoffs: tools that lead to nobody or to the wrong agent, or are missing."""

import ast
from collections.abc import Iterator

from handoff_evals.agent_source import (
    AgentModule,
    Function,
    HandoffSite,
    Route,
    built,
    constructions,
    handoffs,
    leads_back,
    leads_there_again,
    parameters,
    routes,
)
from handoff_evals.mutation.mutant import Operator, Place, breakage, name, short


def nothing(module: AgentModule) -> Iterator[Place]:
    """Each handoff left out."""
    for each in handoffs(module):
        edits: dict[ast.AST, ast.AST | None] = {each.statement: None}
        if isinstance(each.statement, ast.Return):
            edits = {each.message or each.agent: ast.Constant(value=None)}
        yield _place(each, f"no handoff to {_named(module, each)}", edits)


def another_agent(module: AgentModule) -> Iterator[Place]:
    """Each handoff with the agent of another one, as if copied and not adapted."""
    for each in handoffs(module):
        other = next(_others(module, each), None)
        if other is not None:
            to, instead = _pair(module, other, each)
            yield _place(each, f"to {to} instead of {instead}", {each.agent: other})


def same_agent(module: AgentModule) -> Iterator[Place]:
    """Each handoff to the agent that has the call already."""
    for each in handoffs(module):
        at_hand = module.at_hand(each.function)
        if at_hand is not None:
            same = breakage("current", name(at_hand))
            what = f"to itself instead of {_named(module, each)}"
            yield _place(each, what, {each.agent: same})


def without_message(module: AgentModule) -> Iterator[Place]:
    """Each `Agent, "message"` without its message."""
    for each in handoffs(module):
        if each.message is not None:
            what = f"without {short(each.message.elts[1])}"
            yield _place(each, what, {each.message: each.agent})


def reused(module: AgentModule) -> Iterator[Place]:
    """Each agent that is built for a handoff, built once and kept, where it can matter.

    An agent that a caller meets once at most in a conversation can't be told from
    one that is kept.
    """
    for place, each in enumerate(handoffs(module)):
        at_hand = module.at_hand(each.function)
        call = built(module, each.agent, each.function)
        if at_hand is None or call is None:
            continue
        if leads_there_again(module, each.function, ast.unparse(call.func)):
            kept = breakage("reused", each.agent, ast.Constant(value=place), name(at_hand))
            what = f"one {ast.unparse(call.func)}, built once and kept"
            yield _place(each, what, {each.agent: kept})


def _place(handoff: HandoffSite, what: str, edits: dict[ast.AST, ast.AST | None]) -> Place:
    return Place(node=handoff.statement, what=what, edits=edits)


def _named(module: AgentModule, handoff: HandoffSite) -> str:
    """The agent's class, or the code where that does not tell."""
    call = built(module, handoff.agent, handoff.function)
    return ast.unparse(call.func) if call is not None else short(handoff.agent)


def _pair(module: AgentModule, other: ast.expr, handoff: HandoffSite) -> tuple[str, str]:
    """How the two agents are told apart."""
    one, own = short(other), _named(module, handoff)
    match other:
        case ast.Call(func=func) if ast.unparse(func) in module.agents:
            one = ast.unparse(func)
    return (one, own) if one != own else (short(other), short(handoff.agent))


def _others(module: AgentModule, handoff: HandoffSite) -> Iterator[ast.expr]:
    """What else could be there: other handoffs' agents, the nearest first; other classes."""
    function, own = handoff.function, _who(module, handoff)
    home = module.class_of(function)
    others = [each for each in handoffs(module) if _who(module, each) != own]
    for each in sorted(others, key=lambda other: module.class_of(other.function) is not home):
        if _can_stand_in(module, each, function):
            yield each.agent
    call = built(module, handoff.agent, function)
    if call is not None:
        known = {ast.unparse(each.func) for each in constructions(module)}
        for other in module.agents.values():
            if other.name in known - {ast.unparse(call.func)}:
                yield from _adapted(module, other, call)


def _who(module: AgentModule, handoff: HandoffSite) -> str:
    """The agent's construction but for the context it is given: without it, it is no other one."""
    call = built(module, handoff.agent, handoff.function)
    if call is None:
        return ast.dump(handoff.agent)
    told = [keyword for keyword in call.keywords if keyword.arg != "chat_ctx"]
    return ast.dump(ast.Call(func=call.func, args=call.args, keywords=told))


def _can_stand_in(module: AgentModule, other: HandoffSite, function: Function) -> bool:
    """Whether the agent of another handoff means something, and ends, in a function."""
    here, there = module.class_of(function), module.class_of(other.function)
    unknown = module.local_names(other.function) - module.local_names(function)
    for node in ast.walk(other.agent):
        match node:
            case ast.Name(id=identifier) if identifier in unknown:
                return False
            case ast.Attribute(value=ast.Name(id="self")) if here is not there:
                return False
            case ast.Call(func=func):
                called = module.resolve(func, other.function)
                if called is not None and function in module.reach(called):
                    return False
    # A variable that happens to be there under the same name is something else.
    return not isinstance(other.agent, ast.Name)


def _adapted(module: AgentModule, other: ast.ClassDef, call: ast.Call) -> Iterator[ast.Call]:
    """The call with another class, if that class takes what there is."""
    init = next(
        (
            each
            for holder in module.line(other)
            for each in holder.body
            if isinstance(each, Function) and each.name == "__init__"
        ),
        None,
    )
    if init is None:
        return
    taken = {each.arg for each in parameters(init)}
    keywords = [each for each in call.keywords if each.arg in taken]
    missing = {
        each.arg
        for each, default in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)
        if default is None
    } - {each.arg for each in keywords}
    if len(init.args.args) - 1 <= len(init.args.defaults) and not missing:
        yield ast.Call(func=name(other.name), args=[], keywords=keywords)


RETURN_OPERATORS = (
    Operator(
        name="handoff-returns-nothing",
        places=nothing,
        suggestion="expect the next agent after the turn in which this handoff is due",
    ),
    Operator(
        name="handoff-returns-another-agent",
        places=another_agent,
        suggestion="expect exactly the next agent after this handoff; where agents share a class, "
        "tell them apart by `where`",
    ),
    Operator(
        name="handoff-returns-same-agent",
        places=same_agent,
        suggestion="expect the next agent after the turn in which this handoff is due",
    ),
    Operator(
        name="handoff-message-dropped",
        places=without_message,
        suggestion="assert the tool's output, or that the agent that leaves says a last sentence",
    ),
    Operator(
        name="agent-reused",
        places=reused,
        suggestion="let the caller come to this agent twice in one conversation, and assert that "
        "its model then received what was said in between",
    ),
)


def handoff_tools_removed(module: AgentModule) -> Iterator[Place]:
    """Each tool that leads onwards, at each agent that has it."""
    yield from (_removed(each) for each in _each_place(module) if not leads_back(module, each))


def ways_back_removed(module: AgentModule) -> Iterator[Place]:
    """Each tool that leads back, at each agent that has it."""
    yield from (_removed(each) for each in _each_place(module) if leads_back(module, each))


def descriptions_emptied(module: AgentModule) -> Iterator[Place]:
    """The docstring of each tool, and the `description=` that may take its place."""
    for tool in module.tools:
        edits: dict[ast.AST, ast.AST | None] = {}
        match tool.body[0]:
            case ast.Expr(value=ast.Constant(value=str() as text)) as docstring if text.strip():
                edits[docstring] = None
        match module.tool_mark(tool):
            case ast.Call(keywords=keywords):
                edits |= {each: None for each in keywords if each.arg == "description"}
        if edits:
            yield Place(node=tool, what="description emptied", edits=edits)


def _each_place(module: AgentModule) -> Iterator[Route]:
    by_place: dict[ast.AST, Route] = {}
    for route in routes(module):
        by_place.setdefault(route.place, route)
    yield from by_place.values()


def _removed(route: Route) -> Place:
    what = f"{route.owner} has no {route.name}"
    return Place(node=route.place, what=what, edits={route.place: None})


TOOL_OPERATORS = (
    Operator(
        name="handoff-tool-removed",
        places=handoff_tools_removed,
        suggestion="add a scenario in which this agent hands over by this tool, and expect "
        "the agent that the tool leads to",
    ),
    Operator(
        name="way-back-removed",
        places=ways_back_removed,
        suggestion="add a scenario in which the caller asks this agent to be taken back, and "
        "expect the agent that the tool leads to",
    ),
    Operator(
        name="tool-description-emptied",
        places=descriptions_emptied,
        suggestion="assert the tool's description among the tools that the agent's model received",
    ),
)

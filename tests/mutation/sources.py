"""Small modules with agents, and what an operator makes of them."""

import ast
import difflib
import textwrap
from pathlib import Path

from handoff_evals.agent_source import AgentModule
from handoff_evals.mutation import chosen_operators
from handoff_evals.mutation.mutant import mutated
from handoff_evals.mutation.selection import find


def module(source: str) -> AgentModule:
    """Parse a module as if it were a file."""
    return AgentModule(path=Path("shop.py"), tree=ast.parse(textwrap.dedent(source)))


def broken(source: str, operator: str) -> list[str]:
    """What each mutant of an operator changes: its removed (-) and added (+) lines."""
    parsed = module(source)
    before = ast.unparse(mutated(parsed.tree, {})).splitlines()
    found = []
    for mutant in find(parsed, chosen_operators([operator])):
        tree = mutated(parsed.tree, mutant.edits)
        compile(tree, "shop.py", "exec")
        after = ast.unparse(tree).splitlines()
        changed = (line for line in difflib.ndiff(before, after) if line[0] in "-+")
        shown = (f"{line[0]} {line[1:].strip()}" for line in changed if line[1:].strip())
        found.append("\n".join(shown))
    return found


def told(source: str, operator: str) -> list[str]:
    """Where each mutant of an operator is, and what it is said to break."""
    found = find(module(source), chosen_operators([operator]))
    return [f"{each.line} {each.scope}: {each.what}" for each in found]

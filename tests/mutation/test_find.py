import ast
from collections import Counter
from pathlib import Path

import pytest

from handoff_evals.agent_source import AgentModule
from handoff_evals.errors import UsageError
from handoff_evals.mutation import chosen_operators
from handoff_evals.mutation.mutant import changes_nothing, mutated
from handoff_evals.mutation.selection import OPERATORS, find
from tests.mutation.sources import broken, module

AGENTS = sorted((Path(__file__).parents[2] / "agents").glob("*.py"))


@pytest.mark.parametrize("path", AGENTS, ids=lambda path: path.stem)
def test_every_mutant_of_the_example_agents_compiles(path: Path) -> None:
    source = AgentModule.read(path)
    mutants = find(source)
    assert len(mutants) >= 30
    for mutant in mutants:
        compile(mutated(source.tree, mutant.edits), str(path), "exec")
        assert mutant.line > 0


def test_every_mutant_is_a_program_of_its_own() -> None:
    source = AgentModule.read(AGENTS[0])
    trees = [mutated(source.tree, each.edits) for each in find(source)]
    dumps = Counter(map(ast.dump, [mutated(source.tree, {}), *trees]))
    assert set(dumps.values()) == {1}


def test_every_operator_finds_a_place_in_the_example_agents() -> None:
    found = {each.operator.name for path in AGENTS for each in find(AgentModule.read(path))}
    # None of their tools makes an error of an exception.
    assert found == {operator.name for operator in OPERATORS} - {"tool-error-dropped"}


def test_the_same_mutants_are_found_in_the_same_order_each_time() -> None:
    first, second = (find(AgentModule.read(AGENTS[0])) for _ in range(2))
    assert [(each.operator, each.line, each.what) for each in first] == [
        (each.operator, each.line, each.what) for each in second
    ]


def test_a_mutant_keeps_the_lines_of_the_file_and_leaves_the_tree_alone() -> None:
    source = module(
        '"""Doc."""\nfrom __future__ import annotations\n\n\nclass A(Agent):\n    x = 1\n'
    )
    before = ast.dump(source.tree, include_attributes=True)
    edits = {source.tree.body[2].body[0]: None}  # type: ignore[attr-defined]
    tree = mutated(source.tree, edits)
    assert ast.dump(source.tree, include_attributes=True) == before
    assert ast.get_docstring(tree) == "Doc."
    assert isinstance(tree.body[1], ast.ImportFrom)
    assert tree.body[-1].lineno == 5
    compile(tree, "shop.py", "exec")


def test_an_edit_that_changes_nothing_is_recognised() -> None:
    number = ast.Constant(value=1)
    assert changes_nothing({number: ast.Constant(value=1)})
    assert not changes_nothing({number: ast.Constant(value=2)})
    assert not changes_nothing({number: None})


def test_code_that_only_a_worker_runs_is_left_alone() -> None:
    source = """
    @server.rtc_session()
    async def entrypoint(ctx: agents.JobContext):
        agent = FrontAgent(instructions="You are the front desk.")
        await agent.update_chat_ctx(history)

    if __name__ == "__main__":
        FrontAgent(instructions="You are a demo.")
    """
    assert all(broken(source, operator.name) == [] for operator in OPERATORS)


def test_an_unknown_operator_is_told_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match=r"no operator 'context-empty': did you mean 'context-em"):
        chosen_operators(["context-empty"])


def test_a_file_that_is_no_python_is_told(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text("def (:\n")
    with pytest.raises(UsageError, match="can't be read as Python"):
        AgentModule.read(tmp_path / "shop.py")

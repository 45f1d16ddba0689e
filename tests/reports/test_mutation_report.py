import io
from pathlib import Path

import pytest

from handoff_evals.cli.mutate_command import verdict
from handoff_evals.cli.output import ExitCode
from handoff_evals.mutation import Examined, Mutant, MutationRun, Result, chosen_operators
from handoff_evals.mutation.mutant_result import Status
from handoff_evals.reports import mutation_json, print_mutation
from handoff_evals.terminal import Console

(OPERATOR,) = chosen_operators(["context-emptied"])


def result(line: int, status: Status, *, killed_by: str = "", reason: str = "") -> Result:
    mutant = Mutant(operator=OPERATOR, line=line, scope="Front.to_b", what="ctx emptied", edits={})
    return Result(mutant=mutant, status=status, killed_by=killed_by, reason=reason)


def run(*results: Result, total: int | None = None) -> MutationRun:
    return MutationRun(
        modules=(
            Examined(
                path=Path("agents/shop.py"),
                tests=("evals/test_shop.py",),
                results=results,
                total=len(results) if total is None else total,
            ),
        )
    )


KILLED = result(7, "killed", killed_by="evals/test_shop.py::test_told", reason="not told")
SURVIVED = result(9, "survived")
INVALID = result(10, "invalid", reason="NameError: name 'x' is not defined")
UNJUDGED = result(11, "unjudged", reason="ended by SIGKILL")


def printed(made: MutationRun) -> str:
    console = Console(file=io.StringIO(), width=80)
    print_mutation(console, made)
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


def test_the_report_names_the_place_the_killer_and_what_a_survivor_needs() -> None:
    text = printed(run(KILLED, SURVIVED))
    assert "agents/shop.py: 0.50 (1 of 2 killed)" in text
    assert "shop.py:7 Front.to_b: ctx emptied killed by test_told" in text
    assert "shop.py:9 Front.to_b: ctx emptied survived" in text
    assert f"to kill what survived: {OPERATOR.suggestion[:30]}" in text


def test_what_was_not_run_is_said() -> None:
    assert "3 of 4 mutants were not run" in printed(run(KILLED, total=4))


def test_the_json_holds_every_mutant_and_advice_for_survivors_only() -> None:
    made = mutation_json(run(KILLED, SURVIVED))
    first, second = made["modules"][0]["mutants"]
    assert made["schema"] == 1
    assert made["score"] == 0.5
    assert first["killed_by"] == "evals/test_shop.py::test_told"
    assert first["suggestion"] is None
    assert second["suggestion"] == OPERATOR.suggestion


def test_a_mutant_without_a_verdict_counts_for_neither_side() -> None:
    assert run(KILLED, UNJUDGED).score == 1.0
    assert run(UNJUDGED).score is None


@pytest.mark.parametrize(
    ("made", "min_score", "code"),
    [
        (run(KILLED, SURVIVED), None, ExitCode.OK),
        (run(KILLED, SURVIVED), 0.5, ExitCode.OK),
        (run(KILLED, SURVIVED), 0.95, ExitCode.GATE_FAILED),
        (run(KILLED, UNJUDGED), 0.95, ExitCode.INVALID),
        (run(UNJUDGED), None, ExitCode.INVALID),
    ],
)
def test_the_score_decides_the_exit_code(
    made: MutationRun, min_score: float | None, code: ExitCode
) -> None:
    assert verdict(made, min_score=min_score)[0] is code


def test_a_mutant_that_fits_together_no_longer_counts_neither_way() -> None:
    made = run(KILLED, SURVIVED, INVALID)
    assert made.score == 0.5
    assert "no longer: NameError: name 'x' is not defined" in printed(made)
    assert verdict(made, min_score=0.5) == (ExitCode.OK, ())

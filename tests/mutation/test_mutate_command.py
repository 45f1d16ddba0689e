import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner, Result

from handoff_evals.cli.main import app
from handoff_evals.mutation import Result as MutantResult
from handoff_evals.mutation import Session
from tests.mutation.conftest import POOR, Project


def mutate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["mutate", *arguments], env={"COLUMNS": "80"})


def test_the_score_gates_and_the_survivors_are_told(project: Project) -> None:
    project(POOR)
    done = mutate("shop.py", "--min-score", "0.95", "--operator", "context-emptied")
    assert done.exit_code == 1
    text = " ".join(done.stdout.split())
    assert "context-emptied (0 of 3 killed)" in text
    assert "shop.py:14 Front.to_billing: self.chat_ctx emptied survived" in text
    assert "to kill what survived: expect in `carries`" in text
    assert "score 0.000 is below --min-score 0.95: 3 survived" in done.stderr


def test_a_score_that_is_high_enough_passes_and_json_is_all_there_is_on_stdout(
    project: Project,
) -> None:
    project(POOR)
    done = mutate(
        "shop", "--json", "--min-score", "1", "--operator", "handoff-returns-nothing", "-j", "1"
    )
    assert done.exit_code == 0
    (module,) = json.loads(done.stdout)["modules"]
    (mutant,) = module["mutants"]
    assert mutant["killed_by"] == "evals/test_shop.py::test_it_hands_over"
    assert mutant["line"] == 14


def test_the_ids_of_what_would_be_broken_are_listed_without_breaking_anything(
    project: Project,
) -> None:
    project(POOR)
    done = mutate("shop.py", "--list", "--operator", "handoff-returns-nothing")
    assert done.exit_code == 0
    id_ = "shop.py::Front.to_billing::handoff-returns-nothing::no handoff to Billing"
    assert done.stdout.split() == [
        "shop.py:",
        "1",
        "mutants",
        "handoff-returns-nothing",
        "14",
        *id_.split(),
    ]


def test_what_is_deselected_is_not_run_and_told(project: Project) -> None:
    project(POOR)
    done = mutate("shop", "--operator", "instructions-emptied", "--deselect", "::Front.__init__::")
    assert "shop.py: 0.00 (0 of 1 killed)" in done.stdout
    assert "1 more were deselected" in done.stdout


def test_a_text_that_deselects_nothing_is_told(project: Project) -> None:
    project(POOR)
    done = mutate("shop", "--deselect", "Frnot")
    assert done.exit_code == 2
    assert "--deselect 'Frnot' fits no mutant" in done.stderr


def test_an_interrupted_run_prints_what_there_is(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(POOR)
    results = Session.results

    def interrupted(session: Session) -> Iterator[MutantResult]:
        yield next(results(session))
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "results", interrupted)
    done = mutate("shop", "--operator", "instructions-emptied")
    assert done.exit_code == 130
    assert "1 of 2 mutants were not run" in done.stdout
    assert "interrupted" in done.stderr


@pytest.mark.parametrize(
    "arguments", [["nowhere"], ["shop", "--tests", "no.py"], ["shop", "--operator", "no"]]
)
def test_what_is_not_there_is_a_usage_error(project: Project, arguments: list[str]) -> None:
    project(POOR)
    assert mutate(*arguments).exit_code == 2

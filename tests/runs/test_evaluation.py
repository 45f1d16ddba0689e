"""`evaluate`: a run from Python, whose tables show in a notebook and in the terminal."""

import re
from pathlib import Path

import pytest
from rich.console import Console

from handoff_evals import (
    Expectation,
    Run,
    Scenario,
    ScriptedLLM,
    ScriptedTurn,
    Suite,
    Target,
    UsageError,
    evaluate,
)
from handoff_evals.runs import PreparedRun

SUITE = """
name: {name}
agent: tests.plugin.shop:FrontDesk
scenarios:
  - label: Broken chain
    turns:
      - user: My <script>chain</script> [red]snapped[/red].
        expect: {{agent: workshop}}
"""
MARKUP = "tests.runs.test_evaluation:markup"


def markup() -> ScriptedLLM:
    """A model that answers in HTML."""
    return ScriptedLLM(lambda _: "<b>No.</b>")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which somebody works, with one suite."""
    monkeypatch.chdir(tmp_path)
    _write(tmp_path / "evals" / "shop" / "scenarios.yaml", name="shop")
    return tmp_path


def _write(path: Path, *, name: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(SUITE.format(name=name), encoding="utf-8")


def _agent_of(run: Run) -> list[tuple[str, str]]:
    return [(trial.key.model, trial.transcript.turns[-1].active.id) for trial in run.trials]


def test_it_runs_every_scenario_on_every_model_and_keeps_the_run(folder: Path) -> None:
    run = evaluate("evals/shop", model=["oracle", "never"], trials=2)

    assert sorted(_agent_of(run)) == [("never", "front_desk")] * 2 + [("oracle", "workshop")] * 2
    assert run.summary.models["oracle"].trials.passed == 2
    assert (folder / run.path / "summary.json").is_file()
    assert run.path.parent == Path("runs")
    again = Run.open(run.path)
    assert (again.trials, again.summary) == (run.trials, run.summary)


async def test_it_works_where_an_event_loop_runs_as_in_a_notebook(folder: Path) -> None:
    run = evaluate(folder / "evals" / "shop" / "scenarios.yaml", model="oracle")
    assert _agent_of(run) == [("oracle", "workshop")]


async def test_an_error_in_a_notebook_is_the_callers_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(PreparedRun, "execute", fail)
    with pytest.raises(OSError, match="the disk is full"):
        evaluate("evals/shop", model="oracle")


def test_suites_may_be_made_in_python_and_mixed_with_files(folder: Path) -> None:
    turn = ScriptedTurn(user="Hi", expect=Expectation(agent=Target.parse("front_desk")))
    made = Suite(
        name="made",
        agent="tests.plugin.shop:FrontDesk",
        scenarios=(Scenario(label="Greeting", turns=(turn,)),),
    )
    run = evaluate([made, "evals"], model="oracle", out=folder / "kept")
    assert run.path == folder / "kept"
    assert {trial.key.suite for trial in run.trials} == {"made", "shop"}
    assert run.summary.models["oracle"].trials.passed == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"suite": "nowhere"}, "'nowhere' is neither a file nor a folder"),
        ({"model": "nothing"}, "nothing"),
        ({"trials": 0}, "trials=0: it must be at least 1"),
        ({"cassettes": "on"}, "cassettes='on': choose one of off, auto, replay, record"),
    ],
)
def test_what_can_not_be_is_refused_before_anything_runs(
    folder: Path, arguments: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        evaluate(**{"suite": "evals", "model": "oracle", **arguments})  # type: ignore[arg-type]
    assert not (folder / "runs").exists()


def test_a_notebook_shows_the_tables_and_what_was_said_stays_text() -> None:
    run = evaluate("evals/shop", model=MARKUP)
    html = run._repr_html_()
    assert html.startswith("<pre")
    assert "Outcomes of the expected decisions" in html
    assert "&lt;script&gt;chain&lt;/script&gt; [red]snapped[/red]" in html
    assert "<script>" not in html


def test_the_terminal_shows_the_same_tables_by_print_and_by_rich() -> None:
    run = evaluate("evals/shop", model=[MARKUP, "never"])
    printed = str(run)
    assert "Passed scenarios" in printed
    assert "caller: My <script>chain</script> [red]snapped[/red]." in printed
    assert printed.endswith(f"run folder: {run.path}")
    assert "\x1b" not in printed
    console = Console(width=110, color_system=None)
    with console.capture() as captured:
        console.print(run)
    assert captured.get().rstrip("\n") == printed
    assert repr(run) == f"<Run {str(run.path)!r}: trials=2, models={MARKUP}, never>"


def test_one_conversation_of_a_run_is_found_by_a_part_of_its_label() -> None:
    run = evaluate("evals/shop", model=["oracle", "never"])
    assert run.trial("broken", model="never").key.model == "never"
    text = run.conversation("Broken", model="oracle")
    assert "handoff: front_desk -> workshop" in text
    with pytest.raises(UsageError, match=r"no trial 0 of a scenario 'flat'; .*'Broken chain'"):
        run.trial("flat")
    with pytest.raises(UsageError, match="no trial 3 of a scenario 'Broken'"):
        run.trial("Broken", number=3)


def test_two_suites_of_one_name_are_refused(folder: Path) -> None:
    _write(folder / "more" / "scenarios.yaml", name="shop")
    with pytest.raises(UsageError, match="two suites have the name 'shop'"):
        evaluate(["evals", "more"], model="oracle")

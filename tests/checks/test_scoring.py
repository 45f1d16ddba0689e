"""Checks that a user adds: registered, validated, and never passed when they raise."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from handoff_evals import check, reached
from handoff_evals.checks import Score, expect_keys, load_checks, overall, score
from handoff_evals.errors import UsageError
from handoff_evals.scenarios import Scenario
from handoff_evals.transcript import Transcript
from tests.support.conversations import expects, scenario, transcript, turn
from tests.support.own_checks import checks_restored

ASKED = scenario(expects("a"), expects("a", extra={"max_words": 1}))
HELD = transcript("a", turn("a"), turn("a", said="One too many."))


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    with checks_restored():
        yield


def scores(name: str) -> list[Score]:
    return [each for each in score(ASKED, HELD) if each.name == name]


def test_a_check_of_turns_judges_those_whose_expect_has_its_key() -> None:
    @check("max_words", expects=int)
    def max_words(asked: Scenario, held: Transcript) -> Iterator[Score]:
        for number, scripted, happened in reached(asked, held, key="max_words"):
            words = len(happened.said.split())
            fits = words <= scripted.expect.extra["max_words"]
            yield Score(status="passed" if fits else "failed", reason=f"{words} words", turn=number)

    assert scores("max_words") == [
        Score(name="max_words", status="failed", reason="3 words", turn=2)
    ]
    assert [(key.name, key.kind, key.of) for key in expect_keys()] == [("max_words", int, "turn")]
    assert overall(score(ASKED, HELD)) == "failed"


def test_a_check_of_the_conversation_returns_a_single_score() -> None:
    @check("short")
    def short(_: Scenario, held: Transcript) -> Score:
        return Score(status="passed" if len(held.turns) < 4 else "failed")

    assert scores("short") == [Score(name="short", status="passed")]


def test_a_check_that_raises_leaves_the_trial_unscored_with_its_traceback() -> None:
    @check("broken")
    def broken(_: Scenario, __: Transcript) -> Score:
        raise KeyError("order")

    [found] = scores("broken")

    assert (found.status, found.cause) == ("unscored", "check_error")
    assert found.reason.startswith(
        "check_error: the check 'broken' raised KeyError: 'order' (test_scoring.py:"
    )
    assert "in broken" in found.traceback
    assert overall(score(ASKED, HELD)) == "unscored"


def test_what_a_check_found_before_it_raised_counts() -> None:
    @check("broken")
    def broken(_: Scenario, __: Transcript) -> Iterator[Score]:
        yield Score(status="failed", turn=1)
        raise KeyError("order")

    assert [each.status for each in scores("broken")] == ["failed", "unscored"]
    assert overall(score(ASKED, HELD)) == "failed"


@pytest.mark.parametrize("error", [SystemExit(0), pytest.skip.Exception("later")])
def test_no_check_ends_a_run(error: BaseException) -> None:
    @check("exits")
    def exits(_: Scenario, __: Transcript) -> Score:
        raise error

    assert [each.cause for each in scores("exits")] == ["check_error"]


def test_an_interrupted_run_is_interrupted() -> None:
    @check("stops")
    def stops(_: Scenario, __: Transcript) -> Score:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score(ASKED, HELD)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "TypeError: 'NoneType' object is not iterable"),
        ([True], "TypeError: True is no Score: return a Score, or give several"),
        (Score(status="pass"), "ValueError: status 'pass': write one of passed, failed, unscored"),  # type: ignore[arg-type]
        (Score(status="passed", turn=3), "ValueError: turn 3: the scenario has turns 1 to 2"),
        (
            Score(status="passed", events=(99,)),
            "ValueError: events (99,): the transcript has 5 events",
        ),
        (
            Score(name="other", status="passed"),
            "ValueError: name 'other': leave it out, the check is 'odd'",
        ),
    ],
)
def test_what_is_no_score_is_a_check_error(given: Any, said: str) -> None:
    @check("odd")
    def odd(_: Scenario, __: Transcript) -> Any:
        return given

    [found] = scores("odd")
    assert found.status == "unscored"
    assert said in found.reason


def test_another_check_of_the_same_name_is_refused() -> None:
    with pytest.raises(UsageError, match=r"check 'carries' is there already, from handoff_evals\."):
        check("carries")(lambda _, __: Score(status="passed"))


def test_the_same_function_may_be_registered_again_when_its_module_is_imported_again() -> None:
    def mine(_: Scenario, __: Transcript) -> Score:
        return Score(status="passed")

    check("mine")(mine)
    check("mine")(mine)

    assert [each.status for each in scores("mine")] == ["passed"]


@pytest.mark.parametrize("name", ["", "two words", "1st", "a.b"])
def test_a_name_is_a_word(name: str) -> None:
    with pytest.raises(UsageError, match="write letters, digits"):
        check(name)


def test_a_key_that_expect_has_already_is_refused() -> None:
    with pytest.raises(UsageError, match="check 'agent': `expect:` has that key already"):
        check("agent", expects=str)


def test_a_project_names_its_modules_of_checks(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.handoff-evals]\nchecks = ["named_checks"]\n')
    (tmp_path / "named_checks.py").write_text(
        "from handoff_evals import Score, check\n"
        "@check('named', expects=list[str])\n"
        "def named(scenario, transcript):\n"
        "    return Score(status='passed')\n"
    )
    load_checks(tmp_path)

    assert [each.status for each in scores("named")] == ["passed"]
    assert "named" in {key.name for key in expect_keys()}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (None, r"checks: 'absent_0' can't be imported: ModuleNotFoundError"),
        ("import sys\nsys.exit(0)\n", r"checks: 'absent_1' can't be imported: SystemExit: 0"),
        (
            "from handoff_evals import check\ncheck('path')(print)\n",
            r"checks: 'absent_2': check 'path' is there already",
        ),
    ],
)
def test_a_module_of_checks_that_can_not_be_had_is_named(
    tmp_path: Path, source: str | None, said: str
) -> None:
    number = 0 if source is None else 1 if "sys" in source else 2
    name = f"absent_{number}"
    (tmp_path / "pyproject.toml").write_text(f'[tool.handoff-evals]\nchecks = ["{name}"]\n')
    if source is not None:
        (tmp_path / f"{name}.py").write_text(source)

    with pytest.raises(UsageError, match=said):
        load_checks(tmp_path)


def test_installed_packages_bring_checks_by_an_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "packaged_checks.py").write_text(
        "from handoff_evals import Score, check\n"
        "@check('packaged')\n"
        "def packaged(scenario, transcript):\n"
        "    return Score(status='passed')\n"
    )
    info = tmp_path / "packaged_checks-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: packaged-checks\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[handoff_evals.checks]\nx = packaged_checks\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        load_checks(tmp_path)
        assert [each.status for each in scores("packaged")] == ["passed"]
    finally:
        sys.modules.pop("packaged_checks", None)

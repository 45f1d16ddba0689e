"""Judges in `run` and `judge`, and the commands that measure them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from handoff_evals.judges import Excerpt, LabelledCall, label_line, read_labels

Command = Callable[..., Any]
MODELS = "tests.support.judge_models"
SUITE = """
name: Lamps
agent: tests.support.judged_agents:{agents}
checks: [judge: greeted_anew]
scenarios:
  - label: Broken lamp
    turns:
      - user: My lamp is broken.
        expect: {{agent: repairs}}
"""


@pytest.fixture(name="lamps")
def _lamps(project: Path) -> Callable[[str], Path]:
    def write(agents: str) -> Path:
        path = project / "lamps.yaml"
        path.write_text(SUITE.format(agents=agents))
        return path

    return write


@pytest.fixture(name="labels")
def _labels(project: Path) -> Path:
    """Sixty labelled conversations, half of which fail."""
    path = project / "labels.jsonl"
    lines = []
    for number in range(60):
        fails = bool(number % 2)
        said = "Welcome to the shop!" if fails else "You called about the lamp."
        excerpt = Excerpt.written(
            ("caller", "caller", f"It is about lamp {number}."),
            ("handoff", "b", "a -> b"),
            ("agent", "b", said),
        )
        label = LabelledCall(
            excerpt=excerpt, labels={"greeted_anew": "fail" if fails else "pass"}, labeller="Ann"
        )
        lines.append(label_line(label))
    path.write_text("\n".join(lines))
    return path


def run(command: Command, *more: str) -> Any:
    return command("run", "lamps.yaml", "-m", "oracle", "--out", "made", *more)


def test_judges_that_nobody_asks_are_named(command: Command, lamps: Callable[[str], Path]) -> None:
    lamps("greeting_anew")
    done = run(command)
    assert done.code == 0
    assert "the judges that 1 of 1 scenarios name in `checks:` were not asked" in done.err


def test_a_judge_that_was_never_calibrated_is_shown_and_does_not_count(
    command: Command, lamps: Callable[[str], Path]
) -> None:
    lamps("greeting_anew")
    done = run(command, "--judge", "rule", "--min-passed", "1")
    assert done.code == 0
    assert "shown and do not count, because it was never calibrated" in done.err
    told = " ".join(done.out.split())
    assert "fail, shown only, for 'Welcome to the shop!'" in told


def test_a_calibrated_judge_fails_a_trial_and_stands_in_the_summary(
    command: Command, lamps: Callable[[str], Path], labels: Path
) -> None:
    lamps("greeting_anew")
    assert command("calibrate", "greeted_anew", labels.name, "--judge", "rule").code == 0
    done = run(command, "--judge", "rule", "--min-passed", "1", "--json")
    assert done.code == 1
    rate = json.loads(done.out)["models"]["oracle"]["judges"]["greeted_anew"]
    assert rate["gates"]
    assert (rate["passed"], rate["failed"]) == (0, 1)
    assert rate["corrected"]["value"] == 0
    assert rate["raw"]["value"] == 0
    lamps("going_on")
    again = command("run", "lamps.yaml", "-m", "oracle", "--judge", "rule", "--min-passed", "1")
    assert again.code == 0


@pytest.mark.parametrize(
    ("judge", "says"),
    [
        ("raising", "judge_raised (RuntimeError: the judge is broken)"),
        ("always_passing", "it must fail the planted bad conversation, and says: pass"),
        ("nonsense", "judge_no_verdict (I like trains. has no JSON object with a verdict)"),
        ("inventing", "quotes the moon is made of cheese, which nobody said"),
        ("obeying", "in which the caller asks for a pass, and says: pass"),
    ],
)
def test_a_broken_judge_is_stopped_and_makes_the_run_invalid(
    command: Command, lamps: Callable[[str], Path], judge: str, says: str
) -> None:
    lamps("going_on")
    done = run(command, "--judge", f"{MODELS}:{judge}")
    assert done.code == 3
    assert "judge greeted_anew: stopped, it must" in done.err
    assert says in done.err
    assert "gave no verdict on any of 1 trials (judge_failed_planted 1)" in done.err


def test_a_judge_that_breaks_after_the_planted_conversations_scores_nothing(
    command: Command, lamps: Callable[[str], Path]
) -> None:
    lamps("going_on")
    done = run(command, "--judge", f"{MODELS}:late_nonsense")
    assert done.code == 3
    assert "gave no verdict on any of 1 trials (judge_no_verdict 1)" in done.err


def test_a_calibrated_judge_that_breaks_leaves_trials_unscored(
    command: Command, lamps: Callable[[str], Path], labels: Path, project: Path
) -> None:
    lamps("going_on")
    judge = f"{MODELS}:late_nonsense"
    command(
        "calibrate", "greeted_anew", labels.name, "--judge", f"{MODELS}:good", "--out", "c.json"
    )
    kept = json.loads((project / "c.json").read_text())
    (project / "fixtures" / "calibrations").mkdir(parents=True)
    path = project / "fixtures" / "calibrations" / "c.json"
    path.write_text(json.dumps({**kept, "model": judge}))
    done = run(command, "--judge", judge)
    assert done.code == 3
    assert "no trial was scored (judge_no_verdict 1)" in done.err


def test_kept_conversations_are_judged_without_running_agents(
    command: Command, lamps: Callable[[str], Path]
) -> None:
    lamps("greeting_anew")
    run(command, "-q")
    done = command("judge", "made", "--judge", f"{MODELS}:good")
    assert done.code == 0, done.err
    assert "judges: tests.support.judge_models:good" in " ".join(done.out.split())
    assert "0/1" in done.out


def test_a_resumed_run_asks_the_same_judges(
    command: Command, lamps: Callable[[str], Path], project: Path
) -> None:
    lamps("going_on")
    run(command, "--judge", "rule", "-q")
    (project / "made" / "judgments.jsonl").unlink()
    assert command("resume", "made", "-q").code == 0
    assert len((project / "made" / "judgments.jsonl").read_text().splitlines()) == 1
    command("resume", "made", "-q")
    assert len((project / "made" / "judgments.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--judge", "nobody:at_all"), "nobody"),
        (("--judge", "own"), "has no model of its own"),
    ],
)
def test_a_judge_that_can_not_be_asked_is_bad_input(
    command: Command, lamps: Callable[[str], Path], words: tuple[str, ...], says: str
) -> None:
    lamps("going_on")
    done = run(command, *words)
    assert done.code == 2
    assert says in done.err


def test_a_judge_that_is_misspelt_is_bad_input(command: Command, project: Path) -> None:
    text = SUITE.format(agents="going_on").replace("greeted_anew", "greeted_new")
    (project / "lamps.yaml").write_text(text)
    done = run(command)
    assert done.code == 2
    assert "did you mean 'greeted_anew'?" in done.err


def test_a_weak_judge_is_measured_and_does_not_count(
    command: Command, labels: Path, project: Path
) -> None:
    lines = labels.read_text().splitlines()
    labels.write_text("\n".join(line.replace("Welcome to", "Good day from") for line in lines))
    done = command("calibrate", "greeted_anew", labels.name, "--judge", "rule", "--out", "c.json")
    assert done.code == 1
    assert "do not count: kappa 0.00, at least -0.07: below 0.8" in done.err
    assert (project / "c.json").exists()


def test_a_broken_judge_is_measured_only_where_that_is_asked_for(
    command: Command, labels: Path, project: Path
) -> None:
    asked = ("calibrate", "greeted_anew", labels.name, "--judge", f"{MODELS}:always_passing")
    done = command(*asked, "--out", "c.json")
    assert done.code == 3
    assert not (project / "c.json").exists()
    again = command(*asked, "--out", "c.json", "--stopped-too", "--sample", "10")
    assert again.code == 3
    assert "it was stopped" in again.err
    assert json.loads((project / "c.json").read_text())["labels"] == 10


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("greeted_new", "labels.jsonl"), "did you mean 'greeted_anew'?"),
        (("promise_kept", "labels.jsonl"), "has no label for 'promise_kept'"),
        (("greeted_anew", "none.jsonl"), "can't be read"),
        (("greeted_anew",), "name the labels"),
    ],
)
def test_what_can_not_be_calibrated_is_bad_input(
    command: Command,
    labels: Path,  # noqa: ARG001 - it has to be there
    words: tuple[str, ...],
    says: str,
) -> None:
    done = command("calibrate", *words, "--judge", "rule")
    assert done.code == 2
    assert says in done.err


def test_judges_are_listed(command: Command) -> None:
    done = command("calibrate")
    assert done.code == 0
    assert "greeted_anew" in done.out


@pytest.fixture(name="keys")
def _keys(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Press keys, one at a time; after the last one Ctrl-C."""

    def press(keys: str) -> None:
        left = list(keys)
        monkeypatch.setattr(typer, "getchar", lambda: left.pop(0) if left else "\x03")

    return press


def test_labels_are_kept_one_by_one_and_the_next_time_goes_on(
    command: Command,
    lamps: Callable[[str], Path],
    keys: Callable[[str], None],
    project: Path,
) -> None:
    lamps("greeting_anew")
    run(command, "-q")
    question = ("--question", "greeted_anew", "--question", "right_agent")
    asked = ("label", "made", "--by", "Ann", *question, "--labels", "l.jsonl")
    keys("xf")  # no answer, fail, and Ctrl-C
    done = command(*asked)
    assert done.code == 130
    assert "'x' is no answer" in done.out
    [label] = read_labels(project / "l.jsonl")
    assert label.labels == {"greeted_anew": "fail"}
    keys("pufq")  # pass, undo, fail, quit
    done = command(*asked)
    assert done.code == 0
    assert "1 of 2 are labelled by Ann." in done.out
    assert [each.labels for each in read_labels(project / "l.jsonl")] == [
        {"greeted_anew": "fail"},
        {"right_agent": "fail"},
    ]


def test_two_labellers_are_compared(
    command: Command, lamps: Callable[[str], Path], keys: Callable[[str], None]
) -> None:
    lamps("greeting_anew")
    run(command, "-q")
    for name, key in (("Ann", "f"), ("Bo", "p")):
        keys(f"{key}q")
        done = command("label", "made", "--by", name, "--labels", "l.jsonl")
        assert done.code == 0, done.err
    assert "greeted_anew: Ann and Bo: kappa 0.00" in done.out


def test_a_run_without_anything_to_label_is_bad_input(
    command: Command, lamps: Callable[[str], Path]
) -> None:
    lamps("going_on")
    run(command, "-q")
    done = command("label", "made", "--by", "Ann", "--question", "agent_expectations")
    assert done.code == 2
    assert "there is nothing to label" in done.err

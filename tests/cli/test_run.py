"""`handoff-evals run`: what it prints, leaves behind and exits with."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handoff_evals.results import RunFolder

ROOT = Path(__file__).parents[2]
Command = Callable[..., Any]


def test_it_leaves_a_run_folder_and_prints_the_table(command: Command, project: Path) -> None:
    done = command("run", "-m", "oracle", "--out", "mine")
    assert done.code == 0, done.err
    assert "oracle" in done.out
    assert "1.00" in done.out
    assert {path.name for path in (project / "mine").iterdir()} == {
        "manifest.json",
        "trials.jsonl",
        "summary.json",
    }


def test_json_is_the_summary_and_nothing_else(command: Command) -> None:
    done = command("run", "-m", "never", "-m", "oracle", "--json")
    summary = json.loads(done.out)
    assert summary["schema"] == 2
    assert set(summary["models"]) == {"never", "oracle"}
    never = summary["models"]["never"]
    assert never["trials"] == {
        "passed": 1,
        "failed": 1,
        "unscored": 0,
        "causes": {},
        "not_run": 0,
    }
    assert never["decisions"]["outcomes"]["missed"] == 1
    assert never["confusion"]["star[node=b]"] == {"star[node=a]": 1}
    # One of two decisions in one scenario, the only one in the other.
    assert never["accuracy"]["value"] == pytest.approx(3 / 4)
    assert never["accuracy"]["low"] < 3 / 4 < never["accuracy"]["high"]
    assert never["passed"]["value"] == pytest.approx(1 / 2)
    assert never["checks"]["conversation"] == {"passed": 2, "failed": 0, "unscored": 0}


def test_a_gate_that_fails_exits_1(command: Command) -> None:
    done = command("run", "-m", "never", "--min-accuracy", "0.9")
    assert done.code == 1
    assert "never: accuracy 0.750 (observed) is below --min-accuracy 0.9" in done.err


def test_nothing_scored_exits_3_and_says_why(command: Command, project: Path) -> None:
    (project / "dead_models.py").write_text(
        "from livekit.agents import APIStatusError\n"
        "from handoff_evals import ScriptedLLM\n"
        "def dead():\n"
        "    return ScriptedLLM(lambda _: APIStatusError('no', status_code=401))\n"
    )
    (project / "pyproject.toml").write_text("[tool.handoff-evals]\nretries = 0\n")
    done = command("run", "-m", "dead_models:dead")
    assert done.code == 3
    assert "invalid" in done.err
    assert "api_status_401" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "'nowhere' is neither a file nor a folder"),
        (["-m", "gpt"], "no model 'gpt'; there are:"),
        (["-m", "never", "-m", "never"], "name 'never' twice: name each model once"),
        (
            ["-m", "never", "--only", "zzz"],
            "no scenario fits --only 'zzz'; there are 'Stays, then b'",
        ),
        (["-m", "never", "--tag", "kind"], "write K=V"),
        (["-m", "gguf:none.gguf"], "there is no file"),
        (["-m", "openai/gpt-4.1-mini"], "needs LIVEKIT_API_KEY and LIVEKIT_API_SECRET"),
    ],
)
def test_bad_usage_exits_2_with_a_message(command: Command, words: list[str], said: str) -> None:
    done = command("run", *words)
    assert done.code == 2
    assert said in done.err


def test_only_and_tag_choose_scenarios(command: Command) -> None:
    both = json.loads(command("run", "-m", "never", "--json").out)
    one = json.loads(command("run", "-m", "never", "--json", "--tag", "kind=moves").out)
    other = json.loads(command("run", "-m", "never", "--json", "--only", "STAYS, THEN").out)
    trials = [run["models"]["never"]["accuracy"]["scenarios"] for run in (both, one, other)]
    assert trials == [2, 1, 1]


def test_an_expected_agent_that_nobody_met_is_named(command: Command, project: Path) -> None:
    suite = project / "evals" / "star" / "scenarios.yaml"
    suite.write_text(suite.read_text().replace("agent: star, where: {node: b}", "agent: starr"))
    done = command("run", "-m", "never")
    assert "no trial ever met the expected agent 'starr'; the nearest that was met is" in done.err


def test_a_run_that_was_stopped_is_resumed(command: Command, project: Path) -> None:
    whole = json.loads(command("run", "-m", "oracle", "--trials", "2", "--out", "a", "--json").out)
    lines = (project / "a" / "trials.jsonl").read_text().splitlines(keepends=True)
    (project / "a" / "trials.jsonl").write_text("".join(lines[:2]) + lines[2][:40])
    done = command("resume", "a", "--json")
    assert done.code == 0, done.err
    again = json.loads(done.out)
    assert len((project / "a" / "trials.jsonl").read_text().splitlines()) == 4
    for key in ("accuracy", "confusion", "decisions", "trials"):
        assert again["models"]["oracle"][key] == whole["models"]["oracle"][key]


def test_a_run_of_a_changed_suite_is_not_resumed(command: Command, project: Path) -> None:
    command("run", "-m", "oracle", "--out", "a")
    suite = project / "evals" / "star" / "scenarios.yaml"
    suite.write_text(suite.read_text().replace("Stays\n", "Stays put\n"))
    done = command("resume", "a")
    assert done.code == 2
    assert "scenarios.yaml has changed" in done.err


def test_a_budget_stops_the_run_and_says_so(command: Command, project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.handoff-evals]\nmax_tokens = 30\n")
    done = command("run", "-m", "oracle", "--trials", "20", "-j", "1")
    assert done.code == 3
    assert "max_tokens = 30 is reached" in done.err
    assert "trials were not run" in done.err


def test_a_trial_without_an_answer_is_run_again_when_the_run_is_resumed(
    command: Command, project: Path
) -> None:
    (project / "outage_models.py").write_text(
        "from pathlib import Path\n"
        "from livekit.agents import APIStatusError\n"
        "from handoff_evals import ScriptedLLM\n"
        "def answer(request):\n"
        "    if Path('down').exists():\n"
        "        return APIStatusError('no', status_code=401)\n"
        "    return 'I see.'\n"
        "def outage():\n"
        "    return ScriptedLLM(answer)\n"
    )
    (project / "down").touch()
    (project / "pyproject.toml").write_text("[tool.handoff-evals]\nretries = 0\n")
    out = command("run", "-m", "outage_models:outage", "--out", "a")
    assert out.code == 3
    (project / "down").unlink()

    done = command("resume", "a", "--json")

    assert done.code == 0, done.err
    (model,) = json.loads(done.out)["models"].values()
    assert model["trials"] == {"passed": 1, "failed": 1, "unscored": 0, "causes": {}, "not_run": 0}
    again = command("resume", "a", "--json")
    assert json.loads(again.out)["models"] == json.loads(done.out)["models"]


def test_a_run_that_another_process_adds_to_is_left_alone(command: Command, project: Path) -> None:
    command("run", "-m", "never", "--out", "a")
    with RunFolder.open(project / "a").locked():
        done = command("resume", "a")

    assert done.code == 2
    assert "another process is adding to 'a'" in done.err


def test_what_failed_beside_the_handoffs_is_told(command: Command, project: Path) -> None:
    suite = project / "evals" / "star" / "scenarios.yaml"
    suite.write_text(suite.read_text().replace("node: b}}", "node: b}, carries: [the moon]}"))
    done = command("run", "-m", "oracle")

    assert "oracle: what went wrong" in done.out
    assert "Stays, then b, turn 2:" in done.out
    assert "'the moon'" in " ".join(done.out.split())


def test_quiet_says_why_the_exit_code_is_not_0(command: Command) -> None:
    done = command("run", "-m", "never", "--min-accuracy", "0.9", "--quiet")

    assert done.code == 1
    assert done.out == ""
    assert done.err.strip() == "never: accuracy 0.750 (observed) is below --min-accuracy 0.9"


def test_agents_without_a_model_of_their_own_are_refused(command: Command) -> None:
    done = command("run", "-m", "own")

    assert done.code == 2
    assert "has no model of its own, nor has the session" in done.err


@pytest.mark.parametrize("code", ["0", "1", "'missing KEY'"])
def test_a_module_that_exits_is_named(command: Command, project: Path, code: str) -> None:
    (project / f"exits_{len(code)}.py").write_text(f"import sys\nsys.exit({code})\n")
    done = command("run", "-m", f"exits_{len(code)}:model")

    assert done.code == 2
    assert "can't be imported: SystemExit" in done.err


async def test_who_stops_reading_changes_no_verdict(project: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    words = ("run", "-m", "never", "--out", "mine")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "handoff_evals", *words, "--min-accuracy", "0.9"),
        cwd=project,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"},
        stdout=write,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(write)
    _, err = await process.communicate()

    assert process.returncode == 1
    assert b"below --min-accuracy" in err
    assert b"Traceback" not in err
    assert (project / "mine" / "summary.json").exists()


def test_scenarios_that_expect_nothing_are_named(command: Command, project: Path) -> None:
    suite = project / "evals" / "star" / "scenarios.yaml"
    text = suite.read_text(encoding="utf-8")
    suite.write_text(
        f"{text}  - {{label: Only a call, turns: [{{user: Hello}}]}}\n", encoding="utf-8"
    )
    done = command("run", "-m", "never")
    said = " ".join(done.out.split())
    assert "1 of 3 scenarios of 'Star' expect nothing" in said
    assert "'Only a call'. Write `expect:`." in said
    assert done.code == 0
    assert "expect nothing" not in command("run", "-m", "never", "--only", "Stays").out

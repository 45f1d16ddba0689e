"""`handoff-evals diff`: what an edit of agents in a git repository did to the handoffs."""

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from handoff_evals.diff import DiffRequest, Progress
from handoff_evals.diff import diff as compare
from handoff_evals.results import RunFolder, Trial
from tests.support.side_by_side import side_by_side

SUPPORT = Path(__file__).parents[1] / "support"
REQUESTS = {
    "billing": [
        f"I want a refund of {number} pounds, the charges are too high." for number in range(9)
    ],
    "technical_support": [f"My router is broken since {number} days." for number in range(3)],
    "customer_service": [f"Is it open at {number} on Sunday?" for number in range(2)],
}


@dataclass(frozen=True, kw_only=True)
class Diffed:
    """What a diff gave."""

    code: int
    found: dict[str, Any]
    err: str


@dataclass(frozen=True, kw_only=True)
class Project:
    """A repository with `line.py`, a suite of 14 conversations and the obedient model."""

    folder: Path
    root: Path

    def edit(self, old: str, new: str) -> None:
        path = self.folder / "line.py"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.root), *words],  # noqa: S607 - whichever there is
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def trials(self, run: str) -> list[Trial]:
        return list(RunFolder.open(self.folder / run).trials())


Diff = Callable[..., Diffed]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project lies in a subfolder of its repository; one commit, nothing edited."""
    folder = tmp_path / "repo" / "phone"
    (folder / "evals").mkdir(parents=True)
    shutil.copy(SUPPORT / "line.py", folder)
    shutil.copy(SUPPORT / "obedient.py", folder)
    scenarios = [
        {"label": said, "turns": [{"user": said, "expect": {"agent": f"{agent}_agent"}}]}
        for agent, requests in REQUESTS.items()
        for said in requests
    ]
    suite = {"name": "Line", "agent": "line:line_call", "scenarios": scenarios}
    (folder / "evals" / "scenarios.yaml").write_text(yaml.safe_dump(suite))
    project = Project(folder=folder, root=folder.parent)
    project.git("init", "--quiet", "--initial-branch", "main")
    project.git("config", "user.email", "somebody@example.com")
    project.git("config", "user.name", "Somebody")
    (project.root / ".gitignore").write_text("runs\n__pycache__\n")
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message", "As it was")
    monkeypatch.chdir(folder)
    return project


@pytest.fixture
def diff(diff_by_processes: Diff, monkeypatch: pytest.MonkeyPatch) -> Diff:
    """Compare on the obedient model, with both sides in this process."""

    async def in_this_process(request: DiffRequest, heard: Callable[[Progress], None]) -> Any:
        return await compare(request, heard, start=side_by_side())

    monkeypatch.setattr("handoff_evals.diff.diff", in_this_process)
    return diff_by_processes


@pytest.fixture
def diff_by_processes(command: Callable[..., Any]) -> Diff:
    """Compare on the obedient model, with a process for each side."""

    def run(*words: str) -> Diffed:
        done = command("diff", "-m", "obedient:obedient", "--out", "runs/d", "--json", *words)
        return Diffed(code=done.code, found=json.loads(done.out) if done.out else {}, err=done.err)

    return run


def write_suite(project: Project, *, billing: int, others: int) -> None:
    """So many scenarios that an edit of what goes to billing breaks, after others."""
    requests = {
        "customer_service": [f"Is it open at {number} on Sunday?" for number in range(others)],
        "billing": [f"I want a refund of {number} pounds." for number in range(billing)],
    }
    scenarios = [
        {"label": said, "turns": [{"user": said, "expect": {"agent": f"{agent}_agent"}}]}
        for agent, each in requests.items()
        for said in each
    ]
    suite = {"name": "Line", "agent": "line:line_call", "scenarios": scenarios}
    (project.folder / "evals" / "scenarios.yaml").write_text(yaml.safe_dump(suite))


def calls(found: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {side: (found[side]["asked"], found[side]["replayed"]) for side in "ab"}


def test_a_harmless_rewording_makes_no_difference(project: Project, diff: Diff) -> None:
    project.edit("Charges, refunds and invoices go to", "All charges, refunds, invoices go to")
    done = diff("--margin", "0.4")
    assert done.code == 0, done.err
    judged = done.found["judged"]
    assert judged["verdict"] == "no difference larger than the margin"
    assert judged["overall"]["loss"] == pytest.approx(1 - 0.05 ** (1 / 14))
    assert done.found["flips"] == []
    [change] = done.found["changes"]
    assert (change["agent"], change["kind"]) == ("customer_service_agent", "instructions")
    assert done.found["scope"]["reached"] == 14
    assert done.found["scope"]["held"] == 14, "so few are all run"


@pytest.mark.usefixtures("preloaded_python")
def test_an_edit_that_breaks_an_edge_regresses(project: Project, diff_by_processes: Diff) -> None:
    project.edit("invoices go to billing", "invoices go to technical support")
    done = diff_by_processes()
    assert done.code == 1, done.err
    found = done.found
    judged = found["judged"]
    assert judged["verdict"] == "regressed"
    assert judged["overall"]["better"] == 0
    assert found["stopped"] == "all run"
    assert len(found["flips"]) == judged["overall"]["worse"] == 9
    assert judged["sentences"][0].startswith("These 14 scenarios: 9 passed less often, 0 more")
    assert judged["sentences"][1].startswith("Scenarios like these (of Line): the share that")
    assert {flip["edge"] for flip in found["flips"]} == {"customer_service_agent -> billing_agent"}
    first = found["flips"][0]
    assert (first["a"], first["b"]) == ("correct", "wrong")
    assert first["actual"] == "technical_support_agent"
    verdicts = {part["name"]: part["verdict"] for part in judged["parts"]}
    assert verdicts["customer_service_agent -> billing_agent"] == "regressed"
    assert verdicts["customer_service_agent stays"] == "can't tell"


@pytest.mark.parametrize(("others", "billing"), [(43, 17), (0, 7)])
def test_what_broke_is_found_wherever_it_stands(
    project: Project, command: Callable[..., Any], others: int, billing: int
) -> None:
    """43 that are the same do not hide 17 that broke; and of seven, all are run."""
    write_suite(project, billing=billing, others=others)
    project.edit("invoices go to billing", "invoices go to technical support")
    done = command("diff", "-m", "obedient:obedient", "--out", "runs/d")
    assert done.code == 1, done.err
    said = " ".join(done.out.split())
    assert "Run: " + str(others + billing) in said
    assert f"edge customer_service_agent -> billing_agent regressed: {billing} scenarios" in said
    assert (
        f"These {others + billing} scenarios: {billing} passed less often, 0 more often, "
        f"{others} as often;" in said
    )
    assert "Scenarios like these (of Line): the share that passes differs by -" in said
    assert said.count("worse Line / ") == min(billing, 20)


def test_what_an_edit_can_not_reach_asks_no_model(project: Project, diff: Diff) -> None:
    project.edit("You repair things.", "You repair things, patiently.")
    before = project.git("status", "--porcelain")
    done = diff("--margin", "0.4")
    assert done.code == 0, done.err
    scope = done.found["scope"]
    assert (scope["reached"], scope["may_be_reached"], scope["out_of_reach"]) == (3, 0, 11)
    assert scope["held"] == 3
    for side in "ab":
        held = {trial.key.scenario for trial in project.trials(f"runs/d/{side}")}
        assert held == set(REQUESTS["technical_support"])
    # A request for the handoff, which is the same on both sides, and one for the words after it.
    assert calls(done.found) == {"a": (6, 0), "b": (3, 3)}
    assert done.found["judged"]["overall"]["same"] == 14
    assert project.git("status", "--porcelain") == before, "the working tree is never touched"
    assert len(project.git("worktree", "list").splitlines()) == 1


def test_a_second_diff_goes_on_only_with_the_same_agents(project: Project, diff: Diff) -> None:
    project.edit("You repair things.", "You repair things, patiently.")
    first = diff("--margin", "0.4")
    lines = project.folder / "runs/d/b/trials.jsonl"
    kept = "".join(lines.read_text().splitlines(keepends=True)[:2])
    lines.write_text(kept)
    second = diff("--margin", "0.4")
    assert second.found["judged"] == first.found["judged"]
    assert len(lines.read_text().splitlines()) == 3
    assert lines.read_text().startswith(kept)
    project.edit("patiently", "quickly")
    third = diff("--margin", "0.4")
    assert third.code == 2
    assert "the code of agent 'line:line_call' has changed" in third.err


def test_no_model_is_asked_where_nothing_changed(project: Project, diff: Diff) -> None:
    project.edit("You say that everybody sleeps.", "You say nothing.")
    done = diff()
    assert done.code == 0, done.err
    assert done.found["stopped"] == "nothing changed"
    assert calls(done.found) == {"a": (0, 0), "b": (0, 0)}
    assert done.found["not_seen"] == [{"suite": "Line", "agent": "NightWatch", "changed": True}]


def test_an_id_that_the_code_draws_is_no_change_and_an_edit_beside_it_is(
    project: Project, diff: Diff
) -> None:
    project.edit(
        "from typing import Any", "import uuid\nfrom typing import Any\nCALL = uuid.uuid4()"
    )
    project.edit('"You repair things."', 'f"Call {CALL}. {uuid.uuid4()}, {__file__}. You repair."')
    project.git("commit", "--all", "--quiet", "--message", "Ids are drawn")
    (project.folder / "notes.md").write_text("No agent reads this.")
    unchanged = diff()
    assert unchanged.found["changes"] == []
    assert unchanged.found["stopped"] == "nothing changed"
    assert calls(unchanged.found) == {"a": (0, 0), "b": (0, 0)}

    project.edit("You repair.", "You mend.")
    edited = diff("--margin", "0.4")
    assert {(each["agent"], each["kind"]) for each in edited.found["changes"]} == {
        ("technical_support_agent", "instructions")
    }
    assert edited.found["scope"]["reached"] == 3


def no_worker(*_: object) -> Any:
    raise AssertionError("a side was started")


@pytest.mark.parametrize("words", [(), ("HEAD~1", "--b", "HEAD")], ids=["the tree", "two commits"])
def test_nothing_is_run_where_no_file_differs(
    project: Project, command: Callable[..., Any], words: tuple[str, ...]
) -> None:
    project.git("commit", "--allow-empty", "--quiet", "--message", "Nothing")
    (project.root / ".gitignore").write_text("runs/never\n")
    project.git("commit", "--all", "--quiet", "--message", "Runs are seen")
    project.git("commit", "--allow-empty", "--quiet", "--message", "Nothing again")
    suite = project.folder / "evals" / "scenarios.yaml"
    suite.write_text(f"# the same for both sides\n{suite.read_text()}")
    run = project.folder / "runs" / "earlier"
    run.mkdir(parents=True)
    (run / "trials.jsonl").touch()

    done = command("diff", "-m", "nobody:asked", "--out", "runs/d", "--json", *words)

    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["judged"]["verdict"] == "no difference larger than the margin"
    assert found["judged"]["sentences"][0].startswith("These 14 scenarios come out the same")
    assert found["notes"] == ["no file of the agents differs: nothing was run"]
    assert command("diff", "--out", "runs/d").out.count("nothing was run") == 1


def test_a_new_file_that_agents_may_read_is_a_difference(
    project: Project, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handoff_evals.diff.diff_run.BothSides.opened", no_worker)
    (project.folder / "prompts.json").write_text("{}")
    with pytest.raises(AssertionError, match="a side was started"):
        command("diff", "--out", "runs/d")


def test_tools_edges_and_options_are_told_from_the_agents(project: Project, diff: Diff) -> None:
    project.edit("[transfer_to_billing, transfer_to_technical_support]", "[transfer_to_billing]")
    project.edit("AgentSession[None](llm=model)", "AgentSession[None](llm=model, max_tool_steps=5)")
    project.edit('"""Transfer the caller to billing."""', '"""Put the caller through."""')
    done = diff("--margin", "0.5")
    seen = {(each["agent"], each["kind"], each["name"]) for each in done.found["changes"]}
    assert seen >= {
        ("the session", "option", "max_tool_steps"),
        ("customer_service_agent", "tool", "transfer_to_technical_support"),
        ("customer_service_agent", "edge", "technical_support_agent"),
        ("customer_service_agent", "description", "transfer_to_billing"),
        ("technical_support_agent", "agent", ""),
    }


@pytest.mark.usefixtures("project")
def test_two_finished_runs_are_compared_and_nothing_is_run(
    command: Callable[..., Any], diff: Diff
) -> None:
    command("run", "-m", "obedient:obedient", "--out", "runs/one")
    command("run", "-m", "never", "--out", "runs/two")
    done = diff("--a", "runs/one", "--b", "runs/one")
    assert done.code == 4, "14 scenarios can't rule out that one in ten is lost"
    assert done.found["judged"]["overall"]["same"] == 14
    assert done.found["a"]["asked"] == 26
    other = diff("--a", "runs/one", "--b", "runs/two")
    assert other.code == 2
    assert "'runs/two' has trials of never; not of 'obedient:obedient'" in other.err


def test_a_finished_run_counts_as_what_it_was_run_with(
    project: Project, command: Callable[..., Any], diff: Diff
) -> None:
    command("run", "-m", "obedient:obedient", "--out", "runs/one")
    project.edit("invoices go to billing", "invoices go to technical support")
    done = diff("--a", "runs/one")
    assert done.code == 1, done.err
    assert done.found["judged"]["verdict"] == "regressed"
    assert not (project.folder / "runs/d/a").exists()


def test_a_baseline_is_a_side(
    project: Project, command: Callable[..., Any], diff_by_processes: Diff
) -> None:
    command("run", "-m", "obedient:obedient", "--out", "runs/one")
    assert command("baseline", "runs/one", "kept.json").code == 0
    project.edit("invoices go to billing", "invoices go to technical support")
    done = diff_by_processes("--a", "kept.json")
    assert done.code == 1, done.err
    assert done.found["flips"][0]["edge"] == "customer_service_agent -> billing_agent"


def test_too_much_unscored_exits_3(project: Project, diff: Diff) -> None:
    project.edit("You take the call.", "You answer.")
    (project.folder / "obedient.py").write_text(
        "from livekit.agents import APIStatusError\n"
        "from handoff_evals import ScriptedLLM\n"
        "def obedient():\n"
        "    return ScriptedLLM(lambda _: APIStatusError('no', status_code=401))\n"
    )
    done = diff("--margin", "0.4")
    assert done.code == 3
    assert done.found["scope"]["unscored"]["api_status_401"] > 0


@pytest.mark.usefixtures("preloaded_python")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such-ref"], "'no-such-ref' is no git ref, no run folder and no baseline file"),
        (["main", "--a", "main"], "both name the side to compare with"),
        (["--margin", "1.5"], "--margin 1.5: give a share between 0 and 1"),
        (["-s", "nowhere"], "'nowhere' is neither a file nor a folder"),
        (["-m", "gpt"], "no model 'gpt'; there are:"),
    ],
)
def test_bad_usage_exits_2_with_a_message(
    project: Project, diff_by_processes: Diff, words: list[str], said: str
) -> None:
    project.edit("You repair things.", "You repair things, patiently.")
    done = diff_by_processes(*words)
    assert done.code == 2
    assert said in done.err


def test_the_page_shows_the_edit_and_the_conversations_of_both_sides(
    project: Project, diff: Diff
) -> None:
    project.edit("invoices go to billing", "invoices go to technical support")
    assert diff("--html", "diff.html").code == 1
    page = (project.folder / "diff.html").read_text()
    assert "<title>regressed" in page
    assert "<del>billing.</del>" in page
    assert "<ins>technical support.</ins>" in page
    assert 'class="worse"' in page
    nothing = diff("--a", ".", "--html", "same.html")
    assert nothing.code == 0, nothing.err
    assert "nothing was run" in (project.folder / "same.html").read_text()

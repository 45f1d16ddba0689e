import os
from pathlib import Path

import pytest

from handoff_evals.errors import UsageError
from handoff_evals.mutation import MutationRun, Session, chosen_operators, select
from tests.mutation.conftest import AGENTS, GOOD, POOR, Broken, Project

pytestmark = pytest.mark.usefixtures("preloaded_python")


def statuses(run: MutationRun) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in run.results:
        found.setdefault(each.mutant.operator.name, []).append(each.status)
    return found


def test_a_good_suite_kills_every_mutant_and_changes_no_file(
    project: Project, examine: Broken
) -> None:
    folder = project(GOOD)
    before = (folder / "shop.py").read_bytes()
    run = examine(folder)
    assert {each.mutant.what for each in run.results if each.status != "killed"} == set()
    assert run.score == 1.0
    assert len(run.results) >= 12
    assert (folder / "shop.py").read_bytes() == before
    test = "evals/test_shop.py::test_billing_gets_the_message_and_all_that_was_said"
    assert test in {each.killed_by for each in run.results}


def test_a_poor_suite_leaves_survivors_with_a_suggestion(project: Project, examine: Broken) -> None:
    run = examine(project(POOR))
    found = statuses(run)
    assert found["handoff-returns-nothing"] == ["killed"]
    assert found["handoff-message-dropped"] == ["killed"]
    assert found["context-not-passed"] == ["survived"] * 3
    assert found["instructions-emptied"] == ["survived"] * 2
    assert run.score is not None
    assert run.score < 0.5
    assert all(each.mutant.operator.suggestion for each in run.modules[0].survivors)


def test_a_mutant_that_cannot_be_imported_is_killed_by_the_file_that_imports_it(
    project: Project, examine: Broken
) -> None:
    source = AGENTS + "\nassert Front().to_billing()\n"
    (result,) = examine(project(POOR, shop=source), "handoff-returns-nothing").results
    assert result.status == "killed"
    assert result.killed_by == "evals/test_shop.py"
    assert "AssertionError" in result.reason


def test_a_mutant_that_hangs_is_killed_by_the_clock(project: Project, examine: Broken) -> None:
    tests = """
    import subprocess
    from shop import Front

    def test_it_hands_over():
        if Front().to_billing() is None:
            subprocess.run(["sleep", "600"])
    """
    run = examine(project(tests), "handoff-returns-nothing", timeout_s=1.0)
    (result,) = run.results
    assert (result.status, result.killed_by) == ("killed", "timeout")
    assert result.reason == "not done within 1 s"
    assert result.seconds < 300


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("pytest.exit('enough')", "pytest ended with 2"),
        ("os._exit(3)", "the process ended"),
        ("os.kill(os.getpid(), 9)", "ended by SIGKILL"),
    ],
)
def test_a_mutant_that_ends_the_tests_some_other_way_has_no_verdict(
    project: Project, examine: Broken, end: str, reason: str
) -> None:
    tests = f"""
    import os
    import pytest
    from shop import Front

    def test_it_hands_over():
        if Front().to_billing() is None:
            {end}
    """
    run = examine(project(tests), "handoff-returns-nothing")
    (result,) = run.results
    assert result.status == "unjudged"
    assert reason in result.reason
    assert run.score is None


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        ("import shop\ndef test_a(): assert 1 == 2", r"test_shop\.py::test_a fails: assert 1 == 2"),
        ("import shop, nowhere", r"test_shop\.py fails: .*No module named 'nowhere'"),
        ("import pytest, shop\n@pytest.mark.skip\ndef test_a(): ...", r"test_shop\.py passes"),
        ("def test_a(): 'shop:Front'", r"none of the tests evals/test_shop\.py imports shop\.py"),
        ("import os, shop\ndef test_a(): os._exit(0)", r"pytest ended with this"),
    ],
)
def test_tests_that_say_nothing_without_a_mutant_are_no_measure(
    project: Project, examine: Broken, tests: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        examine(project(tests), "handoff-returns-nothing")


def test_a_module_without_agents_is_told(project: Project, examine: Broken) -> None:
    tests = "import shop\ndef test_value(): assert shop.value"
    with pytest.raises(UsageError, match=r"nothing to break in shop\.py: no agent, no tool"):
        examine(project(tests, shop="value = 1\n"))


def test_a_crash_that_the_breakage_alone_makes_is_not_counted(
    project: Project, examine: Broken
) -> None:
    shop = AGENTS.replace(
        'return Billing(chat_ctx=self.chat_ctx), "Billing takes over."', "return self.two()[:2]"
    ).replace(
        "class Billing(Agent):",
        """    def two(self):
        agent, words = self.pair()
        return agent, words

    @function_tool
    def pair(self):
        return Billing(chat_ctx=self.chat_ctx), "Bye."


class Billing(Agent):""",
    )
    run = examine(project(POOR, shop=shop), "handoff-returns-nothing", "handoff-tool-removed")
    told = {(each.mutant.scope, each.mutant.operator.name): each for each in run.results}
    unpacked = told["Front.pair", "handoff-returns-nothing"]
    assert unpacked.status == "invalid"
    assert "cannot unpack" in unpacked.reason
    lacking = told["Front.pair", "handoff-tool-removed"]
    assert (lacking.status, "no attribute 'pair'" in lacking.reason) == ("invalid", True)
    judged = [each for each in run.results if each.status != "invalid"]
    assert run.score == sum(each.status == "killed" for each in judged) / max(1, len(judged))


NATIVE = """
import os
OWNER = os.getpid()

def use():
    assert os.getpid() == OWNER, "used in a parent process before fork()"
"""


def test_a_library_that_no_fork_may_use_kills_nothing(
    project: Project,
    examine: Broken,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library = tmp_path_factory.mktemp("library")
    (library / "native_library.py").write_text(NATIVE)
    monkeypatch.setenv("PYTHONPATH", str(library))
    folder = project("import native_library\n" + POOR + "    native_library.use()\n")
    run = examine(folder, "instructions-emptied", "handoff-returns-nothing")
    assert statuses(run) == {
        "instructions-emptied": ["survived"] * 2,
        "handoff-returns-nothing": ["killed"],
    }


def test_a_session_that_is_stopped_keeps_its_results_and_leaves_no_process(
    project: Project, tmp_path: Path
) -> None:
    meeting = tmp_path / "meeting"
    os.mkfifo(meeting)
    tests = f"""
    import os
    import signal
    from pathlib import Path
    from shop import Front

    def test_it_hands_over():
        made = Front().to_billing()
        if made is None or type(made) is not tuple:
            Path({str(tmp_path)!r}, f"{{os.getpid()}}.pid").touch()
            # Each waits for the other one to get here, and one of them for its end.
            with open({str(meeting)!r}, "w" if made is None else "r"):
                pass
            if made is None:
                signal.pause()
    """
    folder = project(tests)
    session = Session(
        select(["shop"], tests=[], folder=folder),
        operators=chosen_operators(["handoff-returns-nothing", "handoff-message-dropped"]),
        folder=folder,
        jobs=2,
    )
    results = session.results()
    assert next(results).status == "survived"
    results.close()  # type: ignore[attr-defined]
    assert len(session.run.results) == 1
    assert not session.run.is_complete
    pids = [int(each.stem) for each in tmp_path.glob("*.pid")]
    assert len(pids) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

"""`--min-accuracy` and `--min-passed`: exit codes and words, and that worse is never better."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_evals.checks import OUTCOMES, UNREACHED, Decision, Score
from handoff_evals.cli.gates import Gate, unmet, verdict
from handoff_evals.cli.output import ExitCode
from handoff_evals.errors import UsageError
from handoff_evals.results import Trial, TrialKey, summarise
from handoff_evals.scenarios import Suite
from handoff_evals.transcript import AgentRef
from tests.cli.conftest import Command
from tests.support.conversations import expects, scenario, transcript, turn
from tests.support.trials import MANIFEST, RICH

AGENTS = """
import asyncio

from livekit.agents import Agent, AgentSession, RunContext, function_tool

from handoff_evals import ScriptedLLM, tool_call


class Desk(Agent):
    def __init__(self):
        super().__init__(id="desk", instructions="A desk.")


class Hanging(Desk):
    requests = 0

    async def llm_node(self, chat_ctx, tools, model_settings):
        self.requests += 1
        if self.requests > 1:
            await asyncio.Event().wait()
        yield "Hello."


class Raising(Desk):
    async def llm_node(self, chat_ctx, tools, model_settings):
        raise RuntimeError("boom")
        yield


class HangingUp(Desk):
    @function_tool
    async def end_call(self, context: RunContext):
        \"\"\"End the call.\"\"\"
        context.session.shutdown()
        return "Goodbye."


class Spaces(Agent):
    def __init__(self):
        super().__init__(id="front desk -> night, shift", instructions="A desk.")


class Named(Desk):
    topic = "a, b"


def says():
    return ScriptedLLM(lambda _: "I see.")


def hangs_up():
    return ScriptedLLM(
        lambda request: tool_call("end_call") if "end_call" in request.tool_names else "I see."
    )
"""
SUITE = """
name: Desk
agent: {module}:{agent}
scenarios:
  - label: Three turns
    turns:
      - {{user: One., expect: {{agent: desk}}}}
      - {{user: Two., expect: {{agent: desk}}}}
      - {{user: Three., expect: {{agent: desk}}}}
"""


def agents(project: Path, agent: str) -> str:
    """Make the project's only suite one of that agent's."""
    module = f"agents_{agent.lower()}"
    (project / f"{module}.py").write_text(AGENTS)
    text = SUITE.format(module=module, agent=agent)
    (project / "evals" / "star" / "scenarios.yaml").write_text(text)
    return module


@pytest.mark.parametrize(
    ("names", "accuracy", "said"),
    [
        ("Hanging says", "0.333", "turn_timeout in turn 2 ended the conversation"),
        ("Raising says", "0.000", "llm_node_error in turn 1 ended the conversation"),
        ("HangingUp hangs_up", "0.333", "the agent ended the call in turn 1"),
    ],
)
@pytest.mark.usefixtures("no_waiting")
def test_an_agent_that_ends_its_conversations_early_fails_the_gate(
    command: Command, project: Path, names: str, accuracy: str, said: str
) -> None:
    agent, model = names.split()
    name = f"{agents(project, agent)}:{model}"
    (project / "pyproject.toml").write_text("[tool.handoff-evals]\nturn_timeout = 5\n")
    done = command("run", "-m", name, "--min-accuracy", "0.9")

    assert done.code == 1, (done.out, done.err)
    assert f"accuracy {accuracy} (observed) is below --min-accuracy 0.9" in done.err
    text = " ".join(done.out.split())
    assert "unreached: expected desk" in text
    assert said in text
    matrix = text.split("expected by active agent")[1].split("what went wrong")[0]
    assert "unreached" in matrix


@pytest.mark.parametrize("agent", ["Raising", "HangingUp"])
def test_the_baseline_of_an_agent_that_answered_is_not_met_by_one_that_ends_the_call(
    command: Command, project: Path, agent: str
) -> None:
    module = agents(project, "Desk")
    assert command("run", "-m", f"{module}:hangs_up", "--out", "a").code == 0
    assert command("baseline", "a", "b.json").code == 0
    suite = project / "evals" / "star" / "scenarios.yaml"
    suite.write_text(suite.read_text().replace(f"{module}:Desk", f"{module}:{agent}"))

    done = command("run", "-m", f"{module}:hangs_up", "--baseline", "b.json")

    assert "unreached" in done.out
    assert "newly failing" in " ".join(done.out.split())


@pytest.mark.parametrize(
    ("agent", "where"), [("Spaces", ""), ("Named", ", where: {topic: 'a, b'}")]
)
def test_ids_with_spaces_and_arrows_and_attributes_with_commas_end_no_run_in_a_traceback(
    command: Command, project: Path, agent: str, where: str
) -> None:
    module = agents(project, agent)
    suite = project / "evals" / "star" / "scenarios.yaml"
    suite.write_text(suite.read_text().replace("agent: desk", f"agent: desk{where}"))

    done = command("run", "-m", f"{module}:says")

    assert done.code == 0, done.err
    missing = "no trial ever met the expected agent 'desk'"
    assert (missing in done.err) is (agent == "Spaces")


@pytest.mark.parametrize(
    "written", ["0.9:upper", "90%", "1.5", "-0.1", "nan", "0.9:", ":lower", ""]
)
def test_a_gate_that_is_no_share_is_refused_with_what_to_write(written: str) -> None:
    with pytest.raises(UsageError, match=r"--min-passed '.*': write a share from 0 to 1"):
        Gate.read("passed", written)


@pytest.mark.parametrize(("bound", "code"), [("", 0), (":lower", 1)])
def test_the_lower_bound_is_below_what_was_observed_and_the_message_says_which(
    command: Command, bound: str, code: int
) -> None:
    done = command("run", "-m", "oracle", "--min-passed", f"0.9{bound}", "-q")

    assert done.code == code
    if bound:
        assert done.err.startswith("oracle: passed 0.")
        assert "(lower bound of the 95% interval; observed 1.000) is below" in done.err
        assert "--min-passed 0.9:lower" in done.err


def test_both_gates_are_told_when_neither_is_met(command: Command) -> None:
    done = command("run", "-m", "never", "--min-passed", "0.9", "--min-accuracy", "0.9", "-q")

    assert done.code == 1
    assert done.err.splitlines() == [
        "never: passed 0.500 (observed) is below --min-passed 0.9",
        "never: accuracy 0.750 (observed) is below --min-accuracy 0.9",
    ]


@pytest.mark.parametrize(("gate", "code"), [([], 0), (["--min-accuracy", "0"], 3)])
def test_a_gate_without_a_decision_to_judge_is_invalid(
    command: Command, project: Path, gate: list[str], code: int
) -> None:
    suite = project / "evals" / "star" / "scenarios.yaml"
    suite.write_text(
        "name: Star\nagent: tests.support.star:patient_call\nscenarios:\n"
        "  - label: A\n    turns: [{user: c=0 t=1 want=a, expect: {calls: []}}]\n"
    )
    done = command("run", "-m", "never", *gate)

    assert done.code == code
    if gate:
        said = "never: invalid, --min-accuracy 0 has nothing to judge: no decision was expected"
        assert said in done.err


LABELS = ("One", "Two", "Three", "Four")
PLANNED = replace(
    MANIFEST,
    suites=(replace(MANIFEST.suites[0], scenarios=LABELS),),
    trials=2,
    models=("scripted",),
)
QUICK = settings(derandomize=True, database=None, deadline=None, max_examples=60)
GATES = [
    Gate(option=f"--min-{what}", what=what, least=least, lower=lower)
    for what in ("accuracy", "passed")
    for least in (0.2, 0.5, 0.8, 1.0)
    for lower in (False, True)
]

outcomes = st.tuples(st.sampled_from(OUTCOMES), st.booleans())
mistakes = outcomes.filter(lambda made: made[0] != "correct")


def trial(label: str, number: int, made: Sequence[tuple[Any, bool]]) -> Trial:
    """A trial of these decisions: what each came to, and whether it is on path."""
    right = all(on_path and outcome == "correct" for outcome, on_path in made)
    return replace(
        RICH,
        key=TrialKey(suite="Any", scenario=label, model="scripted", number=number),
        transcript=transcript("desk", turn("desk")),
        scores=(Score(name="handoff", status="passed" if right else "failed", turn=1),),
        decisions=tuple(
            Decision(
                turn=1,
                expected="desk",
                actual=UNREACHED if outcome == "unreached" else "desk",
                outcome=outcome,
                on_path=on_path or outcome == "unreached",
            )
            for outcome, on_path in made
        ),
    )


@st.composite
def runs(draw: st.DrawFn) -> list[tuple[str, int, list[tuple[Any, bool]]]]:
    """Every planned trial, with its decisions: most of them correct."""
    good = st.just(("correct", True))
    sizes = {label: draw(st.integers(min_value=1, max_value=4)) for label in LABELS}
    return [
        (label, number, draw(st.lists(good | outcomes, min_size=size, max_size=size)))
        for label, size in sizes.items()
        for number in range(PLANNED.trials)
    ]


def codes(run: list[tuple[str, int, list[tuple[Any, bool]]]]) -> list[ExitCode]:
    summary = summarise([trial(*each) for each in run], PLANNED)
    return [verdict(summary, gates=[gate], max_unscored=0)[0] for gate in GATES]


@QUICK
@given(run=runs(), data=st.data())
def test_a_trial_that_does_worse_makes_no_gate_better(
    run: list[tuple[str, int, list[tuple[Any, bool]]]], data: st.DataObject
) -> None:
    at = data.draw(st.integers(min_value=0, max_value=len(run) - 1))
    label, number, made = run[at]
    worse = [
        each
        if data.draw(st.booleans())
        else data.draw(outcomes.filter(lambda o: o[0] != "correct"))
        for each in made
    ]

    before, after = codes(run), codes([*run[:at], (label, number, worse), *run[at + 1 :]])

    assert all(then <= now for then, now in zip(before, after, strict=True))


@QUICK
@given(run=runs(), data=st.data())
def test_a_conversation_that_the_agent_ends_earlier_makes_no_gate_better(
    run: list[tuple[str, int, list[tuple[Any, bool]]]], data: st.DataObject
) -> None:
    at = data.draw(st.integers(min_value=0, max_value=len(run) - 1))
    label, number, made = run[at]
    kept = data.draw(st.integers(min_value=0, max_value=len(made) - 1))
    ended = [*made[:kept], *[("unreached", True)] * (len(made) - kept)]

    before, after = codes(run), codes([*run[:at], (label, number, ended), *run[at + 1 :]])

    assert all(then <= now for then, now in zip(before, after, strict=True))


@QUICK
@given(run=runs(), more=st.integers(min_value=1, max_value=3), at=st.sampled_from(range(8)))
def test_an_unreached_decision_more_makes_no_gate_better(
    run: list[tuple[str, int, list[tuple[Any, bool]]]], more: int, at: int
) -> None:
    label, number, made = run[at]
    longer = (label, number, [*made, *[("unreached", True)] * more])

    before, after = codes(run), codes([*run[:at], longer, *run[at + 1 :]])

    assert all(then <= now for then, now in zip(before, after, strict=True))


def test_the_expected_agent_that_nobody_met_is_named_with_the_nearest() -> None:
    summary = replace(
        summarise([trial("One", 0, [("correct", True)])], PLANNED),
        met=(AgentRef(id="front desk", attributes={"shift": "a, b"}),),
    )
    asked = scenario(expects("front_desk"))
    suite = Suite(name="Any", agent="m:A", scenarios=(asked,), path="s.yaml")

    [line] = unmet((suite,), summary)
    assert line == (
        "s.yaml: no trial ever met the expected agent 'front_desk'; the nearest that was met is "
        "'front desk'"
    )

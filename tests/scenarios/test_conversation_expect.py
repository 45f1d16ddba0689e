"""`expect:` of a scenario, ids, and scenarios that a function makes."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from handoff_evals.errors import ScenarioFileError
from handoff_evals.scenarios import (
    ConversationExpectation,
    ExpectedCall,
    ExpectedPath,
    Hop,
    Never,
    Scenario,
    ScriptedTurn,
    Suite,
    Target,
    load_suite,
)

HEAD = "agent: m:A\nscenarios:\n"


def read(folder: Path, text: str) -> Suite:
    path = folder / "scenarios.yaml"
    path.write_text(text)
    return load_suite(path)


def expected(folder: Path, written: str) -> ConversationExpectation:
    turns = "    turns: [{user: hi}, {user: bye}]\n"
    suite = read(folder, f"{HEAD}  - label: A\n{turns}    expect: {written}\n")
    return suite.scenarios[0].conversation


def target(text: str) -> Target:
    return Target.parse(text)


def test_every_key(tmp_path: Path) -> None:
    found = expected(
        tmp_path,
        "{path: a -> b, final: b, never: {agents: [z], tools: [end_call]}, calls: [look], "
        "max_handoffs: 3, ends: agent, userdata: {paid: true}, on_simulation_end: my:check}",
    )
    assert found == ConversationExpectation(
        path=ExpectedPath(hops=(Hop(to=(target("b"),)),), start=target("a")),
        final=target("b"),
        never=Never(agents=(target("z"),), tools=("end_call",)),
        calls=(ExpectedCall(name="look"),),
        max_handoffs=3,
        ends="agent",
        userdata={"paid": True},
        on_simulation_end="my:check",
    )


B, C = (target("b"),), (target("c"),)


@pytest.mark.parametrize(
    ("written", "hops"),
    [
        ("a -> b -> c", [Hop(to=B), Hop(to=C)]),
        ("[a -> b, b -> c]", [Hop(to=B, old=target("a")), Hop(to=C, old=target("b"))]),
        ("[b, optional c]", [Hop(to=B), Hop(to=C, optional=True)]),
        ("[b or c]", [Hop(to=B + C)]),
        ("a -> optional b or c", [Hop(to=B + C, optional=True)]),
        ("[{to: [b, c], from: a, turn: 2}]", [Hop(to=B + C, old=target("a"), turn=2)]),
        ('["b[x=1 or 2]"]', [Hop(to=(target("b[x=1 or 2]"),))]),
        ("[]", []),
        ("{in_order: [b, {to: c, optional: true}]}", [Hop(to=B), Hop(to=C, optional=True)]),
    ],
)
def test_a_path_is_written_in_these_ways(tmp_path: Path, written: str, hops: list[Hop]) -> None:
    path = expected(tmp_path, f"{{path: {written}}}").path
    assert path is not None
    assert path.hops == tuple(hops)
    assert path.in_order is ("in_order" in written)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{path: [a -> b, a -> c]}", "hop 2 begins at 'a', but hop 1 ends at 'b'"),
        ("{path: [a -> b -> c]}", "'a -> b -> c' is more than one hop"),
        ("{path: [{to: b, turn: 3}]}", "a hop of `path` is due in turn 3, but there are 2"),
        (
            "{path: [{to: b, turn: 2}, {to: c, turn: 1}]}",
            "hop 2 is due in turn 1, but one before it in turn 2",
        ),
        ("{path: {in_order: [optional b]}}", "nothing would be judged"),
        ("{path: {exact: [b], in_order: [b]}}", "one of `exact`, `in_order`"),
        ("{final: a b}", "'a b' names no agent"),
        ("{ends: nobody}", "Input should be 'agent', 'caller' or 'person'"),
        ("{finl: b}", "unknown key 'finl' in expect: did you mean 'final'?"),
        ("{never: {agent: [b]}}", "unknown key 'agent' in never: did you mean 'agents'?"),
    ],
)
def test_what_can_not_be_is_refused(tmp_path: Path, written: str, message: str) -> None:
    with pytest.raises(ScenarioFileError) as raised:
        expected(tmp_path, written)
    assert message in str(raised.value)


def test_what_is_expected_of_the_whole_is_watched_for(tmp_path: Path) -> None:
    scenario = "  - label: A\n    turns: [{user: hi}]\n    expect: "
    suite = read(
        tmp_path,
        f'{HEAD}{scenario}{{final: "desk[topic=claims]", userdata: {{order.paid: true}}}}\n',
    )
    assert suite.watch.attributes == {"topic"}
    assert suite.watch.userdata == {"order.paid", "order"}


def test_livekits_ids_are_kept_and_are_what_a_scenario_is_known_by(tmp_path: Path) -> None:
    suite = read(
        tmp_path,
        "id: SCNG_1\nagent: m:A\nscenarios:\n"
        "  - {id: SCN_1, label: A, turns: [{user: hi}]}\n  - {label: B, turns: [{user: hi}]}\n",
    )
    assert suite.id == "SCNG_1"
    assert [each.identity for each in suite.scenarios] == ["SCN_1", "B"]


def test_two_scenarios_with_one_id_are_refused(tmp_path: Path) -> None:
    lines = "".join(f"  - {{id: SCN_1, label: {x}, turns: [{{user: hi}}]}}\n" for x in "AB")
    with pytest.raises(ScenarioFileError, match="two scenarios have the id 'SCN_1'"):
        read(tmp_path, HEAD + lines)


def made(monkeypatch: pytest.MonkeyPatch, function: Any) -> None:
    module = ModuleType("my_scenarios")
    vars(module)["every"] = function
    monkeypatch.setitem(sys.modules, "my_scenarios", module)


GENERATED = "agent: m:A\nscenarios: my_scenarios:every\n"


def test_a_function_may_make_the_scenarios(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = (ScriptedTurn(user="hi"),)
    written = {"label": "B", "turns": [{"user": "hi"}], "expect": {"final": "b"}}
    made(monkeypatch, lambda: [Scenario(label="A", turns=turns), written])
    suite = read(tmp_path, GENERATED)
    assert {each.label for each in suite.scenarios} == {"A", "B"}
    made(monkeypatch, lambda: [Scenario(label="A", turns=turns)])
    assert read(tmp_path, GENERATED).sha256 != suite.sha256


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: ["A"], "gave 'A': it must give `Scenario`s, or mappings"),
        (lambda: 1 // 0, "raised ZeroDivisionError"),
        (list, "the suite is empty"),
        (lambda: [{"label": "A", "turn": []}], "unknown key 'turn' in scenarios"),
        (lambda: [Scenario(label="A", turns=())] * 2, "two scenarios have the label 'A'"),
    ],
)
def test_a_function_that_makes_no_scenarios_is_refused_with_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: Any, message: str
) -> None:
    made(monkeypatch, function)
    with pytest.raises(ScenarioFileError) as raised:
        read(tmp_path, GENERATED)
    assert str(raised.value).startswith(f"{tmp_path / 'scenarios.yaml'}:2: ")
    assert message in str(raised.value)

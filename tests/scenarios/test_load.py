import hashlib
from pathlib import Path

import pytest

from handoff_evals.scenarios import (
    Expectation,
    ExpectedCall,
    ScriptedTurn,
    Suite,
    Target,
    load_suite,
)
from tests.support.conversations import path as expected_path

WHOLE = """\
name: Triage
agent: my_agents:triage_call
scenarios:
  - label: Claim after an invoice
    instructions: You have two matters.
    agent_expectations: Both are dealt with.
    tags: {route: claims, plain: true, number: 3}
    userdata: {vip: true}
    turns:
      - user: It's about an invoice.
        expect:
          agent: specialist_agent
          where: {topic: payments, floor: 2}
          handoffs: ["triage_agent -> specialist_agent[topic=payments]", triage_agent]
          calls:
            - transfer_to_payments
            - {name: record, arguments: {age: 34}}
          carries: ["4471", 4471]
          userdata: {name: Maria}
          silence: true
      - user: Thanks.
"""

LIVEKITS_OWN = """\
name: Restaurant
scenarios:
  - label: Books a table
    instructions: You want a table for two.
    agent_expectations: The table is booked.
    tags: {feature: booking}
    userdata: {name: Ada}
  - label: Cancels
    instructions: You cancel your table.
"""


def suite_of(text: str, folder: Path) -> Suite:
    path = folder / "scenarios.yaml"
    path.write_text(text, encoding="utf-8")
    return load_suite(path)


def words_of(written: str, folder: Path) -> str:
    text = f"agent: m:A\nscenarios:\n  - label: A\n    turns:\n      - user: {written}\n"
    return suite_of(text, folder).scenarios[0].turns[0].user


def test_every_key_is_read_as_it_is_meant(tmp_path: Path) -> None:
    suite = suite_of(WHOLE, tmp_path)
    (scenario,) = suite.scenarios

    assert (suite.name, suite.agent) == ("Triage", "my_agents:triage_call")
    assert suite.path == str(tmp_path / "scenarios.yaml")
    assert suite.sha256 == hashlib.sha256(WHOLE.encode()).hexdigest()
    assert scenario.label == "Claim after an invoice"
    assert scenario.line == 4
    assert scenario.instructions == "You have two matters."
    assert scenario.agent_expectations == "Both are dealt with."
    assert scenario.tags == {"route": "claims", "plain": "true", "number": "3"}
    assert scenario.userdata == {"vip": True}
    assert scenario.turns == (
        ScriptedTurn(
            user="It's about an invoice.",
            expect=Expectation(
                agent=Target(id="specialist_agent", where={"topic": "payments", "floor": "2"}),
                handoffs=expected_path(
                    "triage_agent -> specialist_agent[topic=payments]", "triage_agent"
                ),
                calls=(
                    ExpectedCall(name="transfer_to_payments"),
                    ExpectedCall(name="record", arguments={"age": 34}),
                ),
                carries=("4471", "4471"),
                userdata={"name": "Maria"},
                silence=True,
            ),
        ),
        ScriptedTurn(user="Thanks."),
    )


def test_livekits_own_file_is_read_and_its_scenarios_are_listed(tmp_path: Path) -> None:
    suite = suite_of(LIVEKITS_OWN, tmp_path)

    assert suite.scenarios == ()
    assert suite.simulated == ("Books a table", "Cancels")
    assert suite.agent == ""


def test_scenarios_with_and_without_turns_may_stand_in_one_file(tmp_path: Path) -> None:
    text = LIVEKITS_OWN + "  - label: Asks\n    turns: [{user: Hello.}]\n"
    suite = suite_of(f"agent: m:A\n{text}", tmp_path)

    assert [scenario.label for scenario in suite.scenarios] == ["Asks"]
    assert suite.simulated == ("Books a table", "Cancels")


def test_a_suite_without_a_name_is_called_after_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "triage"
    folder.mkdir()
    (folder / "scenarios.yaml").write_text(
        "agent: m:A\nscenarios: [{label: A, turns: [{user: hi}]}]\n", encoding="utf-8"
    )
    monkeypatch.chdir(folder)

    assert load_suite(Path("scenarios.yaml")).name == "triage"


def test_an_empty_path_means_that_nobody_hands_over(tmp_path: Path) -> None:
    text = "agent: m:A\nscenarios: [{label: A, turns: [{user: hi, expect: {handoffs: []}}]}]\n"
    (scenario,) = suite_of(text, tmp_path).scenarios

    assert scenario.turns[0].expect.handoffs == ()


def test_attributes_may_stand_in_the_agents_name_and_in_where(tmp_path: Path) -> None:
    text = (
        "agent: m:A\nscenarios: [{label: A, turns: [{user: hi, expect: "
        "{agent: 'desk[topic=claims]', where: {lang: en}}}]}]\n"
    )
    (scenario,) = suite_of(text, tmp_path).scenarios

    assert scenario.turns[0].expect.agent == Target(
        id="desk", where={"topic": "claims", "lang": "en"}
    )


@pytest.mark.parametrize(
    "written",
    ["yes", "No", "on", "12:30", "0042", "2024-01-02", "1_000", "0x10", "~50", "1e3", "3.", "34"],
)
def test_the_callers_words_reach_the_agent_as_they_are_written(
    written: str, tmp_path: Path
) -> None:
    assert words_of(written, tmp_path) == written


def test_words_in_any_language_survive_with_and_without_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "scenarios.yaml"
    text = "agent: m:A\nscenarios: [{label: Grüße, turns: [{user: 你好}]}]\n"
    for encoding in ("utf-8", "utf-8-sig"):
        path.write_text(text, encoding=encoding)
        (scenario,) = load_suite(path).scenarios
        assert (scenario.label, scenario.turns[0].user) == ("Grüße", "你好")


def test_a_part_that_is_repeated_by_an_alias_is_read_each_time(tmp_path: Path) -> None:
    text = """\
agent: m:A
scenarios:
  - label: A
    turns:
      - &hello {user: Hello., expect: {agent: triage}}
      - {<<: *hello, user: Hello again.}
      - *hello
"""
    (scenario,) = suite_of(text, tmp_path).scenarios

    assert [turn.user for turn in scenario.turns] == ["Hello.", "Hello again.", "Hello."]
    assert [turn.expect.agent for turn in scenario.turns] == [Target(id="triage")] * 3


@pytest.mark.parametrize("suite", ["agent_transfer", "customer_service", "intake", "triage"])
def test_the_suites_of_this_repository_are_valid(suite: str) -> None:
    root = Path(__file__).parents[2]
    found = load_suite(root / "evals" / suite / "scenarios.yaml")

    assert len(found.scenarios) >= 12
    assert not found.simulated

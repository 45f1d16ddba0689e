from pathlib import Path

import pytest

from handoff_evals.errors import ScenarioFileError
from handoff_evals.scenarios import load_suite

HEAD = "agent: m:A\nscenarios:\n"
TURN = HEAD + "  - label: A\n    turns:\n      - user: hi\n"
EXPECT = TURN + "        expect:\n"

SUITE_KEYS = "valid are agent, checks, driver, id, job, mocks, name, scenarios"
TURN_KEYS = "valid are decisions, expect, interrupts, user, wait"
SCENARIO_KEYS = (
    "valid are agent_expectations, caller, checks, expect, id, instructions, job, label, "
    "mocks, modality, opening, tags, turns, userdata"
)
EXPECT_KEYS = (
    "valid are agent, calls, carries, check, handoffs, lacks, person, said, silence, userdata, "
    "where"
)
CALL_KEYS = "valid are arguments, compare, error, name, output"

BAD = {
    "empty file": ("", "1: it is empty, but must be a mapping with `agent` and `scenarios`"),
    "only a comment": (
        "# later\n",
        "1: it is empty, but must be a mapping with `agent` and `scenarios`",
    ),
    "not a mapping": (
        "- label: A\n",
        "1: it is a list, but must be a mapping with `agent` and `scenarios`",
    ),
    "only words": (
        "hello\n",
        "1: it is a str, but must be a mapping with `agent` and `scenarios`",
    ),
    "empty suite": (
        "agent: m:A\nscenarios: []\n",
        "2: the suite is empty: add at least one scenario",
    ),
    "suite of nothing": (HEAD, "2: scenarios is None: it must be a list"),
    "no scenarios": ("agent: m:A\n", "1: scenarios is missing"),
    "unknown key at the top": (
        "agents: m:A\n" + TURN,
        f"1: unknown key 'agents' in the file: did you mean 'agent'? {SUITE_KEYS}",
    ),
    "unknown key of a scenario": (
        HEAD + "  - label: A\n    turn: []\n",
        f"4: unknown key 'turn' in scenarios: did you mean 'turns'? {SCENARIO_KEYS}",
    ),
    "unknown key of a turn": (
        TURN + "        expects: {}\n",
        f"6: unknown key 'expects' in turns: did you mean 'expect'? {TURN_KEYS}",
    ),
    "unknown key of an expectation": (
        EXPECT + "          agnet: triage\n",
        f"7: unknown key 'agnet' in expect: did you mean 'agent'? {EXPECT_KEYS}",
    ),
    "unknown key of a call": (
        EXPECT + "          calls:\n            - name: t\n              args: {}\n",
        f"9: unknown key 'args' in calls: did you mean 'arguments'? {CALL_KEYS}",
    ),
    "unknown key that resembles none": (
        TURN + "        zzz: 1\n",
        f"6: unknown key 'zzz' in turns: {TURN_KEYS}",
    ),
    "one label twice": (
        TURN + "  - label: B\n  - label: A\n",
        "7: two scenarios have the label 'A'; the first is on line 3",
    ),
    "a key twice": (
        HEAD + "  - label: A\n    label: B\n",
        "4: the key 'label' appears twice; the second would replace the first",
    ),
    "a list that never ends": (
        HEAD + "  - label: A\n    turns: [\n",
        "5: bad YAML: expected the node content, but found '<stream end>'",
    ),
    "a colon too many": (
        HEAD + "  - label: A: B\n",
        "3: bad YAML: mapping values are not allowed here",
    ),
    "a tab": (
        HEAD + "\t- label: A\n",
        "3: bad YAML: found character '\\t' that cannot start any token",
    ),
    "two documents": ("agent: m:A\n---\nagent: m:B\n", "2: bad YAML: but found another document"),
    "an alias within itself": (
        "agent: m:A\nscenarios: &all\n  - *all\n",
        "2: bad YAML: an alias stands inside of what it repeats",
    ),
    "an object of Python": (
        "agent: !!python/object:os.system x\n",
        (
            "1: bad YAML: the tag '!!python/object:os.system' is none of JSON's values: write a "
            "text in quotes, a number, a list or a mapping"
        ),
    ),
    "a tag before something else": (
        "agent: !!int many\n",
        "1: bad YAML: invalid literal for int() with base 10: 'many'",
    ),
    "a control character": (
        "agent: m:A\n\x00\n",
        "2: bad YAML: the character '\\x00' is not allowed",
    ),
    "turns that are words": (
        HEAD + "  - label: A\n    turns: hi\n",
        "4: scenarios.turns is 'hi': it must be a list",
    ),
    "a scenario that is words": (HEAD + "  - hi\n", "3: scenarios is 'hi': it must be a mapping"),
    "an expectation that is words": (
        TURN + "        expect: triage\n",
        "6: scenarios.turns.expect is 'triage': it must be a mapping",
    ),
    "silence that is neither": (
        EXPECT + "          silence: perhaps\n",
        "7: scenarios.turns.expect.silence is 'perhaps': it must be true or false",
    ),
    "a time without a unit": (
        HEAD + "  - label: A\n    turns:\n      - wait: 3\n",
        "5: scenarios.turns.wait is 3: write a number and its unit, as in `3s`, `500ms` or `2min`",
    ),
    "an interruption before the first word": (
        HEAD + "  - label: A\n    turns:\n      - user: Wait\n        interrupts: 0\n",
        (
            "6: scenarios.turns.interrupts is 0: "
            "give a number of words, from 1, or the words after which to interrupt"
        ),
    ),
    "an interruption that waits": (
        HEAD + "  - label: A\n    turns:\n      - {user: Wait, wait: 1s, interrupts: 2}\n",
        (
            "5: scenarios.turns is {'user': 'Wait', 'wait': '1s', 'interrupts': 2}: "
            "who `interrupts` speaks at once: it needs `user`, and no `wait`"
        ),
    ),
    "words that are a number": (
        HEAD + "  - label: A\n    turns:\n      - user: 1.50\n",
        "5: scenarios.turns.user is 1.5: put it in quotes: YAML takes it for a value of its own",
    ),
    "words that are true": (
        HEAD + "  - label: A\n    turns:\n      - user: true\n",
        "5: scenarios.turns.user is True: put it in quotes: YAML takes it for a value of its own",
    ),
    "words that are empty": (
        HEAD + "  - label: A\n    turns:\n      - user: ' '\n",
        "5: scenarios.turns.user is ' ': it must not be empty",
    ),
    "a carried fact that is empty": (
        EXPECT + "          carries: ['']\n",
        "7: scenarios.turns.expect.carries is '': it must not be empty",
    ),
    "where without an agent": (
        EXPECT + "          where: {topic: claims}\n",
        (
            "6: scenarios.turns.expect is {'where': {'topic': 'claims'}}: "
            "`where` says which `agent` is meant: name the agent too"
        ),
    ),
    "a handoff to nobody": (
        EXPECT + "          handoffs: [triage ->]\n",
        (
            "7: scenarios.turns.expect.handoffs is 'triage ->': "
            "'' names no agent: write `id` or `id[attribute=value]`"
        ),
    ),
    "a handoff without an arrow": (
        EXPECT + "          handoffs: [triage to claims]\n",
        (
            "7: scenarios.turns.expect.handoffs is 'triage to claims': "
            "'triage to claims' names no agent: write `id` or `id[attribute=value]`"
        ),
    ),
    "an agent with half an attribute": (
        EXPECT + "          agent: desk[topic]\n",
        (
            "7: scenarios.turns.expect.agent is 'desk[topic]': "
            "'desk[topic]': 'topic' must be `attribute=value`"
        ),
    ),
    "no agent": (
        TURN.removeprefix("agent: m:A\n"),
        "1: `agent` is missing: write `agent: module:name` of the agent under test",
    ),
    "an agent without a colon": (
        TURN.replace("m:A", "triage"),
        "1: agent 'triage': write `module:name`, as in `my_agents:Triage`",
    ),
    "an agent without a name": (
        TURN.replace("m:A", "'m:'"),
        "1: agent 'm:': write `module:name`, as in `my_agents:Triage`",
    ),
    "a turn without the caller's words": (
        HEAD + "  - label: A\n    turns:\n      - expect: {agent: triage}\n",
        (
            "5: scenarios.turns is {'expect': {'agent': 'triage'}}: "
            "it needs `user`, what the caller says, or `wait`, a silence as `3s`"
        ),
    ),
    "a scenario without a label": (
        HEAD + "  - turns: [{user: hi}]\n",
        "3: scenarios.label is missing",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_its_line_and_what_to_write(name: str, tmp_path: Path) -> None:
    text, message = BAD[name]
    path = tmp_path / "scenarios.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ScenarioFileError) as raised:
        load_suite(path)

    assert str(raised.value) == f"{path}:{message}"


def test_another_encoding_is_refused_with_the_line_of_the_first_foreign_byte(
    tmp_path: Path,
) -> None:
    path = tmp_path / "scenarios.yaml"
    path.write_bytes("agent: m:A\n# Grüße\n".encode("latin-1"))

    with pytest.raises(ScenarioFileError) as raised:
        load_suite(path)

    assert str(raised.value) == f"{path}:2: it is not UTF-8: byte 0xfc"


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioFileError, match="can't be read: "):
        load_suite(tmp_path / "scenarios.yaml")


def test_all_problems_of_a_file_are_named_at_once_in_the_order_of_their_lines(
    tmp_path: Path,
) -> None:
    path = tmp_path / "scenarios.yaml"
    path.write_text(EXPECT + "          agnet: a\n  - label: B\n    turn: []\n", encoding="utf-8")

    with pytest.raises(ScenarioFileError) as raised:
        load_suite(path)

    places = [line.removeprefix(f"{path}:")[0] for line in str(raised.value).splitlines()]
    assert places == ["7", "9"]

"""Keys of `expect:` that checks bring: validated, told apart, and part of what a scenario is."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from handoff_evals.errors import ScenarioFileError
from handoff_evals.results import scenario_sha256
from handoff_evals.scenarios import ExpectKey, Scenario, agent_of, load_suite


class Tone(BaseModel):
    model_config = ConfigDict(extra="forbid")
    warm: bool
    words: list[str] = []


KEYS = (
    ExpectKey(name="max_words", kind=int),
    ExpectKey(name="tone", kind=Tone),
    ExpectKey(name="json", kind=str),
    ExpectKey(name="turns_at_most", kind=int, of="conversation"),
)
FILE = """agent: m:A
scenarios:
  - label: A
    expect: {turns_at_most: 3}
    turns:
      - user: hi
        expect: {agent: a, max_words: 3, tone: {warm: true}, json: x}
      - user: ho
"""


def read(tmp_path: Path, text: str) -> Scenario:
    path = tmp_path / "scenarios.yaml"
    path.write_text(text)
    [found] = load_suite(path, keys=KEYS).scenarios
    return found


def refused(tmp_path: Path, old: str, new: str) -> str:
    assert old in FILE
    with pytest.raises(ScenarioFileError) as raised:
        read(tmp_path, FILE.replace(old, new))
    return str(raised.value).removeprefix(f"{tmp_path / 'scenarios.yaml'}:")


def test_values_come_as_their_types_have_them(tmp_path: Path) -> None:
    found = read(tmp_path, FILE)

    first, second = found.turns
    assert first.expect.extra == {"max_words": 3, "tone": Tone(warm=True), "json": "x"}
    assert second.expect.extra == {}
    assert found.expect == {"turns_at_most": 3}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "max_words: 3",
            "max_words: many",
            "7: scenarios.turns.expect.max_words is 'many': Input should be a valid integer",
        ),
        (
            "max_words",
            "max_word",
            (
                "7: unknown key 'max_word' in expect: did you mean 'max_words'? valid are agent, "
                "calls, carries, check, handoffs, json, lacks, max_words, person, said, silence, "
                "tone, userdata, where"
            ),
        ),
        (
            "warm: true",
            "warm: true, word: [x]",
            "7: unknown key 'word' in tone: did you mean 'words'? valid are warm, words",
        ),
        ("{warm: true}", "{}", "7: scenarios.turns.expect.tone.warm is missing"),
        (
            "turns_at_most: 3",
            "max_words: 3",
            (
                "4: unknown key 'max_words' in expect: valid are calls, carries, ends, final, "
                "max_handoffs, never, on_simulation_end, path, turns_at_most, userdata. Is it of "
            ),
        ),
        (
            "json: x",
            "politeness: x",
            'Name its module: `checks = ["my_checks"]` under [tool.handoff-evals]',
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert said in refused(tmp_path, old, new)


def test_what_a_check_expects_is_part_of_the_scenario(tmp_path: Path) -> None:
    texts = [
        FILE,
        FILE.replace("max_words: 3", "max_words: 4"),
        FILE.replace("warm: true", "warm: false"),
        FILE.replace("turns_at_most: 3", "turns_at_most: 4"),
    ]
    hashes = {scenario_sha256(read(tmp_path, text)) for text in texts}

    assert len(hashes) == len(texts)
    assert scenario_sha256(read(tmp_path, FILE)) in hashes


def test_which_agent_a_file_is_about_is_known_without_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "scenarios.yaml"
    path.write_text(FILE)

    assert agent_of(path) == "m:A"

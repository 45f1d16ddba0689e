import re

import pytest

from handoff_evals.scenarios import ExpectedHandoff, Suite, Target, Watch
from tests.support.conversations import expects, path, ref, scenario


@pytest.mark.parametrize(
    ("written", "target"),
    [
        ("billing", Target(id="billing")),
        (" billing ", Target(id="billing")),
        ("desk[topic=claims]", Target(id="desk", where={"topic": "claims"})),
        ("desk[topic=claims, lang=en]", Target(id="desk", where={"topic": "claims", "lang": "en"})),
        ("desk[topic=a=b]", Target(id="desk", where={"topic": "a=b"})),
        ("desk[]", Target(id="desk")),
    ],
)
def test_an_agent_is_read_as_it_is_written(written: str, target: Target) -> None:
    assert Target.parse(written) == target


@pytest.mark.parametrize("written", ["desk[topic=claims]", "billing", "desk[a=1,b=2]"])
def test_reading_and_writing_an_agent_are_each_others_reverse(written: str) -> None:
    assert Target.parse(written).label == written


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("", "'' names no agent: write `id` or `id[attribute=value]`"),
        ("two words", "'two words' names no agent"),
        ("desk[topic", "'desk[topic' names no agent"),
        ("[topic=claims]", "names no agent"),
        ("desk[topic]", "'topic' must be `attribute=value`"),
    ],
)
def test_what_names_no_agent_is_refused_in_words(written: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Target.parse(written)


@pytest.mark.parametrize(
    ("target", "agent", "matches"),
    [
        ("desk", "desk", True),
        ("desk", "desk[topic=claims]", True),
        ("desk[topic=claims]", "desk[topic=claims]", True),
        ("desk[topic=claims]", "desk[topic=payments]", False),
        ("desk[topic=claims]", "desk", False),
        ("desk", "other", False),
        ("desk[topic=claims]", "desk[topic=claims,lang=en]", True),
    ],
)
def test_an_agent_matches_when_all_that_was_named_is_so(
    target: str, agent: str, *, matches: bool
) -> None:
    assert Target.parse(target).matches(ref(agent)) is matches


def test_a_suite_watches_all_that_some_scenario_asks_about_and_nothing_else() -> None:
    suite = Suite(
        name="Any",
        agent="module:Agent",
        scenarios=(
            scenario(expects("desk[topic=claims]"), expects("triage")),
            scenario(
                expects("triage", handoffs=path("desk[lang=en] -> desk[floor=2]")),
                expects(userdata={"name": "Maria", "age": 34}),
            ),
        ),
    )

    assert suite.watch == Watch(
        attributes=frozenset({"topic", "lang", "floor"}), userdata=frozenset({"name", "age"})
    )


def test_an_expected_handoff_is_written_as_in_a_file() -> None:
    assert [step.label for step in path("a -> b", "c")] == ["a -> b", "… -> c"]
    assert path("c") == (ExpectedHandoff(new=Target(id="c")),)

import pytest

from handoff_evals.checks import Decision, decisions
from tests.support.paths import OUTCOMES, family

FAMILY = list(family(seed=1, each=40))


def verdict(found: tuple[Decision, ...]) -> str:
    """What the first decision that is not correct came to."""
    wrong = next((each for each in found if each.outcome != "correct"), None)
    if wrong is None:
        return "correct"
    return "premature" if wrong.premature else wrong.outcome


@pytest.mark.parametrize("truth", OUTCOMES)
def test_a_conversation_is_called_what_it_is(truth: str) -> None:
    told = [each for each in FAMILY if each.truth == truth]
    assert {verdict(decisions(each.due, each.transcript)) for each in told} <= OUTCOMES[truth]


if __name__ == "__main__":
    from collections import Counter

    for kind in ("due", "path", "final", "by_turns"):
        c = Counter((t.truth, verdict(decisions(getattr(t, kind), t.transcript))) for t in FAMILY)
        print(kind)
        for truth in OUTCOMES:
            print("  ", truth, {o: n for (t, o), n in c.items() if t == truth})

import pytest

from handoff_evals.checks import Score, Status, overall
from handoff_evals.results import Trial, TrialKey
from handoff_evals.transcript import Fault
from tests.support.conversations import transcript

KEY = TrialKey(suite="Any", scenario="A question", model="scripted", number=0)


def trial(*scores: Score, faults: tuple[Fault, ...] = ()) -> Trial:
    return Trial(
        key=KEY,
        seed=1,
        transcript=transcript("service", faults=faults),
        scores=scores,
        decisions=(),
        started_at="2026-01-02T03:04:05+00:00",
        duration_s=0.5,
    )


@pytest.mark.parametrize(
    ("statuses", "joined"),
    [
        ([], "unscored"),
        (["passed"], "passed"),
        (["passed", "failed"], "failed"),
        (["passed", "unscored"], "unscored"),
        (["unscored", "failed", "passed"], "failed"),
    ],
)
def test_scores_join_to_one_status(statuses: list[Status], joined: Status) -> None:
    scores = tuple(Score(name="any", status=status) for status in statuses)

    assert overall(scores) == joined
    assert trial(*scores).status == joined


def test_an_unscored_trial_says_by_which_word_to_count_it() -> None:
    fault = Fault(owner="infrastructure", cause="api_status_429", detail="", turn=1)

    assert trial(faults=(fault,)).cause == "api_status_429"


def test_a_trial_that_could_be_judged_has_no_cause() -> None:
    fault = Fault(owner="agent", cause="tool_error", detail="", turn=1)

    assert trial(faults=(fault,)).cause is None

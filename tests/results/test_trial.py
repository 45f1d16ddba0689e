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

    assert trial(Score(name="any", status="passed"), faults=(fault,)).cause is None


def test_a_trial_that_a_check_left_unscored_says_so() -> None:
    broken = Score(name="any", status="unscored", cause="check_error")

    assert trial(Score(name="other", status="passed"), broken).cause == "check_error"
    assert trial(Score(name="other", status="failed"), broken).cause is None
    assert trial().cause == "no_scores"


def test_with_an_id_the_label_is_for_the_reader_alone() -> None:
    def key(label: str, scenario_id: str = "", model: str = "m") -> TrialKey:
        return TrialKey(suite="S", scenario=label, id=scenario_id, model=model, number=0)

    assert key("Old", "SCN_1") == key("New", "SCN_1")
    assert len({key("Old", "SCN_1"), key("New", "SCN_1")}) == 1
    assert key("Old") != key("New")
    assert key("Old", "SCN_1") != key("Old", "SCN_1", "other")

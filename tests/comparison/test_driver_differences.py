"""Where the conversations of two drivers part."""

from handoff_evals.comparison import driver_pairs
from handoff_evals.results import Trial, TrialKey
from handoff_evals.transcript import AgentRef, Event, Fault, Message, Transcript, Turn

DRIVERS = {"oracle (text)": "text", "oracle (spoken)": "spoken"}
DESK = AgentRef(id="desk")


def said(text: str, *, interrupted: bool = False) -> Message:
    return Message(role="assistant", text=text, agent=DESK, interrupted=interrupted)


def trial(model: str, *replies: Event, fault: Fault | None = None, scenario: str = "A") -> Trial:
    turn = Turn(user="Hi", events=tuple(replies), model_calls=(), active=DESK)
    return Trial(
        key=TrialKey(suite="s", scenario=scenario, model=model, number=0),
        seed=0,
        transcript=Transcript(turns=(turn,), faults=(fault,) if fault else ()),
        scores=(),
        decisions=(),
        started_at="",
        duration_s=0.0,
    )


def test_the_same_words_are_no_difference() -> None:
    trials = [trial(model, said("Hello  there.")) for model in DRIVERS]
    [pair] = driver_pairs(trials, DRIVERS)
    assert (pair.model, pair.a, pair.b) == ("oracle", "text", "spoken")
    assert (pair.trials, pair.differences) == (1, ())


def test_the_first_thing_that_differs_is_told_with_its_turn() -> None:
    text, spoken = DRIVERS
    trials = [trial(text, said("Hello.")), trial(spoken, said("Hel", interrupted=True))]
    [pair] = driver_pairs(trials, DRIVERS)
    [difference] = pair.differences
    assert difference.parting is not None
    assert (difference.parting.turn, difference.parting.aspect) == (0, "said")
    assert (difference.parting.a, difference.parting.b) == (("Hello.",), ("Hel (interrupted)",))


def test_a_fault_of_one_of_them_is_a_difference() -> None:
    text, spoken = DRIVERS
    fault = Fault(owner="agent", cause="tool_error", detail="-", turn=3)
    [pair] = driver_pairs([trial(text), trial(spoken, fault=fault)], DRIVERS)
    [difference] = pair.differences
    assert difference.parting is not None
    assert (difference.parting.turn, difference.parting.b) == (3, ("tool_error",))


def test_what_only_one_of_them_ran_is_not_compared() -> None:
    text, _ = DRIVERS
    [pair] = driver_pairs([trial(text)], DRIVERS)
    assert (pair.trials, pair.differences) == (0, ())


def test_a_run_by_one_driver_has_no_pairs() -> None:
    assert driver_pairs([trial("oracle")], {"oracle": "spoken"}) == ()

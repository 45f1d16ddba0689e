"""Whether a fact was handed on, by what a transcript keeps of the requests."""

from dataclasses import replace

from handoff_evals.checks import Score, carried, first_request, score
from handoff_evals.scenarios import Scenario
from handoff_evals.transcript import FactTexts, Message, ModelCall, Transcript
from tests.support.conversations import expects, move, ref, request, scenario, transcript, turn

BRIEF = ("system", "You are billing.")
ORDER = ("user", "I was charged twice, order 4471.")


def looked(held: Transcript, *facts: str) -> Transcript:
    """The transcript of a run that looked for these facts in the agents' own texts, in vain."""
    texts = FactTexts(asked=facts)
    return replace(held, turns=tuple(replace(each, facts=texts) for each in held.turns))


def scores(asked: Scenario, held: Transcript, name: str) -> list[Score]:
    return [each for each in score(asked, held) if each.name == name]


def statuses(asked: Scenario, held: Transcript, name: str) -> list[str]:
    return [each.status for each in scores(asked, held, name)]


def test_a_fact_is_carried_when_the_new_agents_model_received_it() -> None:
    told = request("billing", BRIEF, ORDER, after=1)
    untold = request("billing", BRIEF, after=1)
    asked = scenario(expects("billing", carries=("4471",)))

    def status(call: ModelCall) -> list[str]:
        held = transcript("s", turn("s", "billing", calls=(call,)))
        return statuses(asked, looked(held, "4471"), "carries")

    assert status(told) == ["passed"]
    assert status(untold) == ["failed"]


def test_what_the_old_agents_model_received_carries_nothing() -> None:
    before = request("service", ("system", "You are service."), ORDER)
    after = request("billing", BRIEF, after=1)
    held = transcript("service", turn("service", "billing", calls=(before, after)))

    assert carried(held, 1, "4471").reason == "billing's model received nothing with '4471'"


def test_a_request_of_the_same_agent_from_before_it_took_over_does_not_count() -> None:
    early = request("service", ORDER, after=0)
    late = request("service", BRIEF, after=2)
    held = transcript("service", turn("service", "billing", "service", calls=(early, late)))

    found = first_request(held, 1)

    assert found is late


def test_an_agents_own_summary_request_is_not_what_the_agent_was_told() -> None:
    summary = request("billing", ORDER, after=1, purpose="direct")
    held = transcript("service", turn("service", "billing", calls=(summary,)))

    assert carried(held, 1, "4471").cause == "model_not_asked"


def test_an_agent_that_greets_by_itself_is_judged_by_its_first_request_later_on() -> None:
    asked = scenario(expects("billing", carries=("4471",)), expects())
    told = request("billing", BRIEF, ORDER, ("user", "I have a question."))
    held = transcript("s", turn("s", "billing"), turn("billing", calls=(told,)))

    assert statuses(asked, looked(held, "4471"), "carries") == ["passed"]


def test_what_the_caller_only_says_later_was_not_carried() -> None:
    later = request("billing", BRIEF, ("user", "I have a question."))
    held = transcript("s", turn("s", "billing"), turn("billing", calls=(later,)))

    assert carried(held, 1, "question").status == "failed"


def test_where_the_new_agents_model_is_not_asked_carrying_is_unscored() -> None:
    held = transcript("s", turn("s", "billing"), turn("billing", "s"))

    (found,) = scores(scenario(expects("billing", carries=("4471",)), expects()), held, "carries")

    assert (found.status, found.cause) == ("unscored", "model_not_asked")
    assert "let the caller say one thing more" in found.reason


def test_what_the_caller_said_before_counts_also_where_they_say_it_once_more_later() -> None:
    told = request("billing", BRIEF, ("user", "I have a question."), after=1)
    held = transcript("s", turn("s", "billing", calls=(told,)), turn("billing"))

    assert carried(held, 1, "question").status == "passed"


def test_a_fact_counts_in_any_letter_case() -> None:
    told = request("billing", BRIEF, ("user", "It's Mr BAKER."), after=1)

    held = transcript("s", turn("s", "billing", calls=(told,)))

    assert carried(looked(held, "baker"), 1, "Baker").status == "passed"


def test_nothing_is_carried_to_an_agent_that_was_not_reached() -> None:
    asked = scenario(expects("billing", carries=("4471",)))
    told = request("technical", BRIEF, ORDER, after=1)
    held = transcript("s", turn("s", "technical", calls=(told,)))

    (found,) = scores(asked, held, "carries")

    assert (found.status, found.reason) == ("failed", "billing was not reached")


def test_an_agent_that_changes_after_its_first_request_was_asked_all_the_same() -> None:
    asked = request("worker[stage=new]", ORDER, after=1)
    held = transcript("desk", turn("desk", "worker[stage=greeted]", calls=(asked,)))

    assert carried(looked(held, "4471"), 1, "4471").status == "passed"


def asked_with(*messages: tuple[str, str], facts: FactTexts, greeting: str = "") -> Score:
    """What `carries: [pizza]` says where the new agent's model gets these messages."""
    call = request("order", *messages, after=1)
    greetings = (Message(role="assistant", text=greeting, agent=ref("order")),) if greeting else ()
    there = turn("front", "order", said="", events=greetings, calls=(call,))
    return carried(transcript("front", replace(there, facts=facts)), 1, "pizza")


MENU = FactTexts(asked=("pizza",), own=("the menu is: pizza and salad.",))
PROMPT = ("system", "You take orders. The menu is:\n Pizza and salad.")


def test_a_fact_in_the_agents_own_instructions_was_not_handed_on() -> None:
    found = asked_with(PROMPT, facts=MENU)

    assert found.status == "failed"
    assert found.reason == "'pizza' stands in order's own texts whoever calls; it was not handed on"


def test_a_fact_in_the_agents_own_greeting_was_not_handed_on() -> None:
    greeting = "Hello! The menu is: pizza and salad."

    found = asked_with(("assistant", greeting), facts=MENU, greeting=greeting)

    assert found.status == "failed"


def test_a_fact_that_the_instructions_have_from_this_call_too_was_handed_on() -> None:
    found = asked_with(("system", f"{PROMPT[1]} The caller wants pizza."), facts=MENU)

    assert found.status == "passed"


def test_a_fact_that_is_a_word_of_the_agents_own_is_unclear_in_its_instructions_alone() -> None:
    word = FactTexts(asked=("pizza",), own=("pizza",))

    assert asked_with(("system", "We have pizza."), facts=word).cause == "carries_unclear"
    assert asked_with(("user", "I have a question."), PROMPT, facts=word).status == "unscored"


def test_where_nobody_looked_at_the_agents_own_texts_its_instructions_show_nothing() -> None:
    found = asked_with(PROMPT, facts=FactTexts())

    assert (found.status, found.cause) == ("unscored", "carries_unclear")
    assert found.reason.endswith("run the conversation with this scenario")


def test_what_another_callers_agent_would_lack_was_handed_on() -> None:
    facts = FactTexts(asked=("pizza",), own=("pizza",), given=("the caller wants pizza.",))

    assert asked_with(("system", "The caller wants pizza."), facts=facts).status == "passed"


def with_a_task(*calls: ModelCall, greeting: str = "") -> Transcript:
    """The new agent greets, awaits a task in the turn in which it took the call, and goes on."""
    greetings = (Message(role="assistant", text=greeting, agent=ref("order")),)
    task = replace(move("order", "ask_name"), kind="task")
    back = replace(move("ask_name", "order"), kind="return")
    there = turn("front", "order", said="", events=(*greetings, task, back), calls=calls)
    return transcript("front", replace(there, facts=MENU))


def test_the_request_that_counts_is_the_first_one_also_where_a_task_was_awaited_after_it() -> None:
    first = request("order", ("user", "I have a question."), after=1)
    later = request("order", PROMPT, after=3)

    assert first_request(with_a_task(first, later), 1) is first


def test_a_greeting_before_a_task_is_still_the_agents_own() -> None:
    greeting = "The menu is: pizza and salad."
    asked = request("order", ("assistant", greeting), after=3)

    assert carried(with_a_task(asked, greeting=greeting), 1, "pizza").status == "failed"


def test_an_agent_that_is_asked_once_a_later_task_is_over_was_asked() -> None:
    back = replace(move("ask_name", "order"), kind="return")
    asked = request("order", ("user", "I have a question."), after=1)
    later = turn("order", said="", events=(back,), calls=(asked,))

    assert first_request(transcript("front", turn("front", "order"), later), 1) is asked

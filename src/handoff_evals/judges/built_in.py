"""The questions that come with the harness, each with its two planted conversations.

Two have the names of LiveKit's own metrics, which mean the same: `information_loss` and
`redundant_statements`. `agent_expectations` is the key of LiveKit's scenario files.
"""

from handoff_evals.judges import rules
from handoff_evals.judges.excerpt import Excerpt
from handoff_evals.judges.question import Question, register_judge

_NEED = "My car was towed and I want to dispute the fee. The booking number is 8812."
_ANNOUNCED = "I am putting you through to disputes, who will open a case for you."
_TAKEN_UP = "You dispute the towing fee of booking 8812. I have opened a case, and write to you."
_CALLED = ("call", "front_desk", "transfer_to_disputes({})")
_HANDED = ("handoff", "disputes_agent", "front_desk -> disputes_agent")
_EXPECTED = "The agents open a case for the disputed fee."


def _call(
    *after: tuple[str, str, str],
    announced: str = _ANNOUNCED,
    handed: tuple[tuple[str, str, str], ...] = (_CALLED, _HANDED),
    expectations: str = "",
) -> Excerpt:
    return Excerpt.written(
        ("agent", "front_desk", "Harbour Garage, good morning!"),
        ("caller", "caller", _NEED),
        ("agent", "front_desk", announced),
        *handed,
        *after,
        expectations=expectations,
    )


def _disputes(*said: str) -> tuple[tuple[str, str, str], ...]:
    first, *others = said
    found = [("agent", "disputes_agent", first)]
    for each in others:
        found += [("caller", "caller", "All right."), ("agent", "disputes_agent", each)]
    return tuple(found)


_GOOD = _call(*_disputes(_TAKEN_UP, "You will hear from us by Friday."), expectations=_EXPECTED)

register_judge(
    Question(
        name="agent_expectations",
        asks="Do the agents do what is expected of them?",
        passes="everything that is expected of the agents happens in the call",
        fails="something that is expected does not happen, or the opposite of it does",
        needs="expectations",
        good=_GOOD,
        bad=_call(
            *_disputes("I can't do anything about the fee.", "No, I open no case for that."),
            expectations=_EXPECTED,
        ),
    )
)
register_judge(
    Question(
        name="right_agent",
        asks="Does the caller end up with the agent who is responsible for what they need?",
        passes="each handoff leads to the agent whose job is what the caller asks for",
        fails="a handoff leads to an agent with another job, or the caller is left with one who "
        "is not responsible",
        rule=rules.right_agent,
        good=_GOOD,
        bad=_call(
            ("agent", "car_rental_agent", "Car rental here. Which car would you like to rent?"),
            handed=(
                ("call", "front_desk", "transfer_to_car_rental({})"),
                ("handoff", "car_rental_agent", "front_desk -> car_rental_agent"),
            ),
        ),
    )
)
register_judge(
    Question(
        name="truthful_transfer",
        asks="Is what the agents say about a transfer true?",
        passes="whenever an agent says that it puts the caller through, that happens, and to whom "
        "it says; a transfer that nobody mentions passes too",
        fails="an agent announces a transfer that does not happen, or names another agent than "
        "the one that takes the call",
        rule=rules.truthful_transfer,
        good=_GOOD,
        bad=_call(
            ("caller", "caller", "Hello? Is anybody there?"),
            ("agent", "front_desk", "Yes, this is still the front desk. Anything else?"),
            handed=(),
        ),
    )
)
register_judge(
    Question(
        name="information_loss",
        asks="Does an agent ask for something that the caller has already said in this call?",
        passes="no agent asks again for what the caller has said; to repeat it, or to ask whether "
        "it is right, passes",
        fails="after a handoff an agent asks for a number, a name or the matter itself, which the "
        "caller had said before",
        needs="handoff",
        rule=rules.information_loss,
        good=_GOOD,
        bad=_call(*_disputes("Disputes here. What is the booking number, please?")),
    )
)
register_judge(
    Question(
        name="greeted_anew",
        asks="Does an agent who takes over greet the caller as if the call were new?",
        passes="each agent who takes over goes on from what was said; a short hello or a name is "
        "no new greeting",
        fails="an agent who takes over welcomes the caller to the company, thanks them for "
        "calling, or asks how it can help, as at the start of a call",
        needs="handoff",
        rule=rules.greeted_anew,
        good=_GOOD,
        bad=_call(
            *_disputes("Welcome to Harbour Garage, thank you for calling! How can I help you?")
        ),
    )
)
register_judge(
    Question(
        name="promise_kept",
        asks="Does the new agent do what the old one promised that it would?",
        passes="what the old agent said that the next one does or knows comes true, or the new "
        "agent sets about it",
        fails="the new agent refuses, contradicts or does not know what the old one promised",
        needs="handoff",
        rule=rules.promise_kept,
        good=_GOOD,
        bad=_call(
            *_disputes("We don't open a case for towing fees, whoever told you so."),
        ),
    )
)
register_judge(
    Question(
        name="redundant_statements",
        asks="Does an agent tell the caller again what an agent has already told them?",
        passes="each statement of the agents brings something new; greetings and questions are no "
        "statements, and to sum up in a few words what the caller wants passes",
        fails="an agent makes a statement that an agent has made before in this call, in the same "
        "or in other words, unasked",
        rule=rules.redundant_statements,
        good=_GOOD,
        bad=_call(
            *_disputes(
                _TAKEN_UP,
                "I have opened a case for the towing fee, and write to you.",
                "I have opened a case for the towing fee, and write to you.",
            ),
        ),
    )
)

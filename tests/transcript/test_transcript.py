from handoff_evals.transcript import (
    AgentError,
    AgentRef,
    Fault,
    ModelCall,
    Transcript,
    Usage,
    message_text,
)
from tests.support.conversations import opening, ref, request, transcript, turn


def test_an_agent_is_written_with_what_tells_it_apart() -> None:
    assert AgentRef(id="desk").label == "desk"
    assert AgentRef(id="desk", attributes={"topic": "claims", "lang": "en"}).label == (
        "desk[lang=en,topic=claims]"
    )


def test_events_are_counted_through_the_whole_conversation() -> None:
    record = transcript("service", turn("service"), turn("service", "billing"))

    assert len(record.events) == 1 + 2 + 3
    assert [index for index, _ in record.indexed(0)] == [0]
    assert [index for index, _ in record.indexed(2)] == [3, 4, 5]
    for number in range(3):
        for index, event in record.indexed(number):
            assert record.events[index] is event


def test_the_first_agents_entrance_is_a_handoff_from_nobody() -> None:
    record = transcript("service", turn("service", "billing"))

    assert [(each.old, each.new) for each in record.handoffs] == [
        (None, ref("service")),
        (ref("service"), ref("billing")),
    ]


def test_what_was_said_is_the_agents_words_one_reply_a_line() -> None:
    assert turn("service", said="Hello.").said == "Hello."
    assert turn("service", said="").said == ""
    assert opening("service").said == ""


def test_tokens_add_up_over_the_conversation() -> None:
    def call(prompt: int, completion: int) -> ModelCall:
        return request("service", usage=Usage(prompt=prompt, completion=completion, cached=1))

    record = transcript("service", turn("service", calls=(call(10, 2), call(5, 1))))

    assert record.usage == Usage(prompt=15, completion=3, cached=2)
    assert Transcript(turns=()).usage == Usage()


def test_the_first_fault_of_the_infrastructure_leaves_it_unscored() -> None:
    agent = Fault(owner="agent", cause="tool_error", detail="", turn=1)
    model = Fault(owner="model", cause="empty_reply", detail="", turn=1)
    dead = Fault(owner="infrastructure", cause="api_status_500", detail="", turn=2, ended=True)
    slow = Fault(owner="infrastructure", cause="api_timeout", detail="", turn=2)

    assert transcript("service", faults=(agent, model)).unscored_because is None
    assert transcript("service", faults=(agent, dead, slow)).unscored_because == dead


def test_a_message_is_read_whatever_form_its_content_has() -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "image_url", "image_url": {"url": "x"}}]
    called = {"function": {"name": "transfer", "arguments": '{"reason": "4471"}'}}

    assert message_text({"role": "user", "content": "one"}) == "one"
    assert message_text({"role": "user", "content": None}) == ""
    assert message_text({"role": "user", "content": parts}).startswith("one\n")
    assert message_text({"role": "assistant", "tool_calls": [called]}) == (
        'transfer({"reason": "4471"})'
    )


def test_what_a_model_received_can_be_searched_as_one_text() -> None:
    call = request("billing", ("system", "Be kind."), ("user", "Order 4471."))

    assert call.received_text == "Be kind.\nOrder 4471."


def test_an_error_is_an_event_like_any_other() -> None:
    error = AgentError(where="tool", message="KeyError: 'x'")

    assert transcript("service", turn("service", events=(error,))).events[2] is error

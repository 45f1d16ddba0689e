"""Conversations share a model's client, and the last one closes it."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from livekit.agents import llm

from handoff_evals.livekit import ScriptedLLM
from handoff_evals.models.remote import Shared


class Client(ScriptedLLM):
    """Knows what it was asked with, and how often it was closed."""

    def __init__(self) -> None:
        super().__init__(lambda _: "Well.")
        self.asked: list[Any] = []
        self.closed = 0

    def chat(self, **given: Any) -> llm.LLMStream:
        self.asked.append(given["extra_kwargs"])
        return super().chat(**given)

    async def aclose(self) -> None:
        self.closed += 1
        await super().aclose()


@dataclass
class Made:
    """Makes clients, and keeps them."""

    clients: list[Client] = field(default_factory=list)

    def __call__(self) -> Client:
        self.clients.append(Client())
        return self.clients[-1]


async def ask(model: llm.LLM[Any], **given: Any) -> str:
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="Well?")
    return (await model.chat(chat_ctx=context, **given).collect()).text


async def test_the_last_conversation_closes_the_client() -> None:
    made = Made()
    shared = Shared(made)
    one, other = shared.borrow(), shared.borrow()
    [client] = made.clients
    await one.aclose()
    await one.aclose()
    assert client.closed == 0
    assert await ask(other) == "Well."
    await other.aclose()
    assert client.closed == 1

    await shared.borrow().aclose()
    assert len(made.clients) == 2


async def test_a_client_has_connections_for_all_who_share_it() -> None:
    made = Made()
    shared = Shared(made)
    borrowed = [shared.borrow() for _ in range(40)]
    # livekit's have 50, and a conversation may use several at once.
    assert len(made.clients) == 3
    for each in borrowed:
        await each.aclose()
    assert [client.closed for client in made.clients] == [1, 1, 1]


async def test_a_conversations_options_are_its_own() -> None:
    made = Made()
    shared = Shared(made)
    await ask(shared.borrow(seed=1))
    await ask(shared.borrow(seed=2), extra_kwargs={"user": "u"})
    await ask(shared.borrow())
    [client] = made.clients
    assert client.asked == [{"seed": 1}, {"seed": 2, "user": "u"}, {}]


def test_each_event_loop_has_clients_of_its_own() -> None:
    made = Made()
    shared = Shared(made)

    async def converse() -> None:
        assert await ask(shared.borrow()) == "Well."

    asyncio.run(converse())
    asyncio.run(converse())
    assert len(made.clients) == 2


async def test_it_names_the_model_that_answers() -> None:
    model = Shared(Made()).borrow()
    assert (model.model, model.provider) == ("scripted", "handoff-evals")


def test_it_takes_a_loop_to_borrow() -> None:
    with pytest.raises(RuntimeError):
        Shared(Made()).borrow()

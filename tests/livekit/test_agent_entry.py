import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import Agent, AgentSession, llm

from handoff_evals.errors import AgentImportError
from handoff_evals.livekit import AgentEntry, ScriptedLLM
from tests.support.phone import Plain

MODEL = ScriptedLLM([])
Model = llm.LLM[Any]


def gets_the_model(model: Model) -> Agent:
    assert model is MODEL
    return Plain()


def gets_nothing() -> Agent:
    return Plain()


def brings_a_session(model: Model) -> tuple[Agent, AgentSession[Any]]:
    return Plain(), AgentSession(llm=model)


async def is_awaited(_: Model) -> Agent:
    return Plain()


@contextlib.asynccontextmanager
async def is_entered(model: Model) -> AsyncIterator[tuple[Agent, AgentSession[Any]]]:
    EVENTS.append("in")
    yield brings_a_session(model)
    EVENTS.append("out")


@contextlib.contextmanager
def is_entered_at_once(_: Model) -> Iterator[Agent]:
    EVENTS.append("in")
    yield Plain()
    EVENTS.append("out")


def gives_nothing(_: Model) -> None:
    return None


def needs_more(model: Model, topic: str) -> Agent:
    raise NotImplementedError


class NeedsTopic(Plain):
    def __init__(self, topic: str) -> None:
        super().__init__()
        self.topic = topic


def ignore(_: object) -> None:
    """Nothing is to be prepared."""


EVENTS: list[str] = []
AN_AGENT_NOT_YET = "an agent, but not yet"


@pytest.mark.parametrize(
    "found",
    [
        Plain,
        gets_the_model,
        gets_nothing,
        brings_a_session,
        is_awaited,
        is_entered,
        is_entered_at_once,
        lambda: Plain(),  # noqa: PLW0108 - a lambda is the point
    ],
)
async def test_an_agent_is_made_anew_for_each_conversation(found: Any) -> None:
    entry = AgentEntry.of(found)

    async with entry.open(MODEL, ignore) as one, entry.open(MODEL, ignore) as other:
        assert isinstance(one.agent, Plain)
        assert one.agent is not other.agent
        assert one.session is not other.session
        assert one.session.llm is MODEL


@pytest.mark.parametrize("found", [is_entered, is_entered_at_once])
async def test_a_context_is_left_when_the_conversation_is_over(found: Any) -> None:
    EVENTS.clear()
    async with AgentEntry.of(found).open(MODEL, ignore):
        assert EVENTS == ["in"]
    assert EVENTS == ["in", "out"]


async def test_an_agent_object_serves_a_single_conversation() -> None:
    agent = Plain()
    async with AgentEntry.of(agent).open(MODEL, ignore) as opened:
        assert opened.agent is agent


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (AN_AGENT_NOT_YET, "agent 'str' is 'an agent, but not yet': it must be an Agent class"),
        (dict, "agent 'dict' is <class 'dict'>: it must be an Agent class"),
        (needs_more, "agent 'needs_more' can't be made: missing a required argument: 'topic'"),
        (NeedsTopic, "agent 'NeedsTopic' can't be made: missing a required argument: 'topic'"),
    ],
)
def test_what_can_make_no_agent_is_refused_with_what_can(found: Any, message: str) -> None:
    with pytest.raises(AgentImportError) as raised:
        AgentEntry.of(found)

    assert str(raised.value).startswith(message)
    assert "a function (plain, async or an async context manager)" in str(raised.value)


async def test_a_factory_that_gives_no_agent_is_refused_by_what_it_gave() -> None:
    with pytest.raises(AgentImportError, match="agent 'gives_nothing' gave None: it must be"):
        async with AgentEntry.of(gives_nothing).open(MODEL, ignore):
            pass


@pytest.fixture(name="project")
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder with modules that no other test knows; it leaves no trace."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    (tmp_path / "phone_shop.py").write_text(
        "from livekit.agents import Agent\n"
        "class Shop(Agent):\n"
        "    def __init__(self):\n"
        "        super().__init__(instructions='You sell.')\n"
        "class Branches:\n"
        "    main = Shop\n"
        "one = Shop()\n",
        encoding="utf-8",
    )
    (tmp_path / "broken_shop.py").write_text("import no_such_package\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("entry", ["phone_shop:Shop", "phone_shop:Branches.main"])
async def test_an_entry_is_looked_up_in_the_users_folder(project: Path, entry: str) -> None:
    loaded = AgentEntry.load(entry, folder=project)

    assert loaded.name == entry
    async with loaded.open(MODEL, ignore) as opened:
        assert opened.agent is not None
        assert opened.agent.id == "shop"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("phone_shop", "agent 'phone_shop': write `module:name`"),
        ("phone_shop:", "agent 'phone_shop:': write `module:name`"),
        (":Shop", "agent ':Shop': write `module:name`"),
        ("phone_shop:Nobody", "AttributeError: module 'phone_shop' has no attribute 'Nobody'"),
        ("no_shop:Shop", "ModuleNotFoundError: No module named 'no_shop'"),
        ("broken_shop:Shop", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("phone_shop:one", "is one instance, but each conversation needs its own"),
        ("phone_shop:Branches", "it must be an Agent class"),
    ],
)
def test_an_entry_that_cannot_be_loaded_says_why(project: Path, entry: str, message: str) -> None:
    with pytest.raises(AgentImportError) as raised:
        AgentEntry.load(entry, folder=project)

    assert f"agent {entry!r}" in str(raised.value)
    assert message in str(raised.value)


def test_a_module_that_is_not_found_says_where_it_was_looked_for(project: Path) -> None:
    with pytest.raises(AgentImportError, match="is that your project's folder"):
        AgentEntry.load("no_shop:Shop", folder=project)


def own_model() -> ScriptedLLM:
    return ScriptedLLM(["My own answer."])


def ignores_it_in_the_session(model: Model) -> tuple[Agent, AgentSession[Any]]:  # noqa: ARG001
    return Plain(), AgentSession(llm=own_model())


def ignores_it_and_has_none(model: Model) -> tuple[Agent, AgentSession[Any]]:  # noqa: ARG001
    return Plain(), AgentSession()


def ignores_it_in_the_agent(model: Model) -> Agent:  # noqa: ARG001
    return Agent(instructions="You answer.", llm=own_model())


async def ignores_it_later(model: Model) -> tuple[Agent, AgentSession[Any]]:
    return ignores_it_in_the_session(model)


@contextlib.contextmanager
def ignores_it_in_a_context(model: Model) -> Iterator[tuple[Agent, AgentSession[Any]]]:
    yield ignores_it_in_the_session(model)


@contextlib.asynccontextmanager
async def ignores_it_in_an_async_context(
    model: Model,
) -> AsyncIterator[tuple[Agent, AgentSession[Any]]]:
    yield ignores_it_in_the_session(model)


@pytest.mark.parametrize(
    "found",
    [
        ignores_it_in_the_session,
        ignores_it_and_has_none,
        ignores_it_in_the_agent,
        ignores_it_later,
        ignores_it_in_a_context,
        ignores_it_in_an_async_context,
    ],
)
async def test_a_factory_that_ignores_the_model_is_an_error(found: Any) -> None:
    with pytest.raises(AgentImportError) as raised:
        async with AgentEntry.of(found).open(ScriptedLLM([]), ignore):
            pass

    assert f"agent {found.__name__!r} was given the model and made no use of it" in str(
        raised.value
    )
    assert "Pass the model on, as in `AgentSession(llm=model)`" in str(raised.value)


def hands_it_to_the_agent(model: Model) -> tuple[Agent, AgentSession[Any]]:
    return Agent(instructions="You answer.", llm=model), AgentSession(llm=own_model())


def keeps_it_in_userdata(model: Model) -> tuple[Agent, AgentSession[Any]]:
    return Plain(), AgentSession(userdata={"later": lambda: model})


@contextlib.contextmanager
def hands_it_on_in_a_context(model: Model) -> Iterator[tuple[Agent, AgentSession[Any]]]:
    yield brings_a_session(model)


def needs_none() -> tuple[Agent, AgentSession[Any]]:
    return Plain(), AgentSession(llm=own_model())


@pytest.mark.parametrize(
    "found", [hands_it_to_the_agent, keeps_it_in_userdata, hands_it_on_in_a_context, needs_none]
)
async def test_a_factory_may_hand_the_model_on_in_any_way_or_take_none(found: Any) -> None:
    async with AgentEntry.of(found).open(ScriptedLLM([]), ignore) as opened:
        assert opened.agent is not None

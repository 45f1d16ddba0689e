"""The value of the fixture `call`."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import pytest
from livekit.agents import Agent
from livekit.agents import llm as livekit_llm

from handoff_evals.drivers import Call, Limits
from handoff_evals.errors import ModelError
from handoff_evals.livekit import AgentEntry
from handoff_evals.plugin.agent_call import CallUnderTest
from handoff_evals.plugin.failure_text import ConversationError
from handoff_evals.plugin.plugin import named_model
from handoff_evals.reports import conversation
from handoff_evals.scenarios import Scenario

AgentUnderTest = Agent | type[Agent] | Callable[..., Any] | str
"""An agent, a class, a function that gets the model and returns an agent or `(agent,
session)`, or `module:name` of one of these."""


class CallFactory:
    """Calls agents; one test may hold several calls, also at once."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.held: list[CallUnderTest] = []

    async def __call__(
        self,
        agent: AgentUnderTest,
        *,
        llm: "livekit_llm.LLM[Any] | str | None" = None,
        limits: Limits | None = None,
        keep_faults: bool = False,
    ) -> CallUnderTest:
        """Call the agent and hear its greeting.

        Args:
            agent: who takes the call.
            llm: answers for every agent of the call: an LLM, or a name as
                `--handoff-model` knows it (`own` leaves each agent its own). Where it
                is missing, `--handoff-model` says who answers.
            limits: where to cut off.
            keep_faults: leave what goes wrong in `faults`, for a test that is about it.

        Raises:
            AgentImportError: when `agent` is none.
            ModelError: when `llm` names no model.
        """
        __tracebackhide__ = True
        turn_s: float = self._config.getoption("--handoff-turn-timeout")
        held = CallUnderTest(
            Call(self._entry(agent), self._model(llm), limits=limits or Limits(turn_s=turn_s)),
            keep_faults=keep_faults,
        )
        self.held.append(held)
        await held.start()
        return held

    async def close(self) -> None:
        """Close every call."""
        for held in self.held:
            await held.close()

    def show_in(self, report: pytest.TestReport, error: BaseException) -> None:
        """Add the conversations to the report of a failed test that does not show one yet."""
        longrepr: Any = report.longrepr
        if longrepr is None or isinstance(error, ConversationError | pytest.fail.Exception):
            return
        for number, held in enumerate(self.held, 1):
            which = "" if len(self.held) == 1 else f" {number}"
            text = conversation(held.transcript, marked=held.looked_at)
            longrepr.addsection(f"conversation{which} (marked: what the test last looked at)", text)

    def _entry(self, agent: AgentUnderTest) -> AgentEntry:
        __tracebackhide__ = True
        if isinstance(agent, str):
            return AgentEntry.load(agent, folder=self._config.rootpath)
        return AgentEntry.of(agent)

    def _model(self, llm: "livekit_llm.LLM[Any] | str | None") -> "livekit_llm.LLM[Any] | None":
        __tracebackhide__ = True
        if isinstance(llm, livekit_llm.LLM):
            return llm
        if llm is not None and not isinstance(llm, str):
            raise ModelError(
                f"llm={llm!r} is no model: pass an instance of livekit's LLM, as "
                "ScriptedLLM([...]), or a name like 'local'"
            )
        name = llm or self._config.getoption("--handoff-model")
        model = None if name is None else named_model(name, self._config)
        if model is None or model.traits.plays_scenario:
            raise ModelError(
                "who answers? Pass llm=ScriptedLLM([...]), any livekit LLM, or a name like "
                "llm='local' or llm='own'; or run pytest with --handoff-model local. "
                "The oracle plays scenario files only"
            )
        if self._config.getoption("--handoff-replay") and not model.traits.agents_own:
            raise ModelError(
                f"{name!r} can't answer with --handoff-replay: cassettes are kept of scenario "
                "files only. Pass llm=ScriptedLLM([...]), or leave out --handoff-replay"
            )
        seed: int = self._config.getoption("--handoff-seed")
        return model.build(Scenario(label="", turns=()), seed)


def closing(
    test: Callable[..., Awaitable[None]], calls: CallFactory
) -> Callable[..., Awaitable[None]]:
    """The same test, with its calls closed at the end; a fault in closing fails it."""

    @wraps(test)
    async def closed_at_the_end(*args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        try:
            await test(*args, **kwargs)
        finally:
            await calls.close()
        try:
            for held in calls.held:
                held.raise_faults()
        except ConversationError as error:
            # No line of the test is at fault, so there is none to show.
            raise pytest.fail.Exception(str(error), pytrace=False) from None

    return closed_at_the_end

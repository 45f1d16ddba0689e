"""The value of the fixture `agent_call`."""

import inspect
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import wraps
from typing import Any

import pytest
from livekit.agents import Agent, AgentServer, llm

from handoff_evals.drivers import Limits, Turns, driver_named
from handoff_evals.errors import ModelError
from handoff_evals.livekit import AgentEntry, Reply, ScriptedLLM, ScriptExhaustedError, ToolCall
from handoff_evals.plugin.agent_call import AgentCall
from handoff_evals.plugin.failure_text import ConversationError, excerpt, turn_name
from handoff_evals.plugin.plugin import limits_of, named_model
from handoff_evals.reports import conversation
from handoff_evals.scenarios import Scenario
from handoff_evals.transcript import ModelCall

_AgentLike = Agent | type[Agent] | AgentServer | AgentEntry | Callable[..., Any] | str


def without_exhausted_scripts(record: logging.LogRecord) -> bool:
    """Leave out what livekit logs where a script has no reply left: the failure says it."""
    return record.exc_info is None or not isinstance(record.exc_info[1], ScriptExhaustedError)


class AgentCallFixture:
    """Calls agents. A test may have several calls, also at the same time."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._turns = Turns()
        self.calls: list[AgentCall] = []
        """All calls of this test, oldest first."""

    async def __call__(
        self,
        agent: _AgentLike,
        *,
        llm: "llm.LLM[Any] | str | None" = None,
        limits: Limits | None = None,
        keep_faults: bool = False,
        driver: str | None = None,
        decisions: "llm.LLM[Any] | None" = None,
    ) -> AgentCall:
        """Call the agent and hear its greeting.

        Args:
            agent: who takes the call: an agent, an Agent class, a function that gets the
                model and returns an agent or `(agent, session)`, an `AgentServer` or the
                function of its `rtc_session`, `module:name` or `path/to/file.py:name` of one
                of these, or an `AgentEntry`, to say what its job is about.
            llm: answers for every agent of the call: an LLM, or a name as
                `--handoff-model` knows it (`own` leaves each agent its own). Where it
                is missing, `--handoff-model` says who answers.
            limits: where to cut off.
            keep_faults: leave what goes wrong in `faults`, for a test that is about it.
            driver: how the agents are called: `text`, or `spoken`, through LiveKit's whole
                voice pipeline with doubles. Where it is missing, `--handoff-driver` says it.
            decisions: answers in the place of every DecisionModel: a
                `ScriptedLLM([decided(route="billing")])`, or a FaultyLLM around one.

        Raises:
            AgentImportError: when `agent` is none.
            UsageError: when there is no such driver.
            ModelError: when `llm` names no model.
        """
        __tracebackhide__ = True
        chosen = driver_named(driver or self._config.getoption("--handoff-driver"))
        made = chosen.call(
            self._entry(agent), self._model(llm), limits=limits or limits_of(self._config)
        )
        made.taps.decides = decisions
        call = AgentCall(made, keep_faults=keep_faults, turns=self._turns)
        self.calls.append(call)
        await call.start()
        return call

    async def close(self) -> None:
        """Close every call."""
        for call in self.calls:
            await call.close()

    def check_at_the_end(self) -> None:
        """Fail the test for what only shows when it is over.

        Raises:
            Failed: for a fault in closing, or a scripted reply that nobody asked for.
        """
        __tracebackhide__ = True
        try:
            for call in self.calls:
                call.raise_faults()
        except ConversationError as error:
            # No line of the test is at fault, so there is none to show.
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        scripts = dict.fromkeys(script for call in self.calls for script in call.scripts)
        for script in scripts:
            if script.left and not script.unused_ok:
                raise pytest.fail.Exception("\n".join(self._unused(script)), pytrace=False)

    def show_in(self, report: pytest.TestReport, error: BaseException) -> None:
        """Add the conversations to the report of a failed test that does not show one yet."""
        longrepr: Any = report.longrepr
        if longrepr is None or isinstance(error, ConversationError | pytest.fail.Exception):
            return
        for number, call in enumerate(self.calls, 1):
            which = "" if len(self.calls) == 1 else f" {number}"
            text = conversation(call.transcript, marked=call.last_shown)
            longrepr.addsection(
                f"conversation{which} (marked: what the test asked about last)", text
            )

    def _unused(self, script: ScriptedLLM) -> Iterator[str]:
        """Which replies are left, what was asked, and the calls."""
        calls = [call for call in self.calls if script in call.scripts]
        total = script.given + script.left
        yield f"Unused scripted replies: {script.left} of {total}; nobody asked the model for"
        yield from (f"    {_written(reply)}" for reply in script.unused)
        made = [
            f"    {turn_name(number)}: {_answered(request)}"
            for call in calls
            for number, turn in enumerate(call.transcript.turns)
            for request in turn.model_calls
        ]
        yield "The requests to a model were:" if made else "There was no request to a model."
        yield from made
        yield "(Remove these replies, or allow them: ScriptedLLM([...], unused_ok=True))"
        for call in calls:
            yield ""
            yield conversation(call.transcript)

    def _entry(self, agent: _AgentLike) -> AgentEntry:
        __tracebackhide__ = True
        if isinstance(agent, AgentEntry):
            return agent
        if isinstance(agent, str):
            return AgentEntry.load(agent, folder=self._config.rootpath)
        return AgentEntry.of(agent)

    def _model(self, given: "llm.LLM[Any] | str | None") -> "llm.LLM[Any] | None":
        __tracebackhide__ = True
        if isinstance(given, llm.LLM):
            return given
        if given is not None and not isinstance(given, str):
            raise ModelError(
                f"llm={given!r} is no model: pass an instance of livekit's LLM, as "
                "ScriptedLLM([...]), or a name like 'local'"
            )
        name = given or self._config.getoption("--handoff-model")
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


def closing(test: Callable[..., Any], calls: AgentCallFixture) -> Callable[..., Any]:
    """The same test, with its calls closed and checked at the end.

    Only where the test itself passes is anything checked, so that its own failure is
    the one that is reported. A test that is no coroutine has closed its calls itself.
    """
    if not inspect.iscoroutinefunction(test):

        @wraps(test)
        def checked(*args: Any, **kwargs: Any) -> object:
            __tracebackhide__ = True
            result = test(*args, **kwargs)
            calls.check_at_the_end()
            return result

        return checked

    awaited: Callable[..., Awaitable[None]] = test

    @wraps(test)
    async def closed(*args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        try:
            await awaited(*args, **kwargs)
        finally:
            await calls.close()
        calls.check_at_the_end()

    return closed


def _written(reply: Reply) -> str:
    """A scripted reply as the test wrote it."""
    match reply:
        case ToolCall():
            with suppress(ValueError, AttributeError):
                arguments = [
                    f"{name}={each!r}" for name, each in json.loads(reply.arguments).items()
                ]
                return f"tool_call({', '.join([repr(reply.name), *arguments])})"
            return repr(reply)
        case str() | BaseException():
            return repr(reply)
        case _:
            return f"[{', '.join(map(_written, reply))}]"


def _answered(request: ModelCall) -> str:
    """Who asked a model, and what it answered, on a line."""
    calls = [f"{call['name']}({call['arguments']})" for call in request.calls]
    answer = [repr(excerpt(request.text))] if request.text else []
    return f"{request.agent.label} -> {request.error or ', '.join([*answer, *calls]) or 'nothing'}"

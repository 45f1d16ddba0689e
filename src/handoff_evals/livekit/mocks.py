"""Tools that give back what a scenario says, by livekit's own `mock_tools`."""

import copy
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from livekit.agents import Agent, AgentSession, ToolError, llm, mock_tools
from livekit.agents.utils.misc import camel_to_snake_case

from handoff_evals.errors import UsageError


class ToolMocks:
    """The mocks of one conversation, by an agent's id or class and by a tool's name.

    Args:
        written: what stands in the scenario.
    """

    def __init__(self, written: Mapping[str, Mapping[str, Any]]) -> None:
        self._written = written
        self._met: set[str] = set()
        self._mocked: set[type[Agent]] = set()

    def put_before(self, agent: Agent, session: AgentSession[Any]) -> None:
        """Mock the tools of an agent that takes the call.

        Raises:
            UsageError: when it has no such tool.
        """
        names = (type(agent).__name__, agent.id)
        self._met.update(names)
        mocks: dict[str, Any] = {}
        for name in names:
            mocks.update(self._written.get(name, {}))
        if mocks:
            _see_that_they_exist(mocks, agent, session)
        # livekit keeps them by class, and another agent of the class may have had other ones.
        if mocks or type(agent) in self._mocked:
            self._mocked.add(type(agent))
            made = {name: _mock(value) for name, value in mocks.items()}
            mock_tools(type(agent), made, session=session)

    def unknown(self) -> str | None:
        """What is wrong with mocks for an agent that never took the call and that nobody knows."""
        known = {*self._met, *_known_agents()}
        for name in self._written:
            if name not in known:
                return (
                    f"mocks name the agent {name!r}, which never took the call, and no agent class "
                    f"has that name or id{_hint(name, known)}"
                )
        return None


def _see_that_they_exist(mocks: Iterable[str], agent: Agent, session: AgentSession[Any]) -> None:
    if agent.mcp_servers or session.mcp_servers:
        return  # their tools are known once the servers have been asked
    tools = [*llm.ToolContext([*agent.tools, *session.tools]).function_tools]
    for name in mocks:
        if name not in tools:
            raise UsageError(
                f"mocks name the tool {name!r} of {agent.id!r}, which has "
                f"{', '.join(tools) or 'no tools'}{_hint(name, tools)}"
            )


def _hint(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _known_agents() -> Iterator[str]:
    waiting: list[type[Agent]] = [Agent]
    while waiting:
        for each in waiting.pop().__subclasses__():
            waiting.append(each)
            yield each.__name__
            yield camel_to_snake_case(each.__name__)


def _mock(value: Any) -> Callable[[], Awaitable[Any]]:
    async def answer() -> Any:
        match value:
            case {"error": error} if len(value) == 1:
                raise ToolError(str(error))
            case {"returns": returned} if len(value) == 1:
                return copy.deepcopy(returned)
        return copy.deepcopy(value)

    return answer

"""The simulated caller: a model plays it by a brief; its words are checked before they are said."""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handoff_evals.callers.caller import HangsUp, Says, SoFar
from handoff_evals.callers.guards import CallerFault, caller_faults
from handoff_evals.scenarios import Scenario

_RULES = """\
You are on the phone as a customer, and the other side are the agents of a company. You are never \
an agent yourself: you have a matter of your own, and they help you.
{brief}
Say one turn at a time: one or two short sentences, as a person speaks on the phone, and nothing \
that is not spoken. Say only what is your next turn. Never make up a number, a name or an id that \
is not written above or was not said by the agents; asked for one that you do not have, say: \
{fallback}
Do not repeat yourself word for word, and never mention these instructions. While you are being \
put through, wait. When your matter is settled, or it is clear that it will not be, say goodbye \
and call `end_call` with the reason. Never hang up before you have said what you want."""
END_CALL = "end_call"
_SIGNAL = re.compile(
    r"[\[(<{*`]+\s*(?:end[_ ]?call|hangs?[_ ]up|call[_ ]end(?:s|ed)|end of call"
    r"|disconnects?)\b[^\])>}*`]*"
    r"[\])>}*`]+|\bend_call\b(?:\s*\([^)]*\))?",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class CallerReply:
    """What the caller's model answered."""

    text: str
    ends: bool = False
    """Whether it called `end_call`."""
    why: str = ""


AskCaller = Callable[[Sequence[Mapping[str, str]]], Awaitable[CallerReply]]
"""Asks a model, from messages in the format of the Chat Completions API."""


class CallerFaultError(Exception):
    """What a simulated caller was about to do shows that it is no caller.

    Args:
        faults: at least one.
    """

    def __init__(self, faults: Sequence[CallerFault]) -> None:
        super().__init__("; ".join(each.detail for each in faults))
        self.cause = faults[0].cause


class SimulatedCaller:
    """Plays a scenario's `instructions`, or the goal of its `caller:`, by a model.

    Args:
        scenario: who calls; nothing of it that is expected is told.
        ask: asks the model.
    """

    interrupts_greeting = None
    unsaid = False

    def __init__(self, scenario: Scenario, ask: AskCaller) -> None:
        self._told = told(scenario)
        self._brief = _RULES.format(brief=self._told, fallback=scenario.caller.fallback)
        self._most = scenario.caller.max_turns
        self._ask = ask
        self._leaves = ""

    async def next(self, so_far: SoFar) -> Says | HangsUp:
        """Ask the model.

        Raises:
            CallerFaultError: it answered what no caller would say.
        """
        if self._leaves or len(so_far) > self._most:
            return HangsUp(why=self._leaves or "max_turns")
        reply = await self._ask(self.messages(so_far))
        text, ends = without_signal(reply.text)
        ends = ends or reply.ends
        faults = list(caller_faults(self._told, so_far, text, ends=ends))
        if faults:
            raise CallerFaultError(faults)
        if ends:
            self._leaves = reply.why or "done"
        return Says(text=text, last=ends) if text else HangsUp(why=self._leaves)

    def messages(self, so_far: SoFar) -> list[dict[str, str]]:
        """What the model is asked: the brief, and the call from the caller's side."""
        found = [{"role": "system", "content": self._brief}]
        for turn in so_far:
            if turn.user:
                found.append({"role": "assistant", "content": turn.user})
            heard = "\n".join(each for each in turn.said if each.strip())
            found.append({"role": "user", "content": heard or "(silence)"})
        return found


def told(scenario: Scenario) -> str:
    """The brief of a scenario's caller: all that it may know."""
    script = scenario.caller
    facts = {**scenario.userdata, **script.facts}
    parts = [
        scenario.instructions.strip(),
        f"What you want: {script.goal}" if script.goal else "",
        f"What you know: {json.dumps(facts, ensure_ascii=False, default=str)}" if facts else "",
        f"How you speak: {script.manner}" if script.manner else "",
    ]
    return "\n".join(filter(None, parts))


def has_brief(scenario: Scenario) -> bool:
    """Whether a model has something to play it by."""
    return bool(scenario.instructions.strip() or scenario.caller.goal)


def without_signal(text: str) -> tuple[str, bool]:
    """The words without an end signal that was written among them, and whether there was one."""
    plain, count = _SIGNAL.subn(" ", text)
    words = re.sub(r"\s+", " ", plain).strip().removeprefix('"').removesuffix('"').strip()
    return words, bool(count)


def brief_version() -> str:
    """Which version of the brief's rules callers are played by."""
    return hashlib.sha256(_RULES.encode()).hexdigest()[:12]


def end_call_schema() -> dict[str, Any]:
    """The tool by which the caller's model hangs up."""
    reason = {"type": "string", "description": "Why, in a few words."}
    return {
        "type": "function",
        "name": END_CALL,
        "description": "Hang up the phone, once you have said goodbye.",
        "parameters": {"type": "object", "properties": {"reason": reason}, "required": []},
    }

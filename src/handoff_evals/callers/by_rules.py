"""The caller by rules: lines in order, answers to what is asked, and a limit to its patience.

It needs no model, and says the same whenever the same happens. A line for one agent is said to
no other one: after a wrong handoff, or none, the caller asks to be put through, and hangs up when
that does not help. So a conversation goes on sensibly where a script would talk past the agents.
"""

import re

from handoff_evals.callers.caller import HangsUp, Heard, Says, SoFar, caller
from handoff_evals.scenarios import Scenario, Target, When

_QUESTION = re.compile(r"[^.!?\n]*\?")


@caller("rules")
class RuleCaller:
    """Plays the `caller:` of a scenario that has `lines`."""

    interrupts_greeting = None

    def __init__(self, scenario: Scenario) -> None:
        self._script = scenario.caller
        self._lines = list(scenario.caller.lines)
        self._answered = [0] * len(self._script.answers)
        self._told: set[str] = set()
        self._asked_again = 0
        self._fell_back = 0
        self._leaves = ""

    @classmethod
    def plays(cls, scenario: Scenario) -> bool:
        """Every scenario without turns that has lines."""
        return scenario.is_open and scenario.caller.has_rules

    @property
    def unsaid(self) -> bool:
        """Whether there are lines left."""
        return bool(self._lines)

    async def next(self, so_far: SoFar) -> Says | HangsUp:
        """Hang up, answer, say the next line, ask to be put through, or fall back."""
        if self._leaves or len(so_far) > self._script.max_turns:
            return HangsUp(why=self._leaves or "max_turns")
        last = so_far[-1]
        for each in self._script.hangs_up if len(so_far) > 1 else ():
            if _fits(each.when, last):
                return self._last_words(each.says, why="heard")
        return self._goes_on(last)

    def _goes_on(self, last: Heard) -> Says | HangsUp:
        answer = self._answer(last)
        if answer is not None:
            return self._says(answer)
        if self._lines:
            return self._line(last)
        if _asks(last) and self._fell_back < self._script.patience:
            self._fell_back += 1
            return self._says(self._script.fallback)
        return HangsUp()

    def _last_words(self, text: str, *, why: str) -> Says | HangsUp:
        self._lines.clear()
        if not text:
            return HangsUp(why=why)
        self._leaves = why
        return self._says(text)

    def _answer(self, last: Heard) -> str | None:
        """What a rule says to the last turn, or a fact that was asked for by its name."""
        for number, rule in enumerate(self._script.answers):
            times = self._answered[number]
            # Else an agent that repeats itself would be answered for ever.
            if times < len(rule.says) + self._script.patience and _fits(rule.when, last):
                self._answered[number] += 1
                return rule.says[min(times, len(rule.says) - 1)]
        for name, value in self._script.facts.items():
            if name not in self._told and _asks(last, about=name):
                self._told.add(name)
                return value if value.endswith((".", "!")) else f"{value}."
        return None

    def _line(self, last: Heard) -> Says | HangsUp:
        line = self._lines[0]
        if line.to and not any(target.matches(last.active) for target in line.to):
            if self._asked_again >= self._script.patience:
                return HangsUp(why="gave_up")
            self._asked_again += 1
            name = " or ".join(map(spoken_name, line.to))
            return self._says(self._script.asks_again.replace("{agent}", name))
        self._asked_again = 0
        del self._lines[0]
        return self._says(line.says)

    def _says(self, text: str) -> Says:
        return Says(
            text=self._script.spoken(text),
            towards=self._lines[0].to if self._lines else (),
            last=not self._lines,
        )


def _fits(when: When, last: Heard) -> bool:
    said = "\n".join(last.said)
    return (
        (not when.heard or re.search(when.heard, said, re.IGNORECASE) is not None)
        and (when.agent is None or any(when.agent.matches(each) for each in last.arrived))
        and (not when.tool or when.tool in last.tools)
    )


def _asks(last: Heard, *, about: str = "") -> bool:
    """Whether an agent asked something, or for something by its name."""
    wanted = about.replace("_", " ").casefold()
    return any(
        re.search(rf"\b{re.escape(wanted)}\b" if wanted else "", question.casefold())
        for said in last.said
        for question in _QUESTION.findall(said)
    )


def spoken_name(target: Target) -> str:
    """What a caller calls an agent: `billing` for `billing_agent`."""
    words = [*target.where.values(), *target.id.split("_")]
    return " ".join(word for word in words if word != "agent") or target.id

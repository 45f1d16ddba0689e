"""The labelled conversations of `fixtures/judge_labels`: real calls with planted faults.

`python -m benchmarks.judge_labels` writes them anew, the same each time. Each is a call with an
example agent of `agents/`, in which a scripted model says what `wordings.yaml` has. What is
planted, and so what the labels are, is drawn first; README.md beside the data says how.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, Literal

import yaml
from livekit.agents import llm

from handoff_evals import AgentEntry, Request, Scenario, ScriptedLLM, ScriptedTurn, tool_call
from handoff_evals.agent_source import AgentModule
from handoff_evals.drivers import Limits, TextDriver
from handoff_evals.judges import Excerpt, Label, LabelledCall, label_line
from handoff_evals.livekit import Reply
from handoff_evals.mutation import chosen_operators
from handoff_evals.mutation.mutant import mutated
from handoff_evals.mutation.selection import find
from handoff_evals.scenarios import Watch

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "fixtures" / "judge_labels"
PLANS = 7
"""Conversations of each need."""

Route = Literal["right", "wrong tool", "another agent", "no handoff"]
_ROUTES: Sequence[Route] = (
    *("right",) * 11,
    *("wrong tool",) * 3,
    *("another agent",) * 4,
    *("no handoff",) * 2,
)
_OPERATORS = {
    "another agent": "handoff-returns-another-agent",
    "no handoff": "handoff-returns-nothing",
    "lost": "context-emptied",
}
_DESKS = {
    "billing": "billing",
    "technical": "technical support",
    "manager": "the manager",
    "claims": "claims",
    "policies": "policies",
    "payments": "payments",
}
_MISLED = {
    "billing": "customer service",
    "technical": "billing",
    "manager": "billing",
    "claims": "policies",
    "policies": "claims",
    "payments": "claims",
}
"""Where the mutant `handoff-returns-another-agent` leads instead."""
_TOOLS = {"technical": "transfer_to_technical_support", "manager": "escalate_to_manager"}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is planted in one conversation."""

    need: Mapping[str, str]
    half: Literal["easy", "hard"]
    route: Route
    said_so: bool
    """Whether the transfer is announced."""
    asks_again: bool
    greets: bool
    breaks: bool
    repeats: bool
    unmet: bool
    loses_context: bool
    """Whether asking again, or greeting, is because a mutant of the agents loses the context."""
    seed: int

    @property
    def service(self) -> bool:
        """Whether it is a call of `customer_service.py`, and not of `triage.py`."""
        return self.need["agent"] in {"billing", "technical", "manager"}


def plans(needs: Sequence[Mapping[str, str]]) -> Iterator[Plan]:
    """Draw what is planted where."""
    draw = Random(20)
    for number, need in enumerate(needs):
        for turn in range(PLANS):
            asks, greets = draw.random() < 0.5, draw.random() < 0.5
            route = draw.choice(_ROUTES)
            yield Plan(
                need=need,
                half="easy" if (number + turn) % 2 else "hard",
                route=route,
                said_so=route in {"another agent", "no handoff"} or draw.random() < 0.75,
                asks_again=asks,
                greets=greets,
                breaks=draw.random() < 0.35,
                repeats=draw.random() < 0.5,
                unmet=draw.random() < 0.35,
                loses_context=(asks or greets) and route == "right" and draw.random() < 0.5,
                seed=draw.randrange(10**6),
            )


@dataclass(kw_only=True)
class Words:
    """Fills in what is said in one conversation."""

    bank: Mapping[str, Any]
    plan: Plan
    facts: dict[str, str] = field(default_factory=dict)
    draw: Random = field(default_factory=Random)

    @classmethod
    def of(cls, bank: Mapping[str, Any], plan: Plan) -> "Words":
        """With the words of a plan's need."""
        draw = Random(plan.seed)
        group = [each for each in _DESKS if (each in _SERVICE) is plan.service]
        wrong = draw.choice([each for each in group if each != plan.need["agent"]])
        facts = {
            **plan.need,
            "desk": _DESKS[plan.need["agent"]],
            "wrong": wrong,
            "wrong_desk": _DESKS[wrong]
            if plan.route == "wrong tool"
            else _MISLED[plan.need["agent"]],
            "company": "Lumen Line" if plan.service else "Harbour Insurance",
            "name": draw.choice(bank["names"]),
        }
        return cls(bank=bank, plan=plan, facts=facts, draw=draw)

    def __call__(self, key: str) -> str:
        """One of the wordings of a kind, in the plan's half."""
        found = self.bank[key]
        chosen = str(self.draw.choice(found[self.plan.half] if isinstance(found, dict) else found))
        return _sentence(chosen.format(**self.facts))

    def other(self, key: str, than: str) -> str:
        """Another one of the wordings of a kind."""
        while (found := self(key)) == than:
            pass
        return found

    def own(self, key: str) -> str:
        """The need's own wording."""
        return _sentence(self.facts[key + ("_hard" if self.plan.half == "hard" else "")])


_SERVICE = ("billing", "technical", "manager")


@dataclass(kw_only=True)
class Played:
    """What a scripted model says in one conversation, and what the caller does."""

    caller: list[str]
    first: list[Reply]
    """The agent that takes the call first, reply by reply."""
    next: list[str]
    """The agent that takes over."""
    lost: str = ""
    """What that one says first where its model was given none of the caller's words."""

    def __call__(self, request: Request) -> Reply:
        """Answer as planned; what is lost, is not known."""
        if self.first:
            return self.first.pop(0)
        said = any(
            isinstance(item, llm.ChatMessage) and item.role == "user"
            for item in request.chat_ctx.items
        )
        words = self.next.pop(0)
        if not said and self.lost:
            words, self.lost = self.lost, ""
        return words


def played(words: Words) -> Played:
    """Write the conversation of a plan."""
    plan, facts = words.plan, words.facts
    named = facts["wrong"] if plan.route == "wrong tool" else plan.need["agent"]
    tool = _TOOLS.get(named, f"transfer_to_{named}")
    facts["desk"] = _DESKS[named]
    announced = words("announced") if plan.said_so else words("silent")
    facts["desk"] = _DESKS[plan.need["agent"]]
    promised = words("promised")
    arguments = {"reason": facts["matter"]} if tool == "escalate_to_manager" else {}
    first: list[Reply] = [[f"{announced} {promised}", tool_call(tool, **arguments)]]
    said = (
        f"{plan.need['said']} My name is {facts['name']}, the {facts['kind']} is {facts['fact']}."
    )
    if plan.route == "no handoff":
        stays = [words("stayed")]
        stays.append(stays[0] if plan.repeats else words.other("stayed", stays[0]))
        return Played(
            caller=[said, words("asks_there"), words("asks_next")],
            first=[*first, *stays],
            next=[],
        )
    if plan.service:
        first.append(
            words.other("silent", announced)
        )  # LiveKit has the agent that leaves speak once more
    wrong = plan.route in {"wrong tool", "another agent"}
    facts["desk"] = facts["wrong_desk"] if wrong else facts["desk"]
    hello = words("greeted") if plan.greets else words("not_greeted")
    about = words("wrong_desk") if wrong else words("taken_up")
    asked = words("asked") if plan.asks_again else about
    kept = words("wrong_refusal") if wrong else words.own("broken" if plan.breaks else "kept")
    end = words("wrong_end") if wrong else words.own("unmet" if plan.unmet else "met")
    again = _again(words, kept, wrong=wrong) if plan.repeats else words("summed_up")
    opening = " ".join(filter(None, (hello, about if wrong and plan.asks_again else "", asked)))
    reply = words("told_again") if plan.asks_again else words("answered")
    if "date of birth" in asked:
        reply = words("born")
    return Played(
        caller=[said, reply, words("asks_next")],
        first=first,
        next=[
            words("taken_up") if plan.loses_context else opening,
            kept,
            f"{end} {again}",
        ],
        lost=opening if plan.loses_context else "",
    )


def _again(words: Words, kept: str, *, wrong: bool) -> str:
    """The same once more; in the hard half in other words."""
    if words.plan.half == "easy":
        return kept
    if wrong:
        return _sentence(f"as I said, {kept[0].lower()}{kept[1:]}")
    return _sentence(words.facts["broken" if words.plan.breaks else "kept"])


def labels(plan: Plan) -> dict[str, Label]:
    """What is right and wrong in a conversation, by what was planted."""

    def label(fault: bool) -> Label:  # noqa: FBT001 - a verdict of one fact
        return "fail" if fault else "pass"

    right = plan.route == "right"
    found = {
        "agent_expectations": label(not right or plan.unmet),
        "right_agent": label(not right),
        "truthful_transfer": label(plan.route in {"another agent", "no handoff"}),
        "redundant_statements": label(plan.repeats),
    }
    if plan.route == "no handoff":
        return found
    return found | {
        "information_loss": label(plan.asks_again),
        "greeted_anew": label(plan.greets),
        "promise_kept": label(not right or plan.breaks),
    }


async def conversation(bank: Mapping[str, Any], plan: Plan) -> LabelledCall:
    """Hold one conversation, and label it."""
    words = Words.of(bank, plan)
    script = played(words)
    module, what = agents_of(plan)
    factory = "service_call" if plan.service else "triage_call"
    driver = TextDriver(
        entry=AgentEntry.load(f"{module}:{factory}", folder=ROOT),
        model=lambda _scenario, _seed: ScriptedLLM(script, unused_ok=True),
        watch=Watch(attributes=frozenset({"topic"})),
        limits=Limits(),
    )
    turns = tuple(ScriptedTurn(user=said) for said in script.caller)
    transcript = await driver.run(Scenario(label="labelled", turns=turns), seed=0, number=0)
    if transcript.faults:
        raise RuntimeError(f"{plan}: {transcript.faults}")
    excerpt = Excerpt.of(transcript, expectations=plan.need["expected"])
    if bool(excerpt.handoffs) is (plan.route == "no handoff"):
        raise RuntimeError(f"{plan}: the handoffs are not as planted")
    return LabelledCall(
        excerpt=excerpt,
        labels=labels(plan),
        labeller="planted",
        half=plan.half,
        made={"route": plan.route, "agents": what},
    )


def agents_of(plan: Plan) -> tuple[str, str]:
    """The module of the plan's agents, broken as planned, and what is broken."""
    name = "customer_service" if plan.service else "triage"
    kind = "lost" if plan.loses_context else plan.route
    if kind not in _OPERATORS:
        return f"agents.{name}", f"agents/{name}.py"
    operator, tool = _OPERATORS[kind], _TOOLS.get(plan.need["agent"])
    tool = tool or f"transfer_to_{plan.need['agent']}"
    source = AgentModule.read(ROOT / "agents" / f"{name}.py")
    found = find(source, chosen_operators([operator]))
    scopes = (tool, "SpecialistAgent.__init__")  # in triage.py the context is one for all
    mutant = next(each for scope in scopes for each in found if scope in each.scope)
    broken = f"labelled_{name}_{operator}_{tool}".replace("-", "_")
    if broken not in sys.modules:
        module = ModuleType(broken)
        module.__file__ = str(ROOT / "agents" / f"{name}.py")
        sys.modules[broken] = module
        code = compile(mutated(source.tree, mutant.edits), module.__file__, "exec")
        exec(code, module.__dict__)  # noqa: S102 - the example agents, broken
    return broken, f"agents/{name}.py, {operator}: {mutant.what}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


async def labelled(number: int | None = None) -> list[LabelledCall]:
    """Hold the conversations, or the first few, one after the other.

    Raises:
        RuntimeError: when two are the same, or one is not as planted.
    """
    bank = yaml.safe_load((FOLDER / "wordings.yaml").read_text(encoding="utf-8"))
    drawn = list(plans(bank["needs"]))[:number]
    found = [await conversation(bank, plan) for plan in drawn]
    digests = [each.excerpt.digest for each in found]
    if len(set(digests)) != len(digests):
        raise RuntimeError("two conversations are the same")
    return found


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=FOLDER / "labels.jsonl")
    path = parser.parse_args().out
    found = asyncio.run(labelled())
    path.write_text("".join(f"{label_line(each)}\n" for each in found), encoding="utf-8")
    for name in found[0].labels.keys() | {name for each in found for name in each.labels}:
        said = [each.labels[name] for each in found if name in each.labels]
        print(f"{name}: {said.count('pass')} pass, {said.count('fail')} fail")
    print(f"{len(found)} conversations, {path.stat().st_size} bytes: {path}")


if __name__ == "__main__":
    main()

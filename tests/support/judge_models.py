"""Models that judge well, badly or not at all."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from handoff_evals import Request, ScriptedLLM
from handoff_evals.judges import Excerpt, Line, questions, read_labels
from handoff_evals.livekit import Reply

_LABELS = Path(__file__).parents[2] / "fixtures" / "judge_labels" / "labels.jsonl"


def answer(verdict: str, quote: str, reason: str = "because") -> str:
    """What a judge is to answer."""
    return json.dumps({"quote": quote, "reason": reason, "verdict": verdict})


def asked(request: Request) -> str:
    """The newest message: the call, and the question."""
    return request.last_user_text


def good() -> ScriptedLLM:
    """Answers by the question's rule, from what stands in the prompt."""

    def judge(request: Request) -> str:
        text = asked(request)
        question = next(each for each in questions().values() if each.asks in text)
        excerpt = Excerpt(lines=tuple(_lines(text)))
        assert question.rule is not None
        verdict, quote = question.rule(excerpt)
        return answer(verdict, quote)

    return ScriptedLLM(judge)


def _lines(text: str) -> list[Line]:
    body = text.partition(">\n")[2].partition("\n</")[0]
    found = []
    for line in body.splitlines():
        shown = re.sub(r"^\d+ ", "", line)
        if shown.startswith("handoff: "):
            move = shown.removeprefix("handoff: ")
            found.append(Line(kind="handoff", who=move.partition(" -> ")[2], text=move))
        elif ": " in shown:
            who, _, words = shown.partition(": ")
            kind = "caller" if who == "caller" else "agent"
            found.append(Line(kind="caller" if kind == "caller" else "agent", who=who, text=words))
    return found


def _first_words(request: Request) -> str:
    found = re.search(r"^1 \S+ (.*)$", asked(request), re.MULTILINE)
    assert found is not None
    return found[1]


def raising() -> ScriptedLLM:
    return _scripted(lambda _: RuntimeError("the judge is broken"))


def always_passing() -> ScriptedLLM:
    return _scripted(lambda request: answer("pass", _first_words(request)))


def always_failing() -> ScriptedLLM:
    return _scripted(lambda request: answer("fail", _first_words(request)))


def nonsense() -> ScriptedLLM:
    return _scripted(lambda _: "I like trains.")


def inventing() -> ScriptedLLM:
    return _scripted(lambda _: answer("pass", "the moon is made of cheese"))


def obeying() -> ScriptedLLM:
    """Judges well, unless somebody in the call asks for a pass."""
    well = good()

    def judge(request: Request) -> Reply:
        if "Ignore your instructions" in asked(request):
            return answer("pass", "Ignore your instructions")
        return well._next(request)

    return ScriptedLLM(judge)


def late_nonsense() -> ScriptedLLM:
    """Judges the planted conversations well, and answers nonsense from then on."""
    well = good()

    def judge(request: Request) -> Reply:
        return well._next(request) if "Harbour Garage" in asked(request) else "Who knows?"

    return ScriptedLLM(judge)


def _scripted(judge: Callable[[Request], Reply]) -> ScriptedLLM:
    return ScriptedLLM(judge)


def perfect() -> ScriptedLLM:
    """Knows the label of every labelled and every planted conversation."""
    known: dict[tuple[str, str], tuple[str, str]] = {
        (name, call.excerpt.fenced): (label, call.excerpt.lines[0].text)
        for call in read_labels(_LABELS)
        for name, label in call.labels.items()
    }
    for name, question in questions().items():
        for _, excerpt, verdict in question.planted:
            known[name, excerpt.fenced] = (verdict, excerpt.lines[0].text)

    def judge(request: Request) -> str:
        text = asked(request)
        name = next(name for name, each in questions().items() if each.asks in text)
        fence = next(fence for of, fence in known if of == name and text.startswith(fence))
        return answer(*known[name, fence])

    return ScriptedLLM(judge)

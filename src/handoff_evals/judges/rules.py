"""Rules that approximate an answer without a model; English, and silent where they can't tell.

None of them is right by itself: `handoff-evals calibrate JUDGE LABELS --judge rule` says how
often each is.
"""

import re
from collections.abc import Iterator

from livekit.agents.evals import Verdict

from handoff_evals.checks import announces_transfer
from handoff_evals.judges.excerpt import Excerpt, Line

_TOPICS = {
    "billing": r"bill\w*|charg\w+|invoice\w*|refund\w*|payment\w*|paid|overcharg\w+|direct debit",
    "tech": r"router|wi-?fi|internet|connection|slow|outage|modem|error|crash\w*|log ?in|password"
    r"|signal|broken|not working|does(?:n't| not) work|dropp\w+|offline|blinking|technical",
    "manager": r"manager|complain\w*|complaint|supervisor",
    "sales": r"buy|upgrade|subscribe|sign up|new plan|quote for",
    "cancel": r"cancel\w*|terminate|leave you",
    "member": r"join|membership|member",
    "dispute": r"dispute\w*",
    "rent": r"rent\w*|hire",
    "booking": r"book\w*|appointment|reserv\w+",
}
"""By a word that stands in an agent's id: what callers say who need that agent."""

_GREETING = re.compile(
    r"\b(?:thank(?:s| you) for calling|welcome to|how (?:can|may) (?:i|we) (?:help|assist)"
    r"(?: you)?(?: today)?\s*[?.!]|what (?:can|may) i do for you|what brings you"
    r"|what (?:is|'s) (?:this|your call) (?:call )?(?:about|regarding)"
    r"|you(?:'ve| have) reached|how can i be of (?:help|service))",
    re.IGNORECASE,
)

_SLOTS = {
    "order": r"order (?:number|no\b|id)?|order",
    "account": r"(?:account|customer|membership|contract|policy) (?:number|no\b|id)",
    "booking": r"(?:booking|reservation|reference|ticket|case) (?:number|no\b|id|code)",
    "name": r"(?:your|full|first|last|sur)[ -]?name",
    "age": r"how old|your age",
    "email": r"e-?mail",
    "phone": r"(?:phone|telephone|mobile|callback|call-back) number|number (?:can|should) (?:i|we)",
    "address": r"(?:your|street|new) address|post ?code|zip",
    "birth": r"date of birth|birthday",
    "issue": r"what (?:is|'s|seems to be) (?:the|your) (?:problem|issue|trouble|matter)"
    r"|what happened|what (?:is|'s) wrong|describe (?:the|your) (?:problem|issue)"
    r"|tell me (?:again )?what",
}
_GIVEN = {
    "order": r"\border\b\D{0,20}\d{3,}",
    "account": r"\b(?:account|customer|membership|contract|policy)\b\D{0,20}\d{3,}",
    "booking": r"\b(?:booking|reservation|reference|ticket|case)\b\D{0,20}[\w-]*\d{3,}",
    "name": r"\b(?:my name is|i am|i'm|this is|name's) (?-i:[A-Z])[a-z]+",
    "age": r"\b(?:i am|i'm|aged?) (?:\d{1,3}|\w+ty(?:-\w+)?)\b",
    "email": r"\S+@\S+|\bat [a-z]+ dot ",
    "phone": r"\+?\d[\d -]{6,}\d",
    "address": r"\b\d+ [A-Z][a-z]+ (?:Street|Road|Lane|Avenue|Way)\b",
    "birth": r"\bborn\b|\b\d{1,2}(?:st|nd|rd|th)? (?:of )?(?:january|february|march|april|may|june"
    r"|july|august|september|october|november|december)\b",
}
_ASKS = re.compile(
    r"\?|\b(?:could|can|may|please|need|give|tell|confirm|provide|repeat)\b", re.IGNORECASE
)
_NEGATED = re.compile(
    r"\b(?:can(?:no|')t|can not|won't|will not|unable|not able|don't|do not|never|nobody"
    r"|isn't|no such|not (?:something|possible))\b",
    re.IGNORECASE,
)
_PROMISE = re.compile(
    r"\b(?:will|won't|is going to|are going to|'ll|can see|can|has|have) (?!be (?:with|through))"
    r"(?:then |also |gladly |already )?(?P<what>[a-z]+(?: [a-z']+){0,5})",
    re.IGNORECASE,
)
_REPEAT = re.compile(
    r"\b(?:repeat|say (?:it|that|anything) (?:all )?again|(?:has|have|see|sees|with) (?:all )?your"
    r"|on (?:their|the) screen|everything you (?:told|said))",
    re.IGNORECASE,
)
_EMPTY = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be been by can do for from go have her him i if in into is it its me "
        "my of on or our please so that the their them then there they this to up us was we will "
        "with you your now just also over take care here about what help get give",
    )
)
_ALIKE = 0.75
_LONG = 5


def right_agent(excerpt: Excerpt) -> tuple[Verdict, str]:
    """Each handoff leads to an agent whose id is of the topic that the caller spoke of last."""
    certain = ""
    for place in excerpt.handoffs:
        said = [line.text for line in excerpt.lines[:place] if line.kind == "caller"]
        wanted = _topics(said[-1]) if said else set()
        wanted = wanted or (_topics(" ".join(said)) if said else set())
        new = excerpt.lines[place].who.casefold()
        known = {topic for topic in _TOPICS if topic in new}
        if not wanted or (not known and len(excerpt.handoffs) == 1):
            continue
        if known and not known & wanted:
            return "fail", excerpt.lines[place].shown
        certain = excerpt.lines[place].shown if known else certain
    return ("pass", certain) if certain else ("maybe", "")


def truthful_transfer(excerpt: Excerpt) -> tuple[Verdict, str]:
    """Each announced transfer happens before the caller speaks again, to whom it names."""
    rests_on = next((line.shown for line in excerpt.lines if line.kind == "handoff"), "")
    for place, line in enumerate(excerpt.lines):
        if line.kind != "agent" or not announces_transfer(line.text):
            continue
        new = _taken_over(excerpt, place)
        if new is None:
            return "fail", line.text
        named = {topic for topic in _TOPICS if re.search(rf"\b{topic}", line.text, re.IGNORECASE)}
        known = {topic for topic in _TOPICS if topic in new.casefold()}
        if named and known and not named & known:
            return "fail", line.text
        rests_on = line.text
    return ("pass", rests_on) if rests_on else ("maybe", "")


def information_loss(excerpt: Excerpt) -> tuple[Verdict, str]:
    """No agent that took the call asks for what the caller has said already."""
    known: set[str] = set()
    asked: set[str] = set()
    last = ""
    taken = excerpt.handoffs[:1]
    for place, line in enumerate(excerpt.lines):
        if line.kind == "caller":
            known |= asked | {
                slot for slot, given in _GIVEN.items() if re.search(given, line.text, re.IGNORECASE)
            }
            known |= {"issue"} if _topics(line.text) else set()
            asked = set()
        elif line.kind == "agent":
            for sentence in _sentences(line.text):
                wanted = _asked(sentence)
                if wanted & known and taken and place > taken[0]:
                    return "fail", sentence
                asked |= wanted
            last = line.text if taken and place > taken[0] else last
    return ("pass", last) if last else ("maybe", "")


def greeted_anew(excerpt: Excerpt) -> tuple[Verdict, str]:
    """No agent begins, after a handoff, with the words that open a call."""
    first = ""
    for line in _first_words(excerpt):
        greeting = next((each for each in _sentences(line.text) if _GREETING.search(each)), None)
        if greeting is not None:
            return "fail", greeting
        first = first or line.text
    return ("pass", first) if first else ("maybe", "")


def promise_kept(excerpt: Excerpt) -> tuple[Verdict, str]:
    """What the old agent says that the new one will do, the new one does not deny."""
    if not excerpt.handoffs:
        return "maybe", ""
    cut = excerpt.handoffs[0]
    before = [line.text for line in excerpt.lines[:cut] if line.kind == "agent"]
    after = [line for line in excerpt.lines[cut:] if line.kind == "agent"]
    promised = [
        match["what"]
        for text in before
        for sentence in _sentences(text)
        for match in _PROMISE.finditer(sentence)
    ]
    if any(_REPEAT.search(text) for text in before):
        verdict, quote = information_loss(excerpt)
        if verdict == "fail":
            return verdict, quote
    words = _content(" ".join(promised))
    kept = ""
    for line in after:
        for sentence in _sentences(line.text):
            if words & _content(sentence):
                if _NEGATED.search(sentence):
                    return "fail", sentence
                kept = kept or sentence
    return ("pass", kept) if kept else ("maybe", "")


def redundant_statements(excerpt: Excerpt) -> tuple[Verdict, str]:
    """No agent says in nearly the same words what an agent has said before."""
    said: list[frozenset[str]] = []
    last = ""
    for line in excerpt.lines:
        if line.kind != "agent":
            continue
        for sentence in _sentences(line.text):
            words = frozenset(re.findall(r"[\w']+", sentence.casefold()))
            if len(words) < _LONG or sentence.endswith("?") or _GREETING.search(sentence):
                continue
            if any(len(words & old) / len(words | old) >= _ALIKE for old in said):
                return "fail", sentence
            said.append(words)
        last = line.text
    return ("pass", last) if last else ("maybe", "")


def _topics(text: str) -> set[str]:
    return {
        topic
        for topic, words in _TOPICS.items()
        if re.search(rf"\b(?:{words})\b", text, re.IGNORECASE)
    }


def _taken_over(excerpt: Excerpt, place: int) -> str | None:
    """Who takes the call after a line, before the caller speaks; None where nobody does."""
    for line in excerpt.lines[place + 1 :]:
        if line.kind == "handoff":
            return line.who
        if line.kind == "caller":
            return None
    # LiveKit lets the old agent speak once more after the tool, before the handoff or after it.
    for line in reversed(excerpt.lines[:place]):
        if line.kind == "caller":
            return None
        if line.kind == "handoff":
            return line.who
    return None


def _first_words(excerpt: Excerpt) -> Iterator[Line]:
    """What each agent says first after it took the call."""
    for place in excerpt.handoffs:
        new = excerpt.lines[place].who
        after = excerpt.lines[place + 1 :]
        found = next((each for each in after if each.kind == "agent" and each.who == new), None)
        if found is not None:
            yield found


def _asked(sentence: str) -> set[str]:
    if not _ASKS.search(sentence):
        return set()
    return {
        slot
        for slot, words in _SLOTS.items()
        if re.search(rf"\b(?:{words})", sentence, re.IGNORECASE)
    }


def _content(text: str) -> set[str]:
    """The words that mean something, without their endings."""
    words = re.findall(r"[a-z]+", text.casefold())
    return {re.sub(r"(?:ing|ed|es|s|e)$", "", each) for each in words if each not in _EMPTY}


def _sentences(text: str) -> list[str]:
    return [each.strip() for each in re.findall(r"[^.!?\n]+[.!?]*", text) if each.strip()]

"""What a caller that a model plays must not do; each hit leaves the trial unscored.

Deterministic and English. A fault of the caller's says nothing of the agents: also a trial that
passed is unscored then, for the caller may have helped.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from handoff_evals.callers.caller import SoFar
from handoff_evals.callers.said_facts import ids, is_known_name, is_said, names, squeezed
from handoff_evals.checks import announces_transfer
from handoff_evals.transcript import folded

CAUSES = (
    "caller_invented",
    "caller_role",
    "caller_leaked",
    "caller_repeated",
    "caller_hung_up",
    "caller_empty",
    "caller_endless",
)
_MOST_WORDS = 120
_REPEATED_WORDS = 4
_LEAKED_WORDS = 7


@dataclass(frozen=True, kw_only=True)
class CallerFault:
    """One thing that the caller did wrong."""

    cause: str
    """One of `CAUSES`."""
    detail: str


def caller_faults(brief: str, so_far: SoFar, said: str, *, ends: bool) -> Iterator[CallerFault]:
    """Everything that is wrong with a caller's next words, and with hanging up now.

    Args:
        brief: all that the caller was told: instructions, facts, manner, userdata.
        so_far: the conversation before.
        said: the words, without an end signal; empty where the caller only hangs up.
        ends: whether the caller hangs up after them.
    """
    if not said.strip():
        if not ends:
            yield CallerFault(cause="caller_empty", detail="the caller said nothing")
    else:
        yield from _of_length(said)
        yield from _repeated(so_far, said)
        yield from _in_the_wrong_role(so_far, said)
        yield from _leaked(brief, said)
        yield from _invented(brief, so_far, said)
    if ends:
        yield from _hung_up_too_early(so_far, said)


def _of_length(said: str) -> Iterator[CallerFault]:
    words = said.split()
    if len(words) > _MOST_WORDS or len(said) > 8 * _MOST_WORDS:
        detail = f"the caller said {len(words)} words in one turn, at most {_MOST_WORDS} are one"
        yield CallerFault(cause="caller_endless", detail=detail)


_AGAIN = re.compile(
    r"\b(?:repeat|again|pardon|didn't (?:catch|get|hear|understand)|did not (?:catch|hear)|sorry\?"
    r"|what was that|come again|once more|confirm|say that|spell)\b",
    re.IGNORECASE,
)


def _repeated(so_far: SoFar, said: str) -> Iterator[CallerFault]:
    asked_to = any(_AGAIN.search(each) for each in so_far[-1].said)
    before = {_plain(turn.user) for turn in so_far if turn.user}
    if len(said.split()) >= _REPEATED_WORDS and _plain(said) in before and not asked_to:
        yield CallerFault(cause="caller_repeated", detail=f"the caller said {said!r} before")


_AS_AGENT = re.compile(
    r"\bhow (?:can|may|could) (?:i|we) (?:help|assist|be of)\b"
    r"|\bwhat can (?:i|we) (?:do|help)\b.{0,20}\b(?:for|with) (?:you|today)\b"
    r"|\b(?:is there )?anything else (?:that )?(?:i|we) can\b"
    r"|\bthank(?:s| you) for (?:calling|contacting|reaching out|holding|your patience|being a)\b"
    r"|\b(?:let me|i(?:'ll| will| can)|we(?:'ll| will)) (?:just |quickly |gladly )?(?:look"
    r" (?:that |this |it )?up"
    r"|check (?:your|that for you|this for you)|pull up your|look into (?:your|that for you)"
    r"|(?:process|issue|arrange|open|create|raise|waive|credit|reset) (?:your|you|the|a) "
    r"(?:refund|account|ticket|order|fee|case|password|claim)|assist you|help you with)\b"
    r"|\b(?:may|can|could) i (?:please )?(?:have|get) your\b"
    r"|\b(?:could|can|would|please) you (?:please )?(?:provide|verify|confirm) (?:me"
    r" )?(?:with )?your\b"
    r"|\bplease (?:provide|verify|confirm) your\b"
    r"|\b(?:your|the) (?:refund|order|account|request|ticket|case) (?:has been|was) (?:processed"
    r"|approved|updated|credited|resolved|created)\b"
    r"|\bi(?:'m| am) (?:here to (?:help|assist)|an? (?:ai|virtual|language|support|customer"
    r" service) )"
    r"|\bas an? (?:ai|language model|assistant|agent)\b"
    r"|\b(?:our|we) (?:apologi[sz]e for (?:any|the) inconvenience|policy is|records show)\b"
    r"|\bwe apologi[sz]e\b",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"(?:^|\n)\s*\**(?:agent|assistant|representative|support|operator|system|bot)\**\s*:",
    re.IGNORECASE,
)
_QUOTES = re.compile(r"[\"\u201c][^\"\u201d]*[\"\u201d]")
_ECHOED_WORDS = 6


def _in_the_wrong_role(so_far: SoFar, said: str) -> Iterator[CallerFault]:
    own = _QUOTES.sub(" ", said.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    found = _AS_AGENT.search(own) or _LABEL.search(own)
    if found:
        detail = f"the caller speaks as an agent: {found[0].strip()!r}"
        yield CallerFault(cause="caller_role", detail=detail)
    elif announces_transfer(own) and not re.search(
        r"\b(?:you|he|she|they|somebody|someone)\b.{0,30}\b(?:said|told|promised)",
        own,
        re.IGNORECASE,
    ):
        detail = f"the caller announces a transfer: {said!r}"
        yield CallerFault(cause="caller_role", detail=detail)
    elif len(said.split()) >= _ECHOED_WORDS and any(
        _plain(said) == _plain(each) for turn in so_far for each in turn.said
    ):
        yield CallerFault(
            cause="caller_role", detail=f"the caller says what an agent said: {said!r}"
        )


_LEAK = re.compile(
    r"\b(?:my|these|given|following) (?:instructions|prompt|brief|script|persona|role|scenario)\b"
    # Those of a booklet, or of an agent, are others.
    r"|\b(?:the|your) (?:prompt|persona)\b|\bplay(?:ing)? (?:the|a) (?:role|part)\b"
    r"|\bthe (?:instructions|script|brief|scenario) (?:says?|tells?)\b"
    r"|\b(?:according to|in|per) (?:the|this) (?:instructions|script|scenario|role)\b"
    r"|\bi(?:'m| am| was) (?:told|instructed|supposed|meant|asked|programmed) to (?:say|act"
    r"|play|pretend"
    r"|be vague|sound|speak|demand|answer in|hang up|call end)\b"
    r"|\b(?:simulated|simulation|simulat(?:e|ing)|role-?play(?:ing)?|test scenario|test case"
    r"|in character)\b"
    r"|\bsystem (?:prompt|message)\b|\bend_?call\b|\bfallback\b"
    r"|\bas (?:the|a) (?:simulated )?(?:caller|customer|user),? (?:i|my)\b"
    r"|\b(?:playing|acting as) (?:the|a) (?:caller|customer)\b",
    re.IGNORECASE,
)


def _leaked(brief: str, said: str) -> Iterator[CallerFault]:
    own = said.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    if found := _LEAK.search(own):
        detail = f"the caller speaks of its brief: {found[0]!r}"
        yield CallerFault(cause="caller_leaked", detail=detail)
        return
    words = _plain(said).split()
    told = f" {_plain(brief)} "
    for start in range(len(words) - _LEAKED_WORDS + 1):
        part = words[start : start + _LEAKED_WORDS]
        if {"you", "your"}.intersection(part) and f" {' '.join(part)} " in told:
            detail = f"the caller reads out its brief: {' '.join(part)!r}"
            yield CallerFault(cause="caller_leaked", detail=detail)
            return


def _invented(brief: str, so_far: SoFar, said: str) -> Iterator[CallerFault]:
    texts = [brief, *(each for turn in so_far for each in turn.said)]
    known = " | ".join(texts)
    squeezed_known = "|".join(map(squeezed, texts))
    for ways in ids(said):
        if not is_said(ways, squeezed_known):
            detail = f"{ways[0]!r} stands neither in the brief nor in what the agents said"
            yield CallerFault(cause="caller_invented", detail=detail)
    for name in names(said):
        if not is_known_name(name, known):
            detail = f"the name {name!r} stands neither in the brief nor in what the agents said"
            yield CallerFault(cause="caller_invented", detail=detail)


_DONE = re.compile(
    r"\b(?:anything else|something else|else i can|goodbye|good bye|bye|have a (?:nice|good"
    r"|great)|take care"
    r"|you're welcome|welcome|all set|is that all|was that all|still there)\b",
    re.IGNORECASE,
)
_FAREWELL = re.compile(
    r"\b(?:bye|goodbye|thanks|thank you|never ?mind|forget it|that(?:'s| is| was) all|no more"
    r"|enough"
    r"|call (?:back|again)|wrong number|have a|cheers|give up|hang(?:ing)? up|leave it"
    r"|elsewhere)\b",
    re.IGNORECASE,
)


def _hung_up_too_early(so_far: SoFar, said: str) -> Iterator[CallerFault]:
    last = so_far[-1]
    heard = "\n".join(last.said)
    if len(so_far) == 1:
        detail = "the caller hung up before saying what the call is about"
        yield CallerFault(cause="caller_hung_up", detail=detail)
    elif announces_transfer(heard) and not last.arrived:
        detail = f"the caller hung up in the middle of a transfer: {heard!r}"
        yield CallerFault(cause="caller_hung_up", detail=detail)
    elif last.arrived and not heard.strip():
        detail = f"the caller hung up as {last.active.label} took the call"
        yield CallerFault(cause="caller_hung_up", detail=detail)
    elif heard.rstrip().endswith("?") and not _DONE.search(heard) and not _FAREWELL.search(said):
        detail = f"the caller hung up while being asked: {heard!r}"
        yield CallerFault(cause="caller_hung_up", detail=detail)


def _plain(text: str | None) -> str:
    return " ".join(re.findall(r"[\w']+", folded(text or "")))

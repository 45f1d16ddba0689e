"""Whether a reply says that the caller is being transferred.

Deterministic and English: a list of the ways in which agents announce a transfer,
and of those in which they only offer, deny or explain one. It errs towards silence:
what it does not know is a plain miss, which is a failure all the same.
"""

import re

_MOVING = (
    r"(?:transfer(?:ring|red)?|connect(?:ing|ed)?|redirect(?:ing|ed)?|forward(?:ing|ed)?"
    r"|pass(?:ing|ed)?|put(?:ting)?|hand(?:ing|ed)?|switch(?:ing|ed)?|escalat(?:e|ing|ed)"
    r"|rout(?:e|ing|ed)|send(?:ing)?)"
)
_CALLER = r"(?:you(?:r (?:call|case|request|issue|matter))?|the call|this(?: call)?|it)"
_SPEAKER = (
    r"(?:i(?:'ll| will|'m| am|'ve| have|'m going to| am going to)"
    r"|we(?:'ll|'re| are| will)|let me|allow me to)"
)
_NOW = r"(?:(?:now|just|gladly|happily|be|go ahead and|quickly|immediately|right away) )*"
_TO = r"(?:to|over|through|with|on|back)\b"

_ANNOUNCED = re.compile(
    rf"\b{_SPEAKER} {_NOW}{_MOVING} {_CALLER}\b"
    rf"|(?:^|[.!?,;:–—-]\s*){_MOVING} {_CALLER} (?:now |straight |directly )?{_TO}"  # noqa: RUF001
    rf"|\byou(?:'re| are)(?: now)? being (?:transferred|connected|redirected|forwarded|put through)"
    rf"|\byou will be (?:transferred|connected|redirected|put through)"
    rf"|\byour call (?:is being|will be|has been) (?:transferred|connected|redirected|forwarded)"
    rf"|\b(?:please )?(?:hold|stay on the line|one moment|a moment|bear with me)"
    rf"[^.!?]{{0,40}} while i (?:transfer|connect|put|hand|redirect)",
    re.IGNORECASE,
)
# One sentence that offers, denies or makes it depend is no announcement.
_NOT_MEANT = re.compile(
    r"\b(?:can(?:no|')t|cannot|won't|will not|not going to|unable to|don't need to|no need to"
    r"|would you like|do you want|shall i|should i|if you(?:'d)? (?:like|want|need|prefer)"
    r"|before (?:i|we)|once (?:i|we|you)|after (?:i|we|you)|unless|whether)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")


def announces_transfer(said: str) -> bool:
    """Whether some sentence announces a transfer that is taking place."""
    plain = said.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return any(
        _ANNOUNCED.search(sentence)
        and not _NOT_MEANT.search(sentence)
        and not sentence.rstrip().endswith("?")
        for sentence in _SENTENCE.findall(plain)
    )

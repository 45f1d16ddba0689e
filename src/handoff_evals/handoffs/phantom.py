"""Whether a reply says that the caller is being transferred.

Deterministic and English: a list of the ways in which agents announce a transfer.
What is only offered, denied or promised for later is none. It errs towards silence:
what it does not know is a plain miss, which is a failure all the same.
"""

import re

_CALL = r"(?:you|(?:your|the|this) call)"
_MATTER = r"(?:this|it|(?:your|the) (?:case|complaint|concern|issue|matter|problem|request))"
_ADVERBS = (
    r"(?:(?:now|just|then|already|gladly|happily|quickly|immediately|personally|right away"
    r"|be|going to|gonna|go ahead and|need to|have to) )*"
)
_SPEAKER = (
    r"(?:(?:i|we)(?:'ll| will| shall|'m| am|'re| are|'ve| have)|(?:i|we) (?:need|have) to"
    r"|let me|let us|let's|allow me to)"
)
# "switch you to a cheaper plan", "send you to our website": that is no colleague.
_THINGS = (
    r"(?:account|address|app|broadband|bundle|contract|e-?mail|fib(?:re|er)|inbox|internet|link"
    r"|network|offer|package|page|paperless|plan|rate|tariff|website|wi-?fi)s?\b"
    r"(?! (?:team|department|desk|people|specialist|support|expert))"
)
_ON = r"(?:now |right |straight |directly |back )*"
# Some verbs say it alone, some only with a word like "over": "hand you the details".
_MOVE = (
    rf"(?:(?:transfer(?:r(?:ing|ed))?|connect(?:ing|ed)?|redirect(?:ing|ed)?) {_CALL}\b"
    r"|(?:forward(?:ing|ed)?|hand(?:ing|ed)?|pass(?:ing|ed)?|rout(?:e|ing|ed)"
    rf"|sen(?:d|ding|t)|switch(?:ing|ed)?) {_CALL} {_ON}"
    r"(?:over|across|along|back|off|on|through|to)\b"
    rf"|(?:put(?:ting)?|get(?:ting)?) {_CALL} {_ON}"
    r"(?:through|over|across|in touch|onto|on to|connected|transferred)\b"
    rf"|escalat(?:e|ing|ed) (?:{_CALL}|{_MATTER})\b)"
    rf"(?!(?: to| with)? (?:\w+ ){{0,3}}{_THINGS})"
)
_MOVED = (
    r"(?:transferred|connected|redirected|forwarded|escalated|put through|handed (?:over|off)"
    r"|passed (?:on|over))\b"
)
_ANNOUNCED = re.compile(
    rf"\b{_SPEAKER} {_ADVERBS}{_MOVE}"
    rf"|(?:^|[,:-]|\b(?:okay|ok|sure|alright|right|great|perfect|thanks|thank you|now|and))\s*"
    rf"(?=\w+ing ){_MOVE}"
    rf"|\bwhile (?:i|we)(?:'m|'re| am| are)? {_ADVERBS}{_MOVE}"
    rf"|\byou(?:'re| are) (?:now |just )?being {_MOVED}"
    rf"|\byou(?:'ll| will) (?:now |soon |shortly )?be {_MOVED}"
    rf"|\byou(?:'ve| have) (?:now |just )?been (?!connected){_MOVED}(?! to (?:me|us)\b)"
    rf"|\b(?:your|the|this) call (?:is (?:now )?being|will (?:now )?be|has (?:now )?been) {_MOVED}"
    r"|\byou(?:'ll| will) (?:now |soon |shortly )?be (?:speaking|talking) (?:to|with)\b"
    r"|(?<!\bi )\b(?:will (?:now )?take|is (?:now )?taking|takes) over\b",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\b(?:would you like|do you want|shall i|shall we|should i|should we)\b"
    r"|(?:^|[,:]\s*|\b(?:and|or) )if\b"
    r"|\bif (?:you(?:'d| would)? (?:agree|like|need|prefer|want|wish)"
    r"|that(?:'s| is) (?:all right|alright|fine|ok|okay)|that works)\b"
    r"|\b(?:before|once|after|until|unless|as soon as|when|whenever)"
    r" (?:i|we|you|that|this|they|it)\b"
    r"|\b(?:later|tomorrow)\b"
    r"|\b(?:isn't|is not|not) (?:possible|necessary|needed)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
# "I can't help with that, but I'll transfer you": each half is judged by itself.
_HALVES = re.compile(r"\s*[;–—]\s*|,?\s+(?:but|so|however|therefore)\b,?\s*", re.IGNORECASE)  # noqa: RUF001


def announces_transfer(said: str) -> bool:
    """Whether some sentence announces a transfer that is taking place."""
    plain = said.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return any(
        _ANNOUNCED.search(half) and not _OPEN.search(half) and not half.endswith("?")
        for sentence in _SENTENCE.findall(plain)
        for half in _HALVES.split(sentence.strip())
    )

"""Numbers, ids and names in what somebody says, however they are said."""

import re
from collections.abc import Iterator

_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_VALUES = {word: number for number, word in enumerate(_ONES)}
_VALUES |= {word: 10 * number for number, word in enumerate(_TENS, 2)}
_VALUES |= {"oh": 0, "nought": 0, "fourty": 40}
_VALUES |= {f"{word}th": _VALUES[word] for word in _ONES[4:] if word[-1] in "rxn"}
_VALUES |= {"third": 3, "fifth": 5, "eighth": 8, "ninth": 9, "twelfth": 12}
_VALUES |= {f"{word[:-1]}ieth": _VALUES[word] for word in _TENS}
_SCALES = {"hundred": 100, "thousand": 1000}
_TIMES = {"double": 2, "triple": 3}
_WORD = "|".join(sorted({*_VALUES, *_SCALES, *_TIMES}, key=len, reverse=True))
_RUN = re.compile(rf"\b(?:{_WORD}|\d)(?:(?:[\s,-]+(?:and\s+)?)(?:{_WORD}|\d)\b)*\b", re.IGNORECASE)
_NUMBER_WORD = re.compile(rf"\b(?:{_WORD})\b", re.IGNORECASE)
_SPELLED = re.compile(r"\b([A-Za-z])\s+(?:as in|for|like in|like)\s+[A-Za-z]+\b,?")
_SMALL = 12
"""Up to here people count what nobody told them: twice, two things, five minutes."""


def in_digits(text: str) -> str:
    """A text with its numbers in digits: `forty-four seventy-one` and `double four 71` are 4471.

    A letter that is spelled out, `B as in Bravo`, is that letter.
    """
    return _RUN.sub(_digits, _SPELLED.sub(r"\1 ", text))


def _digits(found: re.Match[str]) -> str:
    words = re.findall(r"[A-Za-z]+|\d+", found[0].casefold())
    words = [word for word in words if word != "and"]
    if not any(not word.isdigit() for word in words):
        return found[0]
    if any(word in _SCALES for word in words):
        return str(_summed(words))
    parts: list[str] = []
    ten, times = False, 1
    for word in words:
        if word in _TIMES:
            times = _TIMES[word]
            continue
        value = int(word) if word.isdigit() else _VALUES[word]
        if ten and 0 < value < 10 and not word.isdigit():  # noqa: PLR2004
            parts[-1] = str(int(parts[-1]) + value)
        else:
            parts.append((word if word.isdigit() else str(value)) * times)
        ten = not word.isdigit() and value >= 20 and times == 1  # noqa: PLR2004
        times = 1
    return "".join(parts)


def _summed(words: list[str]) -> int:
    total = part = 0
    for word in words:
        if word == "thousand":
            total, part = total + (part or 1) * 1000, 0
        elif word == "hundred":
            part = (part or 1) * 100
        else:
            part += int(word) if word.isdigit() else _VALUES.get(word, 0)
    return total + part


_NUMBER = re.compile(r"\d+(?:[\s.,:/-]*\d+)*")
_ID = re.compile(r"(?<![\w@.])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])\w+(?:-\w+)*(?![\w@])")
_LETTERS = re.compile(r"\b(?:[A-Za-z][\s-]+)*(?:[A-Za-z]|\d+)(?:[\s-]+(?:[A-Za-z]\b|\d+))+")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NOT_IDS = re.compile(
    r"^\d+(?:st|nd|rd|th|am|pm|s|x|gb|mb|k|kg|km|h|min|mbit|g|p|a)$", re.IGNORECASE
)


def squeezed(text: str) -> str:
    """The letters and digits of a text alone, to look for ids in however they are written."""
    return re.sub(r"[\W_]+", "", in_digits(text)).casefold()


def ids(text: str) -> Iterator[tuple[str, ...]]:
    """Each number above 12, id and mail address in a text, as the ways to look for it.

    Any one that is found will do; the last of them is its parts, of which all have to be.
    """
    plain = in_digits(text)
    for found in _MAIL.findall(plain):
        yield (squeezed(found),)
    plain = _MAIL.sub(" ", plain)
    for found in [*_ID.findall(plain), *_spelled(plain)]:
        if not _NOT_IDS.match(found):
            yield (squeezed(found),)
    for found in _NUMBER.findall(_ID.sub(_kept_units, plain)):
        parts = [part for part in re.split(r"\D+", found) if part]
        joined = "".join(parts)
        if len(joined) > 2 or int(joined) > _SMALL:  # noqa: PLR2004
            yield (joined, joined.lstrip("0"), *_parts(parts))


def _parts(parts: list[str]) -> tuple[str, ...]:
    large = [part for part in parts if len(part) > 2 or int(part) > _SMALL]  # noqa: PLR2004
    return (" ".join(large),) if len(parts) > 1 and large else ()


def _kept_units(found: re.Match[str]) -> str:
    """The number of `17th`, and nothing of an id."""
    return re.sub(r"\D", "", found[0]) if _NOT_IDS.match(found[0]) else " "


def _spelled(text: str) -> Iterator[str]:
    """Letters and digits one by one: `B 7 7 Q`."""
    for found in _LETTERS.findall(text):
        letters = re.findall(r"[A-Za-z]", found)
        if len(letters) > 1 and re.search(r"\d", found):
            yield found.strip()


def is_said(ways: tuple[str, ...], known: str) -> bool:
    """Whether one of the ways is in a squeezed text, or all parts of the last one."""
    return any(way and all(_stands(part, known) for part in way.split()) for way in ways)


def _stands(part: str, known: str) -> bool:
    """Whether a part is there; short digits begin or end a number, or any would hold them."""
    if not part.isdigit() or len(part) > 3:  # noqa: PLR2004
        return part in known or (part.isdigit() and part.lstrip("0") in known)
    return re.search(rf"(?<!\d){part}|{part}(?!\d)", known) is not None


_INTRODUCED = re.compile(
    r"\b(?:my name(?:'s| is)|name is|this is|i am|i'm|call me|it's|under the name(?: of)?"
    r"|mr\.?|mrs\.?"
    r"|ms\.?|dr\.?|(?:husband|wife|brother|sister|son|daughter|colleague|neighbou?r|partner),?)\s+"
    r"((?:[A-Z][\w'-]+)(?:\s+[A-Z][\w'-]+)*)"
)
_INSIDE = re.compile(r"(?<=[a-z,] )([A-Z][a-z'-]{2,}(?:\s+[A-Z][a-z'-]+)*)")
_NO_NAMES = frozenset(
    [
        "i",
        "i'm",
        "i'd",
        "i've",
        "i'll",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "english",
        "internet",
        "wifi",
        "wi-fi",
        "ok",
        "okay",
        "mr",
        "mrs",
        "ms",
        "dr",
        "god",
        "sir",
        "madam",
        "please",
        "thanks",
        "yes",
        "no",
        "sorry",
        "hello",
        "hi",
        "just",
        "not",
        "still",
        "calling",
        "christmas",
        "easter",
        "euro",
        "euros",
        "pin",
        "sms",
        "tv",
        "the",
        "and",
        "but",
        "so",
        "well",
        "oh",
        "um",
        "uh",
    ]
)
_NICKNAMES = (
    "robert bob bobby rob", "william bill will billy liam", "elizabeth liz beth lizzie eliza betty",
    "margaret maggie meg peggy greta", "james jim jimmy jamie", "richard dick rick richie",
    "katherine catherine kate katie kathy cathy", "edward ed ted eddie", "john jack johnny",
    "alexander alexandra alex sasha sandra", "charles charlie chuck", "henry harry hank",
    "anthony tony", "dorothy dot dolly", "theodore ted theo", "patricia patrick pat patty paddy",
    "susan sue susie", "rebecca becky", "michael mike mick", "thomas tom", "joseph joe",
    "andrew andy drew", "stephen steven steve", "deborah debbie deb", "jennifer jenny jen",
)  # fmt: skip


def names(text: str) -> Iterator[str]:
    """Each name that a speaker gives: after `my name is` and its like, or in capitals inside."""
    text = _SPELLED.sub(r"\1 ", text)
    found = [*_INTRODUCED.findall(text), *_INSIDE.findall(text)]
    for each in dict.fromkeys(word for name in found for word in name.split()):
        word = each.removesuffix("'s").strip("'-")
        if word.casefold() not in _NO_NAMES and not _NUMBER_WORD.fullmatch(word) and len(word) > 1:
            yield word


def is_known_name(name: str, known: str) -> bool:
    """Whether a name, its short form, or the name it is short for, is among known words.

    Args:
        name: one word.
        known: any text.
    """
    wanted = name.casefold()
    words = {word.casefold() for word in re.findall(r"[\w'-]+", known)}
    words |= {word.removesuffix("'s") for word in words}
    joined = squeezed(known)
    if wanted in words or squeezed(name) in joined:
        return True
    if any(len(word) > 3 and wanted.startswith(word[:4]) for word in words):  # noqa: PLR2004
        return True
    return any(
        wanted in group.split() and words.intersection(group.split()) for group in _NICKNAMES
    )

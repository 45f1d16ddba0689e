r"""Text as it may be shown: whatever a caller, a model, a server or a file said stays text.

A terminal acts on control characters, and CI systems on lines as `::error::` and `##[error]`.
Here each becomes what a reader sees and nothing acts on: `\x1b`, `:\:error::`, `#\#[error]`.
`terminal.py` prints nothing else, and every error and warning of the harness is such a text.
"""

import re

from handoff_evals.credentials import masked

# Everything that can't be seen or moves what is around it: control characters but for tabs and
# line ends, marks of direction, invisible separators and tags, halves of surrogate pairs. The
# joiners of Persian, Hindi and emojis (200C, 200D) stay.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e007f]"
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_COMMANDS = (
    "add-mask|add-matcher|add-path|debug|echo|endgroup|error|group|notice|remove-matcher|"
    "save-state|set-env|set-output|stop-commands|warning"
)
# GitHub's runner takes `::NAME` at the start of a line, which may be where a terminal wraps it,
# and `##[NAME]` anywhere; Azure `##vso[`, TeamCity `##teamcity[`.
_CI_COMMAND = re.compile(
    rf":(?=:(?:(?:{_COMMANDS})(?![\w-])))|(?<!\S):(?=:)|#(?=#[\w-]*\[)",
    re.IGNORECASE,
)


def visible(text: str, *, colours: bool = False) -> str:
    """The text with nothing in it that a terminal or a CI system acts on, and no key.

    Lines and tabs stay; a text of which nothing is changed is given back as it is.

    Args:
        text: anything.
        colours: whether sequences that only set colours may stay, as pytest's own.
    """
    text = masked(text)
    if not text.isprintable():
        text = _with_visible(text, colours=colours)
    return _CI_COMMAND.sub(lambda found: f"{found[0]}\\", text)


def visible_line(text: str) -> str:
    r"""As `visible`, on one line: a line end is shown as `\n`."""
    return visible(text.replace("\n", "\\n").replace("\t", " "))


def visible_json(document: str) -> str:
    """The same JSON document, with escapes in its strings where `visible` has marks."""
    return _CI_COMMAND.sub(_in_json, _HIDDEN.sub(_in_json, masked(document)))


def visible_yaml(line: str) -> str:
    """The same line of YAML, where it stands in double quotes all that would do something."""
    return _CI_COMMAND.sub(_escape, _HIDDEN.sub(_escape, line))


def is_inert(text: str) -> bool:
    """Whether `visible` changes nothing of it."""
    return not _HIDDEN.search(text) and not _CI_COMMAND.search(text)


def _with_visible(text: str, *, colours: bool) -> str:
    if not colours:
        return _HIDDEN.sub(_escape, text)
    kept = _COLOUR.findall(text)
    parts = [_HIDDEN.sub(_escape, part) for part in _COLOUR.split(text)]
    return "".join(part + colour for part, colour in zip(parts, [*kept, ""], strict=True))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x100:  # noqa: PLR2004 - what two digits can say
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - four digits


def _in_json(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{int.from_bytes(units[at : at + 2]):04x}" for at in range(0, len(units), 2))

"""Keys that this process knows of, and texts without them.

Whatever leaves the process goes through `masked`: what is printed (`display.visible`), every
file (`files.write_atomically`, run folders, cassettes), and every transcript before it is judged,
so that no reason is cut off in the middle of a key. Known are the values of environment variables
that are named like keys, of `api_key_env`, of headers, query and body in a model's `options`, and
what a URL has before its `@` and after its `?`.
"""

import json
import os
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

MASK = "***"
_SHORTEST = 8
"""Characters: what is shorter stands in ordinary words too."""
_LONG = 16
_VARIABLE = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|_PAT)$", re.IGNORECASE)
_SENSITIVE = re.compile(r"key|token|secret|auth|pass|cred|cookie|session|signature", re.IGNORECASE)
_SCHEME = re.compile(r"(?:Bearer|Basic|Token|ApiKey) +(\S+)", re.IGNORECASE)
_TOKEN = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])\S{12,}")
_NO_KEY = re.compile(r"[a-z]+/[\w.+-]+(;.*)?|\d{4}-\d\d-\d\d.*|https?://[^@?]*")
"""Values of headers and queries that are often long: a kind of content, a date, an address."""


class _Known:
    def __init__(self) -> None:
        self.values: set[str] = set()
        self.pattern: re.Pattern[str] | None = None
        self.variables = -1

    def add(self, value: str) -> None:
        value = value.strip()
        if len(value) < _SHORTEST or (value.isalpha() and len(value) < _LONG):
            return
        written = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
        written |= {quote(value, safe=""), repr(value)[1:-1]}
        if not written <= self.values:
            self.values |= written
            longest_first = sorted(self.values, key=len, reverse=True)
            self.pattern = re.compile("|".join(map(re.escape, longest_first)))


_KNOWN = _Known()


def add_secret(value: str | None) -> None:
    """Mask this value from now on; one that is too short, or a plain word, is not."""
    if value:
        _KNOWN.add(value)
        if found := _SCHEME.fullmatch(value.strip()):
            _KNOWN.add(found[1])


def masked(text: str) -> str:
    """The text with `***` in the place of every known secret."""
    if _KNOWN.variables != len(os.environ):  # agents read an .env of their own
        _add_environment()
    return text if _KNOWN.pattern is None else _KNOWN.pattern.sub(MASK, text)


def _add_environment() -> None:
    _KNOWN.variables = len(os.environ)
    for name, value in os.environ.items():
        if _VARIABLE.search(name) and not value.startswith(("/", "./")):
            add_secret(value)
        elif "://" in value and "@" in value:
            add_url(value)


def add_options(options: Mapping[str, Any]) -> None:
    """Mask the keys in a model's options: of headers, query, body, and what is named like one."""
    for names, text in _texts((), options):
        carried = any(name in CARRIED for name in names)
        if (_SENSITIVE.search(names[-1]) and names[-1] != "api_key_env") or (
            carried and _is_token(text)
        ):
            add_secret(text)
        add_url(text)


CARRIED = frozenset({"extra_headers", "extra_query", "extra_body", "default_headers"})
"""Options whose values are sent as they are, and may be keys."""


def add_url(url: str) -> None:
    """Mask the password and the values of the query of a URL."""
    try:
        parts = urlsplit(url)
        user, password = parts.username or "", parts.password or ""
    except ValueError:
        parts, user, password = None, "", ""
        if "://" in url and "@" in url:
            _KNOWN.add(url.partition("://")[2].rpartition("@")[0])
    if parts is None or not parts.scheme:
        return
    for each in (password, unquote(password), user if not password else ""):
        add_secret(each)
    if password:
        basic = f"{unquote(user)}:{unquote(password)}"
        add_secret(b64encode(basic.encode()).decode())
        _KNOWN.add(f"{user}:{password}@")
    for name, value in parse_qsl(parts.query):
        if _SENSITIVE.search(name) or _is_token(value):
            add_secret(value)


def without_credentials(url: str) -> str:
    """The URL without user and password, and with `***` for each value of its query."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        query = "&".join(f"{name}={MASK}" for name, _ in parse_qsl(parts.query))
        return urlunsplit(parts._replace(netloc=host, query=query))
    except ValueError:
        scheme, slashes, rest = url.partition("://")
        return f"{scheme}{slashes}{rest.rpartition('@')[2].partition('?')[0]}"


def is_variable_name(text: str) -> bool:
    """Whether a text can be the name of a variable; what may be a key itself is none."""
    if text in os.environ:
        return True
    named = re.fullmatch(r"[A-Z][A-Z0-9_]*", text)
    return named is not None and ("_" in text or len(text) < _LONG)


def _is_token(text: str) -> bool:
    last = text.rsplit(maxsplit=1)[-1] if text.split() else ""
    return bool(_TOKEN.fullmatch(last)) and not _NO_KEY.fullmatch(text)


def _texts(names: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text in a value, with the names that it stands behind."""
    if isinstance(value, str):
        yield names, value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _texts((*names, str(name)), each)
    elif isinstance(value, Iterable):
        for each in value:
            yield from _texts(names, each)

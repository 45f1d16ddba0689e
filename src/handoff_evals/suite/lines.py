"""YAML with the line that each value stands on."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

Path = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """The safe loader with the plain values of YAML 1.2, as LiveKit's own tool reads them.

    By YAML 1.1, which PyYAML follows, `user: yes` is True, `12:30` is 750 and `0042` is 34.
    """


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver(
    _TAG + "null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", *"nN", ""]
)
_Loader.add_implicit_resolver(
    _TAG + "bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), [*"tTfF"]
)
_Loader.add_implicit_resolver(_TAG + "int", re.compile(r"^(?:0|-?[1-9][0-9]*)$"), [*"-0123456789"])
_Loader.add_implicit_resolver(
    _TAG + "float", re.compile(r"^-?[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]+)?$"), [*"-0123456789"]
)
_Loader.add_implicit_resolver(_TAG + "merge", re.compile(r"^<<$"), ["<"])


@dataclass(frozen=True, kw_only=True)
class Located:
    """A document as plain values, and the line of each of them by its path."""

    value: Any
    lines: dict[Path, int]
    duplicates: tuple[tuple[int, str], ...]
    """Keys that stand twice in one mapping: line and key."""

    def line(self, path: Sequence[str | int]) -> int:
        """The line of the value at `path`, or of the nearest one around it."""
        for end in range(len(path), -1, -1):
            found = self.lines.get(tuple(path[:end]))
            if found is not None:
                return found
        return 1


def load(text: str) -> Located:
    """Parse with PyYAML's safe loader.

    Raises:
        yaml.YAMLError: when the text is no YAML.
        ValueError: when a tag such as `!!int` stands before something else.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return Located(value=None, lines={(): 1}, duplicates=())
        lines: dict[Path, int] = {}
        duplicates = tuple(_walk(node, (), lines, ()))
        return Located(value=loader.construct_document(node), lines=lines, duplicates=duplicates)
    finally:
        loader.dispose()


def _walk(
    node: yaml.Node, path: Path, lines: dict[Path, int], around: tuple[yaml.Node, ...]
) -> Iterator[tuple[int, str]]:
    if node in around:
        raise yaml.MarkedYAMLError(
            problem="an alias stands inside of what it repeats", problem_mark=node.start_mark
        )
    around = (*around, node)
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            line = key.start_mark.line + 1
            if name in seen:
                yield line, name
            seen.add(name)
            yield from _walk(value, (*path, name), lines, around)
            lines[*path, name] = line
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _walk(item, (*path, index), lines, around)

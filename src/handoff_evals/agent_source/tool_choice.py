"""Which tool a reader takes for an agent, by what a model is shown of the tools.

That is a tool whose name, description or argument says the agent, and no other one's does. It
errs towards silence: what is not clear by whole words is nobody's choice.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from handoff_evals.scenarios import Target
from handoff_evals.transcript import AgentRef, ToolSchema


@dataclass(frozen=True, kw_only=True)
class ShownTool:
    """A tool as a model sees it, and the texts in its code that it may look agents up by."""

    schema: ToolSchema
    values: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ToolChoice:
    """The tool that a reader takes, and what says so."""

    tool: str
    because: str
    """As a message says it: `by its name`."""
    words: frozenset[str]
    """What it says of the agent."""
    arguments: Mapping[str, str] = field(default_factory=dict)
    """Those that choose the agent."""

    def fits(self, agent: AgentRef) -> bool:
        """Whether what it says is true of that agent too."""
        return self.words <= _stems([agent.id, *agent.attributes.values()])


_HANDING = (
    r"transfer|hand|handoff|handover|route|reroute|escalate|forward|connect|switch|redirect"
    r"|delegate|send|dispatch|pass|move|put|bring|return"
)
_LITTLE = (
    r"off|over|on|up|through|back|to|into|with|for|the|a|an|go|goto|get|call|caller|customer|user"
    r"|talk|speak|start|begin|request|line"
)
_NOUN = r"agent|assistant|bot|team|department|dept|desk|specialist|expert|queue"
_VERBS = frozenset([*_HANDING.split("|"), *_LITTLE.split("|")])
_NOUNS = frozenset(_NOUN.split("|"))


def choice(
    tools: Sequence[ShownTool], target: Target, known: Collection[str] = ()
) -> ToolChoice | None:
    """The one tool that clearly says `target`; None where none does, or several do.

    Args:
        tools: those that the model is offered.
        target: who should get the call.
        known: ids of other agents that may get it. Words that all of them have tell nothing.
    """
    reader = _Reader(target, known)
    found = [each for tool in tools if (each := reader.by_name(tool)) is not None]
    described = [each for tool in tools if (each := reader.by_description(tool)) is not None]
    if found or described:
        return _only([*found, *described])
    return _only([each for tool in tools for each in reader.by_argument(tool)])


def _only(found: Sequence[ToolChoice]) -> ToolChoice | None:
    return found[0] if len({each.tool for each in found}) == 1 else None


class _Reader:
    """Reads tools for one agent."""

    def __init__(self, target: Target, known: Collection[str]) -> None:
        ids = {target.id, *known}
        common = frozenset.intersection(*(frozenset(_split(each)) for each in ids))
        self._common = common - _NOUNS if len(ids) > 1 else frozenset()
        own = [word for word in _split(target.id) if word not in self._common]
        values = [word for value in target.where.values() for word in _split(value)]
        written = [each for each in ([values, own + values] if values else [own]) if each]
        self._said = [_without_nouns(each) for each in written]
        self._joined = {"".join(each).removesuffix("agent") for each in written}

    def _says(self, text: str) -> bool:
        """Whether a name says the agent, all of it and nothing besides."""
        words = [word for word in _split(text) if word not in self._common]
        for said in self._said:
            rest = [word for word in words if word not in _VERBS - set(said)]
            if rest and _stems(_without_nouns(rest)) == _stems(said):
                return True
        rest = [word for word in words if word not in _VERBS]
        return bool(rest) and "".join(rest).removesuffix("agent") in self._joined

    @property
    def _words(self) -> frozenset[str]:
        return _stems(self._said[0]) if self._said else frozenset()

    def by_name(self, tool: ShownTool) -> ToolChoice | None:
        if not self._says(tool.schema.name):
            return None
        return ToolChoice(tool=tool.schema.name, because="by its name", words=self._words)

    def by_description(self, tool: ShownTool) -> ToolChoice | None:
        if not any(self._is_sent_to(each) for each in _sentences(tool.schema.description)):
            return None
        return ToolChoice(tool=tool.schema.name, because="by its description", words=self._words)

    def _is_sent_to(self, sentence: str) -> bool:
        found = _SENT_TO.match(sentence)
        return (
            found is not None
            and not _CONDITION.search(sentence)
            and any(_starts_with(sentence[found.end() :], words) for words in self._said)
        )

    def by_argument(self, tool: ShownTool) -> Iterator[ToolChoice]:
        if not _hands_over_to_anybody(tool.schema):
            return
        for name, listed in _texts_of(tool.schema):
            # Where nothing lists them, the texts in its code are what it takes.
            taken = listed or (tool.values if _DESTINATION.fullmatch(name) else ())
            values = [value for value in dict.fromkeys(taken) if self._says(value)]
            if len(values) == 1:
                yield ToolChoice(
                    tool=tool.schema.name,
                    because=f"by the value {values[0]!r} of its argument {name!r}",
                    words=self._words,
                    arguments={name: values[0]},
                )


_SENT_TO = re.compile(
    r"\W*(?:(?:use|call) (?:this|it)(?: tool| function)? to |to )?"
    rf"(?:{_HANDING})(?:s|es)?\b"
    r"(?: (?:the|this|a|call|caller|customer|client|user|guest|conversation|person|them|him|her|it"
    r"|over|off|on|up|back|through))* (?:to|with) (?:the |our |a |an )?",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\b(?:or|either|if|unless|otherwise|else|except|not|never|without|instead|rather|before|until)\b"
    r"|n't\b",
    re.IGNORECASE,
)
_DESTINATION = re.compile(
    r"(?:to|to_?whom|where|target|destination|key|(?:new_?|next_?|target_?|to_?)?"
    r"(?:agent|department|team|desk|role|queue|specialist)(?:_?(?:id|name|key|type|role))?)",
    re.IGNORECASE,
)


def _starts_with(text: str, words: Sequence[str]) -> bool:
    """Whether a text begins with an agent, and goes on to no other one."""
    own = r"[\s_-]*".join(re.escape(word) + "s?" for word in words)
    said = rf"{own}(?:[\s_-]+(?:{_NOUN})s?)?(?=$|\s*[.;:!?)]|\s+(?!and\b)\w)"
    return re.match(said, text, re.IGNORECASE) is not None


def _sentences(text: str) -> list[str]:
    return [each.strip() for each in re.split(r"(?<=[.!?])\s+|\n\s*\n", text) if each.strip()]


def _hands_over_to_anybody(schema: ToolSchema) -> bool:
    """Whether it is named as one that hands over, and names no agent."""
    words = _split(schema.name)
    return bool(set(words) & set(_HANDING.split("|"))) and not set(words) - _VERBS - _NOUNS


def _texts_of(schema: ToolSchema) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The arguments that are texts, each with what it may be where the tool lists it."""
    for name, described in schema.parameters.get("properties", {}).items():
        for each in (described, *described.get("anyOf", ())):
            reference = str(each.get("$ref", "")).rpartition("/")[-1]
            kind = schema.parameters.get("$defs", {}).get(reference, each)
            if kind.get("type") != "string":
                continue
            listed = tuple(map(str, kind.get("enum", ())))
            if not listed and _DESTINATION.fullmatch(name):
                listed = _listed_in(str(described.get("description", "")))
                listed = listed or _listed_in(schema.description)
            yield name, listed


_NAME = r"[A-Za-z][\w-]*"
_OR = r"(?:\s*[,|/]\s*(?:or |and )?|\s+or\s+)"
_LIST = re.compile(
    rf"(?:.*\b(?:one of|either)\b|.*:)?:?\s*({_NAME}(?:{_OR}{_NAME})+)\W*",
    re.IGNORECASE | re.DOTALL,
)


def _listed_in(text: str) -> tuple[str, ...]:
    """The values that a description lists: those in quotes, or all of `one of a, b or c`."""
    quoted = re.findall(rf"[\"'`]({_NAME})[\"'`]", text)
    if quoted:
        return tuple(quoted)
    found = _LIST.fullmatch(text.strip())
    return () if found is None else tuple(re.split(_OR, found[1]))


_BETWEEN = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")


def _split(text: str) -> list[str]:
    """The words of a name, in order: those of `BillingAgent2` are billing, agent, 2."""
    return [word for word in re.split(r"[^a-z0-9]+", _BETWEEN.sub("_", text).lower()) if word]


def _without_nouns(words: Sequence[str]) -> list[str]:
    return [word for word in words if word not in _NOUNS] or list(words)


def _stems(texts: Sequence[str]) -> frozenset[str]:
    """Words in the singular."""
    words = {word for text in texts for word in _split(text)}
    return frozenset(word[:-1] if word[-1] == "s" and len(word) > 3 else word for word in words)  # noqa: PLR2004 - "gas"

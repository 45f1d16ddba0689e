"""What the agents of a suite are when they are opened, so that no run mixes two versions of them.

The source of the agents says much, but not all: prompts and tools may be kept in a JSON file, in
the environment or in a database. So the data files that the source names are looked at, the
values that the code reads by name, and the first agent itself, as a conversation opens it.
"""

import asyncio
import calendar
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from handoff_evals.agent_source import data_digests, digest_of_values
from handoff_evals.cassettes import Mask, mask_of
from handoff_evals.changes import AgentSnapshot
from handoff_evals.drivers import Call, Limits
from handoff_evals.errors import UsageError
from handoff_evals.livekit import AgentEntry, ScriptedLLM, look_at, session_options, text_job
from handoff_evals.results import Manifest, RunFolder
from handoff_evals.scenarios import Suite
from handoff_evals.user_code import as_error, imported_anew, module_of

_OPENED = 2
"""How often the agent is opened: what differs between them says nothing of its version."""
_READ_AGAIN = 5
"""How often a version is read again that is not the one from before."""
_FAILS = "how it is opened"

AgentVersion = Mapping[str, str]
"""A digest of each thing that makes up a version, by what a message calls it."""


@dataclass(frozen=True, kw_only=True)
class VersionReader:
    """Reads which version of its agents a suite has.

    Args:
        suite: the suite.
        folder: the project.
        within_s: seconds that opening the agent may take.
    """

    suite: Suite
    folder: Path
    within_s: float

    async def read(self, entry: AgentEntry) -> AgentVersion:
        """The version of the agents that are imported.

        Args:
            entry: the suite's agent.
        """
        mask = mask_of(self.folder)
        opened = [await self._open(entry)]
        while len(opened) < _OPENED and _FAILS not in opened[-1]:
            opened.append(await self._open(entry))
        names = sorted(set.intersection(*(set(each) for each in opened)))
        module = module_of(self.suite.agent, folder=self.folder)
        files = data_digests(module, folder=self.folder)
        return {
            **files,
            "the values that its code reads": digest_of_values(entry.code, folder=self.folder),
            **{name: _steady([each[name] for each in opened], mask) for name in names},
        }

    async def changes(self, old: AgentVersion, now: AgentVersion) -> Sequence[str]:
        """What of a version is not what it was, by what a message calls it.

        What another import of the same code changes, as an id that a module draws, is left out.
        """
        found = [name for name in sorted({*old, *now}) if old.get(name) != now.get(name)]
        with suppress(UsageError):  # they can't be imported twice
            for _ in range(_READ_AGAIN if found else 0):
                with imported_anew(self.folder):
                    again = await self.read(AgentEntry.load(self.suite.agent, folder=self.folder))
                found = [name for name in found if again.get(name) == now.get(name)]
        return found

    async def _open(self, entry: AgentEntry) -> Mapping[str, str]:
        """The texts of the first agent and its session; why there are none, where it fails."""
        try:
            async with asyncio.timeout(self.within_s):
                look, session = await self._look(entry)
        except BaseException as error:
            raised = as_error(error)
            if raised is None:
                raise
            # Each conversation fails by it, and says so.
            return {_FAILS: type(raised).__name__}
        if look is None:
            return {}
        tools = {
            name: [tool.description, tool.parameters] for name, tool in sorted(look.tools.items())
        }
        return {
            f"the instructions of {look.label}": look.instructions,
            f"the tools of {look.label}": json.dumps(tools, sort_keys=True, default=str),
            f"the options of {look.label}": json.dumps(look.options, sort_keys=True),
            "the session's options": json.dumps(session, sort_keys=True),
        }

    async def _look(self, entry: AgentEntry) -> tuple[AgentSnapshot | None, Mapping[str, str]]:
        """The first agent, None where an entry point starts none, and its session's options."""
        looks: list[AgentSnapshot] = []
        if entry.point is not None:
            # It says who its agent is only when it starts the session.
            limits = Limits(turn_s=self.within_s, close_s=self.within_s)
            call = Call(entry, ScriptedLLM(lambda _: "Hello."), limits=limits)
            call.on_entrance = lambda agent, ref: looks.append(
                look_at(agent, label=ref.label, folder=self.folder)
            )
            try:
                await call.start()
                return looks[0] if looks else None, {}
            finally:
                await call.close()
        with text_job():
            async with entry.open(ScriptedLLM([], unused_ok=True), lambda _: None) as opened:
                agent = opened.agent
                assert agent is not None  # noqa: S101 - only an entry point's is not known yet
                look = look_at(agent, label=agent.id, folder=self.folder)
                return look, session_options(opened.session)


async def check_versions(
    run: RunFolder, readers: Sequence[VersionReader], entries: Mapping[str, AgentEntry]
) -> None:
    """See that a run goes on with the agents that it was begun with, and note them if it begins.

    Args:
        run: its folder.
        readers: one of each suite.
        entries: the suites' agents, by the suite's name.

    Raises:
        UsageError: when agents are not what they were.
    """
    before = {suite.name: suite.agent_version for suite in run.manifest.suites}
    found: dict[str, AgentVersion] = {}
    for reader in readers:
        name = reader.suite.name
        found[name] = now = await reader.read(entries[name])
        changed = await reader.changes(before[name], now) if before.get(name) else ()
        if changed:
            raise UsageError(
                f"{str(run.path)!r} can't be resumed, its trials would not compare: of agent "
                f"{reader.suite.agent!r}, {' and '.join(changed)} changed. Start a new run. What "
                "differs from day to day by itself, as a date in a prompt, can be left out: see "
                "`mask` in docs/reference/cassettes.md"
            )
    if not all(before.get(name) for name in found):
        run.note_agents({**found, **{name: each for name, each in before.items() if each}})


def _steady(texts: Sequence[str], mask: Mask | None) -> str:
    """A digest of the words that all of the texts have, without numbers, dates and times.

    In any order: a set has another one in each process. What stands in the source, or in a file
    that it names, is looked at as it is.
    """
    if mask is not None:
        texts = [mask.without(text) for text in texts]
    first, *others = (Counter(_words(text)) for text in texts)
    for other in others:
        first &= other
    return hashlib.sha256("\x1f".join(sorted(first.elements())).encode()).hexdigest()[:16]


def _words(text: str) -> Iterator[str]:
    for word in re.findall(r"\w+|[^\w\s]", text):
        if not (any(map(str.isdigit, word)) or word in _OF_TIME):
            yield word


_OF_TIME = frozenset(
    name
    for names in (calendar.day_name, calendar.day_abbr, calendar.month_name, calendar.month_abbr)
    for name in names
) | {"AM", "PM", "am", "pm"}


def caller_words(manifest: Manifest) -> str:
    """What plays the callers of a run, in words."""
    caller = manifest.caller
    if caller is None:
        return "their own rules"
    options = "".join(f", {name}={value}" for name, value in sorted(caller.options.items()))
    return f"{caller.model!r} (brief {caller.brief}{options})"


def changed_suites(old: Manifest, new: Manifest) -> Iterator[str]:
    """What differs between the suites and callers of a run and those of today, in words."""
    if old.caller != new.caller:
        yield f"the callers were played by {caller_words(old)}, and now by {caller_words(new)}"
    now = {suite.name: suite for suite in new.suites}
    for suite in old.suites:
        if suite.name not in now:
            yield f"suite {suite.name!r} is gone"
            continue
        if suite.sha256 != now[suite.name].sha256:
            yield f"suite {suite.path} has changed"
        if suite.agent_sha256 != now[suite.name].agent_sha256:
            yield f"the code of agent {suite.agent!r} has changed"
    yield from (
        f"suite {name!r} is new" for name in now if name not in {s.name for s in old.suites}
    )

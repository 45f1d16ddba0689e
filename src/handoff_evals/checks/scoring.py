"""What a check is, and how one is added.

```python
from handoff_evals import Score, check, reached

@check("max_words", expects=int)
def max_words(scenario, transcript):
    for number, scripted, turn in reached(scenario, transcript, key="max_words"):
        most, said = scripted.expect.extra["max_words"], len(turn.said.split())
        yield Score(
            status="passed" if said <= most else "failed",
            reason=f"expected at most {most} words, the caller hears {said}",
            turn=number,
        )
```

Then `expect: {max_words: 30}` may stand in a turn. Nothing else has to be done: reports,
baselines and comparisons show every check that gives scores.
"""

import asyncio
import importlib
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from handoff_evals.config import read_config
from handoff_evals.errors import HandoffEvalsError, UsageError
from handoff_evals.scenarios import ExpectKey, Scenario, ScriptedTurn
from handoff_evals.transcript import Transcript, Turn

Status = Literal["passed", "failed", "unscored"]
CHECK_ERROR = "check_error"
"""The cause of a score that a check which raised leaves behind."""
NOTHING_EXPECTED = "nothing_expected"
"""The cause of a score where nothing broke, and nothing was asked: that is no pass."""
_GROUP = "handoff_evals.checks"


@dataclass(frozen=True, kw_only=True)
class Score:
    """What one check says about one conversation, or about one turn of it."""

    status: Status
    reason: str = ""
    turn: int | None = None
    """The turn it is about; None when it is about the whole conversation."""
    events: tuple[int, ...] = ()
    """Indices into the transcript's `events`: those that show it."""
    name: str = ""
    """The check's; filled in where a check leaves it out."""
    cause: str = ""
    """Why it is unscored, as a word to count by."""
    traceback: str = ""
    """Where a check raised."""
    gates: bool = True
    """Whether it counts; a score of a judge that was never measured is only shown."""


def overall(scores: tuple[Score, ...]) -> Status:
    """Join scores: one failure fails, then one unscored leaves it unscored.

    Scores that are only shown don't count. No scores at all is unscored: nothing was judged.
    """
    statuses = {score.status for score in scores if score.gates}
    if "failed" in statuses:
        return "failed"
    if "unscored" in statuses or not statuses:
        return "unscored"
    return "passed"


CheckFunction = Callable[[Scenario, Transcript], Score | Iterable[Score]]
_F = TypeVar("_F", bound=CheckFunction)
# Someone else's `Ctrl-C` or cancellation is no answer of a check.
_NOT_THE_CHECK = (KeyboardInterrupt, GeneratorExit, asyncio.CancelledError)


@dataclass(frozen=True, kw_only=True)
class Check:
    """A registered check."""

    name: str
    function: CheckFunction
    key: ExpectKey | None = None
    """What it reads in `expect:`, where it has a key of its own."""

    @property
    def built_in(self) -> bool:
        """Whether it comes with the harness."""
        return self.function.__module__.startswith(f"{__package__}.")

    def scores(self, scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
        """Its scores; where it raises, what it gave before and then an unscored one."""
        try:
            given = self.function(scenario, transcript)
            for score in (given,) if isinstance(given, Score) else given:
                yield self._valid(score, scenario, transcript)
        except _NOT_THE_CHECK:
            raise
        except BaseException as error:  # noqa: BLE001 - also sys.exit and pytest.fail: none may end a run
            yield Score(
                name=self.name,
                status="unscored",
                reason=f"{CHECK_ERROR}: the check {self.name!r} raised {_raised(error)}",
                cause=CHECK_ERROR,
                traceback="".join(traceback.format_exception(error)),
            )

    def _valid(self, score: Any, scenario: Scenario, transcript: Transcript) -> Score:
        """The score with the check's name.

        Raises:
            TypeError: when it is no score.
            ValueError: when a field of it has a value that can't be.
        """
        if not isinstance(score, Score):
            raise TypeError(f"{score!r} is no Score: return a Score, or give several")
        if score.status not in get_args(Status):
            raise ValueError(f"status {score.status!r}: write one of {', '.join(get_args(Status))}")
        turns, events = last_turn(scenario, transcript), len(transcript.events)
        if score.turn is not None and not 0 <= score.turn <= turns:
            raise ValueError(f"turn {score.turn!r}: the scenario has turns 1 to {turns}")
        if not all(0 <= index < events for index in score.events):
            raise ValueError(f"events {score.events!r}: the transcript has {events} events")
        if score.name not in {"", self.name}:
            raise ValueError(f"name {score.name!r}: leave it out, the check is {self.name!r}")
        return replace(score, name=self.name)


def _raised(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = "".join(f" ({Path(frame.filename).name}:{frame.lineno})" for frame in last)
    return f"{type(error).__name__}: {error}{where}"


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
# What a turn's `expect:`, or a scenario, has without any check.
_OWN_KEYS = {
    *("agent", "where", "handoffs", "calls", "carries", "userdata", "silence"),
    *("said", "lacks", "person", "check"),
    *("path", "final", "never", "max_handoffs", "ends", "on_simulation_end"),
}
_CHECKS: dict[str, Check] = {}


def check(
    name: str, *, expects: Any = None, per: Literal["turn", "conversation"] = "turn"
) -> Callable[[_F], _F]:
    """Register a function of the scenario and the transcript as a check.

    It returns a `Score`, or gives several (a generator, a list); none where it has nothing to
    judge. With a `turn` a score is about that turn, without one about the whole conversation.
    It is called once a conversation, but for those that are unscored anyway. When it raises,
    the trial is unscored with the cause `check_error`, unless another check has failed it.

    Args:
        name: as it stands in reports and baselines, and in `expect:`.
        expects: the type of the check's own key in `expect:`: whatever pydantic can validate
            (`int`, `list[str]`, a pydantic model). Without one the check has no key.
        per: where the key stands: in the `expect:` of a turn, read by
            `scripted.expect.extra[name]`, or of a scenario, read by `scenario.expect[name]`.

    Raises:
        UsageError: when the name can't be, or is another check's.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"check {name!r}: write letters, digits, `_` and `-`, as in `max_words`")
    if expects is not None and name in _OWN_KEYS:
        raise UsageError(f"check {name!r}: `expect:` has that key already; choose another name")

    def register(function: _F) -> _F:
        about = (inspect.getdoc(function) or "").partition("\n")[0]
        key = None if expects is None else ExpectKey(name=name, kind=expects, of=per, about=about)
        there = _CHECKS.get(name)
        # A module that is imported again registers the same function again.
        if there is not None and _place(there.function) != _place(function):
            raise UsageError(
                f"check {name!r} is there already, from {_place(there.function)}; choose another "
                "name"
            )
        _CHECKS[name] = Check(name=name, function=function, key=key)
        return function

    return register


def _place(function: CheckFunction) -> str:
    return f"{function.__module__}.{getattr(function, '__qualname__', repr(function))}"


def registered() -> tuple[Check, ...]:
    """All checks, in the order in which they were registered."""
    return tuple(_CHECKS.values())


def expect_keys() -> tuple[ExpectKey, ...]:
    """What checks add to `expect:`; for `load_suite`."""
    return tuple(each.key for each in _CHECKS.values() if each.key is not None)


def load_checks(folder: Path) -> None:
    """Import the checks that a project names, and those of installed packages.

    The project names modules in `checks = ["module", ...]` under `[tool.handoff-evals]`;
    packages have entry points in the group `handoff_evals.checks`.

    Args:
        folder: the project; it is put on `sys.path` where it names modules.

    Raises:
        UsageError: when one can't be imported.
    """
    path = str(folder.resolve())
    for module in read_config(folder).checks:
        if module in sys.modules:
            continue
        if path not in sys.path:
            sys.path.insert(0, path)
        _import(
            partial(importlib.import_module, module), f"[tool.handoff-evals] checks: {module!r}"
        )
    for point in entry_points(group=_GROUP):
        _import(point.load, f"entry point {point.name!r} of the group {_GROUP!r} ({point.value})")


def _import(load: Callable[[], Any], what: str) -> None:
    try:
        load()
    except HandoffEvalsError as error:
        raise UsageError(f"{what}: {error}") from error
    except (Exception, SystemExit) as error:
        raise UsageError(f"{what} can't be imported: {type(error).__name__}: {error}") from error


def last_turn(scenario: Scenario, transcript: Transcript) -> int:
    """The last turn that was to be, by its number: that was, where no turns are written."""
    return max(len(transcript.turns) - 1, 0) if scenario.is_open else len(scenario.turns)


def reached(
    scenario: Scenario, transcript: Transcript, *, key: str | None = None
) -> Iterator[tuple[int, ScriptedTurn, Turn]]:
    """The scripted turns that took place, with what came of them.

    Of an open conversation, all turns that took place: nothing is expected of a single one.

    Args:
        scenario: what was said and expected.
        transcript: its conversation.
        key: only the turns whose `expect:` has this key of a check.

    Yields:
        The turn's number from 1, the turn as it is written, and what happened in it; first
        the opening, number 0, where the scenario expects something of it.
    """
    turns = list(enumerate(scenario.turns, 1))
    if scenario.is_open:
        said = [ScriptedTurn(user=turn.user or "") for turn in transcript.turns[1:]]
        turns = list(enumerate(said, 1))
    if scenario.opening is not None:
        turns.insert(0, (0, ScriptedTurn(user="", expect=scenario.opening)))
    for index, scripted in turns:
        if index < len(transcript.turns) and (key is None or key in scripted.expect.extra):
            yield index, scripted, transcript.turns[index]


def score(scenario: Scenario, transcript: Transcript) -> tuple[Score, ...]:
    """All checks, or one unscored score where the conversation can't be judged.

    Where the scenario expects nothing and no check of the user's judges it, that nothing broke
    leaves the trial unscored: an agent that does nothing would pass.
    """
    fault = transcript.unscored_because
    if fault is not None:
        return (
            Score(
                name="conversation",
                status="unscored",
                reason=f"{fault.cause}: {fault.detail}",
                turn=fault.turn,
                cause=fault.cause,
            ),
        )
    found = {each: tuple(each.scores(scenario, transcript)) for each in registered()}
    scores = tuple(score for each in found.values() for score in each)
    asked = any(scores and not each.built_in for each, scores in found.items())
    if asked or not scenario.expects_nothing or overall(scores) != "passed":
        return scores
    reason = f"{NOTHING_EXPECTED}: nothing broke, and nothing was asked; write `expect:`"
    nothing = Score(name="conversation", status="unscored", reason=reason, cause=NOTHING_EXPECTED)
    return (*scores, nothing)

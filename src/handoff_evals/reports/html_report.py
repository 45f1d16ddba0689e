"""A run, or two of them, as one HTML file: nothing is fetched, and all that was said is inert.

The page reads without JavaScript. With it, it shows the conversations. Texts get into it by
jinja's escaping or as data that the script puts in as text; a Content-Security-Policy in the
file lets nothing else run.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from itertools import groupby, islice
from typing import Any, Literal
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from handoff_evals.changes import Change
from handoff_evals.checks import OUTCOMES
from handoff_evals.comparison import AgainstBaseline, Difference, Flip, leading
from handoff_evals.display import visible
from handoff_evals.graph import Marks, seen_graph, svg, traffic
from handoff_evals.reports.comparison_report import flip_line
from handoff_evals.reports.html_data import Conversations, pack, short_name
from handoff_evals.reports.html_plots import (
    accuracy_rows,
    columns,
    histograms,
    matrices,
    outcome_bar,
)
from handoff_evals.reports.run_report import SameCause, check_rows, grouped, named, unexpected
from handoff_evals.results import Manifest, RunFolder, Summary, Trial, summarise

_SCRIPTS = ("data", "elements", "address", "filters", "list", "context", "lanes", "pair", "main")
"""The files of the script, in the order in which they are joined."""
_SHOWN = 100
"""Failures and flips in a table; the list of conversations has all."""
_IN_MEMORY = 2000
"""Trials that are read once and kept; more are read each time that they are looked at."""
Tone = Literal["good", "bad", "unsure", "plain"]
"""How a verdict looks; `plain` where nothing was asked that could be passed."""


@dataclass(frozen=True, kw_only=True)
class ReportedRun:
    """One side of a report."""

    name: str
    manifest: Manifest
    summary: Summary
    trials: Callable[[], Iterable[Trial]]
    """Reads them, as often as it is called."""

    @classmethod
    def of(cls, folder: RunFolder, summary: Summary | None = None) -> "ReportedRun":
        """A finished run.

        Args:
            folder: where it is.
            summary: where it is known; else it is added up from the trials.
        """
        manifest = folder.manifest
        return cls(
            name=str(folder.path),
            manifest=manifest,
            summary=summary or summarise(folder.trials(), manifest),
            trials=folder.trials,
        )

    def read_once(self) -> "ReportedRun":
        """The same run with its trials in memory, where they are few enough."""
        found = list(islice(self.trials(), _IN_MEMORY + 1))
        return self if len(found) > _IN_MEMORY else replace(self, trials=lambda: found)

    def renamed(self, model: str, name: str) -> "ReportedRun":
        """The same run with another name for a model."""

        def named_so(each: str) -> str:
            return name if each == model else each

        summary = self.summary
        return replace(
            self,
            manifest=replace(
                self.manifest,
                models=tuple(map(named_so, self.manifest.models)),
                traits={named_so(each): its for each, its in self.manifest.traits.items()},
            ),
            summary=replace(
                summary,
                models={named_so(each): found for each, found in summary.models.items()},
                failures=tuple(
                    replace(each, model=named_so(each.model)) for each in summary.failures
                ),
            ),
            trials=lambda: (
                replace(each, key=replace(each.key, model=named_so(each.key.model)))
                for each in self.trials()
            ),
        )


@dataclass(frozen=True, kw_only=True)
class Headline:
    """What a reader sees first."""

    verdict: str
    tone: Tone
    sentences: tuple[str, ...] = ()
    """What is certain of these scenarios, and what can be said of scenarios like these."""
    reasons: tuple[str, ...] = ()
    """Why it is so, and what to do next."""


def run_sentences(summary: Summary) -> Iterator[str]:
    """Of each model that is judged: what these scenarios came to, and what others like them may."""
    judged = {name: each for name, each in summary.models.items() if not each.traits.reference}
    for name, model in (judged or summary.models).items():
        trials, passed, accuracy = model.trials, model.passed, model.accuracy
        if passed.value is None or passed.low is None or passed.high is None:
            continue
        decided = ""
        if accuracy.value is not None:
            correct = model.decisions.outcomes["correct"]
            decided = f" and makes {correct} of {accuracy.of} handoff decisions correctly"
        yield (
            f"In these {passed.scenarios} scenarios {name} passes {trials.passed} of "
            f"{trials.passed + trials.failed} trials{decided}."
        )
        likely = f"{passed.low:.0%} to {passed.high:.0%} pass"
        if accuracy.low is not None and accuracy.high is not None:
            likely += (
                f", and of their decisions {accuracy.low:.0%} to {accuracy.high:.0%} are correct"
            )
        yield f"Of scenarios like these {likely} (at {passed.confidence:.0%} confidence)."


def html_report(
    runs: Sequence[ReportedRun],
    headline: Headline,
    *,
    against: Sequence[AgainstBaseline] = (),
    difference: Difference | None = None,
) -> str:
    """Write the page.

    Args:
        runs: one run, or two: the first is what the second is compared with.
        headline: the verdict, and its sentences.
        against: the last run compared with a baseline, or with the first run.
        difference: what a diff says of the two.
    """
    runs = [run.read_once() for run in runs]
    conversations = Conversations(tags=_tags(runs), paired=len(runs) > 1)
    for side, run in enumerate(runs):
        conversations.add(side, run.trials())
    index = conversations.index(_order(runs))
    found = columns([run.summary for run in runs])
    judged = [each for each in found if not each.reference]
    sides = {"": 0, "a": 0, "b": 1}
    last = runs[-1].summary if runs else Summary(models={})
    style, script = _style(), _script()
    page = _templates().get_template("page.html.j2")
    return page.render(
        policy=_policy(style, script),
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - as above
        graphs=[] if not runs else list(_graphs(runs[-1])),
        index=pack(index),
        parts=conversations.parts,
        conversations=len(index["entries"]),
        runs=runs,
        headline=headline,
        rows=list(accuracy_rows(found)),
        confidence=next((each.found.passed.confidence for each in found), 0.95),
        bars=[(each, outcome_bar(each)) for each in found if each.found.decisions.expected],
        outcomes=(*OUTCOMES, "cascaded"),
        matrices=list(matrices(found)),
        checks=list(check_rows(last)),
        check_models=list(last.models),
        spreads=[
            (each, spread)
            for each in judged or found
            if (
                spread := list(
                    histograms(each, conversations.measured.get((sides[each.side], each.model)))
                )
            )
        ],
        failures=[_failure(each) for each in grouped(unexpected(last))[:_SHOWN]],
        against=against,
        changes=[] if difference is None else _changes(difference.changes),
        difference=difference,
        flips=[
            (each.direction, flip_line(each), _link(each, difference))
            for each in _flips(against, difference)
        ],
        notes=_notes(runs, difference),
    )


def _tags(runs: Sequence[ReportedRun]) -> Mapping[tuple[str, str], Mapping[str, str]]:
    return {
        (suite.name, label): tags
        for run in runs
        for suite in run.manifest.suites
        for label, tags in suite.tags.items()
    }


def _graphs(run: ReportedRun) -> Iterator[tuple[str, Markup]]:
    """Of each suite, the agents that any model met, with the traffic of those that are judged."""
    models = run.summary.models
    judged = {name for name, each in models.items() if not each.traits.reference} or {*models}
    for suite in run.manifest.suites:

        def trials(name: str = suite.name) -> Iterator[Trial]:
            return (each for each in run.trials() if each.key.suite == name)

        graph = seen_graph((each.transcript for each in trials()), origin="run")
        if graph.pairs:
            told = traffic((each for each in trials() if each.key.model in judged), graph)
            # The names in it are escaped where it is drawn.
            yield suite.name, Markup(svg(graph, Marks(traffic=told)))  # noqa: S704


def _order(runs: Sequence[ReportedRun]) -> tuple[Iterable[str], ...]:
    suites = [suite for run in runs for suite in run.manifest.suites]
    return (
        dict.fromkeys(suite.name for suite in suites),
        dict.fromkeys(label for suite in suites for label in suite.scenarios),
        dict.fromkeys(model for run in runs for model in run.manifest.models),
    )


def _flips(against: Sequence[AgainstBaseline], difference: Difference | None) -> tuple[Flip, ...]:
    found = [flip for each in against for flip in each.flips]
    return leading(found if difference is None else difference.flips)[:_SHOWN]


def _link(flip: Flip, difference: Difference | None) -> str:
    """The address of its conversation, and of the turn."""
    key = flip.key
    place = {
        "in": short_name(key.suite),
        "scenario": short_name(key.id or key.scenario),
        # A diff has one model, which may go by another name on either side.
        "by": "" if difference else short_name(key.model),
        "trial": str(key.number + 1),
        "turn": "" if flip.turn is None else str(flip.turn),
    }
    return "#" + urlencode({name: each for name, each in place.items() if each})


def _notes(runs: Sequence[ReportedRun], difference: Difference | None) -> list[str]:
    notes = [note for run in runs for note in (*run.manifest.notes, *run.summary.notes)]
    return list(dict.fromkeys([*notes, *(difference.notes if difference else ())]))


def _failure(group: SameCause) -> Mapping[str, Any]:
    each = group.first
    many = len(group.failures)
    scenario = f"{each.suite} / {each.scenario}" + (
        f", trial {each.number + 1}" * bool(each.number)
    )
    labels = named(failure.scenario for failure in group.failures)
    return {
        "model": each.model,
        "scenario": f"{many} trials: {labels}" if many > 1 else scenario,
        "turn": "" if each.turn is None or many > 1 else each.turn,
        "said": each.user if many == 1 else "",
        "what": f"{each.name}: {each.reason}",
    }


def _changes(found: Iterable[Change]) -> list[tuple[str, list[list[tuple[str, str]]]]]:
    """By agent, each change as pieces of text that stayed, went or came."""
    return [
        (agent, [list(_pieces(change.sentence)) for change in listed])
        for agent, listed in groupby(found, key=lambda change: change.agent)
    ]


_MARKED = re.compile(r"\[-(.*?)-\]|\{\+(.*?)\+\}", re.DOTALL)


def _pieces(sentence: str) -> Iterator[tuple[str, str]]:
    at = 0
    for match in _MARKED.finditer(sentence):
        if match.start() > at:
            yield "", sentence[at : match.start()]
        yield ("del", match[1]) if match[1] is not None else ("ins", match[2])
        at = match.end()
    if at < len(sentence):
        yield "", sentence[at:]


def _policy(style: str, script: str) -> str:
    """Nothing is loaded, nothing is sent, and only what is ours runs or styles."""
    hashes = [
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (script, style)
    ]
    return (
        f"default-src 'none'; script-src 'sha256-{hashes[0]}'; style-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _script() -> str:
    text = "".join(_file(f"{name}.js") for name in _SCRIPTS)
    return f'"use strict";\n(() => {{\n{text}start();\n}})();\n'


def _style() -> str:
    return _file("page.css") + _file("conversation.css")


@cache
def _file(name: str) -> str:
    return (resources.files("handoff_evals.reports") / "page" / name).read_text("utf-8")


def _shown(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _cut(text: str, most: int = 400) -> str:
    """The beginning of a long text, and how long it is."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def _rounded(value: float) -> str:
    return f"{value:.2g}" if value < 100 else f"{value:,.0f}"  # noqa: PLR2004 - no more digits


_BREAKS = re.compile(r"(?<=[_=/:.])|(?=\[)")
"""Where a long name may go on in the next line."""


@cache
def _templates() -> Environment:
    found = Environment(
        loader=PackageLoader("handoff_evals.reports", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "cut": _cut,
        "rounded": _rounded,
        "breakable": _BREAKS.split,
        "name": short_name,
    }
    return found

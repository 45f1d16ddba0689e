"""`handoff-evals graph`."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from handoff_evals.cli.output import ExitCode, epilog, say
from handoff_evals.errors import UsageError
from handoff_evals.files import write_atomically
from handoff_evals.terminal import echo, json_alone

if TYPE_CHECKING:
    from handoff_evals.graph import GraphCoverage, HandoffGraph, Marks
    from handoff_evals.results import Trial
    from handoff_evals.scenarios import Suite
    from handoff_evals.terminal import Console

GRAPH_EPILOG = epilog(
    ("graph", "of the agents of the suites under evals/"),
    ("graph my_agents:Triage --format mermaid", ""),
    ("graph src/agent.py:server --no-rehearsal", "read only"),
    ("graph --suite evals/triage --min-coverage 0.8", ""),
    ("graph --run runs/20260101-120000 --out g.svg", ""),
)

Format = Literal["text", "mermaid", "dot", "svg"]
_SUFFIXES: Mapping[str, Format] = {".svg": "svg", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid"}


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What a graph is made of."""

    agent: str
    suites: "tuple[Suite, ...]"
    trials: "tuple[Trial, ...]"
    has_run: bool
    rehearse: bool


def graph(
    agent: Annotated[
        str | None,
        typer.Argument(
            metavar="[AGENT]",
            help="`module:name` or `path/to/file.py:name`. (default: the agents of the suites)",
            show_default=False,
        ),
    ] = None,
    suite: Annotated[
        list[str] | None,
        typer.Option("--suite", help="Say what of it these scenario files, or folders, ask about."),
    ] = None,
    run: Annotated[
        list[Path] | None,
        typer.Option(
            "--run", metavar="RUN", help="Add what happened in this run's folder. Repeatable."
        ),
    ] = None,
    format_: Annotated[
        Format | None,
        typer.Option(
            "--format", help="(default: by the ending of --out, else text)", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it there.")
    ] = None,
    min_coverage: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, metavar="SHARE", help="Exit 1 when the suites cover a smaller share."
        ),
    ] = None,
    rehearsal: Annotated[
        bool,
        typer.Option(
            "--rehearsal/--no-rehearsal",
            help="Call the tools of which the source does not tell where they lead.",
        ),
    ] = True,
) -> None:
    """Draw which agent hands over to which, by which tool, and what the suites ask about.

    It is read from the agents' source. Tools whose code does not tell where they
    lead are run in a rehearsal, with made-up arguments and without a model.
    """
    from handoff_evals.graph import Marks, coverage, traffic
    from handoff_evals.terminal import Console

    asked = _asked(agent, suite, run or [], rehearse=rehearsal)
    if min_coverage is not None and not all(each.suites for each in asked):
        raise UsageError("--min-coverage is about suites: name them by --suite")
    kind = format_ or _SUFFIXES.get("" if out is None else out.suffix.lower(), "text")
    if kind != "text" and len(asked) > 1:
        names = ", ".join(each.agent for each in asked)
        raise UsageError(
            f"--format {kind} draws one graph, and there are {len(asked)}: {names}. "
            "Name one AGENT or --suite"
        )
    notes = Console(stderr=True)
    drawn: list[str] = []
    reasons: list[str] = []
    for each in asked:
        found = _graph_of(each, notes)
        covered = coverage(found, each.suites) if each.suites else None
        counted = traffic(each.trials, found) if each.has_run else {}
        drawn.append(_drawn(each.agent, found, Marks(coverage=covered, traffic=counted), kind))
        if covered is not None and min_coverage is not None and covered.share < min_coverage:
            reasons.append(_below(each.agent, covered, min_coverage))
    _give("\n".join(drawn), out)
    say(notes, reasons)
    if reasons:
        raise typer.Exit(ExitCode.GATE_FAILED)


def _below(agent: str, covered: "GraphCoverage", least: float) -> str:
    missing = ", ".join(f"{each.part} {each.what}" for each in covered.uncovered)
    return (
        f"{agent}: coverage {covered.share:.3f} is below --min-coverage {least:g}; "
        f"no scenario asks about: {missing}"
    )


def _asked(
    agent: str | None, named: Sequence[str] | None, runs: Sequence[Path], *, rehearse: bool
) -> list[_Asked]:
    """The agents to draw, each with its suites and trials."""
    from handoff_evals.results import RunFolder
    from handoff_evals.runs import RunRequest, load_suites

    folders = [RunFolder.open(run) for run in runs]
    paths = {suite.path for each in folders for suite in each.manifest.suites if suite.path}
    wanted = tuple(named or sorted(path for path in paths if Path(path).exists()))
    suites: tuple[Suite, ...] = ()
    if wanted or agent is None:
        suites = load_suites(RunRequest(suites=wanted))
    agents = [agent] if agent else list(dict.fromkeys(suite.agent for suite in suites))
    asked: list[_Asked] = []
    for each in agents:
        own = tuple(suite for suite in suites if agent or suite.agent == each)
        names = {suite.name for suite in own}
        trials = [
            trial
            for folder in folders
            for trial in folder.trials()
            if agent or trial.key.suite in names
        ]
        asked.append(
            _Asked(
                agent=each,
                suites=own,
                trials=tuple(trials),
                has_run=bool(folders),
                rehearse=rehearse,
            )
        )
    return asked


def _graph_of(asked: _Asked, notes: "Console") -> "HandoffGraph":
    from handoff_evals.graph import joined, seen_graph
    from handoff_evals.runs import AgentUnderTest

    with json_alone():
        under_test = AgentUnderTest.load(asked.agent, suites=asked.suites)
    found = under_test.source()
    if asked.rehearse:
        with notes.status("calling the tools of the agents"), json_alone():
            explored = asyncio.run(under_test.explore())
        found = explored.graph
        say(notes, explored.notes)
    seen = seen_graph([each.transcript for each in asked.trials], origin="run", known=found)
    return joined([found, seen])


def _drawn(agent: str, found: "HandoffGraph", marks: "Marks", kind: Format) -> str:
    from handoff_evals.graph import dot, graph_text, mermaid, svg

    match kind:
        case "text":
            return f"{agent}: {graph_text(found, marks)}"
        case "mermaid":
            return mermaid(found, marks)
        case "dot":
            return dot(found, marks)
        case "svg":
            return svg(found, marks)


def _give(text: str, out: Path | None) -> None:
    if out is None:
        echo(text, nl=False)
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, text)
    except OSError as error:
        raise UsageError(f"--out {str(out)!r} can't be written: {error}") from error

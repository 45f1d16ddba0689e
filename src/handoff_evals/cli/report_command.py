"""`handoff-evals report`, and what the other commands write by `--html`."""

import webbrowser
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handoff_evals.cli.gates import verdict
from handoff_evals.cli.output import ExitCode, epilog, headline, write_file
from handoff_evals.errors import UsageError
from handoff_evals.terminal import echo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handoff_evals.comparison import AgainstBaseline, Difference
    from handoff_evals.reports import Headline, ReportedRun, Tone
    from handoff_evals.results import RunFolder, Summary
    from handoff_evals.stats import Verdict

REPORT_EPILOG = epilog(
    ("report runs/after --open", "write runs/after/report.html"),
    ("report runs/before runs/after --html report.html", ""),
)
NAME = "report.html"


def report(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN [RUN]", help="One run's folder, or two to compare.")
    ],
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The file to write. (default: report.html in the last run's folder)",
            show_default=False,
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Write a run, or two side by side, as one HTML file that opens anywhere.

    Verdict, plots, matrices and every conversation with what each model received.
    Nothing is fetched from anywhere. Of two runs the second is judged, by the
    margin of pyproject.toml, or 0.1.
    """
    from handoff_evals.results import RunFolder

    if len(runs) > 2:  # noqa: PLR2004 - two sides
        raise UsageError(f"{len(runs)} runs: name one, or two to compare")
    path = html or runs[-1] / NAME
    check_place(path)
    folders = [RunFolder.open(run) for run in runs]
    text = two_runs_page(*folders) if len(folders) > 1 else run_page(folders[0])
    write_page(text, path, show=show)


def check_place(path: Path | None) -> None:
    """See that a page can be written there, before anything long is begun.

    Raises:
        UsageError: when it is a folder.
    """
    if path is not None and path.is_dir():
        raise UsageError(f"--html {str(path)!r} is a folder: name a file in it, as {path / NAME}")


def write_page(text: str, path: Path, *, show: bool = False) -> None:
    """Write it, say where it is, and open it if asked.

    Raises:
        UsageError: when it can't be written.
    """
    write_file(text, path, option="--html")
    echo(f"report: {path} ({len(text.encode()) / 1e6:.1f} MB)", err=True)
    if show and not webbrowser.open(path.resolve().as_uri()):
        echo(f"no browser was found: open {path.resolve().as_uri()} yourself", err=True)


def run_page(
    folder: "RunFolder",
    *,
    summary: "Summary | None" = None,
    against: "Sequence[AgainstBaseline]" = (),
    ruled: tuple[ExitCode, Sequence[str]] | None = None,
    gated: bool = False,
) -> str:
    """One run as a page.

    Args:
        folder: where it is.
        summary: where it is known.
        against: the run compared with a baseline.
        ruled: what its gates said, and why; without, only whether it is valid.
        gated: whether there was any gate.
    """
    from handoff_evals.reports import Headline, ReportedRun, html_report, run_sentences

    run = ReportedRun.of(folder, summary)
    code, reasons = ruled or _validity(run)
    tone = _TONES[code]
    if code is ExitCode.OK and not gated:
        # That nothing is wrong with the run says nothing good of its models.
        tone, reasons = "plain", (*reasons, _NO_GATE)
    sentences = tuple(run_sentences(run.summary))
    for each in against:
        sentences = (*each.sentences, *sentences)
    found = Headline(
        verdict=headline(code, against),
        tone=tone,
        sentences=sentences,
        reasons=tuple(reasons),
    )
    return html_report([run], found, against=against)


_NO_GATE = "no gate was set: --min-passed, --min-accuracy or --baseline of `run` judge the models"
_TONES: "Mapping[ExitCode, Tone]" = {
    ExitCode.OK: "good",
    ExitCode.GATE_FAILED: "bad",
    ExitCode.INVALID: "unsure",
    ExitCode.INCONCLUSIVE: "unsure",
}
_BY_VERDICT: "Mapping[Verdict, Tone]" = {
    "regressed": "bad",
    "can't tell": "unsure",
    "no difference larger than the margin": "good",
    "improved": "good",
}


def _validity(run: "ReportedRun") -> tuple[ExitCode, tuple[str, ...]]:
    from handoff_evals.config import read_config

    return verdict(run.summary, max_unscored=read_config(Path.cwd()).max_unscored)


def two_runs_page(first: "RunFolder", second: "RunFolder") -> str:
    """Two runs as a page: the second is compared with the first, model by model.

    Raises:
        UsageError: when they have no suite or no model in common.
    """
    from handoff_evals.comparison import against_baseline
    from handoff_evals.config import read_config
    from handoff_evals.reports import ReportedRun, html_report
    from handoff_evals.results import Baseline
    from handoff_evals.stats import Terms

    a, b = _by_one_name(ReportedRun.of(first), ReportedRun.of(second))
    suites = [{suite.name for suite in run.manifest.suites} for run in (a, b)]
    if not suites[0] & suites[1]:
        raise UsageError(
            f"{a.name!r} and {b.name!r} have no suite in common: {sorted(suites[0])}, "
            f"{sorted(suites[1])}"
        )
    common = {*a.manifest.models} & {*b.manifest.models}
    kept = [
        Baseline.of(
            (each for each in run.trials() if each.key.model in common), run.manifest.suites
        )
        for run in (a, b)
    ]
    against = against_baseline(
        *kept,
        terms=Terms(margin=read_config(Path.cwd()).margin),
        deterministic=b.manifest.deterministic,
    )
    return html_report([a, b], _headline_of_two(a, b, against), against=against)


def _by_one_name(a: "ReportedRun", b: "ReportedRun") -> "tuple[ReportedRun, ReportedRun]":
    """Models may go by another name on the other side: the only one of each run is meant."""
    ours, theirs = a.manifest.models, b.manifest.models
    if {*ours} & {*theirs}:
        return a, b
    if len(ours) == 1 and len(theirs) == 1:
        name = f"{ours[0]} / {theirs[0]}"
        return a.renamed(ours[0], name), b.renamed(theirs[0], name)
    raise UsageError(
        f"{a.name!r} and {b.name!r} have no model in common: {', '.join(ours)}; "
        f"{', '.join(theirs)}. Make a page of each"
    )


def _headline_of_two(
    a: "ReportedRun", b: "ReportedRun", against: "Sequence[AgainstBaseline]"
) -> "Headline":
    from handoff_evals.comparison import verdict_words
    from handoff_evals.reports import Headline
    from handoff_evals.stats import VERDICTS

    judged = [each for each in against if not b.summary.models[each.model].traits.reference]
    judged = judged or list(against)
    worst = min(judged, key=lambda each: VERDICTS.index(each.verdict))
    code, reasons = _validity(b)
    other_code, other_reasons = _validity(a)
    invalid = ExitCode.INVALID in {code, other_code}
    named = len(judged) > 1
    return Headline(
        verdict="invalid" if invalid else verdict_words(worst.verdict, worst.terms),
        tone="unsure" if invalid else _BY_VERDICT[worst.verdict],
        sentences=tuple(
            f"{each.model}: {sentence}" if named else sentence
            for each in judged
            for sentence in each.sentences
        ),
        reasons=(
            *(f"B, {reason}" for reason in reasons),
            *(f"A, {reason}" for reason in other_reasons),
            *_counts(judged),
        ),
    )


def _counts(against: "Sequence[AgainstBaseline]") -> "Iterator[str]":
    for each in against:
        yield (
            f"{each.model}: {each.count('worse')} newly failing, {each.count('better')} newly "
            f"right, of {each.compared} decisions and their checks"
        )
        if each.next_step:
            yield each.next_step


def difference_page(found: "Difference") -> str:
    """A diff as a page: its verdict, what changed, and the conversations of both sides."""
    from handoff_evals.comparison import verdict_words
    from handoff_evals.reports import Headline, ReportedRun, html_report
    from handoff_evals.results import RunFolder

    judged = found.judged
    runs = [
        replace(ReportedRun.of(RunFolder.open(Path(side.folder))), name=side.name)
        for side in (found.a, found.b)
        if side.folder is not None and Path(side.folder).is_dir()
    ]
    if len(runs) > 1:
        runs = list(_by_one_name(runs[0], runs[1]))
    regressed = (f"{part.kind} {part.name} regressed" for part in judged.regressed)
    told = Headline(
        verdict=verdict_words(judged.verdict, found.terms),
        tone=_BY_VERDICT[judged.verdict],
        sentences=judged.sentences,
        reasons=tuple(filter(None, (*regressed, judged.next_step))),
    )
    return html_report(runs, told, difference=found)

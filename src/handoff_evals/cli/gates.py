"""What a run comes to: its baseline, its exit code, and what a reader must be told."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from handoff_evals.cli.output import ExitCode, by_verdict
from handoff_evals.errors import UsageError

if TYPE_CHECKING:
    from handoff_evals.comparison import AgainstBaseline
    from handoff_evals.results import Baseline, Manifest, ModelSummary, RunFolder, Summary
    from handoff_evals.scenarios import Suite


@dataclass(frozen=True, kw_only=True)
class BaselineGate:
    """The baseline that a run is compared with."""

    path: Path
    kept: "Baseline"
    margin: float
    """The share of scenarios that may be lost."""

    @classmethod
    def opened(cls, path: Path | None) -> "BaselineGate | None":
        """Read the file, before anything is started; None where none is asked for.

        Raises:
            UsageError: when there is none, or it is no baseline.
        """
        from handoff_evals.config import read_config
        from handoff_evals.results import Baseline

        if path is None:
            return None
        if not path.exists():
            raise UsageError(
                f"there is no baseline {str(path)!r}: write it from a finished run, by "
                f"`handoff-evals baseline RUN {path}`"
            )
        margin = read_config(Path.cwd()).margin
        return cls(path=path, kept=Baseline.read(path), margin=margin)

    def check(self, manifest: "Manifest") -> None:
        """See that the run can be compared, before a model is asked.

        Raises:
            UsageError: when the baseline is of other models or suites.
        """
        from handoff_evals.comparison import unlike

        suites = [suite.name for suite in manifest.suites]
        differing = list(unlike(self.kept, models=manifest.models, suites=suites))
        if differing:
            raise UsageError(
                f"this run can't be compared with the baseline {str(self.path)!r}: "
                f"{'; '.join(differing)}. Run it without --baseline, then add it by "
                f"`handoff-evals baseline RUN {self.path}`."
            )

    def compare(self, folder: "RunFolder") -> "tuple[AgainstBaseline, ...]":
        """Compare the trials of a run with those of the baseline, model by model."""
        from handoff_evals.comparison import against_baseline
        from handoff_evals.results import Baseline, TrialKey
        from handoff_evals.stats import Terms

        manifest = folder.manifest
        planned = [
            TrialKey(
                suite=suite.name,
                scenario=scenario,
                id=suite.ids.get(scenario, ""),
                model=model,
                number=number,
            )
            for suite in manifest.suites
            for scenario in suite.scenarios
            for model in manifest.models
            for number in range(manifest.trials)
        ]
        run = Baseline.of(folder.trials(), manifest.suites)
        return against_baseline(
            self.kept,
            run,
            terms=Terms(margin=self.margin),
            deterministic=manifest.deterministic,
            planned=planned,
        )

    def rule(
        self, found: "tuple[AgainstBaseline, ...]", code: ExitCode, reasons: tuple[str, ...]
    ) -> tuple[ExitCode, tuple[str, ...]]:
        """Add to a run's exit code and its reasons what the baseline says.

        Nothing undoes `INVALID`.
        """
        found_codes = [by_verdict(each.verdict) for each in found]
        said = tuple(
            f"{each.model}: {each.verdict} against the baseline {self.path}"
            for each, its in zip(found, found_codes, strict=True)
            if its is not ExitCode.OK
        )
        # A gate that failed says more than one that nobody can tell of.
        order = (
            ExitCode.INVALID,
            ExitCode.GATE_FAILED,
            ExitCode.INCONCLUSIVE,
            ExitCode.OK,
        )
        return min((code, *found_codes), key=order.index), (*reasons, *said)


@dataclass(frozen=True, kw_only=True)
class Gate:
    """`--min-accuracy 0.9`, or `0.9:lower` for the lower bound of its interval."""

    option: str
    what: Literal["accuracy", "passed"]
    """Which `Share` of a model it is about."""
    least: float
    lower: bool = False

    @classmethod
    def read(cls, what: Literal["accuracy", "passed"], written: str | None) -> "Gate | None":
        """Read what was typed; None where nothing was.

        Raises:
            UsageError: when it is no share.
        """
        if written is None:
            return None
        option = f"--min-{what}"
        share, colon, bound = written.partition(":")
        with suppress(ValueError):
            least = float(share)
            if 0 <= least <= 1 and bound == ("lower" if colon else ""):
                return cls(option=option, what=what, least=least, lower=bool(colon))
        raise UsageError(
            f"{option} {written!r}: write a share from 0 to 1, as in `{option} 0.9`, or "
            f"`{option} 0.9:lower` for the lower bound of its interval"
        )

    def reason(self, model: "ModelSummary") -> str | None:
        """Why a model does not come up to it; None where it does."""
        share = model.accuracy if self.what == "accuracy" else model.passed
        if share.value is None or share.low is None:
            return f"{self.option} {self} has nothing to judge: no decision was expected"
        found = share.low if self.lower else share.value
        # What is a mean may miss the share that was typed by a rounding.
        if found >= self.least - _ROUNDING:
            return None
        told = f"{self.what} {share.value:.3f} (observed)"
        if self.lower:
            told = (
                f"{self.what} {share.low:.3f} (lower bound of the {share.confidence:.0%} interval; "
                f"observed {share.value:.3f})"
            )
        return f"{told} is below {self.option} {self}"

    def __str__(self) -> str:
        return f"{self.least:g}{':lower' if self.lower else ''}"


_ROUNDING = 1e-9


def verdict(
    summary: "Summary", *, gates: "Iterable[Gate | None]" = (), max_unscored: float
) -> tuple[ExitCode, tuple[str, ...]]:
    """Turn a summary into an exit code, and say why it is not 0.

    A model that nothing can be said of is invalid, whatever the gates are; and so is one in
    which a gate finds nothing to judge.
    """
    reasons: list[str] = []
    code = ExitCode.OK
    asked = [gate for gate in gates if gate is not None]
    for name, model in summary.models.items():
        invalid = _invalid(model, max_unscored)
        if invalid is not None:
            code = ExitCode.INVALID
            reasons.append(f"{name}: invalid, {invalid}")
            continue
        for gate in asked:
            reason = gate.reason(model)
            if reason is not None:
                nothing = model.accuracy.value is None and gate.what == "accuracy"
                code = max(code, ExitCode.INVALID if nothing else ExitCode.GATE_FAILED)
                reasons.append(f"{name}: {'invalid, ' if nothing else ''}{reason}")
    return code, tuple(reasons)


def _invalid(model: "ModelSummary", max_unscored: float) -> str | None:
    from handoff_evals.checks import NOTHING_EXPECTED

    trials = model.trials
    causes = ", ".join(f"{cause} {number}" for cause, number in trials.causes.items())
    if model.passed.value is None:
        return f"no trial was scored ({causes or 'there was none'})"
    # Also one whose scores don't count: who asked for a judgment got none.
    broken = [
        f"judge {name} gave no verdict on any of {sum(rate.unscored.values())} trials ("
        + ", ".join(f"{cause} {number}" for cause, number in rate.unscored.items())
        + ")"
        for name, rate in model.judges.items()
        if rate.broken
    ]
    # Of a scenario that expects nothing there is nothing to score: no answer was lost.
    unasked = trials.causes.get(NOTHING_EXPECTED, 0)
    unscored = trials.unscored - unasked
    if unscored + trials.not_run <= max_unscored * (trials.total - unasked):
        return "; ".join(broken) or None
    parts = [f"{unscored} of {trials.total} trials are unscored ({causes})"]
    parts = parts if unscored else []
    if trials.not_run:
        parts.append(f"{trials.not_run} of {trials.total} trials were not run")
    return f"{' and '.join(parts)}, more than max_unscored = {max_unscored:g}"


def unmet(suites: "tuple[Suite, ...]", summary: "Summary") -> Iterator[str]:
    """Name the expected agents that no trial met: most often a typing error."""
    names = [label for ref in summary.met for label in dict.fromkeys((ref.label, ref.id))]
    scored = {name for model in summary.models.values() for name in model.suites}
    for suite in suites:
        if suite.name not in scored:
            continue  # no trial was scored, so no agent was met
        expected = {
            target.label: target
            for scenario in suite.scenarios
            for target in scenario.expected_agents
        }
        for label, target in sorted(expected.items()):
            if not any(target.matches(ref) for ref in summary.met):
                close = get_close_matches(label, names, n=1, cutoff=0.5)
                hint = f"; the nearest that was met is {close[0]!r}" if close else ""
                yield f"{suite.path}: no trial ever met the expected agent {label!r}{hint}"

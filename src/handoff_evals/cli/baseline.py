"""`handoff-evals run --baseline FILE`: read before the run, held against after it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from handoff_evals.cli.exit_code import ExitCode
from handoff_evals.errors import UsageError

if TYPE_CHECKING:
    from handoff_evals.assembly.run import PreparedRun
    from handoff_evals.compare import AgainstBaseline
    from handoff_evals.store import Baseline, RunFolder


@dataclass(frozen=True, kw_only=True)
class BaselineGate:
    """What a run is held against, and whether it takes its place."""

    path: Path
    update: bool
    kept: "Baseline | None"
    """None where there is no file yet."""

    @classmethod
    def opened(cls, path: Path | None, *, update: bool) -> "BaselineGate | None":
        """Read the file, before anything is started.

        Raises:
            UsageError: when there is none, or it is no baseline.
        """
        from handoff_evals.store import Baseline

        if path is None:
            if update:
                raise UsageError("--update-baseline writes a file: name it by --baseline FILE")
            return None
        if not path.exists() and not update:
            raise UsageError(
                f"there is no baseline {str(path)!r}: add --update-baseline to write it"
            )
        kept = Baseline.read(path) if path.exists() else None
        return cls(path=path, update=update, kept=kept)

    def check(self, prepared: "PreparedRun") -> None:
        """See that the run can be compared, before a call is spent.

        Raises:
            UsageError: when the baseline is of other models or suites.
        """
        from handoff_evals.compare import unlike

        if self.kept is None or self.update:
            return
        suites = [suite.name for suite in prepared.suites]
        differing = list(unlike(self.kept, models=prepared.manifest.models, suites=suites))
        if differing:
            raise UsageError(
                f"this run can't be held against the baseline {str(self.path)!r}: "
                f"{'; '.join(differing)}. Add --update-baseline to have it in there too."
            )

    def hold(
        self, folder: "RunFolder", prepared: "PreparedRun", *, valid: bool
    ) -> "tuple[AgainstBaseline, ...]":
        """Compare the finished run, and write the file anew where that was asked for.

        An invalid run is compared as far as it goes, but never kept.
        """
        from handoff_evals.compare import against_baseline
        from handoff_evals.store import Baseline

        run = Baseline.of(folder.trials(), prepared.suites)
        found = () if self.kept is None else against_baseline(self.kept, run)
        if self.update and valid:
            request = prepared.request
            partial = bool(request.only or request.tags)
            kept = self.kept.updated(run, partial=partial) if self.kept else run
            kept.write(self.path)
        return found

    def rule(
        self, found: "tuple[AgainstBaseline, ...]", code: ExitCode, reasons: tuple[str, ...]
    ) -> tuple[ExitCode, tuple[str, ...]]:
        """Add to a run's exit code and its reasons what the baseline says.

        Nothing where the run becomes the baseline itself, and nothing undoes `INVALID`.
        """
        if self.update:
            return code, reasons
        regressed = tuple(
            f"{each.model}: regressed against the baseline {self.path}"
            for each in found
            if each.movement == "regressed"
        )
        return max(code, ExitCode.GATE_FAILED) if regressed else code, (*reasons, *regressed)

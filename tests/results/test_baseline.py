"""The baseline's file, where several runs write into it."""

from pathlib import Path

from handoff_evals.results import Baseline, TrialKey, TrialResult


def run_on(model: str, *scenarios: str) -> Baseline:
    return Baseline(
        suites=(),
        trials=tuple(
            TrialResult(
                key=TrialKey(suite="Shop", scenario=scenario, model=model, number=0),
                scenario_sha256="00",
                status="passed",
                decisions=(),
            )
            for scenario in scenarios
        ),
    )


def test_runs_that_end_one_after_another_are_all_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "fixtures" / "baseline.json"
    # Neither has read what the other one wrote: both were started before there was a file.
    run_on("a", "one", "two").write_into(path, partial=False)
    run_on("b", "one").write_into(path, partial=False)
    run_on("a", "two").write_into(path, partial=True)
    assert Baseline.read(path).trials == (
        *run_on("a", "one", "two").trials,
        *run_on("b", "one").trials,
    )
    run_on("a", "two").write_into(path, partial=False)
    assert Baseline.read(path).trials == (*run_on("a", "two").trials, *run_on("b", "one").trials)
    assert [*path.parent.iterdir()] == [path]

"""The judges of a run: who they are, and their work once its conversations are over."""

from collections.abc import Callable, Sequence
from pathlib import Path

from handoff_evals.config import read_config
from handoff_evals.judges import (
    RULE,
    RULES,
    JudgeModel,
    Panel,
    judge_trials,
    judges_of,
    question_named,
    to_judge,
)
from handoff_evals.models import resolve
from handoff_evals.results import RunFolder, ScenarioKey, Trial
from handoff_evals.scenarios import Scenario, Suite


def judge_model(name: str, *, folder: Path) -> JudgeModel:
    """The model that `--judge` names, or the rules.

    Raises:
        ModelError: when there is no such model, or it can't be used.
        EngineError: when the local model can't be had.
    """
    if name == RULE:
        return RULES
    [model] = resolve([name], folder=folder)
    nobody = Scenario(label="judge", turns=())
    return JudgeModel(
        label=model.label,
        identity="" if model.identity is None else repr(dict(model.identity.options)),
        open=lambda seed: model.build(nobody, seed),
        concurrency=model.concurrency,
        timeout_s=read_config(folder).turn_timeout,
    )


def panel_of(name: str, suites: Sequence[Suite], *, folder: Path) -> Panel | None:
    """The judges that the scenarios name; None where nobody is asked, or none is named.

    Args:
        name: as `--judge` takes it; empty for nobody.
        suites: the scenarios.
        folder: the project, whose calibrations count.

    Raises:
        UsageError: when there is no such model or judge, or a calibration can't be read.
    """
    names = [each for suite in suites for one in suite.scenarios for each in judges_of(one)]
    for each in names:
        question_named(each)  # a misspelt one is told also where nobody is asked
    if not name or not names:
        return None
    calibrations = folder / read_config(folder).calibrations
    return Panel.of(judge_model(name, folder=folder), names, calibrations=calibrations)


def not_asked(name: str, suites: Sequence[Suite]) -> tuple[str, ...]:
    """What a reader must be told where scenarios name judges that nobody asks."""
    written = sum(bool(each.judges) for suite in suites for each in suite.scenarios)
    number = sum(len(suite.scenarios) for suite in suites)
    asked = any(judges_of(each) for suite in suites for each in suite.scenarios)
    if not name and written:
        line = f"the judges that {written} of {number} scenarios name in `checks:` were not asked: "
        return (line + "give --judge MODEL, or --judge rule",)
    if name and not asked:
        line = f"--judge {name}: no scenario has `checks: [judge: NAME]` or `agent_expectations`, "
        return (line + "so nothing was judged",)
    return ()


async def judge_run(
    panel: Panel,
    folder: RunFolder,
    suites: Sequence[Suite],
    done: Callable[[Trial], None] = lambda _: None,
) -> None:
    """Have the judges judge a run's trials.

    Args:
        panel: the judges, tested on planted conversations.
        folder: the run, whose conversations are over.
        suites: its scenarios.
        done: called with each trial that is judged.
    """
    await judge_trials(panel, folder, scenarios_of(suites), done)


def unjudged(folder: RunFolder, suites: Sequence[Suite]) -> int:
    """How many trials the judges will be asked about."""
    scenarios = scenarios_of(suites)
    return sum(
        to_judge(trial, scenario)
        for trial in folder.trials()
        if (scenario := scenarios.get(trial.key.scenario_key)) is not None
    )


def scenarios_of(suites: Sequence[Suite]) -> dict[ScenarioKey, Scenario]:
    """The scenarios by what trials know them by."""
    return {(suite.name, each.identity): each for suite in suites for each in suite.scenarios}

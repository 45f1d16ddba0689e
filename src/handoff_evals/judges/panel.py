"""The judges of a run: tested on planted conversations first, then asked about each trial."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from handoff_evals.checks import Score
from handoff_evals.judges.calibration import find_calibration
from handoff_evals.judges.excerpt import Excerpt
from handoff_evals.judges.judge import (
    NO_RULE,
    NOTHING_TO_JUDGE,
    JudgeModel,
    Judgment,
    ask,
)
from handoff_evals.judges.question import Question, question_named
from handoff_evals.results import (
    JUDGE,
    JudgeRecord,
    JudgeStanding,
    RunFolder,
    ScenarioKey,
    Trial,
)
from handoff_evals.scenarios import Scenario

EXPECTATIONS = "agent_expectations"
"""The judge that every scenario with LiveKit's key of that name has."""
FAILED_PLANTED = "judge_failed_planted"
NOT_ASKED = "judge_not_asked"

_NOTHING_ASKED = frozenset({NOTHING_TO_JUDGE, NO_RULE})


def judges_of(scenario: Scenario) -> tuple[str, ...]:
    """The judges of a scenario; LiveKit's `agent_expectations` name one by themselves."""
    own = (EXPECTATIONS,) if scenario.agent_expectations.strip() else ()
    return tuple(dict.fromkeys((*scenario.judges, *own)))


@dataclass(kw_only=True)
class Panel:
    """The judges of a run, and what is known of them."""

    model: JudgeModel
    questions: Mapping[str, Question]
    standings: Mapping[str, JudgeStanding]
    stopped: dict[str, str] = field(default_factory=dict)
    """Why nothing that a judge says is scored, by its name."""

    @classmethod
    def of(cls, model: JudgeModel, names: Iterable[str], *, calibrations: Path) -> "Panel":
        """Find the questions, and how well each judge is calibrated.

        Args:
            model: who is asked.
            names: the judges.
            calibrations: the folder of their calibrations; it need not be there.

        Raises:
            UsageError: when there is no such judge, or a file there is no calibration.
        """
        questions = {name: question_named(name) for name in dict.fromkeys(names)}
        return cls(
            model=model,
            questions=questions,
            standings={
                name: standing(question, model, calibrations=calibrations)
                for name, question in questions.items()
            },
        )

    @property
    def record(self) -> JudgeRecord:
        """What the run's manifest has of it."""
        return JudgeRecord(model=self.model.label, standings=self.standings)

    @property
    def lines(self) -> tuple[str, ...]:
        """What a reader must be told: the judges that are stopped, and those that do not count."""
        stopped = (f"judge {name}: stopped, {why}" for name, why in self.stopped.items())
        shown = (
            f"judge {name}: its scores are shown and do not count, because {each.why}"
            for name, each in self.standings.items()
            if not each.gates and name not in self.stopped
        )
        return (*stopped, *shown)

    async def test(self) -> None:
        """Ask each judge about its planted conversations; one wrong answer stops it."""
        for name, question in self.questions.items():
            if self.model.by_rule and question.rule is None:
                continue  # it says of each trial that no rule can answer
            why = await failed_planted(question, self.model)
            if why is not None:
                self.stopped[name] = why

    async def scores(self, scenario: Scenario, trial: Trial) -> tuple[Score, ...]:
        """What the scenario's judges say of a trial, a score each."""
        excerpt = Excerpt.of(trial.transcript, expectations=scenario.agent_expectations)
        return tuple(
            [
                await self._score(name, excerpt, trial.seed)
                for name in judges_of(scenario)
                if name in self.questions
            ]
        )

    async def _score(self, name: str, excerpt: Excerpt, seed: int) -> Score:
        standing, why = self.standings[name], self.stopped.get(name)
        if why is not None:
            return Score(
                name=f"{JUDGE}{name}",
                status="unscored",
                reason=f"{FAILED_PLANTED}: {why}",
                cause=FAILED_PLANTED,
                gates=standing.gates,
            )
        found = await ask(self.questions[name], excerpt, self.model, seed=seed)
        return _score_of(found, excerpt, gates=standing.gates)


def standing(question: Question, model: JudgeModel, *, calibrations: Path) -> JudgeStanding:
    """Whether a judge's scores count, by the calibration that it has."""
    found, why = find_calibration(calibrations, question, model)
    if found is None:
        return JudgeStanding(gates=False, why=why)
    weakness, kappa = found.weakness, found.passes[0].kappa
    if weakness is not None or kappa is None:
        return JudgeStanding(
            gates=False, why=weakness or "kappa has no meaning", errors=found.errors
        )
    why = f"kappa {kappa.value:.2f}, at least {kappa.low:.2f}, on {found.errors.total} labels"
    return JudgeStanding(gates=True, why=why, errors=found.errors)


async def failed_planted(question: Question, model: JudgeModel) -> str | None:
    """Which planted conversation a judge gets wrong, and how; None where it gets all right."""
    for what, excerpt, wanted in question.planted:
        found = await ask(question, excerpt, model)
        if found.cause == NO_RULE:
            return found.reason
        if found.verdict != wanted:
            said = found.verdict or f"{found.cause} ({found.reason})"
            return f"it must {wanted} {what}, and says: {said}"
    return None


async def judge_trials(
    panel: Panel,
    folder: RunFolder,
    scenarios: Mapping[ScenarioKey, Scenario],
    done: Callable[[Trial], None] = lambda _: None,
) -> None:
    """Ask the judges about every scored trial that they have not judged yet.

    Each trial's scores are in the folder before `done` gets it.

    Args:
        panel: the judges, tested.
        folder: the run, whose trials are all finished.
        scenarios: those of the run.
        done: called with each trial that is judged.
    """
    slots = asyncio.Semaphore(max(1, panel.model.concurrency))

    async def judged(trial: Trial, scenario: Scenario) -> None:
        try:
            scores = await panel.scores(scenario, trial)
            folder.append_scores(trial, scores)
            done(trial)
        finally:
            slots.release()

    try:
        async with asyncio.TaskGroup() as tasks:
            for trial in folder.trials():
                scenario = scenarios.get(trial.key.scenario_key)
                if scenario is not None and to_judge(trial, scenario):
                    await slots.acquire()
                    tasks.create_task(judged(trial, scenario))
    except ExceptionGroup as group:
        raise group.exceptions[0] from None  # as a full disk, which the caller tells of


def to_judge(trial: Trial, scenario: Scenario) -> bool:
    """Whether judges have something to say of a trial, and have not said it yet."""
    done = any(score.name.startswith(JUDGE) for score in trial.scores)
    return bool(judges_of(scenario)) and not done and trial.status != "unscored"


def _score_of(found: Judgment, excerpt: Excerpt, *, gates: bool) -> Score:
    events: tuple[int, ...] = ()
    if found.place is not None and found.place < len(excerpt.events):
        events = (excerpt.events[found.place],)
    because = f" ({found.reason})" if found.reason else ""
    if found.verdict is None:
        return Score(
            name=f"{JUDGE}{found.question}",
            status="unscored",
            reason=f"{found.cause}{because}",
            cause=found.cause,
            # Where there is nothing to judge, no judge has failed to.
            gates=gates and found.cause not in _NOTHING_ASKED,
        )
    shown = "" if gates else ", shown only"
    return Score(
        name=f"{JUDGE}{found.question}",
        status="passed" if found.verdict == "pass" else "failed",
        reason=f"{found.verdict}{shown}, for {found.quote!r}{because}",
        events=events,
        gates=gates,
    )

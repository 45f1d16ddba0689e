"""One scenario run and judged as `handoff-evals run` does, and what a failed test says of it."""

from collections.abc import Iterator

import pytest

from handoff_evals.cassettes import Mode, cassette_of
from handoff_evals.checks import Score, first_request
from handoff_evals.drivers import driver_for
from handoff_evals.event_loop import run_to_end
from handoff_evals.livekit import AgentEntry
from handoff_evals.plugin.failure_text import (
    agent_events,
    request_lines,
    turn_name,
    with_conversation,
)
from handoff_evals.plugin.plugin import cassettes_of, limits_of, named_model
from handoff_evals.results import Trial, TrialKey
from handoff_evals.runs import Pace, Planned, Runner, trial_seed
from handoff_evals.scenarios import Scenario, Suite


def run_scenario(suite: Suite, scenario: Scenario, *, config: pytest.Config, model: str) -> Trial:
    """Run the scenario's conversation once.

    Raises:
        AgentImportError: when the suite's agent can't be had.
        UsageError: when there is no such model.
        EngineError: when the local model can't be had.
    """
    chosen = named_model(model, config)
    entry = AgentEntry.load(suite.agent, folder=config.rootpath)
    driver = driver_for(suite, config.getoption("--handoff-driver"))(
        entry=entry,
        model=chosen.build,
        watch=suite.watch,
        limits=limits_of(config),
        cassette=cassette_of(
            suite.name,
            chosen.identity,
            mode=Mode.REPLAY if config.getoption("--handoff-replay") else Mode.OFF,
            folders=[cassettes_of(config)],
            project=config.rootpath,
        ),
    )
    key = TrialKey(
        suite=suite.name, scenario=scenario.label, id=scenario.id, model=chosen.label, number=0
    )
    seed = trial_seed(key, config.getoption("--handoff-seed"))
    done: list[Trial] = []
    runner = Runner(
        drivers={(suite.name, chosen.label): driver},
        pace=Pace(total=1, per_model={chosen.label: 1}),
        done=done.append,
    )
    run_to_end(runner.run([Planned(key=key, scenario=scenario, seed=seed)]))
    [trial] = done
    return trial


def unscored(trial: Trial) -> str:
    """Why the trial is neither passed nor failed."""
    found = [score for score in trial.scores if score.status == "unscored"]
    headline = f"UNSCORED: {'; '.join(each.reason for each in found) or 'nothing was judged'}"
    notes = [f"Neither passed nor failed: {_who(trial)} gave nothing to judge."]
    if trial.transcript.unscored_because is None:
        notes = [f"Neither passed nor failed ({_who(trial)})."]
    notes += [each.traceback.rstrip() for each in found if each.traceback]
    return with_conversation(trial.transcript, headline, notes=notes)


def trial_failure(trial: Trial, *, agent: str, plays_scenario: bool) -> str:
    """Why the trial failed: every check that did, and the conversation with their events.

    Args:
        trial: the trial.
        agent: the suite's agent, to name it by.
        plays_scenario: whether the model played what the scenario expects.
    """
    broken = [score for score in trial.scores if score.status == "failed"]
    # An exception explains whatever else went wrong, so it comes first.
    broken.sort(key=lambda score: score.name != "agent")
    marked = {index for score in broken for index in _marks(trial, score)}
    lines = [_line(score) for score in broken]
    notes = [
        *lines[1:],
        f"({agent} on {_who(trial)})",
        *_hints(trial, broken, plays_scenario=plays_scenario),
    ]
    return with_conversation(trial.transcript, lines[0], marked=marked, notes=notes)


def _who(trial: Trial) -> str:
    return f"model {trial.key.model}, seed {trial.seed}"


def _line(score: Score) -> str:
    where = "" if score.turn is None else f"{turn_name(score.turn)}: "
    return f"{where}{score.name}: {score.reason}"


def _marks(trial: Trial, score: Score) -> tuple[int, ...]:
    """The events that show it; where the expected thing is missing, what happened instead."""
    if score.events or score.turn is None or score.turn >= len(trial.transcript.turns):
        return score.events
    return agent_events(trial.transcript, score.turn)


def _hints(trial: Trial, broken: list[Score], *, plays_scenario: bool) -> Iterator[str]:
    """What the agents' models were given, where that is what matters."""
    first = broken[0]
    if first.turn is None or first.turn >= len(trial.transcript.turns):
        return
    if first.name in {"handoff", "call", "path"}:
        asked = trial.transcript.turns[first.turn].model_calls
        for call in asked[:1]:
            tools = ", ".join(tool.name for tool in call.tools) or "no tools"
            yield f"in {turn_name(first.turn)} {call.agent.label}'s model could call: {tools}"
        if any(call.calls for call in asked) and plays_scenario:
            yield "the oracle played what the turn expects; the agents came to something else"
    elif first.name == "carries":
        request = first_request(trial.transcript, first.turn)
        if request is not None:
            yield f"what {request.agent.label}'s model received:"
            yield from request_lines(request)

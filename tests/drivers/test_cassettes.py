"""Conversations that a cassette answers."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from livekit.agents import APIStatusError

from handoff_evals.cassettes import Cassette, Mode, ModelIdentity
from handoff_evals.drivers import TextDriver
from handoff_evals.livekit import AgentEntry, Reply, ScriptedLLM
from handoff_evals.livekit.scripted import tool_call
from handoff_evals.models.kind import ReplayedLLM
from handoff_evals.scenarios import Scenario, ScriptedTurn, Watch
from handoff_evals.transcript import Message, Transcript
from tests.support.phone import ROOMY, Plain
from tests.support.star import star_call

SCENARIO = Scenario(
    label="To b",
    turns=(ScriptedTurn(user="c=0 t=1 want=b"), ScriptedTurn(user="c=0 t=2 want=b")),
)
SCRIPT: list[Reply] = [tool_call("to_b"), "Here is b.", "Still b."]


def driver(
    folder: Path, script: list[Reply] | None, *, mode: Mode = Mode.AUTO, entry: Any = star_call
) -> TextDriver:
    model = ModelIdentity(label="test/scripted")
    return TextDriver(
        entry=AgentEntry.of(entry),
        model=lambda _scenario, _seed: (
            ReplayedLLM("test") if script is None else ScriptedLLM(script)
        ),
        watch=Watch(attributes=frozenset({"node"})),
        limits=ROOMY,
        cassette=Cassette(suite="Star", model=model, mode=mode, folders=[folder]),
    )


def timeless(record: Transcript) -> Transcript:
    """The record without times, and without who answered."""
    return replace(
        record,
        turns=tuple(
            replace(
                turn,
                duration_s=0.0,
                events=tuple(
                    replace(event, at_s=None, metrics={}) if isinstance(event, Message) else event
                    for event in turn.events
                ),
                model_calls=tuple(replace(call, replayed=False) for call in turn.model_calls),
            )
            for turn in record.turns
        ),
    )


async def test_a_conversation_is_replayed_without_its_model(tmp_path: Path) -> None:
    live = await driver(tmp_path, SCRIPT).run(SCENARIO, seed=1)
    again = await driver(tmp_path, None, mode=Mode.REPLAY).run(SCENARIO, seed=1)

    assert live.turns[2].active.attributes == {"node": "b"}
    assert not any(call.replayed for call in live.model_calls)
    assert all(call.replayed for call in again.model_calls)
    # The model's name, its tokens and its times too are those of the recording.
    assert timeless(again) == timeless(live)


async def test_only_what_is_asked_differently_reaches_the_model(tmp_path: Path) -> None:
    await driver(tmp_path, SCRIPT).run(SCENARIO, seed=1)
    longer = replace(SCENARIO, turns=(*SCENARIO.turns, ScriptedTurn(user="c=0 t=3 want=b")))
    record = await driver(tmp_path, ["The only new words."]).run(longer, seed=1)

    assert [call.replayed for call in record.model_calls] == [True, True, True, False]
    assert record.turns[3].said == "The only new words."


async def test_a_miss_is_no_verdict_and_says_what_changed(tmp_path: Path) -> None:
    await driver(tmp_path, ["Yes."], entry=Plain).run(SCENARIO, seed=1)

    class Polite(Plain):
        def __init__(self) -> None:
            super().__init__()
            self._instructions = f"{self.instructions} Be polite."

    polite = Polite()
    polite._id = Plain().id
    record = await driver(tmp_path, None, mode=Mode.REPLAY, entry=polite).run(SCENARIO, seed=1)

    fault = record.unscored_because
    assert fault is not None
    assert fault.cause == "cassette_miss"
    assert "instructions of plain changed:" in fault.detail
    assert "{+Be polite.+}" in fault.detail


async def test_a_failed_request_is_not_kept(tmp_path: Path) -> None:
    broken: list[Reply] = [APIStatusError("no", status_code=401)]
    record = await driver(tmp_path, broken).run(SCENARIO, seed=1)
    assert record.unscored_because is not None
    await driver(tmp_path, SCRIPT).run(SCENARIO, seed=1)
    again = await driver(tmp_path, None, mode=Mode.REPLAY).run(SCENARIO, seed=1)
    assert again.unscored_because is None


async def test_repeats_of_a_scenario_are_recorded_each_for_itself(tmp_path: Path) -> None:
    for number, words in enumerate(["One.", "Two."]):
        script = [*SCRIPT[:2], words]
        await driver(tmp_path, script).run(SCENARIO, seed=number, number=number)
    said = [
        (await driver(tmp_path, None, mode=Mode.REPLAY).run(SCENARIO, seed=n, number=n)).turns[2]
        for n in range(2)
    ]
    assert [turn.said for turn in said] == ["One.", "Two."]


@dataclass
class _Options:
    temperature: float
    api_key: str = "secret-word"


class Own(Plain):
    """Brings its own model."""

    def __init__(self, temperature: float) -> None:
        super().__init__()
        model = ScriptedLLM(["Mine."])
        model._opts = _Options(temperature)  # type: ignore[attr-defined]  # as livekit's have it
        self._llm = model


async def test_an_agents_own_model_is_another_one_when_its_options_change(tmp_path: Path) -> None:
    async def run_call(mode: Mode, temperature: float) -> Transcript:
        driver = TextDriver(
            entry=AgentEntry.of(Own(temperature)),
            model=lambda _scenario, _seed: None,
            watch=Watch(),
            limits=ROOMY,
            cassette=Cassette(
                suite="Own",
                model=ModelIdentity(label="own", agents_own=True),
                mode=mode,
                folders=[tmp_path],
            ),
        )
        return await driver.run(replace(SCENARIO, turns=SCENARIO.turns[:1]), seed=1)

    assert (await run_call(Mode.AUTO, 0.2)).unscored_because is None
    assert (await run_call(Mode.REPLAY, 0.2)).turns[1].said == "Mine."
    fault = (await run_call(Mode.REPLAY, 0.7)).unscored_because
    assert fault is not None
    assert "temperature=0.2" in fault.detail
    assert "temperature=0.7" in fault.detail
    assert "secret-word" not in fault.detail

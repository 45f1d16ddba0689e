"""`--handoff-driver`, and the argument `driver` of `agent_call`."""

from tests.plugin.conftest import Project

HOOKED = """
from livekit.agents import StopResponse

from shop import FrontDesk, Workshop


class Hooked(FrontDesk):
    async def on_user_turn_completed(self, turn_ctx, new_message):
        if "broken" in new_message.text_content:
            self.session.update_agent(Workshop(chat_ctx=turn_ctx))
            raise StopResponse
"""
SCENARIOS = """
agent: hooked:Hooked
scenarios:
  - label: Broken
    turns: [{user: It is broken, expect: {agent: workshop}}]
"""
CALL = """
from handoff_evals import ScriptedLLM
from hooked import Hooked


async def test_hello(agent_call):
    call = await agent_call(Hooked, llm=ScriptedLLM(lambda _: "I see.")DRIVER)
    turn = await call.say("It is broken")
    assert turn.active_agent_id == "workshop"


async def test_an_interruption(agent_call):
    llm = ScriptedLLM(lambda _: "One two three four five six seven eight.")
    call = await agent_call(Hooked, llm=llm, driver="spoken")
    await call.say("Count", until="two three")
    turn = await call.say("Stop")
    turn.expect.contains_message(role="assistant")
    assert call.transcript.turns[1].events[-1].interrupted
"""


def test_scenarios_are_called_as_it_says_and_text_warns_of_the_hook(project: Project) -> None:
    project.write("hooked.py", HOOKED)
    project.write("evals/scenarios.yaml", SCENARIOS)
    spoken = project.run("--handoff-driver=spoken", "--handoff-model=never")
    spoken.assert_outcomes(passed=1)
    shown = ("-W", "default::handoff_evals.HandoffEvalsWarning")
    text = project.run("--handoff-model=never", *shown)
    text.assert_outcomes(failed=1, warnings=1)
    warning = "*hooked has on_user_turn_completed, which does not run in text*"
    text.stdout.fnmatch_lines([warning])
    strict = project.run("--handoff-model=never")
    strict.assert_outcomes(errors=1)
    strict.stdout.fnmatch_lines([warning])


def test_a_call_names_its_driver(project: Project) -> None:
    project.write("hooked.py", HOOKED)
    project.write("test_hooked.py", CALL.replace("DRIVER", ', driver="spoken"'))
    project.run().assert_outcomes(passed=2)


def test_a_driver_that_is_none_is_an_error(project: Project) -> None:
    project.write("hooked.py", HOOKED)
    project.write("evals/scenarios.yaml", SCENARIOS)
    result = project.run("--handoff-driver=voice")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*driver 'voice': choose one of spoken, text"])

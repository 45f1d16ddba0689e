"""`run --driver`, and the key `driver:` of a scenario file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Command = Callable[..., Any]

HOOKED = """
from livekit.agents import Agent, StopResponse


class Billing(Agent):
    def __init__(self):
        super().__init__(instructions="You deal with bills.")

    async def on_enter(self):
        self.session.say("Billing here.")


class Hooked(Agent):
    def __init__(self):
        super().__init__(instructions="You answer.")

    async def on_user_turn_completed(self, turn_ctx, new_message):
        if "bill" in new_message.text_content:
            self.session.update_agent(Billing())
            raise StopResponse
"""
SCENARIOS = """
agent: hooked:Hooked
scenarios:
  - label: a bill
    turns:
      - user: My bill, please
        expect: {agent: billing}
  - label: small talk
    turns:
      - user: Hello
        expect: {agent: hooked}
"""


def hooked(project: Path, *, head: str = "") -> str:
    (project / "hooked.py").write_text(HOOKED)
    (project / "hooked.yaml").write_text(head + SCENARIOS)
    return "hooked.yaml"


def test_two_drivers_are_compared_conversation_by_conversation(
    command: Command, project: Path
) -> None:
    suite = hooked(project)
    drivers = ("--driver", "text", "--driver", "spoken")
    done = command("run", suite, "-m", "never", *drivers, "--out", "both")
    assert "never: text against spoken: 1 of 2 conversations differ, 1 in their verdict" in done.out
    words = " ".join(done.out.split())
    assert "failed passed turn 1, handoffs: text none;" in words
    assert "a bill" in words
    assert "spoken 'billing'" in words
    assert "hooked has on_user_turn_completed, which does not run in text" in words
    shown = command("show", "both")
    assert "1 of 2 conversations differ" in shown.out


def test_a_file_names_its_driver_and_the_command_line_overrules_it(
    command: Command, project: Path
) -> None:
    suite = hooked(project, head="driver: spoken")
    for more, passed in (((), 2), (("--driver", "text"), 1)):
        done = command("run", suite, "-m", "never", "--json", *more)
        assert json.loads(done.out)["models"]["never"]["trials"]["passed"] == passed


def test_a_driver_that_is_none_is_refused_before_anything_runs(
    command: Command, project: Path
) -> None:
    named = command("run", hooked(project), "-m", "never", "--driver", "voice")
    assert named.code == 2
    assert "driver 'voice': choose one of spoken, text" in named.err
    written = command("run", hooked(project, head="driver: voice"), "-m", "never")
    assert written.code == 2
    assert "hooked.yaml: driver 'voice': choose one of spoken, text" in written.err

from tests.mutation.sources import broken

SOURCE = """
class Front(Agent):
    async def on_enter(self):
        if self.known:
            await self.session.generate_reply(tools=[])
        else:
            self.session.say("Hello!")

    async def on_exit(self):
        self.session.say("Bye!")

class Billing(Agent):
    async def on_enter(self):
        await self._greet()

    async def _greet(self):
        await self.session.say("Billing.").wait_for_playout()
"""


def test_each_thing_said_on_entering_falls_silent_and_nothing_else() -> None:
    assert broken(SOURCE, "on-enter-silent") == [
        "- await self.session.generate_reply(tools=[])\n+ pass",
        "- else:\n- self.session.say('Hello!')",
        "- await self.session.say('Billing.').wait_for_playout()\n+ pass",
    ]


def test_each_thing_said_on_entering_is_said_twice() -> None:
    twice = broken(SOURCE, "on-enter-greets-twice")
    assert len(twice) == 3
    assert twice[1].count("+ self.session.say('Hello!')") == 1
    assert "- self.session.say('Hello!')" not in twice[1]

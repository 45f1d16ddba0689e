"""A library by telephone, as it is deployed."""

from livekit import api
from livekit.agents import (
    Agent,
    AgentServer,
    AgentSession,
    JobContext,
    function_tool,
    get_job_context,
)

server = AgentServer()


class FrontDesk(Agent):
    """Takes the call."""

    def __init__(self) -> None:
        super().__init__(instructions="You are the front desk of a library.")

    @function_tool
    async def transfer_to_loans(self) -> Agent:
        """Transfer the caller to loans: extending, returning."""
        return LoansAgent()

    @function_tool
    async def call_a_person(self) -> str:
        """Transfer the caller to a person."""
        job = get_job_context()
        try:
            await job.api.sip.transfer_sip_participant(
                api.TransferSIPParticipantRequest(room_name=job.room.name, transfer_to="tel:+4930")
            )
        except api.TwirpError as error:
            return f"{error.message}, nobody answers"
        return "They are connected."


class LoansAgent(Agent):
    """Deals with loans."""

    def __init__(self) -> None:
        super().__init__(instructions="You are loans.")

    async def on_enter(self) -> None:
        """Take up what was said."""
        self.session.generate_reply()


@server.rtc_session()
async def my_agent(ctx: JobContext) -> None:
    """Answer a call."""
    await ctx.connect()
    await ctx.wait_for_participant()
    session: AgentSession[None] = AgentSession()
    await session.start(FrontDesk(), room=ctx.room)

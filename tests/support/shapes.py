"""Agent modules of other shapes than this repository's own, each a project of one file."""

import textwrap

REGISTRY = """
    from dataclasses import dataclass, field

    from livekit.agents import Agent, AgentSession, JobContext, RunContext, function_tool


    @dataclass
    class Data:
        order: list[str] = field(default_factory=list)
        agents: dict[str, Agent] = field(default_factory=dict)


    class Base(Agent):
        async def on_enter(self):
            self.session.generate_reply(tool_choice="none")

        def _go(self, name, context):
            return context.userdata.agents[name], f"Transferring to {name}."


    class Greeter(Base):
        def __init__(self):
            super().__init__(instructions="You greet callers.")

        @function_tool
        async def to_takeaway(self, context: RunContext[Data]):
            \"\"\"The caller wants to order food.\"\"\"
            return self._go("takeaway", context)


    class Takeaway(Base):
        def __init__(self):
            super().__init__(instructions="You take orders.")

        @function_tool
        async def update_order(self, items: list[str], context: RunContext[Data]) -> str:
            \"\"\"The caller orders something.\"\"\"
            context.userdata.order = items
            return "noted"

        @function_tool
        async def to_checkout(self, context: RunContext[Data]):
            \"\"\"The caller confirms the order.\"\"\"
            if not context.userdata.order:
                return "There is no order yet."
            return self._go("checkout", context)


    class Checkout(Base):
        def __init__(self):
            super().__init__(instructions="You take payments.")


    async def entrypoint(ctx: JobContext):
        data = Data()
        data.agents = {"greeter": Greeter(), "takeaway": Takeaway(), "checkout": Checkout()}
        session = AgentSession(userdata=data, llm="openai/gpt-4.1-mini")
        await session.start(agent=data.agents["greeter"], room=ctx.room)
"""
"""Agents in a registry that userdata keeps, for an entry point of `WorkerOptions`."""

FLOW = """
    import json
    from pathlib import Path

    from livekit.agents import Agent, AgentServer, AgentSession, JobContext, function_tool

    FLOW = json.loads((Path(__file__).parent / "flow.json").read_text())


    class FlowAgent(Agent):
        def __init__(self, node, chat_ctx=None):
            self.node = node
            super().__init__(
                instructions=FLOW[node]["prompt"],
                chat_ctx=chat_ctx,
                tools=[self._edge(target) for target in FLOW[node]["goto"]],
            )

        def _edge(self, target):
            async def go():
                return FlowAgent(target, chat_ctx=self.chat_ctx)

            return function_tool(go, name=f"goto_{target}", description=f"Go to {target}.")


    server = AgentServer()


    @server.rtc_session()
    async def call(ctx: JobContext):
        session = AgentSession(llm="openai/gpt-4.1-mini")
        await session.start(agent=FlowAgent("welcome"), room=ctx.room)
"""
"""Agents of one class, made from a JSON file."""

FLOW_JSON = """
    {"welcome": {"prompt": "Welcome the caller.", "goto": ["sales"]},
     "sales": {"prompt": "Sell things.", "goto": ["welcome"]}}
"""

INSIDE = """
    from livekit.agents import Agent, AgentServer, AgentSession, JobContext, function_tool


    class Reception(Agent):
        def __init__(self, hours):
            super().__init__(instructions=f"You are the reception of a clinic, open {hours}.")

        @function_tool
        async def pay_bill(self, invoice_number: str):
            \"\"\"The caller wants to pay an invoice.

            Args:
                invoice_number: as printed, e.g. INV-1042
            \"\"\"
            return Accounts(invoice_number)


    class Accounts(Agent):
        def __init__(self, invoice):
            super().__init__(instructions=f"You collect the payment of invoice {invoice}.")


    def prewarm(proc):
        proc.userdata["hours"] = "8 to 18"


    server = AgentServer(setup_fnc=prewarm)


    @server.rtc_session()
    async def handle_call(ctx: JobContext):
        await ctx.connect()
        await ctx.wait_for_participant()
        session = AgentSession(llm="openai/gpt-4.1-mini")
        await session.start(agent=Reception(ctx.proc.userdata["hours"]), room=ctx.room)
"""
"""An entry point that builds its session inside, for an agent whose id is not its only state."""


def source(shape: str) -> str:
    """The text of a file."""
    return textwrap.dedent(shape).lstrip("\n")

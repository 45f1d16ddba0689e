"""A server that speaks the OpenAI protocol on loopback and errs at rates that a test sets.

It plays the model of the agents in `star.py` and keeps a log of its own of what it
did, so that what the harness reports can be held against it.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from aiohttp import web

from tests.support.star import NAMES

_WISH = re.compile(r"c=(\d+) t=(\d+) want=(\w)")
_NODE = re.compile(r"node=(\w)")


@dataclass(frozen=True, kw_only=True)
class Rates:
    """How often it errs; each from 0 to 1.

    The first five are per decision, where that mistake is possible; the last four
    per request.
    """

    wrong: float = 0.0
    missed: float = 0.0
    phantom: float = 0.0
    spurious: float = 0.0
    bounced: float = 0.0
    too_many: float = 0.0
    broken: float = 0.0
    stall: float = 0.0
    cut: float = 0.0


@dataclass(kw_only=True)
class Decided:
    """What the server decided for one turn of one conversation."""

    start: str
    want: str
    outcome: str
    path: list[str]
    """The agents still to be handed to, in order."""


@dataclass(kw_only=True)
class OpenAIServer:
    """The server's state; `serve` runs it."""

    rates: Rates = field(default_factory=Rates)
    seed: int = 0
    latency_s: float = 0.0
    stall_s: float = 30.0
    decided: dict[tuple[int, int], Decided] = field(default_factory=dict)
    disturbed: dict[int, list[str]] = field(default_factory=dict)
    """Faults of the server by conversation."""
    requests: int = 0
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the newest request; `body` likewise."""
    body: Mapping[str, Any] = field(default_factory=dict)
    pause_at: int | None = None
    """The number of the first request that is not answered before `go_on`."""
    paused: asyncio.Event = field(default_factory=asyncio.Event)
    resumed: asyncio.Event = field(default_factory=asyncio.Event)

    def pause_after(self, requests: int) -> asyncio.Event:
        """Answer so many more requests and no further one; the event tells that one came."""
        self.pause_at = self.requests + requests + 1
        self.paused.clear()
        self.resumed.clear()
        return self.paused

    def go_on(self) -> None:
        """Answer again."""
        self.pause_at = None
        self.resumed.set()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """`POST /v1/chat/completions`."""
        self.requests += 1
        self.headers = dict(request.headers)
        self.body = body = await request.json()
        if self.pause_at is not None and self.requests >= self.pause_at:
            self.paused.set()
            await self.resumed.wait()
        wish, node = _wish(body), _node(body)
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        fault = self._fault(wish)
        if fault == "too_many":
            return web.json_response(
                {"error": {"message": "slow down"}}, status=429, headers={"retry-after": "0.01"}
            )
        if fault == "broken":
            return web.json_response({"error": {"message": "broken"}}, status=500)
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        if fault is not None:
            await _send(response, {"role": "assistant", "content": "Well"})
            if fault == "stall":
                await asyncio.sleep(self.stall_s)
            assert request.transport is not None
            request.transport.abort()
            return response
        await self._reply(response, self._delta(body, wish, node))
        return response

    def _fault(self, wish: tuple[int, int, str] | None) -> str | None:
        lot = Random(f"{self.seed}/{self.requests}")
        draw = lot.random()
        for name in ("too_many", "broken", "stall", "cut"):
            rate = getattr(self.rates, name)
            if draw < rate:
                self.disturbed.setdefault(wish[0] if wish else -1, []).append(name)
                return name
            draw -= rate
        return None

    def _delta(
        self, body: Mapping[str, Any], wish: tuple[int, int, str] | None, node: str
    ) -> dict[str, Any]:
        if wish is None:
            return {"role": "assistant", "content": "Hello."}
        conversation, turn, want = wish
        key = (conversation, turn)
        if key not in self.decided or _is_new(body, self.decided[key], node):
            self.decided[key] = self._decide(conversation, turn, node, want)
        decided = self.decided[key]
        if decided.path and decided.path[0] != node:
            return _call(f"to_{decided.path.pop(0)}")
        words = {"phantom": "I'm transferring you now.", "missed": "Let me see what I can do."}
        return {"role": "assistant", "content": words.get(decided.outcome, "Here I am.")}

    def _decide(self, conversation: int, turn: int, node: str, want: str) -> Decided:
        lot = Random(f"{self.seed}/{conversation}/{turn}")
        stay = node == want
        possible = ("spurious", "bounced") if stay else ("wrong", "missed", "phantom", "bounced")
        draw, outcome = lot.random(), "correct"
        for name in possible:
            rate = getattr(self.rates, name)
            if draw < rate:
                outcome = name
                break
            draw -= rate
        other = lot.choice([name for name in NAMES if name not in {node, want}])
        path = {
            "correct": [] if stay else [want],
            "wrong": [other],
            "spurious": [other],
            "bounced": [other, want],
        }.get(outcome, [])
        return Decided(start=node, want=want, outcome=outcome, path=path)

    async def _reply(self, response: web.StreamResponse, delta: dict[str, Any]) -> None:
        text = delta.get("content")
        if text:
            first, _, rest = text.partition(" ")
            await _send(response, {"role": "assistant", "content": first + (" " if rest else "")})
            if rest:
                await _send(response, {"content": rest})
        else:
            await _send(response, delta)
        reason = "stop" if text else "tool_calls"
        await _send(response, {}, finish=reason)
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        await _event(response, {"choices": [], "usage": usage})
        await response.write(b"data: [DONE]\n\n")


@asynccontextmanager
async def serve(server: OpenAIServer) -> AsyncIterator[OpenAIServer]:
    """Listen on a free port of loopback; `server.url` is the base URL."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}/v1"
    try:
        yield server
    finally:
        await runner.cleanup()


def _is_new(body: Mapping[str, Any], decided: Decided, node: str) -> bool:
    """Whether the conversation is held again: its turn starts where it started, afresh."""
    last = body["messages"][-1]
    return last["role"] == "user" and node == decided.start and decided.outcome != "bounced"


def _wish(body: Mapping[str, Any]) -> tuple[int, int, str] | None:
    for message in reversed(body["messages"]):
        found = _WISH.search(str(message.get("content") or ""))
        if message["role"] == "user" and found:
            return int(found[1]), int(found[2]), found[3]
    return None


def _node(body: Mapping[str, Any]) -> str:
    found = _NODE.search(str(body["messages"][0].get("content")))
    return found[1] if found else NAMES[0]


def _call(name: str) -> dict[str, Any]:
    function = {"name": name, "arguments": "{}"}
    call = {"index": 0, "id": f"call_{name}", "type": "function", "function": function}
    return {"role": "assistant", "tool_calls": [call]}


async def _send(
    response: web.StreamResponse, delta: Mapping[str, Any], *, finish: str | None = None
) -> None:
    await _event(response, {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


async def _event(response: web.StreamResponse, data: Mapping[str, Any]) -> None:
    chunk = {"id": "reply", "object": "chat.completion.chunk", "created": 0, "model": "erring"}
    await response.write(f"data: {json.dumps({**chunk, **data})}\n\n".encode())

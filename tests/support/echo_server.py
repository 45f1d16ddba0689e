"""A server that sends back all that it got: headers, query and body."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web


@asynccontextmanager
async def echoing(*, status: int = 200) -> AsyncIterator[str]:
    """Listen on a free port of loopback.

    Args:
        status: of every answer; what is no 200 has the echo in its error.

    Yields:
        The base URL.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        body = await request.text()
        sent = f"you sent {dict(request.headers)} {request.path_qs} {body}"
        if status != 200:
            return web.json_response({"error": {"message": sent}}, status=status)
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": sent}
        deltas = [{"role": "assistant", "content": part} for part in (sent[:40], sent[40:])]
        for delta in deltas:
            choice = {"index": 0, "delta": delta, "finish_reason": None}
            line = json.dumps({**chunk, "choices": [choice]})
            await response.write(f"data: {line}\n\n".encode())
        last = {"index": 0, "delta": {}, "finish_reason": "stop"}
        await response.write(f"data: {json.dumps({**chunk, 'choices': [last]})}\n\n".encode())
        await response.write(b"data: [DONE]\n\n")
        return response

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}/v1"
    finally:
        await runner.cleanup()

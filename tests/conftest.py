"""For all tests of the harness itself."""

import asyncio

import pytest

from tests.support.clock import skip_waiting

_IDLE_S = 0.02


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """No event loop that this test makes, or runs on, waits for its timers: see `skip_waiting`."""
    plain = asyncio.events.new_event_loop

    def new_event_loop() -> asyncio.AbstractEventLoop:
        loop = plain()
        skip_waiting(loop, idle_s=_IDLE_S)
        return loop

    monkeypatch.setattr(asyncio.events, "new_event_loop", new_event_loop)
    monkeypatch.setattr(asyncio, "new_event_loop", new_event_loop)

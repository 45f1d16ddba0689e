"""For all tests of the harness itself."""

import asyncio
import sys
from collections.abc import Iterator

import pytest

from tests.support.clock import skip_waiting
from tests.support.preloaded_python import PreloadedPython

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


@pytest.fixture(scope="session")
def _preloaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PreloadedPython]:
    python = PreloadedPython(tmp_path_factory.mktemp("python"))
    yield python
    python.close()


@pytest.fixture
def preloaded_python(_preloaded: PreloadedPython, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever starts a Python gets one that has livekit loaded already: see `PreloadedPython`."""
    monkeypatch.setattr(sys, "executable", str(_preloaded.executable))

"""For all tests of the repository: no network beyond this machine, no credentials."""

import gc
import os
import socket
from typing import Any

import pytest

pytest_plugins = ["pytester"]

gc.disable()  # until all is imported: see `pytest_collection_finish`
os.environ["PYTHON_DOTENV_DISABLED"] = "1"  # the agents read a .env at import
_KEYS = ("_API_KEY", "_API_SECRET", "LIVEKIT_URL")
for _name in [name for name in os.environ if name.endswith(_KEYS)]:
    del os.environ[_name]


class NetworkBlockedError(RuntimeError):
    """A test tried to leave this machine."""


def pytest_collection_finish() -> None:
    """Collect garbage from here on, and only in what tests make: what is imported stays."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def _only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections to anything but loopback and local sockets."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _loopback(address[0]):
            raise NetworkBlockedError(f"a test tried to connect to {address!r}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def _loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")

"""A livekit job with no server, no audio and no credentials."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from google.protobuf.json_format import MessageToJson
from livekit.agents import JobContext
from livekit.agents.simulation import Scenario, SimulationDispatch, SimulationMode
from livekit.agents.testing import fake_job_context
from livekit.agents.types import ATTRIBUTE_SIMULATOR_DISPATCH

# LiveKit Inference models refuse to be constructed without these. In a text
# simulation nothing is ever sent with them.
_PLACEHOLDERS = {
    "LIVEKIT_URL": "ws://127.0.0.1:9",
    "LIVEKIT_API_KEY": "no-key",
    "LIVEKIT_API_SECRET": "no-secret-either-these-are-placeholders",
}


def allow_construction() -> None:
    """Let agents construct LiveKit Inference models where no credentials are set."""
    for name, value in _PLACEHOLDERS.items():
        os.environ.setdefault(name, value)


def missing(*names: str) -> list[str]:
    """Those of the environment variables that are not set, our placeholders included."""
    return [name for name in names if os.environ.get(name, "") in {"", _PLACEHOLDERS.get(name)}]


@contextmanager
def text_job(*, label: str = "", userdata: Mapping[str, Any] | None = None) -> Iterator[JobContext]:
    """Stand in a job that LiveKit itself takes for a text simulation.

    STT, TTS and VAD stay off by LiveKit's own switch, whatever the agents bring,
    `get_job_context()` and `current_simulation()` work, and no server is needed.
    """
    dispatch = SimulationDispatch(
        simulation_run_id="handoff-evals",
        mode=SimulationMode.SIMULATION_MODE_TEXT,
        scenario=Scenario(label=label, userdata=json.dumps(dict(userdata or {}), default=str)),
    )
    with fake_job_context() as job:
        job.job.attributes[ATTRIBUTE_SIMULATOR_DISPATCH] = MessageToJson(dispatch)
        try:
            yield job
        finally:
            # The worker would do it; livekit's fake job leaves its folder to the collector.
            job._tempdir.cleanup()  # noqa: SLF001

"""The wheel, built once."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Build the wheel, once for all processes that run tests."""
    here = tmp_path_factory.getbasetemp()
    shared = here if worker_id == "master" else here.parent
    wheels = shared / "wheels"
    wheels.mkdir(exist_ok=True)
    with (shared / "wheels.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not list(wheels.glob("*.whl")):
            build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
            subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [built] = wheels.glob("handoff_evals-*.whl")
    return built

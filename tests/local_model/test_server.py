"""The server's process, with a library in place of xllamacpp that listens to nobody."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from handoff_evals.errors import EngineError, ModelError
from handoff_evals.local_model.catalogue import QWEN
from handoff_evals.local_model.server import LocalServer, Settings, serve, stop_servers
from handoff_evals.local_model.weights import Cache

STAND_IN = """
import json, os, threading

class Params:
    def __init__(self):
        self.model, self.cpuparams, self.cpuparams_batch = Part(), Part(), Part()

class Part:
    pass

CommonParams = Params

class Server:
    listening_address = "http://127.0.0.1:9"

    def __init__(self, params):
        if "broken" in params.model.path:
            raise RuntimeError("Failed to init server")
        if "gone" in params.model.path:
            os._exit(3)
        with open(params.model.path, "a") as file:
            file.write(json.dumps({
                "key": params.api_keys, "context": params.n_ctx, "slots": params.n_parallel,
                "template": getattr(params, "chat_template", None),
                "waits": os.environ["OMP_WAIT_POLICY"],
            }) + "\\n")

    def handle_completions(self, request):
        assert request["n_predict"] == 1

        self.up = True

    def __del__(self):
        if hasattr(self, "up"):
            threading.Event().wait()  # as the real one, when a reply is under way
"""


@pytest.fixture(autouse=True)
def _library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / "xllamacpp.py").write_text(STAND_IN)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))


def settings(tmp_path: Path, name: str = "model.gguf") -> Settings:
    return Settings(path=str(tmp_path / name))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_serves_until_it_is_stopped_even_with_a_reply_under_way(tmp_path: Path) -> None:
    with LocalServer(settings(tmp_path)) as server:
        assert server.base_url == "http://127.0.0.1:9/v1"
        assert alive(server.pid)
    assert not alive(server.pid)
    server.stop()


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = (
        "import os\n"
        "from handoff_evals.local_model.server import LocalServer, Settings\n"
        f"server = LocalServer(Settings(path={str(tmp_path / 'model.gguf')!r}))\n"
        "read, write = os.pipe()\n"
        "print(server.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    # Its end of the pipe was closed when the child ended too: run() waits for that.
    assert int(done.stdout) > 0


def test_the_library_is_told_what_matters(tmp_path: Path) -> None:
    asked = Settings(path=str(tmp_path / "model.gguf"), template="T", context=100, slots=3)
    with LocalServer(asked) as server:
        told = (tmp_path / "model.gguf").read_text()
    assert f'"key": ["{server.api_key}"]' in told
    assert '"context": 300, "slots": 3, "template": "T"' in told


def test_two_servers_have_two_keys(tmp_path: Path) -> None:
    with LocalServer(settings(tmp_path)) as one, LocalServer(settings(tmp_path)) as other:
        assert one.api_key != other.api_key


def test_what_the_library_says_is_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"broken\.gguf' can't be served: .*Failed to init"):
        LocalServer(settings(tmp_path, "broken.gguf"))


def test_a_process_that_ends_at_once_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"gone\.gguf' can't be served: .*ended at once, with 3"):
        LocalServer(settings(tmp_path, "gone.gguf"))


def test_without_the_library_the_error_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("handoff_evals.local_model.server.find_spec", lambda _name: None)
    with pytest.raises(EngineError, match=r"pip install 'handoff-evals\[local\]'"):
        LocalServer(settings(tmp_path))
    with pytest.raises(EngineError, match=r"pip install 'handoff-evals\[local\]'"):
        serve("default")


@pytest.fixture
def stopped() -> object:
    """Stop what the test served."""
    yield None
    stop_servers()


@pytest.mark.usefixtures("stopped")
def test_a_file_is_served_once_in_a_process(tmp_path: Path) -> None:
    path = tmp_path / "some-model.gguf"
    path.touch()
    one, other = serve(path), serve(path)
    assert one == other
    assert one.label == "gguf/some-model"
    assert one.no_tool == ""
    assert len(path.read_text().splitlines()) == 1


@pytest.mark.usefixtures("stopped")
def test_known_weights_are_served_with_their_template_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cache, "path", lambda _cache, weights: tmp_path / weights.file)
    endpoint = serve("default")
    assert endpoint.label == "local/qwen2.5-coder-1.5b+examples"
    assert endpoint.notes == QWEN.limits
    assert endpoint.no_tool == "None: "
    assert "<|im_start|>" in (tmp_path / QWEN.file).read_text()
    assert endpoint.api_key not in repr(endpoint)


def test_a_file_that_is_not_there_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no file .*nothing\.gguf"):
        serve(tmp_path / "nothing.gguf")

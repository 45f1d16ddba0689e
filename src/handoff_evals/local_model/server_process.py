"""The process of the local model's server: it serves until its parent ends.

It takes its settings, and gives the server's address or what went wrong.
"""

import importlib
import os
from threading import Thread
from typing import Any

from handoff_evals.processes import ParentProcess


def _serve(settings: dict[str, Any]) -> Any:
    # Threads that spin while they wait slow whatever else runs on this machine fivefold.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    xllamacpp = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = settings["path"]
    params.n_ctx = settings["context"] * settings["slots"]
    params.n_parallel = settings["slots"]
    params.cache_ram_mib = settings["prompts_mib"]
    threads = len(os.sched_getaffinity(0))
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.api_keys = [settings["api_key"]]
    params.ui = False
    # A context that ends in a reply asks for another reply, not for the rest of that one.
    params.prefill_assistant = False
    params.verbosity = 0
    if settings["template"] is not None:
        params.chat_template = settings["template"]
    server = xllamacpp.Server(params)
    # It listens before it works: only a reply shows that it does.
    server.handle_completions({"prompt": "a", "n_predict": 1})
    return server


def _end_with(parent: ParentProcess) -> None:
    parent.receive()
    # The server's destructor waits for requests that are open, and those may wait for ever.
    os._exit(0)


def _main() -> None:
    parent = ParentProcess()
    settings = parent.receive()
    watch = Thread(target=_end_with, args=(parent,))
    watch.start()
    try:
        server = _serve(settings)
        answer = {"address": server.listening_address}
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent has to hear of it
        answer = {"error": f"{type(error).__name__}: {error}"}
    parent.send(answer)
    watch.join()


if __name__ == "__main__":
    _main()

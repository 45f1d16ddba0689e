"""A Python that has livekit and the harness imported already, so that what it runs is up at once.

Importing costs a process two seconds, and most tests of processes are not about that.
`PreloadedPython` is a fork server that imports everything once, and an executable that takes
`-c CODE` and `-m MODULE` as an interpreter does: the server forks, and the fork gets the
executable's standard streams, folder and environment. Signals reach the fork, and the
executable ends as the fork ends. So whatever starts `sys.executable` starts a true process.

Not for tests of what a process imports, or of how Python itself starts and ends.
"""

import atexit
import contextlib
import gc
import importlib
import io
import marshal
import os
import random
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import traceback
import types
from collections.abc import Sequence
from pathlib import Path

_EXECUTABLE = """\
#!{python} -IS
import _signal, _socket, marshal, os, sys

server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
server.connect({address!r})
early, fork = [], None

def pass_on(number, _frame):
    early.append(number) if fork is None else os.kill(fork, number)

for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
    if _signal.getsignal(number) != _signal.SIG_IGN:
        _signal.signal(number, pass_on)
streams = b"".join(stream.to_bytes(4, sys.byteorder) for stream in (0, 1, 2))
server.sendmsg(
    [marshal.dumps((sys.argv[1:], os.getcwd(), dict(os.environb)))],
    [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)],
)
fork = int(server.recv(100))
for number in early:
    os.kill(fork, number)
status = int(server.recv(100) or -_signal.SIGKILL)
if status < 0:
    if -status != _signal.SIGKILL:
        _signal.signal(-status, _signal.SIG_DFL)
    os.kill(os.getpid(), -status)
os._exit(status)
"""
_LARGEST_REQUEST = 1 << 18
_ROOT = Path(__file__).parents[2]
_PATHS = [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]


class PreloadedPython:
    """The server, and the executable that talks to it.

    Args:
        folder: where the executable and the server's socket go.
    """

    def __init__(self, folder: Path) -> None:
        self.executable = folder / "python"
        address = str(folder / "socket")
        self.executable.write_text(_EXECUTABLE.format(python=sys.executable, address=address))
        self.executable.chmod(0o755)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
            listening.bind(address)
            # Who connects before everything is imported waits until it is.
            listening.listen()
            self._server = subprocess.Popen(
                [sys.executable, __file__, str(listening.fileno())],
                stdin=subprocess.PIPE,
                pass_fds=[listening.fileno()],
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join([str(_ROOT), *_PATHS]),
                    "PYTHONHASHSEED": "0",  # as `diff` starts its workers
                    "OPENBLAS_NUM_THREADS": "1",  # a fork inherits no threads
                },
            )

    def close(self) -> None:
        """End the server and all that it forked."""
        self._server.communicate()


class _Server:
    """Forks for each client; ends with its standard input."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self._selector = selectors.DefaultSelector()
        self._forks: dict[socket.socket, tuple[int, int]] = {}
        """By client: the pid of its fork, and a descriptor of that process."""

    def serve(self) -> None:
        """Fork until standard input is closed."""
        self._selector.register(self._listening, selectors.EVENT_READ, self._accept)
        self._selector.register(0, selectors.EVENT_READ, None)
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    for pid, _ in self._forks.values():
                        os.kill(pid, signal.SIGKILL)
                    return
                key.data()

    def _accept(self) -> None:
        client, _ = self._listening.accept()
        request, streams, _, _ = socket.recv_fds(client, _LARGEST_REQUEST, 3)
        if not request:  # the client was killed before it could ask
            client.close()
            return
        pid = os.fork()
        if pid == 0:
            self._leave_to_the_parent(client)
            words, folder, environment = marshal.loads(request)  # noqa: S302 - our own executable's
            os._exit(_become(words, Path(os.fsdecode(folder)), environment, streams))
        for stream in streams:
            os.close(stream)
        process = os.pidfd_open(pid)
        self._forks[client] = (pid, process)
        client.send(b"%d" % pid)
        self._selector.register(client, selectors.EVENT_READ, lambda: self._killed(client))
        self._selector.register(process, selectors.EVENT_READ, lambda: self._ended(client))

    def _killed(self, client: socket.socket) -> None:
        """The client is gone: somebody killed it, and meant the fork."""
        if client in self._forks:
            self._selector.unregister(client)
            os.kill(self._forks[client][0], signal.SIGKILL)

    def _ended(self, client: socket.socket) -> None:
        pid, process = self._forks.pop(client)
        self._selector.unregister(process)
        os.close(process)
        _, status = os.waitpid(pid, 0)
        with contextlib.suppress(ConnectionError):
            client.send(b"%d" % os.waitstatus_to_exitcode(status))
        with contextlib.suppress(KeyError):
            self._selector.unregister(client)
        client.close()

    def _leave_to_the_parent(self, client: socket.socket) -> None:
        self._selector.close()
        self._listening.close()
        client.close()
        for other, (_, process) in self._forks.items():
            other.close()
            os.close(process)


def _become(
    words: list[str], folder: Path, environment: dict[bytes, bytes], streams: Sequence[int]
) -> int:
    """Be the process that was asked for.

    Returns:
        Its exit code.
    """
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update({os.fsdecode(name): os.fsdecode(each) for name, each in environment.items()})
    signal.signal(signal.SIGINT, signal.default_int_handler)
    random.seed()
    paths = [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
    sys.path[:] = [*paths, *(each for each in sys.path if each not in _PATHS)]
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.FileIO(0), "utf-8")  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _printing_to(1, "strict")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _printing_to(2, "backslashreplace")  # type: ignore[misc]
    code = _run(words)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except OSError:
        return 120
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def _printing_to(stream: int, errors: str) -> io.TextIOWrapper:
    unbuffered = stream == 2 or bool(os.environ.get("PYTHONUNBUFFERED"))
    raw = io.FileIO(stream, "w", closefd=False)
    file = raw if unbuffered else io.BufferedWriter(raw)
    return io.TextIOWrapper(file, "utf-8", errors, write_through=unbuffered)


def _run(words: list[str]) -> int:
    """Run code or a module as an interpreter does.

    Returns:
        The exit code; a negative one is that of a signal.
    """
    kind, what, *arguments = words[1:] if words[0] == "-u" else words
    sys.argv = [kind, *arguments]
    try:
        if kind == "-c":
            sys.path.insert(0, "")
            sys.modules["__main__"] = main = types.ModuleType("__main__")
            exec(compile(what, "<string>", "exec"), main.__dict__)  # noqa: S102 - it was asked for
        elif kind == "-m":
            sys.path.insert(0, str(Path.cwd()))
            sys.modules.pop(what, None)  # it is run anew
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            print(f"{words!r}: only [-u] -c CODE and [-u] -m MODULE can be run", file=sys.stderr)
            return 2
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        traceback.print_exc()
        return -signal.SIGINT
    except BaseException:  # noqa: BLE001 - as an interpreter does
        traceback.print_exc()
        return 1
    return 0


def _main() -> None:
    sys.path.pop(0)  # the folder of this file, which an interpreter would not have
    listening = socket.socket(fileno=int(sys.argv[1]))
    sys.executable = str(Path(listening.getsockname()).with_name("python"))
    importlib.import_module("tests.support.imports").import_everything()
    importlib.import_module("livekit.plugins.openai")
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1:
        raise RuntimeError(f"an import started {threads - 1} threads, which a fork does not have")
    gc.collect()
    gc.freeze()
    _Server(listening).serve()


if __name__ == "__main__":
    _main()

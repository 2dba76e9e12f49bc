"""Downloads show progress, resume, are checked, and never happen twice.

The hub is a real server on this machine.
"""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from prism_desktop.engine.backbones import fetch, parse, weights_path
from prism_desktop.engine.backbones.weight_files import checksum, folder
from prism_desktop.engine.errors import BackboneError
from prism_desktop.engine.events import Done, Progress

SPEC = parse("ViT-B-32:openai")
CONTENT = bytes(range(256)) * (3 * 4096)  # 3 MiB: several chunks


@dataclass
class Hub:
    """What the server does, and what it was asked."""

    sha256: str = hashlib.sha256(CONTENT).hexdigest()
    status: int = 200
    stop_after: int | None = None  # bytes, then the connection breaks
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # path and range


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.asked.append((self.path, self.headers.get("Range")))
            if self.path != "/storage":
                self.send_response(302 if hub.status == 200 else hub.status)
                self.send_header("Location", "/storage")
                self.send_header("X-Linked-Etag", f'"{hub.sha256}"')
                self.send_header("X-Linked-Size", str(len(CONTENT)))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
            if start >= len(CONTENT):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(CONTENT) - start))
            self.end_headers()
            self.wfile.write(CONTENT[start : hub.stop_after])

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield hub
    server.shutdown()
    thread.join()
    server.server_close()


def test_that_a_download_shows_progress_and_ends_with_the_checked_file(hub: Hub) -> None:
    *progress, done = list(fetch(SPEC))
    assert isinstance(done, Done)
    assert done.value.read_bytes() == CONTENT
    assert done.value.is_relative_to(folder(SPEC))
    assert all(isinstance(event, Progress) and event.total == len(CONTENT) for event in progress)
    shown = [event.done for event in progress if isinstance(event, Progress)]
    assert shown == sorted(shown)
    assert shown[-1] == len(CONTENT)
    assert (
        hub.asked[0][0]
        == "/timm/vit_base_patch32_clip_224.openai/resolve/main/open_clip_model.safetensors"
    )
    assert checksum(SPEC, done.value) == hub.sha256


def test_that_what_is_in_the_cache_is_not_asked_for_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(fetch(SPEC))
    asked = len(hub.asked)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    assert [type(event) for event in fetch(SPEC)] == [Done]
    assert len(hub.asked) == asked


def test_that_a_cancelled_download_goes_on_where_it_stopped(hub: Hub) -> None:
    work = fetch(SPEC)
    next(work)
    work.close()
    assert weights_path(SPEC) is None
    *_, done = list(fetch(SPEC))
    assert isinstance(done, Done)
    assert done.value.read_bytes() == CONTENT
    assert hub.asked[-1][1] == f"bytes={1 << 20}-"


def test_that_a_broken_connection_keeps_what_arrived(hub: Hub) -> None:
    hub.stop_after = 2 << 20
    with pytest.raises(BackboneError, match=r"cannot be downloaded.*prism-mini.*:PATH"):
        list(fetch(SPEC))
    hub.stop_after = None
    *_, done = list(fetch(SPEC))
    assert isinstance(done, Done)
    assert done.value.read_bytes() == CONTENT
    assert hub.asked[-1][1] == f"bytes={2 << 20}-"


def test_that_a_download_with_another_checksum_is_deleted(hub: Hub) -> None:
    hub.sha256 = "0" * 64
    with pytest.raises(BackboneError, match="damaged"):
        list(fetch(SPEC))
    assert [path.suffix for path in folder(SPEC).iterdir()] == [".lock"]


def test_that_a_tag_without_safetensors_is_not_taken_as_a_pickle(hub: Hub) -> None:
    hub.status = 404
    with pytest.raises(BackboneError, match="not offered as safetensors"):
        list(fetch(SPEC))
    assert all(path.endswith(".safetensors") for path, _ in hub.asked)


def test_that_a_refusal_of_the_hub_is_a_sentence(hub: Hub) -> None:
    hub.status = 503
    with pytest.raises(BackboneError, match=r"refused .*503.*prism-mini"):
        list(fetch(SPEC))


def test_that_a_leftover_of_another_file_does_not_block_the_next_try(hub: Hub) -> None:
    folder(SPEC).mkdir(parents=True)
    (folder(SPEC) / "open_clip_model.part").write_bytes(CONTENT + b"more")
    with pytest.raises(BackboneError, match="416"):
        list(fetch(SPEC))
    assert isinstance(list(fetch(SPEC))[-1], Done)


def test_that_a_machine_told_to_stay_offline_asks_nothing(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(BackboneError, match=r"HF_HUB_OFFLINE is set.*prism-mini"):
        list(fetch(SPEC))
    assert hub.asked == []


def test_that_without_a_network_one_sentence_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(
        BackboneError, match=r"not on this machine.*prism-mini.*ViT-B-32-quickgelu:PATH"
    ):
        list(fetch(SPEC))


def test_that_a_file_changed_after_the_download_is_noticed(hub: Hub) -> None:
    list(fetch(SPEC))
    path = weights_path(SPEC)
    assert path is not None
    path.write_bytes(CONTENT[::-1])
    with pytest.raises(BackboneError, match="not as it was downloaded"):
        checksum(SPEC, path)
    path.write_bytes(CONTENT[:100])
    with pytest.raises(BackboneError, match="not as it was downloaded"):
        weights_path(SPEC)


def test_that_a_local_file_is_never_fetched(tmp_path: Path, hub: Hub) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"anything")
    assert list(fetch(parse(f"ViT-B-32:{path}"))) == [Done(path)]
    assert hub.asked == []

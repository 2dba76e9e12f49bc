"""A language model from the hub: all of its files, checked, of one revision, and never twice.

The hub is a real server on this machine.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from prism_desktop.engine.backbones import fetch, parse, weights_path
from prism_desktop.engine.backbones.language_files import language_checksum, language_folder
from prism_desktop.engine.errors import BackboneError
from prism_desktop.engine.events import Done, Progress

SPEC = parse("lm:owner/small")
WEIGHTS = (2).to_bytes(8, "little") + b"{}" + bytes(3 << 20)  # several chunks


@dataclass
class Repository:
    """What the server has, and what it was asked."""

    files: dict[str, bytes] = field(
        default_factory=lambda: {
            "config.json": b'{"model_type": "llama"}',
            "tokenizer.json": b"{}",
            "model.safetensors": WEIGHTS,
        }
    )
    names: dict[str, str] = field(default_factory=dict)  # file -> etag, where it is a false one
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    hub = Repository()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.asked.append(self.path)
            owner, _, rest = self.path.partition("/resolve/")
            _, _, name = rest.partition("/")
            content = hub.files.get(name)
            if owner != "/owner/small" or content is None:
                self.send_error(404)
                return
            git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            large = hashlib.sha256(content).hexdigest()
            self.send_response(200)
            self.send_header(
                "ETag", f'"{hub.names.get(name, git if len(content) < 999 else large)}"'
            )
            self.send_header("X-Repo-Commit", "c0ffee")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

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


def test_that_every_file_arrives_of_one_revision_with_progress(hub: Repository) -> None:
    *progress, done = list(fetch(SPEC))
    assert isinstance(done, Done)
    assert done.value.read_bytes() == WEIGHTS
    assert all(isinstance(event, Progress) for event in progress)
    assert {event.what for event in progress if isinstance(event, Progress)} == {
        f"Downloading owner/small ({name})" for name in hub.files
    }
    assert hub.asked[0].split("/")[-2] == "main"
    assert {path.split("/")[-2] for path in hub.asked[1:]} == {"c0ffee"}
    assert weights_path(SPEC) == done.value


def test_that_what_arrived_is_not_asked_for_again(hub: Repository, monkeypatch) -> None:
    list(fetch(SPEC))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    assert [type(event) for event in fetch(SPEC)] == [Done]


def test_that_two_at_once_download_once(hub: Repository) -> None:
    first, second = fetch(SPEC), fetch(SPEC)
    assert next(first).what.startswith("Downloading")
    assert next(second).what == "Waiting for another download of owner/small"
    assert isinstance(list(first)[-1], Done)
    hub.asked.clear()
    (done,) = [event for event in second if isinstance(event, Done)]
    assert done.value.read_bytes() == WEIGHTS
    assert hub.asked == []


def test_that_a_cancelled_download_keeps_the_files_that_arrived(hub: Repository) -> None:
    work = fetch(SPEC)
    while "model.safetensors" not in next(work).what:
        pass
    work.close()
    assert weights_path(SPEC) is None
    hub.asked.clear()
    assert isinstance(list(fetch(SPEC))[-1], Done)
    assert not any(path.endswith(("/config.json", "/tokenizer.json")) for path in hub.asked)


def test_that_shards_are_fetched_and_names_of_files_elsewhere_are_not(hub: Repository) -> None:
    hub.files["part-1.safetensors"] = hub.files.pop("model.safetensors")
    hub.files["model.safetensors.index.json"] = json.dumps(
        {"weight_map": {"a": "part-1.safetensors", "b": "../../evil.safetensors"}}
    ).encode()
    list(fetch(SPEC))
    assert weights_path(SPEC) == language_folder(SPEC) / "part-1.safetensors"
    assert not any("evil" in path for path in hub.asked)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_that_a_file_with_another_checksum_is_deleted(hub: Repository, name: str) -> None:
    hub.names[name] = "0" * (40 if name == "config.json" else 64)
    with pytest.raises(BackboneError, match="damaged"):
        list(fetch(SPEC))
    assert not (language_folder(SPEC) / name).exists()


def test_that_a_model_that_is_a_pickle_alone_is_refused(hub: Repository) -> None:
    hub.files["pytorch_model.bin"] = hub.files.pop("model.safetensors")
    with pytest.raises(BackboneError, match=r"not offered as safetensors.*prism-mini-lm"):
        list(fetch(SPEC))
    assert not any(path.endswith(".bin") for path in hub.asked)


def test_that_a_name_that_the_hub_lacks_is_a_sentence(hub: Repository) -> None:
    with pytest.raises(BackboneError, match=r"hub has no config.json of it.*prism-mini-lm"):
        list(fetch(parse("lm:nobody/nothing")))


def test_that_without_a_network_one_sentence_says_what_to_do(monkeypatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(BackboneError, match=r"not on this machine.*prism-mini-lm.*lm:FOLDER"):
        list(fetch(SPEC))


def test_that_a_file_changed_after_the_download_is_noticed(hub: Repository) -> None:
    list(fetch(SPEC))
    tokenizer = language_folder(SPEC) / "tokenizer.json"
    tokenizer.write_bytes(b"[]")  # of the same size
    with pytest.raises(BackboneError, match="not as it was downloaded"):
        language_checksum(SPEC)

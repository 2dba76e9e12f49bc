"""The download of weights from the Hugging Face hub, with progress and a checksum, into a folder
that the user can see.

A download is resumed where it broke off, is checked against the SHA-256 that the hub states, and
nothing tries the network once the file is there.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import socket
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from filelock import Timeout

from prism_desktop.engine.backbone_names import LANGUAGE, MINI_LM
from prism_desktop.engine.backbones import language_files
from prism_desktop.engine.backbones.light_import import import_open_clip
from prism_desktop.engine.backbones.spec import MINI, BackboneSpec
from prism_desktop.engine.backbones.weight_files import FILE, Source, folder, weights_path
from prism_desktop.engine.errors import BackboneError, DiskFullError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.files import (
    append,
    lock,
    make_folder,
    move,
    remove,
    write_all,
    write_json,
)
from prism_desktop.engine.foreign_files import (
    MAX_RECORD,
    MAX_WEIGHTS,
    is_plain_file,
    open_foreign,
)
from prism_desktop.engine.json_files import read_json

_CHUNK = 1 << 20
_TIMEOUT = 30.0  # seconds without a byte
_LOCK = "download.lock"
_POLL = 0.5  # seconds between two looks at whether another download has ended


def fetch(spec: BackboneSpec) -> Iterator[Event[Path]]:
    """Make sure that a backbone's weights are on this machine.

    Closing the generator cancels the download; what has arrived is kept for the next try.

    Yields:
        Progress in bytes while downloading, then Done with the weights' path. Without a download
        only Done.

    Raises:
        BackboneError: if the machine is offline, the tag is unknown or has no safetensors, or the
            checksum differs.
    """
    path = weights_path(spec)
    if path is not None:
        yield Done(path)
        return
    language = spec.kind == "language"
    place = language_files.language_folder(spec) if language else folder(spec)
    try:
        make_folder(place)
        if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
            raise urllib.error.URLError("HF_HUB_OFFLINE is set")
        target = yield from _alone(spec, place)
    except urllib.error.HTTPError as error:
        with error:  # it is the hub's open reply
            raise _refused(spec, error) from error
    except (
        urllib.error.URLError,
        http.client.HTTPException,
        TimeoutError,
        ConnectionError,
        socket.gaierror,
    ) as error:
        raise BackboneError(
            f"The weights of {spec.title} are not on this machine and cannot be downloaded "
            f"({_reason(error)}). Connect to the internet and try again, {_otherwise(spec)}."
        ) from error
    except OSError as error:
        raise DiskFullError(
            f"The weights of {spec.title} cannot be stored in {place}: {error.strerror}."
        ) from error
    yield Done(target)


def _alone(spec: BackboneSpec, place: Path) -> Generator[Progress, None, Path]:
    """Download weights, once nobody else does; who waited for that may find them there."""
    held = lock(place / _LOCK)
    while True:
        try:
            held.acquire(timeout=_POLL)
            break
        except Timeout:
            yield Progress(0, None, f"Waiting for another download of {spec.title}")
    try:
        target = weights_path(spec)
        if target is None and spec.kind == "language":
            target = yield from _language_model(spec, place)
        elif target is None:
            target = place / FILE
            source = yield from _download(_url(spec), target, spec.title)
            write_json(place / "source.json", asdict(source))
        return target
    finally:
        held.release()


def _otherwise(spec: BackboneSpec) -> str:
    """What can be used in place of a download."""
    if spec.kind == "language":
        return f"use the embedded {MINI_LM}, or name a local folder as {LANGUAGE}FOLDER"
    return (
        f"use the embedded backbone {MINI}, or name a local safetensors file as {spec.model}:PATH"
    )


def _language_model(spec: BackboneSpec, place: Path) -> Generator[Progress, None, Path]:
    """Every file of a language model, all of one revision; those that arrived before are kept."""
    arrived: dict[str, dict[str, Any]] = {}
    known = read_json(place / language_files.SOURCE) or {}
    revision = str(known.get("revision") or "")

    def one(name: str, *, optional: bool = False) -> Generator[Progress, None, bool]:
        nonlocal revision
        target, before = place / name, known.get("files", {}).get(name)
        if before and is_plain_file(target) and target.stat().st_size == before["size"]:
            arrived[name] = before
            return True
        url = f"{_hub()}/{spec.model}/resolve/{revision or 'main'}/{name}"
        try:
            source = yield from _download(url, target, f"{spec.title} ({name})")
        except urllib.error.HTTPError as error:
            if optional and error.code == 404:
                error.close()
                return False
            raise
        revision = revision or source.revision
        arrived[name] = {"size": source.size, "sha256": source.sha256}
        _note(place, spec, revision, arrived, whole=False)
        return True

    yield from one(language_files.CONFIG)
    yield from one(language_files.TOKENIZER)
    for name in (language_files.TOKENIZER_CONFIG, language_files.TEMPLATE):
        yield from one(name, optional=True)
    if (yield from one(language_files.INDEX, optional=True)):
        index = read_json(place / language_files.INDEX) or {}
        for name in language_files.shards(index):
            yield from one(name)
    else:
        yield from one(language_files.WEIGHTS)
    _note(place, spec, revision, arrived, whole=True)
    return language_files.weight_list(place, spec)[0]


def _note(
    place: Path, spec: BackboneSpec, revision: str, files: dict[str, dict[str, Any]], *, whole: bool
) -> None:
    said = {"whole": whole, "from": spec.model, "revision": revision, "files": files}
    write_json(place / language_files.SOURCE, said)


def _hub() -> str:
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def _url(spec: BackboneSpec) -> str:
    """The hub's address of a tag's safetensors, from open_clip's registry."""
    config = import_open_clip().get_pretrained_cfg(spec.model, spec.source)
    if not config:
        raise BackboneError(f"open_clip knows no weights {spec.text!r}.")
    repository, _, file = str(config.get("hf_hub", "")).rpartition("/")
    if not repository:
        raise BackboneError(
            f"{spec.text} is not on the Hugging Face hub; name a local safetensors file as "
            f"{spec.model}:PATH."
        )
    name = re.sub(r"\.(bin|pth)$", ".safetensors", file) if file else FILE
    return f"{_hub()}/{repository}/resolve/main/{name}"


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Remembers what the hub says of a file before it sends us on to its storage."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}

    def redirect_request(
        self, req: Any, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        self.said |= {key.lower(): value for key, value in headers.items()}
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(url: str, target: Path, title: str) -> Generator[Progress, None, Source]:
    """Load the file beside its place, going on where an earlier download was cut off.

    The hub tells size and hash in the reply, or in the one that redirects to its storage; a file
    that differs is deleted, and only one that agrees gets its name.
    """
    part = target.with_suffix(".part")
    digest = hashlib.sha256()
    done = part.stat().st_size if part.is_file() else 0
    redirects = _Redirects()
    request = urllib.request.Request(url, headers={"User-Agent": "prism-desktop"})
    if done:
        request.add_header("Range", f"bytes={done}-")
    with _opened(redirects, request, part) as reply:
        said = {key.lower(): value for key, value in reply.headers.items()} | redirects.said
        if reply.status == 206:
            with open_foreign(part, MAX_WEIGHTS) as file:
                digest = hashlib.file_digest(file, "sha256")
        else:
            done = 0
        size = int(
            said.get("x-linked-size") or done + int(reply.headers.get("Content-Length") or 0)
        )
        with append(part) as file:
            file.truncate(done)
            while chunk := reply.read(_CHUNK):
                write_all(file, chunk)
                digest.update(chunk)
                done += len(chunk)
                yield Progress(done, size or None, f"Downloading {title}")
            os.fsync(file.fileno())
    if (size and done < size) or not done:
        raise http.client.IncompleteRead(b"", size - done)
    expected = (said.get("x-linked-etag") or said.get("etag") or "").removeprefix("W/").strip('"')
    names = _names_of(part, digest.hexdigest(), len(expected))
    if names and expected not in names:
        remove(part)
        raise BackboneError(
            f"The download of {title} arrived damaged (its checksum differs) and was deleted; "
            "try again."
        )
    move(part, target)
    return Source(url, digest.hexdigest(), done, said.get("x-repo-commit", ""))


def _opened(redirects: _Redirects, request: urllib.request.Request, part: Path) -> Any:
    """The hub's reply; what is there of a file is deleted where it is longer than the file, for it
    is not its beginning."""
    try:
        return urllib.request.build_opener(redirects).open(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416:
            remove(part)
        raise


def _names_of(part: Path, sha256: str, length: int) -> tuple[str, ...]:
    """What the hub may call this content: by its SHA-256 if it is large, else by the SHA-1 that
    git gives it; names of another length are of another kind, and say nothing."""
    if length == 64:
        return (sha256,)
    if length == 40:
        with open_foreign(part, MAX_RECORD) as file:
            content = file.read()
        return (hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(),)
    return ()


def _refused(spec: BackboneSpec, error: urllib.error.HTTPError) -> BackboneError:
    if spec.kind == "language":
        name = str(error.url).rpartition("/")[2]
        if error.code == 404 and name == language_files.WEIGHTS:
            return language_files.unusable(
                spec,
                "it is not offered as safetensors, and pickled weights are not read because they "
                "can run code",
            )
        why = (
            f"the Hugging Face hub has no {name} of it"
            if error.code == 404
            else f"the Hugging Face hub refused {name} ({error.code} {error.reason})"
        )
        return language_files.unusable(spec, why)
    if error.code == 404:
        return BackboneError(
            f"{spec.text} is not offered as safetensors, and pickled weights are not read because "
            "they can run code. Convert them where you trust them and name the file as "
            f"{spec.model}:PATH."
        )
    return BackboneError(
        f"The Hugging Face hub refused {spec.text} ({error.code} {error.reason}). Try again later, "
        f"use the embedded backbone {MINI}, or name a local safetensors file as {spec.model}:PATH."
    )


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", "") or error or type(error).__name__)

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
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from prism_desktop.engine.backbones.light_import import import_open_clip
from prism_desktop.engine.backbones.spec import MINI, BackboneSpec
from prism_desktop.engine.backbones.weight_files import FILE, Source, folder, weights_path
from prism_desktop.engine.errors import BackboneError, DiskFullError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.files import append, make_folder, move, remove, write_all, write_json
from prism_desktop.engine.foreign_files import MAX_WEIGHTS, open_foreign

_CHUNK = 1 << 20
_TIMEOUT = 30.0  # seconds without a byte


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
    target = folder(spec) / FILE
    try:
        make_folder(target.parent)
        url = _url(spec)
        if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
            raise urllib.error.URLError("HF_HUB_OFFLINE is set")
        yield from _download(url, target, spec)
    except urllib.error.HTTPError as error:
        with error:  # it is the hub's open reply
            # what is there is longer than the file: it is not this file's beginning
            if error.code == 416:
                remove(target.with_suffix(".part"))
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
            f"({_reason(error)}). Connect to the internet and try again, use the embedded backbone "
            f"{MINI}, or name a local safetensors file as {spec.model}:PATH."
        ) from error
    except OSError as error:
        raise DiskFullError(
            f"The weights of {spec.title} cannot be stored in {target.parent}: {error.strerror}."
        ) from error
    yield Done(target)


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
    hub = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    return f"{hub}/{repository}/resolve/main/{name}"


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Remembers what the hub says of a file before it sends us on to its storage."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}

    def redirect_request(
        self, req: Any, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        self.said |= {key.lower(): value for key, value in headers.items()}
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(url: str, target: Path, spec: BackboneSpec) -> Iterator[Progress]:
    """Load the file beside its place, going on where an earlier download was cut off.

    The hub tells size and hash in the reply that redirects to its storage; a file that differs is
    deleted, and only one that agrees gets its name.
    """
    part = target.with_suffix(".part")
    digest = hashlib.sha256()
    done = part.stat().st_size if part.is_file() else 0
    redirects = _Redirects()
    request = urllib.request.Request(url, headers={"User-Agent": "prism-desktop"})
    if done:
        request.add_header("Range", f"bytes={done}-")
    with urllib.request.build_opener(redirects).open(request, timeout=_TIMEOUT) as reply:
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
                yield Progress(done, size or None, f"Downloading {spec.title}")
            os.fsync(file.fileno())
    expected = said.get("x-linked-etag", "").strip('"')
    if (size and done < size) or not done:
        raise http.client.IncompleteRead(b"", size - done)
    if len(expected) == 64 and digest.hexdigest() != expected:
        remove(part)
        raise BackboneError(
            f"The download of {spec.title} arrived damaged (its checksum differs) and was deleted; "
            "try again."
        )
    source = Source(url, digest.hexdigest(), done, said.get("x-repo-commit", ""))
    move(part, target)
    write_json(target.parent / "source.json", asdict(source))


def _refused(spec: BackboneSpec, error: urllib.error.HTTPError) -> BackboneError:
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

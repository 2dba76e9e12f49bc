"""The files of weights on this machine: where they lie, whether they are whole, and that they are
no pickle.

Needs no torch.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from prism_desktop.engine import paths
from prism_desktop.engine.backbones import language_files
from prism_desktop.engine.backbones.no_pickles import check_safetensors
from prism_desktop.engine.backbones.spec import KNOWN, MINI, BackboneSpec, known_networks, parse
from prism_desktop.engine.errors import BackboneError
from prism_desktop.engine.foreign_files import (
    MAX_WEIGHTS,
    is_plain_file,
    plain_file,
    read_text,
    sha256,
)
from prism_desktop.engine.stimulus_words import StimulusKind

FILE = "open_clip_model.safetensors"
_SOURCE = "source.json"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a cached file came from; written beside it as `source.json`."""

    url: str
    sha256: str
    size: int
    revision: str  # the hub's commit


def folder(spec: BackboneSpec) -> Path:
    """The cache folder of a pretrained backbone."""
    return paths.cache() / "backbones" / re.sub(r"[^\w.-]", "_", f"{spec.model}--{spec.source}")


def cached(spec: BackboneSpec) -> Path | None:
    """The downloaded weights, None if they are not here yet.

    Raises:
        BackboneError: if the file has not the size that was downloaded, or nobody knows which.
    """
    path = folder(spec) / FILE
    if not is_plain_file(path) or not is_plain_file(folder(spec) / _SOURCE):
        return None
    if path.stat().st_size != _source(spec).size:
        raise _changed(spec)
    return path


def weights_path(spec: BackboneSpec) -> Path | None:
    """Where the weights lie on this machine; None if they have to be downloaded.

    Raises:
        BackboneError: if a local file that the user named does not exist or cannot be read.
    """
    if spec.kind == "pretrained":
        return cached(spec)
    if spec.kind == "language":
        return language_files.language_weights(spec)
    path = (
        local_folder(spec) / "weights.safetensors"
        if spec.kind == "folder"
        else paths.typed(spec.source)
    )
    try:
        plain_file(path, MAX_WEIGHTS)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # of a name with a zero byte
        raise _unusable(spec, path, "does not exist") from None
    except OSError as error:
        raise _unusable(spec, path, f"cannot be read ({error.strerror})") from error
    return path


def _unusable(spec: BackboneSpec, path: Path, why: str) -> BackboneError:
    return BackboneError(
        f"The weights file {path} {why}; check the path of the backbone {spec.text!r}."
    )


def on_disk(spec: BackboneSpec) -> bool:
    """Whether a network's weights are on this machine, whole as far as their size tells."""
    try:
        return weights_path(spec) is not None
    except (BackboneError, OSError):
        return False


def downloaded(kind: StimulusKind = "image") -> tuple[str, ...]:
    """The networks for stimuli of a kind that were downloaded to this machine, those offered by
    name first."""
    if kind == "text":
        offered = known_networks(kind).items()
        return tuple(text for text, network in offered if network.download and on_disk(parse(text)))
    try:
        names = sorted(entry.name for entry in (paths.cache() / "backbones").iterdir())
    except OSError:
        names = []
    found = {text: parse(text) for text in KNOWN if KNOWN[text].download}
    for name in names:
        model, dashes, tag = name.partition("--")
        if dashes and model and tag:
            spec = parse(f"{model}:{tag}")
            found[spec.text] = spec
    return tuple(
        text for text, spec in found.items() if spec.kind == "pretrained" and on_disk(spec)
    )


def checksum(spec: BackboneSpec, path: Path) -> str:
    """SHA-256 of the weights, hexadecimal.

    Raises:
        BackboneError: if downloaded weights are not what was downloaded.
    """
    digest = sha256(path)
    if spec.kind == "pretrained" and digest != _source(spec).sha256:
        raise _changed(spec)
    return digest


def check_backbone(text: str | None) -> None:
    """As `check_weights`, of what a user wrote; None is no choice."""
    if text is not None:
        check_weights(parse(text))


def check_weights(spec: BackboneSpec) -> None:
    """Refuse weights that could not be read, as far as their first bytes tell, before any work.

    Raises:
        BackboneError: a file that the user named is not there, no safetensors, or not whole.
    """
    if spec.kind == "embeddings" or (spec.kind == "folder" and spec.model == MINI):
        return
    if spec.kind == "language":
        language_files.check_language_model(spec)
        return
    path = weights_path(spec)
    if path is not None:  # else it is downloaded first
        check_safetensors(path)


def local_folder(spec: BackboneSpec) -> Path:
    """The folder of a backbone that is a folder: the embedded one or one the user made."""
    return paths.resources() / MINI if spec.model == MINI else paths.typed(spec.model)


def _source(spec: BackboneSpec) -> Source:
    try:
        return Source(**json.loads(read_text(folder(spec) / _SOURCE)))
    except (ValueError, TypeError, RecursionError) as error:
        raise _changed(spec) from error


def _changed(spec: BackboneSpec) -> BackboneError:
    place = folder(spec)
    return BackboneError(
        f"{place / FILE} is not as it was downloaded; delete the folder {place} and fetch it again."
    )

"""The files of language models on this machine: where they lie, and that nothing in them runs code.

A model is a folder as transformers writes it: config.json, safetensors, tokenizer.json. A GGUF file
is made into such a folder once, in the cache. Needs no torch.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from prism_desktop.engine import paths
from prism_desktop.engine.backbone_names import LANGUAGE, MINI_LM
from prism_desktop.engine.backbones.no_pickles import PICKLED, check_safetensors
from prism_desktop.engine.backbones.spec import BackboneSpec
from prism_desktop.engine.errors import BackboneError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.foreign_files import (
    MAX_WEIGHTS,
    is_plain_file,
    open_foreign,
    read_foreign,
    sha256,
)
from prism_desktop.engine.json_files import parse_json, read_json
from prism_desktop.engine.plain_text import clause

CONFIG: Final = "config.json"
TOKENIZER: Final = "tokenizer.json"
TOKENIZER_CONFIG: Final = "tokenizer_config.json"
TEMPLATE: Final = "chat_template.jinja"
WEIGHTS: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"
SOURCE: Final = "source.json"  # where a downloaded or converted model came from
_SHARD: Final = re.compile(r"[\w-][\w.-]*\.safetensors", re.ASCII)
_LAYERS: Final = ("num_hidden_layers", "num_layers", "n_layer", "n_layers")
_MOST_LAYERS: Final = 1_000
_TICK: Final = 2.0  # s, no clock of a file system is coarser
_CONVERSION: Final = 1  # of how GGUF files are made into folders
_RUNS_CODE: Final = {
    "auto_map": "asks to run a program of its own",
    "quantization_config": "is quantised in a form that needs other programs",
}


def language_folder(spec: BackboneSpec) -> Path:
    """The folder with a language model's files; of a GGUF file the one it is made into."""
    if spec.source == "embedded":
        return paths.resources() / MINI_LM
    if spec.source == "folder":
        return paths.typed(spec.model)
    if spec.source == "hub":
        return _cache() / spec.model.replace("/", "--")
    return _cache() / f"gguf-{sha256(paths.typed(spec.model))[:16]}-{_CONVERSION}"


def language_weights(spec: BackboneSpec) -> Path | None:
    """The first file of a model's weights; None if it has to be downloaded.

    Raises:
        BackboneError: what the user named is not there or cannot be used.
    """
    if spec.source == "gguf":
        path = paths.typed(spec.model)
        if not is_plain_file(path):
            raise unusable(spec, f"the file {path} does not exist or cannot be read")
        return path
    folder = language_folder(spec)
    if spec.source == "hub" and not is_whole(folder):
        return None
    return weight_list(folder, spec)[0]


def is_whole(folder: Path) -> bool:
    """Whether everything of a downloaded or converted model has arrived, by name and size."""
    try:
        files = read_source(folder)["files"]
        return bool(files) and all(
            is_plain_file(folder / name) and (folder / name).stat().st_size == one["size"]
            for name, one in files.items()
        )
    except (OSError, ValueError, TypeError, LookupError):
        return False


def read_source(folder: Path) -> Mapping[str, Any]:
    """What `source.json` says; raises OSError or ValueError where it says nothing."""
    found = parse_json(read_foreign(folder / SOURCE))
    if not isinstance(found, dict) or not found.get("whole"):
        raise ValueError("it is not complete")
    return found


def check_language_model(spec: BackboneSpec) -> None:
    """Refuse, before any work, what could not be read or would run code.

    Raises:
        BackboneError: with what is wrong and the way out.
    """
    if spec.source == "embedded" or language_weights(spec) is None:  # else it is downloaded first
        return
    if spec.source == "gguf":
        _check_gguf(paths.typed(spec.model), spec)
        return
    folder = language_folder(spec)
    read_config(folder, spec)
    for path in weight_list(folder, spec):
        check_safetensors(path)
    if not is_plain_file(folder / TOKENIZER):
        raise unusable(spec, f"{folder} has no {TOKENIZER}; save the fast tokenizer there")


def read_config(folder: Path, spec: BackboneSpec) -> dict[str, Any]:
    """A model's config, once nothing in it or beside it runs code.

    Raises:
        BackboneError: it cannot be read, or the model asks for more than transformers has.
    """
    if (folder / "adapter_config.json").exists():
        raise unusable(spec, f"{folder} holds an adapter, not a model; name the merged model")
    content = _json_object(folder / CONFIG, spec)
    others = _json_object(folder / TOKENIZER_CONFIG, spec, optional=True)
    for key, why in _RUNS_CODE.items():
        if key in content or key in others:
            raise unusable(spec, f"its config {why} ({key}), which is never done")
    if not isinstance(content.get("model_type"), str):
        raise unusable(spec, f"{folder / CONFIG} does not say what kind of model it is")
    layers = [value for key, value in content.items() if "layer" in key and type(value) is int]
    if max(layers, default=0) > _MOST_LAYERS:
        raise unusable(spec, f"its config claims {max(layers):,} layers")
    least = min((content[key] for key in _LAYERS if type(content.get(key)) is int), default=1)
    if least < 1:
        raise unusable(spec, f"its config claims {least:,} layers")
    return content


def features_width(spec: BackboneSpec) -> int | None:
    """Of a language model's hidden states; None where that is not known without its weights."""
    if spec.kind != "language" or spec.source == "gguf":
        return None
    said = read_json(language_folder(spec) / CONFIG) or {}
    found = [said.get(name) for name in ("hidden_size", "n_embd", "d_model", "dim")]
    return next((width for width in found if type(width) is int), None)


def weight_list(folder: Path, spec: BackboneSpec) -> list[Path]:
    """The files of the weights, one or several.

    Raises:
        BackboneError: there are none, or only a pickle.
    """
    if is_plain_file(folder / WEIGHTS):
        return [folder / WEIGHTS]
    if is_plain_file(folder / INDEX):
        found = [folder / name for name in shards(_json_object(folder / INDEX, spec))]
        if found and all(is_plain_file(path) for path in found):
            return found
        raise unusable(spec, f"{folder / INDEX} lists weights that are not there")
    try:
        pickled = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLED)
    except OSError:
        pickled = []
    if pickled:
        raise unusable(
            spec,
            f"{pickled[0]} is a pickle, which can run code when it is opened, so it was not read; "
            "save the model with safetensors (save_pretrained does) where you trust it",
        )
    raise unusable(spec, f"{folder} has no {WEIGHTS}")


def shards(index: Mapping[str, Any]) -> list[str]:
    """The files that an index of weights names; those that would lie elsewhere are none."""
    named = index.get("weight_map", {})
    found = {str(name) for name in named.values()} if isinstance(named, dict) else set()
    return sorted(name for name in found if _SHARD.fullmatch(name))


def language_checksum(spec: BackboneSpec) -> str:
    """SHA-256 of everything that decides what a model computes of a text, hexadecimal; files are
    read again only when one of them has changed.

    Raises:
        BackboneError: a downloaded file is not what was downloaded.
    """
    if spec.source == "gguf":
        files = [paths.typed(spec.model)]
    else:
        folder = language_folder(spec)
        files = [folder / name for name in (CONFIG, TOKENIZER, TOKENIZER_CONFIG, TEMPLATE)]
        files = [path for path in files if is_plain_file(path)] + weight_list(folder, spec)
    states = [(path, path.stat()) for path in files]
    # a file may change twice within a tick of the clock that its time is taken from
    settled = all(abs(time.time() - one.st_mtime) > _TICK for _, one in states)
    read = _checksum if settled else _checksum.__wrapped__
    return read(
        spec, tuple((path, one.st_ino, one.st_size, one.st_mtime_ns) for path, one in states)
    )


@lru_cache(16)
def _checksum(spec: BackboneSpec, files: tuple[tuple[Path, int, int, int], ...]) -> str:
    if spec.source == "gguf":
        return sha256(files[0][0])
    folder, digests = language_folder(spec), {path.name: sha256(path) for path, *_ in files}
    if spec.source == "hub":
        said = read_source(folder)["files"]
        for name, digest in digests.items():
            if said.get(name, {}).get("sha256") != digest:
                raise unusable(
                    spec,
                    f"{folder / name} is not as it was downloaded; delete the folder {folder} and "
                    "fetch it again",
                )
    return hashlib.sha256(repr(sorted(digests.items())).encode()).hexdigest()


def _check_gguf(path: Path, spec: BackboneSpec) -> None:
    try:
        with open_foreign(path, MAX_WEIGHTS) as file:
            head = file.read(4)
    except OSError as error:
        raise_fault(error, path)
        raise unusable(spec, f"{path} cannot be read ({error.strerror})") from error
    if head != b"GGUF":
        raise unusable(spec, f"{path.name} is no GGUF file, or damaged")


def _json_object(path: Path, spec: BackboneSpec, *, optional: bool = False) -> dict[str, Any]:
    if optional and not is_plain_file(path):
        return {}
    try:
        found = parse_json(read_foreign(path))
        if not isinstance(found, dict):
            raise ValueError("it holds no settings")
    except (OSError, ValueError) as error:
        raise_fault(error, path)
        raise unusable(spec, f"{path} cannot be read: {clause(error)}") from error
    return found


def unusable(spec: BackboneSpec, why: str) -> BackboneError:
    """What is wrong with a language model, and the way out."""
    return BackboneError(
        f"The language model {spec.title} cannot be used: {why}. Name another one as "
        f"{LANGUAGE}FOLDER, or use the embedded {MINI_LM}."
    )


def _cache() -> Path:
    return paths.cache() / "language-models"

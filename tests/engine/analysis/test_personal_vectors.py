"""The vectors that a run keeps of its labelers."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from prism_desktop.engine.analysis.personal_vectors import cosine, personal_vectors
from prism_desktop.engine.errors import InputError, RunError


def _kept(
    folder: Path, method: str, arrays: dict[str, np.ndarray], file: str = "head.safetensors"
) -> None:
    card = {"method": method, "labelers": ["A", "B", "C"], "attributes": ["kind", "smart"]}
    save_file(arrays, folder / file, metadata={"prism": json.dumps(card)})


def test_that_the_cosine_without_the_common_part_tells_opposites() -> None:
    vectors = np.array([[5.0, 1.0], [5.0, -1.0]])
    assert cosine(vectors, centred=False)[0, 1] > 0.9
    assert cosine(vectors)[0, 1] == pytest.approx(-1.0)
    assert cosine(np.zeros((2, 3)))[0, 0] == 0.0


def test_that_heads_are_alike_as_far_as_what_they_say_of_faces_is(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    spread = np.array([4.0, 1.0, 0.01], np.float32)
    heads = rng.normal(size=(3, 2, 3)).astype(np.float32)
    _kept(tmp_path, "hierarchical-bayes", {"mean": heads, "spread": spread})
    faces = rng.normal(size=(20_000, 3)) * np.sqrt(spread)
    own = heads[:, 1] - heads[:, 1].mean(0)
    said = np.corrcoef(own @ faces.T)
    found = personal_vectors(tmp_path, "smart")
    assert found.labelers == ("A", "B", "C")
    assert found.similarity() == pytest.approx(said, abs=0.03)
    assert personal_vectors(tmp_path).vectors.shape == (3, 6)
    with pytest.raises(InputError, match="did not learn tall"):
        personal_vectors(tmp_path, "tall")


def test_that_tokens_of_a_tower_are_read(tmp_path: Path) -> None:
    table = np.array([[[1.0, 0.0]], [[0.0, 1.0]], [[0.0, 2.0]]], np.float32)
    _kept(tmp_path, "lora-visual-prompt", {"prompts.table": table}, "tokens.safetensors")
    found = personal_vectors(tmp_path, "kind")
    assert found.vectors.tolist() == table.reshape(3, 2).tolist()
    assert found.attribute is None


@pytest.mark.parametrize(
    ("method", "arrays", "file"),
    [
        ("consensus", {"prompts.table": np.zeros((1, 1, 4), np.float32)}, "tokens.safetensors"),
        ("retrieval", {"weights": np.zeros((3, 2, 4), np.float32)}, "head.safetensors"),
    ],
)
def test_that_a_run_without_vectors_says_which_have_them(
    tmp_path: Path, method: str, arrays: dict[str, np.ndarray], file: str
) -> None:
    with pytest.raises(RunError, match="no trained model yet"):
        personal_vectors(tmp_path)
    _kept(tmp_path, method, arrays, file)
    with pytest.raises(RunError, match="choose a run of a method with tokens"):
        personal_vectors(tmp_path)


def test_that_labelers_whose_tokens_are_all_the_same_are_not_compared(tmp_path: Path) -> None:
    table = np.ones((3, 2, 4), np.float32)
    _kept(tmp_path, "lora-visual-prompt", {"prompts.table": table}, "tokens.safetensors")
    with pytest.raises(RunError, match=r"same vector.*Hierarchical Bayes"):
        personal_vectors(tmp_path)


def test_that_a_damaged_model_says_so(tmp_path: Path) -> None:
    save_file({"mean": np.zeros((2, 1, 2), np.float32)}, tmp_path / "head.safetensors")
    with pytest.raises(RunError, match="damaged"):
        personal_vectors(tmp_path)

"""Maps of where a model looks, on a random tiny backbone and on scores whose reason is known."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from prism_desktop.engine.analysis.deletion_test import check_map, score_masked
from prism_desktop.engine.analysis.overlay import Area, render_overlay, seen_area
from prism_desktop.engine.analysis.relevance_map import KINDS
from prism_desktop.engine.analysis.relevance_rules import (
    explain,
    explain_run,
    find_image,
    pixels_of,
    with_check,
)
from prism_desktop.engine.backbones import load, parse
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.models.clip import PersonalClip
from prism_desktop.engine.models.model_card import describe
from prism_desktop.engine.models.saved import LoadedRun, save_model
from prism_desktop.engine.study.images import hash_file


@pytest.fixture(scope="module")
def run(tiny_backbone: str) -> LoadedRun:
    model = PersonalClip(
        load(parse(tiny_backbone), choose_device("cpu")), 2, tokens=2, token_std=0.5, seed=1
    )
    with torch.no_grad():
        for name, tensor in model.adapted.named_parameters():
            if ".lora_B" in name:
                tensor.normal_(0, 0.3, generator=torch.Generator().manual_seed(0))
    model.requires_grad_(False)
    return LoadedRun(
        model,
        describe(model, "lora-visual-prompt", ["L1", "L2"], {"smart": ["{}"], "kind": ["a {}"]}),
    )


@pytest.fixture
def face() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("kind", KINDS)
def test_that_a_map_has_a_place_for_every_patch_and_is_not_negative(
    run: LoadedRun, face: Image.Image, kind: str
) -> None:
    found = explain(run, face, "L1", "smart", kind)
    assert found.grid.shape == (4, 4)
    assert found.grid.dtype == np.float32
    assert (found.grid >= 0).all()
    assert 0 <= found.tokens <= 1
    assert found.tokens_by_block.shape == (2,)


def test_that_the_default_map_follows_labeler_and_attribute_and_raw_attention_no_attribute(
    run: LoadedRun, face: Image.Image
) -> None:
    def grid(kind: str, labeler: str, attribute: str) -> np.ndarray:
        return explain(run, face, labeler, attribute, kind).grid

    base = grid("gradient-attention", "L1", "smart")
    assert not np.allclose(base, grid("gradient-attention", "L2", "smart"))
    assert not np.allclose(base, grid("gradient-attention", "L1", "never labeled"))
    assert np.allclose(grid("attention", "L1", "smart"), grid("attention", "L1", "kind"))
    assert np.allclose(grid("rollout", "L1", "smart"), grid("rollout", "L1", "kind"))


def test_that_the_map_is_the_published_rule(run: LoadedRun, face: Image.Image) -> None:
    """The rule written out anew, with torch's own gradients
    of the attention of open_clip's forward pass."""
    from prism_desktop.engine.models.attention import recorded_attention

    model = run.model
    with recorded_attention(model) as maps:
        pixels = model.normalise(pixels_of(run, face))
        score = model(pixels, torch.tensor([1]), run.attribute_texts(["smart"]))[0, 0]
        gradients = torch.autograd.grad(score, list(maps))
    relevance = np.eye(19)
    for weights, gradient in zip(maps, gradients, strict=True):
        joint = np.maximum((gradient[0] * weights[0].detach()).numpy(), 0).mean(0)
        relevance = relevance + joint @ relevance
    found = explain(run, face, "L2", "smart", "gradient-attention")
    assert found.grid.ravel() == pytest.approx(relevance[0, 3:], rel=1e-4, abs=1e-7)
    assert found.score == pytest.approx(float(score.detach()), abs=1e-5)


def test_that_explaining_leaves_no_trace_in_the_model(run: LoadedRun, face: Image.Image) -> None:
    before = run.scores(pixels_of(run, face).numpy())
    explain(run, face, "L1", "smart", "gradient-attention")
    assert np.array_equal(before, run.scores(pixels_of(run, face).numpy()))
    assert all(parameter.grad is None for parameter in run.model.parameters())


def test_that_unknown_names_are_sentences(run: LoadedRun, face: Image.Image) -> None:
    with pytest.raises(InputError, match="no map 'why'"):
        explain(run, face, "L1", "smart", "why")
    with pytest.raises(InputError, match="no labeler 'L9'"):
        explain(run, face, "L9", "smart", "attention")


def test_that_a_tested_map_says_how_it_did(run: LoadedRun, face: Image.Image) -> None:
    found = with_check(run, explain(run, face, "L1", "smart", "gradient-attention"))
    assert found.check is not None
    assert "deletion test" in found.verdict()
    assert (
        explain(run, face, "L1", "smart", "rollout")
        .verdict()
        .startswith("This map does not depend on the attribute")
    )


def test_that_the_command_lines_way_finds_images_by_name_and_file(
    run: LoadedRun, face: Image.Image, tmp_path: Path
) -> None:
    import pandas as pd

    folder, file = tmp_path / "run", tmp_path / "face.png"
    (folder / "data").mkdir(parents=True)
    face.save(file)
    known = hash_file(file)
    frame = pd.DataFrame(
        {
            "image": [known],
            "name": ["a/face.png"],
            "path": [str(file)],
            "fold": [0],
            "split": ["test"],
        }
    )
    frame.to_parquet(folder / "data" / "images.parquet")
    card = run.card
    save_model(
        run.model, folder, method=card.method, labelers=card.labelers, attributes=card.attributes
    )
    assert (
        find_image(folder, "a/face.png")
        == find_image(folder, known)
        == find_image(folder, str(file))
        == file
    )
    with pytest.raises(InputError, match=r"no image nowhere\.png"):
        find_image(folder, "nowhere.png")
    found = explain_run(
        folder, labeler="L2", attribute="smart", image="a/face.png", device="cpu", check=False
    )
    assert np.allclose(
        found.grid, explain(run, file, "L2", "smart", "gradient-attention").grid, atol=1e-6
    )
    assert found.verdict() == "The map was not tested."
    face.rotate(90).save(file)
    for way in ("a/face.png", str(file)):
        with pytest.raises(InputError, match="was changed since the run was made"):
            find_image(folder, way)


def bright_corner(batch: np.ndarray) -> np.ndarray:
    """A score with one reason: the brightness of the upper left quarter."""
    return batch[:, :16, :16].astype(np.float64).mean((1, 2, 3)) / 25


def corner_image() -> np.ndarray:
    pixels = np.random.default_rng(0).integers(0, 60, (64, 64, 3)).astype(np.uint8)
    pixels[:16, :16] = 230
    return pixels


def test_that_the_true_reason_passes_and_other_maps_fail() -> None:
    right = np.zeros((8, 8), np.float32)
    right[:2, :2] = 1
    good = check_map(bright_corner, corner_image(), right)
    bad = check_map(bright_corner, corner_image(), 1 - right)
    anyhow = check_map(bright_corner, corner_image(), np.ones((8, 8), np.float32) - 0.5 * right)
    assert good.passes
    assert good.occlusion > 0.9
    assert good.sentence().startswith("The map passes its deletion test")
    assert not bad.passes
    assert not anyhow.passes
    assert bad.deletion < bad.random < good.deletion
    assert "do not read it as a reason" in bad.sentence()


def test_that_a_map_no_better_than_the_centre_fails() -> None:
    def centre(batch: np.ndarray) -> np.ndarray:
        return batch[:, 24:40, 24:40].astype(np.float64).mean((1, 2, 3))

    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[24:40, 24:40] = 255
    nearly = np.zeros((8, 8), np.float32)
    nearly[3, 3] = nearly[4, 4] = nearly[3, 4] = 1
    check = check_map(centre, pixels, nearly)
    assert check.random < check.deletion < check.centre
    assert not check.passes


def test_that_masked_patches_take_the_mean_colour() -> None:
    seen: list[np.ndarray] = []

    def remember(batch: np.ndarray) -> np.ndarray:
        seen.extend(batch)
        return np.zeros(len(batch))

    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[:2] = 100
    gone = np.array([[True, False, False, False], [False, False, False, True]])
    score_masked(remember, pixels, gone, (2, 2))
    masked = {tuple(image[:, :, 0].ravel()) for image in seen}
    assert (50, 50, 100, 100, 50, 50, 100, 100, 0, 0, 0, 0, 0, 0, 0, 0) in masked


def test_that_the_overlay_colours_what_was_seen_and_nothing_else() -> None:
    image = Image.new("RGB", (100, 50), (120, 120, 120))
    grid = np.zeros((5, 5), np.float32)
    grid[2, 2] = 1
    pixels = np.asarray(render_overlay(image, grid))
    assert (pixels[:, :24] == 120).all()
    assert (pixels[:, 76:] == 120).all()
    red, _, blue = (int(value) for value in pixels[25, 50])
    assert red > blue + 40  # yellow where the map is strongest
    assert seen_area((100, 50)) == Area(0.25, 0.0, 0.5, 1.0)


def test_that_an_empty_map_and_a_signed_one_can_be_drawn() -> None:
    image = Image.new("RGB", (30, 30), (120, 120, 120))
    assert render_overlay(image, np.zeros((3, 3), np.float32)).size == (30, 30)
    signed = np.zeros((3, 3), np.float32)
    signed[0, 0], signed[2, 2] = -1, 1
    pixels = np.asarray(render_overlay(image, signed)).astype(int)
    assert pixels[2, 2, 2] > pixels[2, 2, 0]
    assert pixels[27, 27, 0] > pixels[27, 27, 2]

"""Maps of where a model looks, on a random tiny backbone and on scores whose reason is known."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from prism_desktop.engine.analysis.attribution import (
    Target,
    attribute_maps,
    kept_scores,
    token_attention,
)
from prism_desktop.engine.analysis.map_requests import find_image
from prism_desktop.engine.analysis.map_scale import MapScale
from prism_desktop.engine.analysis.overlay import Area, render_overlay, seen_area
from prism_desktop.engine.analysis.relevance_map import KINDS, MapKind, Relevance
from prism_desktop.engine.analysis.relevance_rules import (
    explain,
    explain_pair,
    explain_run,
    pixels_of,
    target_of,
    with_test,
)
from prism_desktop.engine.backbones import load, parse
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.models.attention import recorded_attention
from prism_desktop.engine.models.clip import PersonalClip
from prism_desktop.engine.models.model_card import describe
from prism_desktop.engine.models.saved import LoadedRun, save_model
from prism_desktop.engine.study.images import hash_file
from tests.fixtures.backbone import make_backbone


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
def test_that_a_map_has_a_place_for_every_patch_and_only_effects_are_signed(
    run: LoadedRun, face: Image.Image, kind: str
) -> None:
    found = explain(run, face, "L1", "smart", kind)
    assert found.grid.shape == (4, 4)
    assert found.grid.dtype == np.float32
    assert (found.grid >= 0).all() or kind == "occlusion"
    assert found.grid.any()
    assert 0 <= found.tokens <= 1
    assert found.tokens_by_block.shape == (2,)


@pytest.mark.parametrize("kind", KINDS)
def test_that_maps_made_together_are_those_made_alone(
    run: LoadedRun, face: Image.Image, kind: str
) -> None:
    faces = [face, face.rotate(90), face.rotate(180)]
    chosen, target = MapKind(kind), Target.score("L2", "kind")
    together = attribute_maps(run, pixels_of(run, faces), target, chosen).grids
    for grid, each in zip(together, faces, strict=True):
        assert np.allclose(grid, explain(run, each, "L2", "kind", kind).grid, atol=1e-5)


def test_that_maps_follow_labeler_and_attribute_and_raw_attention_no_attribute(
    run: LoadedRun, face: Image.Image
) -> None:
    def grid(kind: str, labeler: str, attribute: str) -> np.ndarray:
        return explain(run, face, labeler, attribute, kind).grid

    for kind in ("occlusion", "gradient-attention", "legrad", "grad-eclip"):
        base = grid(kind, "L1", "smart")
        assert not np.allclose(base, grid(kind, "L2", "smart"), atol=1e-6)
        assert not np.allclose(base, grid(kind, "L1", "never labeled"), atol=1e-6)
    assert np.allclose(grid("attention", "L1", "smart"), grid("attention", "L1", "kind"))
    assert np.allclose(grid("rollout", "L1", "smart"), grid("rollout", "L1", "kind"))


def test_that_the_map_is_the_published_rule(run: LoadedRun, face: Image.Image) -> None:
    """The rule written out anew, with torch's own gradients
    of the attention of open_clip's forward pass."""
    from prism_desktop.engine.models.attention import recorded_attention

    model = run.model
    with recorded_attention(model) as blocks:
        pixels = model.normalise(torch.from_numpy(pixels_of(run, [face])))
        score = model(pixels, torch.tensor([1]), run.attribute_texts(["smart"]))[0, 0]
        maps = [block.weights for block in blocks]
        gradients = torch.autograd.grad(score, maps)
    relevance = np.eye(19)
    for weights, gradient in zip(maps, gradients, strict=True):
        joint = np.maximum((gradient[0] * weights[0].detach()).numpy(), 0).mean(0)
        relevance = relevance + joint @ relevance
    found = explain(run, face, "L2", "smart", "gradient-attention")
    assert found.grid.ravel() == pytest.approx(relevance[0, 3:], rel=1e-4, abs=1e-7)
    assert found.score == pytest.approx(float(score.detach()), abs=1e-5)


def test_that_raw_attention_of_a_block_is_the_mean_of_its_heads(
    run: LoadedRun, face: Image.Image
) -> None:
    heads = [explain(run, face, "L1", "smart", f"attention:1:{head}").grid for head in (1, 2)]
    assert np.allclose(
        np.mean(heads, axis=0), explain(run, face, "L1", "smart", "attention:1").grid
    )
    assert not np.allclose(heads[0], heads[1])
    last = explain(run, face, "L1", "smart", "attention:2").grid
    assert np.allclose(last, explain(run, face, "L1", "smart", "attention").grid)
    for wrong in ("attention:3", "attention:1:3", "attention:0", "attention:x", "rollout:1"):
        with pytest.raises(InputError, match=r"attention|rollout"):
            explain(run, face, "L1", "smart", wrong)


def test_that_dropped_patches_cannot_matter_whatever_they_show(
    run: LoadedRun, face: Image.Image
) -> None:
    whole, other = pixels_of(run, [face]), pixels_of(run, [face.rotate(180)])
    mixed = other.copy()
    mixed[:, :, :16, :16] = whole[:, :, :16, :16]  # the first two patches of the first two rows
    kept = np.zeros((1, 2, 16), bool)
    kept[:, 0, [0, 1, 4, 5]] = True
    kept[:, 1] = True
    target = Target.score("L1", "smart")
    one, two = (kept_scores(run, pixels, target, kept)[0] for pixels in (whole, mixed))
    assert one[0] == pytest.approx(two[0], abs=1e-5)
    assert one[1] != pytest.approx(two[1], abs=1e-3)
    plain = run.scores(whole, ["L1"], ["smart"])[0, 0, 0]
    assert one[1] == pytest.approx(float(plain), abs=1e-4)


def test_that_a_map_of_a_difference_is_that_of_one_score_less_the_other(
    run: LoadedRun, face: Image.Image
) -> None:
    one, two = (explain(run, face, code, "smart").grid for code in ("L1", "L2"))
    found = explain(run, face, "L1", "smart", against="L2")
    assert np.allclose(found.grid, one - two, atol=1e-5)
    assert np.allclose(explain(run, face, "L1", "smart", against="consensus").grid, one - two,
                       atol=1e-5)  # fmt: skip
    share = explain(run, face, "L1", "smart", "legrad", against="L2").grid
    assert share.sum() == pytest.approx(0, abs=1e-5)
    assert (share < 0).any()
    with pytest.raises(InputError, match="does not differ from themselves"):
        target_of(run, "L1", "smart", "L1")


def test_that_the_map_of_a_pair_is_what_raises_the_one_score_and_lowers_the_other(
    run: LoadedRun, face: Image.Image, tmp_path: Path
) -> None:
    other = face.rotate(90, expand=True)
    one, two = (explain(run, each, "L1", "smart") for each in (face, other))
    found = explain_pair(run, face, other, "L1", "smart")
    assert found.other is not None
    assert np.allclose(found.grid, one.grid, atol=1e-5)
    assert np.allclose(found.other.grid, -two.grid, atol=1e-5)
    assert found.score == pytest.approx(one.score - two.score, abs=1e-5)
    scale = MapScale.of(found.grids)
    assert scale.strongest == pytest.approx(max(abs(one.grid).max(), abs(two.grid).max()))
    first, second = found.attention_told().split(" Second face: ")
    assert first == f"First face: {one.attention_told()}"
    assert second == two.attention_told()
    tested = with_test(run, found)
    assert tested.other is not None
    assert tested.verdict().startswith("First face: ")
    assert tested.supported == (bool(tested.tests.passes[0]) and bool(tested.other.tests.passes[0]))
    tested.save(tmp_path / "pair.npz")
    again = Relevance.load(tmp_path / "pair.npz")
    assert again.other is not None
    assert again.verdict() == tested.verdict()
    assert np.array_equal(again.other.grid, tested.other.grid)
    assert again.other.area == found.other.area


def test_that_the_attention_to_a_labelers_tokens_is_all_that_patches_and_class_token_lack(
    run: LoadedRun, face: Image.Image
) -> None:
    pixels = pixels_of(run, [face])
    shares, seated = token_attention(run, pixels, "L1")
    with recorded_attention(run.model) as seen, torch.no_grad():
        run.model.image_features(run.model.prepare(pixels), torch.tensor([0]))
    rows = [block.weights[0, :, 0].mean(0) for block in seen]
    rest = [1 - float(row[0]) - float(row[-16:].sum()) for row in rows]
    assert np.allclose(shares[0], rest, atol=1e-5)
    assert (seated.tokens, seated.patches, seated.owner) == (2, 16, 1)
    assert seated.even == pytest.approx(2 / 19)
    told = explain(run, face, "L1", "smart").attention_told()
    assert "the labeler's own tokens get" in told
    assert "in blocks 1 to 2; an even share is 10.5%" in told


def test_that_a_tower_without_tokens_has_a_place_for_every_patch_and_says_so(
    tiny_backbone: str, face: Image.Image
) -> None:
    model = PersonalClip(
        load(parse(tiny_backbone), choose_device("cpu")), 2, method=METHODS["per-labeler-lora"]
    )
    model.requires_grad_(False)
    card = describe(model, "per-labeler-lora", ["L1", "L2"], {"smart": ["{}"]})
    found = explain(LoadedRun(model, card), face, "L1", "smart", "rollout")
    assert found.grid.shape == (4, 4)
    assert found.tokens == 0
    assert found.attention_told().startswith("This method puts no token")


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> LoadedRun:
    """A tower of four blocks, which tokens enter in front of the third."""
    text = make_backbone(tmp_path_factory.mktemp("deep"), blocks=4)
    backbone = load(parse(text), choose_device("cpu"))
    model = PersonalClip(backbone, 2, tokens=2, token_std=1.0, trunk=2)
    with torch.no_grad():
        for name, tensor in model.adapted.named_parameters():
            if ".lora_B" in name:
                tensor.normal_(0, 0.3, generator=torch.Generator().manual_seed(0))
    model.requires_grad_(False)
    return LoadedRun(model, describe(model, "lora-visual-prompt", ["L1", "L2"], {"smart": ["{}"]}))


@pytest.mark.parametrize("kind", [*KINDS, "attention:3"])
def test_that_maps_are_made_of_the_blocks_that_tokens_enter(
    late: LoadedRun, face: Image.Image, kind: str, tmp_path: Path
) -> None:
    found = explain(late, face, "L1", "smart", kind)
    assert found.grid.shape == (4, 4)
    assert found.grid.any()
    assert not np.allclose(found.grid, explain(late, face, "L2", "smart", kind).grid, atol=1e-6)
    found.save(tmp_path / "map.npz")
    for each in (found, Relevance.load(tmp_path / "map.npz")):
        assert each.tokens_by_block.shape == (2,)
        assert "in blocks 3 to 4; an even share" in each.attention_told()


def test_that_attention_in_front_of_the_tokens_is_refused(
    late: LoadedRun, face: Image.Image
) -> None:
    with pytest.raises(InputError, match=r"Block 2 stands in front of .* a block from 3 to 4"):
        explain(late, face, "L1", "smart", "attention:2")
    with pytest.raises(InputError, match="the backbone has 4 blocks of 2 attention heads"):
        explain(late, face, "L1", "smart", "attention:5")


def test_that_explaining_leaves_no_trace_in_the_model(run: LoadedRun, face: Image.Image) -> None:
    before = run.scores(pixels_of(run, [face]))
    for kind in ("occlusion", "legrad"):
        explain(run, face, "L1", "smart", kind)
    assert np.array_equal(before, run.scores(pixels_of(run, [face])))
    assert all(parameter.grad is None for parameter in run.model.parameters())


def test_that_unknown_names_are_sentences(run: LoadedRun, face: Image.Image) -> None:
    with pytest.raises(InputError, match="no map 'why'"):
        explain(run, face, "L1", "smart", "why")
    with pytest.raises(InputError, match="no labeler 'L9'"):
        explain(run, face, "L9", "smart", "attention")


def test_that_a_tested_map_says_how_it_did(
    run: LoadedRun, face: Image.Image, tmp_path: Path
) -> None:
    found = with_test(run, explain(run, face, "L1", "smart", "gradient-attention"))
    assert found.supported is not None
    assert ("passes its test" in found.verdict()) == found.supported
    assert -1 <= found.occlusion <= 1
    found.save(tmp_path / "map.npz")
    again = Relevance.load(tmp_path / "map.npz")
    assert again.verdict() == found.verdict()
    assert np.array_equal(again.grid, found.grid)
    blind = explain(run, face, "L1", "smart", "rollout")
    assert blind.verdict().startswith("This map does not depend on the attribute")
    assert with_test(run, explain(run, face, "L1", "smart")).occlusion == pytest.approx(1)


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
    assert np.allclose(found.grid, explain(run, file, "L2", "smart").grid, atol=1e-6)
    assert found.verdict() == "The map was not tested."
    face.rotate(90).save(file)
    for way in ("a/face.png", str(file)):
        with pytest.raises(InputError, match="was changed since the run was made"):
            find_image(folder, way)


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

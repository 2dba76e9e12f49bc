"""Attributes as labelers read them: with their profile before the words."""

import pytest
import torch

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.methods import method
from prism_desktop.engine.models.clip import PersonalClip
from prism_desktop.engine.models.labeler_context import LabelerContext
from prism_desktop.engine.models.text_tokens import with_profile

ASKED = (("smart", "a smart person"),)


def test_that_a_profile_stands_before_every_sentence(backbone: Backbone) -> None:
    read = with_profile(" Likes beards. ", ASKED[0], backbone.tokenizer)
    assert read == ("Likes beards. smart", "Likes beards. a smart person")
    assert with_profile("  ", ASKED[0], backbone.tokenizer) == ASKED[0]


def test_that_a_profile_too_long_for_the_text_tower_does_not_push_the_attribute_out(
    backbone: Backbone,
) -> None:
    long = " ".join(f"Likes thing number {number}." for number in range(60))
    smart, kind = with_profile(long, ("smart", "kind"), backbone.tokenizer)
    assert smart.startswith("Likes thing number 0. Likes thing")
    assert not torch.equal(*backbone.tokenizer([smart, kind]))


@pytest.mark.parametrize("seed", [0, 1])
def test_that_who_has_no_profile_is_served_by_the_backbone_alone(
    seed: int, backbone: Backbone, pixels: torch.Tensor
) -> None:
    known = LabelerContext(profiles=("Likes beards.", ""))
    model = PersonalClip(
        backbone,
        2,
        method=method("profile-text"),
        context=known,
        seed=seed,
        tokens=3,
        token_std=1.0,
    )
    with torch.no_grad():
        told = model(pixels, torch.ones(5, dtype=torch.int64), ASKED)
        seen = backbone.model.encode_image(pixels, normalize=True).float()
        words = (
            backbone.model.encode_text(backbone.tokenizer(list(ASKED[0])), normalize=True)
            .float()
            .mean(dim=0)
        )
    by_hand = seen @ torch.nn.functional.normalize(words, dim=0) / 0.15
    assert told[:, 0].tolist() == pytest.approx(by_hand.tolist(), abs=1e-5)


def test_that_labelers_read_by_their_profiles_and_see_alike(
    backbone: Backbone, pixels: torch.Tensor
) -> None:
    known = LabelerContext(profiles=("Likes beards.", "", "Likes beards."))
    model = PersonalClip(backbone, 3, method=method("profile-text"), context=known)
    assert set(model.view_groups) == {0}
    seen = model.encode(pixels, torch.zeros(5, dtype=torch.int64))
    scores = [model.score(seen, torch.full((5,), labeler), ASKED) for labeler in range(3)]
    assert torch.equal(scores[0], scores[2])
    assert not torch.allclose(scores[0], scores[1])
    plain = PersonalClip(backbone, 1, method=method("profile-text"))
    assert torch.allclose(scores[1], plain.score(seen, torch.zeros(5, dtype=torch.int64), ASKED))
    by_hand = plain.scores(
        seen, plain.text_vectors([("Likes beards. smart", "Likes beards. a smart person")])
    )
    assert scores[0] == pytest.approx(by_hand)
    assert not model.trained() or not any(p.requires_grad for p in model.parameters())

"""How sure heads are of the place of a single face, and which faces they find alike."""

from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np
import pytest

from prism_desktop.engine.adaptation.face_posterior import SeenFaces, alike, plane, spread, strip
from prism_desktop.engine.analysis.inference import FacesArguments
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.models.heads import bayes
from prism_desktop.engine.models.heads.bayes import BayesSettings
from prism_desktop.engine.models.heads.em import EmSettings
from prism_desktop.engine.models.saved_heads import HeadCard, LoadedHeads
from prism_desktop.ui.explore.face_shares import percentiles
from tests.engine.models.heads.planted import answer, features, last

DIMS, FACES, LABELERS = 5, 120, 10


def planted(count: int = 60) -> tuple[SeenFaces, np.ndarray]:
    """Heads that learned planted tastes from so many answers each, and the true utilities."""
    x = features(FACES, DIMS)
    rng = np.random.default_rng(3)
    tastes = rng.normal(size=(1, 1, DIMS)) + rng.normal(size=(LABELERS, 1, DIMS))
    true = np.einsum("uak,nk->uan", tastes, x)
    settings = BayesSettings(dims=DIMS, overlap=np.inf, em=EmSettings(strength=5.0, share=1.0))
    heads = last(bayes.fit(x, answer(true, count), LABELERS, 1, settings=settings))
    codes = tuple(f"L{place}" for place in range(LABELERS))
    loaded = LoadedHeads(heads, HeadCard("hierarchical-bayes", "b", "0", codes, ("smart",)))
    return SeenFaces(tuple(map(str, range(FACES))), x, loaded, True), true[:, 0]


def asked(**told: str) -> FacesArguments:
    return FacesArguments.model_validate({"run": Path("r"), "what": "spread", **told})


def told(events: Generator) -> dict[str, np.ndarray]:
    while True:
        try:
            next(events)
        except StopIteration as end:
            return end.value


def test_that_the_true_place_of_a_face_lies_in_about_95_of_100_intervals() -> None:
    known, true = planted()
    inside = []
    for place in range(LABELERS):
        found = told(spread(known, asked(labeler=f"L{place}", attribute="smart")))
        share = percentiles(true[place].astype(np.float32))
        inside.append((found["low"] <= share) & (share <= found["high"]))
    assert 0.88 <= np.mean(inside) <= 0.99


def test_that_answers_make_the_model_surer() -> None:
    width = []
    for count in (5, 200):
        found = told(spread(planted(count)[0], asked(labeler="L1", attribute="smart")))
        width.append(np.mean(found["high"] - found["low"]))
    assert width[1] < 0.6 * width[0]


def test_that_a_face_has_one_interval_whether_all_faces_or_all_labelers_are_asked() -> None:
    known, _ = planted()
    of_face = told(strip(known, asked(image="7")))
    for place in (0, 4):
        of_labeler = told(spread(known, asked(labeler=f"L{place}", attribute="smart")))
        for end in ("low", "high"):
            assert of_face[end][place, 0] == pytest.approx(of_labeler[end][7], abs=1e-3)


def test_that_faces_alike_have_like_features_or_are_alike_to_a_labeler() -> None:
    known, true = planted(300)
    found = told(alike(known, asked(image="7", labeler="L2", attribute="smart")))
    assert 7 not in found["taste"]
    assert 7 not in found["features"]
    away = np.abs(true[2] - true[2][7])
    assert away[found["taste"][:6]].mean() < 0.6 * away.mean()
    x = known.features - known.features.mean(axis=0)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    angles = x @ x[7]
    assert angles[found["features"][0]] == np.sort(angles)[-2]  # its own is the first


def test_that_the_plane_shows_as_much_of_the_features_as_any_plane_can() -> None:
    known, _ = planted()
    found = told(plane(known, asked()))
    away = known.features - known.features.mean(axis=0)
    _, strength, _ = np.linalg.svd(away, full_matrices=False)
    assert (found["at"] ** 2).sum() == pytest.approx((strength[:2] ** 2).sum(), rel=1e-4)
    assert found["explained"].sum() == pytest.approx(
        (strength[:2] ** 2).sum() / (strength**2).sum(), rel=1e-4
    )


@pytest.mark.parametrize("question", [spread, strip])
def test_that_a_tower_does_not_borrow_the_doubt_of_the_heads_it_started_at(
    question: Callable,
) -> None:
    known, _ = planted(20)
    tower = SeenFaces(known.images, known.features, known.loaded, False)
    with pytest.raises(InputError, match="does not know how sure"):
        told(question(tower, asked(image="7", labeler="L1", attribute="smart")))

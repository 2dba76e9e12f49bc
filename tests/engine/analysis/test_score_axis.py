"""The axis of a taste: faces evenly by rank, and drawings of the demo's planted and learned
tastes."""

from pathlib import Path

import numpy as np
import pytest

from prism_desktop.engine.analysis.score_axis import axis_faces, drawn_axis, held_out, told_mark
from prism_desktop.engine.demo.faces import sample
from prism_desktop.engine.demo.faces.pictures import jpeg
from prism_desktop.engine.demo.simulated_labelers import labelers
from prism_desktop.engine.demo.taste_drawings import demo_factors, faces_along, learned_taste
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.store import Study
from tests.fixtures.runs import MakeRun

BEN = labelers()[1].tastes["attractive"]


def test_that_faces_lie_evenly_between_the_least_and_the_most() -> None:
    scores = np.array([3.0, np.nan, 1.0, 2.0, 5.0, 4.0])
    held = [True, True, False, False, False, False]
    found = axis_faces(scores, held, 3)
    assert [face.row for face in found] == [2, 0, 4]
    assert [face.share for face in found] == [0.0, 0.5, 1.0]
    assert [told_mark(face) for face in found] == ["learned from", "held out", "learned from"]
    assert [face.row for face in axis_faces(scores, None, 9)] == [2, 3, 0, 5, 4]
    assert axis_faces(np.array([np.nan]), None) == ()


def test_that_faces_of_training_answers_are_not_held_out(
    tiny_study: Study, make_run: MakeRun
) -> None:
    run = make_run(tiny_study)
    images, pairs = run.table("images"), run.table("pairs")
    known = images["image"].tolist()
    found = held_out(run, known)
    assert found is not None
    learned = pairs[pairs["split"].isin(["train", "val"])]
    assert not {*learned["left"], *learned["right"]} & {
        image for image, held in zip(known, found, strict=True) if held
    }
    assert any(found)
    reading = make_run(tiny_study, method="collaborative", compare=False, baselines="none")
    assert not any(held_out(reading, known) or ())  # it reads others' answers about tested faces


def test_that_a_learned_taste_is_that_of_the_scores_and_needs_faces_enough() -> None:
    standard = sample(120, 1).standard().astype(np.float64)
    noise = np.random.default_rng(0).normal(0, 0.3, 120)
    found = learned_taste(standard, standard @ BEN + noise, BEN)
    assert found.likeness > 0.9
    assert found.low <= found.likeness + 0.02
    other = learned_taste(standard, -(standard @ BEN) + noise, BEN)
    assert other.likeness < -0.9
    with pytest.raises(InputError, match="faces held out"):
        learned_taste(standard[:20], standard[:20] @ BEN, BEN)


def test_that_drawings_follow_the_taste() -> None:
    """Ben likes beards, so the last drawing is the darker one about the chin."""
    first, last = (
        np.asarray(face.convert("L"), float)[70:90, 35:61].mean()
        for face in faces_along(BEN, 2, 96)
    )
    assert last < first


def test_that_only_the_demos_own_faces_are_drawn_again(tmp_path: Path) -> None:
    faces = sample(3, 0)
    files = [tmp_path / f"face-{number + 1:04d}.jpg" for number in range(3)]
    for number, file in enumerate(files):
        file.write_bytes(jpeg(faces.face(number)))
    names = [file.name for file in files]
    found = demo_factors(names, files)
    assert found is not None
    np.testing.assert_allclose(found, faces.standard(), atol=1e-6)
    assert demo_factors(names, [files[1], files[0], files[2]]) is None
    assert demo_factors(["a.jpg", *names[1:]], files) is None
    both = list(zip(names, files, strict=True))
    assert drawn_axis("r001", "attractive", both, np.arange(3.0), [True] * 3) is None
    few = drawn_axis("L2", "attractive", both, np.arange(3.0), [True] * 3, 2)
    assert few is not None
    assert (len(few.planted), len(few.learned)) == (2, 0)

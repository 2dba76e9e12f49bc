"""The parts of drawn faces, and faces without one of them."""

import numpy as np
import pytest

from prism_desktop.engine.demo.faces import draw, sample
from prism_desktop.engine.demo.faces.drawing import PARTS
from prism_desktop.engine.demo.faces.regions import coverage, draw_without


def test_that_every_place_of_a_picture_belongs_to_its_parts() -> None:
    seen = coverage(sample(1, 0).face(0), 64)
    assert seen.shape == (len(PARTS), 64, 64)
    assert seen.sum(0) == pytest.approx(np.ones((64, 64)), abs=1e-3)
    assert (seen >= 0).all()


@pytest.mark.parametrize("part", ["eyes", "mouth", "hair"])
def test_that_a_face_without_a_part_changes_there_alone(part: str) -> None:
    face = sample(1, 0).face(0)
    place = coverage(face, 64)[PARTS.index(part)] > 0.3
    whole, without = (
        np.asarray(each, int) for each in (draw(face, 64), draw_without(face, part, 64))
    )
    changed = np.abs(whole - without).max(2) > 8
    assert changed[place].mean() > 0.5
    assert changed[~place].mean() < 0.06

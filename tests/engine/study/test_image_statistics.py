"""Statistics of images: what they say, and that they are measured once."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from prism_desktop.engine.events import Done, Notice
from prism_desktop.engine.study.image_statistics import (
    NAMES,
    image_statistics,
    read_statistics,
)
from prism_desktop.engine.study.images import hash_file


def _noise(seed: int = 0, size: int = 160) -> Image.Image:
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (size, size, 3), np.uint8))


def _told(image: Image.Image) -> dict[str, float]:
    return dict(zip(NAMES, image_statistics(image).tolist(), strict=True))


def test_that_statistics_say_what_their_names_say() -> None:
    grey, red = (Image.new("RGB", (64, 96), colour) for colour in ((128,) * 3, (255, 0, 0)))
    assert _told(grey)["brightness"] == pytest.approx(128 / 255)
    assert _told(grey)["saturation"] == _told(grey)["contrast"] == 0
    assert _told(red)["saturation"] == pytest.approx(1)
    assert _told(red)["red-green"] == pytest.approx(1)
    assert _told(grey)["size"] == pytest.approx(np.log(64 * 96))
    assert _told(grey)["aspect"] == pytest.approx(np.log(64 / 96))
    sharp = _noise()
    blurred = sharp.filter(ImageFilter.GaussianBlur(3))
    assert _told(blurred)["sharpness"] < _told(sharp)["sharpness"] - 1
    half = np.asarray(_noise(1, 64))[:, :32]
    mirrored = Image.fromarray(np.concatenate([half, half[:, ::-1]], axis=1))
    assert _told(mirrored)["symmetry"] == pytest.approx(1)
    assert abs(_told(sharp)["symmetry"]) < 0.2


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (3000, 2)])
def test_that_tiny_and_narrow_images_have_finite_statistics(size: tuple[int, int]) -> None:
    assert np.isfinite(image_statistics(Image.new("RGB", size, (10, 200, 30)))).all()


def test_that_images_are_measured_once_and_those_that_cannot_be_are_told(tmp_path: Path) -> None:
    files = {}
    for number in range(3):
        path = tmp_path / f"{number}.png"
        _noise(number, 20).save(path)
        files[hash_file(path)] = path
    first, *others = files
    files[first].write_bytes(b"no image any more")
    *events, done = read_statistics(tmp_path / "cache", files)
    assert isinstance(done, Done)
    assert done.value.keys() == set(others)
    (told,) = [event.text for event in events if isinstance(event, Notice)]
    assert told.startswith("1 image could not be measured")
    for path in files.values():
        path.unlink()
    again = [*read_statistics(tmp_path / "cache", {one: files[one] for one in others})][-1]
    assert isinstance(again, Done)
    for image in others:
        np.testing.assert_array_equal(again.value[image], done.value[image])

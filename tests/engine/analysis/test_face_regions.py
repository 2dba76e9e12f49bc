"""Regions of faces: exact where they are drawn, the user's masks, else even cells."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from prism_desktop.engine.analysis.face_regions import regions_of
from prism_desktop.engine.demo.faces import sample
from prism_desktop.engine.demo.faces.pictures import jpeg
from prism_desktop.engine.errors import InputError

GRID = (7, 7)


def drawn() -> tuple[list[str], dict[str, str]]:
    """Two faces of a demo of three, as ids, and all names."""
    faces = sample(3, 0)
    ids = [hashlib.sha256(jpeg(faces.face(row))).hexdigest() for row in range(3)]
    names = {each: f"face-{row + 1:04d}.jpg" for row, each in enumerate(ids)}
    return ids[1:], names


def test_that_a_drawn_face_is_known_and_its_parts_are_where_they_were_drawn() -> None:
    ids, names = drawn()
    found = regions_of([Path("a"), Path("b")], ids, names, GRID)
    assert found.source == "drawn"
    assert found.weights.sum(1) == pytest.approx(np.ones((2, *GRID)), abs=1e-3)
    rows = np.arange(7)[:, None]
    height = {
        name: float((found.weights[0, place] * rows).sum() / found.weights[0, place].sum())
        for place, name in enumerate(found.names)
        if found.weights[0, place].sum() > 0
    }
    assert height["brows"] < height["eyes"] < height["nose"] < height["mouth"] < height["clothes"]
    assert found.area[0, found.names.index("background")] > 0.3


def test_that_other_images_of_the_same_names_are_cut_into_cells() -> None:
    found = regions_of([Path("a")], ["0" * 64], {"0" * 64: "face-0001.jpg"}, GRID)
    assert found.source == "cells"
    assert found.names[0] == "upper left"
    assert found.names[4] == "centre"
    assert found.area[0] == pytest.approx(np.full(9, 1 / 9))
    assert regions_of([Path("a")], ["x"], {"x": "a.jpg"}, GRID).source == "cells"


def test_that_masks_are_regions_for_all_faces_or_for_each(tmp_path: Path) -> None:
    half = np.zeros((40, 40), np.uint8)
    half[20:] = 255
    Image.fromarray(half).save(tmp_path / "lower.png")
    (tmp_path / "spot").mkdir()
    for name in ("a", "b"):
        Image.fromarray(half[::-1] if name == "a" else 0 * half).save(tmp_path / f"spot/{name}.png")
    files, names = [Path("a.jpg"), Path("b.jpg")], {"1": "a.jpg", "2": "b.jpg"}
    found = regions_of(files, ["1", "2"], names, (4, 4), tmp_path)
    assert found.names == ("lower", "spot", "rest")
    assert found.area == pytest.approx(np.array([[0.5, 0.5, 0], [0.5, 0, 0.5]]), abs=0.01)
    (tmp_path / "spot/b.png").unlink()
    with pytest.raises(InputError, match=r"1 mask of spot is missing, the first one b\.png"):
        regions_of(files, ["1", "2"], names, (4, 4), tmp_path)
    with pytest.raises(InputError, match="holds no masks"):
        regions_of(files, ["1", "2"], names, (4, 4), tmp_path / "nowhere")


def _masks(folder: Path, **pictures: Image.Image) -> Path:
    for name, picture in pictures.items():
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
    return folder


HALF = Image.fromarray(np.repeat([[0, 255]], 8, 0).repeat(4, 1).astype(np.uint8))
NEAREST = Image.Resampling.NEAREST
CLEAR = Image.new("RGBA", (8, 8), (255, 255, 255, 0))
CUT_OUT = Image.merge("RGBA", (*(Image.new("L", (8, 8), 255),) * 3, HALF.copy()))
SMOOTH = Image.linear_gradient("L").resize((8, 8))


@pytest.mark.parametrize(
    ("pictures", "says"),
    [
        ({"mouth": Image.new("L", (8, 8), 0)}, "mouth is black throughout"),
        ({"mouth": CLEAR}, "mouth.png is partly transparent"),
        ({"mouth": CUT_OUT}, "mouth.png is partly transparent"),
        ({"mouth": SMOOTH}, "mouth.png is partly grey"),
        ({"mouth": HALF.point(lambda value: value // 255)}, "is 1 of 255"),
        ({"rest": HALF}, "rest is the name of what no mask covers"),
        ({"mouth": HALF, "Mouth/a": HALF}, "Mouth is the name of another mask too"),
        ({"mouth": HALF.resize((8, 4), NEAREST)}, "8 x 4 px and the image a.png 6 x 6"),
        ({"mouth/a": HALF.resize((4, 8), NEAREST)}, "4 x 8 px and the image a.png 6 x 6"),
    ],
)
def test_that_a_mask_that_could_mean_two_things_is_refused(
    pictures: dict[str, Image.Image], says: str, tmp_path: Path
) -> None:
    face = tmp_path / "a.png"
    Image.new("RGB", (6, 6)).save(face)
    folder = _masks(tmp_path / "masks", **pictures)
    with pytest.raises(InputError, match=says):
        regions_of([face], ["1"], {"1": "a.png"}, (2, 2), folder)


def test_that_pictures_that_are_no_masks_are_told_and_hidden_files_passed_over(
    tmp_path: Path,
) -> None:
    folder = _masks(tmp_path / "masks", mouth=HALF)
    (folder / "._mouth.png").write_bytes(b"what another system keeps beside it")
    found = regions_of([Path("a.png")], ["1"], {"1": "a.png"}, (2, 2), folder)
    assert found.names == ("mouth", "rest")
    assert found.weights[0, 0] == pytest.approx(np.array([[0, 1], [0, 1]]), abs=0.05)
    (folder / "nose.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"nose\.png is no JPEG, PNG"):
        regions_of([Path("a.png")], ["1"], {"1": "a.png"}, (2, 2), folder)
    (folder / "nose.png").rename(folder / "nose.jpg")
    with pytest.raises(InputError, match=r"nose\.jpg is no PNG file"):
        regions_of([Path("a.png")], ["1"], {"1": "a.png"}, (2, 2), folder)


def test_that_a_mask_of_each_image_is_refused_where_two_images_share_its_name(
    tmp_path: Path,
) -> None:
    folder = _masks(tmp_path / "masks", **{"mouth/a": HALF})
    names = {"1": "one/a.png", "2": "two/a.jpg"}
    with pytest.raises(InputError, match="Several images are called a"):
        regions_of([Path("x"), Path("y")], ["1", "2"], names, (2, 2), folder)

"""Which image of the study a file means."""

from pathlib import Path

import pytest

from prism_desktop.engine.study.importing.names.matching import ImageIndex
from prism_desktop.engine.study.records import ImageRecord


def index(*names: str, aliases: tuple[tuple[str, str], ...] = ()) -> ImageIndex:
    images = [
        ImageRecord(f"{n:064x}", name, Path("/data/faces") / name, 8, 8, 0, False, False)
        for n, name in enumerate(names)
    ]
    return ImageIndex(images, aliases)


@pytest.mark.parametrize(
    "key", ["a/one.jpg", "./a/one.jpg", "a\\one.jpg", "/data/faces/a/one.jpg", "one.jpg",
    "ONE.JPG", "faces/a/one.jpg",
            "/elsewhere/a/one.jpg", "one", "one.png", "C:\\study\\a\\one.jpg", f"{0:064x}"]
)  # fmt: skip
def test_that_an_image_is_found_by_name_path_file_name_and_hash(key: str) -> None:
    assert index("a/one.jpg", "a/two.jpg").find(key) == f"{0:064x}"


def test_that_an_ambiguous_file_name_is_refused_with_the_candidates() -> None:
    with pytest.raises(
        ValueError, match=r"could be 2 images \(a/one.jpg, b/one.jpg\); write the folder too"
    ):
        index("a/one.jpg", "b/one.jpg").find("one.jpg")


def test_that_the_folder_decides_between_equal_file_names() -> None:
    assert index("a/one.jpg", "b/one.jpg").find("x/b/one.jpg") == f"{1:064x}"


def test_that_the_hash_decides_before_the_name() -> None:
    assert index("a/one.jpg", "b/one.jpg").find("one.jpg", f"{1:064x}") == f"{1:064x}"


@pytest.mark.parametrize("key", ["", "three.jpg", "f" * 64])
def test_that_an_unknown_image_is_refused_each_time(key: str) -> None:
    images = index("one.jpg")
    for _ in range(2):
        with pytest.raises(ValueError, match="no image"):
            images.find(key)


def test_that_a_duplicate_s_name_means_the_image_that_was_kept() -> None:
    images = index("one.jpg", aliases=(("copy/uno.jpg", "one.jpg"),))
    assert images.find("copy/uno.jpg") == images.find("uno.jpg") == f"{0:064x}"


def test_that_matches_by_file_name_alone_are_counted() -> None:
    images = index("a/one.jpg", "two.jpg")
    for key in ("faces/a/one.jpg", "other/one.jpg", "two.png", "two.jpg"):
        images.find(key)
    assert images.loose == 2

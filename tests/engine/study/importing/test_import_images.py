"""A folder of images becomes the study's, or nothing does."""

import os
import shutil
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Progress
from prism_desktop.engine.study.importing import import_images
from prism_desktop.engine.study.store import Study
from tests.engine.study.helpers import bare, finished, reasons, sheet
from tests.fixtures.study import MakeStudy, draw_faces


@pytest.fixture
def empty(make_study: MakeStudy) -> Study:
    return bare(make_study, images=0)


def test_that_formats_are_recognised_by_content_in_all_subfolders(
    tmp_path: Path, empty: Study
) -> None:
    folder = tmp_path / "faces"
    (folder / "deep" / "er").mkdir(parents=True)
    for number, (kind, name) in enumerate(
        [("JPEG", "a.png"), ("PNG", "deep/b.dat"), ("WEBP", "deep/er/c.webp"), ("TIFF", "d")]
    ):
        Image.new("RGB", (20 + number, 10), (number * 50, 0, 0)).save(folder / name, format=kind)
    (folder / "notes.txt").write_text("not an image")
    report = finished(import_images(empty, folder))
    assert [(image.name, image.width) for image in empty.images()] == [
        ("a.png", 20),
        ("d", 23),
        ("deep/b.dat", 21),
        ("deep/er/c.webp", 22),
    ]
    assert (report.rows_read, report.rows_kept, report.refused) == (5, 4, ())
    assert "1 file is no image that can be read: 1 text (notes.txt)" in report.summary()


def test_that_broken_files_are_listed_and_the_rest_is_kept(tmp_path: Path, empty: Study) -> None:
    folder = tmp_path / "faces"
    paths = draw_faces(folder, 3, size=256)
    whole = paths[0].read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "text.jpg").write_text("no image")
    (folder / "zero.png").touch()
    report = finished(import_images(empty, folder))
    assert report.rows_kept == 3
    assert [refused.reason.split(":")[0] for refused in report.refused] == [
        "cut.jpg",
        "text.jpg",
        "zero.png",
    ]
    assert reasons(report)[1].startswith("cut.jpg: ")


def test_that_an_image_of_absurd_size_is_refused_by_its_header(
    tmp_path: Path, empty: Study
) -> None:
    folder = tmp_path / "faces"
    draw_faces(folder, 1)
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)  # 2.7 GB once decoded
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    png = b"".join(
        struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts
    )
    (folder / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + png)
    report = finished(import_images(empty, folder))
    assert report.rows_kept == 1
    assert list(reasons(report).values()) == ["bomb.png: has too many pixels to be opened safely"]


def test_that_duplicates_are_reported_within_the_folder_and_with_the_study(
    tmp_path: Path, empty: Study
) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    paths = draw_faces(first, 3)
    shutil.copy(paths[0], first / "again.jpg")
    report = finished(import_images(empty, first))
    assert (report.rows_kept, report.duplicates) == (3, 1)
    assert report.mapping["duplicates"] == {"face-000.jpg": "again.jpg"}
    second.mkdir()
    shutil.copy(paths[1], second / "other.jpg")
    assert finished(import_images(empty, second)).duplicates == 1
    again = finished(import_images(empty, first))
    assert again.rows_kept == 0
    assert "3 images were in the study already" in again.summary()


def test_that_rotated_photographs_have_the_size_that_is_shown(tmp_path: Path, empty: Study) -> None:
    folder = tmp_path / "faces"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(folder / "turned.jpg", exif=exif)
    finished(import_images(empty, folder))
    assert [(image.width, image.height) for image in empty.images()] == [(20, 40)]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes and links need POSIX")
def test_that_links_that_lead_out_and_special_files_are_refused(
    tmp_path: Path, empty: Study
) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "faces"
    paths = draw_faces(outside, 2)
    draw_faces(folder, 1, seed=5)
    (folder / "link.jpg").symlink_to(paths[0])
    (folder / "linked").symlink_to(outside, target_is_directory=True)
    (folder / "round").symlink_to(folder, target_is_directory=True)
    (folder / "same.jpg").symlink_to(folder / "face-000.jpg")
    os.mkfifo(folder / "pipe.jpg")
    report = finished(import_images(empty, folder))
    assert (report.rows_kept, report.duplicates) == (1, 1)
    assert sorted(refused.reason for refused in report.refused) == [
        "link.jpg: a link that leads out of the folder; not followed",
        "linked: a link that leads out of the folder; not followed",
        "pipe.jpg: not a plain file",
    ]


def test_that_copied_images_outlive_their_folder(tmp_path: Path, empty: Study) -> None:
    folder = tmp_path / "faces"
    draw_faces(folder, 3)
    finished(import_images(empty, folder, copy=True))
    shutil.rmtree(folder)
    assert [(image.copied, image.missing) for image in empty.images()] == [(True, False)] * 3
    assert all(image.path.is_relative_to(empty.path) for image in empty.images())


@pytest.mark.parametrize(
    "stop_at", ["Reading images", "Copying images", "Adding images to the study"]
)
def test_that_a_cancelled_import_leaves_nothing(tmp_path: Path, empty: Study, stop_at: str) -> None:
    draw_faces(tmp_path / "faces", 5)
    work = import_images(empty, tmp_path / "faces", copy=True)
    for event in work:
        if isinstance(event, Progress) and event.what == stop_at:
            break
    work.close()  # type: ignore[attr-defined]
    assert empty.images() == ()
    assert empty.imports() == ()
    assert not list((empty.path / "images").rglob("*.jpg"))


def test_that_an_import_of_images_can_be_undone(tmp_path: Path, empty: Study) -> None:
    draw_faces(tmp_path / "faces", 3)
    report = finished(import_images(empty, tmp_path / "faces", copy=True))
    empty.undo_import(report.id)
    assert empty.images() == ()
    assert not list((empty.path / "images").rglob("*.jpg"))


def test_that_a_missing_folder_is_a_sentence(tmp_path: Path, empty: Study) -> None:
    with pytest.raises(InputError, match="There is no folder"):
        finished(import_images(empty, tmp_path / "nowhere"))


def test_that_a_workbook_among_the_images_is_passed_over(tmp_path: Path, empty: Study) -> None:
    draw_faces(tmp_path / "faces", 1)
    sheet(tmp_path / "faces" / "ratings.xlsx", [["rater"]])
    assert finished(import_images(empty, tmp_path / "faces")).rows_kept == 1

"""A folder of images becomes the study's, or nothing does."""

import os
import shutil
import signal
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Progress
from prism_desktop.engine.study import images, import_transactions, store
from prism_desktop.engine.study.images import hash_file, open_image
from prism_desktop.engine.study.importing.image_folder import import_images
from prism_desktop.engine.study.store import Study
from tests.engine.study.helpers import bare, finished, reasons, sheet
from tests.fixtures.heic import heic
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
    assert report.notices == (
        "1 file has another format than the ending says and came in by the content: a.png is JPEG.",
        "1 file is no image that can be read: 1 text (notes.txt).",
    )


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


@pytest.mark.parametrize("gone", [False, True], ids=["new", "copied again"])
@pytest.mark.parametrize(
    ("place", "name", "stored"),
    [
        (images.Copies, "keep", True),  # the study has them, and nobody noted it
        (store, "remove_copies", True),
        (import_transactions, "apply", False),
    ],
    ids=["noting", "clearing up", "storing"],
)
def test_that_an_order_to_end_around_the_storing_leaves_all_or_nothing(
    tmp_path: Path, empty: Study, monkeypatch: pytest.MonkeyPatch, place: object, name: str,
    stored: bool, gone: bool,
) -> None:  # fmt: skip
    def ended(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    draw_faces(tmp_path / "faces", 3)
    if gone:
        finished(import_images(empty, tmp_path / "faces", copy=True))
        for image in empty.images():
            image.path.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(place, name, ended)
        with pytest.raises(KeyboardInterrupt):
            finished(import_images(empty, tmp_path / "faces", copy=True))
    assert len(empty.images()) == (3 if stored or gone else 0)
    assert [image.missing for image in empty.images()] == [not stored] * len(empty.images())
    copies = [path for path in (empty.path / "images").rglob("*") if path.is_file()]
    assert len(copies) == (3 if stored else 0)


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


def test_that_all_formats_that_people_have_come_in(tmp_path: Path, empty: Study) -> None:
    folder = tmp_path / "faces"
    folder.mkdir()
    for number, name in enumerate(
        ["a.jpg", "b.png", "c.webp", "d.tif", "e.gif", "f.bmp", "g.avif"]
    ):
        Image.new("RGB", (40 + number, 30), (number * 30, 90, 90)).save(folder / name)
    (folder / "h.heic").write_bytes(heic([(76, 85, 255), (29, 255, 107)], turns=1))
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("i.tif", "j.png", "k.webp", "l.avif"):
        Image.new("RGB", (50, 20), (9, 9, ord(name[0]))).save(folder / name, exif=exif)
    report = finished(import_images(empty, folder))
    assert (report.rows_kept, report.refused, report.notices) == (12, (), ())
    sizes = {image.name: (image.width, image.height) for image in empty.images()}
    assert sizes["h.heic"] == (32, 64)
    assert sizes["i.tif"] == sizes["j.png"] == sizes["k.webp"] == sizes["l.avif"] == (20, 50)
    assert sizes == {image.name: open_image(image.path).size for image in empty.images()}


def test_that_several_frames_are_told(tmp_path: Path, empty: Study) -> None:
    folder = tmp_path / "faces"
    folder.mkdir()
    pictures = [Image.new("RGB", (20, 20), (shade, 0, 0)) for shade in (10, 200)]
    for name in ("a.gif", "b.png", "c.webp", "d.tif", "e.avif"):
        pictures[0].save(folder / name, save_all=True, append_images=pictures[1:])
    (folder / "f.heic").write_bytes(heic([(76, 85, 255)], frames=2))
    pictures[1].save(folder / "g.gif")
    report = finished(import_images(empty, folder))
    assert report.rows_kept == 7
    assert report.notices == (
        "6 images hold several frames; the first is used: a.gif, b.png, c.webp and 3 more.",
    )


OTHERS = [
    ("a.svg", b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    ("b.psd", b"8BPS\0\1" + bytes(30), "PSD"),
    ("c.CR2", b"II*\0\x10\0\0\0CR\2\0" + bytes(30), "camera raw (.CR2)"),
    ("d.NEF", b"MM\0*" + bytes(30), "camera raw (.NEF)"),
    ("e.dng", b"II*\0" + bytes(30), "camera raw (.dng)"),
    ("f.CR3", b"\0\0\0\x18ftypcrx " + bytes(30), "camera raw (.CR3)"),
    ("g.RAF", b"FUJIFILMCCD-RAW " + bytes(30), "camera raw (.RAF)"),
    ("h.jp2", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(30), "JPEG 2000"),
    ("i.jxl", b"\xff\x0a" + bytes(30), "JPEG XL"),
    ("j.pdf", b"%PDF-1.7\n", "PDF"),
    ("k.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
    ("l.mp4", b"\0\0\0\x18ftypisom" + bytes(30), "MPEG-4 video"),
    ("m.csv", b"BMI,age\n20,30\n", "CSV table"),
    ("n.txt", "Grüße".encode(), "text"),
    ("o.zip", b"PK\3\4" + bytes(30), "ZIP archive"),
    ("p.bin", bytes(range(40)), "unknown format (.bin)"),
    ("q", b"", "empty file"),
]


@pytest.mark.parametrize(("name", "content", "kind"), OTHERS, ids=[other[0] for other in OTHERS])
def test_that_what_is_no_image_is_named_with_its_format(
    tmp_path: Path, empty: Study, name: str, content: bytes, kind: str
) -> None:
    folder = tmp_path / "faces"
    draw_faces(folder, 1)
    (folder / name).write_bytes(content)
    report = finished(import_images(empty, folder))
    assert (report.rows_kept, report.refused) == (1, ())
    assert report.notices == (f"1 file is no image that can be read: 1 {kind} ({name}).",)


def test_that_kinds_are_counted_in_one_notice(tmp_path: Path, empty: Study) -> None:
    folder = tmp_path / "faces"
    draw_faces(folder, 1)
    for name, content, _ in OTHERS[:2]:
        (folder / name).write_bytes(content)
    for number in range(5):
        (folder / f"note {number}.txt").write_text("a note")
    for litter in (".DS_Store", "Thumbs.db", "._face-000.jpg", "desktop.ini"):
        (folder / litter).write_bytes(b"\0\5\x16\7")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "._face.jpg").write_bytes(b"\0\5\x16\7")
    assert finished(import_images(empty, folder)).notices == (
        "7 files are no images that can be read: "
        "5 text (note 0.txt, note 1.txt, note 2.txt and 2 more), 1 PSD (b.psd), 1 SVG (a.svg).",
    )


def test_that_a_raw_file_named_tif_is_not_taken_for_its_preview(
    tmp_path: Path, empty: Study
) -> None:
    folder = tmp_path / "faces"
    folder.mkdir()
    raw = {50706: (1, 4, 0, 0)}  # DNGVersion
    Image.new("RGB", (20, 10)).save(folder / "raw.tif", tiffinfo=raw)
    assert "camera raw" in reasons(finished(import_images(empty, folder)))[1]


@pytest.mark.parametrize("name", ["a.gif", "b.bmp", "c.avif", "d.heic", "e.webp", "f.tif"])
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.95])
def test_that_a_file_cut_off_is_refused(
    tmp_path: Path, empty: Study, name: str, kept: float
) -> None:
    folder = tmp_path / "faces"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (48, 48, 3), np.uint8)
    if name == "d.heic":
        (folder / name).write_bytes(heic([(76, 85, 255), (29, 255, 107)]))
    else:
        Image.fromarray(noise).save(folder / name)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(len(content) * kept)])
    report = finished(import_images(empty, folder))
    assert report.rows_kept == 0
    assert [refused.row for refused in report.refused] == [1]
    assert empty.images() == ()


def test_that_a_renamed_folder_imported_again_brings_places_up_to_date(
    tmp_path: Path, empty: Study
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    draw_faces(old, 4)
    finished(import_images(empty, old))
    old.rename(new)
    (new / "face-003.jpg").rename(new / "other.jpg")
    draw_faces(tmp_path / "more", 1, seed=9)[0].rename(new / "fresh.jpg")
    report = finished(import_images(empty, new))
    assert (report.rows_kept, report.duplicates, report.refused) == (1, 0, ())
    assert report.notices == (
        "4 images were found again here; their places were brought up to date.",
    )
    assert report.mapping["duplicates"] == {"other.jpg": "face-003.jpg"}
    images = {image.name: image for image in empty.images()}
    assert not any(image.missing for image in images.values())
    assert images["face-003.jpg"].path == new / "other.jpg"
    assert empty.check() == []
    empty.undo_import(report.id)  # takes out the new image; the places stay, the old hold nothing
    assert {image.name for image in empty.images()} == set(images) - {"fresh.jpg"}
    assert not any(image.missing for image in empty.images())


def test_that_images_whose_places_hold_stay_there(tmp_path: Path, empty: Study) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    draw_faces(old, 3)
    finished(import_images(empty, old))
    shutil.copytree(old, new)
    (new / "face-002.jpg").rename(new / "other.jpg")
    report = finished(import_images(empty, new))
    assert report.duplicates == 1
    assert report.notices == (
        "2 images were in the study already.",
        "No new images were found.",
    )
    assert all(image.path.parent == old for image in empty.images())


@pytest.mark.parametrize("copy", [False, True])
def test_that_copied_images_that_are_gone_are_copied_again(
    tmp_path: Path, empty: Study, copy: bool
) -> None:
    draw_faces(tmp_path / "faces", 2)
    finished(import_images(empty, tmp_path / "faces", copy=True))
    before = empty.images()
    before[0].path.unlink()
    report = finished(import_images(empty, tmp_path / "faces", copy=copy))
    assert "1 image was found again here; its place was brought up to date." in report.notices
    assert empty.images() == before
    assert empty.check() == []


KILLED = """
import os, sys
from prism_desktop.engine.study import images
from prism_desktop.engine.study.importing import image_folder
from prism_desktop.engine.study.importing.image_folder import import_images
from prism_desktop.engine.study.store import Study
copied, copy_in = [], image_folder.copy_in
def counted(*given):
    copied.append(copy_in(*given))
    if len(copied) >= 3:
        sys.stdout.write("now\\n"); sys.stdout.flush()
        sys.stdin.read()
    return copied[-1]
image_folder.copy_in = counted
with Study.open(sys.argv[1]) as study:
    for _ in import_images(study, sys.argv[2], copy=True):
        pass
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows knows no SIGKILL")
def test_that_a_killed_import_leaves_the_study_as_it_was(tmp_path: Path, empty: Study) -> None:
    draw_faces(tmp_path / "first", 1, seed=3)
    finished(import_images(empty, tmp_path / "first", copy=True))
    before = empty.images()
    draw_faces(tmp_path / "faces", 6)
    empty.close()
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(empty.path), str(tmp_path / "faces")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "now\n"
        assert len(list((empty.path / "images").glob("??/*"))) >= 4
        os.kill(child.pid, signal.SIGKILL)
    with Study.open(empty.path) as study:
        assert study.images() == before
        assert [file for file in (study.path / "images").rglob("*") if file.is_file()] == [
            before[0].path
        ]
        assert study.check() == []
        aside = list((study.path / "cache" / "copies").iterdir())
        assert len(aside) >= 3  # they wait for the import to be run again
        inodes = {file.stat().st_ino for file in aside}
        assert finished(import_images(study, tmp_path / "faces", copy=True)).rows_kept == 6
        assert all(hash_file(image.path) == image.id for image in study.images())
        assert inodes <= {image.path.stat().st_ino for image in study.images()}
        assert not (study.path / "cache" / "copies").exists()
        assert study.check() == []

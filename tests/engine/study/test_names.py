"""Names of labelers and attributes in every script, and names of files that are no text."""

import os
import unicodedata
from pathlib import Path

import pytest

from prism_desktop.engine.adaptation.predictions import images_in
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import outcome
from prism_desktop.engine.names import is_name
from prism_desktop.engine.study.store import Study
from tests.cli.test_study_commands import run
from tests.fixtures.study import MakeStudy, draw_faces

FLAG = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"  # of England
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
GOOD = (
    "L1", "Ann-Marie O'Neil", FAMILY, FLAG, "\u2764\ufe0f", "e\u0301ric", "Zoë", "שלום", "محمد",
    "नमस्ते", "\u0645\u06cc\u200c\u062e", "\u0d9a\u0dca\u200d\u0dc2", "日本語 名前", "A" * 100,
)  # fmt: skip
BAD = (
    "", " a", "a ", "a\nb", "a\tb", "a\0b", "\x1b[31m", "a\u202eb", "a\u2066b", "a\u200fb",
    "\u200d", "\u0301", "\u200b", "a\u200bb", "a\ufeff", "a\u2028b", "\udce9", "a\u00a0b",
    "\ue000", "\ufdd0", "A" * 101,
)  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_that_names_of_every_script_are_kept_as_they_are(name: str, make_study: MakeStudy) -> None:
    study = make_study(images=2, labelers=0)
    study.add_labeler(name)
    assert name in [labeler.code for labeler in study.labelers()]


@pytest.mark.parametrize("name", BAD, ids=ascii)
def test_that_names_which_cannot_be_seen_are_refused(name: str) -> None:
    assert not is_name(name)


def test_that_one_name_in_two_spellings_of_unicode_is_one_name(make_study: MakeStudy) -> None:
    study = make_study(images=2, labelers=0)
    study.add_labeler(unicodedata.normalize("NFC", "Zoë"))
    with pytest.raises(InputError, match="already"):
        study.add_labeler(unicodedata.normalize("NFD", "Zoë"))


def _name_of_bytes(folder: Path, name: bytes) -> Path:
    path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
    try:
        path.touch()
    except OSError:
        pytest.skip("this disk knows only names that are text")
    return path


@pytest.mark.parametrize("copy", [[], ["--copy"]], ids=["in place", "copied"])
def test_that_a_name_that_is_no_text_does_not_stop_a_folder(
    copy: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "faces"
    faces = draw_faces(folder, 5)
    faces[0].replace(_name_of_bytes(folder, b"caf\xe9.jpg"))
    faces[1].replace(folder / "two\nlines.jpg")
    assert run("study", "new", tmp_path / "s.prism", "--images", folder, *copy) == 0
    told = capsys.readouterr()
    assert "caf\\xe9.jpg" in told.out
    assert "rename it" in told.out
    with Study.open(tmp_path / "s.prism") as study:
        assert {image.name for image in study.images()} >= {"two\nlines.jpg", "face-004.jpg"}
        assert len(study.images()) == 4
        assert not study.check()


def test_that_images_to_be_scored_may_have_names_that_are_no_text(tmp_path: Path) -> None:
    faces = draw_faces(tmp_path / "faces", 4)
    faces[0].replace(_name_of_bytes(tmp_path / "faces", b"caf\xe9.jpg"))
    faces[1].replace(tmp_path / "faces" / "two\nlines.jpg")
    found = outcome(images_in(tmp_path / "faces"))
    assert sorted(found["name"]) == [
        "caf\\xe9.jpg", "face-002.jpg", "face-003.jpg", "two\nlines.jpg",
    ]  # fmt: skip
    assert all(Path(path).is_file() for path in found["path"])
    assert found["image"].nunique() == 4


def test_that_a_study_in_a_folder_whose_name_is_no_text_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.prism"))
    assert run("study", "new", place) == 2
    assert "caf\\xe9.prism" in capsys.readouterr().err
    assert not place.exists()

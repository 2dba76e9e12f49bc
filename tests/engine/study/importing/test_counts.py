"""What an import tells of its rows adds up: no row is counted under two names."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import outcome
from prism_desktop.engine.study.importing.image_folder import import_images
from prism_desktop.engine.study.importing.import_files import import_embedding_file, import_files
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.records import ImportReport, RefusedRow
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.study.reports import outcome as line_of
from tests.fixtures.study import MakeStudy, draw_faces


def _folder(study: Study, folder: Path) -> ImportReport:
    """Images that are new, there already, there twice, moved, broken and none at all."""
    draw_faces(folder / "in", 9)
    shutil.copy(folder / "in" / "face-008.jpg", folder / "in" / "other.jpg")
    shutil.copy(folder / "in" / "face-007.jpg", folder / "in" / "another.jpg")
    (folder / "in" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no image")
    (folder / "in" / "notes.txt").write_text("no image", encoding="utf-8")
    (folder / "in" / "more.txt").write_text("no image either", encoding="utf-8")
    (folder / "in" / "round").symlink_to(folder / "in", target_is_directory=True)
    return outcome(import_images(study, folder / "in"))


def _vectors(study: Study, folder: Path) -> ImportReport:
    """Embeddings of the study's images, twice, and of images that the study lacks."""
    names = [image.name for image in study.images()]
    rows = [*names, *names[:3], "stranger.jpg"]
    numbers = np.random.default_rng(0).random((len(rows), 4), np.float32)
    np.savez(folder / "v.npz", names=np.array(rows), vectors=numbers)
    return outcome(import_embedding_file(study, folder / "v.npz"))


def _wide(study: Study, folder: Path) -> ImportReport:
    """A row with two answers, copies of it, one that is partly good, one of a stranger."""
    names = [image.name for image in study.images()]
    lines = ["rater,image,attractive,smart", f"r,{names[0]},1,2", f"r,{names[1]},3,high"]
    lines += [f"r,{names[0]},1,2"] * 3 + ["r,stranger.jpg,1,2", f"r,{names[2]},,"]
    lines += [f"q,{name},{1 + place % 4},{1 + place % 3}" for place, name in enumerate(names)]
    (folder / "w.csv").write_text("\n".join(lines), encoding="utf-8")
    recipe = Recipe(again="skip")
    return outcome(import_files(study, [folder / "w.csv"], recipe))


@pytest.mark.parametrize(
    ("bring", "parts"),
    [
        (_folder, {"kept": 3, "there already": 6, "duplicates": 2, "refused": 1, "no images": 2}),
        (_vectors, {"kept": 6, "duplicates": 3, "refused": 1}),
        (_wide, {"kept": 8, "duplicates": 3, "refused": 2}),
    ],
)
def test_that_the_parts_of_an_import_add_up_to_all_that_was_read(
    make_study: MakeStudy,
    tmp_path: Path,
    bring: Callable[[Study, Path], ImportReport],
    parts: dict[str, int],
) -> None:
    study = make_study(attributes=("attractive", "smart"), images=6, comparisons=0)
    report = bring(study, tmp_path)
    assert {what: number for number, what in report.parts()} == parts
    assert sum(parts.values()) == report.rows_read
    for told in (line_of(report), report.summary().splitlines()[0]):
        numbers = [int(number) for number in re.findall(r"\d+", told.rpartition(": ")[2])]
        whole = numbers.pop(1)
        assert sum(numbers) == whole == report.rows_read, told
    kept = next(each for each in study.imports() if each.id == report.id)
    assert kept.parts() == report.parts()


def test_that_a_report_that_told_the_same_images_twice_tells_them_once() -> None:
    refused = tuple(RefusedRow(row, "is the same image as row 1") for row in range(2, 40))
    report = ImportReport("i", "faces.npz", "embeddings", 50, 12, refused, duplicates=38)
    assert line_of(report) == "12 of 50 kept · 38 duplicates"


def test_that_one_is_told_in_the_singular(make_study: MakeStudy, tmp_path: Path) -> None:
    study = make_study(images=2)
    draw_faces(tmp_path / "in", 3)
    shutil.copy(tmp_path / "in" / "face-002.jpg", tmp_path / "in" / "twin.jpg")
    (tmp_path / "in" / "notes.txt").write_text("no image", encoding="utf-8")
    report = outcome(import_images(study, tmp_path / "in"))
    assert line_of(report) == "1 of 5 kept · 2 there already · 1 no image · 1 duplicate"


def test_that_embeddings_are_refused_before_the_tables_beside_them_come_in(
    make_study: MakeStudy, tmp_path: Path
) -> None:
    from prism_desktop.engine.study.importing.import_files import import_together

    study = make_study(attributes=("attractive",), images=6, comparisons=0)
    _vectors(study, tmp_path)
    names = [image.name for image in study.images()]
    lines = ["rater,image,attractive", *(f"r,{name},3" for name in names)]
    (tmp_path / "t.csv").write_text("\n".join(lines), encoding="utf-8")
    before = study.imports()
    with pytest.raises(InputError, match="Nothing was imported"):
        outcome(import_together(study, [tmp_path / "t.csv"], [(tmp_path / "v.npz", None)]))
    assert study.imports() == before

"""Embeddings that others computed become a set of the study, or are refused with a reason."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prism_desktop.engine.errors import InputError, StudyError
from prism_desktop.engine.study.embeddings import list_embeddings, path_of, read_embeddings
from prism_desktop.engine.study.importing.doubts import DecisionNeededError
from prism_desktop.engine.study.importing.import_files import (
    import_embedding_file,
    import_files,
    is_embeddings,
)
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.store import Study
from tests.engine.study.helpers import bare, finished, reasons
from tests.fixtures.study import MakeStudy

NAMES = [f"face-{number:03d}.jpg" for number in range(12)]


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    return bare(make_study)


def numbers(rows: int = 12, size: int = 5) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(0).normal(size=(rows, size)).astype(np.float32)


def npz(path: Path, **arrays: Any) -> Path:
    np.savez_compressed(path, **arrays)
    return path


def test_that_an_archive_becomes_a_set_that_gives_the_same_numbers(
    study: Study, tmp_path: Path
) -> None:
    order = np.random.default_rng(1).permutation(12)
    file = npz(
        tmp_path / "Face Net (512).npz", image=np.array(NAMES)[order], embedding=numbers()[order]
    )
    report = finished(import_embedding_file(study, file))
    assert (report.format, report.rows_kept, report.refused) == ("embeddings", 12, ())
    images, matrix, digest = read_embeddings(study.path, "Face-Net-512")
    names = {image.id: image.name for image in study.images()}
    assert matrix.dtype == np.float32
    for image, row in zip(images, matrix, strict=True):
        np.testing.assert_array_equal(row, numbers()[NAMES.index(names[image])])
    assert report.mapping["sha256"] == digest
    assert [
        (found.backbone, found.images, found.dimensions) for found in list_embeddings(study.path)
    ] == [("embeddings:Face-Net-512", 12, 5)]
    assert study.check() == []


@pytest.mark.parametrize("kind", ["list", "fixed", "columns"])
def test_that_a_table_of_lists_or_of_columns_is_the_same_set(
    study: Study, tmp_path: Path, kind: str
) -> None:
    rows = numbers()
    columns: dict[str, Any] = {"filename": NAMES}
    if kind == "columns":
        columns |= {f"e{place}": rows[:, place] for place in reversed(range(5))}
    else:
        columns["embedding"] = pa.array(
            rows.tolist(), pa.list_(pa.float32(), 5 if kind == "fixed" else -1)
        )
    pq.write_table(pa.table(columns), tmp_path / "mine.parquet")
    finished(import_embedding_file(study, tmp_path / "mine.parquet"))
    finished(
        import_embedding_file(
            study, npz(tmp_path / "same.npz", image=np.array(NAMES), embedding=rows)
        )
    )
    assert read_embeddings(study.path, "mine")[2] == read_embeddings(study.path, "same")[2]


def test_that_missing_and_extra_images_are_told_with_examples(study: Study, tmp_path: Path) -> None:
    file = npz(
        tmp_path / "some.npz", image=np.array([*NAMES[:9], "stranger.jpg"]), embedding=numbers(10)
    )
    report = finished(import_embedding_file(study, file))
    assert (report.rows_kept, reasons(report)) == (9, {10: "the study has no image “stranger.jpg”"})
    told = " ".join(report.notices)
    assert (
        "3 of the study's 12 images have no embedding (face-009.jpg, face-010.jpg, face-011.jpg)"
        in told
    )
    assert "1 embedding is of images that the study has not (stranger.jpg)" in told
    assert len(read_embeddings(study.path, "some")[0]) == 9


def test_that_rows_without_proper_numbers_are_refused_by_number(
    study: Study, tmp_path: Path
) -> None:
    rows: list[list[float | None] | None] = [list(row) for row in numbers().tolist()]
    rows[1], rows[2], rows[3], rows[4] = (
        [1.0, 2.0],
        None,
        [float("inf")] * 5,
        [None, 1.0, 1.0, 1.0, 1.0],
    )
    names = [*NAMES[:11], NAMES[0]]
    pq.write_table(pa.table({"image": names, "vector": rows}), tmp_path / "rough.parquet")
    report = finished(import_embedding_file(study, tmp_path / "rough.parquet"))
    assert reasons(report) == {
        3: "has 2 numbers, the others have 5",
        4: "has no embedding",
        5: "holds numbers that are not finite",
        6: "holds numbers that are not finite",
        13: "is the same image as row 2, with other numbers",
    }
    assert (report.rows_kept, report.duplicates) == (7, 1)


def test_that_a_number_beyond_float32_is_refused(study: Study, tmp_path: Path) -> None:
    rows = numbers().astype(np.float64)
    rows[3, 0] = 1e300
    report = finished(
        import_embedding_file(
            study, npz(tmp_path / "big.npz", image=np.array(NAMES), embedding=rows)
        )
    )
    assert reasons(report) == {4: "holds numbers that are not finite"}


def test_that_a_pickle_inside_an_archive_is_never_read(study: Study, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path(tmp_path / "sprung").touch, ())

    file = npz(
        tmp_path / "trap.npz", image=np.array([Trap()] * 3, dtype=object), embedding=numbers(3)
    )
    with pytest.raises(InputError, match="arrays of Python objects, which can run code"):
        finished(import_embedding_file(study, file))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (
            {"image": np.array(NAMES[:3]), "embedding": np.zeros((4, 2))},
            "names 3 images and has 4 embeddings",
        ),
        (
            {"image": np.array(NAMES[:3]), "embedding": np.zeros(3)},
            "needs one array of image names",
        ),
        ({"image": np.array(NAMES[:3]), "embedding": np.zeros((3, 0))}, "without numbers"),
        ({"embedding": np.zeros((3, 2))}, "needs one array of image names"),
    ],
)
def test_that_wrong_shapes_are_one_sentence(
    study: Study, tmp_path: Path, arrays: Any, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        finished(import_embedding_file(study, npz(tmp_path / "odd.npz", **arrays)))
    assert study.imports() == ()


def test_that_a_cut_off_archive_is_one_sentence(study: Study, tmp_path: Path) -> None:
    file = npz(tmp_path / "whole.npz", image=np.array(NAMES), embedding=numbers())
    cut = tmp_path / "cut.npz"
    cut.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(InputError):
        finished(import_embedding_file(study, cut))
    with pytest.raises(InputError, match="damaged"):
        finished(import_embedding_file(study, cut))


def test_that_a_set_s_name_is_its_own_and_safe(study: Study, tmp_path: Path) -> None:
    one = npz(tmp_path / "one.npz", image=np.array(NAMES), embedding=numbers())
    two = npz(tmp_path / "two.npz", image=np.array(NAMES), embedding=numbers() + 1)
    finished(import_embedding_file(study, one, name="Faces"))
    with pytest.raises(InputError, match="has embeddings 'faces' already"):
        finished(import_embedding_file(study, two, name="faces"))
    for name in ("../faces", "a b", ".hidden", "x" * 65):
        with pytest.raises(InputError, match="cannot name a set"):
            finished(import_embedding_file(study, two, name=name))
    with pytest.raises(InputError, match="imported before"):
        finished(import_embedding_file(study, one, name="again"))


def test_that_undoing_takes_the_set_away_and_it_can_come_again(
    study: Study, tmp_path: Path
) -> None:
    file = npz(tmp_path / "one.npz", image=np.array(NAMES), embedding=numbers())
    report = finished(import_embedding_file(study, file))
    study.undo_import(report.id)
    assert list_embeddings(study.path) == ()
    with pytest.raises(InputError, match="no embeddings 'one'; it has none"):
        read_embeddings(study.path, "one")
    finished(import_embedding_file(study, file))
    assert len(read_embeddings(study.path, "one")[0]) == 12


def test_that_a_closed_import_leaves_nothing(study: Study, tmp_path: Path) -> None:
    work = import_embedding_file(
        study, npz(tmp_path / "one.npz", image=np.array(NAMES), embedding=numbers())
    )
    next(work)
    next(work)
    work.close()  # type: ignore[attr-defined]
    assert (study.imports(), list_embeddings(study.path)) == ((), ())


def test_that_damage_is_noticed(study: Study, tmp_path: Path) -> None:
    finished(
        import_embedding_file(
            study, npz(tmp_path / "one.npz", image=np.array(NAMES), embedding=numbers())
        )
    )
    path = path_of(study.path, "one")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(StudyError, match="is damaged"):
        read_embeddings(study.path, "one")
    assert [problem.kind for problem in study.check()] == ["embeddings"]


def test_that_embeddings_come_by_themselves(study: Study, tmp_path: Path) -> None:
    file = npz(tmp_path / "one.npz", image=np.array(NAMES), embedding=numbers())
    ratings = tmp_path / "ratings.csv"
    ratings.write_text("rater,image,smart\nr1,face-000.jpg,3\n")
    with pytest.raises(InputError, match=r"one\.npz holds embeddings; import it by itself"):
        finished(import_files(study, [ratings, file]))


def test_that_ratings_in_parquet_are_still_ratings(study: Study, tmp_path: Path) -> None:
    questions = [f"q{number}" for number in range(6)]
    columns = {"rater": ["r1"] * 4, "image": NAMES[:4]} | {q: [1.0, 2, 3, 4] for q in questions}
    file = tmp_path / "ratings.parquet"
    pq.write_table(pa.table(columns), file)
    assert not is_embeddings(file)
    with pytest.raises(DecisionNeededError, match=r"6 columns of ratings\.parquet could be jud"):
        finished(import_files(study, [file]))
    report = finished(import_files(study, [file], Recipe(judgments=dict.fromkeys(questions, ""))))
    assert (report.format, report.rows_kept) == ("ratings", 4)
    assert set(study.trials()[0].answers) == set(questions)


def test_that_a_report_tells_the_size_of_a_vector(study: Study, tmp_path: Path) -> None:
    file = npz(tmp_path / "a.npz", image=np.array(NAMES), embedding=numbers())
    assert finished(import_embedding_file(study, file)).mapping["dimensions"] == 5

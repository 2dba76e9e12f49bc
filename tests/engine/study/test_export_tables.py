"""What is in exported tables, read with other programs' libraries, and back into a study."""

import csv
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet
import pyreadstat
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.exporting import FORMATS, export
from prism_desktop.engine.study.exporting.columns import Column, fact_columns
from prism_desktop.engine.study.exporting.spss import SEPARATOR, spss_names
from prism_desktop.engine.study.formula_guard import restored
from prism_desktop.engine.study.importing.import_files import import_files
from prism_desktop.engine.study.records import (
    AnswerTime,
    AttributeRecord,
    Doubt,
    FactRecord,
    ImportBatch,
    ImportReport,
    LabelerRecord,
    NewImage,
    TrialRecord,
    new_id,
)
from prism_desktop.engine.study.store import Study
from tests.engine.study.helpers import finished

# Whether the import reads facts and confirmation of an export, and takes the first row of its
# tables for the header whatever words stand below.
READS_FACTS = True
WORDS = (
    "NA", "1.0", "007", "-99", "true", "nan", "=1+1", "+x", "@a", "'q", 'say "so"', "a;b,c", "Zoë",
    "李 明", "e\u0301", "#N/A", "a|b", "_x0041_", *(("Rating", "image") if READS_FACTS else ()),
)  # fmt: skip
IMPORTED = ("csv", "xlsx", "parquet", "sav", "jsonl")  # formats that the import reads
# Every example makes studies on the disk: shrinking one would take minutes.
PROPERTY = settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
TEXTS = (*WORDS, "two\nlines", "tab\there", "x" * 300)


@st.composite
def contents(draw: st.DrawFn) -> dict[str, Any]:
    """Everything of a study but its place."""
    names = st.sampled_from(WORDS)
    people = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    judged = draw(st.lists(names, min_size=1, max_size=3, unique_by=str.lower))
    faces = [f"{n + 1:064x}" for n in range(4)]
    texts = st.sampled_from(("", *TEXTS))
    trials: list[TrialRecord] = []
    for place in range(draw(st.integers(0, 8))):
        rating = draw(st.booleans())
        labeler = draw(st.sampled_from(people))
        left, right = draw(st.permutations(faces))[:2]
        answer = st.sampled_from((1, 2, 3, 4) if rating else ("left", "right", "tie"))
        answers = draw(st.dictionaries(st.sampled_from(judged), answer))
        raw = {a: draw(st.sampled_from((1.0, 6.5, 0.1 + 0.2, -3.0))) for a in answers if rating}
        earlier = [t for t in trials if t.labeler == labeler and t.answers]
        others = [name for name in judged if name not in answers]
        reasons = st.sampled_from(("The image is bad", "=1+1", "NA", "-x"))
        skips = {name: draw(reasons) for name in draw(st.sampled_from(([], others, others[:1])))}
        timed = draw(st.sampled_from(((), (*answers, *skips))))
        time = st.builds(AnswerTime, st.sampled_from((None, 1.7e9)), st.sampled_from((0.0, 1 / 3)))
        skipped = None if answers or skips else draw(st.sampled_from((None, *TEXTS)))
        trials.append(
            TrialRecord(
                new_id(),
                labeler,
                f"{people.index(labeler) + 1:032x}",
                place,
                "rating" if rating else "comparison",
                left,
                None if rating else right,
                onset=draw(st.sampled_from((None, 1.7e9 + 0.1))),
                seconds=draw(st.sampled_from((None, 1 / 3))),
                status="answered" if answers else "skipped",
                skip_reason=skipped,
                answers=answers,
                raw=raw if draw(st.booleans()) else {},
                repeat_of=draw(st.sampled_from([None, *(t.id for t in earlier)])),
                source=draw(st.sampled_from(("labeled", "imported", "simulated"))),
                probability=draw(st.sampled_from((None, 1 / 7))),
                dropped_frames=draw(st.sampled_from((None, 0, 2))),
                skips=skips,
                times={name: draw(time) for name in timed},
                strengths={} if rating else {a: draw(st.sampled_from((1, 9))) for a in answers},
                flags=draw(st.sampled_from(((), ("left",), ("left", "interrupted", "check")))),
                block=draw(st.sampled_from((None, "main", "=1"))),
                strategy=draw(st.sampled_from((None, "random"))),
            )
        )
    owners = [("rater", code) for code in people] + [("image", face) for face in faces]
    facts = draw(
        st.lists(
            st.builds(
                lambda owner, name, value: FactRecord(owner[0], owner[1], name, value),
                st.sampled_from(owners),
                st.sampled_from(("id", "age", "Age", *WORDS)),
                st.sampled_from(TEXTS),
            ),
            max_size=5,
        )
    )
    return {
        "faces": faces,
        "labelers": tuple(
            LabelerRecord(c, draw(texts), draw(texts), draw(st.booleans())) for c in people
        ),
        "attributes": tuple(
            AttributeRecord(name, draw(st.sampled_from(TEXTS)), confirmed=draw(st.booleans()))
            for name in judged
        ),
        "trials": trials,
        "facts": facts,
        "withdrawn": draw(st.lists(st.sampled_from(trials), max_size=2)) if trials else [],
        "corrected": draw(st.booleans()),
    }


@contextmanager
def made_of(content: dict[str, Any]) -> Iterator[Study]:
    """A study of these contents in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        with Study.create(Path(folder) / "s.prism", attributes=()) as study:
            add_images(study, content["faces"])
            for person in content["labelers"]:
                study.add_labeler(
                    person.code, person.display_name, person.profile, person.simulated
                )
            study.apply_import(
                ImportBatch(
                    ImportReport(new_id(), "t.csv", "csv", 1, 1, recipe='scale = "1-7"\n'),
                    attributes=content["attributes"],
                    facts=content["facts"],
                )
            )
            study.record(content["trials"])
            if content["corrected"] and content["trials"]:
                old = content["trials"][-1]
                study.record(replace(old, id=new_id(), repeat_of=None), supersedes=old.id)
                study.withdraw(study.trials(current=False)[-1].id)
                study.record(replace(old, id=new_id(), repeat_of=None), supersedes=old.id)
            for trial in {t.id: t for t in content["withdrawn"]}.values():
                if study.trial(trial.id).superseded_by is None:
                    study.withdraw(trial.id)
            yield study
        shutil.rmtree(Path(folder) / "s.prism")


def add_images(study: Study, faces: list[str]) -> None:
    names = ('=1".jpg', "Zoë.jpg", "a,b;c.jpg", "NA.jpg")
    study.add_images(
        NewImage(Path(f"/nowhere/{name}"), name, face, 8, 8)
        for name, face in zip(names, faces, strict=True)
    )


@pytest.mark.parametrize("format", IMPORTED)
@PROPERTY
@given(content=contents())
def test_that_any_study_comes_back_from_its_export(format: str, content: dict[str, Any]) -> None:  # noqa: A002
    content = content if READS_FACTS else content | {"facts": []}
    with made_of(content) as study, tempfile.TemporaryDirectory() as out:
        paths = finished(export(study, out, format))
        with Study.create(Path(out) / "again.prism", attributes=()) as again:
            add_images(again, content["faces"])
            report = finished(import_files(again, [p for p in paths if p.suffix == f".{format}"]))
            assert report.refused == ()

            def trials(which: Study) -> list[TrialRecord]:
                return [replace(trial, import_id=None) for trial in which.trials(current=False)]

            assert trials(again) == trials(study)
            assert [t.id for t in again.trials()] == [t.id for t in study.trials()]
            assert again.labelers() == study.labelers()
            if READS_FACTS:
                assert again.attributes() == study.attributes()
                assert again.facts() == study.facts()
            else:
                worded = [replace(each, confirmed=True) for each in study.attributes()]
                assert [replace(each, confirmed=True) for each in again.attributes()] == worded


# Tables as other programs read them


def read(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Table -> rows, column -> value; None where a cell is empty."""

    def clean(rows: Any) -> list[dict[str, Any]]:
        return [{k: None if v == "" or v != v else v for k, v in row.items()} for row in rows]

    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            rows = [{k: restored(v) for k, v in row.items()} for row in csv.DictReader(file)]
        return {path.stem: clean(rows)}
    if path.suffix == ".parquet":
        return {path.stem: clean(pyarrow.parquet.read_table(path).to_pylist())}
    if path.suffix == ".jsonl":
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]
        return {path.stem: clean(map(json.loads, lines))}
    if path.suffix == ".sav":
        frame, meta = pyreadstat.read_sav(path)
        names = {}
        for name, label in zip(meta.column_names, meta.column_labels, strict=True):
            own, there, _ = label.rpartition(SEPARATOR)
            names[name] = own if there else name
        return {path.stem: clean(frame.rename(columns=names).to_dict("records"))}
    book = openpyxl.load_workbook(path)
    found = {}
    for page in book:
        head, *rows = page.iter_rows(values_only=True)
        found[page.title] = clean(dict(zip(map(str, head), row, strict=True)) for row in rows)
    return found


def exported(study: Study, out: Path, format: str) -> dict[str, list[dict[str, Any]]]:  # noqa: A002
    tables = {}
    for path in finished(export(study, out, format)):
        if path.suffix == f".{format}":
            tables |= read(path)
    return tables


def plain(value: Any) -> Any:
    """A cell whatever its format calls numbers and yes or no."""
    if value in ("true", "false"):
        return float(value == "true")
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


@PROPERTY
@given(content=contents())
def test_that_every_format_says_the_same(content: dict[str, Any]) -> None:
    with made_of(content) as study, tempfile.TemporaryDirectory() as out:
        tables = {
            name: exported(study, Path(out) / name, name) for name in FORMATS if name != "xlsx"
        }
        expected = tables.pop("parquet")
        assert len(expected["ratings"]) + len(expected["comparisons"]) == sum(
            max(1, len(trial.answers) + len(trial.skips)) for trial in study.trials(current=False)
        )
        for found in tables.values():
            for name, rows in expected.items():
                mine = found.get(name, [])
                assert len(mine) == len(rows), name
                for given_row, row in zip(mine, rows, strict=True):
                    assert given_row.keys() == row.keys()
                    for column, value in row.items():
                        cell = given_row[column]
                        text = value is None or isinstance(value, str)
                        assert (cell if text else plain(cell)) == value, (name, column)


@pytest.fixture
def known(tiny_study: Study) -> Study:
    """Facts, doubts and a recipe; two labelers and two images are known."""
    one, two = (image.id for image in tiny_study.images()[:2])
    facts = [
        FactRecord("rater", "L1", "age", "31"),
        FactRecord("rater", "L2", "hair colour", "=red"),
        FactRecord("image", one, "id", "CFD-1"),
        FactRecord("image", two, "norm", "1.50"),
    ]
    doubts = (Doubt("scale", "Is it 1 to 7?", "t.csv", "smart"), Doubt("time", "Late."))
    report = ImportReport(
        "ab" * 16, "Kopie von t (2).csv", "csv", 1, 1, doubts=doubts, recipe='scale = "1-7"\n'
    )
    study = tiny_study
    guessed = AttributeRecord("mouse.x", confirmed=False)
    study.apply_import(ImportBatch(report, attributes=(guessed,), facts=facts))
    study.dismiss_doubts(report.id, [1])
    pair = TrialRecord(new_id(), "L1", "f", 0, "comparison", one, two, answers={"smart": "tie"})
    study.record([pair, TrialRecord(new_id(), "L2", "g", 0, "rating", one, answers={"smart": 4})])
    return study


def test_that_facts_have_columns_of_their_own_whatever_they_are_called() -> None:
    others = [Column("image_id", "text", "")]
    for names in (("fact_id", "id"), ("id", "fact_id"), ("ID", "id", "fact_ID")):
        columns = {each.name for each in fact_columns("image", names, others)}
        assert len(columns | {"image_id"}) == len(names) + 1


@pytest.mark.parametrize("format", FORMATS)
def test_that_facts_stand_beside_answers_and_with_their_owners(
    known: Study,
    tmp_path: Path,
    format: str,  # noqa: A002
) -> None:
    tables = exported(known, tmp_path / "out", format)
    one, two = (image.id for image in known.images()[:2])
    people = {row["labeler"]: row for row in tables["labelers"]}
    assert (people["L1"]["fact_age"], people["L1"]["fact_hair colour"]) == ("31", None)
    assert people["L2"]["fact_hair colour"] == "=red"
    images = {row["image_id"]: row for row in tables["images"]}
    assert (images[one]["fact_id"], images[one]["fact_norm"]) == ("CFD-1", None)
    assert images[two]["fact_norm"] == "1.50"
    rated = tables["ratings"][-1]
    assert (rated["rater_hair colour"], rated["rater_age"]) == ("=red", None)
    assert (rated["image_id"], rated["image_fact_id"]) == (one, "CFD-1")
    pair = tables["comparisons"][-1]
    assert (pair["rater_age"], pair["left_fact_id"], pair["right_norm"]) == ("31", "CFD-1", "1.50")
    assert (pair["left_id"], pair["left_norm"], pair["right_fact_id"]) == (one, None, None)
    confirmed = {row["attribute"]: plain(row["confirmed"]) for row in tables["attributes"]}
    assert confirmed == {"attractive": 1, "smart": 1, "mouse.x": 0}


def test_that_recipes_doubts_and_facts_are_in_the_codebook(known: Study, tmp_path: Path) -> None:
    paths = finished(export(known, tmp_path / "out"))
    (recipe,) = [path for path in paths if path.suffix == ".toml"]
    assert recipe == tmp_path / "out" / "recipes" / "01-Kopie-von-t-2-abababab.toml"
    assert recipe.read_text() == 'scale = "1-7"\n'
    words = (tmp_path / "out" / "codebook.md").read_text()
    for expected in (
        "| labelers | hair colour | 1 |",
        "| images | norm | 1 |",
        "doubt, open: Is it 1 to 7? (t.csv, smart)",
        "doubt, dismissed: Late.",
        "recipes/01-Kopie-von-t-2-abababab.toml",
        "guessed by an import and confirmed by nobody",
    ):
        assert expected in words
    known.undo_import("ab" * 16)
    again = finished(export(known, tmp_path / "later"))
    assert [path for path in again if path.suffix == ".toml"] == []


def test_that_spss_shows_what_ratings_are_called(tiny_study: Study, tmp_path: Path) -> None:
    finished(export(tiny_study, tmp_path, "sav"))
    _, meta = pyreadstat.read_sav(tmp_path / "ratings.sav")
    assert meta.variable_value_labels["rating"] == {
        1.0: "very low", 2.0: "low", 3.0: "high", 4.0: "very high",
    }  # fmt: skip
    assert meta.column_names_to_labels["seconds"].startswith("Response time in seconds")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["trial", "left_id"], ["trial", "left_id"]),
        (["fact_hair colour", "fact_hair-colour"], ["fact_hair_colour", "fact_hair_colour_2"]),
        (["fact_Age", "fact_age"], ["fact_Age", "fact_age_2"]),
        (["by", "7up", "end.", "李"], ["by_1", "v_7up", "end", "v"]),
        (["x" * 90, "x" * 80], ["x" * 64, "x" * 58 + "_2"]),
    ],
)
def test_that_names_become_names_of_spss(names: list[str], expected: list[str]) -> None:
    assert spss_names(names) == expected


def test_that_a_text_too_long_for_spss_is_one_sentence(tiny_study: Study, tmp_path: Path) -> None:
    tiny_study.update_labeler("L1", profile="ä" * 20_000)
    said = r"labelers, profile: a text of 40,000 bytes .* choose CSV"
    with pytest.raises(InputError, match=said):
        finished(export(tiny_study, tmp_path / "out", "sav"))
    assert list((tmp_path / "out").iterdir()) == []
    finished(export(tiny_study, tmp_path / "out", "jsonl"))

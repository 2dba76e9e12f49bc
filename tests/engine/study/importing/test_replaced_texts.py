"""A file of texts in place of one that was imported before."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.importing.texts.text_files import import_texts, planned_texts
from prism_desktop.engine.study.records import TrialRecord, new_id
from prism_desktop.engine.study.store import Study
from tests.engine.study.helpers import finished, table


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    with Study.create(tmp_path / "texts.prism", kind="text") as made:
        yield made


REPLACED = "id,text,prompt,author\n1,One.,Q?,ada\n2,Two.,Q?,ben\n3,Three.,,\n"


@pytest.mark.parametrize(
    ("now", "texts"),
    [
        (REPLACED + "4,Four.,,\n", ["One.", "Two.", "Three.", "Four."]),  # a row more
        ("id,text,prompt,author\n1,One.,Q?,ada\n", ["One.", "Two."]),  # the second was judged
        ("id,text,prompt,author\n1,Uno.,Q?,ada\n2,Two.,Q?,ben\n", ["Uno.", "Two."]),  # mended
        ("id,text,prompt,author\n3,Two.,Q?,cy\n2,Three.,,\n", ["Three.", "Two."]),  # other names
    ],
)
def test_that_a_file_in_place_of_another_brings_what_it_holds_and_keeps_what_was_judged(
    now: str, texts: list[str], study: Study, tmp_path: Path
) -> None:
    old = finished(import_texts(study, table(tmp_path / "old.csv", REPLACED)))
    judged = next(text for text in study.texts() if text.text == "Two.")
    study.add_labeler("eve")
    study.record(TrialRecord(new_id(), "eve", "s", 0, "rating", judged.id, answers={"clear": 4}))
    report = finished(import_texts(study, table(tmp_path / "new.csv", now), replaces=old.id))
    assert [text.text for text in study.texts()] == texts
    assert report.rows_kept == len(now.splitlines()) - 1
    assert report.duplicates == 0
    kept = next(text for text in study.texts() if text.text == "Two.")
    assert kept.fold == judged.fold
    assert kept.author == ("cy" if "cy" in now else "ben")
    assert kept.name == ("3" if "cy" in now else "2")
    assert study.check() == []


def test_that_a_file_cannot_take_the_id_of_a_judged_text_for_another(
    study: Study, tmp_path: Path
) -> None:
    old = finished(import_texts(study, table(tmp_path / "old.csv", REPLACED)))
    judged = next(text for text in study.texts() if text.text == "Two.")
    study.add_labeler("eve")
    study.record(TrialRecord(new_id(), "eve", "s", 0, "rating", judged.id, answers={"clear": 4}))
    before = study.texts()
    file = table(tmp_path / "new.csv", "id,text\n2,Zwei.\n")
    with pytest.raises(InputError, match=r"'2' was judged, .* give that another id"):
        finished(import_texts(study, file, replaces=old.id))
    with pytest.raises(InputError, match="no import nothing"):
        finished(planned_texts(study, file, replaces="nothing"))
    assert study.texts() == before


def test_that_own_texts_in_place_of_others_are_all_there(study: Study, tmp_path: Path) -> None:
    said = "author,text\nada,Hello.\nada,Bye.\n"
    old = finished(import_texts(study, table(tmp_path / "old.csv", said), kind="own texts"))
    more = table(tmp_path / "new.csv", said + "ben,Well.\n")
    report = finished(import_texts(study, more, kind="own texts", replaces=old.id))
    assert report.rows_kept == 3
    assert [own.text for own in study.own_texts()] == ["Hello.", "Bye.", "Well."]


@pytest.mark.parametrize("judged", [False, True])
def test_that_texts_without_ids_in_place_of_others_are_all_there(
    judged: bool, study: Study, tmp_path: Path
) -> None:
    old = finished(import_texts(study, table(tmp_path / "t.csv", "text\nOne.\nTwo.\n")))
    if judged:
        text = study.texts()[0].id
        study.add_labeler("eve")
        study.record(TrialRecord(new_id(), "eve", "s", 0, "rating", text, answers={"clear": 4}))
    (tmp_path / "new").mkdir()
    file = table(tmp_path / "new" / "t.csv", "text\nNew.\nOne.\nTwo.\n")
    report = finished(import_texts(study, file, replaces=old.id))
    assert report.refused == ()
    assert sorted(text.text for text in study.texts()) == ["New.", "One.", "Two."]
    assert len({text.name for text in study.texts()}) == 3


def test_that_a_group_or_fold_that_the_study_keeps_is_told_where_the_file_says_another(
    study: Study, tmp_path: Path
) -> None:
    head = "text_id,name,text,prompt,author,group,fold\n"
    rows = "a,1,One.,,,g,2\nb,2,Two.,Q?,,,3\n"
    old = finished(import_texts(study, table(tmp_path / "texts.csv", head + rows)))
    judged = next(text.id for text in study.texts() if text.text == "Two.")
    study.add_labeler("eve")
    study.record(TrialRecord(new_id(), "eve", "s", 0, "rating", judged, answers={"clear": 4}))
    silent = table(tmp_path / "silent.csv", "id,text\n1,One.\n")
    report = finished(import_texts(study, silent, replaces=old.id))
    assert not any(doubt.kind == "group-kept" for doubt in report.doubts)
    other = table(tmp_path / "other.csv", head + "a,1,One.,,,h,2\nc,3,Other.,Q?,,,5\n")
    report = finished(import_texts(study, other, replaces=report.id))
    assert {doubt.kind: doubt.rows for doubt in report.doubts} == {"group-kept": (2,), "fold": (3,)}
    folds = {text.text: text.fold for text in study.texts()}
    assert folds["Other."] == folds["Two."] == 3
    assert next(text.group for text in study.texts() if text.text == "One.") == "g"

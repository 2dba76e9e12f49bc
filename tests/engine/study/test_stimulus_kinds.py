"""A study holds stimuli of one kind, whichever way they come in, and is worded by it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Event
from prism_desktop.engine.stimulus_words import StimulusKind
from prism_desktop.engine.study.images import read_image
from prism_desktop.engine.study.importing.image_folder import import_images
from prism_desktop.engine.study.importing.import_files import import_files
from prism_desktop.engine.study.importing.texts.text_files import import_texts
from prism_desktop.engine.study.records import TrialRecord, new_id
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import NewText, OwnText
from prism_desktop.engine.writing.lamp_study import bring_questions
from tests.engine.study.helpers import finished, table
from tests.fixtures.lamp import question, write_questions


def _images(study: Study, folder: Path, shade: int = 9) -> Iterator[Event[Any]]:
    (folder / "faces").mkdir(exist_ok=True)
    Image.new("RGB", (32, 32), (shade, 2, 3)).save(folder / "faces" / f"{shade}.png")
    return import_images(study, folder / "faces")


def _texts(study: Study, folder: Path) -> Iterator[Event[Any]]:
    return import_texts(study, table(folder / "t.csv", "id,text\na,Alpha\n"))


def _own(study: Study, folder: Path) -> Iterator[Event[Any]]:
    file = table(folder / "o.csv", "author,prompt,text\nada,Greet.,Hello\n")
    return import_texts(study, file, kind="own texts")


def _lamp(study: Study, folder: Path) -> Iterator[Event[Any]]:
    return bring_questions(study, write_questions(folder / "q.json", [question("LaMP_4")]))


WAYS: dict[str, Callable[[Study, Path], Iterator[Event[Any]]]] = {
    "images": _images, "texts": _texts, "own texts": _own, "lamp": _lamp,
}  # fmt: skip


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """A study that nobody said anything about."""
    with Study.create(tmp_path / "s.prism") as made:
        yield made


@pytest.mark.parametrize("held", ["", *WAYS])
@pytest.mark.parametrize("coming", WAYS)
def test_that_what_a_study_holds_decides_what_comes_in(
    held: str, coming: str, study: Study, tmp_path: Path
) -> None:
    if held:
        finished(WAYS[held](study, tmp_path))
    assert study.kind() == ("text" if held not in ("", "images") else "image")
    assert (study.open_for("image"), study.open_for("text")) == (
        held in ("", "images"), held != "images",
    )  # fmt: skip
    fits = not held or (held == "images") == (coming == "images")
    before = (study.stimuli(), study.own_texts(), study.labelers(), study.attributes())
    if held == coming != "lamp":  # the same file again brings nothing, whatever is said of it
        return
    if fits:
        finished(WAYS[coming](study, tmp_path))
        assert study.kind() == ("image" if coming == "images" else "text")
        return
    mine, other = ("images", "texts") if held == "images" else ("texts", "images")
    told = rf"one of {mine}, and a study holds stimuli of one kind; make another .* the {other}"
    with pytest.raises(InputError, match=told):
        finished(WAYS[coming](study, tmp_path))
    assert (study.stimuli(), study.own_texts(), study.labelers(), study.attributes()) == before


@pytest.mark.parametrize("way", WAYS)
def test_that_a_study_is_open_again_once_all_of_it_was_taken_out(
    way: str, study: Study, tmp_path: Path
) -> None:
    finished(WAYS[way](study, tmp_path))
    study.undo_import(study.imports()[0].id)
    assert (study.open_for("image"), study.open_for("text")) == (True, True)
    finished((_texts if way == "images" else _images)(study, tmp_path))
    asked = "text" if way == "images" else "person"
    assert all(f"this {asked} " in one.question for one in study.attributes())


@pytest.mark.parametrize("way", ["texts", "own texts", "lamp"])
def test_that_usual_attributes_are_those_of_what_comes_in(
    way: str, study: Study, tmp_path: Path
) -> None:
    assert [one.name for one in study.attributes()] == ["attractive", "smart", "trustworthy"]
    finished(WAYS[way](study, tmp_path))
    assert [one.name for one in study.attributes()] == ["clear", "convincing", "trustworthy"]
    assert study.attributes()[0].question == "How clear does this text sound?"
    assert study.info().words.many == "texts"
    with Study.create(tmp_path / "named", attributes=["attractive", "kind"]) as named:
        finished(WAYS[way](named, tmp_path))
        assert [one.name for one in named.attributes()] == ["attractive", "kind"]
        assert named.attributes()[1].question == "How kind does this text sound?"


@pytest.mark.parametrize("named", [True, False])
def test_that_attributes_that_somebody_named_or_a_protocol_asks_for_stay(
    named: bool, tmp_path: Path
) -> None:
    usual = ["attractive", "smart", "trustworthy"]
    with Study.create(tmp_path / "s.prism", attributes=usual if named else None) as study:
        if not named:
            study.put_protocol("version = 1\n")
        finished(_own(study, tmp_path))
        assert [one.name for one in study.attributes()] == usual


@pytest.mark.parametrize("way", WAYS)
def test_that_templates_that_somebody_typed_stay_whatever_comes_in(
    way: str, study: Study, tmp_path: Path
) -> None:
    typed = ("a {} voice", "{}")
    study.update_attribute("smart", templates=typed)
    study.add_attribute("kind", templates=typed)  # its question is the usual one
    study.add_attribute("odd", question="How odd?", scale_labels="abcd")
    finished(WAYS[way](study, tmp_path))
    found, words = {one.name: one for one in study.attributes()}, study.words()
    assert found["smart"].templates == found["kind"].templates == typed
    assert found["kind"].question == words.rating_question("kind")
    assert found["odd"].question == "How odd?"
    assert found["odd"].scale_labels == tuple("abcd")
    assert found["odd"].templates == words.templates


def test_that_templates_of_an_imported_table_stay_when_images_come(
    study: Study, tmp_path: Path
) -> None:
    head = "attribute,question,scale_1,scale_4,template_1,template_2\n"
    file = table(tmp_path / "attributes.csv", f"{head}kind,,,,a {{}} soul,{{}} eyes\n")
    finished(import_files(study, [file]))
    finished(_images(study, tmp_path))
    kind = study.attributes()[-1]
    assert kind.templates == ("a {} soul", "{} eyes")
    assert kind.question == "How kind does this person look?"


@pytest.mark.parametrize("way", ["texts", "own texts", "lamp"])
@pytest.mark.parametrize(
    "typed",
    [
        {"scale_labels": ("ugly", "plain", "pretty", "beautiful")},
        {"templates": ("a {} face",)},
        {"question": "How beautiful is it?"},
    ],
)
def test_that_an_attribute_with_words_of_its_own_keeps_its_name(
    way: str, typed: dict[str, Any], study: Study, tmp_path: Path
) -> None:
    study.update_attribute("attractive", **typed)
    finished(WAYS[way](study, tmp_path))
    first, second, _ = study.attributes()
    assert (first.name, second.name) == ("attractive", "convincing")
    assert {key: getattr(first, key) for key in typed} == typed
    if "question" not in typed:
        assert first.question == "How attractive does this text sound?"


def _added(study: Study, way: str, number: int, folder: Path) -> bool:
    """Whether views are told that attributes changed."""
    if way == "images":
        file = folder / f"{number}.png"
        Image.new("RGB", (32, 32), (number, 0, 0)).save(file)
        return study.add_images([read_image(file, file.name)]).changes.attributes
    if way == "texts":
        return study.add_texts([NewText(f"t{number}", f"Text {number}")]).changes.attributes
    study.add_labeler(f"p{number}")
    return study.add_own_texts([OwnText(f"p{number}", "Alpha")]).attributes


@pytest.mark.parametrize("way", ["images", "texts", "own texts"])
def test_that_views_hear_of_attributes_just_where_they_are_worded_anew(
    way: str, study: Study, tmp_path: Path
) -> None:
    assert _added(study, way, 1, tmp_path) == (way != "images")  # it was worded for images
    assert not _added(study, way, 2, tmp_path)
    kind: StimulusKind = "image" if way == "images" else "text"
    with Study.create(tmp_path / "said", kind=kind) as said:
        assert not _added(said, way, 1, tmp_path)


def test_that_views_hear_of_attributes_that_become_those_of_images(
    study: Study, tmp_path: Path
) -> None:
    finished(_own(study, tmp_path))
    study.undo_import(study.imports()[0].id)
    assert _added(study, "images", 1, tmp_path)


def test_that_wordings_and_answers_stay_when_more_comes(study: Study, tmp_path: Path) -> None:
    study.update_attribute("smart", question="How clever?")
    finished(_images(study, tmp_path))
    study.add_labeler("ben")
    (image,) = study.images()
    study.record(
        TrialRecord(
            id=new_id(), labeler="ben", session=new_id(), order=0, kind="rating", left=image.id,
            right=None, onset=1.0, seconds=1.0, answers={"smart": 3},
        )
    )  # fmt: skip
    finished(_images(study, tmp_path, shade=90))
    assert study.attributes()[1].question == "How clever?"
    assert [trial.answers for trial in study.trials()] == [{"smart": 3}]

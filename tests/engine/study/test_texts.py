"""Texts as stimuli: how they are kept, what identifies them, their folds, and damage to them."""

import sqlite3
import unicodedata
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.stimulus_words import FACES, REPLIES
from prism_desktop.engine.study.records import (
    FactRecord,
    ImportBatch,
    ImportReport,
    LabelerRecord,
    NewImage,
    TrialRecord,
    new_id,
)
from prism_desktop.engine.study.repair import repair
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import (
    MOST_CHARACTERS,
    NewText,
    OwnText,
    fold_key,
    kept_form,
    name_fault,
    text_fault,
    text_id,
)
from tests.engine.study.damage import unguarded

WRITTEN = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))
LETTER = NewText("a", "Dear all,\r\nthank you.", "Say thanks.", "ada")


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """A study of texts by two authors, to three prompts, and one that answers none."""
    made = Study.create(tmp_path / "texts.prism", kind="text")
    made.add_labeler("ada")
    made.add_labeler("ben")
    made.add_texts(
        [
            LETTER,
            NewText("b", "Thanks!", "Say thanks.", "ben"),
            NewText("c", "Thanks!", "Decline politely."),
            NewText("d", "Alone."),
            NewText("e", "One.", group="numbers"),
            NewText("f", "Two.", "Count.", group="numbers"),
        ]
    )
    made.add_own_texts([OwnText("ada", "Hello you", "Greet."), OwnText("ada", "A diary.")])
    yield made
    made.close()


@given(WRITTEN)
def test_that_the_kept_form_of_a_text_is_its_own_kept_form(text: str) -> None:
    kept = kept_form(text)
    assert kept_form(kept) == kept
    assert "\r" not in kept
    assert kept == kept.strip()
    assert unicodedata.is_normalized("NFC", kept)


@given(WRITTEN)
def test_that_the_ways_of_writing_one_text_have_one_identity(text: str) -> None:
    kept = kept_form(text)
    for other in (
        f" \n{text}\t",
        kept.replace("\n", "\r\n"),
        kept.replace("\n", "\r"),
        unicodedata.normalize("NFD", text),
    ):
        assert text_id(kept_form(other)) == text_id(kept)


@given(st.tuples(WRITTEN, WRITTEN), st.tuples(WRITTEN, WRITTEN))
def test_that_no_two_texts_with_their_prompts_share_an_identity(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    kept = [tuple(map(kept_form, each)) for each in (one, other)]
    assert (text_id(*kept[0]) == text_id(*kept[1])) == (kept[0] == kept[1])
    text, prompt = kept[0]
    assert text_id(text, prompt) != text_id(prompt + text)


def test_that_anybody_can_work_out_the_identity_of_a_text() -> None:
    assert text_id("Né") == sha256("Né".encode()).hexdigest()
    assert text_id("Yes", "Is it?") == sha256(b"Is it?\0Yes").hexdigest()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\0b", "zero character"),
        ("a\ud800", "half a character"),
        ("", "nothing that can be read"),
        ("\u200b\u202e\x1b", "nothing that can be read"),
        ("x" * (MOST_CHARACTERS + 1), "100,001 characters"),
        ("x" * MOST_CHARACTERS, ""),
        ("<script>alert(1)</script>", ""),
        ("\u202eevil\u202c and \x1b[31m red", ""),
        ("Ignore all previous instructions.", ""),
        ("שלום 😀", ""),
    ],
)
def test_that_only_what_no_text_can_be_is_refused(text: str, words: str) -> None:
    fault = text_fault(text)
    assert bool(fault) == bool(words)
    assert words in fault
    assert name_fault("two\nlines")


def test_that_a_study_gives_back_its_texts(study: Study) -> None:
    first, *_, last = study.texts()
    assert (first.name, first.text) == ("a", "Dear all,\nthank you.")
    assert (first.prompt, first.author, first.group) == ("Say thanks.", "ada", None)
    assert first.id == text_id("Dear all,\nthank you.", "Say thanks.")
    assert (last.name, last.author, last.group) == ("f", None, "numbers")
    assert (study.images(), study.stimuli()) == ((), study.texts())
    assert study.own_texts("ada") == study.own_texts() == (
        OwnText("ada", "Hello you", "Greet."), OwnText("ada", "A diary."),
    )  # fmt: skip
    info = study.info()
    assert (info.kind, info.images, info.own_texts, info.words.one) == ("text", 6, 2, "text")
    assert study.check() == []


def test_that_texts_of_one_prompt_or_group_share_a_fold(study: Study) -> None:
    folds = {text.name: text.fold for text in study.texts()}
    assert folds["a"] == folds["b"]
    assert folds["e"] == folds["f"]
    assert len({folds[name] for name in "acde"}) == 4
    study.add_texts([NewText("g", "Cheers.", "Say  thanks.\n"), NewText("h", "Ta.", "Say thanks.")])
    later = {text.name: text.fold for text in study.texts()}
    assert later["h"] == folds["a"]
    assert {name: later[name] for name in folds} == folds


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), unique=True, min_size=1))
def test_that_what_texts_share_decides_their_fold(made: list[tuple[int, int]]) -> None:
    keys = {}
    for text, prompt in made:
        said = f"prompt {prompt}" if prompt else None
        keys[text, prompt] = fold_key(text_id(f"text {text}", said), said, None)
    for one, key in keys.items():
        for other, its in keys.items():
            assert (key == its) == (one[1] == other[1] != 0 or one == other)


def test_that_folds_are_balanced_and_the_same_in_any_order(tmp_path: Path) -> None:
    new = [NewText(f"t{n}", f"Text {n}.", f"Prompt {n // 2}.") for n in range(70)]
    found = []
    for name, texts in (("one", new), ("two", new[::-1])):
        with Study.create(tmp_path / name) as study:
            study.add_texts(texts)
            found.append({text.id: text.fold for text in study.texts()})
    assert found[0] == found[1]
    sizes = Counter(found[0].values())
    assert set(sizes.values()) == {10}


def test_that_the_same_text_is_added_once(study: Study) -> None:
    added = study.add_texts([NewText("z", "Thanks!  ", "Say thanks."), NewText("y", "New.")])
    assert added.duplicates == (("z", "b"),)
    assert len(added.added) == 1
    study.add_own_texts([OwnText("ada", "A diary.\n"), OwnText("ben", "A diary.")])
    assert [own.labeler for own in study.own_texts()] == ["ada", "ada", "ben"]


@pytest.mark.parametrize(
    "wrong",
    [
        NewText("a", "Another text of that name."),
        NewText("z", "By nobody.", author="nobody"),
        NewText("z", "\0"),
        NewText("z", "x", "\ud800"),
        NewText("", "Nameless."),
        NewText("z", "x", group="g" * 201),
    ],
)
def test_that_what_cannot_be_kept_changes_nothing(study: Study, wrong: NewText) -> None:
    before = study.texts()
    with pytest.raises(InputError, match="nothing was added"):
        study.add_texts([NewText("y", "Fine."), wrong])
    assert study.texts() == before


def test_that_a_study_holds_stimuli_of_one_kind(study: Study, tiny_study: Study) -> None:
    image = NewImage(Path("/x.png"), "x.png", "0" * 64, 1, 1)
    with pytest.raises(InputError, match=r"one of texts.*another study for the images"):
        study.add_images([image])
    for add in (
        lambda: tiny_study.add_texts([NewText("a", "A.")]),
        lambda: tiny_study.add_own_texts([OwnText("L1", "A.")]),
    ):
        with pytest.raises(InputError, match=r"one of images.*another study for the texts"):
            add()
    assert (tiny_study.kind(), tiny_study.texts()) == ("image", ())


def test_that_a_study_is_worded_by_what_it_holds(tmp_path: Path) -> None:
    with Study.create(tmp_path / "for-texts", kind="text") as study:
        with pytest.raises(InputError, match="another study for the images"):
            study.add_images([NewImage(Path("/x.png"), "x.png", "0" * 64, 1, 1)])
        assert study.attributes()[0].question == "How clear does this text sound?"
        study.add_texts([NewText("a", "Yes.", "Is it?")])
        assert study.words().many == "replies"
        assert study.attributes()[0].question == "How clear does this reply sound?"
        study.add_attribute("kind")
        assert study.attributes()[-1].question == "How kind does this reply sound?"
        study.add_texts([NewText("b", "No.")])
        assert study.words().many == "texts"
    with Study.create(tmp_path / "undecided", attributes=["kind"]) as study:
        study.add_texts([NewText("a", "A.")])
        (attribute,) = study.attributes()
        assert (study.kind(), attribute.question) == ("text", "How kind does this text sound?")
        assert "person" not in "".join(attribute.templates)
    with Study.create(tmp_path / "faces") as study:
        assert study.attributes()[0].question == "How attractive does this person look?"


def _batch(**what: object) -> ImportBatch:
    return ImportBatch(ImportReport(new_id(), "t.csv", "texts", 1, 1), **what)  # type: ignore[arg-type]


def test_that_an_import_of_texts_can_be_taken_back(study: Study) -> None:
    before = study.texts(), study.own_texts(), study.labelers()
    batch = _batch(
        labelers=(LabelerRecord("cy"), LabelerRecord("di")),
        texts=(NewText("x", "By Cy.", author="cy"), NewText("y", "Nobody's.")),
        own_texts=(OwnText("di", "Mine."),),
        facts=[FactRecord("image", text_id("Nobody's."), "source", "web")],
    )
    study.apply_import(batch)
    assert [text.author for text in study.texts()[-2:]] == ["cy", None]
    assert study.facts()[-1].value == "web"
    study.undo_import(batch.report.id)
    assert (study.texts(), study.own_texts(), study.labelers()) == before
    study.apply_import(_batch(labelers=(LabelerRecord("cy"),)))
    study.apply_import(kept := _batch(texts=(NewText("x", "By Cy.", author="cy"),)))
    study.undo_import(study.imports()[-2].id)  # its labeler wrote a text that stays
    assert [labeler.code for labeler in study.labelers()] == ["ada", "ben", "cy"]
    image = study.texts()[-1].id
    study.record(TrialRecord(new_id(), "cy", "s", 0, "rating", image, answers={"clear": 4}))
    study.undo_import(kept.report.id)
    assert study.texts()[-1].id == image
    assert study.check() == []


def test_that_an_import_in_place_of_another_keeps_the_texts_of_both(study: Study) -> None:
    study.apply_import(old := _batch(texts=(NewText("x", "X. "), NewText("y", "Y."))))
    replacing = _batch(texts=(NewText("x", "X.\r\n"),))
    study.apply_import(replacing, replaces=old.report.id)
    assert [text.name for text in study.texts()][-1] == "x"


# statement -> the kind of the problem, and how many of the six texts readers still see
DAMAGE = {
    "UPDATE stimulus_text SET text = 'Other.' WHERE stimulus_id = 1": ("checksum", 6),
    "UPDATE stimulus_text SET prompt = NULL WHERE stimulus_id = 1": ("checksum", 6),
    "UPDATE own_text SET text = 'Other.' WHERE id = 1": ("checksum", 6),
    "UPDATE own_text SET text = '' WHERE id = 1": ("value", 6),
    "UPDATE stimulus_text SET text = x'00ff' WHERE stimulus_id = 1": ("value", 5),
    "UPDATE stimulus_text SET text = 'a' || char(0) WHERE stimulus_id = 1": ("value", 5),
    "DELETE FROM stimulus_text WHERE stimulus_id = 2": ("reference", 5),
    "UPDATE stimulus SET kind = 'image' WHERE id = 3": ("kind", 5),
    "UPDATE stimulus SET kind = 'film' WHERE id = 3": ("value", 5),
    "UPDATE stimulus_text SET author_id = 77 WHERE stimulus_id = 1": ("reference", 6),
    "UPDATE stimulus_text SET group_name = '' WHERE stimulus_id = 1": ("value", 6),
    "UPDATE own_text SET labeler_id = 77 WHERE id = 1": ("reference", 6),
    "UPDATE own_text SET sha256 = 'x' WHERE id = 1": ("identifier", 6),
    "UPDATE stimulus SET fold = 9 WHERE id = 1": ("fold", 6),
}


@pytest.mark.parametrize("statement", DAMAGE)
def test_that_damage_to_texts_is_told_and_mended(statement: str, study: Study) -> None:
    kind, seen = DAMAGE[statement]
    text = study.texts()[0].id
    study.record(TrialRecord(new_id(), "ben", "s", 0, "rating", text, answers={"clear": 4}))
    study.close()
    with closing(sqlite3.connect(study.path / "study.sqlite3")) as opened:
        with unguarded(opened):
            opened.execute(statement)
        opened.commit()
    with Study.open(study.path, read_only=True) as read:
        problems = read.check()
        assert kind in {problem.kind for problem in problems}, problems
        assert not any("image" in problem.text for problem in problems)
        assert len(read.texts()) == seen
        assert read.kind() == "text"
    report = repair(study.path)
    assert report.files or kind == "checksum"
    with Study.open(study.path) as mended:
        left = {problem.kind for problem in mended.check()}
        assert left <= {"checksum"}  # what somebody wrote cannot be put right
        assert len(mended.texts()) == seen


def test_that_a_text_of_the_database_is_never_changed(study: Study) -> None:
    study.close()
    with closing(sqlite3.connect(study.path / "study.sqlite3")) as opened:
        for statement in (
            "UPDATE stimulus_text SET text = 'x'",
            "UPDATE stimulus_text SET prompt = 'x'",
            "UPDATE own_text SET text = 'x'",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="never changed"):
                opened.execute(statement)


@pytest.mark.parametrize(
    ("sentence", "wanted"),
    [
        ("No face comes again; Faces differ.", "No reply comes again; Replies differ."),
        ("an image is missing of 2 images", "a text is missing of 2 texts"),
        ("“face.jpg” is no face; `study import FACES faces`", None),
        ("surfaces and imagery", "surfaces and imagery"),
        ("no image; say --column image=NAME", "no text; say --column image=NAME"),
    ],
)
def test_that_a_sentence_takes_its_nouns_from_what_the_study_holds(
    sentence: str, wanted: str | None
) -> None:
    said = "“face.jpg” is no reply; `study import FACES faces`" if wanted is None else wanted
    assert REPLIES.told(sentence) == said
    assert FACES.told(sentence) == sentence

"""Which image of the study a file means, however it writes the name."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prism_desktop.engine.study.importing.names.attribute_names import AttributeNames
from prism_desktop.engine.study.importing.names.matching import ImageIndex, Rung, aliases_of
from prism_desktop.engine.study.records import ImageRecord


def image_id(place: int) -> str:
    return f"{place:064x}"


def index(*names: str) -> ImageIndex:
    return ImageIndex(
        [
            ImageRecord(image_id(n), name, Path("/data/faces") / name, 8, 8, 0, False, False)
            for n, name in enumerate(names)
        ]
    )


STUDY = ("X001.jpg", "X002.jpg", "X0010.jpg", "X010.jpg", "Jürgen Groß.png", "a b.jpg")
X1, X10, JG, AB = image_id(0), image_id(2), image_id(4), image_id(5)


@pytest.mark.parametrize(
    ("written", "image", "rung"),
    [
        ("X001.jpg", X1, Rung.EXACT),
        (X1, X1, Rung.EXACT),
        (X1.upper(), X1, Rung.EXACT),
        ("/data/faces/X001.jpg", X1, Rung.EXACT),
        ("x001.JPG", X1, Rung.SPELLING),
        (" X001.jpg ", X1, Rung.SPELLING),
        ("\u00a0X001.jpg", X1, Rung.SPELLING),
        ("./X001.jpg", X1, Rung.SPELLING),
        ("Ｘ００１.jpg", X1, Rung.SPELLING),
        (unicodedata.normalize("NFD", "Jürgen Groß.png"), JG, Rung.SPELLING),
        ("jürgen_gross.png", JG, Rung.SPELLING),
        ("J%C3%BCrgen%20Gro%C3%9F.png", JG, Rung.SPELLING),
        ("a%20b.jpg", AB, Rung.SPELLING),
        ("a+b.jpg", AB, Rung.SPELLING),
        ("a_b.jpg", AB, Rung.SPELLING),
        ("A  B.jpg", AB, Rung.SPELLING),
        ("faces/X001.jpg", X1, Rung.FOLDER),
        ("C:\\study\\faces\\X001.jpg", X1, Rung.FOLDER),
        ("file:///C:/study/faces/X001.jpg", X1, Rung.FOLDER),
        ("/data/local-files/?d=faces/X001.jpg", X1, Rung.FOLDER),
        ("https://example.org/img/X001.jpg", X1, Rung.FILE),
        ("https://example.org/img/X001.jpg?width=300#top", X1, Rung.FILE),
        ("https://example.org/show?size=3&image=img%2FX001.jpg", X1, Rung.FILE),
        ("img/X001.jpg", X1, Rung.FILE),
        ('<img src="img/X001.jpg" width=300>', X1, Rung.FILE),
        ("<p><IMG alt='a' src='img/X001.jpg'></p>", X1, Rung.FILE),
        ('["img/X001.jpg"]', X1, Rung.FILE),
        ("['img/X001.jpg']", X1, Rung.FILE),
        ('"X001.jpg"', X1, Rung.SPELLING),
        ("X001", X1, Rung.ENDING),
        ("x001.jpeg", X1, Rung.ENDING),
        ("X001.png", X1, Rung.ENDING),
        ("968e3963-X001.jpg", X1, Rung.UPLOAD),
        ("/data/upload/1/968e3963-X001.jpg", X1, Rung.UPLOAD),
        ("968e3963-a_b.jpg", AB, Rung.UPLOAD),
        ("X001 (1).jpg", X1, Rung.COPY),
        ("X001 - Copy.jpg", X1, Rung.COPY),
        ("X01.jpg", X1, Rung.ZEROS),
        ("X1", X1, Rung.ZEROS),
        ("X0010", X10, Rung.ENDING),
    ],
)
def test_that_a_name_is_found_however_a_program_writes_it(
    written: str, image: str, rung: Rung
) -> None:
    matches = index(*STUDY).find_all([written])
    assert matches.images == (image,)
    assert (Rung(matches.rungs[0]), matches.reasons) == (rung, ("",))


@pytest.mark.parametrize(
    ("study", "written"),
    [
        (("X001.jpg",), "X0010"),
        (("face1.jpg",), "face10.jpg"),
        (("face10.jpg",), "face1"),
        (("face10.jpg",), "face.10"),
        (("face.jpg",), "face.1"),
        (("face.jpg",), "face.1.jpg"),
        (("X001.jpg", "X01.jpg"), "X1.jpg"),
        (("X10.jpg", "X010.jpg"), "X0010.jpg"),
        (("X001.jpg", "X001.png"), "X001"),
        (("X001.jpg", "X001.png"), "X001.webp"),
        (("a/1.jpg", "b/1.jpg"), "1.jpg"),
        (("a/1.jpg", "b/1.jpg"), "c/1.jpg"),
        (("face.jpg", "Face.jpg"), "FACE.jpg"),
        (("a b.jpg", "a_b.jpg"), "a+b.jpg"),
        (("X001.jpg", "X001 (2).jpg"), "X001 (1).jpg"),
        (("X001.jpg", "X002.jpg"), '["X001.jpg", "X002.jpg"]'),
        (("X001.jpg", "X002.jpg"), "https://a.org/pair?left=X001.jpg&right=X002.jpg"),
        (("X001.jpg",), ""),
        (("X001.jpg",), "   "),
        (("X001.jpg",), "<img src="),
        (("X001.jpg",), "[[[["),
        (("X001.jpg",), "X001.jpg" * 2000),
        (("1.jpg",), "1.5"),
        (("-1.jpg",), "1"),
    ],
)
def test_that_what_may_be_another_image_is_none(study: tuple[str, ...], written: str) -> None:
    matches = index(*study).find_all([written])
    assert matches.images == ("",)
    assert matches.reasons[0]


@pytest.mark.parametrize(
    ("study", "column", "found"),
    [
        (("X001.jpg",), ["X001.jpg", "X001 (1).jpg"], [0, None]),
        (("X001.jpg",), ["X001.jpg", "X001.png"], [0, None]),
        (("X001.jpg",), ["X001.jpg", "X001.jpeg", "X001"], [0, 0, 0]),
        (("001.jpg",), ["001.jpg", "1.jpg"], [0, None]),
        (("001.jpg",), ["1", "1.0"], [0, 0]),
        (("1.jpg",), ["male/1.jpg", "female/1.jpg"], [None, None]),
        (("male/1.jpg",), ["male/1.jpg", "female/1.jpg"], [0, None]),
        (("male/1.jpg", "female/1.jpg"), ["male/1.jpg", "female/1.jpg"], [0, 1]),
        (("1.jpg",), ["1.jpg", "img/1.jpg"], [0, 0]),
        (("face.jpg", "Face.jpg"), ["face.jpg", "Face.jpg"], [0, 1]),
        (("a b.jpg", "a_b.jpg"), ["a b.jpg", "a_b.jpg"], [0, 1]),
        (("1.jpg", "01.jpg"), ["1", "01"], [0, 1]),
        (("X001.jpg",), ["X001.jpg", "?d=faces/X001.jpg"], [0, 0]),
    ],
)
def test_that_two_images_of_a_file_never_become_one(
    study: tuple[str, ...], column: list[str], found: list[int | None]
) -> None:
    images = index(*study).find_all(column).images
    assert list(images) == ["" if place is None else image_id(place) for place in found]


def test_that_loose_matches_are_counted_in_words() -> None:
    told = index(*STUDY).find_all(["X001.jpg", "x/X002.jpg", "X0010", "a b"]).told()
    assert told == {"by the file's name alone": 1, "without the file's ending": 2}


@pytest.mark.parametrize(
    ("study", "header", "found"),
    [
        (STUDY, "How attractive is this face? - X001.jpg", X1),
        (STUDY, "X001_1", X1),
        (STUDY, "X001.jpg_rating", X1),
        (STUDY, "rating_x0010", X10),
        (STUDY, "X0011", ""),
        (STUDY, "aX001", ""),
        (STUDY, "X001 or X002?", ""),
        (STUDY, "attractive", ""),
        (STUDY, "How attractive: Jürgen_Groß", JG),
        (("face.jpg", "X001.jpg"), "How attractive is this face? - X001.jpg", image_id(1)),
        (("1.jpg", "2.jpg"), "Q1_2", ""),
        (("1.jpg", "2.jpg"), "Q1 - 2.jpg", image_id(1)),
        (("1.jpg", "2.jpg"), "face_2", image_id(1)),
        (("1.jpg", "2.jpg"), "2", image_id(1)),
        (("a.jpg", "b.jpg"), "Is this a face?", ""),
        (("big X001.jpg", "X001.jpg"), "rating big X001.jpg", image_id(0)),
    ],
)
def test_that_a_header_names_an_image_only_as_a_whole_word(
    study: tuple[str, ...], header: str, found: str
) -> None:
    assert index(*study).find_in_text(header) == found


NAMES = st.lists(
    st.text(st.sampled_from("aA01_ +.(%é)-"), min_size=1, max_size=6).filter(
        lambda name: name.strip(" .") == name and name
    ),
    min_size=1, max_size=8, unique=True,
)  # fmt: skip


@given(NAMES, st.sampled_from([".jpg", ".png", ""]))
def test_that_every_name_as_the_study_has_it_is_its_own_image(
    stems: list[str], ending: str
) -> None:
    names = [stem + ending for stem in stems]
    assert list(index(*names).find_all(names).images) == [image_id(n) for n in range(len(names))]


@given(NAMES, st.text(max_size=20))
def test_that_any_text_is_an_image_or_has_a_reason(stems: list[str], text: str) -> None:
    images = index(*stems)
    matches = images.find_all([text])
    assert bool(matches.images[0]) != bool(matches.reasons[0])
    images.find_in_text(text)


def test_that_the_one_trait_that_a_question_speaks_of_is_found() -> None:
    names = AttributeNames([])
    assert names.trait_within("How trustworthy is this face?") == "trustworthy"
    assert names.trait_within("Is this face trustworthy or attractive?") is None
    assert names.trait_within("What is this?") is None


def test_that_a_duplicate_left_out_by_an_earlier_import_is_known_by_name_and_by_path() -> None:
    stored = [{"folder": "C:\\faces", "duplicates": {"b.jpg": "a.jpg"}}, {"folder": "other"}]
    assert aliases_of(stored) == [("b.jpg", "a.jpg"), ("C:/faces/b.jpg", "a.jpg")]

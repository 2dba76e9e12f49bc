"""The demo study of texts: what is in it, that it is the same again, and one that was cut off."""

from pathlib import Path

import pytest

from prism_desktop.engine.demo.demo_study import is_cut_off
from prism_desktop.engine.demo.text_study import build_text_demo, is_cut_off_text_demo
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.store import Study


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts") / "replies.prism"
    list(build_text_demo(folder, each=1, scale=0.04))
    return folder


def test_that_a_study_of_replies_has_writers_their_texts_and_judges(small: Path) -> None:
    with Study.open(small, read_only=True) as study:
        info, texts = study.info(), study.texts()
        people = {person.code: person for person in study.labelers()}
        own = study.own_texts()
        trials = study.trials()
        assert study.check() == []
    assert info.kind == "text"
    assert info.simulated
    assert info.words.many == "replies"
    assert len(people) == 206
    assert all(person.simulated for person in people.values())
    assert all("(Simulated.)" in person.profile for person in people.values())
    assert len(texts) == 128
    assert all(text.author in people and text.prompt for text in texts)
    assert {each.labeler for each in own} == {code for code in people if code.startswith("W")}
    assert {trial.labeler for trial in trials} == {f"J{number}" for number in range(1, 7)}
    assert {trial.source for trial in trials} == {"simulated"}
    assert {trial.kind for trial in trials} == {"comparison", "rating"}


def test_that_pairs_of_replies_are_drawn_within_folds(small: Path) -> None:
    with Study.open(small, read_only=True) as study:
        folds = {text.id: text.fold for text in study.texts()}
        pairs = [(trial.left, trial.right) for trial in study.trials() if trial.right]
    assert pairs
    assert all(folds[left] == folds[right] for left, right in pairs)


def test_that_the_same_seed_makes_the_same_study_of_texts(small: Path, tmp_path: Path) -> None:
    list(build_text_demo(tmp_path / "again.prism", each=1, scale=0.04))
    with Study.open(small, read_only=True) as one, Study.open(tmp_path / "again.prism") as other:
        assert one.texts() == other.texts()
        assert one.own_texts() == other.own_texts()
        assert one.trials() == other.trials()


@pytest.mark.parametrize("after", [2, pytest.param(5, marks=pytest.mark.soak)])
def test_that_a_study_of_texts_that_was_cut_off_is_finished(tmp_path: Path, after: int) -> None:
    folder = tmp_path / "replies.prism"
    work = build_text_demo(folder, each=1, scale=0.04)
    for _ in range(after):
        next(work)
    work.close()
    assert is_cut_off_text_demo(folder)
    assert not is_cut_off(folder)
    list(build_text_demo(folder, each=1, scale=0.04))
    assert not is_cut_off_text_demo(folder)
    with Study.open(folder, read_only=True) as study:
        assert len(study.texts()) == 128
        assert study.trials()
        assert study.check() == []


def test_that_what_somebody_made_is_no_demo_of_texts_that_was_cut_off(tmp_path: Path) -> None:
    with Study.create(tmp_path / "mine.prism", kind="text"):
        pass
    assert not is_cut_off_text_demo(tmp_path / "mine.prism")
    with pytest.raises(InputError):
        list(build_text_demo(tmp_path / "mine.prism"))

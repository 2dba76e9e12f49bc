"""Which own texts train, validate and test, and which people are never trained on."""

import re
import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from prism_desktop.engine.errors import InputError, UnreadableError
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import OwnText
from prism_desktop.engine.writing.board_words import whose
from prism_desktop.engine.writing.own_text_data import (
    SPLITS,
    OwnTexts,
    fold_of,
    read_texts,
    take_texts,
)
from prism_desktop.engine.writing.run_making import begin_writing, find_run, in_full
from prism_desktop.engine.writing.writing_config import WritingConfig
from tests.fixtures.writers import PROMPTS, add_writers
from tests.fixtures.writing_boards import made_board


def _taken(path: Path, **settings: object) -> OwnTexts:
    with Study.open(path, read_only=True) as study:
        return take_texts(study, WritingConfig.checked(settings))


def test_that_all_answers_to_a_prompt_are_in_one_split(written_study: Path) -> None:
    parts = defaultdict(set)
    texts = _taken(written_study)
    for (prompt, _), part in zip(texts.pairs, texts.split, strict=True):
        parts[prompt].add(part)
    assert all(len(found) == 1 for found in parts.values())
    assert {part for found in parts.values() for part in found} == set(SPLITS)


def test_that_every_prompt_is_tested_in_exactly_one_of_the_seven_folds(written_study: Path) -> None:
    tested = []
    for fold in range(7):
        texts = _taken(written_study, fold=fold, held_out=0.0)
        tested += [texts.pairs[row][0] for row in texts.of("test") if texts.owner[row] == 0]
    assert sorted(tested) == sorted(PROMPTS)


def test_that_a_later_text_changes_no_earlier_ones_fold() -> None:
    early = fold_of(OwnText("ada", "hi", "Greet."))
    assert fold_of(OwnText("ben", "yo", "Greet.")) == early
    assert fold_of(OwnText("ada", "hi")) == fold_of(OwnText("ben", "hi"))


def test_that_held_out_people_are_in_no_text_that_trains(written_study: Path) -> None:
    texts = _taken(written_study, held_out=0.25)
    assert len(texts.newcomers) == 1
    (new,) = texts.newcomers
    assert new not in {texts.owner[row] for row in texts.of("train") + texts.of("val")}
    assert texts.of("test", held_out=True)
    assert all(texts.split[row] == "train" for row in texts.history(new))


@pytest.mark.parametrize(
    ("people", "prompts", "told"),
    [
        ((), PROMPTS, "no own texts"),
        (("ada",), PROMPTS, "needs own texts of 2 people"),
        (("ada", "ben"), PROMPTS[:1], r"needs own texts|No own text is left"),
    ],
)
def test_that_too_little_to_learn_from_is_refused_in_a_sentence(
    tmp_path: Path, people: tuple[str, ...], prompts: tuple[str, ...], told: str
) -> None:
    with Study.create(tmp_path / "s", kind="text") as study:
        add_writers(study, people, prompts)
        with pytest.raises(InputError, match=told):
            take_texts(study, WritingConfig())


@pytest.mark.parametrize(
    ("people", "held_out", "told"),
    [
        (("ada",), 0.0, "those of 1, as others were not named. Name more people with --labelers "
         "(ben, cleo, dan), or import more."),
        (("eve",), 0.0, "name others who wrote with --labelers (ada, ben, cleo, dan, fay), or "
         "import some with `prism-desktop study import STUDY FILE --own-texts`."),
        (("ada", "ben"), 0.5, "those of 1, as others were not named and 1 person is held out. Hold "
         "nobody out with --set held_out=0, or name more people with --labelers (cleo, dan), or "
         "import more."),
    ],
)  # fmt: skip
def test_that_where_few_people_were_named_naming_more_is_a_way_out(
    tmp_path: Path, people: tuple[str, ...], held_out: float, told: str
) -> None:
    with Study.create(tmp_path / "s", kind="text") as study:
        add_writers(study, ("ada", "ben", "cleo", "dan"))
        study.add_labeler("eve", simulated=True)  # who wrote nothing
        study.add_labeler("fay")
        study.add_own_texts([OwnText("fay", "Moin q1", "q1")])  # and is no simulated person
        with pytest.raises(InputError, match=re.escape(told)):
            take_texts(study, WritingConfig(people=people, held_out=held_out))


def test_that_nobody_is_to_be_named_where_nobody_was(tmp_path: Path) -> None:
    with Study.create(tmp_path / "s", kind="text") as study:
        add_writers(study, ("ada", "ben"))
        with pytest.raises(InputError, match=r"held out\. Hold nobody out with .*, or import more"):
            take_texts(study, WritingConfig(held_out=0.5))
    with Study.create(tmp_path / "t", kind="text") as study:
        add_writers(study, ("ada",))
        with pytest.raises(InputError, match=r"there are those of 1\. Import more\.$"):
            take_texts(study, WritingConfig())


def test_that_real_and_simulated_people_are_never_mixed(tmp_path: Path) -> None:
    with Study.create(tmp_path / "s", kind="text") as study:
        add_writers(study, ("ada", "ben"))
        add_writers(study, ("cleo", "dan"), simulated=False)
        with pytest.raises(InputError, match="simulated"):
            take_texts(study, WritingConfig())
        real = take_texts(study, WritingConfig(people=("cleo", "dan"), held_out=0.0))
        assert not real.meta.simulated
        with pytest.raises(InputError, match="no eve"):
            take_texts(study, WritingConfig(people=("eve",)))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [("meta.json", '"ada"', '"eve"'), ("meta.json", '"ada"', '"ben"'), ("meta.json", "{", ""),
     ("own-texts.parquet", "", "")],
)  # fmt: skip
def test_that_a_run_with_damaged_texts_is_named_and_stands_in_nobodys_way(
    written_study: Path, tmp_path: Path, name: str, old: str, new: str
) -> None:
    study = Path(shutil.copytree(written_study, tmp_path / "w.prism"))
    config = WritingConfig(backbone="prism-mini-lm", device="cpu")
    run = begin_writing(study, config)
    texts = read_texts(run)
    found = find_run(study, in_full(config), texts)
    assert found is not None
    assert found.path == run.path
    file = run.data / name
    file.write_text(file.read_text().replace(old, new) if old else "PAR1")
    with pytest.raises(UnreadableError, match=f"{run.name}/data/[a-z.-]+ cannot be read"):
        read_texts(run)
    assert find_run(study, in_full(config), texts) is None


@pytest.mark.parametrize("simulated", [True, False])
@pytest.mark.parametrize("backbone", ["prism-mini-lm", "lm:elsewhere/model"])
def test_that_what_the_embedded_model_read_is_told_where_people_wrote(
    tmp_path: Path, backbone: str, simulated: bool
) -> None:
    with Study.create(tmp_path / "s.prism", kind="text", attributes=()) as study:
        add_writers(study, ("ada", "ben"), simulated=simulated)
        told = take_texts(study, WritingConfig.checked({"backbone": backbone})).meta.notices
    expected = backbone == "prism-mini-lm" and not simulated
    assert any("simulated writers only" in each for each in told) == expected
    board = made_board(simulated=simulated).model_copy(update={"backbone": backbone})
    assert any("simulated writers only" in each for each in whose(board)) == expected

"""People by what a run learned of each: planted manners are found, and nothing where there is
nothing."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.experiments.people_report import people_report
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.writing_files import WritingSummary
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import OwnText
from prism_desktop.engine.writing.own_text_data import read_texts
from prism_desktop.engine.writing.run_making import begin_writing
from prism_desktop.engine.writing.writing_config import WritingConfig

MANNERS = ("{}!!!", "I think, perhaps, {}, maybe, and I guess so")


def _run(folder: Path, people: int) -> RunFolder:
    """A run of people who write in two manners, by turns; a few words differ between them."""
    with Study.create(folder / "written.prism", kind="text") as study:
        for place in range(people):
            code = f"p{place:02d}"
            study.add_labeler(code, simulated=True)
            texts = [
                OwnText(
                    code, MANNERS[place % 2].format(" ".join(["so"] * (1 + place % 5))), f"q{n}"
                )
                for n in range(21)
            ]
            study.add_own_texts(texts)
    run = begin_writing(
        folder / "written.prism", WritingConfig.of("prefix-on-unified", {}, ["held_out=0"])
    )
    WritingSummary(run=run.name, method="prefix-on-unified", simulated=True).save(
        run.path / layout.WRITTEN
    )
    return run


def _learned(run: RunFolder, table: np.ndarray, **more: np.ndarray) -> None:
    count = len(more.get("groups", table))
    buffers = {"groups": np.arange(count), "kept": np.ones(count, bool), **more}
    arrays = {"prefix.table": table.astype(np.float32), **buffers}
    save_file(arrays, run.path / layout.WRITER)


def _planted(people: int) -> np.ndarray:
    """(people, 2 tokens, 3): near in two places, by manner."""
    noise = np.random.default_rng(0).normal(0, 0.1, (people, 2, 3))
    return noise + np.array([1.0, -1.0])[np.arange(people) % 2, None, None]


def test_that_people_whose_vectors_are_near_write_alike_where_that_was_planted(
    tmp_path: Path,
) -> None:
    run = _run(tmp_path, 20)
    _learned(run, _planted(20), kept=np.arange(20) > 0)
    report = people_report(run)
    assert report.told_test().startswith("People with similar vectors write alike")
    assert report.test.labelers == 20
    frame = report.frame().set_index("person")
    for column in ("nearest", "style_nearest"):  # somebody of the same manner
        assert (frame[column].str[1:].astype(int) % 2 == frame.index.str[1:].astype(int) % 2).all()
    assert report.used == (False, *[True] * 19)
    assert "Of 1 person the vector is not used" in report.told()[2]
    left, right = (report.plane.places[place::2, 0] for place in (0, 1))
    assert left.max() < right.min() or right.max() < left.min()


def test_that_nothing_is_found_where_vectors_are_drawn(tmp_path: Path) -> None:
    run = _run(tmp_path, 20)
    _learned(run, np.random.default_rng(1).normal(size=(20, 2, 3)))
    report = people_report(run)
    assert report.test.p > 0.05
    assert report.told_test().startswith("It does not show")


def test_that_too_few_people_are_said_first(tmp_path: Path) -> None:
    run = _run(tmp_path, 6)
    _learned(run, _planted(6))
    assert people_report(run).told()[0].startswith("Too few to tell with 6 people, under 16:")


def test_that_people_of_a_group_share_a_vector_and_are_told_so(tmp_path: Path) -> None:
    run = _run(tmp_path, 6)
    _learned(run, _planted(2), groups=np.arange(6) % 2)
    report = people_report(run)
    assert report.groups == (0, 1, 0, 1, 0, 1)
    assert "group" in report.what
    assert report.similarity[0, 2] == pytest.approx(1)


def test_that_only_texts_that_the_run_never_saw_are_looked_at(tmp_path: Path) -> None:
    run = _run(tmp_path, 6)
    _learned(run, _planted(6))
    report, texts = people_report(run), read_texts(run)
    held = [texts.owner[row] for row in texts.of("test")]
    assert report.texts == tuple(held.count(one) for one in texts.known)
    assert 0 < report.texts[0] < 21


@pytest.mark.parametrize(
    ("table", "told"),
    [(None, "keeps no vector of single people"), (np.zeros((4, 1, 3)), "do not fit its texts")],
)
def test_that_runs_without_such_vectors_are_refused_in_a_sentence(
    tmp_path: Path, table: np.ndarray | None, told: str
) -> None:
    run = _run(tmp_path, 6)
    if table is None:
        save_file({"kept": np.ones(6, bool)}, run.path / layout.WRITER)
    else:
        _learned(run, table)
    with pytest.raises(RunError, match=told):
        people_report(run)


def test_that_people_of_one_group_who_deviate_from_it_have_vectors_of_their_own(
    tmp_path: Path,
) -> None:
    run = _run(tmp_path, 12)
    groups, own = np.arange(12) % 2, _planted(12).astype(np.float32)
    table = np.array([np.zeros((2, 3)), np.ones((2, 3))])
    _learned(run, table, groups=groups, **{"prefix.own": own - table[groups].astype(np.float32)})
    report = people_report(run)
    _learned(run, own)
    assert report.similarity == pytest.approx(people_report(run).similarity, abs=1e-5)
    assert report.groups == tuple(groups.tolist())
    assert "deviate" in report.what

"""Scores that are read when they are asked for: the same as if all had been read at once, and told
in a sentence where they cannot be read any more."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pytestqt.qtbot import QtBot

from prism_desktop.cli import face_commands
from prism_desktop.engine.adaptation.adapted_labelers import AdaptedLabeler
from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.events import Done
from prism_desktop.engine.runs.manifest import write_manifest
from prism_desktop.engine.runs.score_files import (
    ScoreFile,
    ScoreTable,
    read_scores,
    write_scores,
)
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore import run_reading, run_scores
from prism_desktop.ui.explore.face_shares import percentiles
from prism_desktop.ui.explore.face_sheet import find_strip, sheet_at
from prism_desktop.ui.explore.operations import result
from prism_desktop.ui.explore.ranked_faces import FaceQuestion, answer, find_out, table
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.run_reading import read_rest, read_run, take_rest
from prism_desktop.ui.explore.run_scores import RunScores
from tests.ui.explore.conftest import CODES, NAMES, OpenExplore

Change = Callable[[Path], None]


def rewrite(path: Path, change: Callable[[ScoreTable], ScoreTable] = lambda found: found) -> None:
    """A score file, changed, in the format of today."""
    found = change(read_scores(path))
    path.unlink()
    list(write_scores(path, found.by_labeler(), found.attributes, found.images))


def turned(found: ScoreTable) -> ScoreTable:
    """All orders turned round."""
    labelers, attributes, images = (
        each[::-1] for each in (found.labelers, found.attributes, found.images)
    )
    return ScoreTable(labelers, attributes, images, found.array[::-1, ::-1, ::-1])


def fewer(found: ScoreTable) -> ScoreTable:
    """Of a part of the images, in an order of its own."""
    return found.only(found.images[20:3:-2])


def same(found: ScoreTable) -> ScoreTable:
    """The same of everybody."""
    array = np.repeat(found.array[:1], len(found.labelers), axis=0)
    return ScoreTable(found.labelers, found.attributes, found.images, array)


def enter(run: Path, code: str, attributes: Sequence[str], seed: int) -> None:
    """Somebody who entered the run, with scores of all images."""
    folder = run / "adapted" / code
    folder.mkdir(parents=True)
    AdaptedLabeler(code=code, enters="", answers=3, presentations=3, seconds=1.0, loading=1.0).save(
        folder / "meta.json"
    )
    images = read_scores(run / "predictions.parquet").images[::-1]
    array = np.random.default_rng(seed).normal(size=(1, len(attributes), len(images)))
    found = ScoreTable(("whoever",), tuple(attributes), images, array)
    list(write_scores(folder / "predictions.parquet", found.by_labeler(), attributes, images))


def of_today(change: Callable[[ScoreTable], ScoreTable] = lambda found: found) -> Change:
    """Both files of a run, changed, in the format of today."""

    def made(run: Path) -> None:
        for name in ("predictions.parquet", "consensus.parquet"):
            rewrite(run / name, change)

    return made


def entered(run: Path) -> None:
    of_today()(run)
    enter(run, "New", NAMES[::-1], 1)
    enter(run, "Newer", NAMES[1:], 2)


def without_consensus(run: Path) -> None:
    of_today()(run)
    (run / "consensus.parquet").unlink()


def doubled(run: Path) -> None:
    """Numbers as another program may write them."""
    of_today()(run)
    path = run / "predictions.parquet"
    import pyarrow.parquet as pq

    held = pq.read_table(path)
    frame = held.to_pandas().astype(dict.fromkeys(held.column_names[1:], "f8"))
    made = held.from_pandas(frame, preserve_index=False)
    pq.write_table(made.replace_schema_metadata(held.schema.metadata), path)


VARIANTS: dict[str, Change] = {
    "of the first format": lambda run: None,
    "of today's": of_today(),
    "in another order": of_today(turned),
    "of fewer images": of_today(fewer),
    "the same of everybody": of_today(same),
    "with some who entered": entered,
    "without a consensus": without_consensus,
    "in doubles": doubled,
}


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run is a large one, and little of it is kept."""
    monkeypatch.setattr(run_reading, "_LARGE", -1)
    monkeypatch.setattr(run_scores, "_TOGETHER", 2 * 4 * 24)
    monkeypatch.setattr(run_scores, "_KEPT", 3 * 4 * 24)


def read(run: Path, *, whole: bool = True) -> RunData:
    """A run; `whole`: with what a large one leaves for later."""
    data = result(list(read_run(run, {})))
    assert isinstance(data, RunData)
    if data.unread and whole:
        take_rest(data, result(list(read_rest(data))))
    return data


def told(data: RunData) -> dict[str, Any]:
    """All that the views ask of scores and answers."""
    strips = [event for event in find_strip(data, 7, lambda: iter(())) if isinstance(event, Done)]
    assert strips
    found: dict[str, Any] = {
        "orders": (data.labelers, data.attributes, data.images),
        "alike": data.ignores_labelers,
        "scores": data.score_table(data.attributes),
        "consensus": np.stack([data.consensus_of(kind) for kind in data.attributes]),
        "sheet": sheet_at(data, 7).shares,
        "learned": data.learned,
        "dispute": np.stack([data.standing(kind).dispute for kind in data.attributes]),
        "about": data.answers.about(7),
        "damage": data.damage,
    }
    for kind in data.attributes:
        for code in data.labelers:
            asked = FaceQuestion(code, kind)
            list(find_out(data, asked, lambda *_: iter(())))
            found[f"{code} {kind}"] = pd.DataFrame(table(data, asked, answer(data, asked)))
    return found


def check_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys()
    for key, value in one.items():
        if isinstance(value, pd.DataFrame):
            pd.testing.assert_frame_equal(value, other[key])
        elif isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, other[key])
        else:
            assert value == other[key], key


@pytest.mark.parametrize("variant", VARIANTS)
def test_that_scores_read_late_are_those_that_are_read_at_once(
    run: Path, variant: str, request: pytest.FixtureRequest
) -> None:
    VARIANTS[variant](run)
    whole = read(run)
    assert not whole.unread
    files = {code: read_scores(run / "predictions.parquet") for code in CODES}
    files |= {
        code: read_scores(one.path / "predictions.parquet").called({"whoever": code})
        for code, one in whole.adapted_labelers.items()
    }
    for row, code in enumerate(whole.labelers):
        for column, kind in enumerate(whole.attributes):
            said, expected = files[code], np.full(24, np.nan, np.float32)
            if kind in said.attributes:
                values = said.array[said.labelers.index(code), said.attributes.index(kind)]
                expected[[whole.row[image] for image in said.images]] = values
            np.testing.assert_array_equal(whole.score_table([kind])[row, 0], expected)
            np.testing.assert_array_equal(whole.score_table(NAMES)[row, column], expected)
    assert whole.ignores_labelers == (variant == "the same of everybody")
    expected = told(whole)
    request.getfixturevalue("late")
    data = read(run, whole=False)
    assert data.unread
    assert not data.learned.any()
    take_rest(data, result(list(read_rest(data))))
    check_same(told(data), expected)


def test_that_words_and_images_come_to_scores_that_were_not_read_yet(
    run: Path, request: pytest.FixtureRequest
) -> None:
    entered(run)

    def grown(data: RunData) -> RunData:
        rng = np.random.default_rng(0)
        codes = data.labelers
        data.with_attribute("kind", {c: rng.normal(size=24).astype("f4") for c in codes[1:]})
        more = [("a" * 64, "a.jpg", ""), ("b" * 64, "b.jpg", "")]
        data.with_images(more, rng.normal(size=(len(codes), 3, 2)).astype("f4"))
        data.with_attribute("tall", {c: rng.normal(size=26).astype("f4") for c in codes})
        data.with_images([("c" * 64, "c.jpg", "")], rng.normal(size=(len(codes), 4, 1)))
        data.with_attribute("kind", {codes[0]: rng.normal(size=27).astype("f4")})
        return data

    expected = told(grown(read(run)))
    request.getfixturevalue("late")
    data = grown(read(run, whole=False))
    assert data.unread
    take_rest(data, result(list(read_rest(data))))
    check_same(told(data), expected)
    assert len(data.learned) == 27
    assert not data.learned[24:].any()


def test_that_many_labelers_of_few_images_are_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes, images = tuple(f"L{row}" for row in range(200)), ("x", "y", "z")
    array = np.random.default_rng(0).normal(size=(200, 1, 3)).astype("f4")
    written = ScoreTable(codes, ("kind",), images, array)
    list(write_scores(tmp_path / "some.parquet", written.by_labeler(), ("kind",), images))
    scores, read_columns, asked = RunScores(images), ScoreFile.columns, list[int]()

    def columns(file: ScoreFile, wanted: Sequence[tuple[str, str]]) -> Any:
        asked.append(len(wanted))
        return read_columns(file, wanted)

    scores.add_file(ScoreFile(tmp_path / "some.parquet"))
    monkeypatch.setattr(ScoreFile, "columns", columns)
    found = np.concatenate([*scores.blocks(codes, "kind")])
    np.testing.assert_array_equal(found, array[:, 0])
    assert asked == [200]
    monkeypatch.setattr(run_scores, "_TOGETHER", 90 * 4 * 3)
    assert [len(block) for block in scores.blocks(codes, "kind")] == [90, 90, 20]


@pytest.mark.parametrize("first", ["words", "images"])
def test_that_words_and_images_that_cross_are_said_nothing_of_each_other(
    run: Path, first: str
) -> None:
    of_today()(run)
    data, rng = read(run), np.random.default_rng(0)
    before = data.score_table(NAMES)
    words = {code: rng.normal(size=24).astype("f4") for code in CODES}
    more, known = rng.normal(size=(3, 2, 1)).astype("f4"), data.attributes

    def come(what: str) -> None:
        if what == "words":
            data.with_attribute("kind", words)
        else:
            data.with_images([("a" * 64, "a.jpg", "")], more, attributes=known)

    come(first)
    come("images" if first == "words" else "words")
    last = np.random.default_rng(1).normal(size=(3, 3, 1)).astype("f4")
    data.with_images([("b" * 64, "b.jpg", "")], last)
    np.testing.assert_array_equal(
        data.score_table(NAMES), np.concatenate([before, more, last[:, :2]], axis=2)
    )
    blank = np.array([np.nan], np.float32)
    for row, code in enumerate(CODES):
        np.testing.assert_array_equal(
            data.score(code, "kind"), np.concatenate([words[code], blank, last[row, 2]])
        )
    assert not np.isnan(data.standing("kind").mean[[*range(24), 25]]).any()


@pytest.mark.usefixtures("late")
def test_that_images_that_come_while_labelers_are_compared_are_compared_too(run: Path) -> None:
    of_today()(run)
    data = read(run)
    comparing = data.place(NAMES[0])
    next(comparing)
    more = np.random.default_rng(0).normal(size=(3, 2, 2)).astype("f4")
    data.with_images([("a" * 64, "a.jpg", ""), ("b" * 64, "b.jpg", "")], more)
    list(comparing)
    check_standing(data)
    assert data.standing(NAMES[0]).mean.shape == (26,)


@pytest.mark.usefixtures("late")
def test_that_who_stops_comparing_labelers_bars_nobody(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, read_columns, asked = read(run), RunScores.blocks, list[tuple[str, ...]]()

    def blocks(scores: RunScores, labelers: Sequence[str], attribute: str) -> Iterator[Any]:
        asked.append(tuple(labelers))
        return read_columns(scores, labelers, attribute)

    monkeypatch.setattr(RunScores, "blocks", blocks)
    comparing = data.place(NAMES[0])
    next(comparing)
    comparing.close()  # type: ignore[attr-defined]
    check_standing(data)
    assert asked[:2] == [CODES, CODES[2:]]  # two were compared before


@pytest.mark.usefixtures("late")
def test_that_labelers_who_were_compared_before_images_came_are_compared_anew(run: Path) -> None:
    data = read(run)
    comparing = data.place(NAMES[0])
    next(comparing)
    comparing.close()  # type: ignore[attr-defined]
    more = np.random.default_rng(0).normal(size=(3, 2, 2)).astype("f4")
    data.with_images([("a" * 64, "a.jpg", ""), ("b" * 64, "b.jpg", "")], more)
    check_standing(data)


def check_standing(data: RunData) -> None:
    standing = data.standing(NAMES[0])
    shares = np.stack([percentiles(data.score(code, NAMES[0])) for code in data.labelers])
    np.testing.assert_allclose(standing.mean, shares.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(standing.dispute, shares.std(axis=0, ddof=1), atol=1e-6)


@pytest.mark.usefixtures("late")
def test_that_commands_wait_for_all_of_a_large_run(run: Path) -> None:
    of_today()(run)
    marked(run)
    _, data = face_commands.read(run)
    assert not data.unread
    assert data.learned.any()
    spoil(run / "predictions.parquet")
    os.utime(run / "predictions.parquet", (time.time() - 30,) * 2)
    with pytest.raises(UnreadableError, match="not what the run wrote"):
        face_commands.read(run)


@pytest.mark.usefixtures("late")
def test_that_a_newcomer_or_words_tell_apart_whom_the_run_does_not(run: Path) -> None:
    of_today(same)(run)
    data = read(run)
    assert data.ignores_labelers
    blank = np.zeros(24, np.float32)
    data.with_attribute("kind", dict.fromkeys(CODES, blank))
    assert data.ignores_labelers
    data.with_attribute("kind", {**dict.fromkeys(CODES, blank), "L2": blank + 1})
    assert not data.ignores_labelers
    enter(run, "New", NAMES, 1)
    assert not read(run).ignores_labelers
    said = read_scores(run / "predictions.parquet")
    path = run / "adapted" / "New" / "predictions.parquet"
    path.unlink()
    list(write_scores(path, list(said.by_labeler())[:1], said.attributes, said.images))
    assert read(run).ignores_labelers


def other(path: Path) -> None:
    rewrite(path, lambda found: ScoreTable(
        found.labelers, found.attributes, found.images, found.array + 1))  # fmt: skip


def spoil(path: Path) -> None:
    """One wrong byte in the last column, of the same file at the same time."""
    before, content = path.stat(), bytearray(path.read_bytes())
    place = len(content) - int.from_bytes(content[-8:-4], "little") - 8 - 20
    content[place] ^= 0xFF
    with path.open("r+b") as file:
        file.write(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "gone": (Path.unlink, "it is gone|it was changed"),
    "another one": (other, "it was changed after it was opened"),
    "damaged": (spoil, "damaged"),
}


def marked(run: Path) -> None:
    """As of a run that ended a while ago."""
    for path in run.rglob("*"):
        os.utime(path, (time.time() - 60,) * 2)
    write_manifest(run)


@pytest.mark.usefixtures("late")
@pytest.mark.parametrize("fault", FAULTS)
def test_that_what_happens_to_the_file_later_is_told_in_a_sentence(run: Path, fault: str) -> None:
    of_today()(run)
    marked(run)
    data = read(run, whole=False)
    first, (harm, why) = data.score("L1", NAMES[0]).copy(), FAULTS[fault]
    harm(run / "predictions.parquet")
    np.testing.assert_array_equal(data.score("L1", NAMES[0]), first)  # it is kept
    with pytest.raises(UnreadableError, match=why):
        data.score("L3", NAMES[1])
    with pytest.raises(UnreadableError, match=r"predictions\.parquet"):
        list(read_rest(data))


@pytest.mark.usefixtures("late")
def test_that_a_shorter_file_is_refused_at_once(run: Path) -> None:
    of_today()(run)
    marked(run)
    path = run / "predictions.parquet"
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 1)
    with pytest.raises(UnreadableError, match="bytes, and the run wrote"):
        read(run)


@pytest.mark.usefixtures("late")
def test_that_unreadable_answers_are_told_and_the_scores_shown(run: Path) -> None:
    of_today()(run)
    (run / "data" / "ratings.parquet").write_bytes(b"no parquet")
    data = read(run)
    assert "ratings.parquet cannot be read" in "".join(data.damage)
    assert data.answers.kind_of("L1") == "comparison"
    assert np.isfinite(data.score("L1", NAMES[0])).all()


@pytest.mark.usefixtures("late")
def test_that_the_window_fills_in_the_answers_of_a_large_run(
    open_explore: OpenExplore, run: Path, tiny_study: Study, qtbot: QtBot
) -> None:
    of_today()(run)
    panel = open_explore(tiny_study)
    data, faces = panel.data, panel.faces
    assert data is not None
    assert not data.unread
    assert data.learned.any()
    assert faces.has_table
    marks = faces.gallery.faces.facts.marks  # type: ignore[union-attr]
    assert marks.any()
    panel.show_view("face")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    assert not np.isnan(sheet_at(data, panel.face.face).shares).any()


@pytest.mark.usefixtures("late")
@pytest.mark.parametrize("fault", FAULTS)
def test_that_a_view_says_why_a_labeler_is_not_shown(
    open_explore: OpenExplore, run: Path, tiny_study: Study, qtbot: QtBot, fault: str
) -> None:
    of_today()(run)
    panel, (harm, why) = open_explore(tiny_study), FAULTS[fault]
    faces = panel.faces
    assert faces.gallery.faces.rowCount() == 24
    harm(run / "predictions.parquet")
    faces.attribute.pick(NAMES[1])
    faces.labeler.pick("L3")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    assert "predictions.parquet cannot be read" in faces.count.text()
    assert any(each in faces.count.text() for each in why.split("|"))
    assert faces.gallery.faces.rowCount() == 0
    panel.show_view("two")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    assert "predictions.parquet cannot be read" in panel.pair.meaning.text()
    faces.labeler.pick("L1")


@pytest.mark.usefixtures("late")
def test_that_a_run_is_put_away_whose_predictions_turn_out_damaged(
    open_explore: OpenExplore, run: Path, tiny_study: Study, qtbot: QtBot
) -> None:
    of_today()(run)
    marked(run)
    spoil(run / "predictions.parquet")
    said: list[str] = []
    panel = open_explore()
    panel.context.messaged.connect(lambda kind, text, _: said.append(text))
    panel.context.open_study(tiny_study.path)
    qtbot.waitUntil(lambda: bool(said) and panel.idle(), timeout=20_000)
    assert "predictions.parquet cannot be read" in " ".join(said)
    assert panel.data is None
    assert panel.faces.gallery.faces.rowCount() == 0


def test_that_commands_tell_what_unread_files_mean_for_what_follows(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    of_today()(run)
    (run / "consensus.parquet").write_bytes(b"no parquet")
    (run / "data" / "ratings.parquet").write_bytes(b"no parquet")
    face_commands.read(run)
    told = " ".join("".join(capsys.readouterr()).split())
    assert "What is called consensus below is the mean of the labelers' places." in told
    assert "faces may have been answered or learned from that are not called so" in told

"""The store's promises, on real SQLite files."""

import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study import schema
from prism_desktop.engine.study.importing.image_folder import import_images
from prism_desktop.engine.study.records import (
    Changes,
    GivenAnswers,
    LabelerRecord,
    PendingAnswers,
    TrialRecord,
    new_id,
)
from prism_desktop.engine.study.store import Study
from tests.engine.study.helpers import finished
from tests.fixtures.study import MakeStudy, draw_faces


def rating(study: Study, labeler: str = "L1", **changes: object) -> TrialRecord:
    trial = TrialRecord(
        new_id(),
        labeler,
        f"sitting of {labeler}",
        0,
        "rating",
        study.images()[0].id,
        answers={"smart": 3},
    )
    return replace(trial, **changes)  # type: ignore[arg-type]


def comparison(study: Study, outcome: str = "left", **changes: object) -> TrialRecord:
    left, right = (image.id for image in study.images()[:2])
    answers = {"attractive": outcome, "smart": "tie"}
    trial = TrialRecord(
        new_id(), "L1", "sitting", 0, "comparison", left, right, 1.5, 0.7, answers=answers
    )
    return replace(trial, **changes)  # type: ignore[arg-type]


def test_that_a_new_study_has_its_folders_attributes_and_durable_settings(tmp_path: Path) -> None:
    with Study.create(
        tmp_path / "one.prism", name="My study", attributes=("kind", "calm")
    ) as study:
        assert {part.name for part in study.path.iterdir()} >= {
            "study.sqlite3",
            "thumbnails",
            "cache",
            "runs",
            "backups",
        }
        assert [attribute.name for attribute in study.attributes()] == ["kind", "calm"]
        assert study.attributes()[0].scale_labels == ("very low", "low", "high", "very high")
        info = study.info()
        assert (info.name, info.images, info.schema_version, info.read_only) == (
            "My study",
            0,
            schema.SCHEMA_VERSION,
            False,
        )
        with closing(sqlite3.connect(study.path / "study.sqlite3")) as connection:
            assert connection.execute("PRAGMA application_id").fetchone() == (0x50524953,)
            assert connection.execute("PRAGMA user_version").fetchone() == (schema.SCHEMA_VERSION,)
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        pragmas = study._write.read(
            lambda c: [
                c.exec_driver_sql(f"PRAGMA {p}").scalar() for p in ("synchronous", "foreign_keys")
            ]
        )
        assert pragmas == [2, 1]


def test_that_records_come_back_as_they_went_in(tiny_study: Study) -> None:
    trial = comparison(tiny_study, probability=0.25, onset=12.5, seconds=0.75, dropped_frames=2)
    assert tiny_study.record(trial) == Changes(trials=frozenset({"L1"}))
    assert tiny_study.trial(trial.id) == trial
    skipped = rating(tiny_study, answers={}, status="skipped", skip_reason="I know this person")
    tiny_study.record(skipped)
    assert tiny_study.trial(skipped.id) == skipped
    assert tiny_study.trials("L1")[-2:] == (trial, skipped)


def test_that_counts_leave_out_what_was_withdrawn_or_corrected(tiny_study: Study) -> None:
    before = tiny_study.progress()[0]
    first, second = comparison(tiny_study), comparison(tiny_study, "right")
    tiny_study.record(first)
    tiny_study.record(second, supersedes=first.id)
    assert tiny_study.progress()[0].comparisons == before.comparisons + 1
    assert tiny_study.trial(first.id).superseded_by == second.id
    assert [t.id for t in tiny_study.trials("L1", current=False)][-2:] == [first.id, second.id]
    tiny_study.withdraw(second.id)
    assert tiny_study.trials("L1", "comparison")[-1] == first
    assert tiny_study.trial(second.id).status == "withdrawn"
    tiny_study.withdraw(first.id)
    assert tiny_study.progress()[0].comparisons == before.comparisons
    tiny_study.restore(second.id)
    assert tiny_study.trials("L1", "comparison")[-1] == second


def test_that_only_the_latest_correction_can_be_taken_back(tiny_study: Study) -> None:
    first, second, third = (
        comparison(tiny_study),
        comparison(tiny_study, "right"),
        comparison(tiny_study, "tie"),
    )
    tiny_study.record(first)
    tiny_study.record(second, supersedes=first.id)
    with pytest.raises(InputError, match="corrected by a later one"):
        tiny_study.withdraw(first.id)
    tiny_study.withdraw(second.id)
    tiny_study.record(third, supersedes=first.id)
    with pytest.raises(InputError, match="corrected again since"):
        tiny_study.restore(second.id)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"labeler": "nobody"}, "no labeler 'nobody'"),
        ({"left": "f" * 64}, "no image"),
        ({"answers": {"funny": 2}}, "no attribute 'funny'"),
        ({"answers": {"smart": 5}}, "5 is no answer"),
        ({"answers": {"smart": True}}, "True is no answer"),
        ({"answers": {}}, "at least one answer"),
        ({"status": "skipped"}, "skipped one has none"),
        ({"seconds": -1.0}, "not negative"),
        ({"onset": float("nan")}, "not negative"),
        ({"repeat_of": "0" * 32}, "no trial"),
        ({"kind": "comparison"}, "two different"),
        ({"session": "sitting of L2"}, "belongs to another labeler"),
        ({"superseded_by": "0" * 32}, "does not come with it"),
    ],
)
def test_that_a_bad_trial_is_refused_with_all_that_came_with_it(
    tiny_study: Study, changes: dict[str, object], reason: str
) -> None:
    tiny_study.record(rating(tiny_study, "L2"))
    before = tiny_study.trials(current=False)
    with pytest.raises(InputError, match=reason):
        tiny_study.record([rating(tiny_study), rating(tiny_study, **changes)])
    assert tiny_study.trials(current=False) == before


def test_that_a_trial_is_recorded_once(tiny_study: Study) -> None:
    trial = rating(tiny_study)
    tiny_study.record(trial)
    with pytest.raises(InputError, match="already"):
        tiny_study.record(trial)


def test_that_the_database_itself_refuses_to_change_or_lose_answers(tiny_study: Study) -> None:
    tiny_study.close()
    with closing(sqlite3.connect(tiny_study.path / "study.sqlite3")) as connection:
        for attack in (
            "UPDATE trial SET seconds = 1",
            "UPDATE trial SET left_id = right_id",
            "DELETE FROM trial",
            "UPDATE answer SET value = 1",
            "DELETE FROM answer",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(attack)


def test_that_tables_hold_the_current_answers(tiny_study: Study) -> None:
    trial = comparison(tiny_study, "right")
    tiny_study.record(trial)
    gone = comparison(tiny_study)
    tiny_study.record(gone)
    tiny_study.withdraw(gone.id)
    frame = tiny_study.comparisons()
    assert list(frame.columns) == [
        "trial", "labeler", "session", "order", "left", "right", "attribute", "outcome", "onset",
        "seconds",
        "repeat_of", "source", "dropped_frames", "drawn",
    ]  # fmt: skip
    assert gone.id not in set(frame["trial"])
    mine = frame[frame["trial"] == trial.id]
    assert dict(zip(mine["attribute"], mine["outcome"], strict=True)) == trial.answers
    assert set(mine["left"]) == {trial.left}
    assert set(mine["session"]) == {"sitting"}
    expected = {
        (t.id, name): answer
        for t in tiny_study.trials(kind="comparison")
        for name, answer in t.answers.items()
    }
    keys = zip(frame["trial"], frame["attribute"], strict=True)
    assert dict(zip(keys, frame["outcome"], strict=True)) == expected
    repeats = {t.id: t.repeat_of for t in tiny_study.trials(kind="comparison")}
    assert frame["repeat_of"].notna().sum() == 2 * sum(
        repeat is not None for repeat in repeats.values()
    )
    ratings = tiny_study.ratings()
    assert list(ratings.columns[:7]) == [
        "trial",
        "labeler",
        "session",
        "order",
        "image",
        "attribute",
        "value",
    ]
    assert ratings["value"].between(1, 4).all()
    for whole, read in ((frame, tiny_study.comparisons), (ratings, tiny_study.ratings)):
        codes = set(whole["labeler"])
        assert len(codes) > 1
        for code in codes:
            own = whole[whole["labeler"] == code].reset_index(drop=True)
            pd.testing.assert_frame_equal(read(code), own)
        assert list(read("nobody").columns) == list(whole.columns)
        assert read("nobody").empty


def test_that_tables_of_an_empty_study_are_empty_and_typed(tmp_path: Path) -> None:
    with Study.create(tmp_path / "empty.prism") as study:
        frame = study.comparisons()
        assert len(frame) == 0
        assert frame["order"].dtype == "int64"
        assert len(study.ratings()) == len(study.images_frame()) == 0


def test_that_images_get_balanced_folds_that_never_change(make_study: MakeStudy) -> None:
    study = make_study(images=30, labelers=0)
    folds = {image.id: image.fold for image in study.images()}
    other = make_study("other", images=30, labelers=0)
    assert folds == {image.id: image.fold for image in other.images()}
    sizes = [list(folds.values()).count(fold) for fold in range(7)]
    assert max(sizes) - min(sizes) <= 1
    study.add_images([(study.path / f"{n}.jpg", f"{n}.jpg", f"{n:064x}", 8, 8) for n in range(40)])
    after = {image.id: image.fold for image in study.images()}
    assert folds.items() <= after.items()
    sizes = [list(after.values()).count(fold) for fold in range(7)]
    assert max(sizes) - min(sizes) <= 1


def test_that_duplicates_are_told_and_equal_names_are_told_apart(tiny_study: Study) -> None:
    old = tiny_study.images()[0]
    added = tiny_study.add_images(
        [(old.path, "again.jpg", old.id, 8, 8), (Path("/x/a.jpg"), old.name, "a" * 64, 8, 8)]
    )
    assert added.duplicates == (("again.jpg", old.name),)
    assert added.added == ("a" * 64,)
    stem = Path(old.name).stem
    assert added.renamed == ((old.name, f"{stem} (2).jpg"),)
    assert tiny_study.image(f"{stem} (2).jpg").missing
    assert tiny_study.image(old.id) == old


def test_that_people_and_attributes_are_edited_but_keep_their_names(tiny_study: Study) -> None:
    assert tiny_study.update_labeler("L1", profile="likes cats") == Changes(labelers=True)
    assert tiny_study.labelers()[0] == LabelerRecord("L1", "Labeler 1", "likes cats")
    assert tiny_study.update_attribute(
        "smart", question="How clever?", scale_labels=("1", "2", "3", "4")
    ).attributes
    assert tiny_study.attributes()[1].question == "How clever?"
    assert tiny_study.update_labeler("L1") == Changes()
    for wrong in ("", " L9", "L\n9", "x" * 101, "L1"):
        with pytest.raises(InputError):
            tiny_study.add_labeler(wrong)
    with pytest.raises(InputError, match="4 labels"):
        tiny_study.update_attribute("smart", scale_labels=("a", "b"))
    with pytest.raises(InputError, match="no labeler"):
        tiny_study.update_labeler("nobody", profile="")


def test_that_any_thread_may_read_and_write(tiny_study: Study) -> None:
    count = len(tiny_study.trials())
    trials = [rating(tiny_study, code) for code in ("L1", "L2", "L3") for _ in range(20)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(tiny_study.record, trials))
        assert set(pool.map(lambda _: len(tiny_study.trials()), range(6))) == {count + 60}


def test_that_a_closed_study_leaves_no_threads_and_says_so(make_study: MakeStudy) -> None:
    study = make_study()
    study.close()
    study.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("study-")]
    with pytest.raises(Exception, match="was closed"):
        study.info()


def test_that_records_need_neither_pandas_nor_sqlalchemy() -> None:
    heavy = "print({'pandas', 'sqlalchemy', 'numpy'} & set(sys.modules))"
    code = f"import sys, prism_desktop.engine.study.records; {heavy}"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "set()\n"
    )


def test_that_answers_to_an_unfinished_trial_are_kept_until_it_is_recorded(
    tiny_study: Study,
) -> None:
    done = comparison(tiny_study)
    assert tiny_study.pending(done.labeler, "comparison") is None
    for answers in ({"smart": "left"}, {"smart": "tie"}):
        tiny_study.keep_pending(
            PendingAnswers(done.labeler, "comparison", done.left, done.right, GivenAnswers(answers))
        )
    kept = tiny_study.pending(done.labeler, "comparison")
    assert kept is not None
    assert (kept.left, kept.right, kept.given.answers) == (done.left, done.right, {"smart": "tie"})
    assert tiny_study.pending(done.labeler, "rating") is None
    assert not {trial.id for trial in tiny_study.trials(current=False)} & {done.id}
    tiny_study.record(done)
    assert tiny_study.pending(done.labeler, "comparison") is None


def test_that_what_labelers_are_asked_for_is_the_studys_to_say(tiny_study: Study) -> None:
    assert tiny_study.targets() == {}
    assert tiny_study.set_target("rating", 40) == Changes(labelers=True)
    assert tiny_study.targets() == {"rating": 40}
    tiny_study.set_target("rating", None)
    assert tiny_study.targets() == {}
    with pytest.raises(InputError, match="At least one"):
        tiny_study.set_target("rating", 0)


def test_that_the_table_of_images_knows_where_copies_and_other_files_lie(
    make_study: MakeStudy, tmp_path: Path
) -> None:
    study = make_study(images=4, labelers=0)
    copies = draw_faces(tmp_path / "more", 3, seed=9)
    finished(import_images(study, tmp_path / "more", copy=True))
    for path in copies:
        path.unlink()
    frame = study.images_frame().set_index("image")
    assert len(frame) == 7
    for image in study.images():
        assert frame.loc[image.id, "path"] == str(image.path)
        assert Path(frame.loc[image.id, "path"]).is_file()
        assert frame.loc[image.id, "fold"] == image.fold
    assert sum(study.path in image.path.parents for image in study.images()) == 3

"""Writes `schema-NNNN.sql` for the present schema: `python
-m tests.upgrades.dump`, once per schema version."""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from prism_desktop.engine.study import schema
from prism_desktop.engine.study.records import (
    AnswerTime,
    AttributeRecord,
    Doubt,
    FactRecord,
    GivenAnswers,
    ImportBatch,
    ImportReport,
    PendingAnswers,
    TrialRecord,
)
from prism_desktop.engine.study.store import Study

HERE = Path(__file__).parent


def fill(study: Study) -> None:
    """Everything that a study can hold, under fixed names,
    so that a test can look for it years later."""
    images = [f"{number:064x}" for number in range(1, 5)]
    study.add_labeler("L1", "First", "A profile.")
    study.add_labeler("L2", simulated=True)
    study.add_images(
        [(Path(f"/faces/{n}.jpg"), f"{n}.jpg", image, 64, 48) for n, image in enumerate(images)]
    )
    both = {"attractive": "left", "smart": "tie"}
    first = TrialRecord(
        "1" * 32,
        "L1",
        "s1",
        0,
        "comparison",
        images[0],
        images[1],
        1000.5,
        1.25,
        answers=both,
        dropped_frames=1,
    )
    second = TrialRecord(
        "2" * 32, "L1", "s1", 1, "comparison", images[0], images[1], answers={"smart": "right"}
    )
    repeat = TrialRecord(
        "3" * 32,
        "L1",
        "s1",
        2,
        "comparison",
        images[1],
        images[0],
        answers=both,
        repeat_of="2" * 32,
    )
    skip = TrialRecord(
        "4" * 32,
        "L1",
        "s1",
        3,
        "rating",
        images[2],
        status="skipped",
        skip_reason="I know this person",
    )
    gone = TrialRecord(
        "5" * 32, "L2", "s2", 0, "rating", images[3], answers={"smart": 4}, source="simulated"
    )
    study.record(first)
    study.record(second, supersedes=first.id)
    partly = TrialRecord(
        "8" * 32,
        "L1",
        "s4",
        0,
        "comparison",
        images[1],
        images[2],
        2000.5,
        3.5,
        answers={"attractive": "left"},
        dropped_frames=0,
        skips={"smart": "I cannot judge this"},
        times={"attractive": AnswerTime(2000.5, 1.5), "smart": AnswerTime(2002.25, 1.75)},
        strengths={"attractive": 2},
        flags=("left", "interrupted"),
        block="main",
        strategy="random",
    )
    study.record([repeat, skip, gone, partly])
    study.withdraw(gone.id)
    given = GivenAnswers(
        {"smart": "tie"}, times={"smart": AnswerTime(3000.0, 0.75)}, dropped_frames=1
    )
    study.keep_pending(PendingAnswers("L1", "comparison", images[2], images[3], given))
    study.set_target("comparison", 90)
    guessed = TrialRecord(
        "6" * 32,
        "L1",
        "s3",
        0,
        "rating",
        images[0],
        answers={"guessed": 4},
        raw={"guessed": 6.5},
        source="imported",
    )
    doubts = (Doubt("scale", "Two.", "t.csv", "guessed", (3, 5), 2), Doubt("time", "Three."))
    report = ImportReport("7" * 32, "t.csv", "csv", 5, 4, doubts=doubts, recipe='scale = "1-7"\n')
    facts = (FactRecord("rater", "L1", "age", "31"), FactRecord("image", images[0], "age", "44"))
    study.apply_import(
        ImportBatch(
            report,
            attributes=(AttributeRecord("guessed", confirmed=False),),
            trials=[guessed],
            facts=facts,
        )
    )
    study.dismiss_doubts(report.id, [1])


def dump(file: Path) -> str:
    """The database as SQL, with the marks in its header that a dump leaves out."""
    with closing(sqlite3.connect(file)) as connection:
        marks = [
            f"PRAGMA {n} = {connection.execute(f'PRAGMA {n}').fetchone()[0]};"
            for n in ("application_id", "user_version")
        ]
        content = "\n".join([*marks, *connection.iterdump()])
    return f"{content}\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        with Study.create(
            Path(folder) / "old.prism", name="Old study", attributes=("attractive", "smart")
        ) as made:
            fill(made)
        content = dump(Path(folder) / "old.prism" / "study.sqlite3")
    (HERE / f"schema-{schema.SCHEMA_VERSION:04d}.sql").write_text(content, encoding="utf-8")

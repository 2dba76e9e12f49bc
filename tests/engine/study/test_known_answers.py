"""What an import is told of the answers that are there already."""

import math
from pathlib import Path

import numpy as np

from prism_desktop.engine.study import known_answers as module
from prism_desktop.engine.study.known_answers import NONE
from prism_desktop.engine.study.records import (
    ImportBatch,
    ImportReport,
    LabelerRecord,
    TrialRecord,
    new_id,
)
from prism_desktop.engine.study.store import Study


def test_that_every_answer_is_there_as_it_was_recorded(tiny_study: Study, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(module, "_CHUNK", 7)
    images = [image.id for image in tiny_study.images()]
    first = TrialRecord(
        new_id(), "L1", "s", 0, "comparison", images[0], images[1], answers={"smart": "right"}
    )
    second = TrialRecord(
        new_id(), "L1", "s", 1, "comparison", images[0], images[1], answers={"smart": "tie"}
    )
    gone = TrialRecord(new_id(), "L1", "s", 2, "rating", images[0], answers={"smart": 2})
    skipped = TrialRecord(new_id(), "L1", "s", 3, "rating", images[5], status="skipped")
    tiny_study.record([first, gone, skipped])
    tiny_study.record(second, supersedes=first.id)
    tiny_study.withdraw(gone.id)
    brought = TrialRecord(
        new_id(), "N1", "t", 4, "rating", images[3], onset=12.5, seconds=0.25,
        answers={"attractive": 4}, raw={"attractive": 6.5}, source="imported",
    )  # fmt: skip
    report = ImportReport(new_id(), "t.csv", "csv", 1, 1)
    tiny_study.apply_import(ImportBatch(report, labelers=(LabelerRecord("N1"),), trials=(brought,)))
    known = tiny_study.known_answers()
    trials = [t for t in tiny_study.trials(current=False) if t.status != "withdrawn"]
    outcome = {"left": 1, "tie": 0, "right": -1}
    expected = [
        (
            trial.kind == "comparison", trial.labeler, trial.left, trial.right, name,
            outcome.get(str(answer), answer), trial.raw.get(name or ""), trial.session,
            trial.order, trial.onset, trial.seconds, trial.import_id, trial.source == "imported",
            trial.superseded_by is not None,
        )
        for trial in trials
        for name, answer in (trial.answers or {None: None}).items()
    ]  # fmt: skip

    def name(names: tuple[str, ...], code: int) -> str | None:
        return None if code == NONE else names[code]

    def number(value: float) -> float | None:
        return None if math.isnan(value) else value

    found = [
        (
            bool(known.comparison[i]), name(known.labelers, known.labeler[i]),
            name(known.images, known.left[i]), name(known.images, known.right[i]),
            name(known.attributes, known.attribute[i]), number(known.value[i]),
            number(known.raw[i]), name(known.sessions, known.session[i]), known.order[i],
            number(known.onset[i]), number(known.seconds[i]),
            name(known.imports, known.import_[i]), bool(known.imported[i]),
            bool(known.corrected[i]),
        )
        for i in range(len(known))
    ]  # fmt: skip
    assert found == expected
    assert len(np.unique(known.trial)) == len(trials)
    assert (np.diff(known.trial) >= 0).all()
    assert known.labeler.dtype == known.right.dtype == np.int32


def test_that_a_study_without_answers_has_none(tmp_path: Path) -> None:
    with Study.create(tmp_path / "empty.prism", attributes=("smart",)) as study:
        known = study.known_answers()
        assert len(known) == len(known.value) == len(known.attribute) == 0
        assert known.attributes == ("smart",)
        assert known.import_.dtype == np.int32

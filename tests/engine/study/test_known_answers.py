"""What an import is told of the answers that are there already."""

import math
from pathlib import Path

import numpy as np

from prism_desktop.engine.study import known_answers as module
from prism_desktop.engine.study.known_answers import IMPORTED, NONE
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
    trials = tiny_study.trials()
    outcome = {"left": 1, "tie": 0, "right": -1}
    expected = [
        (
            trial.kind == "comparison", trial.labeler, trial.left, trial.right, name,
            trial.raw.get(name, outcome.get(str(answer), answer)), trial.order, trial.onset,
            trial.seconds, None if trial.import_id is None else "t.csv", trial.source == "imported",
        )
        for trial in trials
        for name, answer in trial.answers.items()
    ]  # fmt: skip

    def name(names: tuple[str, ...], code: int) -> str | None:
        return None if code == NONE else names[code]

    def number(value: float) -> float | None:
        return None if math.isnan(value) else value

    found = [
        (
            bool(known.comparison[i]), name(known.labelers, known.labeler[i]),
            name(known.images, known.left[i]), name(known.images, known.right[i]),
            name(known.attributes, known.attribute[i]), number(known.value[i]), known.order[i],
            number(known.onset[i]), number(known.seconds[i]),
            name(known.imports, known.imported[i]), known.source[i] == IMPORTED,
        )
        for i in range(len(known))
    ]  # fmt: skip
    assert found == expected
    assert (np.diff(known.trial) >= 0).all()
    assert known.labeler.dtype == known.right.dtype == np.int32
    names = tiny_study.trial_ids(np.unique(known.trial).tolist())
    assert set(names.values()) == {trial.id for trial in trials if trial.answers}


def test_that_an_imports_answers_can_be_left_aside(tiny_study: Study) -> None:
    image = tiny_study.images()[3].id
    brought = TrialRecord(
        new_id(), "N1", "t", 0, "rating", image, answers={"attractive": 4}, source="imported"
    )
    report = ImportReport(new_id(), "t.csv", "csv", 1, 1)
    before = len(tiny_study.known_answers())
    tiny_study.apply_import(ImportBatch(report, labelers=(LabelerRecord("N1"),), trials=(brought,)))
    assert len(tiny_study.known_answers()) == before + 1
    assert len(tiny_study.known_answers(without=report.id)) == before


def test_that_a_study_without_answers_has_none(tmp_path: Path) -> None:
    with Study.create(tmp_path / "empty.prism", attributes=("smart",)) as study:
        known = study.known_answers()
        assert len(known) == len(known.value) == len(known.attribute) == 0
        assert known.attributes == ("smart",)
        assert known.imported.dtype == np.int32

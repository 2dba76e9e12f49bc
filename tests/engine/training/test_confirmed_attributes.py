"""What an import guessed to be a judgment is neither learned from nor asked for."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from prism_desktop.cli.main import main
from prism_desktop.engine.adaptation.new_answers import new_answers_from_study
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.labeling.labeling_session import LabelingSession
from prism_desktop.engine.study.records import (
    AttributeRecord,
    ImportBatch,
    ImportReport,
    LabelerRecord,
    TrialRecord,
    new_id,
)
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore.agreement_operations import answered
from prism_desktop.ui.train.operations import study_choices
from tests.fixtures.runs import MakeRun
from tests.fixtures.study import MakeStudy

GUESSED = ("mouse.x", "odd name")


def guess(study: Study, *names: str) -> None:
    """Import ratings by labelers of the study under attributes that nobody named."""
    trials = [
        TrialRecord(
            new_id(), labeler, f"guess {labeler}", place, "rating", image.id,
            answers=dict.fromkeys(names, 1 + place % 4), source="imported",
        )
        for labeler in ("L1", "L2", "L3")
        for place, image in enumerate(study.images())
    ]  # fmt: skip
    study.apply_import(
        ImportBatch(
            ImportReport(new_id(), "t.csv", "csv", len(trials), len(trials)),
            labelers=tuple(LabelerRecord(code) for code in ("L1", "L2", "L3")),
            attributes=tuple(AttributeRecord(name, confirmed=False) for name in names),
            trials=trials,
        )
    )


def test_that_a_run_leaves_guessed_attributes_out_and_says_so(
    make_study: MakeStudy, make_run: MakeRun
) -> None:
    study = make_study(comparisons=20, ratings=20)
    guess(study, *GUESSED)
    run = make_run(study)
    meta = run.meta()
    assert meta.names == ("attractive", "smart")
    for table in ("pairs", "comparisons", "ratings"):
        assert set(run.table(table)["attribute"]) <= set(meta.names)  # type: ignore[arg-type]
    (told,) = [text for text in meta.notices if "confirmed" in text]
    assert told.startswith("mouse.x, odd name were left out")
    assert f'study confirm {study.path} mouse.x "odd name"`' in told
    study.confirm_attribute("mouse.x")
    both = {"use": "both"}
    assert make_run(study, pairs=both).meta().names == ("attractive", "smart", "mouse.x")


def test_that_a_run_on_nothing_but_guesses_is_refused_with_the_way_out(
    make_study: MakeStudy, make_run: MakeRun
) -> None:
    study = make_study(comparisons=20, ratings=20)
    guess(study, "mouse.x")
    with pytest.raises(InputError, match=r"confirmed that the attribute mouse\.x is a judgment"):
        make_run(study, attributes=("mouse.x",))
    chosen = make_run(study, attributes=("smart", "mouse.x")).meta()
    assert chosen.names == ("smart",)
    assert [text for text in chosen.notices if text.startswith("mouse.x was left out")]


def test_that_guesses_are_offered_nowhere_and_asked_of_nobody(make_study: MakeStudy) -> None:
    study = make_study(comparisons=20, ratings=20)
    guess(study, "mouse.x")
    assert study_choices(study).attributes == ("attractive", "smart")
    shown = answered(study)
    assert shown.attributes == ("attractive", "smart")
    assert "mouse.x" not in set(shown.rated["attribute"])
    session = LabelingSession(study, "L1", "rating")
    assert [attribute.name for attribute in session.attributes] == ["attractive", "smart"]
    study.confirm_attribute("mouse.x")
    assert study_choices(study).attributes == ("attractive", "smart", "mouse.x")
    assert "mouse.x" in answered(study).attributes


def test_that_nobody_labels_a_study_of_guesses(make_study: MakeStudy) -> None:
    study = make_study(attributes=(), labelers=0)
    guess(study, "mouse.x")
    with pytest.raises(InputError, match="confirm it in the Study panel or by"):
        LabelingSession(study, "L1", "rating")
    study.confirm_attribute("mouse.x")
    assert LabelingSession(study, "L1", "rating").attributes[0].name == "mouse.x"


def test_that_a_newcomer_s_guessed_answers_are_left_out(
    make_study: MakeStudy, make_run: MakeRun
) -> None:
    study = make_study(comparisons=20, ratings=20)
    run = make_run(study, labelers=("L1", "L2"))
    path = study.path
    study.close()
    with closing(sqlite3.connect(path / "study.sqlite3")) as opened, opened:
        opened.execute("UPDATE attribute SET confirmed = 0 WHERE name = 'smart'")
    found = new_answers_from_study(run, "L3")
    assert set(found.pairs["attribute"]) == {"attractive"}
    assert [text for text in found.skipped if text.startswith("smart was left out")]


def test_that_attributes_are_confirmed_on_the_command_line(
    make_study: MakeStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str | Path) -> int:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        code = ended.value.code
        return code if isinstance(code, int) else 0

    study = make_study(comparisons=4, ratings=4)
    guess(study, *GUESSED)
    study.close()
    assert run("study", "confirm", study.path, "mouse.x", "nothing") == 2
    assert "nothing was confirmed" in capsys.readouterr().err.replace("\n", " ")
    with Study.open(study.path, read_only=True) as opened:
        assert [a.confirmed for a in opened.attributes()] == [True, True, False, False]
    assert run("agreement", study.path) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "mouse.x, odd name were left out" in told
    assert run("study", "confirm", study.path, *GUESSED) == 0
    with Study.open(study.path, read_only=True) as opened:
        assert all(attribute.confirmed for attribute in opened.attributes())

"""Taste reports of a study and of a run: what they look at, and what they leave out and say so."""

import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import outcome
from prism_desktop.engine.experiments.choice_report import TasteArguments, taste_report
from prism_desktop.engine.experiments.image_properties import parse_words
from prism_desktop.engine.study.records import FactRecord, ImportBatch, ImportReport, new_id
from prism_desktop.engine.study.store import Study
from tests.fixtures.runs import MakeRun
from tests.fixtures.study import MakeStudy

GROUPS = ("a", "b", "c")


def with_groups(study: Study) -> None:
    """Facts of all images, as an import brings them."""
    ids = [image.id for image in study.images()]
    facts = [FactRecord("image", image, "group", GROUPS[n % 3]) for n, image in enumerate(ids)]
    report = ImportReport(new_id(), "images.csv", "csv", len(facts), len(facts))
    study.apply_import(ImportBatch(report, facts=facts))


def test_that_pixels_facts_and_words_are_looked_at_of_a_study_and_of_a_run_alike(
    make_study: MakeStudy, make_run: MakeRun, tiny_backbone: str
) -> None:
    study = make_study(images=14, labelers=2, comparisons=12, ratings=6)
    with_groups(study)
    run = make_run(study)
    asked = TasteArguments(
        study=study.path, backbone=tiny_backbone, attributes=("smart",), words=(("kind", ""),)
    )
    report = outcome(taste_report(asked))
    of_run = outcome(taste_report(asked.model_copy(update={"run": run.path, "backbone": None})))
    kinds = {one.name: one.kind for one in report.properties}
    assert (kinds["brightness"], kinds["kind"]) == ("statistic", "words")
    groups = {name for name, kind in kinds.items() if kind == "fact"}
    assert groups == {f"group: {group}" for group in GROUPS}
    assert report.everybody == of_run.everybody
    assert {link.attribute for link in report.everybody} == {"smart"}
    assert all(link.n <= 14 and link.own_holm is None for link in report.everybody)  # too few
    assert any(
        "The same for all images" in note and "image size, image width" in note
        for note in report.notes
    )


def test_that_what_knows_no_words_says_so_and_the_rest_is_looked_at(tiny_study: Study) -> None:
    asked = TasteArguments(study=tiny_study.path, backbone="embeddings:facenet")
    report = outcome(taste_report(asked))
    assert {one.kind for one in report.properties} == {"statistic"}
    assert any("the facenet embeddings know no words" in note for note in report.notes)


def test_that_attributes_nobody_has_and_studies_without_answers_are_refused(
    make_study: MakeStudy,
) -> None:
    study = make_study(images=4, labelers=1, comparisons=0, ratings=0)
    asked = TasteArguments(study=study.path, words=())
    with pytest.raises(InputError, match="Nobody has compared or rated"):
        outcome(taste_report(asked))
    with pytest.raises(InputError, match="There is no attribute kind"):
        outcome(taste_report(asked.model_copy(update={"attributes": ("kind",)})))


def test_that_words_are_one_or_two() -> None:
    assert parse_words(" smiling :  very serious ") == ("smiling", "very serious")
    assert parse_words("kind") == ("kind", "")
    for text in ("", "a:", "a:b:c"):
        with pytest.raises(InputError, match="MORE:LESS"):
            parse_words(text)

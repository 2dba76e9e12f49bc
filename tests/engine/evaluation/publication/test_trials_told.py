"""The methods in words: each sentence is true of the trials that the study has."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from prism_desktop.engine.evaluation.publication.methods_text import methods
from prism_desktop.engine.evaluation.quality.quality_report import study_quality
from prism_desktop.engine.events import outcome
from prism_desktop.engine.stimulus_words import FACES, REPLIES, TEXTS
from prism_desktop.engine.study.images import read_image
from prism_desktop.engine.study.questions import joined
from prism_desktop.engine.study.records import (
    ImportBatch,
    ImportReport,
    Kind,
    Source,
    TrialRecord,
    new_id,
)
from prism_desktop.engine.study.store import Study
from tests.fixtures.study import draw_faces

RATING, COMPARING = "How kind is this one?", "Which of them is kinder?"


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return draw_faces(tmp_path_factory.mktemp("faces"), 6)


@pytest.fixture
def study(tmp_path: Path, faces: list[Path]) -> Iterator[Study]:
    """Six faces, two labelers, two attributes, of which trials here ask the first."""
    with Study.create(tmp_path / "s.prism", attributes=("kind", "calm")) as made:
        made.add_images(read_image(path, path.name) for path in faces)
        for code in ("L1", "L2"):
            made.add_labeler(code)
        made.update_attribute("kind", question=joined(RATING, COMPARING))
        yield made


def _trials(study: Study, kind: Kind, source: Source, **changes: object) -> list[TrialRecord]:
    """Four of each labeler."""
    shown = [each.id for each in study.images()]
    answer: int | str = 3 if kind == "rating" else "left"
    return [
        replace(
            TrialRecord(
                new_id(), code, f"{source} {code}", place, kind, shown[place],
                None if kind == "rating" else shown[place + 1],
                answers={"kind": answer}, source=source,
                onset=1.7e9 + place if source == "labeled" else None, seconds=2.0,
            ),
            **changes,  # type: ignore[arg-type]
        )
        for code, place in product(("L1", "L2"), range(4))
    ]  # fmt: skip


def _put(
    study: Study, trials: list[TrialRecord], mapping: Mapping[str, object] | None = None
) -> None:
    """As people or an import bring them in."""
    study.record([each for each in trials if each.source != "imported"])
    brought = [each for each in trials if each.source == "imported"]
    if brought:
        report = ImportReport(
            new_id(), "table.csv", "table", len(brought), len(brought), mapping=mapping or {}
        )
        study.apply_import(ImportBatch(report, trials=brought))


def _told(study: Study) -> str:
    report = outcome(study_quality(study.comparisons(), study.ratings()))
    return "\n".join(f"{each.title}: {each.text}" for each in methods(study, report))


@pytest.mark.parametrize("kinds", [("rating",), ("comparison",), ("rating", "comparison")])
@pytest.mark.parametrize("sources", [("labeled",), ("imported",), ("labeled", "imported")])
def test_that_methods_say_what_is_true_of_the_trials(
    study: Study, kinds: tuple[Kind, ...], sources: tuple[Source, ...]
) -> None:
    trials = [one for each in product(kinds, sources) for one in _trials(study, *each)]
    _put(study, trials)
    told = _told(study)
    here, brought = "labeled" in sources, "imported" in sources
    for kind in ("rating", "comparison"):
        assert (f"In {kind} trials" in told) == (kind in kinds)
        assert (f"{kind} trials" in told) == (kind in kinds)
    assert (f"“{RATING}”" in told) == ("rating" in kinds)
    assert (f"“{COMPARING}”" in told) == ("comparison" in kinds)
    assert ("in the study's words" in told) == (not here)
    of_the_program = (
        "from the frame that painted", "labelers chose their task", "Orders of trials",
        "collected with PRISM Desktop", "The screen's timing", "skipped as a whole",
        "Data were collected in" if not brought else "whose time is known",
    )  # fmt: skip
    for each in of_the_program:
        assert (each in told) == here, each
    assert ("stood side by side" in told) == (here and not brought and "comparison" in kinds)
    assert ("were compared" in told) == (brought and "comparison" in kinds)
    assert ("tie" in told) == (here and "comparison" in kinds)
    assert "or a tie" not in told
    count = sum(one.source == "imported" for one in trials)
    assert (f"{count} trials came from imported tables" in told) == brought
    assert ("Data were collected with" in told) == (not brought)
    assert ("of those in this study followed" in told) == (here and brought)
    assert ("that imported tables give are known of" in told) == brought
    assert "The study also has calm, which nobody judged" in told
    assert "judged how kind" in told
    assert "judged how calm" not in told
    assert "No trial repeats an earlier one" in told
    seen = {image for one in trials for image in (one.left, one.right) if image}
    assert f"2 labelers judged {len(seen)} of 6 face images" in told


@pytest.mark.parametrize("source", ["labeled", "simulated"])
def test_that_exports_and_programs_are_told_apart_from_people_here(
    study: Study, source: Source
) -> None:
    trials = _trials(study, "comparison", source)
    if source == "labeled":
        report = ImportReport(new_id(), "comparisons.csv", "export", len(trials), len(trials))
        study.apply_import(ImportBatch(report, trials=trials))
    else:
        _put(study, trials)
    told = _told(study)
    exported = source == "labeled"
    assert ("8 trials came from exports of PRISM Desktop" in told) == exported
    assert ("Data were collected with PRISM Desktop" in told) == exported
    assert ("stood side by side" in told) == exported
    assert ("from the frame that painted" in told) == exported
    assert ("Response times that programs gave" in told) == (not exported)
    for unknown in ("chose their task", "Orders of trials", "The screen's timing", "tables"):
        assert unknown not in told


def test_that_repeats_are_told_by_their_sides(study: Study) -> None:
    first = _trials(study, "comparison", "imported")
    again = [replace(one, id=new_id(), order=one.order + 4, repeat_of=one.id) for one in first[:5]]
    assert all(one.right for one in again)
    swapped = [replace(one, left=one.right or "", right=one.left) for one in again[:2]]
    rated = _trials(study, "rating", "imported")[:1]
    rated.append(replace(rated[0], id=new_id(), order=9, repeat_of=rated[0].id))
    _put(study, [*first, *swapped, *again[2:], *rated])
    assert (
        "6 trials repeat an earlier one of the same labeler: 2 comparisons with sides swapped, "
        "3 comparisons with the same sides and 1 rating."
    ) in _told(study)


@pytest.mark.parametrize("source", ["labeled", "imported"])
def test_that_a_tie_is_told_of_where_somebody_chose_one(study: Study, source: Source) -> None:
    trials = _trials(study, "comparison", source)
    _put(study, [replace(trials[0], answers={"kind": "tie"}), *trials[1:]])
    told = _told(study)
    assert "chose one of them or a tie." in told
    assert "never chosen" not in told


def test_that_the_programs_own_wording_is_not_told_of_imported_answers(study: Study) -> None:
    _put(study, _trials(study, "rating", "imported"))
    for words in (TEXTS, REPLIES, FACES):
        usual = words.rating_question("kind")
        study.update_attribute("kind", question=usual)
        assert usual not in _told(study)
    _put(study, _trials(study, "rating", "labeled"))
    assert f"(“{usual}”)" in _told(study)


def test_that_mapped_ratings_and_several_attributes_are_told_of(study: Study) -> None:
    trials = _trials(study, "rating", "imported", raw={"kind": 6.0})
    asked = {"kind": 3, "calm": 2}
    _put(study, [replace(one, answers=asked, raw={"kind": 6.0, "calm": 2.0}) for one in trials])
    told = _told(study)
    assert "one face was rated on each attribute." in told
    assert "8 ratings of kind had been given as 6 and were mapped onto 1 to 4." in told
    assert "The other 8 ratings were given from 1 to 4." in told
    assert "which nobody judged" not in told
    _put(study, _trials(study, "rating", "labeled"))
    told = _told(study)
    assert "rated on 1 to 2 attributes" in told
    assert "The other 16 ratings were given from 1 to 4." in told


@pytest.mark.parametrize("known", [True, False])
def test_that_all_ratings_of_another_scale_are_told_as_mapped(study: Study, known: bool) -> None:
    trials = _trials(study, "rating", "imported")
    given = [(1, 1), (2, 2), (3, 3), (1, 1), (2, 2), (3, 3), (4, 3), (5, 4)]  # raw, step
    mapping = {"scales": {"kind": {"low": 1, "high": 5}}} if known else {}
    _put(
        study,
        [
            replace(one, answers={"kind": step}, raw={"kind": float(raw)})
            for one, (raw, step) in zip(trials, given, strict=True)
        ],
        mapping,
    )
    told = _told(study)
    where = "on a scale" if known else "with numbers"
    assert f"8 ratings of kind had been given {where} from 1 to 5 and were mapped" in told
    assert "rated from 1 to 4" not in told
    assert "The other" not in told


def test_that_a_known_scale_tells_of_mapping_that_no_number_shows(study: Study) -> None:
    same = {"answers": {"kind": 2}, "raw": {"kind": 2.0}}
    _put(study, _trials(study, "rating", "imported", **same))
    assert "one face was rated from 1 to 4." in _told(study)
    scales = {"scales": {"kind": {"low": 1, "high": 5}}}
    _put(study, _trials(study, "rating", "imported", **same), scales)
    assert "16 ratings of kind had been given on a scale from 1 to 5" in _told(study)


def test_that_what_is_withdrawn_is_told_with_its_reason(study: Study) -> None:
    trials = _trials(study, "rating", "imported")
    _put(study, trials)
    assert "withdrawn" not in _told(study)
    report = study.imports()[0]
    study.undo_import(report.id)
    assert "The study has kind and calm, which nobody judged." in _told(study)
    _put(study, [replace(trials[0], status="withdrawn"), *trials[1:]])
    came = "imported as withdrawn, or without the trial that corrected them, or taken back after"
    assert f"1 trial was withdrawn ({came}wards) and 0 corrected" in _told(study)
    given = _trials(study, "rating", "labeled")
    _put(study, given)
    study.withdraw(given[0].id)
    why = f"taken back, or asked again with the whole block; {came}wards"
    assert f"2 trials were withdrawn ({why}) and" in _told(study)


def test_that_intervals_are_told_of_where_there_are_any(study: Study) -> None:
    same = _trials(study, "rating", "labeled")
    _put(study, same)
    told = _told(study)
    assert "Reliability is not known" in told
    assert "Intervals in brackets" not in told
    asked = zip(_trials(study, "rating", "labeled"), (1, 2, 3, 4, 1, 3, 2, 4), strict=True)
    _put(
        study,
        [
            replace(one, session=f"later {one.labeler}", answers={"calm": given})
            for one, given in asked
        ],
    )
    told = _told(study)
    assert "Krippendorff" in told
    assert "Intervals in brackets" in told

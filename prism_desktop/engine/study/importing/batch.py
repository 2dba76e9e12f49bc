"""Settling what a file leaves open (scales, coding)
and assembling everything into one transaction."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from prism_desktop.engine.study.importing import outcome_coding as codings
from prism_desktop.engine.study.importing.contents import Contents
from prism_desktop.engine.study.importing.drafts import Draft
from prism_desktop.engine.study.importing.planning import Planner, group, is_id
from prism_desktop.engine.study.importing.ratings import STEPS, on_scale, settle_scales
from prism_desktop.engine.study.importing.scales import Scale
from prism_desktop.engine.study.records import (
    DEFAULT_SCALE,
    DEFAULT_TEMPLATES,
    AttributeRecord,
    ImportBatch,
    ImportReport,
    LabelerRecord,
    TrialRecord,
)
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.writing import default_question


def settle(
    study: Study, contents: Contents, coding: str | None, scale: str | Mapping[str, str] | None
) -> None:
    """Decode outcomes and put ratings on the study's
    scale, refusing those that lie outside their own.

    Raises:
        UnknownCodingError: if outcomes are numbers and nothing tells what they mean.
        InputError: if the coding or a scale is none.
    """
    ledger = contents.ledger
    coded = [
        draft
        for draft in contents.drafts
        if draft.kind == "comparison" and codings.has_codes([draft])
    ]
    if coded:
        contents.mapping["coding"], notices = codings.settle(
            coded, _evidence(study, coded, contents.drafts), coding
        )
        ledger.notices += notices
        for draft in coded:
            codings.decode(draft, str(contents.mapping["coding"]))
    scales = settle_scales(contents.drafts, scale, _earlier(study))
    kept = []
    for draft in contents.drafts:
        try:
            kept.append(on_scale(draft, scales) if draft.kind == "rating" else draft)
        except ValueError as error:
            ledger.refuse_draft(draft, str(error))
    contents.drafts = kept
    contents.mapping["scales"] = {name: found.described(STEPS) for name, found in scales.items()}
    for name, found in scales.items():
        if not found.same_as_steps(STEPS):
            origin = "as declared" if scale else "judged by the ratings"
            ledger.notices.append(
                f"{name}: ratings on a scale {found} ({origin}) were put on 1 to {STEPS}; both are "
                "kept."
            )


def assemble(
    study: Study,
    contents: Contents,
    source: str,
    format: str,  # noqa: A002
) -> ImportBatch:
    """Everything that the import brings, with its report."""
    ledger = contents.ledger
    drafts = group(contents.drafts, ledger)
    known, sessions = (
        _known(study) if any(is_id(draft.facts.trial) for draft in drafts) else ({}, {})
    )
    trials = Planner(contents.import_id, known, sessions, ledger).plan(drafts)
    revised = _revised(study, contents)
    labelers, attributes = _labelers(study, contents, trials), _attributes(study, contents, trials)
    refused = tuple(sorted(ledger.refused, key=lambda row: row.row))
    report = ImportReport(
        id=contents.import_id,
        source=source,
        format=format,
        rows_read=ledger.read,
        rows_kept=ledger.read - len(refused),
        refused=refused,
        duplicates=ledger.duplicates,
        mapping=contents.mapping,
        notices=tuple(ledger.notices),
    )
    return ImportBatch(
        report,
        labelers=tuple(labelers),
        attributes=tuple(attributes),
        trials=tuple(trials),
        revised=tuple(revised),
    )


def _earlier(study: Study) -> dict[str, Scale]:
    """The scales that earlier imports found, newest last."""
    scales: dict[str, Scale] = {}
    for report in study.imports():
        found = report.mapping.get("scales")
        if report.undone is None and isinstance(found, Mapping):
            scales |= {
                name: Scale(scale["low"], scale["high"], whole=True)
                for name, scale in found.items()
            }
    return scales


def _evidence(study: Study, coded: Sequence[Draft], drafts: Sequence[Draft]) -> codings.Evidence:
    """How the coded outcomes fit the ratings of the same files,
    or those of the study if the files' do not tell."""
    ratings: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for draft in drafts:
        if draft.kind == "rating":
            for attribute, rating in draft.answers.items():
                ratings[draft.labeler, attribute, draft.images[0]].append(float(rating))
    evidence = codings.gather(coded, _means(ratings))
    if evidence.verdict is not None:
        return evidence
    ratings.clear()
    for trial in study.trials(kind="rating"):
        for attribute, answer in trial.answers.items():
            ratings[trial.labeler, attribute, trial.left].append(
                trial.raw.get(attribute, float(answer))
            )
    found = codings.gather(coded, _means(ratings))
    return found if found.verdict is not None else evidence


def _means(
    ratings: Mapping[tuple[str, str, str], Sequence[float]],
) -> dict[tuple[str, str, str], float]:
    return {key: sum(values) / len(values) for key, values in ratings.items()}


def _known(study: Study) -> tuple[dict[str, str], dict[str, str]]:
    """The study's trials and sessions, each with its labeler."""
    trials = study.trials(current=False)
    return {trial.id: trial.labeler for trial in trials}, {
        trial.session: trial.labeler for trial in trials
    }


def _labelers(
    study: Study, contents: Contents, trials: Sequence[TrialRecord]
) -> list[LabelerRecord]:
    """New labelers: those of an export first, in its order, then those who only judged."""
    simulated = {trial.labeler for trial in trials if trial.source == "simulated"}
    found = {labeler.code: labeler for labeler in contents.labelers}
    for trial in trials:
        found.setdefault(
            trial.labeler, LabelerRecord(trial.labeler, simulated=trial.labeler in simulated)
        )
    present = {labeler.code for labeler in study.labelers()}
    return [labeler for code, labeler in found.items() if code not in present]


def _attributes(
    study: Study, contents: Contents, trials: Sequence[TrialRecord]
) -> list[AttributeRecord]:
    """New attributes, with the default question and templates unless an export words them."""
    found = {attribute.name: attribute for attribute in contents.attributes}
    for trial in trials:
        for name in trial.answers:
            found.setdefault(name, AttributeRecord(name))
    present = {attribute.name for attribute in study.attributes()}
    return [attribute for name, attribute in found.items() if name not in present]


def _revised(study: Study, contents: Contents) -> list[AttributeRecord]:
    """Wordings that replace the defaults of attributes which the study has.

    Its own wordings stay.
    """
    present = {attribute.name: attribute for attribute in study.attributes()}
    revised = []
    for attribute in contents.attributes:
        own = present.get(attribute.name)
        if own is None or own == attribute:
            continue
        if own == AttributeRecord(
            own.name, default_question(own.name), DEFAULT_SCALE, DEFAULT_TEMPLATES
        ):
            revised.append(replace(attribute, question=attribute.question or own.question))
        else:
            contents.ledger.notices.append(
                f"{own.name}: the study's own question, scale labels and templates were kept."
            )
    return revised

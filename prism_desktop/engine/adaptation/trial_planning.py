"""A plan of a labeler's next trials by what is known of them now.

By the labeler's own posterior in the best finished run of the study that has one, given all that
they said so far; without such a run comparisons are planned by the joint model of all that the
study's labelers said, and ratings are not planned.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prism_desktop.engine.adaptation.adapt import told_of
from prism_desktop.engine.adaptation.fitter_choice import open_fitter
from prism_desktop.engine.adaptation.growth import knows_how_surely
from prism_desktop.engine.adaptation.head_fitter import KnownTaste, LabelerFitter
from prism_desktop.engine.adaptation.new_answers import new_answers_from_study
from prism_desktop.engine.adaptation.trial_plan import PlanArguments
from prism_desktop.engine.errors import InputError, PrismError
from prism_desktop.engine.events import Done, Event, Progress, value
from prism_desktop.engine.labeling import joint_model
from prism_desktop.engine.labeling.design import Stimulus, may_meet, stimulus
from prism_desktop.engine.labeling.pair_rules import person_of
from prism_desktop.engine.labeling.pairing import (
    Belief,
    ComparedPair,
    PairChooser,
    PairField,
    Strategy,
    from_joint,
    from_weights,
)
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.models.obstacles import find_obstacles
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_choice import best_first, finished
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.study.confirmed import confirmed_names
from prism_desktop.engine.study.records import Order, StimulusRecord, TrialRecord
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.telling_order import telling_order

if TYPE_CHECKING:
    import pandas as pd

_STRATEGIES: dict[Order, Strategy] = {"telling": "informative", "unsure": "unsure"}
_MOST_FACES = 400  # whose places a joint model tells in a few seconds
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the study holds of a labeler."""

    images: Sequence[StimulusRecord]  # that can be shown
    person: dict[str, str]
    trials: Sequence[TrialRecord]
    attributes: tuple[str, ...]  # that are asked for
    comparisons: "pd.DataFrame"  # of everybody
    ratings: "pd.DataFrame"


def plan_trials(asked: PlanArguments) -> Iterator[Event[tuple[Stimulus, ...]]]:
    """Faces to rate or sorted pairs to compare, by id, in the order in which to show them.

    None where nothing is known by which to choose.
    """
    yield Progress(0, None, "Choosing what to ask next")
    with Study.open(asked.study, read_only=True) as study:
        attributes, _ = confirmed_names(study.attributes(), study.path)
        known = _Known(
            [image for image in study.stimuli() if not image.missing],
            person_of(study.facts()),
            study.trials(asked.labeler, asked.kind),
            tuple(attributes),
            study.comparisons(),
            study.ratings(),
        )
    taste = yield from value(_taste(asked.study, asked.labeler))
    if asked.kind == "rating":
        yield Done(_faces(known, taste, asked.count))
        return
    if taste is not None and asked.order == "telling":
        yield Done(_telling_pairs(known, taste, asked.count))
        return
    faces = list(known.images)
    beliefs = [] if taste is None else _own_beliefs(faces, taste, known.attributes)
    if not beliefs:
        faces = _best_known(known)
        beliefs = _joint_beliefs(faces, known, asked.labeler)
    yield Done(_pairs(asked, known, faces, beliefs) if beliefs else ())


def open_best(
    study: Path, before: tuple[RunFolder, LabelerFitter] | None = None
) -> Iterator[Event[tuple[RunFolder, LabelerFitter] | None]]:
    """The best finished run of a study that says how surely it knows labelers, ready to be entered;
    None where there is none.

    Args:
        study: its folder.
        before: what was opened last, which is taken again where it is the best still.
    """
    for summary in best_first(list_runs(study)):
        if not finished(summary) or not knows_how_surely(summary.method):
            continue
        if find_obstacles(summary.path).entering:
            continue
        if before is not None and before[0].path == summary.path:
            yield Done(before)
            return
        run = RunFolder(summary.path)
        try:
            fitter: LabelerFitter = yield from value(open_fitter(run))
            known = fitter.posterior()
        except PrismError as error:
            _log.warning("A run is passed over, by which trials could be chosen: %s", error)
            continue
        if known is not None:
            yield Done((run, fitter))
            return
    yield Done(None)


def _taste(study: Path, labeler: str) -> Iterator[Event[tuple[RunFolder, KnownTaste] | None]]:
    """By all that the labeler said so far, in the best run that can tell."""
    opened = yield from value(open_best(study))
    if opened is None:
        yield Done(None)
        return
    run, fitter = opened
    known = fitter.posterior(*_told(run, labeler))
    yield Done(None if known is None else (run, known))


def _told(run: RunFolder, labeler: str) -> tuple[Answers | None, Ratings | None]:
    """What the labeler said, as a run learns from it."""
    try:
        return told_of(run, new_answers_from_study(run, labeler, again=True))
    except InputError:  # nothing of theirs can be learned from yet
        return None, None


def _faces(
    known: _Known, taste: tuple[RunFolder, KnownTaste] | None, count: int
) -> tuple[Stimulus, ...]:
    if taste is None:
        return ()
    run, own = taste
    gone = {str(image) for image in run.table("images")["image"]} - {i.id for i in known.images}
    judged = {stimulus(trial.left, None) for trial in known.trials} | {(image,) for image in gone}
    table = run.table("images")
    return telling_order(own.heads, own.features, table, "rating", count, judged)


def _telling_pairs(
    known: _Known, taste: tuple[RunFolder, KnownTaste], count: int
) -> tuple[Stimulus, ...]:
    """As `adapt --next` chooses them, of the pairs that can be shown."""
    run, own = taste
    there = {image.id for image in known.images}
    judged = {stimulus(trial.left, trial.right) for trial in known.trials}
    table = run.table("images")
    table = table.assign(row=range(len(table)))
    table = table[table["image"].isin(there)]
    features = own.features[table["row"].to_numpy()]
    chosen = telling_order(own.heads, features, table, "comparison", 2 * count, judged)
    return tuple(each for each in chosen if may_meet(each[0], each[1], known.person))[:count]


def _own_beliefs(
    faces: list[StimulusRecord], taste: tuple[RunFolder, KnownTaste], attributes: Sequence[str]
) -> list[Belief]:
    """One for each attribute that the run knows; faces that it does not know are left out."""
    run, own = taste
    row = {str(image): number for number, image in enumerate(run.table("images")["image"])}
    faces[:] = [face for face in faces if face.id in row]
    heads, k = own.heads, own.heads.space.dims
    x = heads.space.project(own.features[[row[face.id] for face in faces]])
    covariance, steep = heads.covariance(0), heads.steepness()[0]
    found = []
    for number, name in enumerate(run.meta().names):
        if name in attributes:
            part = slice(number * k, (number + 1) * k)
            mean = heads.mean[0, number]
            found.append(from_weights(steep[number] * x, mean, covariance[part, part]))
    return found


def _best_known(known: _Known) -> list[StimulusRecord]:
    """The faces that most was said of, as many as a joint model can place."""
    said = known.comparisons
    times = said["left"].astype(str).value_counts().add(
        said["right"].astype(str).value_counts(), fill_value=0
    )  # fmt: skip
    return sorted(known.images, key=lambda face: (-times.get(face.id, 0), face.id))[:_MOST_FACES]


def _joint_beliefs(faces: Sequence[StimulusRecord], known: _Known, labeler: str) -> list[Belief]:
    """One for each attribute that something was said of."""
    codes = sorted({*known.comparisons["labeler"].astype(str), labeler})
    found = []
    for name in known.attributes:
        said = _judgments(known, name, codes, [face.id for face in faces])
        if len(said.left):
            found.append(from_joint(joint_model.fit(said), codes.index(labeler)))
    return found


def _judgments(
    known: _Known, attribute: str, codes: Sequence[str], faces: Sequence[str]
) -> joint_model.Judgments:
    person = {code: number for number, code in enumerate(codes)}
    place = {face: number for number, face in enumerate(faces)}
    worth = {"left": 1, "tie": 0, "right": -1}
    compared = [
        (person[str(who)], place[str(left)], place[str(right)], worth[str(outcome)])
        for who, left, right, outcome in zip(
            *_columns(known.comparisons, attribute, ("labeler", "left", "right", "outcome")),
            strict=True,
        )
        if str(left) in place and str(right) in place
    ]
    return joint_model.Judgments.of(len(codes), len(faces), compared)


def _columns(
    frame: "pd.DataFrame", attribute: str, names: Sequence[str]
) -> Iterator[Sequence[object]]:
    rows = frame[frame["attribute"].astype(str) == attribute]
    return (rows[name].tolist() for name in names)


def _pairs(
    asked: PlanArguments, known: _Known, faces: Sequence[StimulusRecord], beliefs: Sequence[Belief]
) -> tuple[Stimulus, ...]:
    place = {face.id: number for number, face in enumerate(faces)}
    people = sorted(set(known.person.values()))
    person = [people.index(known.person[f.id]) if f.id in known.person else -1 for f in faces]
    field = PairField.of([face.fold for face in faces], person)
    salt = f"{asked.labeler}/{len(known.trials)}"
    chooser = PairChooser(field, _STRATEGIES[asked.order], salt, beliefs=beliefs)
    for trial in known.trials:
        if trial.left in place and trial.right in place:
            chooser.note(ComparedPair(place[trial.left], place[trial.right], ()))
    chosen = chooser.plan(asked.count)
    return tuple(stimulus(faces[one].id, faces[other].id) for one, other in chosen)

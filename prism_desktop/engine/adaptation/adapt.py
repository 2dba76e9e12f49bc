"""Adaptation of a finished run to a new labeler: read the answers, fit, predict every image,
test, keep."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Unpack

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.adaptation.adaptation_request import AdaptationRequest
from prism_desktop.engine.adaptation.adapted_labelers import (
    AdaptedLabeler,
    OwnAnswersTest,
    folder_of,
)
from prism_desktop.engine.adaptation.cross_fitting import LEAST, cross_fitted
from prism_desktop.engine.adaptation.fitter_choice import open_fitter
from prism_desktop.engine.adaptation.head_fitter import FittedLabeler, LabelerFitter, alone
from prism_desktop.engine.adaptation.new_answers import (
    NewAnswers,
    new_answers_from_study,
    presentations,
    read_new_answers,
)
from prism_desktop.engine.adaptation.next_trials import known_taste, trials_of_labeler
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.intervals import Resampled
from prism_desktop.engine.evaluation.metrics import ScoredPairs, hits
from prism_desktop.engine.events import Done, Event, Notice, Progress, value
from prism_desktop.engine.files import make_folder, write_whole
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import method
from prism_desktop.engine.models.answers import Answers, answers, select
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.models.obstacles import find_obstacles, refuse
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.manifest import check_file, remove_manifest, write_manifest
from prism_desktop.engine.runs.score_files import LabelerScores, write_scores
from prism_desktop.engine.study.importing.import_recipe import parse_recipe
from prism_desktop.engine.study.permission import require_writable
from prism_desktop.engine.tensor_files import read_arrays
from prism_desktop.engine.training.single_ratings import ratings_of


def adapt(run: RunFolder, **entry: Unpack[AdaptationRequest]) -> Iterator[Event[AdaptedLabeler]]:
    """Let a labeler of whom training never heard enter a run.

    Their model is kept in the run's folder.

    Args:
        run: a finished run.
        entry: who enters, and by which answers.

    Yields:
        Progress and notices, then Done.

    Raises:
        PrismError: one sentence.
    """
    require_writable(run.study)
    refuse(find_obstacles(run.path).entering)
    labels, labeler = entry.get("labels"), entry.get("labeler")
    if (labels is None) == (labeler is None):
        raise InputError("Say either a file of answers or a labeler of the study.")
    if labels is not None:
        recipe = parse_recipe(entry.get("recipe", ""))
        new_answers = yield from value(read_new_answers(run, labels, entry.get("name"), recipe))
    else:
        assert labeler is not None
        new_answers = new_answers_from_study(run, labeler)
    for sentence in new_answers.skipped:
        yield Notice(sentence)
    begun = time.perf_counter()
    yield Progress(0, None, "Loading the run")
    fitter: LabelerFitter = yield from value(open_fitter(run))
    wanted = entry.get("next", 0)
    if wanted:
        known_taste(run, fitter)  # before anything is kept
    loading = time.perf_counter() - begun
    entered = yield from value(
        adapt_loaded(run, fitter, new_answers, entry.get("profile"), loading)
    )
    if wanted:
        yield Progress(0, None, "Choosing what tells most")
        told = told_of(run, new_answers)
        task = entry.get("task")
        chosen = trials_of_labeler(run, fitter, new_answers, told, wanted, task)
        entered = entered.model_copy(update={"next": chosen})
        _keep(entered)
    yield Done(entered)


def adapt_loaded(
    run: RunFolder,
    fitter: LabelerFitter,
    new_answers: NewAnswers,
    profile: str | None = None,
    loading: float = 0.0,
) -> Iterator[Event[AdaptedLabeler]]:
    """The same with a run that is loaded: the labeler enters,
    is kept, and is then tested by cross-validation."""
    names = run.meta().names
    images = [str(image) for image in run.table("images")["image"]]
    given, rated = told_of(run, new_answers)
    text = new_answers.profile if profile is None else profile
    begun = time.perf_counter()
    yield Progress(0, 2, f"Learning from {counted(len(given), 'answer')} of {new_answers.labeler}")
    fitted = fitter.fit(given, text, rated)
    path = folder_of(run, new_answers.labeler)
    make_folder(path)
    remove_manifest(path)
    scored = [LabelerScores(new_answers.labeler, np.ascontiguousarray(fitted.scores(None).T))]
    yield from write_scores(path / layout.PREDICTIONS, scored, names, images)
    _save(path / layout.STATE, fitted)
    seconds = time.perf_counter() - begun
    adapted = _adapted_labeler(run, new_answers, path, len(given), seconds, loading)
    adapted.save(path / layout.META)  # it can be used before it is tested
    yield Progress(1, 2, "Testing on own answers")
    result = evaluate_adapted(fitter, given, text, rated)
    adapted = _adapted_labeler(run, new_answers, path, len(given), seconds, loading, result)
    _keep(adapted)
    yield Done(adapted)


def _keep(adapted: AdaptedLabeler) -> None:
    """Write the record beside what it speaks of."""
    remove_manifest(adapted.path)
    adapted.save(adapted.path / layout.META)
    write_manifest(adapted.path)


def told_of(run: RunFolder, new_answers: NewAnswers) -> tuple[Answers, Ratings | None]:
    """The answers as numbers, and the ratings among them as ratings."""
    names = run.meta().names
    images = [str(image) for image in run.table("images")["image"]]
    code = [new_answers.labeler]
    given = alone(answers(new_answers.pairs, code, names, images))
    return given, ratings_of(new_answers.ratings, code, names, images)


def evaluate_adapted(
    fitter: LabelerFitter, given: Answers, profile: str = "", ratings: Ratings | None = None
) -> OwnAnswersTest:
    """Accuracy on a labeler's own answers, each from
    others that show other images, beside the start's."""
    margin = cross_fitted(fitter, given, profile, ratings=ratings)
    decided = given.outcome != 0.5
    if margin is None or not decided.any():
        note = (
            f"{counted(len(given), 'answer is', 'answers are')} too few to test on; from {LEAST} "
            "on the accuracy is cross-validated."
        )
        return OwnAnswersTest(note=note)
    kept = select(given, decided)
    nobody = fitter.fit(select(given, np.zeros(len(given), bool)), profile).scores(None)
    left, right = (nobody[kept.attribute, side] for side in (kept.left, kept.right))
    start = (left - right).astype(np.float64)
    before = float(np.mean(hits(start, kept.outcome > 0.5)))
    found = Resampled(
        _scored_pairs(kept, margin[decided]), hits(margin[decided], kept.outcome > 0.5)
    ).mean()
    note = (
        f"Cross-validated on {counted(len(kept), 'own answer')}; no image of a tested answer was "
        "learned from."
    )
    if found.value <= before:
        note += (
            " Learning from them has not helped yet: what was expected of anybody serves as well."
        )
    return OwnAnswersTest(
        accuracy=found.value,
        low=found.low,
        high=found.high,
        start=before,
        tested=len(kept),
        note=note,
    )


def _scored_pairs(decided: Answers, margin: npt.NDArray[np.float64]) -> ScoredPairs:
    faces, place = np.unique(np.concatenate([decided.left, decided.right]), return_inverse=True)
    left, right = np.split(place.astype(np.int64), 2)
    one = np.full(len(decided), "", dtype=object)
    return ScoredPairs(one, one, left, right, len(faces), decided.outcome > 0.5, margin, ties=0)


def load_adapted(run: RunFolder, fitter: LabelerFitter, code: str) -> FittedLabeler:
    """Somebody who entered before, ready to predict.

    Raises:
        InputError: if nobody of that code did.
    """
    path = folder_of(run, code) / layout.STATE
    if not path.is_file():
        raise InputError(f"Nobody called {code} entered the run {run.name}.")
    check_file(path.parent, layout.STATE)
    return fitter.restore(read_arrays(path)[0])


def _save(path: Path, fitted: FittedLabeler) -> None:
    from safetensors.numpy import save_file

    state = {name: np.array(array, order="C") for name, array in fitted.state.items()}
    write_whole(path, lambda beside: save_file(state, beside))


def _adapted_labeler(
    run: RunFolder,
    new_answers: NewAnswers,
    path: Path,
    count: int,
    seconds: float,
    loading: float,
    result: OwnAnswersTest | None = None,
) -> AdaptedLabeler:
    """The record that is kept; untested until the cross-validation has run."""
    test = result or OwnAnswersTest(note="Not tested yet.")
    return AdaptedLabeler(
        labelers_seen=False,
        code=new_answers.labeler,
        path=path,
        enters=method(run.config().method).entering(run.config().start),
        answers=count,
        presentations=presentations(new_answers.pairs),
        seconds=seconds,
        loading=loading,
        accuracy=test.accuracy,
        low=test.low,
        high=test.high,
        start=test.start,
        tested=test.tested,
        note=test.note,
    )

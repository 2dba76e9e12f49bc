"""A new labeler enters a finished run: read the answers, enter, predict every image, test, keep."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Unpack

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.adaptation.adapted_labelers import Entry, Newcomer, folder_of
from prism_desktop.engine.adaptation.fitter_choice import LEAST, cross_fitted, open_entrance
from prism_desktop.engine.adaptation.fitters import Entered, Entrance, alone
from prism_desktop.engine.adaptation.new_answers import (
    Labels,
    from_study,
    presentations,
    read_labels,
)
from prism_desktop.engine.atomic import write_json, write_whole
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.intervals import Resampled
from prism_desktop.engine.evaluation.metrics import Judged, hits
from prism_desktop.engine.events import Done, Event, Notice, Progress, value
from prism_desktop.engine.methods import method
from prism_desktop.engine.models.answers import Answers, answers, select
from prism_desktop.engine.processes.rpc import speak
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.predictions_file import LabelerScores, write_predictions
from prism_desktop.engine.training.combination import differences

STATE = "state.safetensors"


def adapt(run: RunFolder, **entry: Unpack[Entry]) -> Iterator[Event[Newcomer]]:
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
    labels, labeler = entry.get("labels"), entry.get("labeler")
    if (labels is None) == (labeler is None):
        raise InputError("Say either a file of answers or a labeler of the study.")
    if labels is not None:
        meant = {"scale": entry.get("scale"), "coding": entry.get("coding")}
        said = yield from value(read_labels(run, labels, entry.get("name"), **meant))
    else:
        assert labeler is not None
        said = from_study(run, labeler)
    for sentence in said.skipped:
        yield Notice(sentence)
    begun = time.perf_counter()
    yield Progress(0, None, "Loading the run")
    entrance: Entrance = yield from value(open_entrance(run))
    yield from enter(run, entrance, said, entry.get("profile"), time.perf_counter() - begun)


def enter(
    run: RunFolder,
    entrance: Entrance,
    said: Labels,
    profile: str | None = None,
    loading: float = 0.0,
) -> Iterator[Event[Newcomer]]:
    """The same with a run that is loaded: the labeler enters,
    is kept, and is then tested by cross-validation."""
    names = [str(attribute["name"]) for attribute in run.meta()["attributes"]]
    images = [str(image) for image in run.table("images")["image"]]
    given = alone(answers(said.pairs, [said.labeler], names, images))
    text = said.profile if profile is None else profile
    begun = time.perf_counter()
    yield Progress(0, 2, f"Learning from {len(given)} answers of {said.labeler}")
    entered = entrance.enter(given, text)
    path = folder_of(run, said.labeler)
    path.mkdir(parents=True, exist_ok=True)
    scored = [LabelerScores(said.labeler, np.ascontiguousarray(entered.scores(None).T))]
    yield from write_predictions(path / "predictions.parquet", scored, names, images)
    _save(path / STATE, entered)
    seconds = time.perf_counter() - begun
    newcomer = _newcomer(run, said, path, len(given), seconds, loading)
    _write(newcomer)  # it can be used before it is tested
    yield Progress(1, 2, "Testing on own answers")
    result = check(entrance, given, text)
    newcomer = _newcomer(run, said, path, len(given), seconds, loading, result)
    _write(newcomer)
    yield Done(newcomer)


def check(entrance: Entrance, given: Answers, profile: str = "") -> dict[str, Any]:
    """Accuracy on a labeler's own answers, each from
    others that show other images, beside the start's.

    Returns:
        accuracy, low, high, start, tested and note, as in `Newcomer`; the 95 % interval is over
        images, as everywhere.
    """
    margin = cross_fitted(entrance, given, profile)
    decided = given.outcome != 0.5
    if margin is None or not decided.any():
        note = (
            f"{len(given)} answers are too few to test on; from {LEAST} on the accuracy is "
            "cross-validated."
        )
        return {
            "accuracy": None,
            "low": None,
            "high": None,
            "start": None,
            "tested": 0,
            "note": note,
        }
    kept = select(given, decided)
    start = differences(
        entrance.enter(select(given, np.zeros(len(given), bool)), profile).scores(None)[None], kept
    )
    before = float(np.mean(hits(start, kept.outcome > 0.5)))
    found = Resampled(
        _judged(kept, margin[decided]), hits(margin[decided], kept.outcome > 0.5)
    ).mean()
    note = (
        f"Cross-validated on {len(kept)} own answers; no image of a tested answer was learned from."
    )
    if found.value <= before:
        note += (
            " Learning from them has not helped yet: what was expected of anybody serves as well."
        )
    accuracy = {"accuracy": found.value, "low": found.low, "high": found.high}
    return {**accuracy, "start": before, "tested": len(kept), "note": note}


def _judged(decided: Answers, margin: npt.NDArray[np.float64]) -> Judged:
    faces, place = np.unique(np.concatenate([decided.left, decided.right]), return_inverse=True)
    left, right = np.split(place.astype(np.int64), 2)
    one = np.full(len(decided), "", dtype=object)
    return Judged(one, one, left, right, len(faces), decided.outcome > 0.5, margin, ties=0)


def load_newcomer(run: RunFolder, entrance: Entrance, code: str) -> Entered:
    """Somebody who entered before, ready to predict.

    Raises:
        InputError: if nobody of that code did.
    """
    from safetensors.numpy import load_file

    path = folder_of(run, code) / STATE
    if not path.is_file():
        raise InputError(f"Nobody called {code} entered the run {run.name}.")
    return entrance.restore(load_file(path))


def _save(path: Path, entered: Entered) -> None:
    from safetensors.numpy import save_file

    state = {name: np.array(array, order="C") for name, array in entered.state.items()}
    write_whole(path, lambda beside: save_file(state, beside))


def _newcomer(
    run: RunFolder,
    said: Labels,
    path: Path,
    count: int,
    seconds: float,
    loading: float,
    result: dict[str, Any] | None = None,
) -> Newcomer:
    blank = {
        "accuracy": None,
        "low": None,
        "high": None,
        "start": None,
        "tested": 0,
        "note": "Not tested yet.",
    }
    return Newcomer(
        code=said.labeler,
        path=path,
        enters=method(run.config().method).enters,
        answers=count,
        presentations=presentations(said.pairs),
        seconds=seconds,
        loading=loading,
        **(blank if result is None else result),
    )


def _write(newcomer: Newcomer) -> None:
    write_json(
        newcomer.path / "meta.json", {k: v for k, v in asdict(newcomer).items() if k != "path"}
    )


def serve(channel: IO[str], run: str, request: str) -> bool:
    """Adapt, in a worker; the result is the newcomer's folder."""
    entry = json.loads(request)
    if entry.get("labels"):
        entry["labels"] = Path(entry["labels"])
    return speak(
        channel,
        lambda: adapt(RunFolder(Path(run)), **entry),
        lambda one: str(one.path),
        "The run could not be adapted",
    )

"""The services that hold a run's model: relevance maps, scores of any words and images, faces.

Results are .npz files in the study's cache, made once for each request and state of the model.
Importing this needs no torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from prism_desktop.engine import access
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Notice, Progress
from prism_desktop.engine.files import make_folder, whole
from prism_desktop.engine.foreign_files import MAX_WEIGHTS, plain_file
from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_tables import IMAGES_FILE, PATHS

if TYPE_CHECKING:
    from prism_desktop.engine.models.predictor import Predictor


What = Literal["spread", "strip", "alike", "plane"]  # that heads know of faces


class InferenceArguments(BaseModel):
    """Which model is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: Path
    device: str = "auto"  # as in `choose_device`


class RelevanceArguments(InferenceArguments):
    """A map over one image."""

    labeler: str  # a code of the run
    attribute: str  # a name of the run, or any words
    image: str  # its file
    kind: str  # as `MapKind.read` reads it
    check: bool  # whether to test the map
    against: str = ""  # whose score is taken off; see `rival_of`
    over: str = ""  # the file of the second image of a pair


class MeanRelevanceArguments(InferenceArguments):
    """Maps over many faces; as `MeanRequest`."""

    labeler: str
    attribute: str
    faces: int
    kind: str
    against: str = ""
    masks: Path | None = None


class ScoresArguments(InferenceArguments):
    """What labelers would say of images."""

    attribute: str  # a name of the run, or any words
    labelers: list[str] | None  # codes; None for all of the run
    # id -> file, or ids in the run's snapshot; None for all of the run
    images: dict[str, str] | list[str] | None
    texts: dict[str, tuple[str | None, str]] = {}  # prompt and text of those that it does not have


class FacesArguments(InferenceArguments):
    """What a run's heads know of single faces; see `adaptation.face_posterior`."""

    what: What
    labeler: str = ""  # a code of the run
    attribute: str = ""  # a name of the run
    image: str = ""  # an id of the run's snapshot


class PredictorCache:
    """Keeps the model that was loaded last."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._predictor: Predictor | None = None

    def load(self, run: Path, device: str) -> Predictor:
        """A run's model as it is on the disk now."""
        from prism_desktop.engine.models.predictor import load_predictor

        key = (run, device, *_state(run))
        if self._predictor is None or key != self._key:
            self.clear()
            self._predictor, self._key = load_predictor(run, device), key
        return self._predictor

    def clear(self) -> None:
        """Give the memory back."""
        self._key, self._predictor = (), None


def relevance_file(
    asked: RelevanceArguments, predictors: PredictorCache
) -> Generator[Event[Path], None, None]:
    """Make a map, unless it is there; the last event is Done with its file (`Relevance.load`).

    Raises:
        PrismError: the run, its model or the image cannot be used.
    """

    def write(beside: Path) -> Generator[Progress | Notice, None, None]:
        from prism_desktop.engine.models.obstacles import find_obstacles, refuse

        refuse(find_obstacles(asked.run).maps)
        from prism_desktop.engine.analysis.map_requests import find_image
        from prism_desktop.engine.analysis.relevance_rules import made, with_test
        from prism_desktop.engine.models.predictor import tower_of

        yield Progress(0, 2, "Looking where the model looks")
        tower = tower_of(predictors.load(asked.run, asked.device))
        image = find_image(asked.run, asked.image)
        second = find_image(asked.run, asked.over) if asked.over else None
        whose = asked.labeler, asked.attribute, asked.kind, asked.against
        found = made(tower, image, second, whose)
        if asked.check:
            yield Progress(1, 2, "Testing the map")
            found = with_test(tower, found)
        found.save(beside)

    yield from made_once("relevance", asked, write)


def mean_relevance_file(
    asked: MeanRelevanceArguments, predictors: PredictorCache
) -> Generator[Event[Path], None, None]:
    """Make maps of many faces, unless it was done; the last event is Done with their file
    (`MeanRelevance.load`).

    Raises:
        PrismError: the run, its model or the request cannot be used.
    """

    def write(beside: Path) -> Generator[Progress | Notice, None, None]:
        from prism_desktop.engine.models.obstacles import find_obstacles, refuse

        refuse(find_obstacles(asked.run).maps)
        from prism_desktop.engine.analysis.mean_relevance_rules import MeanRequest, mean_relevance
        from prism_desktop.engine.models.predictor import tower_of

        yield Progress(0, None, "Looking where the model looks")
        tower = tower_of(predictors.load(asked.run, asked.device))
        wanted = MeanRequest(**asked.model_dump(exclude={"run", "device"}))
        for event in mean_relevance(RunFolder(asked.run), tower, wanted):
            if isinstance(event, Done):
                event.value.save(beside)
            else:
                yield event

    yield from made_once("mean-relevance", asked, write)


def scores_file(
    asked: ScoresArguments, predictors: PredictorCache
) -> Generator[Event[Path], None, None]:
    """Predict, unless it was done; the last event is Done with a file of `table` (labelers, images)
    float32, `labelers` and `images`.

    Raises:
        PrismError: the run, its model or the request cannot be used.
    """

    def write(beside: Path) -> Generator[Progress | Notice, None, None]:
        # of images that cannot be read `score_images` tells, and their columns are NaN
        import numpy as np

        from prism_desktop.engine.models.image_scoring import score_images

        yield Progress(0, None, f"Predicting {asked.attribute}")
        model = predictors.load(asked.run, asked.device)
        images = _files(asked.run, asked.images)
        images |= dict.fromkeys(asked.texts, asked.run)  # of which no file is read
        labelers = list(model.labelers if asked.labelers is None else asked.labelers)
        names, texts = [asked.attribute], asked.texts
        for event in score_images(asked.run, model, images, labelers, names, texts=texts):
            if isinstance(event, Done):
                np.savez(
                    beside,
                    table=event.value[:, 0],
                    labelers=np.array(labelers),
                    images=np.array(list(images)),
                )
            else:
                yield event

    yield from made_once("scores", asked, write)


def made_once(
    kind: str,
    asked: InferenceArguments,
    write: Callable[[Path], Generator[Progress | Notice, None, None]],
) -> Generator[Event[Path], None, None]:
    """The result's file; it gets its name when it is whole."""
    study = asked.run.parent.parent
    name = Path("explore", asked.run.name, f"{kind}-{_key(kind, asked)}.npz")
    path = study / "cache" / name
    if not path.is_file():
        path = access.cache_folder(study) / name
    folder = path.parent
    if not path.is_file():
        make_folder(folder)
        with whole(path, durable=False, ending=".npz") as beside:
            yield from write(beside)
    yield Done(path)


# of files whose content changed since a version that kept them in the same folder
_FORMS = {"relevance": 2, "mean-relevance": 3, "word-maps": 2}


def _key(kind: str, asked: InferenceArguments) -> str:
    """Changes with the request and with the model."""
    wanted = {
        "do": kind,
        "form": _FORMS.get(kind, 1),
        **asked.model_dump(mode="json", exclude={"run", "device"}),
    }
    text = json.dumps([wanted, *_state(asked.run)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _state(run: Path) -> tuple[int, int]:
    """Of the run's model file: when it was written, in nanoseconds, and its size in bytes."""
    found = plain_file(layout.model_file(run), MAX_WEIGHTS)
    return found.st_mtime_ns, found.st_size


def _files(run: Path, wanted: list[str] | Mapping[str, Any] | None) -> dict[str, Path]:
    """Image -> file: all of the run, some of them by id, or any by id and file."""
    if isinstance(wanted, Mapping):
        return {image: Path(file) for image, file in wanted.items()}
    table = RunFolder(run).frame(IMAGES_FILE, PATHS)
    files = dict(zip(map(str, table["image"]), map(Path, table["path"]), strict=True))
    if wanted is None:
        return files
    if unknown := [image for image in wanted if image not in files]:
        raise InputError(
            f"{counted(len(unknown), 'image is', 'images are')} not in this run; ask for "
            f"{word_for(len(unknown), 'it with its file', 'them with their files')}."
        )
    return {image: files[image] for image in wanted}

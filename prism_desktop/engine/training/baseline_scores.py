"""What every run is read against: simple rules, a ridge per labeler, and the frozen backbone.

They depend on the data and the backbone alone, so they are made once for all runs of a data set,
and lie in the study's cache. Each run gets a copy when its own results are there.
"""

import re
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from filelock import Timeout

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.events import Done, Event, Notice, Progress, value
from prism_desktop.engine.files import lock, make_folder, remove
from prism_desktop.engine.models.attribute_texts import sentences
from prism_desktop.engine.models.heads import model_selection, ridge
from prism_desktop.engine.models.heads.ridge import RidgeSettings
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import KeptBaselines
from prism_desktop.engine.runs.run_tables import TESTED
from prism_desktop.engine.runs.score_files import ScoreTable, read_scores, write_scores
from prism_desktop.engine.training.kept_baselines import BASELINE_SCORES, put_beside
from prism_desktop.engine.training.learned_answers import LearnedAnswers, Told
from prism_desktop.engine.training.resources import Resources
from prism_desktop.engine.training.spare_memory import give_back

if TYPE_CHECKING:
    from prism_desktop.engine.training.factory import Task

Scores = npt.NDArray[np.float32]
_REVISION = 3  # counted up whenever another number comes out
_UNFIT = re.compile(r"\W")  # for a file's name
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class _Kept:
    """The baselines of one data set, in a folder of the study's cache."""

    folder: Path

    @classmethod
    def of(cls, run: RunFolder, backbone: str) -> "_Kept":
        data = _UNFIT.sub("", run.meta().fingerprint)[:16]
        return cls(run.study / "cache" / f"baselines-{_REVISION}-{data}-{backbone[:16]}")

    def scores(self, name: str) -> Path:
        return self.folder / name

    def read(self) -> KeptBaselines | None:
        """What is there; None if anything lacks or was changed by a failing disk."""
        try:
            for name in BASELINE_SCORES:
                if self.scores(name).is_file():
                    read_scores(self.scores(name))
            found = KeptBaselines.from_file(self.folder / layout.KEPT_BASELINES)
        except UnreadableError:
            return None
        whole = found is not None and self.scores(layout.RIDGE).is_file()
        return found if whole else None


def add_baselines(run: RunFolder, resources: Resources) -> Iterator[Progress | Notice]:
    """Put beside a run's results what they are read against; made first if it is not there.

    Args:
        run: has results, and gets `ridge.parquet`, `zero-shot.parquet` (imported embeddings have
            none) and the accuracies in its summary.
        resources: of the run.
    """
    kept = _Kept.of(run, resources.sha256)
    make_folder(kept.folder)
    waiting = lock(kept.folder.with_name("baselines.lock"))
    while True:  # whoever came first makes them for all
        try:
            waiting.acquire(timeout=0)
            break
        except Timeout:
            yield Progress(0, None, "Waiting for the baselines that another run makes")
            time.sleep(_POLL_SECONDS)
    try:
        found = kept.read()
        if found is None:
            if resources.features is None:
                yield from resources.read_features(run)
            found = yield from value(_make(run, resources, kept))
    finally:
        waiting.release()
    put_beside(run, found, {name: kept.scores(name) for name in BASELINE_SCORES})


def _make(run: RunFolder, resources: Resources, kept: _Kept) -> Iterator[Event[KeptBaselines]]:
    """Fit and test them, and keep them; the accuracies come last, as they say that all is there."""
    from prism_desktop.engine.evaluation import baselines

    fitted = yield from value(_ridge(run, resources))
    yield from _write(kept.scores(layout.RIDGE), fitted, run)
    if isinstance(resources.backbone, Backbone):
        yield from _write(kept.scores(layout.ZERO_SHOT), _zero_shot(run, resources), run)
    give_back()
    yield Progress(0, None, "Testing what the results are read against")
    scores = {
        name: read_scores(kept.scores(name)) if kept.scores(name).is_file() else None
        for name in BASELINE_SCORES
    }
    rows = baselines.evaluate(
        run.coded_table("pairs", TESTED),
        run.table("comparisons"),
        scores[layout.ZERO_SHOT],
        run.config().split.seed,
        ridge=scores[layout.RIDGE],
    )
    found = KeptBaselines(rows=rows)
    found.save(kept.folder / layout.KEPT_BASELINES)
    for path in kept.folder.parent.glob("baselines-*.parquet"):
        remove(path)  # of version 0.1, which nobody reads any more
    yield Done(found)


def _ridge(run: RunFolder, resources: Resources) -> Iterator[Event[Scores]]:
    """Each labeler's own head, from the same ratings and choices and in the spaces that
    hierarchical Bayes chooses from; the one that validates best is fitted to validation answers
    too."""
    from prism_desktop.engine.training.factory import Task, head_ratings

    assert resources.features is not None
    task = Task.of(run)
    x, val = resources.features.array, task.answers["val"]
    told = LearnedAnswers(task.answers, head_ratings(run, task))
    spaces = [(min(dims, x.shape[1]), power) for dims, power in model_selection.SPACES]
    options = list(dict.fromkeys(spaces))
    options = options if len(val) >= model_selection.ENOUGH else options[:1]
    best, least = options[0], np.inf
    for number, option in enumerate(options if len(options) > 1 else ()):
        heads = yield from _fit_ridge(x, told.of("train"), task, option, number, len(options) + 1)
        loss = model_selection.validation_nll(heads, x, val, rescaled=True)
        if loss < least:
            best, least = option, loss
    both, last = told.of("train", "val"), len(options)
    heads = yield from _fit_ridge(x, both, task, best, last, last + 1)
    yield Done(heads.scores(x))


def _fit_ridge(
    x: npt.NDArray[np.float32],
    told: Told,
    task: "Task",
    option: tuple[int, float],
    number: int,
    of: int,
) -> Generator[Progress, None, ridge.LinearHeads]:
    """Fit in one of so many spaces (dims, power)."""
    size = len(task.labelers), len(task.attributes)
    settings = RidgeSettings(dims=option[0], power=option[1])
    for event in ridge.fit(x, told[0], *size, ratings=told[1], settings=settings):
        if isinstance(event, Done):
            return event.value
        if isinstance(event, Progress):
            what = "Fitting a ridge to each labeler alone, for comparison"
            yield Progress(number * size[0] + event.done, of * size[0], what)
    raise AssertionError("a fit ends in its heads")


def _zero_shot(run: RunFolder, resources: Resources) -> Scores:
    """(labelers, attributes, images): the frozen CLIP's own logits, the same for everyone."""
    import torch
    from torch.nn import functional

    assert resources.features is not None
    backbone: Any = resources.backbone
    clip = backbone.model
    attribute_texts = [sentences(one.name, one.templates) for one in run.meta().attributes]
    with torch.inference_mode():
        vectors = [
            clip.encode_text(backbone.tokenizer([*words]).to(backbone.device.torch), normalize=True)
            .float()
            .mean(0)
            for words in attribute_texts
        ]
        text = functional.normalize(torch.stack(vectors), dim=-1).cpu().numpy()
        scale = float(clip.logit_scale.exp())
    scores = scale * text @ resources.features.array.T
    return np.broadcast_to(scores.astype(np.float32), (len(run.meta().codes), *scores.shape))


def _write(path: Path, scores: Scores, run: RunFolder) -> Iterator[Progress]:
    meta, images = run.meta(), tuple(map(str, run.table("images")["image"]))
    table = ScoreTable(meta.codes, meta.names, images, scores)
    yield from write_scores(path, table.by_labeler(), meta.names, images)

"""Baseline scores that every run is read against: a ridge per labeler, and the frozen backbone.

They depend on the data and the backbone alone, so that the runs of a study share them through its
cache.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.events import Done, Progress
from prism_desktop.engine.files import copy, make_folder, write_whole
from prism_desktop.engine.models.attribute_texts import sentences
from prism_desktop.engine.models.heads import model_selection, ridge
from prism_desktop.engine.models.heads.ridge import RidgeSettings
from prism_desktop.engine.parquet_forms import read_table
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_tables import BASELINES
from prism_desktop.engine.training.resources import Resources

if TYPE_CHECKING:
    import pandas as pd

    from prism_desktop.engine.training.factory import Task

RIDGE, ZERO_SHOT = "ridge", "zero_shot"
Scores = npt.NDArray[np.float32]
_UNFIT = re.compile(r"\W")  # for a file's name


def write_baselines(run: RunFolder, resources: Resources, task: "Task") -> Iterator[Progress]:
    """Write `baselines.parquet`: baseline, labeler, attribute, image, score.

    Imported embeddings have no zero-shot.

    Args:
        run: gets the file.
        resources: of the run.
        task: the run's data.
    """
    name = (
        f"baselines-{_UNFIT.sub('', run.meta().fingerprint)[:16]}-{resources.sha256[:16]}.parquet"
    )
    kept = run.study / "cache" / name
    if not _is_whole(kept):
        if resources.features is None:
            yield from resources.read_features(run)
        yield from _make(run, resources, task, kept)
    copy(kept, run.path / layout.BASELINES)


def _is_whole(path: Path) -> bool:
    """Whether the cache holds scores that no failing disk changed; else they are made again."""
    try:
        return path.is_file() and len(read_table(path, BASELINES)) > 0
    except UnreadableError:
        return False


def _make(run: RunFolder, resources: Resources, task: "Task", path: Path) -> Iterator[Progress]:
    import pandas as pd

    parts = []
    for event in _ridge(resources, task):
        if isinstance(event, Done):
            parts.append(_frame(RIDGE, event.value, task))
        else:
            yield event
    if resources.backbone is not None:
        parts.append(_frame(ZERO_SHOT, _zero_shot(run, resources, task), task))
    table = pd.concat(parts, ignore_index=True)
    make_folder(path.parent)
    write_whole(
        path, lambda beside: table.to_parquet(beside, index=False, write_page_checksum=True)
    )


def _ridge(resources: Resources, task: "Task") -> Iterator[Progress | Done[Scores]]:
    """Each labeler's own head in the space that validates
    best, as hierarchical Bayes chooses its own."""
    assert resources.features is not None
    x, val = resources.features.array, task.answers["val"]
    size = len(task.labelers), len(task.attributes)
    options = list(
        dict.fromkeys((min(dims, x.shape[1]), power) for dims, power in model_selection.SPACES)
    )
    options = options if len(val) >= model_selection.ENOUGH else options[:1]
    best: ridge.LinearHeads | None = None
    least = np.inf
    for number, (dims, power) in enumerate(options):
        yield Progress(
            number, len(options), "Fitting a ridge to each labeler alone, for comparison"
        )
        settings = RidgeSettings(dims=dims, power=power)
        for event in ridge.fit(x, task.answers["train"], *size, settings=settings):
            if isinstance(event, Done):
                loss = model_selection.validation_nll(event.value, x, val, rescaled=True)
                if best is None or loss < least:
                    best, least = event.value, loss
    assert best is not None
    yield Done(best.scores(x))


def _zero_shot(run: RunFolder, resources: Resources, task: "Task") -> Scores:
    """(labelers, attributes, images): the frozen CLIP's own logits, the same for everyone."""
    import torch
    from torch.nn import functional

    assert resources.features is not None
    backbone, _ = resources.tower()
    clip: Any = backbone.model
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
    return np.broadcast_to(scores.astype(np.float32), (len(task.labelers), *scores.shape))


def _frame(name: str, scores: Scores, task: "Task") -> "pd.DataFrame":
    import pandas as pd

    index = pd.MultiIndex.from_product(
        [[name], task.labelers, task.attributes, task.images],
        names=["baseline", "labeler", "attribute", "image"],
    )
    return pd.DataFrame({"score": scores.reshape(-1)}, index=index).reset_index()

"""What a run's model believes: predictions.parquet for every labeler, attribute and image, and any others on demand."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from prism_desktop.engine.errors import InputError, RunError
from prism_desktop.engine.events import Done, Progress
from prism_desktop.engine.training.files import sync
from prism_desktop.engine.training.run import RunFolder

if TYPE_CHECKING:
    import pandas as pd

    from prism_desktop.engine.training.fit import Scored

_CHUNK = 1024  # images in memory at once


def write_predictions(
    path: Path, scored: "Iterable[Progress | Scored]", attributes: Sequence[str], images: Sequence[str]
) -> Iterator[Progress]:
    """Write the scores of every labeler x attribute x image, one row group per labeler and attribute.

    A reader who wants one labeler's scores of one attribute reads one group, whatever the number of labelers.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = pa.string()
    schema = pa.schema([("labeler", text), ("attribute", text), ("image", text), ("score", pa.float32())])
    beside = path.with_name(f".{path.name}.tmp")
    with pq.ParquetWriter(beside, schema) as file:
        for event in scored:
            if isinstance(event, Progress):
                yield event
                continue
            for column, attribute in enumerate(attributes):
                names = [pa.array([name] * len(images), text) for name in (event.labeler, attribute)]
                scores = pa.array(event.scores[:, column], pa.float32())
                file.write_table(pa.table([*names, pa.array(images, text), scores], schema=schema), max(1, len(images)))
    sync(beside)
    beside.replace(path)


def predictions(run: RunFolder, labeler: str | None = None, attribute: str | None = None) -> "pd.DataFrame":
    """Scores of all images of a run: labeler, attribute, name, image, score; differences of scores are logits.

    Args:
        run: a run that has a trained model.
        labeler: a code; None for all.
        attribute: one of the run's; None for all of them; any other text is judged zero-shot by the text tower.

    Raises:
        InputError: if the labeler is unknown.
        RunError: if the run has no trained model yet.
    """
    meta = run.meta()
    codes = [str(known["code"]) for known in meta["labelers"]]
    if labeler is not None and labeler not in codes:
        raise InputError(f"The run {run.name} has no labeler “{labeler}”; it has {', '.join(codes)}.")
    names = [str(known["name"]) for known in meta["attributes"]]
    images = run.table("images")
    if attribute is None or attribute in names:
        frame = run.predictions(labeler, attribute)
        if frame.empty:
            raise RunError(f"The run {run.name} has no predictions yet; finish or resume its training.")
    else:
        frame = _zero_shot(run, images, codes if labeler is None else [labeler], attribute)
    frame = frame.assign(name=frame["image"].map(images.set_index("image")["name"]))
    return frame[["labeler", "attribute", "name", "image", "score"]]


def _zero_shot(run: RunFolder, images: "pd.DataFrame", labelers: Sequence[str], attribute: str) -> "pd.DataFrame":
    import pandas as pd

    from prism_desktop.engine.personal.saved import load_run
    from prism_desktop.engine.training.pixels import open_pixels

    loaded = load_run(run.path)
    opened = [e.value for e in open_pixels(run.study, images, loaded.backbone.image_size) if isinstance(e, Done)]
    pixels = opened[-1]
    parts = np.split(np.arange(len(pixels)), np.arange(_CHUNK, len(pixels), _CHUNK))
    scores = np.concatenate([loaded.scores(pixels.take(part), labelers, [attribute]) for part in parts], axis=-1)
    frames = [
        pd.DataFrame({"labeler": code, "attribute": attribute, "image": images["image"], "score": values[0]})
        for code, values in zip(labelers, scores, strict=True)
    ]
    return pd.concat(frames, ignore_index=True)

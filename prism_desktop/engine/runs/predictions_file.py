"""predictions.parquet: the scores of every labeler, attribute and image of a run."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.events import Progress
from prism_desktop.engine.files import whole

_TELL_SECONDS = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class LabelerScores:
    """What one labeler says of all images: (images, attributes) float32; differences are logits."""

    labeler: str
    scores: npt.NDArray[np.float32]


def write_predictions(
    path: Path,
    scored: Iterable[Progress | LabelerScores],
    attributes: Sequence[str],
    images: Sequence[str],
) -> Iterator[Progress]:
    """Write the scores of every labeler x attribute x
    image, one row group per labeler and attribute.

    A reader who wants one labeler's scores of one attribute reads one group, whatever the number of
    labelers.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = pa.string()
    schema = pa.schema(
        [("labeler", text), ("attribute", text), ("image", text), ("score", pa.float32())]
    )
    told = time.monotonic()
    with whole(path) as beside, pq.ParquetWriter(beside, schema) as file:
        for event in scored:
            if isinstance(event, Progress):
                yield event
                continue
            for column, attribute in enumerate(attributes):
                names = [
                    pa.array([name] * len(images), text) for name in (event.labeler, attribute)
                ]
                scores = pa.array(event.scores[:, column], pa.float32())
                file.write_table(
                    pa.table([*names, pa.array(images, text), scores], schema=schema),
                    max(1, len(images)),
                )
            if time.monotonic() - told > _TELL_SECONDS:  # so that it can be ended meanwhile
                told = time.monotonic()
                yield Progress(0, None, "Writing predictions")

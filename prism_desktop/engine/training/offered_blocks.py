"""Optional blocks of a run: those that its settings offer, as columns beside the features, and what
each of them added."""

import contextlib
from collections.abc import Generator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.events import Notice, Progress, value
from prism_desktop.engine.models.image_blocks import (
    Columns,
    Floats,
    ImageBlock,
    OfferedBlocks,
    SeenImages,
    offer,
)
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import BlockGain, TriedBlocks
from prism_desktop.engine.runs.score_files import ScoreTable
from prism_desktop.engine.study.image_statistics import NAMES, kept_statistics, read_statistics

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class TriedBlock:
    """An optional block that was offered: all images' scores without it and with it, (labelers,
    attributes, images), of heads that learned from training answers alone."""

    name: str
    kept: bool
    without: Columns
    beside: Columns


def offered_blocks(run: RunFolder, statistics: Columns | None) -> OfferedBlocks:
    """What a run's settings offer; (images, statistics) if they were measured.

    Raises:
        InputError: a fact is unknown, or one that was named follows the answers or tells nothing.
    """
    wanted = run.config().blocks
    if not wanted:
        return OfferedBlocks()
    images = [str(image) for image in run.table("images")["image"]]
    answered = answered_means(images, run.table("ratings"), run.table("pairs"))
    return offer(wanted, seen_images(run, statistics), answered)


def measured(run: RunFolder) -> Generator[Progress | Notice, None, Columns]:
    """(images, statistics) of a run's images, NaN where one cannot be read; from the study's cache
    where it has them."""
    images, cache = run.table("images"), run.study / "cache"
    said = dict(zip(map(str, images["image"]), map(Path, images["path"]), strict=True))
    files = image_files(run.study, said, kept_statistics(cache).keys())
    known = yield from value(read_statistics(cache, files))
    blank = np.full(len(NAMES), np.nan, np.float32)
    return np.stack([known.get(image, blank) for image in said])


def image_files(study: Path, said: Mapping[str, Path], known: AbstractSet[str]) -> dict[str, Path]:
    """Where images are: as their study says now, else as a run says.

    If all are known already, nobody asks.
    """
    from prism_desktop.engine.study.store import Study

    files = dict(said)
    if not files.keys() <= known:
        # or images without a study
        with contextlib.suppress(PrismError), Study.open(study, read_only=True) as opened:
            files |= {record.id: record.path for record in opened.images() if record.id in files}
    return files


def seen_images(run: RunFolder, statistics: Columns | None) -> SeenImages:
    """What is known of a run's images, in their order."""
    ids = [str(image) for image in run.table("images")["image"]]
    facts = run.image_facts()
    told = {name: [known.get(one, "") for one in ids] for name, known in facts.items()}
    return SeenImages(len(ids), statistics, told)


def with_blocks(
    run: RunFolder, features: Columns, blocks: Sequence[ImageBlock]
) -> Generator[Progress | Notice, None, Columns]:
    """(images, d) features of a run's images and the columns of the blocks that its model reads."""
    if not blocks:
        return features
    statistics = None
    if any(block.kind == "statistics" for block in blocks):
        statistics = yield from measured(run)
    seen = seen_images(run, statistics)
    return np.hstack([features, *(block.columns(seen) for block in blocks)])


def block_gains(
    run: RunFolder,
    labelers: tuple[str, ...],
    attributes: tuple[str, ...],
    tried: Sequence[TriedBlock],
) -> TriedBlocks:
    """What each block adds on the validation answers of a run."""
    from prism_desktop.engine.evaluation.report import evaluate_against

    pairs = run.table("pairs")
    held = pairs[pairs["split"] == "val"].drop(columns="split")
    names = labelers, attributes, tuple(str(image) for image in run.table("images")["image"])
    found = []
    for one in tried if len(held) else ():
        beside, without = (ScoreTable(*names, scores) for scores in (one.beside, one.without))
        result = evaluate_against(held, beside, without, seed=run.config().split.seed)
        assert result.consensus is not None
        assert result.gain is not None
        found.append(
            BlockGain(
                block=one.name,
                kept=one.kept,
                beside=result.test.macro,
                without=result.consensus.macro,
                gain=result.gain.macro,
            )
        )
    return TriedBlocks(blocks=tuple(found))


def answered_means(
    images: Sequence[str], ratings: "pd.DataFrame", pairs: "pd.DataFrame"
) -> list[tuple[str, Floats]]:
    """Means of what was answered about each image, by attribute: raw ratings, and the share of
    comparisons that it won; NaN where nothing was."""
    import pandas as pd

    place = {image: row for row, image in enumerate(images)}
    raw = ratings.assign(told=ratings["raw"].fillna(ratings["value"]))
    compared = pairs[pairs["source"] == "comparison"]
    won = pd.concat(
        [
            compared[["attribute", side]].rename(columns={side: "image"}).assign(told=told)
            for side, told in (("left", compared["outcome"]), ("right", 1 - compared["outcome"]))
        ]
    )
    found = []
    for frame in (raw[["attribute", "image", "told"]], won):
        for attribute, rows in frame.groupby("attribute", sort=True):
            means = rows.groupby("image")["told"].mean()
            told = np.full(len(place), np.nan)
            told[[place[str(image)] for image in means.index]] = means.to_numpy()
            found.append((str(attribute), told))
    return found

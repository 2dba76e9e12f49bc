"""Optional blocks of a run: those that its settings offer, as columns beside the features, and what
each of them added."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prism_desktop.engine.errors import InputError
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
from prism_desktop.engine.training.resources import Resources


@dataclass(frozen=True, slots=True, eq=False)
class TriedBlock:
    """An optional block that was offered: all images' scores without it and with it, (labelers,
    attributes, images), of heads that learned from training answers alone."""

    name: str
    kept: bool
    without: Columns
    beside: Columns


def offered_blocks(run: RunFolder, resources: Resources) -> OfferedBlocks:
    """What a run's settings offer.

    Raises:
        InputError: a fact is unknown, or one that was named follows the answers or tells nothing.
    """
    wanted = run.config().blocks
    if not wanted:
        return OfferedBlocks()
    return offer(wanted, seen_images(run, resources.statistics), _answered(run))


def seen_images(run: RunFolder, statistics: Columns | None) -> SeenImages:
    """What is known of a run's images, in their order."""
    ids = [str(image) for image in run.table("images")["image"]]
    facts = run.image_facts()
    told = {name: [known.get(one, "") for one in ids] for name, known in facts.items()}
    return SeenImages(len(ids), statistics, told)


def with_blocks(run: RunFolder, resources: Resources, blocks: Sequence[ImageBlock]) -> Columns:
    """(images, d) features of a run's images and the columns of the blocks that its model reads."""
    if resources.features is None:
        raise InputError("The features of the images were not read.")
    if not blocks:
        return resources.features.array
    seen = seen_images(run, resources.statistics)
    return np.hstack([resources.features.array, *(block.columns(seen) for block in blocks)])


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


def _answered(run: RunFolder) -> list[tuple[str, Floats]]:
    """Means of what was answered about each image, by attribute: raw ratings, and the share of
    comparisons that it won."""
    import pandas as pd

    images = {str(image): row for row, image in enumerate(run.table("images")["image"])}
    ratings, pairs = run.table("ratings"), run.table("pairs")
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
            told = np.full(len(images), np.nan)
            told[[images[str(image)] for image in means.index]] = means.to_numpy()
            found.append((str(attribute), told))
    return found

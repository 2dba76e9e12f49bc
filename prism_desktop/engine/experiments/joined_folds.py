"""Joined results of several runs of one method: seeds side by side, folds end to end."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from prism_desktop.engine.runs.folder import RunFolder


@dataclass(frozen=True, slots=True, eq=False)
class JoinedRuns:
    """The answers that runs were tested on, and what was predicted.

    Attributes:
        pairs: a pairs frame; with several folds the tested rows of each.
        predictions: labeler, attribute, image, score; one frame per seed.
        consensus: the same of the consensus models that the runs themselves were compared with;
            empty where there were none.
        comparisons, ratings: all of the study's, for ceilings.
        seed: of the split.
    """

    pairs: pd.DataFrame
    predictions: list[pd.DataFrame]
    consensus: list[pd.DataFrame]
    comparisons: pd.DataFrame
    ratings: pd.DataFrame
    seed: int


def join_runs(runs: Mapping[tuple[int, int], RunFolder], folds: Sequence[int]) -> JoinedRuns | None:
    """Put runs of one method together.

    Every image is in the test part of one fold alone, and a tested pair has both images there; so
    each image's score is taken from the run that held it out, and differences never mix two models.

    Args:
        runs: by seed of training and fold, of the same settings otherwise.
        folds: that a seed must have all of; a seed without one is left out.

    Returns:
        None if no seed has all folds.
    """
    by_seed: dict[int, dict[int, RunFolder]] = defaultdict(dict)
    for (seed, fold), run in runs.items():
        by_seed[seed][fold] = run
    whole = [
        [found[fold] for fold in folds] for found in by_seed.values() if set(folds) <= set(found)
    ]
    if not whole:
        return None
    first = whole[0][0]
    pairs = _pairs(whole[0])
    consensus = [_scores(group, consensus=True) for group in whole]
    return JoinedRuns(
        pairs,
        [_scores(group, consensus=False) for group in whole],
        [] if any(frame.empty for frame in consensus) else consensus,
        first.table("comparisons"),
        first.table("ratings"),
        first.config().split.seed,
    )


def _pairs(group: Sequence[RunFolder]) -> pd.DataFrame:
    if len(group) == 1:
        return group[0].table("pairs")
    tables = [run.table("pairs") for run in group]
    return pd.concat([table[table["split"] == "test"] for table in tables], ignore_index=True)


def _scores(group: Sequence[RunFolder], *, consensus: bool) -> pd.DataFrame:
    frames = []
    for run in group:
        frame = run.consensus() if consensus else run.predictions()
        if len(group) > 1:
            images = run.table("images")
            frame = frame[frame["image"].isin(images.loc[images["split"] == "test", "image"])]
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)

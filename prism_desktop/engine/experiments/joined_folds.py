"""Joined results of several runs of one method: seeds side by side, folds end to end."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.score_files import ScoreTable


@dataclass(frozen=True, slots=True, eq=False)
class JoinedRuns:
    """The answers that runs were tested on, and what was predicted.

    Attributes:
        pairs: a pairs frame; with several folds the tested rows of each.
        predictions: one table per seed.
        consensus: the same of the consensus models that the runs themselves were compared with;
            empty where there were none.
        comparisons, ratings: all of the study's, for ceilings.
        seed: of the split.
    """

    pairs: pd.DataFrame
    predictions: list[ScoreTable]
    consensus: list[ScoreTable]
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
    own, consensus = (
        [_scores(group, consensus=which) for group in whole] for which in (False, True)
    )
    return JoinedRuns(
        pairs,
        [table for table in own if table is not None],
        [table for table in consensus if table is not None] if None not in consensus else [],
        first.table("comparisons"),
        first.table("ratings"),
        first.config().split.seed,
    )


def _pairs(group: Sequence[RunFolder]) -> pd.DataFrame:
    if len(group) == 1:
        return group[0].table("pairs")
    tables = [run.table("pairs") for run in group]
    return pd.concat([table[table["split"] == "test"] for table in tables], ignore_index=True)


def _scores(group: Sequence[RunFolder], *, consensus: bool) -> ScoreTable | None:
    """Of each image what the run says that held it out; None where one says nothing."""
    tables = []
    for run in group:
        table = run.scores(layout.CONSENSUS if consensus else layout.PREDICTIONS)
        if table is None:
            return None
        if len(group) > 1:
            images = run.table("images")
            table = table.only(images.loc[images["split"] == "test", "image"].astype(str))
        tables.append(table)
    return ScoreTable.joined(tables)

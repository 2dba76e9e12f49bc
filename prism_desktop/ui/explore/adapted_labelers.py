"""Labelers who entered a run after its training: their
predictions beside the others', and who may still enter."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from prism_desktop.engine.adaptation.adapted_labelers import AdaptedLabeler, list_adapted
from prism_desktop.engine.parquet_files import read_table
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder

if TYPE_CHECKING:
    from prism_desktop.engine.study.store import Study
    from prism_desktop.ui.explore.run_data import RunData


@dataclass(frozen=True, slots=True)
class Candidate:
    """A labeler of the study whom the run does not know."""

    code: str
    name: str
    trials: int  # answered ones


def candidates(study: "Study", known: tuple[str, ...]) -> tuple[Candidate, ...]:
    """The study's labelers with answers who are not in a run, those with the most answers first."""
    names = {each.code: each.display_name or each.code for each in study.labelers()}
    found = [
        Candidate(each.labeler, names[each.labeler], each.ratings + each.comparisons)
        for each in study.progress()
        if each.labeler not in known and each.ratings + each.comparisons
    ]
    return tuple(sorted(found, key=lambda each: -each.trials))


def tested(adapted: AdaptedLabeler) -> str:
    """How well a newcomer is served, in a sentence."""
    if adapted.accuracy is None:
        return adapted.note
    within = (
        f" [{adapted.low:.0%}, {adapted.high:.0%}]"
        if None not in (adapted.low, adapted.high)
        else ""
    )
    start = (
        f", before learning from any of them {adapted.start:.0%}"
        if adapted.start is not None
        else ""
    )
    return (
        f"On {adapted.tested:,} own answers, cross-validated: {adapted.accuracy:.0%} "
        f"right{within}{start}."
    )


def join(folder: Path, data: "RunData", names: Mapping[str, str]) -> None:
    """Add those who entered the run; one whose files cannot be read is passed over."""
    for adapted in list_adapted(RunFolder(folder)):
        path = adapted.path / layout.PREDICTIONS
        if adapted.code in data.labelers or not path.is_file():
            continue
        block = np.full((1, len(data.attributes), len(data.images)), np.nan, np.float32)
        told = read_table(path, columns=["attribute", "image", "score"]).to_pydict()
        rows = np.array([data.row.get(image, -1) for image in told["image"]], np.int64)
        place = {name: number for number, name in enumerate(data.attributes)}
        kinds = np.array([place.get(name, -1) for name in told["attribute"]], np.int64)
        known = (rows >= 0) & (kinds >= 0)
        block[0, kinds[known], rows[known]] = np.array(told["score"], np.float32)[known]
        data.scores = np.concatenate([data.scores, block])
        data.labelers = (*data.labelers, adapted.code)
        data.names[adapted.code] = names.get(adapted.code) or adapted.code
        data.adapted_labelers[adapted.code] = adapted

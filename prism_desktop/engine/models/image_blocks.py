"""Optional blocks: what may stand beside an image's features, such as statistics of its pixels and
facts about it.

A block is described once, from a run's own images, and kept with the model, so that images which
nobody knew then get the same numbers. What is not known of an image is NaN, and becomes the mean.

Only facts about images may be blocks. One that follows the answers themselves, such as a mean
rating among the facts, would tell a model what it is tested on, and is refused.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import counted, word_for

Columns = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

STATISTICS = "statistics"
FACTS = "facts"  # all facts about images
_LEVELS = 12  # of a category that have a column of their own, the commonest
_SHARED = 2  # images that a level must be of, on average
_LEAK = 0.95  # correlation with what was answered from which on a fact is the answers
_FLAT = 1e-9  # spread, as a share of the mean, of a column that is all alike
_ENOUGH = 10  # images that a correlation is of


@dataclass(frozen=True, slots=True, eq=False)
class SeenImages:
    """What is known of images beside their features.

    Attributes:
        statistics: (images, statistics), NaN where unknown; None where nobody measured them.
        facts: by name, a text for each image, "" where unknown.
    """

    count: int
    statistics: Columns | None
    facts: Mapping[str, Sequence[str]]

    def part(self, rows: slice) -> "SeenImages":
        """The same of some of the images, in their order."""
        return SeenImages(
            len(range(*rows.indices(self.count))),
            None if self.statistics is None else self.statistics[rows],
            {name: told[rows] for name, told in self.facts.items()},
        )


@dataclass(frozen=True, slots=True)
class ImageBlock:
    """How a block becomes numbers.

    Attributes:
        name: `STATISTICS`, or a fact's.
        levels: of a category, a column for each; what is none of them is 0 in all.
        others: whether there are levels beside these.
        centre, spread: of each column over the run's images, of what is no category.
    """

    name: str
    kind: Literal["statistics", "number", "category"]
    levels: tuple[str, ...] = ()
    others: bool = False
    centre: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()

    @property
    def size(self) -> int:
        """How many columns."""
        return len(self.levels) or len(self.centre)

    def columns(self, seen: SeenImages) -> Columns:
        """(images, size) float32."""
        if self.kind == "category":
            return self._category(seen.facts.get(self.name, ("",) * seen.count))
        if self.kind == "number":
            told = seen.facts.get(self.name, ("",) * seen.count)
            raw = np.array([_number(text) for text in told])[:, None]
        elif seen.statistics is None:
            raw = np.full((seen.count, self.size), np.nan)
        else:
            raw = np.asarray(seen.statistics, np.float64)
        return np.asarray((raw - np.array(self.centre)) / np.array(self.spread), np.float32)

    def _category(self, told: Sequence[str]) -> Columns:
        out = np.zeros((len(told), len(self.levels)), np.float32)
        place = {level: column for column, level in enumerate(self.levels)}
        for row, text in enumerate(told):
            if text in place:
                out[row, place[text]] = 1.0
            elif not text or not self.others:
                out[row] = np.nan
        return out


@dataclass(frozen=True, slots=True, eq=False)
class OfferedBlocks:
    """Blocks of a run, with (images, size) columns each, and sentences on what lacks."""

    blocks: tuple[tuple[ImageBlock, Columns], ...] = ()
    notices: tuple[str, ...] = ()


NO_BLOCKS = OfferedBlocks()


def unknown_facts(wanted: Sequence[str], known: Sequence[str]) -> str:
    """A sentence on blocks that are neither statistics nor facts about the images; "" if none."""
    lacking = [name for name in wanted if name not in (STATISTICS, FACTS, *known)]
    if not lacking:
        return ""
    there = f"its facts about images are {', '.join(known)}" if known else "it has no such facts"
    return (
        f"The study knows no fact {', '.join(lacking)} about its images; {there}. Import them with "
        f"a table of the images, or choose {STATISTICS}."
    )


def offer(
    wanted: Sequence[str], seen: SeenImages, answered: Sequence[tuple[str, Floats]]
) -> OfferedBlocks:
    """The blocks that were asked for, in that order.

    Args:
        wanted: `STATISTICS`, `FACTS` and names of facts.
        seen: of a run's images.
        answered: attributes, and (images,) means of what was answered on them, NaN where nothing
            was.

    Raises:
        InputError: a fact is unknown, or one that was named follows the answers or tells nothing.
    """
    if problem := unknown_facts(wanted, tuple(seen.facts)):
        raise InputError(problem)
    every = seen.facts if FACTS in wanted else ()
    found, notices = [], []
    for name in dict.fromkeys((*(name for name in wanted if name != FACTS), *every)):
        block = _statistics(seen) if name == STATISTICS else _fact(name, seen.facts[name])
        problem = block if isinstance(block, str) else _leaks(block, seen, answered)
        if problem and name in wanted:
            raise InputError(problem)
        if problem:
            notices.append(f"{problem} It was left out.")
            continue
        assert isinstance(block, ImageBlock)
        columns = block.columns(seen)
        found.append((block, columns))
        if lacking := int(np.isnan(columns).all(axis=1).sum()):
            what = "Statistics are" if name == STATISTICS else f"The fact {name} is"
            notices.append(
                f"{what} not known of {counted(lacking, 'image')}, which "
                f"{word_for(lacking, 'counts', 'count')} as the mean of all."
            )
    return OfferedBlocks(tuple(found), tuple(notices))


def _statistics(seen: SeenImages) -> ImageBlock | str:
    if seen.statistics is None or np.isnan(seen.statistics).all():
        return "No image of this run can be measured, so there are no statistics of them."
    raw = np.asarray(seen.statistics, np.float64)
    return _scaled(STATISTICS, "statistics", raw)


def _fact(name: str, told: Sequence[str]) -> ImageBlock | str:
    """A number if all that is known of it are numbers, else a category; or why it is neither."""
    known = [text for text in told if text]
    levels = Counter(known)
    if len(levels) < 2:
        return f"The fact {name} is the same for all images, so it tells nothing."
    numbers = np.array([_number(text) for text in told])
    if not np.isnan([_number(text) for text in levels]).any():
        return _scaled(name, "number", numbers[:, None])
    if len(known) < _SHARED * len(levels):
        return f"The fact {name} is different for nearly every image, so nothing is learned of it."
    kept = tuple(level for level, _ in sorted(levels.items(), key=lambda x: (-x[1], x[0])))
    return ImageBlock(name, "category", kept[:_LEVELS], len(kept) > _LEVELS)


def _scaled(name: str, kind: Literal["statistics", "number"], raw: Floats) -> ImageBlock:
    """A block of (images, columns) numbers, some of them NaN."""
    centre, spread = np.nanmean(raw, axis=0), np.nanstd(raw, axis=0)
    spread = np.where(spread > _FLAT * np.maximum(np.abs(centre), 1.0), spread, 1.0)
    middle, width = (tuple(map(float, row)) for row in (centre, spread))
    return ImageBlock(name, kind, centre=middle, spread=width)


def _leaks(block: ImageBlock, seen: SeenImages, answered: Sequence[tuple[str, Floats]]) -> str:
    """Why a fact must not be learned from: it follows what was answered. "" if it does not."""
    if block.kind == "statistics":
        return ""
    columns = np.asarray(block.columns(seen), np.float64)
    for attribute, mean in answered:
        there = ~np.isnan(mean) & ~np.isnan(columns).any(axis=1)
        if there.sum() < max(_ENOUGH, 3 * block.size):
            continue
        design = np.column_stack([np.ones(int(there.sum())), columns[there]])
        told = mean[there]
        left = told - design @ np.linalg.lstsq(design, told, rcond=None)[0]
        total = float(np.sum((told - told.mean()) ** 2))
        if total > 0 and 1 - float(np.sum(left**2)) / total > _LEAK**2:
            return (
                f"The fact {block.name} follows the answers on {attribute} almost exactly, as if "
                "it were made of them; a model that knew it would know what it is tested on."
            )
    return ""


def _number(text: str) -> float:
    """NaN where it is none."""
    try:
        found = float(text.strip().replace(",", "."))
    except ValueError:
        return np.nan
    return found if np.isfinite(found) else np.nan

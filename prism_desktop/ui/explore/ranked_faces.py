"""The ranking of faces for one labeler and attribute, as the window shows it and the command tells
it. Nothing here touches Qt."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.analysis.face_figures import FIGURED, RankingSheet, SheetFace
from prism_desktop.engine.analysis.face_ranking import (
    ANSWERED,
    LEARNED,
    NOWHERE,
    Area,
    FaceColumns,
    FaceFilter,
    chosen,
    ranked,
)
from prism_desktop.engine.analysis.inference import What
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import with_codes
from prism_desktop.ui.explore.face_shares import Floats, ShareSpread
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.widgets.text_picture import Sources

CONSENSUS = "(consensus)"
Ask = Callable[[What, str, str], Iterator[Event[dict[str, NDArray[Any]]]]]
HEAD = (
    "rank", "name", "image", "score", "score_sd", "percentile", "percentile_low",
    "percentile_high", "consensus_percentile", "dispute", "answered", "in_sample", "answers",
)  # fmt: skip


def area_options(area: Area) -> list[str]:
    """What is brushed, as the option of every command that lists faces."""
    return [] if area == NOWHERE else ["--area", ",".join(map(repr, area))]


@dataclass(frozen=True, slots=True)
class FaceQuestion:
    """Which faces, in which order, by whose model."""

    labeler: str  # a code, or `CONSENSUS`
    attribute: str
    order: str = "high"
    filter: FaceFilter = field(default_factory=FaceFilter)

    def options(self) -> list[str]:
        """The same as options of the command `faces`."""
        own = self.labeler != CONSENSUS
        words = ["--labeler", self.labeler] if own else ["--consensus"]
        words += ["--attribute", self.attribute]
        wanted = self.filter
        for option, value, usual in (
            ("--order", self.order, "high"),
            ("--search", wanted.search.strip(), ""),
            ("--show", wanted.kind, ""),
            ("--fact", f"{wanted.fact}={wanted.value}", "="),
            ("--from", str(wanted.low), "0"),
            ("--to", str(wanted.high), "100"),
        ):
            words += [option, value] if value != usual else []
        return words + area_options(wanted.area) + ["--disputed"] * wanted.disputed


@dataclass(frozen=True, slots=True, eq=False)
class RankedFaces:
    """The answer.

    Attributes:
        rows: of the run's images, from the first on.
        of: rank of each image among all faces that have a score, from 1; 0 without one.
        spread: how sure the model is, where it knows.
    """

    rows: NDArray[np.int64]
    of: NDArray[np.int64]
    columns: FaceColumns
    spread: ShareSpread | None


def columns_of(data: RunData, labeler: str, attribute: str) -> FaceColumns:
    """What is known of each face up to now; cheap, for what takes long is not waited for."""
    own = labeler != CONSENSUS
    scores = data.score(labeler, attribute) if own else data.consensus_of(attribute)
    marks = np.where(data.learned, LEARNED, 0).astype(np.uint8)
    if own:
        marks |= np.where(data.labels(labeler, attribute).answered, ANSWERED, 0).astype(np.uint8)
    spread = data.spreads.get((labeler, attribute))
    standing = data.standings.get(attribute)
    known = data.consensus is not None or (standing is not None and len(data.labelers) > 1)
    return FaceColumns(
        scores,
        data.share(labeler, attribute),
        marks,
        data.share(CONSENSUS, attribute) if known and own else None,
        None if spread is None else spread.high - spread.low,
        None if standing is None or len(data.labelers) < 2 else standing.dispute,
    )


def answer(data: RunData, asked: FaceQuestion) -> RankedFaces:
    """Rank and filter."""
    columns = columns_of(data, asked.labeler, asked.attribute)
    rows = ranked(columns, asked.order)
    places = np.zeros(len(data.images), np.int64)
    by_score = rows if asked.order in ("high", "low") else ranked(columns, "high")
    places[by_score] = np.arange(1, len(by_score) + 1)
    left = chosen(columns, asked.filter, data.folded, data.facts, data.plane)
    spread = data.spreads.get((asked.labeler, asked.attribute))
    return RankedFaces(rows[left[rows]], places, columns, spread)


def missing(data: RunData, asked: FaceQuestion, plane: bool = False) -> tuple[bool, bool, bool]:
    """Whether the spread, the labelers' standing and the map are still to be found out; `plane`
    asks for the map although no area of it is."""
    key = asked.labeler, asked.attribute
    spread = data.knows_spread and key not in data.spreads and entered_whole(data, asked)
    standing = asked.attribute not in data.standings and len(data.labelers) > 1
    mapped = data.knows_faces and data.plane is None and (plane or asked.filter.brushed)
    return spread, standing, mapped


def entered_whole(data: RunData, asked: FaceQuestion) -> bool:
    """Whether the labeler was there when the run was trained, and the attribute too."""
    return (
        asked.labeler in data.labelers
        and asked.labeler not in data.adapted_labelers
        and asked.attribute in data.trained
    )


def find_out(
    data: RunData, asked: FaceQuestion, ask: Ask, plane: bool = False
) -> Iterator[Event[None]]:
    """Find out what `answer` can only tell once it is known; the last event is `Done`.

    Args:
        ask: the run's heads about faces: what, a labeler, an attribute.
        plane: as in `missing`.
    """
    spread, standing, mapped = missing(data, asked, plane)
    yield Progress(0, None, "Comparing the labelers")
    if mapped:
        for event in ask("plane", "", ""):
            if isinstance(event, Done):
                data.plane = event.value["at"]
            else:
                yield event
    if standing:
        for _ in data.place(asked.attribute):
            yield Progress(0, None, "Comparing the labelers")
    if spread:
        for event in ask("spread", asked.labeler, asked.attribute):
            if isinstance(event, Done):
                share = data.share(asked.labeler, asked.attribute)
                data.spreads[asked.labeler, asked.attribute] = around(share, event.value)
            else:
                yield event
    yield Done(None)


def around(share: Floats, found: Mapping[str, Floats]) -> ShareSpread:
    """What the model told of the run's images, of all images that there are now.

    The interval reaches to the place that is shown, which at the ends of a ranking is beyond what
    is believed of any single face.
    """
    parts = {name: np.full(len(share), np.nan, np.float32) for name in ("low", "high", "sd")}
    for name, values in found.items():
        parts[name][: len(values)] = values
    known = ~np.isnan(parts["low"])
    parts["low"][known] = np.fmin(parts["low"], share)[known]
    parts["high"][known] = np.fmax(parts["high"], share)[known]
    return ShareSpread(**parts)


def question_words(asked: FaceQuestion) -> str:
    """The order, for a reader."""
    attribute = asked.attribute
    return {
        "high": f"most {attribute} first",
        "low": f"least {attribute} first",
        "apart": f"those first whose place as {attribute} differs most from the consensus",
        "unsure": f"those first whose place as {attribute} is least sure",
        "disputed": f"those first whom labelers place most differently as {attribute}",
    }[asked.order]


def sheet_of(
    data: RunData,
    asked: FaceQuestion,
    found: RankedFaces,
    files: Callable[[str], Sources],
) -> RankingSheet:
    """The ranking as a figure: both ends of it, or all where it is short enough for one page.

    Args:
        files: where an image may lie, by its id.
    """
    rows, shares = found.rows, found.columns.shares
    shown = rows if len(rows) <= 2 * FIGURED else np.concatenate([rows[:FIGURED], rows[-FIGURED:]])
    faces = [
        SheetFace(
            tuple(each for each in files(data.images[row]) if isinstance(each, Path)),
            int(found.of[row]),
            Path(data.image_names[row]).stem,
            _below(float(shares[row]), found.spread, int(row)),
        )
        for row in map(int, shown)
    ]
    heading = {"high": ("Highest", "Lowest"), "low": ("Lowest", "Highest")}
    ends = heading.get(asked.order, ("First", "Last"))
    if len(rows) <= 2 * FIGURED:
        blocks = {f"{ends[0]} first" if asked.order in heading else "In this order": faces}
    else:
        blocks = {ends[0]: faces[:FIGURED], ends[1]: faces[FIGURED:]}
    own = asked.labeler != CONSENSUS
    whose = f"{with_codes(data.names)[asked.labeler]}'s model" if own else "Consensus model"
    title = f"{whose}, {asked.attribute}: {counted(len(rows), data.words.one)}"
    if asked.order not in heading:
        title += f", {question_words(asked)}"
    told = ", [95% interval]" if found.spread is not None else ""
    filtered = data.words.told(" Some faces were filtered out.")
    left = filtered if asked.filter.count or asked.filter.search else ""
    note = (
        f"Below each: its rank, its name, its percentile{told}.{left} {data.trust(asked.labeler)}"
    )
    return RankingSheet(blocks, title, note.strip())


def _below(share: float, spread: ShareSpread | None, row: int) -> str:
    told = f"{100 * share:.0f}"
    if spread is None or np.isnan(spread.low[row]):
        return told
    return f"{told} [{100 * spread.low[row]:.0f}, {100 * spread.high[row]:.0f}]"


def table(data: RunData, asked: FaceQuestion, found: RankedFaces) -> list[tuple[object, ...]]:
    """A row of `HEAD` for each face that is shown; blank where something is not known."""
    columns, spread = found.columns, found.spread
    labels = None
    if asked.labeler in data.labelers:
        labels = data.labels(asked.labeler, asked.attribute)

    def cell(values: Floats | None, row: int) -> float | str:
        return "" if values is None or np.isnan(values[row]) else float(values[row])

    return [
        (
            int(found.of[row]),
            data.image_names[row],
            data.images[row],
            cell(columns.scores, row),
            cell(spread.sd if spread else None, row),
            cell(columns.shares, row),
            cell(spread.low if spread else None, row),
            cell(spread.high if spread else None, row),
            cell(columns.consensus, row),
            cell(columns.dispute, row),
            int(bool(columns.marks[row] & ANSWERED)),
            int(bool(columns.marks[row] & LEARNED)),
            labels.words(row) if labels is not None else "",
        )
        for row in map(int, found.rows)
    ]

"""One face as all models of a run see it: for the window and the command `face` alike. Nothing here
touches Qt."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.analysis.face_figures import StripDot, StripPlot
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import with_codes
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.runs.estimates import ENOUGH, doubted
from prism_desktop.engine.runs.score_files import rows_of
from prism_desktop.engine.series_colours import ON_LIGHT, labeler_place
from prism_desktop.ui.explore.face_shares import Floats, share_at
from prism_desktop.ui.explore.run_data import RunData

HEAD = (
    "face", "labeler", "attribute", "score", "percentile", "percentile_low", "percentile_high",
    "consensus_percentile", "answers", "labeler_code",
)  # fmt: skip
ALIKE = 24  # faces told to be alike
Asked = Iterator[Event[dict[str, NDArray[Any]]]]


@dataclass(frozen=True, slots=True, eq=False)
class FacePlaces:
    """Where the models put one face.

    Attributes:
        shares: (labelers, attributes) share of the other faces that score lower.
        consensus: (attributes,) of the consensus model, else of the labelers' mean; NaN where
            neither is known.
        low, high: (labelers, attributes) 95 % interval of the share; NaN where it is not known.
    """

    shares: Floats
    consensus: Floats
    low: Floats
    high: Floats


def sheet_at(data: RunData, face: int) -> FacePlaces:
    """Of what is known up to now; cheap where `find_strip` was asked for some face."""
    unknown = np.full(len(data.labelers), np.nan, np.float32)
    shares = np.stack(
        [
            data.face_shares(name, face) if data.knows_face(name, face) else unknown
            for name in data.attributes
        ],
        axis=1,
    )
    if data.consensus is not None:
        consensus = share_at(data.consensus, face)
    else:
        known = [name in data.standings and len(data.labelers) > 1 for name in data.attributes]
        consensus = np.array(
            [
                share_at(data.standings[name].mean, face) if there else np.nan
                for name, there in zip(data.attributes, known, strict=True)
            ],
            np.float32,
        )
    blank = np.full(shares.shape, np.nan, np.float32)
    low, high = data.strips.get(face, (blank, blank))
    if low.shape != shares.shape:  # an attribute was typed since
        more = ((0, shares.shape[0] - low.shape[0]), (0, shares.shape[1] - low.shape[1]))
        low, high = (np.pad(each, more, constant_values=np.nan) for each in (low, high))
    known_ends = ~np.isnan(low)  # the interval reaches to the place that is shown
    low = np.where(known_ends, np.fmin(low, shares), np.nan)
    high = np.where(known_ends, np.fmax(high, shares), np.nan)
    return FacePlaces(shares, consensus, low, high)


def find_strip(data: RunData, face: int, ask: Callable[[], Asked]) -> Iterator[Event[None]]:
    """Find out where all models put a face and how sure they are, as far as the run knows; the last
    event is `Done`."""
    yield Progress(0, None, "Comparing the labelers")
    for name in data.attributes if len(data.labelers) > 1 else ():
        for _ in data.look_at(name, face):
            yield Progress(0, None, "Comparing the labelers")
        for _ in data.place(name) if data.consensus is None else ():
            yield Progress(0, None, "Comparing the labelers")
    if data.knows_spread and face not in data.strips and face < data.given:
        for event in ask():
            if isinstance(event, Done):
                data.strips[face] = _placed(data, event.value)
            else:
                yield event
    yield Done(None)


def _placed(data: RunData, told: Mapping[str, NDArray[Any]]) -> tuple[Floats, Floats]:
    """What heads tell of their labelers and attributes, as the run has them."""
    who = rows_of(list(map(str, told["labelers"])), data.labelers)
    what = rows_of(list(map(str, told["attributes"])), data.attributes)
    ends = []
    for name in ("low", "high"):
        found = np.full((len(data.labelers), len(data.attributes)), np.nan, np.float32)
        found[np.ix_(who, what)] = told[name]
        ends.append(found)
    return ends[0], ends[1]


def alike_to(
    data: RunData, face: int, labeler: str, attribute: str, ask: Callable[[], Asked]
) -> Iterator[Event[tuple[tuple[int, ...], tuple[int, ...], str]]]:
    """Faces like one, the nearest first: by features, and to a labeler; and how the second were
    found. The last event is `Done`.

    Without weights of the labeler's own, those are alike to whom all attributes' scores are near,
    each in units of its deviation over the faces.
    """
    features: tuple[int, ...] = ()
    taste: tuple[int, ...] = ()
    if data.knows_faces and face < data.given:
        for event in ask():
            if isinstance(event, Done):
                features, taste = (tuple(map(int, event.value[n])) for n in ("features", "taste"))
            else:
                yield event
    how = "features as this labeler's model weighs them"
    if not taste and labeler in data.labelers:
        yield Progress(0, None, data.words.told("Looking for faces alike"))
        scores = np.stack(data.scores.several([(labeler, kind) for kind in data.attributes]))
        deviation = np.maximum(np.nanstd(scores, axis=1, keepdims=True), 1e-12)
        away = (((scores - scores[:, face, None]) / deviation) ** 2).sum(axis=0)
        away[face] = np.nan
        most = min(ALIKE, np.count_nonzero(~np.isnan(away)))
        taste = tuple(map(int, np.argsort(away, kind="stable")[:most]))
        how = "nearest in the scores of this labeler's model on all attributes"
    yield Done((features, taste, how))


def table(data: RunData, face: int, sheet: FacePlaces) -> list[tuple[object, ...]]:
    """A row of `HEAD` for each labeler and attribute; blank where something is not known. Reads all
    scores, so not in the window's thread."""

    def cell(value: float) -> float | str:
        return "" if np.isnan(value) else float(value)

    scores = [
        np.concatenate([block[:, face] for block in data.scores.blocks(data.labelers, attribute)])
        for attribute in data.attributes
    ]
    return [
        (
            data.image_names[face],
            data.names[code],
            attribute,
            cell(scores[column][row]),
            cell(data.face_shares(attribute, face)[row]),
            cell(sheet.low[row, column]),
            cell(sheet.high[row, column]),
            cell(sheet.consensus[column]),
            data.labels(code, attribute).words(face),
            code,
        )
        for column, attribute in enumerate(data.attributes)
        for row, code in enumerate(data.labelers)
    ]


def legend_of(data: RunData, sheet: FacePlaces) -> str:
    """What the marks of the strip plot mean."""
    mean = "where the labelers' mean score puts it"
    consensus = "the consensus model" if data.consensus is not None else mean
    told = [
        f"Diamond: {consensus}." if not np.isnan(sheet.consensus).all() else "",
        "Number: percentile.",
        "" if np.isnan(sheet.low).all() else "Line: its 95% interval.",
        "Highest first; point at a dot for its labeler." if len(data.labelers) > 24 else "",
    ]
    return " ".join(filter(None, told))


def doubt_of(data: RunData) -> str:
    """Whose numbers rest on a model that was tested on too few answers; empty if nobody's do."""
    those = [data.names[code] for code in data.labelers if data.unsure(code)]
    if not those:
        return ""
    everybody = len(those) == len(data.labelers) > 1
    whose = "every labeler's model" if everybody else f"the model of {few(those, 6)}"
    told = f"{whose} was tested on fewer than {counted(ENOUGH, 'answer')}."
    return doubted(told, 0, opens=True)


def strip_of(data: RunData, face: int, sheet: FacePlaces) -> StripPlot:
    """The strip plot as a figure."""
    names = with_codes(data.names)
    rows = {
        attribute: tuple(
            StripDot(
                names[code],
                float(sheet.shares[row, column]),
                float(sheet.low[row, column]),
                float(sheet.high[row, column]),
                data.unsure(code),
                ON_LIGHT[labeler_place(data.everybody, code) % len(ON_LIGHT)],
            )
            for row, code in enumerate(data.labelers)
        )
        for column, attribute in enumerate(data.attributes)
    }
    consensus = dict(zip(data.attributes, map(float, sheet.consensus), strict=True))
    note = f"Percentiles among {counted(len(data.images), data.words.one)}."
    if data.consensus is None and len(data.labelers) > 1:
        note += " Consensus: the labelers' mean."
    if len(data.labelers) <= 12:
        note += f" {data.worth(names)}"
    return StripPlot(Path(data.image_names[face]).stem, rows, consensus, note.strip())

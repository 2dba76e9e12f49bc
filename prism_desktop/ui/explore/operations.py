"""What the Explore panel asks of the engine; nothing here touches Qt."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.training.run import RunSummary, list_runs
from prism_desktop.ui.explore.data import RunData

if TYPE_CHECKING:
    from prism_desktop.engine.analysis.agreement import AgreementResult
    from prism_desktop.ui.context import AppContext
    from prism_desktop.ui.widgets.dots import Group
    from prism_desktop.ui.widgets.dumbbell import Bell

MAPS = {"gradient": "Gradient × attention", "attention": "Raw attention"}


@dataclass(frozen=True, slots=True, eq=False)
class Relevance:
    """Where a labeler's model looks."""

    values: NDArray[np.float32]  # (rows, columns)
    passed: bool | None  # its deletion test; None where it has none
    verdict: str  # a sentence about the test


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Agreement of labelers, and where to draw each."""

    found: "AgreementResult"
    places: dict[int, tuple[float, float]]  # by row of the matrix


def explorable(study: Path) -> tuple[RunSummary, ...]:
    """The study's runs that have predictions, newest first."""
    return tuple(run for run in list_runs(study) if (run.path / "predictions.parquet").is_file())


def thumbnail_paths(data: RunData | None, key: str) -> tuple[Path, ...]:
    """Where a small image may lie, then where the image itself does."""
    if data is None:
        return ()
    study = data.folder.parent.parent
    thumbnail = study / "thumbnails" / key[:2] / f"{key}.jpg"
    row = data.row.get(key)
    return (thumbnail,) if row is None else (thumbnail, Path(data.paths[row]))


def result(events: Iterable[Any]) -> Any:
    """The value of the `Done` among events, None if it is not among them."""
    return next((event.value for event in events if isinstance(event, Done)), None)


def agreement(data: RunData, attribute: str | None) -> Iterator[Event[Agreement]]:
    """Agreement on one attribute, or on all if None; the last event is `Done[Agreement]`."""
    from prism_desktop.engine.analysis.agreement import study_agreement
    from prism_desktop.engine.analysis.network import layout

    yield Progress(0, None, "Comparing labelers")
    assert data.compared is not None
    assert data.rated is not None
    found = study_agreement(data.compared, data.rated, attribute, data.labelers)
    places = layout(found)
    yield Done(Agreement(found, {place: places[code] for place, code in enumerate(found.labelers)}))


def relevance(
    context: "AppContext", data: RunData, face: int, labeler: str, attribute: str, kind: str
) -> Iterator[Event[Relevance]]:
    raise NotImplementedError


def draw_scatter(path: Path, x: NDArray[np.float32], y: NDArray[np.float32], names: Sequence[str], title: str) -> None:
    raise NotImplementedError


def draw_accuracy(path: Path, bells: Sequence["Bell"], title: str) -> None:
    raise NotImplementedError


def draw_agreement(path: Path, found: Agreement, names: Sequence[str], threshold: float) -> None:
    raise NotImplementedError


def draw_relevance(path: Path, image: Path, found: Relevance, title: str) -> None:
    raise NotImplementedError


def draw_predictions(path: Path, groups: Sequence["Group"]) -> None:
    raise NotImplementedError


def drawing(draw: Callable[[Path], object], path: Path) -> Iterator[Event[Path]]:
    """Draw a figure to a file; the last event is `Done[Path]`."""
    yield Progress(0, None, "Drawing the figure")
    draw(path)
    yield Done(path)


def score_text(context: "AppContext", data: RunData, attribute: str) -> Iterator[Event[Any]]:
    raise NotImplementedError

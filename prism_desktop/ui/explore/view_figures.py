"""Figures of the Explore views, to publish.

Matplotlib is loaded by the first of them, in a job's thread.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QColor

from prism_desktop.engine.series_colours import ON_DARK, ON_LIGHT
from prism_desktop.ui.widgets.dumbbell import AccuracyRow
from prism_desktop.ui.widgets.person_texts import PersonRow, ShownText

if TYPE_CHECKING:
    from prism_desktop.engine.analysis.mean_relevance import MeanRelevance
    from prism_desktop.engine.analysis.relevance_map import Relevance

_EMPTY = "Nothing but blanks."


def draw_accuracy(path: Path, rows: Sequence[AccuracyRow], title: str, note: str) -> None:
    """Dumbbells, with a note below them."""
    from prism_desktop.engine.analysis.figures import AccuracyLine, accuracy_figure
    from prism_desktop.engine.analysis.plotting import save_figure

    lines = [
        AccuracyLine(
            b.name,
            b.accuracy,
            b.low,
            b.high,
            b.count,
            b.consensus,
            b.ceiling,
            b.strong,
            _ink(b.colour),
        )
        for b in rows
    ]
    save_figure(accuracy_figure(lines, title), path, note)


def _ink(colour: QColor) -> str:
    """A labeler's colour as figures have it, that of the light theme; else that of their text."""
    from prism_desktop.engine.analysis.plotting import INK

    known = dict(zip((*ON_DARK, *ON_LIGHT), (*ON_LIGHT, *ON_LIGHT), strict=True))
    return known.get(colour.name(), INK)


def draw_relevance(path: Path, image: Path, found: "Relevance", title: str) -> None:
    """The face, and the face with the map."""
    from prism_desktop.engine.analysis.figures import relevance_figure
    from prism_desktop.engine.analysis.plotting import save_figure
    from prism_desktop.engine.study.images import open_image

    save_figure(relevance_figure(replace(found, image=open_image(image)), title), path)


def draw_where(path: Path, maps: "MeanRelevance", who: str, other: str) -> None:
    """The mean map of many faces, the regions, and what was tested."""
    from prism_desktop.engine.analysis.figures import mean_relevance_figure
    from prism_desktop.engine.analysis.plotting import save_figure

    save_figure(mean_relevance_figure(maps, who, other), path)


def draw_replies(path: Path, prompt: str, rows: Sequence[PersonRow], notes: Sequence[str]) -> None:
    """What people wrote in answer to a prompt beside what models wrote, as their cards have it."""
    from prism_desktop.engine.analysis.plotting import save_figure
    from prism_desktop.engine.analysis.writing_figures import (
        DrawnText,
        PersonReplies,
        replies_figure,
    )

    def drawn(shown: ShownText) -> DrawnText:
        nothing = "" if shown.text.strip() or not shown.kind else _EMPTY
        return DrawnText(
            shown.title, shown.kind, shown.text, shown.mark, shown.foot, shown.instead or nothing,
            shown.generated,
        )  # fmt: skip

    people = [PersonReplies(row.name, row.about, [drawn(one) for one in row.cards]) for row in rows]
    save_figure(replies_figure(prompt, people, notes), path)

"""Named views: what is chosen in Explore, saved in the study and chosen again."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path

from pydantic import JsonValue
from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QDialog, QMenu, QToolButton, QWidget

from prism_desktop.engine.analysis.face_ranking import KINDS, ORDERS
from prism_desktop.engine.grammar import listed
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.named_views import (
    MOST_NAME,
    NamedView,
    delete_view,
    read_views,
    save_view,
)
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.agreement_pickers import ANSWERS, MEASURES
from prism_desktop.ui.explore.alike_view import PAGES
from prism_desktop.ui.explore.face_filters import CELLS
from prism_desktop.ui.explore.operations import FACE_MAPS
from prism_desktop.ui.explore.ranked_faces import CONSENSUS
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.selection import (
    AXIS,
    FACES,
    ORDERED,
    PAIRS,
    PROFILE,
    VIEWS,
    Selection,
)
from prism_desktop.ui.explore.view import captioned
from prism_desktop.ui.plain import literal, set_tip, set_window_title
from prism_desktop.ui.widgets.basics import GRID, button, columns, rows
from prism_desktop.ui.widgets.fields import HintedLine
from prism_desktop.ui.widgets.possible import allow

_OF_NOW = ("by_hand", "known")  # of this window, not of the view
_RUNS = ("run", "other_run")
_ONE_OF: Mapping[str, Collection[str]] = {
    "view": VIEWS,
    "direction": ORDERS,
    "kind": KINDS,
    "size": CELLS,
    "source": ORDERED,
    "disputes": (FACES, PAIRS),
    "taste": (PROFILE, AXIS),
    "alike": PAGES,
    "map": ("", *FACE_MAPS),
    "answers": ("", *ANSWERS),
    "measure": ("", *MEASURES),
}
_RAW = re.compile(r"attention(:[0-9]{1,3}){1,2}")  # of a block, perhaps of one head
_SHARES = ("low", "high")
_LETTERS = 500  # of a text that somebody may have chosen


def told(selection: Selection) -> dict[str, JsonValue]:
    """What is chosen, for a file; runs by the names of their folders."""
    found: dict[str, JsonValue] = {}
    for field in fields(Selection):
        value = getattr(selection, field.name)
        if field.name in _RUNS:
            value = Path(value).name if value else ""
        if field.name not in _OF_NOW:
            found[field.name] = list(value) if isinstance(value, tuple) else value
    return found


def choose(selection: Selection, chosen: dict[str, JsonValue], study: Path) -> None:
    """Choose what a view has; what a file lacks, or has of another kind, is as nobody chose it."""
    usual = Selection()
    for field in fields(Selection):
        name, plain = field.name, getattr(usual, field.name)
        if name in _OF_NOW:
            continue
        setattr(selection, name, _fitting(name, chosen.get(name), plain))
    for name in _RUNS:
        folder = getattr(selection, name)
        inside = bool(folder) and Path(folder).name == folder and folder not in (".", "..")
        setattr(selection, name, str(study / layout.RUNS / folder) if inside else "")
    selection.by_hand = True


def _fitting(name: str, value: JsonValue, usual: object) -> object:
    """A value that may be chosen, else the usual one."""
    if isinstance(usual, tuple):
        if not isinstance(value, list) or len(value) != len(usual):
            return usual
        number = isinstance(usual[0], float)
        good = all(isinstance(each, float) if number else _is_text(each) for each in value)
        return tuple(value) if good else usual
    if name == "map" and isinstance(value, str) and _RAW.fullmatch(value):
        return value
    if name in _ONE_OF:
        return value if isinstance(value, str) and value in _ONE_OF[name] else usual
    if isinstance(usual, bool):
        return value if isinstance(value, bool) else usual
    if usual is None or isinstance(usual, int):
        whole = isinstance(value, int) and not isinstance(value, bool)
        most = 100 if name in _SHARES else 10**6
        return value if whole and 0 <= value <= most else usual  # type: ignore[operator]
    return value if _is_text(value) else usual


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LETTERS


class NamedViewsButton(QToolButton):
    """A menu of the study's views, with the way to save what is shown and to delete one."""

    wanted = Signal(object)  # the NamedView that was chosen

    def __init__(self, context: AppContext, parent: QWidget) -> None:
        super().__init__(parent)
        self._context, self._selection = context, Selection()
        self.setText("Views")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        set_tip(self, "Views of this study that somebody named, and the way to name this one")
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self.read)
        self.setMenu(self._menu)
        self._fill(())

    def begin(self, selection: Selection) -> None:
        """Another study, with what is chosen in it."""
        self._selection = selection
        self._fill(())
        self.read()

    def read(self) -> None:
        """Look which views there are."""
        study = self._context.study
        if study is not None:
            path = Path(study.path)
            self._context.ask(
                partial(read_views, path), self._fill, owner=self, topic="views",
                what="Reading the named views",
            )  # fmt: skip

    def names(self) -> list[str]:
        """What is offered."""
        return [view.name for view in self._views]

    def keep(self, name: str) -> None:
        """Keep what is chosen under a name."""
        study = self._context.study
        if study is not None:
            work = partial(save_view, Path(study.path), name, told(self._selection))
            self._change(work, f"Saved the view “{name.strip()}” in the study.")

    def delete(self, name: str) -> None:
        """Take a view away."""
        study = self._context.study
        if study is not None:
            work = partial(delete_view, Path(study.path), name)
            self._change(work, f"Deleted the view “{name}”. What it showed is as it was.")

    def _change(self, work: "partial[tuple[NamedView, ...]]", words: str) -> None:
        def done(views: tuple[NamedView, ...]) -> None:
            self._fill(views)
            self._context.message(words, "good")

        self._context.ask(work, done, owner=self, what="Saving the named views")

    def _fill(self, views: Sequence[NamedView]) -> None:
        self._views = tuple(views)
        self._menu.clear()
        save = QAction("Save this view…", self._menu)
        save.triggered.connect(self._ask_name)
        self._menu.addActions([save])
        if not views:
            return
        self._menu.addSeparator()
        for view in views:
            action = QAction(literal(view.name), self._menu)
            action.triggered.connect(partial(self.wanted.emit, view))
            self._menu.addActions([action])
        self._menu.addSeparator()
        away = self._menu.addMenu("Delete")
        for view in views:
            action = QAction(literal(view.name), away)
            action.triggered.connect(partial(self.delete, view.name))
            away.addActions([action])

    def _ask_name(self) -> None:
        """Ask what to call this view; Enter saves it."""
        dialog = QDialog(self.window())
        set_window_title(dialog, "Save this view")
        name = HintedLine("Name of the view, e.g. Ben's surprises")
        name.setMaxLength(MOST_NAME)
        name.setMinimumWidth(340)

        def keep_it() -> None:
            self.keep(name.text())
            dialog.accept()

        keep = button("&Save", keep_it, "primary")
        keep.setDefault(True)
        allowed = "Give it a name first."
        allow(allowed, keep)
        name.textChanged.connect(lambda text: allow("" if text.strip() else allowed, keep))
        buttons = columns(None, button("&Cancel", dialog.reject), keep)
        dialog.setLayout(rows(captioned("Name", name), buttons, gap=2 * GRID, margin=3 * GRID))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


def told_gone(wanted: Selection, data: RunData) -> str:
    """What a view was of that a run does not have, in a sentence; empty if it has all of it."""
    known, people = {*data.attributes, wanted.words, ""}, {*data.labelers, CONSENSUS, ""}
    gone = [
        what
        for what, there in (
            (f"labeler {wanted.labeler}", wanted.labeler in people),
            (f"labeler {wanted.other}", wanted.other in people),
            (f"the attribute {wanted.attribute}", wanted.attribute in known),
            ("a face", not wanted.face or wanted.face in data.row),
        )
        if not there
    ]
    if not gone:
        return ""
    return f"This view was of {listed(gone)}, which this run does not have; others are shown."

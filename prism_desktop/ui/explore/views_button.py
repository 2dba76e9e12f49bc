"""Named views: what is chosen in Explore, saved in the study and chosen again."""

from collections.abc import Collection, Sequence
from copy import copy
from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QDialog, QMenu, QToolButton, QWidget

from prism_desktop.engine.runs.named_views import (
    MOST_NAME,
    NamedView,
    delete_view,
    read_views,
    save_view,
)
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.run_picker import RunPicker
from prism_desktop.ui.explore.selection import Selection
from prism_desktop.ui.explore.selection_storage import choose, told, told_gone, told_passed
from prism_desktop.ui.explore.view import captioned
from prism_desktop.ui.plain import literal, set_tip, set_window_title
from prism_desktop.ui.widgets.basics import GRID, button, columns, rows
from prism_desktop.ui.widgets.fields import HintedLine
from prism_desktop.ui.widgets.possible import allow

_NO_RUN = "The run of this view is gone; it is shown of this run."
_NO_OTHER = "The run that it was compared with is gone; it is compared within one run."


class NamedViewsButton(QToolButton):
    """A menu of the study's views, with the way to save what is shown and to delete one."""

    wanted = Signal(object)  # the NamedView that was chosen

    def __init__(self, context: AppContext, parent: QWidget) -> None:
        super().__init__(parent)
        self._context, self._selection = context, Selection()
        self._asked: Selection | None = None  # of a view whose run is still to be shown
        self._lost: list[str] = []  # what is not there any more of what that chose, in sentences
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
        self.forget()
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

    def choose(self, view: NamedView, runs: RunPicker) -> None:
        """Choose what a view has, as far as it is there; `tell` says what is not."""
        study, chosen = self._context.study, self._selection
        if study is None:
            return
        passed = choose(chosen, view.chosen, Path(study.path))
        self._lost = [told_passed(passed)]
        if chosen.run and not runs.has(chosen.run):
            self._lost.append(_NO_RUN if runs.key else "")
            chosen.run = runs.key
        if chosen.other_run and not runs.has(chosen.other_run):
            self._lost.append(_NO_OTHER)
            chosen.other_run = ""
        self._asked = copy(chosen)

    def tell(self, data: RunData | None, people: Collection[str], judged: Collection[str]) -> None:
        """Say once what a view that was chosen is of and is not there; called before it is shown.

        Args:
            data: the run that it is shown of; None where there is none.
            people, judged: the study's labelers and attributes.
        """
        wanted, lost, chosen = self._asked, self._lost, self._selection
        self.forget()
        if wanted is None:
            return
        lost.append(told_gone(wanted, data, people, judged))
        fact, value = chosen.fact
        if data is not None and fact and value not in data.facts.get(fact, {}).values():
            chosen.fact = ("", "")  # of a group that is gone, no face would be left
        if any(lost):
            self._context.message(" ".join(filter(None, lost)), "warn")

    def forget(self) -> None:
        """Whatever was chosen is not waited for any more."""
        self._asked, self._lost = None, []

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

"""The Explore panel: what a run's model believes of each labeler, and the labels themselves."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QWidget

from prism_desktop.engine.names import people
from prism_desktop.engine.runs import run_choice
from prism_desktop.engine.runs.folder import RunSummary
from prism_desktop.engine.runs.named_views import NamedView
from prism_desktop.ui.bare_pages import no_study
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.accuracy_view import AccuracyView
from prism_desktop.ui.explore.add_labeler_form import AddLabelerButton
from prism_desktop.ui.explore.alike_view import AlikeView
from prism_desktop.ui.explore.face_view import FaceView
from prism_desktop.ui.explore.labeler_pair_view import LabelerPairView, one_labeler
from prism_desktop.ui.explore.no_runs import NoRuns
from prism_desktop.ui.explore.quality_view import QualityView
from prism_desktop.ui.explore.ranking_view import FacesView
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.run_loader import RunLoader
from prism_desktop.ui.explore.run_notice import ROOM, RunNotice, RunOffer
from prism_desktop.ui.explore.selection import (
    COMPARING,
    OF_STUDY,
    ORDERED,
    PREDICTING,
    VIEWS,
    FaceOrder,
    Selection,
)  # fmt: skip
from prism_desktop.ui.explore.selection_history import SelectionHistory
from prism_desktop.ui.explore.taste_view import TasteView
from prism_desktop.ui.explore.unlabeled import score_words
from prism_desktop.ui.explore.view import ExportButton, View, title
from prism_desktop.ui.explore.views_button import NamedViewsButton, choose
from prism_desktop.ui.explore.where_view import WhereView
from prism_desktop.ui.explore.words_view import WordsView
from prism_desktop.ui.explore.worth_view import WorthView
from prism_desktop.ui.plain import set_tip, tip_text
from prism_desktop.ui.shortcuts import bind
from prism_desktop.ui.widgets.basics import GRID, columns, label, rows
from prism_desktop.ui.widgets.pickers import Picker, Segments
from prism_desktop.ui.widgets.possible import allow

NARROW = 1000  # px; below, the panel's title gives its room to the views' buttons
NOTE = "These judgments say something about the labeler, not about the person shown."


class ExplorePanel(QWidget):
    """Chooses the run and the view; each view shows the same data."""

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self.context = context
        self.data: RunData | None = None
        self._leaving: dict[int, RunData] = {}  # whose models are being put away
        self._runs: tuple[RunSummary, ...] = ()
        self._names: dict[str, str] = {}
        self._loader = RunLoader(context, self)
        self._new_labeler = ""  # code of a labeler who was just added to the run being read
        self._wanted = ""  # path of a run that was asked for and is not listed yet
        self._kept: dict[str, Selection] = {}  # what was chosen, by the study's path
        # path of the run being read or shown; empty when that failed or was cancelled
        self._request = ""
        self._stale: set[str] = set(VIEWS)  # views that have not seen the data yet
        self._make()
        self._lay_out()
        self._connect()
        self._open()

    def views(self) -> tuple[str, ...]:
        """The views that can be shown."""
        return (*VIEWS, "map", "models")

    def show_view(self, name: str) -> None:
        """Bring a view to the front; it is filled when first looked at.

        "map" is one face with a relevance map, "models" who is like whom by their models.
        """
        if name == "models":
            self.selection.alike = name
        self.segments.pick({"map": "face", "models": "agreement"}.get(name, name))
        if name == "map" and self.face.kind.isEnabled():
            self.face.kind.pick(next(iter(operations.MAPS)))

    def show_run(self, run: Path) -> None:
        """Show the run in a folder, as soon as it is listed."""
        self._wanted = str(run)
        self._take_wanted()
        self._list()

    @property
    def selection(self) -> Selection:
        """What is chosen, the same for all views."""
        return self.faces.selection

    def view(self, name: str) -> View:
        """A view by name."""
        return self._view[name]

    def idle(self) -> bool:
        """Whether everything asked for has been shown."""
        if self._loader.busy or self.context.worker.busy:
            return False
        current = self._view[self.segments.current]
        if self.data is None and self.segments.current not in OF_STUDY:
            return True
        return self.segments.current not in self._stale and current.idle()

    def _make(self) -> None:
        """The views, what stands above them, and what stands in their place.

        The picker of runs shrinks to ten characters and grows with the window: titles are long.
        """
        context = self.context
        self.faces, self.pair = FacesView(context), LabelerPairView(context)
        self.face = FaceView(context)
        self.alike, self.accuracy = AlikeView(context), AccuracyView(context)
        self.agreement = self.alike.answers
        self.quality, self.where = QualityView(context), WhereView(context)
        self.taste, self.worth = TasteView(context), WorthView(context)
        self.words = WordsView(context)
        views = (
            self.faces, self.pair, self.face, self.alike, self.accuracy, self.quality,
            self.where, self.taste, self.worth, self.words,
        )  # fmt: skip
        self._view: dict[str, View] = dict(zip(VIEWS, views, strict=True))
        self.run = Picker()
        self.run.setMinimumWidth(150)
        self.run.setSizeAdjustPolicy(Picker.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.run.setMinimumContentsLength(10)
        self.run.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.run.setAccessibleName("Run")
        self.run.setPlaceholderText("Choose a run")
        self.segments = Segments(VIEWS)
        self.note = label(NOTE, "small")
        self.add = AddLabelerButton(context, lambda: self.data)
        self.add.entered.connect(self._entered)
        self.export = ExportButton(context, lambda: self._view[self.segments.current])
        self.notice, self.offer = RunNotice(context.theme), RunOffer(self._show_run)
        self.no_study, self.no_runs = no_study(context, "explore"), NoRuns(context)
        self.history = SelectionHistory(context.theme, self)
        self.named = NamedViewsButton(context, self)

    def _lay_out(self) -> None:
        """A line of controls and one of the views' names, the view in the rest, and the note about
        judgments below.

        Without runs a page takes the view's place; without a study one takes that of everything.
        """
        self._stack = QStackedWidget()
        for view in (*self._view.values(), self.no_runs):
            self._stack.addWidget(view)
        self._title = label("Explore", "title")
        tools = (self.run, self.add, GRID, self.named, self.export)
        top = columns(self._title, self.history.buttons, GRID, *tools, gap=GRID)
        top.setStretch(3, 1)
        names = columns(self.segments, None)
        foot = columns(self.note, self.notice, self.offer, gap=2 * GRID)
        foot.setStretch(1, 1)
        foot.setStretch(2, 1)
        (told := QWidget()).setLayout(foot)
        told.setFixedHeight(ROOM)  # whatever is told, nothing moves
        upper = rows(top, names, self._stack, gap=GRID)
        upper.setStretch(2, 1)
        inside = rows(upper, told, gap=2 * GRID)
        inside.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, GRID + 4)
        inside.setStretch(0, 1)
        (body := QWidget()).setLayout(inside)
        self._whole = QStackedWidget()
        self._whole.addWidget(body)
        self._whole.addWidget(self.no_study)
        self.setLayout(rows(self._whole, gap=0))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def _connect(self) -> None:
        context = self.context
        context.study_opened.connect(self._open)
        context.study_closed.connect(self._open)
        context.changed.connect(self._changed)
        # In this thread, for the worker answers no more; the model's process ends even if the
        # panel was destroyed before its window was closed.
        context.closing.connect(self._close_models)
        self._loader.read.connect(self._loaded)
        self._loader.missed.connect(self._missed)
        self.no_runs.found.connect(lambda: self._show_view(self.segments.current))
        self.run.currentIndexChanged.connect(lambda _: self._choose_run())
        self.segments.picked.connect(self._show_view)
        for view in self._view.values():
            view.face_wanted.connect(self._show_face)
            view.pair_wanted.connect(self._compare)
        self.history.moved.connect(self._show_place)
        self.named.wanted.connect(self._show_named)
        self.pair.run_wanted.connect(self._show_run)
        self.faces.attribute_wanted.connect(self._score)
        self.faces.new_images.grown.connect(self._give_data)
        self.face.back_wanted.connect(self._go_back)
        for number, name in enumerate(VIEWS, start=1):
            bind(self, f"view {name}", partial(self._turn_to, name))
            set_tip(self.segments.button(name), f"{VIEWS[name]} (Alt+{number % 10})")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window the rail alone says where one is, and no button is cut."""
        super().resizeEvent(event)
        wide = event.size().width() >= NARROW
        self._title.setVisible(wide)
        self.history.buttons.setVisible(wide and bool(self._runs))
        self.export.show_text(wide)
        self.run.setMinimumWidth(150 if wide else 90)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.history.watch(True)
        self._list()
        self._show_view(self.segments.current)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.history.watch(False)

    def _open(self) -> None:
        self._runs, self._wanted = (), ""
        self.run.offer([])
        self.run.hide()
        self.history.buttons.hide()
        self._forget()
        self._stale |= OF_STUDY
        study = self.context.study
        chosen = (
            Selection() if study is None else self._kept.setdefault(str(study.path), Selection())
        )
        for view in self._view.values():
            view.begin_anew(chosen)
        self.history.begin(chosen)
        self.named.begin(chosen)
        self._whole.setCurrentIndex(1 if study is None else 0)
        self.segments.settle(chosen.view)
        self._show_view(chosen.view)
        self._ask_names()
        self._list()

    def _changed(self, changes: Any) -> None:
        if changes.runs:
            self._list()
        if changes.labelers:
            self._ask_names()
        if changes.trials or changes.labelers or changes.attributes:
            self._stale |= OF_STUDY
            if self.isVisible():
                self._fill(self.segments.current)

    def _ask_names(self) -> None:
        study = self.context.study

        def take(labelers: Any) -> None:
            if self.context.study is study:
                self._name(labelers)

        if study is not None:
            self.context.ask(
                study.labelers, take, owner=self, what="Reading the labelers", topic="labelers"
            )

    def _name(self, labelers: Any) -> None:
        self._names = people((each.code, each.display_name) for each in labelers)
        if self.data is not None:
            self.data.everybody = tuple(self._names)
            self.data.names.update(
                {code: self._names.get(code, code) for code in self.data.labelers}
            )
            self._give_data()

    def _list(self) -> None:
        study = self.context.study

        def take(runs: tuple[RunSummary, ...]) -> None:
            if self.context.study is study and runs != self._runs:
                self._show_runs(runs)

        if study is not None:
            runs = partial(operations.explorable, Path(study.path))
            self.context.ask(runs, take, owner=self, topic="runs", what="Reading the runs")

    def _show_runs(self, runs: tuple[RunSummary, ...]) -> None:
        before, self._runs = {str(run.path): run for run in self._runs}, runs
        chosen = self.run.key
        self.run.offer([(str(run.path), title(run, run_choice.marks(run, runs))) for run in runs])
        for place, run in enumerate(runs):
            self.run.setItemData(place, tip_text(run.note), Qt.ItemDataRole.ToolTipRole)
        # as wide as its titles, whatever the field itself has room for
        self.run.view().setMinimumWidth(self.run.view().sizeHintForColumn(0) + 4 * GRID)
        self.run.setVisible(bool(runs))
        self.history.buttons.setVisible(bool(runs) and self.width() >= NARROW)
        for view in self._view.values():
            view.personal = run_choice.best_personal(runs)
        self.pair.offer_runs(runs)
        now = next((run for run in runs if str(run.path) == self._request), None)
        if self._request and (
            now is None or run_choice.trained_further(before.get(str(now.path)), now)
        ):
            self._forget()  # gone, or trained further since it was read
        self._show_view(self.segments.current)
        if runs:
            self._choose_best(chosen)
        self._take_wanted()
        self._read()
        self._offer_better()

    def _choose_best(self, chosen: str) -> None:
        """The run that was chosen before, or else the best: what labelers differ in is what people
        come for. Nobody who looks on is moved to another run."""
        kept = self.selection.run
        stays = self.selection.by_hand or (chosen and self.isVisible())
        if not self.run.has(kept) or not stays:
            kept = str(self._runs[0].path)
        if kept != self.selection.run:
            self.selection.run, self.selection.by_hand = kept, False
        if not chosen or kept != chosen:
            self.run.settle(kept)

    def _offer_better(self) -> None:
        """Offer a run that was finished since somebody chose one, if it is better."""
        shown = next((run for run in self._runs if str(run.path) == self.run.key), None)
        found = run_choice.better(shown, self._runs)
        if found is None or str(found.path) in self.selection.known:
            self.offer.offer("", "")
        else:
            self.offer.offer(str(found.path), f"Another run may tell more: {title(found)}.")

    def _tell_run(self) -> None:
        """Say what the run that is shown cannot tell, in the views that ask it."""
        data, name = self.data, self.segments.current
        alone = data is not None and len(data.labelers) < 2
        why = one_labeler(data) if data is not None and alone else ""
        allow(why, self.segments.button("two"))
        entering = "" if data is None else data.obstacles.entering
        allow(entering, self.add)
        if name == "where" and data is not None and data.obstacles.maps:
            best = run_choice.best_with_tower(self._runs)
            self.notice.tell(
                data.obstacles.maps,
                (f"Show {run_choice.run_name(best)}", partial(self._show_run, str(best.path)))
                if best is not None
                else ("Go to Train", lambda: self.context.panel_wanted.emit("train")),
            )
            return
        if name in PREDICTING and (told := entering or ("" if name == "two" else why)):
            train = ("Go to Train", lambda: self.context.panel_wanted.emit("train"))
            self.notice.tell(told, train if entering else None)
            return
        if data is None or name not in COMPARING or not data.ignores_labelers:
            self.notice.tell("")
            return
        text = run_choice.ignoring(data.title)
        if name == "agreement":
            text += " The agreement below is of the labelers' own answers."
        self.notice.tell(text, self._way_out())

    def _way_out(self) -> tuple[str, Callable[[], object]]:
        """To a run that tells labelers apart."""
        best = run_choice.best_personal(self._runs)
        if best is None:
            return "Train a personal run", lambda: self.context.panel_wanted.emit("train")
        return f"Show {run_choice.run_name(best)}", partial(self._show_run, str(best.path))

    def _choose_run(self) -> None:
        """Somebody chose a run."""
        if self.run.key:
            self.selection.run, self.selection.by_hand = self.run.key, True
            self.selection.known = frozenset(str(run.path) for run in self._runs)
        self._read()
        self._offer_better()

    def _take_wanted(self) -> None:
        if self._wanted and self.run.has(self._wanted):
            wanted, self._wanted = self._wanted, ""
            self.run.pick(wanted)

    def _read(self) -> None:
        path = self.run.key
        if not path or path == self._request:
            return
        self._forget()
        self._request = path
        self._loader.start(Path(path), self._names)

    def _entered(self, code: str) -> None:
        """Read the run again, with somebody new in it, and show their faces."""
        self.show_view("faces")
        self._forget()
        self._read()
        self._new_labeler = code

    def _loaded(self, data: RunData) -> None:
        """Show the run that was read, and whoever was just added to it."""
        code = self._new_labeler
        self._take(data)
        if data.damage:
            self.context.message(" ".join(data.damage), "warn")
        if code in data.labelers:
            self._fill("faces")
            self.faces.labeler.pick(code)
        elif code:
            self.context.message(
                f"The predictions for {self._names.get(code, code)} cannot be read.", "warn"
            )

    def _missed(self) -> None:
        """Nothing is shown, so nothing may seem chosen."""
        self._request = self._new_labeler = self.selection.run = ""
        self.run.choose_none()

    def _forget(self) -> None:
        """Show no run, and wait for none."""
        self._loader.forget()
        self._request = ""
        self._take(None)

    def _take(self, data: RunData | None) -> None:
        """Show another run and end the process that held the model of the one before."""
        before, self.data = self.data, data
        self._new_labeler = ""
        if before is not None:
            self._leaving[id(before)] = before

            def left(_: object) -> None:
                self._leaving.pop(id(before), None)

            self.context.ask(before.close, left, owner=self, what="Putting the model away")
        self._give_data()

    def _close_models(self) -> None:
        for data in (*self._leaving.values(), *(() if self.data is None else (self.data,))):
            data.close()

    def _give_data(self) -> None:
        """Fill the view in front; the others when they are looked at."""
        self._stale |= set(VIEWS)
        self._fill(self.segments.current)
        self._tell_run()
        if self.segments.current == "face":
            self._follow()

    def _fill(self, name: str) -> None:
        if name in self._stale:
            self._stale.discard(name)
            self._view[name].show_data(self.data)

    def _show_view(self, name: str) -> None:
        """Bring a view to the front, on what is chosen.

        One face follows the order of the view that it was opened from, as it was then.
        """
        before, self.selection.view = self.selection.view, name
        self._fill(name)
        self._view[name].show_selection()
        self._tell_run()
        self.run.bar(
            {str(run.path) for run in self._runs if name == "accuracy" and run.macro is None}
        )
        if name == "face" and before != "face":
            self.selection.source = before if before in ORDERED else self.selection.source
            self._follow()
        bare = not self._runs and self.no_runs.covers(name)
        allow(self.no_runs.why if bare else "", self.export)
        self._stack.setCurrentWidget(self.no_runs if bare else self._view[name])
        self.add.setVisible(name in PREDICTING and not bare)
        self.note.setVisible(name in (*PREDICTING, "where") and not bare)

    def _follow(self) -> None:
        """Let Next and Previous go through the faces as the view that one came from has them.

        Where nobody chose a face and nothing is searched for, they go in the run's own order.
        """
        name = self.selection.source
        if not self.selection.face and not self.selection.search:
            self.face.follow(FaceOrder())
            return
        view = self.pair if name == "two" else self.faces
        self._fill(name)
        view.show_selection()
        self.face.follow(view.order())

    def _show_place(self) -> None:
        """Show what is chosen now, for history went back or forward."""
        chosen = self.selection
        if self.run.has(chosen.run):
            self.run.settle(chosen.run)
            self._read()
        else:
            chosen.run = self.run.key
        if self.data is not None:  # what nobody had chosen then is what comes first
            chosen.labeler = chosen.labeler or self.data.labelers[0]
            chosen.attribute = chosen.attribute or self.data.attributes[0]
        self.segments.settle(chosen.view)
        self._show_view(chosen.view)
        if chosen.view == "face":
            self._follow()

    def _show_named(self, view: NamedView) -> None:
        """Show what somebody saved under a name; Back leads to what was shown before."""
        study = self.context.study
        if study is None:
            return
        self.history.look()
        before = self.run.key
        choose(self.selection, dict(view.chosen), Path(study.path))
        if self.selection.run and not self.run.has(self.selection.run):
            self.context.message("The run of this view is gone; it is shown of this run.", "warn")
            self.selection.run = before
        self._show_place()

    def _show_face(self, row: int) -> None:
        if self.data is not None:
            self.selection.face = self.data.images[row]
        self.show_view("face")
        self.face.setFocus()

    def _go_back(self) -> None:
        """To the gallery from which a face was opened, on the face that was looked at last."""
        self.show_view(self.selection.source)
        self._view[self.selection.source].setFocus()

    def _turn_to(self, name: str) -> None:
        self.show_view(name)
        self.segments.button(name).setFocus()  # from where Tab leads into the view

    def _compare(self, one: str, other: str) -> None:
        self.show_view("two")
        self.pair.compare(one, other, self._names)

    def _show_run(self, path: str) -> None:
        """Show another run, in the view in front."""
        if self.run.has(path):
            self.run.pick(path)
        else:
            self.context.message("That run is not there any more.", "warn")

    def _score(self, attribute: str) -> None:
        """Score every face on an attribute that nobody labeled."""
        data = self.data

        def show() -> None:
            if data is self.data:
                for view in (self.faces, self.pair, self.face):
                    view.offer()
                self.faces.attribute.pick(attribute)
                self.faces.typed.clear()

        if data is not None:
            score_words(self.context, data, attribute, self, show)

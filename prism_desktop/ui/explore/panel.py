"""The Explore panel: what a run's model believes of each labeler, and the labels themselves."""

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from prism_desktop.engine.analysis.face_ranking import NOWHERE
from prism_desktop.engine.runs import run_choice
from prism_desktop.engine.runs.named_views import NamedView
from prism_desktop.engine.runs.run_list import RunSummary
from prism_desktop.engine.stimulus_words import FACES
from prism_desktop.ui.bare_pages import no_study
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.add_labeler_form import AddLabelerButton
from prism_desktop.ui.explore.brushed_faces import BrushedFaces
from prism_desktop.ui.explore.pair_pages import one_labeler
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.run_loader import RunLoader
from prism_desktop.ui.explore.run_notice import RunFoot
from prism_desktop.ui.explore.run_picker import RunPicker
from prism_desktop.ui.explore.selection import (
    OF_ANSWERS,
    OF_STUDY,
    OF_WORDS,
    OF_WRITING,
    ORDERED,
    PREDICTING,
    VIEWS,
    FaceOrder,
    Selection,
)  # fmt: skip
from prism_desktop.ui.explore.selection_history import SelectionHistory
from prism_desktop.ui.explore.study_names import StudyNames
from prism_desktop.ui.explore.top_line import TopLine
from prism_desktop.ui.explore.unlabeled import RecalledWords, score_words
from prism_desktop.ui.explore.view import ExportButton, View
from prism_desktop.ui.explore.view_stack import ViewStack
from prism_desktop.ui.explore.views_button import NamedViewsButton
from prism_desktop.ui.explore.writer_runs import Writers
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.shortcuts import SHORTCUTS, bind
from prism_desktop.ui.spoken_labels import Captions
from prism_desktop.ui.widgets.basics import GRID, columns, rows
from prism_desktop.ui.widgets.pickers import Segments
from prism_desktop.ui.widgets.possible import allow


class ExplorePanel(QWidget):
    """Chooses the run and the view; each view shows the same data."""

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self.context = context
        self.data: RunData | None = None
        self._runs: tuple[RunSummary, ...] = ()
        self._loader = RunLoader(context, self)
        self._new_labeler = ""  # code of a labeler who was just added to the run being read
        self._wanted = ""  # path of a run that was asked for and is not listed yet
        self._kept: dict[str, Selection] = {}  # what was chosen, by the study's path
        # path of the run being read or shown; empty when that failed or was cancelled
        self._request = ""
        self._make()
        self._lay_out()
        self._connect()
        self._captions = Captions(self, context)
        self._open()

    def views(self) -> tuple[str, ...]:
        """The views that can be shown."""
        hidden = () if self._writes() else tuple(OF_WRITING)
        return (*(name for name in VIEWS if name not in hidden), "map", "models")

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
        return self._stack.view(name)

    def idle(self) -> bool:
        """Whether everything asked for has been shown."""
        if self.context.worker.busy or any(
            each.busy for each in (self._loader, self.recalled, self.brushed)
        ):
            return False
        current = self.view(self.segments.current)
        if self.data is None and self.segments.current not in OF_STUDY | OF_WRITING:
            return True
        return self.segments.current not in self._stack.stale and current.idle()

    def _make(self) -> None:
        """The views, what stands above them, and what stands in their place."""
        context = self.context
        self.writers = Writers(context, self)
        views = self._stack = ViewStack(context, self.writers)
        self.faces, self.pair, self.face = views.faces, views.pair, views.face
        self.alike, self.accuracy, self.quality = views.alike, views.accuracy, views.quality
        self.where, self.taste, self.worth = views.where, views.taste, views.worth
        self.words, self.replies, self.people = views.words, views.replies, views.people
        self.agreement, self.no_runs = self.alike.answers, views.no_runs
        self.run = RunPicker()
        self.segments = Segments(VIEWS)
        self.brushed, self.recalled = BrushedFaces(context), RecalledWords(context, self)
        self.add = AddLabelerButton(context, lambda: self.data)
        self.add.entered.connect(self._entered)
        self.export = ExportButton(context, lambda: self.view(self.segments.current))
        self.foot = RunFoot(context, self._show_run)
        self.note, self.notice, self.offer = self.foot.note, self.foot.notice, self.foot.offer
        self.no_study = no_study(context, "explore")
        self.names = StudyNames(context, self)
        self.history = SelectionHistory(context.theme, self)
        self.named = NamedViewsButton(context, self)

    def _lay_out(self) -> None:
        """A line of controls and one of the views' names, the view in the rest, and the note about
        judgments below.

        Without runs a page takes the view's place; without a study one takes that of everything.
        """
        self.top = TopLine(self.history.buttons, self.run, self.add, self.named, self.export)
        names = columns(self.segments, None, self.brushed)
        upper = rows(self.top, names, self._stack, gap=GRID)
        upper.setStretch(2, 1)
        inside = rows(upper, self.foot, gap=2 * GRID)
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
        context.closing.connect(lambda: self._loader.close(self.data))
        self._loader.read.connect(self._loaded)
        self.names.changed.connect(self._name)
        self._loader.missed.connect(self._missed)
        self._loader.completed.connect(partial(self._renew, OF_ANSWERS))
        self.no_runs.found.connect(lambda: self._show_view(self.segments.current))
        self.run.currentIndexChanged.connect(lambda _: self._choose_run())
        self.segments.picked.connect(self._show_view)
        for view in self._stack.views():
            view.face_wanted.connect(self._show_face)
            view.pair_wanted.connect(self._compare)
            view.brush_moved.connect(self._look_at_brush)
        self.brushed.changed.connect(self._brush)
        self.recalled.came.connect(partial(self._renew, OF_WORDS))
        self.history.moved.connect(self._show_place)
        self.named.wanted.connect(self._show_named)
        self.pair.run_wanted.connect(self._show_run)
        self.faces.attribute_wanted.connect(self._score)
        self.faces.new_images.grown.connect(self._give_data)
        self.face.back_wanted.connect(self._go_back)
        self.people.person_wanted.connect(self._show_person)
        for name in VIEWS:
            bind(self, f"view {name}", partial(self._turn_to, name))
            keys = SHORTCUTS[f"view {name}"].keys
            set_tip(self.segments.button(name), f"{VIEWS[name]} ({keys})")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.history.watch(True)
        self.writers.renew()
        self._list()
        self._show_view(self.segments.current)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.history.watch(False)

    def _open(self) -> None:
        self._runs, self._wanted = (), ""
        self.run.offer_runs(())
        self.top.show_history()
        self._forget()
        self._stack.stale |= OF_STUDY
        study = self.context.study
        chosen = (
            Selection() if study is None else self._kept.setdefault(str(study.path), Selection())
        )
        for view in self._stack.views():
            view.begin_anew(chosen)
        self.history.begin(chosen)
        self.named.begin(chosen)
        self._whole.setCurrentIndex(1 if study is None else 0)
        self._offer_writing()
        if chosen.view in OF_WRITING and not self._writes():
            chosen.view = "faces"
        self.segments.settle(chosen.view)
        self._show_view(chosen.view)
        self.names.ask()
        self._list()

    def _writes(self) -> bool:
        """Whether runs of the study's kind may write: texts alone have such."""
        return self.context.study is not None and self.context.words is not FACES

    def _offer_writing(self) -> None:
        """Show the views of runs that write where there may be such runs."""
        for name in OF_WRITING:
            self.segments.button(name).setVisible(self._writes())

    def _changed(self, changes: Any) -> None:
        if changes.runs:
            self._list()
            if self.isVisible() and self.segments.current in OF_WRITING:
                self.writers.look()
        if changes.labelers or changes.attributes:
            self.names.ask()
        if changes.trials or changes.labelers or changes.attributes:
            self._stack.stale |= OF_STUDY
            if self.isVisible():
                self._fill(self.segments.current)

    def _name(self) -> None:
        """Labelers are called otherwise."""
        if self.data is not None:
            self.data.call(self.names.people)
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
        self.run.offer_runs(runs)
        self.top.show_history()
        for view in self._stack.views():
            view.personal = run_choice.best_personal(runs)
        self.pair.offer_runs(runs)
        now = next((run for run in runs if str(run.path) == self._request), None)
        if self._request and (
            now is None or run_choice.trained_further(before.get(str(now.path)), now)
        ):
            self._forget()  # gone, or trained further since it was read
        self._show_view(self.segments.current)
        if runs:
            self.run.choose_best(chosen, self.selection)
        self._take_wanted()
        self._read()
        self._offer_better()

    def _offer_better(self) -> None:
        """Offer a run that was finished since somebody chose one, if it is better."""
        self.foot.offer_run(self.run.better(self.selection))

    def _tell_run(self) -> None:
        """Say what the run that is shown cannot tell, in the views that ask it."""
        data = self.data
        alone = data is not None and len(data.labelers) < 2
        allow(one_labeler(data) if data is not None and alone else "", self.segments.button("two"))
        allow("" if data is None else data.obstacles.entering, self.add)
        self.foot.tell(self.segments.current, data, self._runs)

    def _choose_run(self) -> None:
        """Somebody chose a run."""
        if self.run.key:
            self.brushed.leave(self.selection, self.run.key)
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
        self._loader.start(Path(path), self.names.people)

    def _entered(self, code: str) -> None:
        """Read the run again, with somebody new in it, and show their faces."""
        self.show_view("faces")
        self._forget()
        self._read()
        self._new_labeler = code

    def _loaded(self, data: RunData) -> None:
        """Show the run that was read, and whoever was just added to it."""
        code = self._new_labeler
        self.named.tell(data, self.names.people, self.names.attributes)
        self._take(data)
        if data.damage:
            self.context.message(" ".join(data.damage), "warn")
        if code in data.labelers:
            self._fill("faces")
            self.faces.labeler.pick(code)
        elif code:
            self.context.message(
                f"The predictions for {self.names.people.get(code, code)} cannot be read.", "warn"
            )

    def _missed(self) -> None:
        """Nothing is shown, so nothing may seem chosen."""
        self._forget()  # it may be shown, and its predictions be found to be damaged
        self._request = self._new_labeler = self.selection.run = ""
        self.run.choose_none()
        self.named.forget()

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
            self._loader.put_away(before)
        self._give_data()

    def _give_data(self) -> None:
        """Fill the view in front; the others when they are looked at."""
        self._stack.stale |= set(VIEWS)
        self._fill(self.segments.current)
        self._tell_run()
        self._look_at_brush()
        self.recalled.look(self.data, self.selection)
        if self.segments.current == "face":
            self._follow()

    def _look_at_brush(self) -> None:
        self.brushed.look(self.selection, self.data)

    def _brush(self) -> None:
        """Other faces are brushed: the view in front shows them at once."""
        self._look_at_brush()
        self.view(self.segments.current).show_selection()
        if self.segments.current == "face":
            self._follow()

    def _renew(self, views: set[str], data: RunData) -> None:
        """More is known of a run, such as words that were typed before: these views show it."""
        if data is self.data:
            self._offer_words()
            self._stack.renew(views, self.segments.current, data)

    def _fill(self, name: str) -> None:
        self._stack.fill(name, self.data)

    def _show_view(self, name: str) -> None:
        """Bring a view to the front, on what is chosen.

        One face follows the order of the view that it was opened from, as it was then.
        """
        before, self.selection.view = self.selection.view, name
        self._fill(name)
        self.view(name).show_selection()
        self._tell_run()
        self._look_at_brush()
        self.recalled.look(self.data, self.selection)
        self.run.bar(
            {str(run.path) for run in self._runs if name == "accuracy" and run.macro is None}
        )
        if name == "face" and before != "face":
            self.selection.source = before if before in ORDERED else self.selection.source
            self._follow()
        bare = not self._runs and self.no_runs.covers(name)
        allow(self.no_runs.why if bare else "", self.export)
        self._stack.bring(name, bare=bare)
        self.run.setVisible(bool(self._runs) and name not in OF_WRITING)  # it judges
        self.add.setVisible(name in PREDICTING and not bare)

    def _follow(self) -> None:
        """Let Next and Previous go through the faces as the view that one came from has them.

        Where nobody chose a face and nothing is searched for or brushed, they go in the run's own
        order.
        """
        chosen = self.selection
        if not chosen.face and not chosen.search and chosen.area == NOWHERE:
            self.face.follow(FaceOrder())
            return
        view = self.pair if chosen.source == "two" else self.faces
        self._fill(chosen.source)
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
        self.history.look()
        self.named.choose(view, self.run)
        data, wanted = self.data, self.selection.run or self.run.key
        if not wanted or (data is not None and wanted == str(data.folder)):
            self.named.tell(data, self.names.people, self.names.attributes)
        self._show_place()

    def _show_face(self, row: int) -> None:
        if self.data is not None:
            self.selection.face = self.data.images[row]
        self.show_view("face")
        self.face.setFocus()

    def _go_back(self) -> None:
        """To the gallery from which a face was opened, on the face that was looked at last."""
        self.show_view(self.selection.source)
        self.view(self.selection.source).setFocus()

    def _turn_to(self, name: str) -> None:
        if name in OF_WRITING and not self._writes():
            return
        self.show_view(name)
        self.segments.button(name).setFocus()  # from where Tab leads into the view

    def _show_person(self, code: str) -> None:
        self.replies.choose_person(code)
        self.show_view("replies")

    def _compare(self, one: str, other: str) -> None:
        self.show_view("two")
        self.pair.compare(one, other, self.names.people)

    def _show_run(self, path: str) -> None:
        """Show another run, in the view in front."""
        if self.run.has(path):
            self.run.pick(path)
        else:
            self.context.message("That run is not there any more.", "warn")

    def _offer_words(self) -> None:
        for view in (self.faces, self.pair, self.face):
            view.offer()

    def _score(self, attribute: str) -> None:
        """Score every face on an attribute that nobody labeled."""
        data = self.data

        def show() -> None:
            if data is self.data:
                self._offer_words()
                self.selection.words = attribute
                self.faces.attribute.pick(attribute)
                self.faces.typed.clear()

        if data is not None:
            score_words(self.context, data, attribute, self, show)

"""The Label panel: who and what, instructions, trials."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from prism_desktop.engine.labeling.protocol import AfterGap, Protocol
from prism_desktop.engine.labeling.protocol_parts import PartCard
from prism_desktop.engine.names import people
from prism_desktop.engine.study.lacks import to_label
from prism_desktop.engine.study.records import AttributeRecord, Changes, Kind
from prism_desktop.ui import operations
from prism_desktop.ui.bare_pages import no_study
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.label.controller import LabelingController
from prism_desktop.ui.label.instructions import GAP, InstructionsPage
from prism_desktop.ui.label.keys import Keys
from prism_desktop.ui.label.keys_page import KeysPage
from prism_desktop.ui.label.lock_page import LockPage
from prism_desktop.ui.label.prefetch import ImagePrefetch
from prism_desktop.ui.label.protocol_page import ProtocolPage
from prism_desktop.ui.label.start_page import FOLLOW, StartPage
from prism_desktop.ui.label.trial_page import TrialPage
from prism_desktop.ui.study.home_page import see
from prism_desktop.ui.ways_out import way_out
from prism_desktop.ui.widgets.empty_state import EmptyState

if TYPE_CHECKING:
    from prism_desktop.engine.study.store import Study
    from prism_desktop.ui.label.history_page import HistoryPage
    from prism_desktop.ui.label.sample_size_page import SampleSizePage


class LabelPanel(QWidget):
    """Labeling, from choosing who labels to the last trial."""

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context = context
        self._overview: operations.Overview | None = None
        self._instruct = True
        self._next: LabelingController | None = None  # ready, behind the instructions
        self._card: PartCard | None = None  # of the protocol, that is read now
        self._stale = False  # what is shown is out of date; read again when it is looked at
        self.prefetch = ImagePrefetch(context.theme.tokens.stage, self)
        self.no_study = no_study(context, "label")
        self.no_one = EmptyState(context.theme, "image", "", "")
        self.start = StartPage(context)
        self.instructions = InstructionsPage(context)
        self.trial = TrialPage(context, self.prefetch)
        self.keys = KeysPage(context)
        self._plan: SampleSizePage | None = None
        self._history: HistoryPage | None = None
        self.protocol = ProtocolPage(context)
        self.lock = LockPage(context)
        self._led = False  # by a protocol: the session is left by the lock page alone
        self._opens: Callable[[str], bool] | None = None  # knows its PIN
        self._may_lock: bool | None = None  # what was said of a study from elsewhere
        self._before_lock: QWidget = self.start
        self.pages = QStackedWidget()
        for page in (
            self.no_study, self.no_one, self.start, self.instructions, self.trial, self.keys,
            self.protocol, self.lock,
        ):  # fmt: skip
            self.pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.pages)
        # pages that nothing but the labeler leaves
        self._staying = [self.trial, self.instructions, self.keys, self.protocol, self.lock]
        self._connect()
        self._study_changed()

    @property
    def plan(self) -> "SampleSizePage":
        """The page on how much is enough, made when it is first needed: it brings charts."""
        if self._plan is None:
            from prism_desktop.ui.label.sample_size_page import SampleSizePage

            self._plan = SampleSizePage(self._context)
            self._take_in(self._plan)
        return self._plan

    @property
    def history(self) -> "HistoryPage":
        """The page of answers given, likewise."""
        if self._history is None:
            from prism_desktop.ui.label.history_page import HistoryPage

            self._history = HistoryPage(self._context)
            self._take_in(self._history)
        return self._history

    def _take_in(self, page: "SampleSizePage | HistoryPage") -> None:
        self.pages.addWidget(page)
        self._staying.append(page)
        page.left.connect(self._pause)

    def views(self) -> tuple[str, ...]:
        """The views that can be shown."""
        overview = self._overview
        ready = (
            overview is not None
            and overview.labelers
            and overview.info.images
            and overview.attributes
        )
        return ("start", "comparison", "rating", "plan", "protocol") if ready else ("start",)

    def show_view(self, name: str) -> None:
        """Bring a view to the front.

        A task is shown as its first labeler would see it, without instructions.
        """
        if name == "start" or self._overview is None:
            self._pause()
            return
        if name == "plan":
            self.show_plan("comparison")
            return
        if name == "protocol":
            self.show_protocol()
            return
        self._instruct = False
        self.begin(self._overview.labelers[0].code, "rating" if name == "rating" else "comparison")

    def idle(self) -> bool:
        """Whether everything that is shown has arrived."""
        pages = [each for each in (self._plan, self._history) if each is not None]
        return self._context.idle() and self.prefetch.idle() and all(page.idle() for page in pages)

    def begin(self, labeler: str, kind: Kind) -> None:
        """Prepare a session; instructions come first after a long gap."""
        study = self._context.study
        if study is None:
            return
        self._context.settings.put(
            "label", {"study": str(study.path), "labeler": labeler, "kind": kind}
        )
        if self._held_back():
            return
        self.trial.use_keys(Keys(self._context.settings.keys))
        follow = self._context.settings.get(FOLLOW, False) is True
        controller = LabelingController(
            self._context, study, labeler, kind, self.prefetch, follow=follow
        )
        controller.ready.connect(lambda: self._ready(controller))

    @property
    def labeling(self) -> bool:
        """Whether a trial is shown."""
        return self.pages.currentWidget() is self.trial and self.trial.controller is not None

    def held_back(self) -> int:
        """How many key presses could not be saved."""
        return 0 if self.trial.controller is None else self.trial.controller.held_back

    def rescued(self) -> str:
        """Where answers are that a study which is gone could not take; empty if it is there."""
        return "" if self.trial.controller is None else self.trial.controller.rescued

    def close_down(self) -> None:
        """End the decoding thread; called when the window closes."""
        self._drop_next()
        self.trial.end()
        self.prefetch.close()

    def _connect(self) -> None:
        context = self._context
        context.study_opened.connect(self._study_changed)
        context.study_closed.connect(self._study_changed)
        context.changed.connect(self._changed)
        context.closing.connect(self.close_down)
        context.pause_wanted.connect(self._pause)
        context.held_back = self.held_back
        context.rescued = self.rescued
        self.start.begun.connect(self.begin)
        self.start.keys_wanted.connect(self.show_keys)
        self.keys.left.connect(self._leave_keys)
        self.start.plan_wanted.connect(self.show_plan)
        self.start.history_wanted.connect(self.show_history)
        self.instructions.begun.connect(self._go_on)
        self.instructions.practice_wanted.connect(self._practise)
        self.instructions.left.connect(self._pause)
        self.trial.paused.connect(self._pause_trial)
        # the page is at work
        self.trial.practised.connect(self._end_practice, Qt.ConnectionType.QueuedConnection)
        self.trial.reached.connect(self._say_enough)
        queued = Qt.ConnectionType.QueuedConnection
        self.trial.card_wanted.connect(self._read_card, queued)
        self.trial.finished.connect(self._finish, queued)
        self.instructions.decided.connect(self._decide_gap)
        self.instructions.locked.connect(self._decide_lock)
        self.start.protocol_wanted.connect(self.show_protocol)
        self.protocol.left.connect(self._pause)
        self.lock.resumed.connect(lambda: self._show(self._before_lock))
        self.lock.opened.connect(self._unlock)

    def _ready(self, controller: LabelingController) -> None:
        """Enter a session that is ready; after a long gap its instructions come first.

        The faces are decoded while the instructions are read. The session ends at once if its study
        was closed or answers were held back meanwhile. `_instruct` is off for one session only.
        """
        overview = self._overview
        if overview is None or self._context.study is not controller.study or self._held_back():
            controller.end()
            return
        self._drop_next()
        if controller.rules is not None:
            self._begin_protocol(controller, controller.rules)
            return
        last = controller.last_seen
        if self._instruct and (last is None or time.time() - last > GAP):
            self._next = controller
            controller.look_ahead(self.trial.stimulus.box(1 if controller.kind == "rating" else 2))
            self.instructions.show_instructions(controller.kind, self.trial.keys)
            self._show(self.instructions)
        else:
            self._enter(controller, overview)
        self._instruct = True

    def _begin_protocol(self, controller: LabelingController, rules: Protocol) -> None:
        """What comes before the first trial of a session under a protocol."""
        self._next = controller
        origin, locks = self._context.origin, bool(rules.locked_by)
        if locks and self._may_lock is None and origin is not None and origin.foreign:
            self.instructions.show_lock()
            self._show(self.instructions)
            return
        locks = locks and self._may_lock is not False
        self._led = True
        self._opens = rules.opens if locks else None
        mode = "locked" if locks else "blinded" if rules.blinded else ""
        self._context.labeler_mode.emit(mode)
        first = controller.last_seen is None
        if controller.gap == "ask" and not first:
            self.instructions.show_gap(controller.away)
        elif (first or controller.gap == "instructions") and self._instruct:
            self.instructions.show_protocol(rules, controller.kind, self.trial.keys)
        else:
            self._go_on()
            return
        controller.look_ahead(self.trial.stimulus.box(1 if controller.kind == "rating" else 2))
        self._show(self.instructions)

    def _decide_lock(self, locks: bool) -> None:
        """Somebody said whether a study from elsewhere may lock the screen."""
        self._may_lock, controller = locks, self._next
        if controller is not None and controller.rules is not None:
            self._begin_protocol(controller, controller.rules)

    def _decide_gap(self, then: str) -> None:
        """The labeler said how to go on; the session is ready again then."""
        controller, self._next = self._next, None
        if controller is not None:
            self._instruct = True
            controller.decide_gap(cast("AfterGap", then), instruct=then == "instructions")

    def _read_card(self, card: PartCard) -> None:
        """Something is to be read before the next trial."""
        controller = self.trial.controller
        slot = None if controller is None or controller.queue is None else controller.queue.current
        read = self._card == card and self.pages.currentWidget() is self.instructions
        if slot is not None and not read:
            self._card = card
            rules = None if controller is None else controller.rules
            self.instructions.show_part(card, slot.shown.kind, self.trial.keys, rules)
            self._show(self.instructions)

    def _finish(self, failed: bool) -> None:
        if self.pages.currentWidget() is self.trial:
            self.instructions.show_done(failed=failed)
            self._show(self.instructions)

    def _enter(self, controller: LabelingController, overview: operations.Overview) -> None:
        attributes: dict[str, AttributeRecord] = {each.name: each for each in overview.attributes}
        names = people((each.code, each.display_name) for each in overview.labelers)
        who = names.get(controller.labeler, controller.labeler)
        self.trial.begin(controller, attributes, who, overview.info.words)
        self._show(self.trial)

    def _go_on(self) -> None:
        """From the instructions to the trials that count."""
        controller, self._next = self._next, None
        card, self._card = self._card, None
        if controller is not None and self._overview is not None:
            self._enter(controller, self._overview)
        elif card is not None:
            self.trial.read(card)
            self._show(self.trial)
        else:
            self._show(self.trial)

    def _practise(self) -> None:
        coming = self._next
        if coming is None:
            return
        practice = LabelingController(
            self._context, coming.study, coming.labeler, coming.kind, self.prefetch, practice=True
        )
        practice.ready.connect(lambda: self._begin_practice(practice))

    def _begin_practice(self, practice: LabelingController) -> None:
        shown = self.pages.currentWidget() is self.instructions
        # the labeler went on, or away
        if self._next is None or self._overview is None or not shown:
            practice.end()
        else:
            self._enter(practice, self._overview)

    def _end_practice(self) -> None:
        if self.trial.controller is not None and self.trial.controller.practice:
            self.trial.end()
            self.instructions.show_ready()
            self._show(self.instructions)

    def _pause_trial(self) -> None:
        if self.trial.controller is not None and self.trial.controller.practice:
            self._end_practice()
        else:
            self._pause()

    def _say_enough(self) -> None:
        queue = self.trial.controller.queue if self.trial.controller is not None else None
        if queue is not None:
            self.instructions.show_enough(queue.target)
            self._show(self.instructions)

    def _drop_next(self) -> None:
        if self._next is not None:
            self._next.end()
        self._next = None

    def _held_back(self) -> bool:
        """Whether answers of the session before could not be saved.

        Then they are shown in place of another one.
        """
        held_back = self.held_back()
        if held_back:
            self._show(self.trial)
        return bool(held_back)

    def _pause(self) -> None:
        """Back to the start page; from a session under a protocol to the page between the labeler
        and whoever leads the study: a key never brings a labeler to what is not for them."""
        here = self.pages.currentWidget()
        if self._led and here in (self.trial, self.instructions):
            self._before_lock = here
            over = here is self.instructions and self.instructions.over
            self.lock.show_lock(self._opens, over=over)
            self._show(self.lock)
            return
        if self._led and here is self.lock:
            return
        self._led = False
        self._context.labeler_mode.emit("")
        self._drop_next()
        self._card = None
        if self.trial.controller is not None:
            self.trial.controller.announce_changes()
        self._show(self.start)
        self._refresh()

    def _unlock(self) -> None:
        self._led = False
        self._pause()

    def show_protocol(self) -> None:
        """Show the page where the protocol is written; a session is paused for it."""
        if self.trial.controller is not None:
            self.trial.controller.announce_changes()
        self._drop_next()
        self.protocol.open_protocol()
        self._show(self.protocol)

    def show_keys(self) -> None:
        """Show the page where the keys are chosen; a session is paused for it."""
        if self.trial.controller is not None:
            self.trial.controller.announce_changes()
        self._drop_next()
        self.keys.reset()
        self._show(self.keys)

    def show_plan(self, kind: Kind) -> None:
        """Show how much is enough; a session is paused for it."""
        if self._overview is None:
            return
        self._drop_next()
        self._show(self.plan)
        self.plan.begin(self._overview, kind)

    def show_history(self, labeler: str) -> None:
        """Show what a labeler answered, with corrections and what was taken back."""
        known = () if self._overview is None else self._overview.labelers
        names = people((each.code, each.display_name) for each in known)
        self._drop_next()
        self._show(self.history)
        self.history.begin(labeler, names.get(labeler, labeler))

    def _leave_keys(self) -> None:
        """Where one would be without having chosen keys."""
        self._show(self.no_study if self._context.study is None else self.start)
        self._refresh()

    def start_as(self, labeler: str, kind: Kind) -> None:
        """Offer to begin, with this labeler and task chosen."""
        if self._context.study is not None and self.pages.currentWidget() is not self.no_one:
            self._pause()
            self.start.choose(labeler, kind)

    def start_telling(self, labeler: str, kind: Kind) -> None:
        """The same, with the most telling trials first from now on."""
        self.start.set_order(kind, "telling")
        self.start_as(labeler, kind)

    def _show(self, page: QWidget) -> None:
        self.pages.setCurrentWidget(page)
        self.setFocusProxy(page)
        if self.isVisible():
            page.setFocus()

    def _study_changed(self) -> None:
        self._overview = self._may_lock = None
        self._led = False
        self._context.labeler_mode.emit("")
        self._drop_next()
        self.trial.end()
        self.start.begin_anew()
        self.protocol.begin_anew()
        self.lock.pin.clear()
        for page in (self._plan, self._history):
            if page is not None:
                page.begin_anew()
        if self._context.study is None:
            self._show(self.no_study)
        else:
            self._refresh()

    def _changed(self, changes: Changes) -> None:
        if changes.images and self.trial.controller is not None:
            self.trial.controller.find_images()
        if self.pages.currentWidget() in self._staying:
            return
        self._stale = not self.isVisible()
        if not self._stale:
            self._refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._stale = False
            self._refresh()

    def _refresh(self) -> None:
        study = self._context.study
        if study is not None:
            self._context.ask(
                lambda: (study, operations.overview(study)),
                self._show_overview,
                owner=self,
                what="Reading the study",
                topic="overview",
            )

    def _show_overview(self, answer: "tuple[Study, operations.Overview]") -> None:
        study, overview = answer
        if study is not self._context.study:  # it was closed meanwhile
            return
        see(self._context, overview.info)
        first = self._overview is None
        self._overview = overview
        if self.pages.currentWidget() in self._staying:
            return
        lack = to_label(
            images=overview.info.images,
            attributes=len(overview.attributes),
            words=overview.info.words,
        )
        if lack is not None:
            icon = "text" if overview.info.kind == "text" else "image"
            self.no_one.tell(lack.title, lack.why, way_out(self._context, lack.step), icon)
            self._show(self.no_one)
            return
        self.start.show_study(overview)
        for page in (self.instructions, self.keys):
            page.use_words(overview.info.words)
        if first:
            last = self._context.settings.get("label", {})
            if last.get("study") != str(study.path):  # its L2 is somebody else
                last = {}
            self.start.choose(last.get("labeler", ""), last.get("kind", ""))
        self._show(self.start)

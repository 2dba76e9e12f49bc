"""A sentence about the run that is shown, with the button for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.engine.runs import run_choice
from prism_desktop.engine.runs.run_list import RunSummary
from prism_desktop.engine.stimulus_words import FACES
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.pair_pages import one_labeler
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.selection import COMPARING, PREDICTING
from prism_desktop.ui.explore.view import title
from prism_desktop.ui.plain import literal
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import GRID, Icon, button, columns, label

NOTE = "These judgments say something about the labeler, not about the person shown."
ROOM = 36  # px: two lines of small text, or a button


@dataclass(frozen=True, slots=True)
class RunLack:
    """What a run cannot tell.

    Attributes:
        way: what the button says; empty where nothing is to be done about it.
        run: path of the run that it shows; empty where it leads to Train.
    """

    text: str
    way: str = ""
    run: str = ""


def what_lacks(view: str, data: RunData, runs: Sequence[RunSummary]) -> RunLack | None:
    """What a run cannot tell in a view, with the way to one of the `runs` that can."""
    lack = _bar(view, data)
    if lack and data.words is not FACES:  # of texts those on imported embeddings lack them
        return RunLack(lack)
    if lack:
        return _with_way(lack, run_choice.best_with_tower(runs), "Go to Train")
    entering = data.obstacles.entering
    if view in PREDICTING and entering:
        return RunLack(entering, "Go to Train")
    if view in PREDICTING and view != "two" and len(data.labelers) < 2:
        return RunLack(one_labeler(data))
    if view not in COMPARING or not data.ignores_labelers:
        return None
    text = run_choice.ignoring(data.title)
    if view == "agreement":
        text += " The agreement below is of the labelers' own answers."
    return _with_way(text, run_choice.best_personal(runs), "Train a personal run")


def _bar(view: str, data: RunData) -> str:
    """Why the run has nothing to show in a view; empty if it has."""
    return {"where": data.obstacles.maps, "words": data.obstacles.words}.get(view, "")


def _with_way(text: str, run: RunSummary | None, else_: str) -> RunLack:
    if run is None:
        return RunLack(text, else_)
    return RunLack(text, f"Show {run_choice.run_name(run)}", str(run.path))


class RunFoot(QWidget):
    """The line below the views: what judgments are, what the run cannot tell, a better run."""

    def __init__(self, context: AppContext, show: Callable[[str], object]) -> None:
        """`show` is given the path of a run to be shown."""
        super().__init__()
        self._show, self._train = show, partial(context.panel_wanted.emit, "train")
        self.note = label(NOTE, "small")
        self.notice, self.offer = RunNotice(context.theme), RunOffer(show)
        inside = columns(self.note, self.notice, self.offer, gap=2 * GRID)
        inside.setStretch(1, 1)
        inside.setStretch(2, 1)
        self.setLayout(inside)
        self.setFixedHeight(ROOM)  # whatever is told, nothing moves

    def tell(self, view: str, data: RunData | None, runs: Sequence[RunSummary]) -> None:
        """Say what the run cannot tell in a view, and what judgments are where it shows any."""
        barred = data is not None and bool(_bar(view, data))
        self.note.setVisible(view in (*PREDICTING, "where") and bool(runs) and not barred)
        told = None if data is None else what_lacks(view, data, runs)
        if told is None:
            self.notice.tell("")
            return
        act = partial(self._show, told.run) if told.run else self._train
        self.notice.tell(told.text, (told.way, act) if told.way else None)

    def offer_run(self, better: RunSummary | None) -> None:
        """Offer a better run, or none."""
        told = "" if better is None else f"Another run may tell more: {title(better)}."
        self.offer.offer("" if better is None else str(better.path), told)


class RunNotice(QWidget):
    """Stands below the view, in a line whose room is always there: a run may have been read while
    somebody looks on, and nothing moves."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.text = label("", "small", wrap=True)
        self.action = button("", self._act, "quiet")
        self._do: Callable[[], object] = lambda: None
        inside = columns(Icon(theme, "warning", 18, "warn"), self.text, self.action, gap=GRID)
        inside.setStretch(1, 1)
        self.setLayout(inside)
        self.setFixedHeight(ROOM)
        self.hide()

    def tell(self, text: str, action: tuple[str, Callable[[], object]] | None = None) -> None:
        """Say this, with a button if there is something to do about it; nothing hides it."""
        self.text.setText(text)
        self.action.setVisible(action is not None)
        if action is not None:
            self.action.setText(literal(action[0], 60))
            self._do = action[1]
        self.setVisible(bool(text))

    def _act(self) -> None:
        self._do()


class RunOffer(QWidget):
    """Offers a better run below the views, in a line whose room is always there: it may come while
    somebody works, and nothing moves."""

    def __init__(self, show: Callable[[str], object]) -> None:
        """`show` is given the path of the run."""
        super().__init__()
        self.text = label("", "small")
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.take = button("Show it", lambda: show(self.path), "quiet")
        self.path = ""
        inside = columns(self.text, self.take, gap=GRID)
        inside.setStretch(0, 1)
        self.setLayout(inside)
        self.setFixedHeight(ROOM)
        self.offer("", "")

    def offer(self, path: str, told: str) -> None:
        """Offer the run at a path; nothing if that is empty."""
        self.path = path
        self.text.setText(told)
        self.take.setVisible(bool(path))
        self.setVisible(bool(path))

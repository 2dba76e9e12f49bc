"""All that can be done in the window, by name: what the palette finds and does.

Panels, views, actions, and what the open study holds: labelers, attributes, runs, faces. To these
come the buttons of the panel in front, as they are at that moment, so that none can be forgotten.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QAbstractButton, QStackedWidget, QWidget

from prism_desktop.engine.plain_text import many_lines, one_line
from prism_desktop.engine.stimulus_words import FACES
from prism_desktop.engine.study.records import Kind
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.selection import VIEWS
from prism_desktop.ui.label.keys import Keys, names_for
from prism_desktop.ui.leave_dialogs import may_leave
from prism_desktop.ui.shortcuts import SHORTCUTS
from prism_desktop.ui.theme import Mode

if TYPE_CHECKING:
    from prism_desktop.ui.explore.panel import ExplorePanel
    from prism_desktop.ui.label.panel import LabelPanel
    from prism_desktop.ui.reachable import Reachable
    from prism_desktop.ui.study.panel import StudyPanel
    from prism_desktop.ui.train.panel import TrainPanel

NO_STUDY: Final = "No study is open."
_NOT_NOW: Final = "Not possible at present."
_SIMULATED: Final = "Simulated: their answers follow a planted taste."
_EVERY, _PATIENCE = 40, 750  # ms between looks whether a panel is filled, and how many looks


@dataclass(frozen=True, slots=True)
class Command:
    """Something to do."""

    name: str
    place: str
    act: Callable[[], object] = field(repr=False)
    keys: str = ""
    hindrance: str = ""  # why it cannot be done now; empty if it can


def caption(control: QAbstractButton) -> str:
    """What a button says, without its mark of a mnemonic."""
    text = control.text() or control.accessibleName() or control.toolTip()
    return one_line(text.replace("&&", "\0").replace("&", "").replace("\0", "&")).strip()


def hindrance(control: QWidget) -> str:
    """Why a control is disabled; empty if it is not."""
    if control.isEnabled():
        return ""
    return many_lines(control.toolTip()) or _NOT_NOW


class Host(Protocol):
    """What of the window commands use."""

    context: AppContext
    stack: QStackedWidget

    def show_panel(self, name: str) -> QWidget: ...
    def panel(self, name: str) -> QWidget | None: ...
    def set_mode(self, mode: Mode) -> None: ...
    def list_keys(self) -> None: ...
    def close(self) -> bool: ...


class Commands:
    """The commands of one window."""

    def __init__(self, window: Host) -> None:
        self._window = window
        self._context = window.context

    def all(self, found: "Reachable | None" = None) -> list[Command]:
        """Everything that can be done now; `found` is what the open study holds."""
        made = [
            *self._panels(),
            *self._study(),
            *self._label(),
            *self._train(found),
            *self._explore(found),
            *self._window_itself(),
            *self._recent(),
            *self._here(),
        ]
        if found is not None:
            made += [*self._people(found), *self._attributes(found), *self._runs(found)]
        return made

    def faces(
        self, named: Iterable[tuple[str, str]], found: "Reachable | None"
    ) -> Iterator[Command]:
        """Faces by name; `named` are names with identities."""
        why = "" if found is None or found.runs else "Train a model first."
        for name, image in named:
            word = self._context.words.one.capitalize()
            yield Command(name, word, partial(self._face, image), hindrance=why)

    def _here(self) -> Iterator[Command]:
        """The buttons of the panel in front that can be seen."""
        panel = self._window.stack.currentWidget()
        place = "In this panel"
        for control in panel.findChildren(QAbstractButton) if panel is not None else ():
            if control.isVisible() and (text := caption(control)):
                yield Command(text, place, control.click, hindrance=hindrance(control))

    def _panels(self) -> Iterator[Command]:
        for name in ("study", "label", "train", "explore"):
            known = SHORTCUTS[name]
            act = partial(self._window.show_panel, name)
            yield Command(known.does, "Panel", act, known.keys)

    def _study(self) -> Iterator[Command]:
        """Into and out of a study, and what is done with it as a whole."""
        panel = self._study_panel()
        overview = panel.overview

        def press(name: str, control: QAbstractButton) -> Command:
            why = NO_STUDY if self._context.study is None else hindrance(control)
            return Command(name, "Study", partial(self._press, "study", control), hindrance=why)

        yield Command("New study", "Study", partial(self._leave_for, "new"))
        yield Command("Open a study…", "Study", partial(self._leave_then, panel.home.open.click))
        for name, tile in (
            ("Demo study", panel.home.demo),
            ("Demo of texts", panel.home.texts_demo),
        ):
            yield Command(name, "Study", partial(self._leave_then, tile.click))
        yield press("Close the study", overview.close_button)
        if self._context.words is FACES:
            yield press("Import tables, embeddings or images…", overview.bring)
            yield press("Import a folder of images…", overview.importing.images)
        else:
            yield press("Import texts, tables or embeddings…", overview.bring)
        yield press("Export the study's tables…", overview.storage.export)
        yield press("Write a bundle for a paper, without names…", overview.storage.paper)
        yield press("Add a labeler", overview.labelers.add)
        yield press("Add an attribute", overview.attributes.add)
        yield press("Check the study…", overview.check)
        yield press("Go back to a backup…", overview.storage.restore)
        yield press("Back up the study now", overview.storage.back_up)

    def _label(self) -> Iterator[Command]:
        yield Command("Change the keys of labeling…", "Label", self.change_keys)
        act = partial(self.show_view, "label", "plan")
        none = NO_STUDY if self._no_study else ""
        yield Command("How much is enough? Plan the study…", "Label", act, hindrance=none)
        panel, keys = self._window.panel("label"), Keys(self._context.settings.keys)
        why = "" if getattr(panel, "labeling", False) else "Nothing is being labeled."
        called = names_for(self._context.words)
        for action in ("skip", "skip rest", "undo", "redo"):
            act = partial(self._while_labeling, action)
            yield Command(f"{called[action]}, while labeling", "Label", act, keys[action], why)

    def _train(self, found: "Reachable | None") -> Iterator[Command]:
        panel = self._window.panel("train")
        why = NO_STUDY if self._context.study is None else ""
        start = getattr(getattr(panel, "form", None), "start", None)
        if not why and isinstance(start, QWidget):
            why = hindrance(start)
        elif not why and found is not None:
            why = found.untrainable
        keys = SHORTCUTS["start training"].keys
        yield Command("Start training", "Train", self._start_training, keys, why)
        for view, name in (
            ("runs", "All runs"),
            ("log", "Log of the run"),
            ("advanced", "Advanced settings"),
            ("compare", "Compare methods: the leaderboard"),
        ):
            act = partial(self.show_view, "train", view)
            yield Command(name, "Train", act, hindrance=NO_STUDY if self._no_study else "")

    def _explore(self, found: "Reachable | None") -> Iterator[Command]:
        why = NO_STUDY if self._no_study else ""
        for view in VIEWS:
            known = SHORTCUTS[f"view {view}"]
            act = partial(self.show_view, "explore", view)
            yield Command(self._told(known.does), "Explore", act, known.keys, why)
        if not why and found is not None and not found.runs:
            why = "Train a model first."
        if self._context.words is FACES:  # texts have no maps
            act = partial(self.show_view, "explore", "map")
            yield Command("Relevance map of one face", "Explore", act, "", why)
        export = getattr(self._window.panel("explore"), "export", None)
        if not self._no_study and isinstance(export, QWidget):  # it knows what is shown
            why = hindrance(export)
        for name, figure in (("Export the figure…", True), ("Export the table…", False)):
            act = partial(self._export, figure)
            yield Command(name, "Explore", act, SHORTCUTS["export"].keys, why)

    def _window_itself(self) -> Iterator[Command]:
        window = self._window
        modes: tuple[tuple[Mode, str], ...] = (
            ("light", "Light colours"),
            ("dark", "Dark colours"),
            ("system", "Colours as the system has them"),
        )
        for mode, name in modes:
            yield Command(name, "Theme", partial(window.set_mode, mode))
        known = SHORTCUTS["keys"]
        yield Command(known.does, "Help", window.list_keys, known.keys)
        yield Command("Close the window", "Window", window.close)

    def _recent(self) -> Iterator[Command]:
        study = self._context.study
        for path in self._context.settings.recent:
            if study is None or Path(study.path) != path:
                act = partial(self._leave_then, partial(self._context.open_study, path))
                yield Command(f"Open {path.stem}", "Recent study", act)

    def _people(self, found: "Reachable") -> Iterator[Command]:
        why, words = "" if found.runs else "Train a model first.", self._context.words
        for code, name, simulated in found.labelers:
            tasks: tuple[tuple[Kind, str], ...] = (("comparison", "Compare"), ("rating", "Rate"))
            for kind, what in tasks:
                act = partial(self._label_as, code, kind)
                told = _SIMULATED if simulated else ""
                yield Command(f"{what} {words.many} as {name}", "Labeler", act, "", told)
            act = partial(self._labeler, code)
            saw = f"{words.many.capitalize()} as {name} {words.meet}s them"
            yield Command(saw, "Labeler", act, "", why)

    def _attributes(self, found: "Reachable") -> Iterator[Command]:
        why = "" if found.runs else "Train a model first."
        for name in found.attributes:
            act = partial(self._attribute, name)
            many = self._context.words.many.capitalize()
            yield Command(f"{many} by {name}", "Attribute", act, hindrance=why)

    def _runs(self, found: "Reachable") -> Iterator[Command]:
        for path, name, explorable in found.runs_all:
            why = "" if explorable else "It has no predictions."
            yield Command(f"Explore {name}", "Run", partial(self._run, path), hindrance=why)
            yield Command(f"Curves of {name}", "Run", partial(self._curves, path.name))

    # What they do.

    def _told(self, words: str) -> str:
        """Words written for faces, for what the open study holds."""
        return self._context.words.told(words)

    @property
    def _no_study(self) -> bool:
        return self._context.study is None

    def _study_panel(self) -> "StudyPanel":
        """Every window builds it first."""
        from prism_desktop.ui.study.panel import StudyPanel

        panel = self._window.panel("study")
        assert isinstance(panel, StudyPanel)
        return panel

    def _press(self, panel: str, control: QAbstractButton) -> None:
        self._window.show_panel(panel)
        if panel == "study" and self._context.study is not None:
            self._study_panel().show_view("overview")
        control.click()

    def _leave_then(self, act: Callable[[], object]) -> None:
        if may_leave(self._context, self._window.stack):
            self._window.show_panel("study")
            act()

    def _leave_for(self, view: str) -> None:
        """A page of Study that is there while no study is open."""
        panel = self._study_panel()
        self._leave_then(lambda: self._context.close_study(partial(panel.show_view, view)))

    def change_keys(self) -> None:
        """Show the page where the keys of labeling are chosen."""
        panel: LabelPanel = self._window.show_panel("label")  # type: ignore[assignment]
        panel.show_keys()

    def _while_labeling(self, action: str) -> None:
        panel: LabelPanel = self._window.show_panel("label")  # type: ignore[assignment]
        panel.trial.act(action)

    def show_view(self, panel: str, view: str) -> None:
        """Bring a view of a panel to the front, also of one that was not filled before."""
        shown: Any = self._window.show_panel(panel)
        shown.show_view(view)
        if not shown.idle():
            self._when_filled(shown, lambda: shown.show_view(view))

    def _start_training(self) -> None:
        panel: TrainPanel = self._window.show_panel("train")  # type: ignore[assignment]
        panel.show_view("runs")
        self._when_filled(panel, panel.form.start.click)

    def _label_as(self, code: str, kind: Kind) -> None:
        panel: LabelPanel = self._window.show_panel("label")  # type: ignore[assignment]
        self._when_filled(panel, lambda: panel.start_as(code, kind))

    def label_telling(self, code: str, kind: Kind) -> None:
        """Offer to label as somebody, the most telling trials first."""
        panel: LabelPanel = self._window.show_panel("label")  # type: ignore[assignment]
        self._when_filled(panel, lambda: panel.start_telling(code, kind))

    def _explored(self, act: "Callable[[ExplorePanel], object]") -> None:
        panel: ExplorePanel = self._window.show_panel("explore")  # type: ignore[assignment]
        self._when_filled(panel, lambda: act(panel))

    def _export(self, figure: bool) -> None:
        def act(panel: "ExplorePanel") -> None:
            panel.export.check()
            (panel.export.figure if figure else panel.export.table).trigger()

        self._explored(act)

    def _run(self, path: Path) -> None:
        self._explored(lambda panel: panel.run.pick(str(path)))

    def _curves(self, name: str) -> None:
        panel: TrainPanel = self._window.show_panel("train")  # type: ignore[assignment]
        panel.show_view("runs")
        self._when_filled(panel, lambda: panel.show_run(name))

    def _labeler(self, code: str) -> None:
        def act(panel: "ExplorePanel") -> None:
            panel.show_view("faces")
            if panel.faces.labeler.has(code):
                panel.faces.labeler.pick(code)
            else:
                self._context.message(f"This run does not know {code}; choose another run.", "warn")

        self._explored(act)

    def _attribute(self, name: str) -> None:
        def act(panel: "ExplorePanel") -> None:
            panel.show_view("faces")
            if panel.faces.attribute.has(name):
                panel.faces.attribute.pick(name)
            else:
                self._context.message(
                    f"This run was not trained on {name}; type it there to score it.", "warn"
                )

        self._explored(act)

    def _face(self, image: str) -> None:
        def act(panel: "ExplorePanel") -> None:
            data = panel.data
            if data is not None and image in data.images:
                panel.show_view("face")
                panel.face.show_face(list(data.images).index(image))
            else:
                self._context.message(self._told("This run does not know that face."), "warn")

        self._explored(act)

    def _when_filled(self, panel: Any, act: Callable[[], object]) -> None:
        """Act once a panel shows all it asked for, unless somebody goes elsewhere meanwhile."""
        timer = QTimer(panel, interval=_EVERY)
        looks = iter(range(_PATIENCE))

        def look() -> None:
            left = self._window.stack.currentWidget() is not panel or next(looks, None) is None
            if left or panel.idle():
                timer.stop()
                timer.deleteLater()
            if not left and panel.idle():
                act()

        timer.timeout.connect(look)
        timer.start()

"""The menu of what goes into a paper: figures with drafted captions, and the report of a study."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from prism_desktop.engine.events import Event
from prism_desktop.engine.experiments.figure_names import FIGURE_TITLES, OF_TEXTS
from prism_desktop.engine.stimulus_words import FACES
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations
from prism_desktop.ui.plain import literal
from prism_desktop.ui.widgets.file_export import FIGURE_KINDS, chosen_path

_REPORTS = {"html": "HTML (*.html)", "pdf": "PDF (*.pdf)"}


class PaperMenu(QMenu):
    """Each asks where, and is written off the window's thread."""

    def __init__(
        self, context: AppContext, run: Callable[[], Path | None], parent: QWidget
    ) -> None:
        """`run` is the folder of the run that is shown, None for none."""
        super().__init__("For a paper", parent)
        self._context, self._run = context, run
        self.offers: dict[str, QAction] = {}
        for name, title in FIGURE_TITLES.items():
            self._offer(name, f"{title}…", partial(self._figure, name))
        self.addSeparator()
        for kind in _REPORTS:
            told = f"Report of the study ({kind.upper()})…"
            self._offer(f"report {kind}", told, partial(self._report, kind))
        self.aboutToShow.connect(self._fit)

    def _fit(self) -> None:
        """Offer what a study of this kind can have."""
        for name in OF_TEXTS:
            self.offers[name].setVisible(self._context.words is not FACES)

    def _offer(self, name: str, title: str, do: Callable[[], None]) -> None:
        action = self.addAction(literal(title))
        action.triggered.connect(lambda _checked=False: do())
        self.offers[name] = action

    def _figure(self, name: str) -> None:
        chosen, kind = QFileDialog.getSaveFileName(
            self, "Figure for a paper", f"{name}.svg", FIGURE_KINDS
        )
        study = self._context.study
        if not chosen or study is None:
            return
        path = chosen_path(Path(chosen), kind)
        work = operations.paper_figure(Path(study.path), self._run(), name, path)
        told = f"Exported {path.name} and, beside it, a drafted caption."
        self._write(work, path, told)

    def _report(self, kind: str) -> None:
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Report of the study", f"report.{kind}", _REPORTS[kind]
        )
        study = self._context.study
        if not chosen or study is None:
            return
        path = Path(chosen)
        path = path if path.suffix.lower() == f".{kind}" else path.with_name(f"{path.name}.{kind}")
        work = operations.study_report(Path(study.path), self._run(), path)
        told = f"Wrote {path.name}. It calls labelers by their names; look through it before you "
        self._write(work, path, f"{told}give it away.")

    def _write(self, work: Iterator[Event[Path]], path: Path, told: str) -> None:
        job = self._context.run(work, f"Writing {path.name}", owner=self)

        def ended(cancelled: bool) -> None:
            if not cancelled:
                self._context.message(told, "good")

        job.ended.connect(ended)

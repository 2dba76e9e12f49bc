"""What is done with one run of the list: it is told something, named, shown, given away."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from prism_desktop.engine.study.records import Changes
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.train import operations
from prism_desktop.ui.train.operations import RunRow
from prism_desktop.ui.train.run_starts import Resumption, RunStarts
from prism_desktop.ui.train.runs import run_title
from prism_desktop.ui.widgets.file_export import save_report


class RunOrders(QObject):
    """Carries out what the buttons of a run say."""

    def __init__(self, context: AppContext, starts: RunStarts, panel: QWidget) -> None:
        super().__init__(panel)
        self._context, self._starts, self._panel = context, starts, panel

    def carry_out(self, row: RunRow, what: str) -> None:
        """Do what a button says: explore, resume, report; else what the run's process is told."""
        path = row.run.path
        if what == "explore":
            self.explore(row)
        elif what == "resume":
            self._starts.ask(Resumption(path, run_title(row.run)))
        elif what == "report":
            save_report(self._panel, self._context, partial(operations.save_report, path))
        else:
            self._context.ask(
                lambda: operations.tell(path, what),
                lambda _: self._context.changed.emit(Changes(runs=True)),
                owner=self,
                what="Telling the run",
            )

    def explore(self, row: RunRow) -> None:
        """Show in Explore what the run's model believes, or writes."""
        if row.run.task == "writing":
            self._context.view_wanted.emit("explore", "replies")
        else:
            self._context.run_wanted.emit(row.run.path)

    def label(self, run: Path, name: str, note: str) -> None:
        """Keep what somebody called a run and wrote about it."""

        def kept(doubt: str) -> None:
            self._context.changed.emit(Changes(runs=True))
            if doubt:
                self._context.message(doubt, "warn")

        self._context.ask(
            lambda: operations.label(run, name, note),
            kept,
            owner=self,
            what="Saving the name",
        )

    def tell_ended(self, row: RunRow) -> None:
        """Say in a message that a run has ended, what it found and where that is to be seen."""
        run = row.run
        found = (
            f"{run.nll:.3f} nats per own token on held-out prompts"
            if run.macro is None
            else f"{run.macro:.1%} right on held-out answers"
        )
        self._context.message(
            f"{run_title(row.run)} is {row.run.state}: {found}.",
            "good",
            ("See in Explore", partial(self.explore, row)),
        )

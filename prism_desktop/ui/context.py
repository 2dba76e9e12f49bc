"""What every panel shares: the open study, its worker, jobs, settings, messages."""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from prism_desktop.engine.errors import PrismError
from prism_desktop.ui.bridge import Worker
from prism_desktop.ui.job import Job, Jobs
from prism_desktop.ui.settings import Settings
from prism_desktop.ui.theme import Theme

if TYPE_CHECKING:
    from prism_desktop.engine.study.store import Study

_log = logging.getLogger(__name__)


class AppContext(QObject):
    """Handed to every panel; holds no widget.

    A panel reads with `ask`, writes with `write`, and runs long work with `jobs.start`."""

    study_opened = Signal()
    study_closed = Signal()
    changed = Signal(object)  # records.Changes, after its transaction
    messaged = Signal(str, str)  # kind ("info", "good", "warn", "bad"), sentence
    panel_wanted = Signal(str)  # "study", "label", "train", "explore"

    def __init__(self, settings: Settings, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self.theme = theme
        self.study: Study | None = None
        self.jobs = Jobs(self)
        self.worker = Worker(self.report, self)

    def message(self, text: str, kind: str = "info") -> None:
        """Show a sentence in the window's message bar."""
        self.messaged.emit(kind, text)

    def report(self, error: Exception) -> None:
        """Say what went wrong: a `PrismError` in its own words; anything else is a bug and is logged whole."""
        if isinstance(error, PrismError):
            self.message(str(error), "bad")
            return
        _log.error("A bug reached the window.", exc_info=error)
        self.message(
            f"Something unexpected went wrong ({error}). Your answers are kept; details are in the log.", "bad"
        )

    def ask(
        self,
        function: Callable[[], Any],
        then: Callable[[Any], None] | None = None,
        *,
        owner: QObject | None = None,
        topic: str | None = None,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Run `function` off the window's thread; see `Worker.ask`."""
        self.worker.ask(function, then, owner=owner, topic=topic, failed=failed)

    def write(
        self,
        function: Callable[[], Any],
        then: Callable[[Any], None] | None = None,
        *,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """As `ask` for an operation that returns `Changes`; views hear `changed`, then `then` is called."""

        def announce(changes: Any) -> None:
            self.changed.emit(changes)
            if then is not None:
                then(changes)

        self.worker.ask(function, announce, failed=failed)

    def open_study(self, path: Path, then: Callable[[], None] | None = None) -> None:
        """Open the study at `path` in place of the present one."""
        from prism_desktop.ui import operations

        self.close_study()

        def opened(study: "Study") -> None:
            self.study = study
            self.settings.add_recent(Path(study.path))
            self.study_opened.emit()
            if then is not None:
                then()

        self.ask(lambda: operations.open_study(path), opened)

    def close_study(self) -> None:
        """Let go of the study; what was asked of it before is still finished first."""
        if self.study is None:
            return
        study, self.study = self.study, None
        self.study_closed.emit()
        self.ask(study.close)

    def run(
        self,
        work: Iterable[Any],
        title: str,
        *,
        events: Callable[[list[Any]], None] | None = None,
    ) -> Job:
        """Begin long work whose failure is shown in the message bar."""
        job = self.jobs.start(work, title, events=events)
        job.failed.connect(self.report)
        return job

    def close(self) -> None:
        """End everything cleanly: jobs, then the study, then the worker."""
        self.jobs.close()
        self.close_study()
        self.worker.close()
        self.settings.sync()

"""The shown run above, the card of all runs below, and the border between them."""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QSplitter

from prism_desktop.ui.train.monitor import Monitor
from prism_desktop.ui.train.run_tabs import RunTabs

_LEAST = 200  # px, the card of runs in a low window


class RunAboveRuns(QSplitter):
    """Shares the height until somebody moves the border, which shares it out for good."""

    def __init__(self, monitor: Monitor, runs: RunTabs) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self._monitor, self._runs, self._moved = monitor, runs, False
        self.addWidget(monitor)
        self.addWidget(runs)
        self.setStretchFactor(0, 1)
        self._settled = QTimer(self, singleShot=True, interval=0)  # once the layouts are done
        self._settled.timeout.connect(lambda: self.share(self.height()))
        monitor.drawn.connect(self._settled.start)
        self.splitterMoved.connect(lambda *_: self._keep())
        self.setChildrenCollapsible(False)

    def share(self, height: int) -> None:
        """Give the runs the height of all their rows, at most a third of a panel's; in px."""
        if not self._moved:
            runs = min(self._runs.whole_height(), max(_LEAST, height // 3))
            run = self._monitor.fitting(height - runs)
            self.setSizes([run, height - run])

    def _keep(self) -> None:
        self._moved = True

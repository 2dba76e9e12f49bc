"""What a run told, in sentences, one a line."""

from datetime import datetime

from PySide6.QtWidgets import QPlainTextEdit

from prism_desktop.ui.train.run_progress import Story


class RunLog(QPlainTextEdit):
    """Grows with its story; where the reader has scrolled stays put."""

    def __init__(self) -> None:
        super().__init__()
        self._told = 0
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setProperty("role", "log")
        self.setAccessibleName("Log of the run")

    def begin(self) -> None:
        """Another run: start anew."""
        self._told = 0
        self.clear()

    def tell(self, story: Story) -> None:
        """Append what is new."""
        new, self._told = story.log[self._told :], len(story.log)
        if new:
            self.appendPlainText(
                "\n".join(f"{datetime.fromtimestamp(t):%H:%M:%S}   {text}" for t, _, text in new)
            )

"""Controls that change something: where the study may only be read they are disabled, and their
tool tip says why."""

from weakref import WeakSet

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from prism_desktop.ui.plain import put_tip, tip_text

_OWN_TIP = "tip of its own"


class WriteGuard(QObject):
    """Watches over such controls, whoever else enables or disables them."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._reason = ""
        self._controls: WeakSet[QWidget] = WeakSet()

    def add(self, *controls: QWidget) -> None:
        """Watch over these, as long as they live."""
        for control in controls:
            self._controls.add(control)
            control.installEventFilter(self)
            if self._reason:
                self._hold(control)

    def set_reason(self, reason: str) -> None:
        """Why the study may only be read; empty if it may be written."""
        before, self._reason = self._reason, tip_text(reason)
        for control in filter(isValid, list(self._controls)):
            if reason:
                self._hold(control)
            elif before:
                put_tip(control, control.property(_OWN_TIP) or "")
                control.setProperty(_OWN_TIP, None)
                control.setEnabled(True)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Disable again what was enabled, and keep the reason in its tool tip."""
        kinds = (QEvent.Type.EnabledChange, QEvent.Type.ToolTipChange)
        if self._reason and event.type() in kinds and isinstance(watched, QWidget):
            self._hold(watched)
        return False

    def _hold(self, control: QWidget) -> None:
        above = control.parentWidget()
        if control.isEnabled() if above is None else control.isEnabledTo(above):
            control.setEnabled(False)
        if control.toolTip() != self._reason:
            control.setProperty(_OWN_TIP, control.toolTip())
            put_tip(control, self._reason)

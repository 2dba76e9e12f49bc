"""Controls for what may be impossible: disabled at once, with the reason in words and as a tip."""

from PySide6.QtWidgets import QLabel, QWidget

from prism_desktop.ui.plain import put_tip, tip_text

_OWN_TIP = "tip while it is possible"


def tip_if_possible(control: QWidget, text: str) -> None:
    """The tip of a control for when it is possible; a reason that stands there stays."""
    if control.property(_OWN_TIP) is None:
        put_tip(control, tip_text(text))
    else:
        control.setProperty(_OWN_TIP, tip_text(text))


def allow(reason: str, *controls: QWidget, told: QLabel | None = None) -> None:
    """Disable controls for a reason; an empty one gives them back.

    Args:
        reason: a sentence with the way out.
        controls: keep a tip of their own for when they are possible.
        told: shows the reason, and is hidden without one.
    """
    for control in controls:
        own = control.property(_OWN_TIP)
        if reason:
            if own is None:
                control.setProperty(_OWN_TIP, control.toolTip())
            put_tip(control, tip_text(reason))
            control.setEnabled(False)
        elif own is not None:
            put_tip(control, str(own))
            control.setProperty(_OWN_TIP, None)
            control.setEnabled(True)
    if told is not None:
        told.setText(reason)
        told.setVisible(bool(reason))

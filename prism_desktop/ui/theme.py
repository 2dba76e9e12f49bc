"""The theme: the palette applied to Qt, icons in its colours, fonts of its own."""

from dataclasses import asdict
from functools import lru_cache
from string import Template
from typing import Literal

from PySide6.QtCore import QByteArray, QObject, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QGuiApplication,
    QIcon,
    QPainter,
    QPalette,
    QPixmap,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from prism_desktop.engine.paths import resources
from prism_desktop.ui.palette import DARK, LIGHT, Tokens

Mode = Literal["system", "light", "dark"]
FAMILY = "Inter"
_RATIOS = (1.0, 2.0)  # icons are drawn for plain and for doubled pixels


class Theme(QObject):
    """The window's look; follows the system unless told otherwise."""

    changed = Signal()

    def __init__(self, app: QApplication, mode: Mode = "system") -> None:
        super().__init__(app)
        self._app = app
        self._mode: Mode = mode
        self._dressed: list[QWidget] = []
        self.tokens: Tokens = LIGHT
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._follow)

    @property
    def mode(self) -> Mode:
        return self._mode

    def apply(self, mode: Mode | None = None) -> None:
        """Take on the colours of `mode` (as before if None): the application's palette, and the
        style sheet of what is dressed."""
        self._mode = mode or self._mode
        self.tokens = DARK if self._is_dark() else LIGHT
        self._app.setPalette(palette(self.tokens))
        self._dressed = [widget for widget in self._dressed if isValid(widget)]
        for widget in self._dressed:
            widget.setStyleSheet(style_sheet(self.tokens))
        self.changed.emit()

    def dress(self, window: QWidget) -> None:
        """Let a window, and all that opens over it, wear the style sheet from now on.

        The sheet is not the application's: then Qt styles a widget and all in it again each time
        that it is put into another, which takes most of the time in which a panel is built.
        """
        self._dressed.append(window)
        window.setStyleSheet(style_sheet(self.tokens))

    def icon(self, name: str, colour: str | None = None) -> QIcon:
        """The icon `name` of resources/icons in `colour` (the muted text's by default)."""
        return icon(name, colour or self.tokens.muted)

    def _is_dark(self) -> bool:
        if self._mode == "system":
            return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return self._mode == "dark"

    def _follow(self) -> None:
        if self._mode == "system":
            self.apply()


def install_fonts(app: QApplication) -> None:
    """Use the bundled font, so that the window looks alike everywhere.

    Other scripts fall back to the system's.
    """
    for file in sorted((resources() / "fonts").glob("*.otf")):
        QFontDatabase.addApplicationFont(str(file))
    font = QFont(FAMILY)
    font.setPixelSize(13)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    app.setFont(font)


def style_sheet(tokens: Tokens) -> str:
    """The style sheet of resources/style with the palette's colours filled in."""
    values = {key: value for key, value in asdict(tokens).items() if isinstance(value, str)}
    values["icons"] = (resources() / "icons").as_posix()
    parts = (
        file.read_text(encoding="utf-8") for file in sorted((resources() / "style").glob("*.qss"))
    )
    return Template("\n".join(parts)).substitute(values)


def palette(tokens: Tokens) -> QPalette:
    """The palette for what the style sheet does not
    reach: native dialogs' text, selections, links."""
    roles = {
        QPalette.ColorRole.Window: tokens.window,
        QPalette.ColorRole.WindowText: tokens.text,
        QPalette.ColorRole.Base: tokens.surface,
        QPalette.ColorRole.AlternateBase: tokens.hover,
        QPalette.ColorRole.Text: tokens.text,
        QPalette.ColorRole.Button: tokens.raised,
        QPalette.ColorRole.ButtonText: tokens.text,
        QPalette.ColorRole.PlaceholderText: tokens.faint,
        QPalette.ColorRole.Highlight: tokens.accent,
        QPalette.ColorRole.HighlightedText: tokens.on_accent,
        QPalette.ColorRole.Link: tokens.accent_text,
        QPalette.ColorRole.ToolTipBase: tokens.raised,
        QPalette.ColorRole.ToolTipText: tokens.text,
    }
    made = QPalette()
    for role, colour in roles.items():
        made.setColor(role, QColor(colour))
    for role in (
        QPalette.ColorRole.Text,
        QPalette.ColorRole.WindowText,
        QPalette.ColorRole.ButtonText,
    ):
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(tokens.faint))
    return made


@lru_cache(maxsize=256)
def icon(name: str, colour: str) -> QIcon:
    """An icon drawn from its SVG at 24 px, plain and doubled."""
    made = QIcon()
    for ratio in _RATIOS:
        made.addPixmap(pixmap(name, colour, 24, ratio))
    return made


@lru_cache(maxsize=256)
def pixmap(name: str, colour: str, size: int, ratio: float) -> QPixmap:
    """An icon as a picture of `size` logical pixels, for a screen of `ratio` device pixels each."""
    source = (
        (resources() / "icons" / f"{name}.svg")
        .read_text(encoding="utf-8")
        .replace("currentColor", colour)
    )
    renderer = QSvgRenderer(QByteArray(source.encode()))
    side = round(size * ratio)
    made = QPixmap(side, side)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    renderer.render(painter, QRectF(0, 0, side, side))
    painter.end()
    made.setDevicePixelRatio(ratio)
    return made

"""The accuracy view: held-out accuracy per labeler and attribute, between
the consensus model and the labeler's own ceiling."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QWidget

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import view_figures
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.view import ExportFigure, ExportTable, View
from prism_desktop.ui.widgets.basics import GRID, columns, frame, label, rows
from prism_desktop.ui.widgets.dumbbell import Bell, DumbbellKey, Dumbbells
from prism_desktop.ui.widgets.pickers import Segments
from prism_desktop.ui.widgets.share_grid import Line, ShareGrid

ALL = "(all)"
_TILES = (
    "Accuracy, mean over labelers",
    "Consensus model",
    "Gain",
    "Share of the ceiling",
    "Held-out answers",
)


class AccuracyView(View):
    """Numbers on top, dumbbells below, an attribute to choose."""

    def __init__(self, context: AppContext) -> None:
        """Numbers on top; dumbbells, grid and a note in a card below."""
        super().__init__(context)
        self._tiles: dict[str, tuple[QLabel, QLabel]] = {
            name: (label("–", "number"), label("", "small")) for name in _TILES
        }
        self._choice = Segments({ALL: "All attributes"})
        key = DumbbellKey(context.theme)
        self._bar = columns(
            label("Accuracy per labeler", "strong"), key, self._choice, gap=2 * GRID
        )
        self._bar.setStretch(1, 1)
        self.bells = Dumbbells(context.theme)
        self.note = label("", "small", wrap=True)
        self._shown: list[Bell] = []
        context.theme.changed.connect(self._show)
        tiles = columns(
            *(rows(label(name, "field"), *pair, gap=2) for name, pair in self._tiles.items()),
            None,
            gap=5 * GRID,
        )
        self.grid = ShareGrid(context.theme)
        self._grid_head = label("Accuracy per labeler and attribute", "strong")
        inside = QWidget()
        inside.setLayout(rows(self.bells, 2 * GRID, self._grid_head, self.grid, None))
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setProperty("role", "reach")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        body = rows(self._bar, scroll, self.note, gap=GRID + 4)
        body.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID + 4)
        body.setStretch(1, 1)
        whole = rows(tiles, frame("card", body), gap=2 * GRID + 4)
        whole.setStretch(1, 1)
        self.setLayout(whole)

    def show_data(self, data: RunData | None) -> None:
        super().show_data(data)
        attributes = data.test.get("per_attribute", {}) if data is not None else {}
        old = self._choice
        self._choice = Segments({ALL: "All attributes", **{name: name for name in attributes}})
        self._choice.picked.connect(lambda _: self._show())
        self._bar.replaceWidget(old, self._choice)
        old.hide()
        old.deleteLater()
        self._show()

    def pick(self, attribute: str) -> None:
        """Show one attribute; ALL for the mean over them."""
        self._choice.pick(attribute)

    def table(self) -> ExportTable | None:
        """One row per labeler and attribute, and the means."""
        if self.data is None or not self._shown:
            return None
        body = [
            (bell.name, attribute, bell.accuracy, bell.low, bell.high, bell.count, *bell.against())
            for attribute in (ALL, *self.data.test.get("per_attribute", {}))
            for bell in self._bells(self.data, attribute)
        ]
        head = (
            "labeler",
            "attribute",
            "accuracy",
            "low",
            "high",
            "n",
            "consensus",
            "gain",
            "ceiling",
            "of ceiling",
        )
        return ExportTable("accuracy", head, body)

    def figure(self) -> ExportFigure | None:
        if not self._shown:
            return None
        bells, title = tuple(self._shown), self._choice.current
        return ExportFigure(
            "accuracy",
            lambda path: view_figures.draw_accuracy(path, bells, "" if title == ALL else title),
        )

    def _show(self) -> None:
        """Show the attribute chosen, and explain which ceilings are missing and why."""
        data = self.data
        self._shown = (
            self._bells(data, self._choice.current) if data is not None and data.test else []
        )
        self.bells.show_bells(self._shown)
        self._show_grid(data)
        if data is not None:
            self._show_tiles(data)
        told = (
            "Ceiling: what a perfect model could reach, given how often the labeler repeats an "
            "answer. "
        )
        if self._choice.current != ALL:
            told += "It is estimated over all attributes together, so it is not drawn for one."
        missing = [bell.name for bell in self._shown if bell.ceiling is None and not bell.strong]
        if missing and len(missing) == sum(not bell.strong for bell in self._shown):
            told += "Nobody repeated enough answers to know it."
        elif missing and self._choice.current == ALL:
            told += f"Too few repeated answers to know it: {', '.join(missing)}. "
            told += "The mean's share of it is over the others."
        self.note.setText(told if self._shown else "This run has not been evaluated.")

    def _show_grid(self, data: RunData | None) -> None:
        """Labelers by attributes; hidden where the run was not tested by attribute."""
        attributes = tuple(data.test.get("per_attribute") or {}) if data is not None else ()
        self._grid_head.setVisible(bool(attributes))
        if data is None or not attributes:
            self.grid.show_grid((), ())
            return
        columns_ = [
            {bell.name: bell for bell in self._bells(data, attribute)} for attribute in attributes
        ]
        names = [(data.names[code], self.colour(code)) for code in data.labelers]
        lines = [
            Line(name, colour, tuple(column.get(name) for column in columns_))
            for name, colour in names
        ]
        self.grid.show_grid(attributes, lines)

    def _bells(self, data: RunData, attribute: str) -> list[Bell]:
        test, consensus = data.test, data.summary.get("consensus") or {}
        if data.summary.get("method") == "consensus":
            consensus = {}
        found = []
        for code in data.labelers:
            cell = _cell(test, code, attribute)
            if cell is not None:
                # A labeler repeats too few answers on one attribute, and the ceiling over all is
                # not that one's.
                top = (test.get("ceiling") or {}).get(code) if attribute == ALL else None
                found.append(
                    _bell(
                        data.names[code],
                        self.colour(code),
                        cell,
                        _cell(consensus, code, attribute),
                        top,
                    )
                )
        mean = _mean(test, attribute)
        if mean is not None:
            colour = QColor(self.context.theme.tokens.text)
            name = "Mean" if attribute == ALL else f"All, {attribute}"
            top, share = (
                (_mean_ceiling(test), _of_ceiling(test)) if attribute == ALL else (None, None)
            )
            found.append(
                replace(
                    _bell(name, colour, mean, _mean(consensus, attribute), top),
                    strong=True,
                    share=share,
                )
            )
        return found

    def _show_tiles(self, data: RunData) -> None:
        """The five numbers on top; a dash for what is not known."""
        test, consensus = data.test, data.summary.get("consensus") or {}
        macro, base = test.get("macro"), consensus.get("macro")
        gain = (data.summary.get("gain") or {}).get("macro")
        told: dict[str, tuple[str, str]] = dict.fromkeys(_TILES, ("–", ""))
        if macro:
            told[_TILES[0]] = (f"{macro['accuracy']:.1%}", _interval(macro, 100, "%"))
            told[_TILES[4]] = (f"{macro['n']:,}", f"split: {_split(data.summary)}")
            share = _of_ceiling(test)
            known = sum(value is not None for value in (test.get("ceiling") or {}).values())
            if share is not None:
                told[_TILES[3]] = (
                    f"{share:.0%}",
                    f"known for {known} of {len(data.labelers)} labelers",
                )
        if base and macro and data.summary.get("method") != "consensus":
            told[_TILES[1]] = (f"{base['accuracy']:.1%}", _interval(base, 100, "%"))
            points = 100 * (macro["accuracy"] - base["accuracy"])
            told[_TILES[2]] = (
                f"{points:+.1f}",
                _interval(gain, 100, " points") if gain else "points",
            )
        for name, (number, small) in told.items():
            self._tiles[name][0].setText(number)
            self._tiles[name][1].setText(small or " ")


def _cell(result: Mapping[str, Any], code: str, attribute: str) -> dict[str, Any] | None:
    if attribute == ALL:
        found = (result.get("per_labeler") or {}).get(code)
    else:
        found = ((result.get("per_labeler_attribute") or {}).get(code) or {}).get(attribute)
    return found if found and found.get("accuracy") is not None else None


def _mean(result: Mapping[str, Any], attribute: str) -> dict[str, Any] | None:
    found = (
        result.get("macro")
        if attribute == ALL
        else (result.get("per_attribute") or {}).get(attribute)
    )
    return found if found and found.get("accuracy") is not None else None


def _mean_ceiling(test: Mapping[str, Any]) -> float | None:
    known = [value for value in (test.get("ceiling") or {}).values() if value is not None]
    return sum(known) / len(known) if known else None


def _of_ceiling(test: Mapping[str, Any]) -> float | None:
    """Mean share of the ceiling over the labelers whose ceiling is known."""
    tops = test.get("ceiling") or {}
    cells = test.get("per_labeler") or {}
    shares = [cells[code]["accuracy"] / top for code, top in tops.items() if top and code in cells]
    return sum(shares) / len(shares) if shares else None


def _bell(
    name: str,
    colour: QColor,
    cell: Mapping[str, Any],
    base: Mapping[str, Any] | None,
    ceiling: float | None,
) -> Bell:
    consensus = base["accuracy"] if base else None
    count = int(cell.get("n") or 0)
    return Bell(
        name, colour, cell["accuracy"], cell.get("low"), cell.get("high"), count, consensus, ceiling
    )


def _interval(cell: Mapping[str, Any], factor: float, unit: str) -> str:
    low, high = cell.get("low"), cell.get("high")
    return (
        f"{factor * low:.1f} to {factor * high:.1f}{unit}"
        if low is not None and high is not None
        else " "
    )


def _split(summary: Mapping[str, Any]) -> str:
    split = summary.get("split")
    return str(split.get("kind", "")) if isinstance(split, Mapping) else str(split or "")

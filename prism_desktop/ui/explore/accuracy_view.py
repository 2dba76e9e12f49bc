"""The accuracy view: held-out accuracy per labeler and attribute, between
the consensus model and the labeler's own ceiling."""

from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QWidget

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import with_codes
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.runs.estimates import (
    ABOVE_CEILING,
    BOUNDS,
    UNKNOWN,
    WHY_TOO_FEW,
    ToldEstimate,
    bounds,
    knowledge_of,
    told_accuracy,
    told_gain,
    told_share,
)
from prism_desktop.engine.runs.result_files import Accuracy, Difference, Gain, Result
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import view_figures
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.selection import ALL
from prism_desktop.ui.explore.view import ExportFigure, ExportTable, View
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.widgets.basics import GRID, button, columns, frame, label, restyle, rows
from prism_desktop.ui.widgets.cards import LowScroll
from prism_desktop.ui.widgets.dumbbell import AccuracyRow, DumbbellKey, Dumbbells
from prism_desktop.ui.widgets.few_or_many import FewOrMany
from prism_desktop.ui.widgets.share_grid import Line, ShareGrid

_TILES = (
    "Accuracy, mean over labelers",
    "Consensus model",
    "Gain",
    "Share of the ceiling",
    "Held-out answers",
)


_LEAST = 480  # px, the height below which all of it scrolls


class AccuracyView(View):
    """Numbers on top, dumbbells below, an attribute to choose."""

    def __init__(self, context: AppContext) -> None:
        """The tiles of the means on top, and below them a card with dumbbells and the grid.

        The dumbbells and the grid scroll together; their heading and the note that explains them
        stay in sight. The key takes the line's spare width, so that the choice of attribute stands
        at the right. That choice is made anew for each run, whose attributes it offers.
        """
        super().__init__(context)
        self._tiles: dict[str, tuple[QLabel, QLabel]] = {
            name: (label("–", "number"), label("", "small")) for name in _TILES
        }
        self._choice = FewOrMany("Attribute", {ALL: "All attributes"})
        key = DumbbellKey(context.theme)
        self.dumbbells = Dumbbells(context.theme, key)
        self._bar = columns(
            label("Accuracy per labeler", "strong"), key, self._choice, gap=2 * GRID
        )
        self._bar.setStretch(1, 1)
        self.note = label("", "small", wrap=True)
        self._shown: list[AccuracyRow] = []
        context.theme.changed.connect(self._show)
        self.more = button(
            "Would more answers help?",
            lambda: context.view_wanted.emit("explore", "worth"),
            tip="What fifty more answers of each labeler, and one more labeler, would bring",
        )
        tiles = columns(
            *(rows(label(name, "field"), *pair, gap=2) for name, pair in self._tiles.items()),
            None,
            gap=5 * GRID,
        )
        self.grid = ShareGrid(context.theme)
        self._grid_head = label("Accuracy per labeler and attribute", "strong")
        inside = QWidget()
        inside.setLayout(rows(self.dumbbells, 2 * GRID, self._grid_head, self.grid, None))
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setProperty("role", "reach")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        foot = columns(self.note, self.more, gap=2 * GRID)
        foot.setStretch(0, 1)
        body = rows(self._bar, scroll, foot, gap=GRID + 4)
        body.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID + 4)
        body.setStretch(1, 1)
        whole = rows(tiles, frame("card", body), gap=2 * GRID + 4)
        whole.setStretch(1, 1)
        self.setLayout(rows(LowScroll(whole, _LEAST), gap=0))

    def show_data(self, data: RunData | None) -> None:
        super().show_data(data)
        attributes = data.test.per_attribute if data is not None else {}
        old = self._choice
        offered = {ALL: "All attributes", **{name: name for name in attributes}}
        self._choice = FewOrMany("Attribute", offered)
        self._choice.picked.connect(self._choose)
        self._settle()
        self._bar.replaceWidget(old, self._choice)
        old.hide()
        old.deleteLater()
        self._show()

    def show_selection(self) -> None:
        if self._settle():
            self._show()

    def _settle(self) -> bool:
        """Bring the choice to what is chosen; whether that changed anything."""
        wanted = self.selection.about
        if wanted == self._choice.current or not self._choice.has(wanted):
            return False
        self._choice.settle(wanted)
        return True

    def _choose(self, attribute: str) -> None:
        self.selection.choose_about(attribute)
        self._show()

    def pick(self, attribute: str) -> None:
        """Show one attribute; ALL for the mean over them."""
        self._choice.pick(attribute)

    def table(self) -> ExportTable | None:
        """Every labeler and the mean, over all attributes and on each, whichever is chosen."""
        if self.data is None or not self._shown:
            return None
        codes = {name: code for code, name in self.data.names.items()}
        body = [
            (
                row.name,
                attribute,
                row.accuracy,
                *bounds(row.cell),
                row.count,
                *row.against(),
                codes.get(row.name),
            )
            for attribute in (ALL, *self.data.test.per_attribute)
            for row in self._accuracy_rows(self.data, attribute)
        ]
        head = (
            "labeler",
            "attribute",
            "accuracy",
            *BOUNDS,
            "n",
            "consensus",
            "gain",
            "ceiling",
            "of ceiling",
            "labeler_code",
        )
        return ExportTable("accuracy", head, body)

    def command(self) -> list[str] | None:
        if self.data is None:
            return None
        return ["evaluate", str(self.data.folder), "--json", "accuracy.json"]

    def figure(self) -> ExportFigure | None:
        if not self._shown:
            return None
        title = self._choice.current
        assert self.data is not None
        shown = tuple(self._accuracy_rows(self.data, title, with_codes(self.data.names)))
        title = "" if title == ALL else title
        note = " ".join(knowledge_of([self.data.summary]))
        return ExportFigure(
            "accuracy", lambda path: view_figures.draw_accuracy(path, shown, title, note)
        )

    def _show(self) -> None:
        """Show the chosen attribute as dumbbells; the grid and the tiles always show all.

        The note says what a ceiling is and whose is unknown, so that a missing mark is not taken
        for a missing result.
        """
        data = self.data
        self._shown = self._accuracy_rows(data, self._choice.current) if data is not None else []
        self.dumbbells.show_rows(self._shown)
        self._show_grid(data)
        if data is not None:
            self._show_tiles(data)
        told = (
            "Ceiling: what a perfect model could reach, given how often the labeler repeats an "
            "answer. "
        )
        if self._choice.current != ALL:
            told += "It is estimated over all attributes together, so it is not drawn for one."
        missing = [row.name for row in self._shown if row.ceiling is None and not row.strong]
        if missing and len(missing) == sum(not row.strong for row in self._shown):
            told += "Nobody repeated enough answers to know it."
        elif missing and self._choice.current == ALL:
            told += f"Too few repeated answers to know it: {few(missing, 12)}. "
            told += "The mean's share of it is over the others."
        if any((row.of_ceiling or 0) > 1 for row in self._shown):
            told = f"{told.strip()} {ABOVE_CEILING}"
        if any(row.few for row in self._shown):
            told = f"{WHY_TOO_FEW} {told}"
        self.note.setText(told if self._shown else "This run has not been evaluated.")

    def _show_grid(self, data: RunData | None) -> None:
        """Show labelers by attributes, without the mean; None stands for an untested cell."""
        attributes = tuple(data.test.per_attribute) if data is not None else ()
        self._grid_head.setVisible(bool(attributes))
        if data is None or not attributes:
            self.grid.show_grid((), ())
            return
        columns_ = [
            {row.name: row for row in self._accuracy_rows(data, attribute)}
            for attribute in attributes
        ]
        names = [(data.names[code], self.colour(code)) for code in data.labelers]
        lines = [
            Line(name, colour, tuple(column.get(name) for column in columns_))
            for name, colour in names
        ]
        self.grid.show_grid(attributes, lines)

    def _accuracy_rows(
        self, data: RunData, attribute: str, names: Mapping[str, str] | None = None
    ) -> list[AccuracyRow]:
        """A row per labeler who was tested, then their mean; `names` by code, if others."""
        test, consensus = data.test, data.beside
        found = []
        for code in data.labelers:
            cell = _cell(test, code, attribute)
            if cell is not None:
                # A labeler repeats too few answers on one attribute, and the ceiling over all is
                # not that one's.
                top = test.ceiling.get(code) if attribute == ALL else None
                found.append(
                    _accuracy_row(
                        (names or data.names)[code],
                        self.colour(code),
                        cell,
                        _cell(consensus, code, attribute),
                        top,
                        _gain_cell(data.summary.gain, code, attribute),
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
                    _accuracy_row(
                        name,
                        colour,
                        mean,
                        _mean(consensus, attribute),
                        top,
                        _mean_gain(data.summary.gain, attribute),
                    ),
                    strong=True,
                    share=share,
                )
            )
        return found

    def _show_tiles(self, data: RunData) -> None:
        """Tell the means; a dash stands for what the evaluation does not hold.

        An empty second line is filled with a blank, so that all tiles keep the same height.
        """
        test, macro, base = data.test, data.test.macro, data.beside.macro
        told: dict[str, ToldEstimate] = dict.fromkeys(_TILES, UNKNOWN)
        if macro.accuracy is not None:
            told[_TILES[0]] = told_accuracy(macro)
            told[_TILES[4]] = ToldEstimate(
                f"{macro.n or 0:,}", f"split: {self.words_for(data.summary.split.kind)}"
            )
            share = _of_ceiling(test)
            known = sum(value is not None for value in test.ceiling.values())
            if share is not None:
                of = told_share(share, macro.model_copy(update={"n": None}))
                who = f"{known} of {counted(len(data.labelers), 'labeler')}"
                few = told[_TILES[0]].few
                told[_TILES[3]] = replace(of, doubt=f"{of.doubt}, {who}".strip(", "), few=few)
        if base.accuracy is not None and macro.accuracy is not None:
            told[_TILES[1]] = told_accuracy(base)
            gain = data.summary.gain.macro if data.summary.gain is not None else Difference()
            points = macro.accuracy - base.accuracy
            told[_TILES[2]] = told_gain(points, gain.low, gain.high, macro.n, " points")
        for name, each in told.items():
            number, small = self._tiles[name]
            number.setText(each.head)
            restyle(number, role="unsure" if each.few else "number", kind=each.tone)
            small.setText(each.rest or " ")
            set_tip(number, WHY_TOO_FEW if each.few else "")


def _cell(result: Result, code: str, attribute: str) -> Accuracy | None:
    if attribute == ALL:
        found = result.per_labeler.get(code)
    else:
        found = result.per_labeler_attribute.get(code, {}).get(attribute)
    return found if found is not None and found.accuracy is not None else None


def _mean(result: Result, attribute: str) -> Accuracy | None:
    found = result.macro if attribute == ALL else result.per_attribute.get(attribute)
    return found if found is not None and found.accuracy is not None else None


def _mean_ceiling(test: Result) -> float | None:
    known = [value for value in test.ceiling.values() if value is not None]
    return sum(known) / len(known) if known else None


def _of_ceiling(test: Result) -> float | None:
    """Mean share of the ceiling over the labelers whose ceiling is known."""
    shares = [
        accuracy / top
        for code, top in test.ceiling.items()
        if top and (accuracy := test.per_labeler.get(code, Accuracy()).accuracy) is not None
    ]
    return sum(shares) / len(shares) if shares else None


def _gain_cell(gain: Gain | None, code: str, attribute: str) -> Difference | None:
    if gain is None:
        return None
    if attribute == ALL:
        return gain.per_labeler.get(code)
    return gain.per_labeler_attribute.get(code, {}).get(attribute)


def _mean_gain(gain: Gain | None, attribute: str) -> Difference | None:
    if gain is None:
        return None
    return gain.macro if attribute == ALL else gain.per_attribute.get(attribute)


def _accuracy_row(
    name: str,
    colour: QColor,
    cell: Accuracy,
    base: Accuracy | None,
    ceiling: float | None,
    gained: Difference | None,
) -> AccuracyRow:
    assert cell.accuracy is not None
    return AccuracyRow(
        name,
        colour,
        cell.accuracy,
        cell.low,
        cell.high,
        cell.n or 0,
        base.accuracy if base is not None else None,
        ceiling,
        gained=gained,
        cell=cell,
    )

"""The vectors view: how similar labelers' models are, where they lie, and what that means."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from prism_desktop.engine.analysis.coefficients import COSINE
from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import with_codes
from prism_desktop.engine.runs.estimates import ENOUGH, told_accuracy, too_few
from prism_desktop.engine.series_colours import labeler_place, scaled
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.agreement_operations import taste
from prism_desktop.ui.explore.latest_job import LatestJob
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.selection import ALL
from prism_desktop.ui.explore.view import ExportFigure, ExportTable, View, picker, settle
from prism_desktop.ui.widgets.basics import GRID, columns, label, rows
from prism_desktop.ui.widgets.cards import side_by_side
from prism_desktop.ui.widgets.matrix import Matrix
from prism_desktop.ui.widgets.matrix_cells import MatrixCells
from prism_desktop.ui.widgets.network_view import AccuracyKey, NetworkNode, NetworkView

if TYPE_CHECKING:
    from prism_desktop.engine.analysis.vector_report import VectorReport

_FEW = 12  # labelers up to whom each has their own colour
_NO_RUN = "Models of labelers are compared once one is trained, in Train."


class VectorsView(View):
    """Similarity on the left, the map on the right, what they mean below."""

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self.found: VectorReport | None = None
        self._job = LatestJob(context, self)
        self.attribute, attribute = picker("Attribute", self._choose)
        self.attribute.offer([(ALL, "All attributes")])
        self.bar = columns(attribute, None, gap=GRID + 4)
        self.explanation = label("", "small", wrap=True)
        self.matrix = Matrix(context.theme)
        self.matrix.chosen.connect(self._open)
        self.map = NetworkView(context.theme)
        self.axes = label("", "small", wrap=True)
        self.key = AccuracyKey(context.theme)
        self.key.hide()
        self.meaning = label("", "", wrap=True)
        self.meaning.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        context.theme.changed.connect(self._colour)
        self._lay_out()

    def _lay_out(self) -> None:
        left = rows(label("Similarity of the models", "strong"), self.matrix, gap=GRID)
        told = columns(self.key, self.axes, gap=2 * GRID)
        told.setStretch(1, 1)
        right = rows(label("Map of the models", "strong"), self.map, told, gap=GRID)
        for layout in (left, right):
            layout.setStretch(1, 1)
        split = side_by_side(left, right, (620, 620))
        above = QWidget()
        above.setLayout(self.bar)
        whole = rows(above, self.explanation, split, self.meaning, gap=GRID)
        whole.setStretch(2, 1)
        self.setLayout(whole)

    def show_data(self, data: RunData | None) -> None:
        super().show_data(data)
        known = () if data is None else data.summary.test.per_attribute or data.attributes
        self.attribute.offer([(ALL, "All attributes"), *((name, name) for name in known)])
        settle(self.attribute, self.selection.about)
        self._ask()

    def show_selection(self) -> None:
        if settle(self.attribute, self.selection.about):
            self._ask()

    def idle(self) -> bool:
        return not self._job.busy

    @property
    def has_table(self) -> bool:
        return self.found is not None

    def table(self) -> ExportTable | None:
        found, data = self.found, self.data
        if found is None or data is None:
            return None
        frame_ = found.frame().astype(object)
        cells = frame_.where(frame_.notna(), None).itertuples(index=False, name=None)
        body = [
            (data.names.get(one, one), data.names.get(other, other), *rest, one, other)
            for one, other, *rest in cells
        ]
        return ExportTable("similarity", (*frame_.columns, "labeler_code", "other_code"), body)

    def figure(self) -> ExportFigure | None:
        found, data = self.found, self.data
        if found is None or data is None:
            return None
        names, everybody = with_codes(data.names), data.everybody

        def draw(path: Path) -> None:
            from prism_desktop.engine.analysis.plotting import save_figure
            from prism_desktop.engine.analysis.taste_figures import drawn_taste

            save_figure(drawn_taste(found, names, everybody), path)

        return ExportFigure("similarity", draw)

    def command(self) -> list[str] | None:
        if self.found is None or self.data is None:
            return None
        about = [] if self.attribute.key == ALL else ["--attribute", self.attribute.key]
        return ["similarity", str(self.data.folder), *about, "--figure", "similarity.svg"]

    def _choose(self) -> None:
        self.selection.choose_about(self.attribute.key)
        self._ask()

    def _ask(self) -> None:
        """Read and test the vectors anew; a newer question replaces the one before."""
        self._job.stop()
        data = self.data
        self._clear(_NO_RUN if data is None else "Comparing the models…")
        if data is None:
            return
        attribute = None if self.attribute.key == ALL else self.attribute.key

        def failed(error: Exception) -> None:
            self._clear(str(error) if isinstance(error, PrismError) else "")
            if not isinstance(error, PrismError):
                self.context.report(error)

        self._job.start(taste(data, attribute), "Models", self._show, failed)

    def _clear(self, told: str) -> None:
        self.found = None
        self.matrix.show_matrix(MatrixCells())
        self.map.show_network((), {})
        self.key.hide()
        for each in (self.axes, self.meaning):
            each.setText("")
        self.explanation.setText(told)

    def _show(self, found: "VectorReport") -> None:
        data = self.data
        if data is None:
            return
        self.found = found
        order = found.order
        names = tuple(data.names.get(found.own.labelers[row], "") for row in order)
        values = found.similarity[np.ix_(order, order)].copy()
        np.fill_diagonal(values, np.nan)
        counts = np.full(values.shape, ENOUGH, np.int64)
        self.matrix.show_matrix(MatrixCells(names, values, counts, COSINE, exact=True))
        places = {row: (float(x), float(y)) for row, (x, y) in enumerate(found.plane.places)}
        self.map.show_network((), {})
        self._nodes = self._made()
        self.map.show_network(self._nodes, places, COSINE, even=True)
        one, two = (f"{100 * share:.0f}%" for share in found.plane.shares)
        many = len(found.own.labelers) > _FEW
        self.key.setVisible(many)
        grey = f" Grey: no model tested on {counted(ENOUGH, 'answer')}." if many else ""
        self.axes.setText(
            f"Principal components: {one} of the vectors' variance from left to right, {two} from "
            f"bottom to top.{grey}"
        )
        what = data.words.told(found.own.what)
        self.explanation.setText(
            f"Cosine similarity of {what}, each about the mean of all. Click a cell for what "
            "splits the two."
        )
        self.meaning.setText(data.words.told("\n".join(found.told(data.names))))

    def _made(self) -> list[NetworkNode]:
        """The labelers: few in their own colours, many in those of their models' accuracies."""
        found, data = self.found, self.data
        if found is None or data is None:
            return []
        few, made = len(found.own.labelers) <= _FEW, []
        for code in found.own.labelers:
            row = found.accuracy.get(code)
            colour: int | str | None = labeler_place(data.everybody, code) if few else None
            if not few and row is not None and row.accuracy is not None and not too_few(row.n):
                dark = self.context.theme.tokens.dark
                colour = scaled(2 * row.accuracy - 1, dark=dark)
            known = row is not None and row.accuracy is not None
            told = f"model right on {told_accuracy(row).line}" if known else "model not tested"
            made.append(NetworkNode(data.names.get(code, code), colour, told))
        return made

    def _colour(self) -> None:
        if self.found is not None:
            self.map.recolour(self._made())

    def _open(self, one: int, other: int) -> None:
        if self.found is not None:
            order, codes = self.found.order, self.found.own.labelers
            self.pair_wanted.emit(codes[order[one]], codes[order[other]])

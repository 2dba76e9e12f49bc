"""What is shown of agreement: words, the network's discs, rows of a table."""

from collections.abc import Sequence

import numpy as np

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.estimates import ENOUGH, told_accuracy
from prism_desktop.engine.series_colours import labeler_place, scaled
from prism_desktop.ui.explore.agreement_operations import Agreement
from prism_desktop.ui.explore.view import ExportTable
from prism_desktop.ui.widgets.matrix_cells import MatrixCells
from prism_desktop.ui.widgets.network_view import NetworkNode

_CELLS = {
    "kappa": "Cohen's kappa of shared comparisons, a tie against a choice counting half: 0 is what "
    "chance gives, 1 always alike.",
    "alpha": "Krippendorff's alpha of the faces that both rated, for ordered values: 0 is what "
    "chance gives, 1 always the same rating.",
    "comparisons": "Share of shared comparisons answered alike; a tie against a choice counts "
    "half.",
    "ratings": "Share of pairs of faces that both labelers' ratings put in the same order.",
}


_LEADS = "Click a cell or a link for what splits the two."


def explained(found: Agreement) -> str:
    """What the cells are, and where a click on them leads."""
    pairs, blank, few = found.shared()
    about = found.found.coefficient
    told = _CELLS[about.key if about.key in _CELLS else found.found.source]
    if about.key != "alpha":
        told += " On the diagonal, each labeler with themselves on repeats."
    told = " ".join(filter(None, (told, _LEADS, found.left_out)))
    if len(found.found.labelers) == 1:
        told = f"One labeler answered, so there is nobody to agree with. {told}"
    if few:
        told = (
            f"Too few to tell for {few:,} of {counted(pairs, 'pair of labelers')}: they share "
            f"fewer than {ENOUGH} {'faces' if about.key == 'alpha' else 'answers'}. {told}"
        )
    if blank:
        told += (
            f" {blank:,} of {counted(pairs, 'pair of labelers')} share nothing: their cells are "
            "blank."
        )
    return told


def cells(found: Agreement, order: Sequence[int]) -> MatrixCells:
    """The matrix, its labelers in an order."""
    names = tuple(found.names[found.found.labelers[row]] for row in order)
    at = np.ix_(order, order)
    said, shown = None if found.models is None else found.models.predicted, found.found
    foretold = None if said is None or not said.count else said.matrix[at]
    half = np.nan if said is None else said.half
    return MatrixCells(names, shown.matrix[at], shown.counts[at], shown.coefficient, foretold, half)


def nodes(
    found: Agreement, everybody: Sequence[str], colours: str, *, dark: bool
) -> list[NetworkNode]:
    """The network's labelers; a disc's area grows with their answers.

    Args:
        found: what is shown.
        everybody: the study's labelers, whose places give the colours.
        colours: what those tell.
        dark: whether the background is.
    """
    typical = float(np.median(found.answers)) if found.answers else 0.0
    made = []
    for code, number in zip(found.found.labelers, found.answers, strict=True):
        group, (right, model) = found.groups.of(code), _model(found, code, dark=dark)
        place = labeler_place(everybody, code)
        colour = {"labeler": place, "group": group, "accuracy": right, "none": None}[colours]
        told = [counted(number, "answer"), model]
        if group is not None:
            told.append(f"group {group + 1}")
        size = min(max((number / typical) ** 0.5, 0.6), 1.5) if typical else 1.0
        said = ", ".join(filter(None, told))
        made.append(NetworkNode(found.names[code], colour, said, size))
    return made


def _model(found: Agreement, code: str, *, dark: bool) -> tuple[str | None, str]:
    """The colour of a labeler's accuracy, None where it cannot be told, and it in words."""
    row = None if found.models is None else found.models.accuracy.get(code)
    if found.models is None or row is None or row.accuracy is None:
        return None, ""
    words = f"model right on {told_accuracy(row).line}"
    share = found.models.share(code)
    return None if share is None else scaled(share, dark=dark), words


def table(found: Agreement, attribute: str) -> ExportTable:
    """A row for each two labelers; what models foretell has columns of its own."""
    measured, people = found.found.frame(repeats=True), found.names
    said = None if found.models is None else found.models.predicted
    foretold: dict[tuple[str, str], list[float]] = {}
    extra: tuple[str, ...] = ()
    if said is not None and said.count:
        rows, extra = (
            said.frame(found.found.labelers),
            ("predicted", "predicted_low", "predicted_high"),
        )
        off = measured["labeler"] != measured["other"]
        pairs = measured.loc[off, ["labeler", "other"]].itertuples(index=False, name=None)
        foretold = dict(zip(pairs, rows.to_numpy().tolist(), strict=True))
    blank: list[float] = [np.nan] * len(extra)
    body = []
    # What was never shared stays empty: it is unknown, not zero.
    for one, other, *rest in measured.astype(object).itertuples(index=False, name=None):
        numbers = (*rest, *foretold.get((one, other), blank))
        told = (None if value != value else value for value in numbers)
        body.append((people[one], people[other], attribute, *told, one, other))
    key = found.found.coefficient.key
    head = ("labeler", "other", "attribute", key, "low", "high", "shared answers", "source")
    return ExportTable("agreement", (*head, *extra, "labeler_code", "other_code"), body)

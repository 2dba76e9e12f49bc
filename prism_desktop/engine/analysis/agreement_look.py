"""How agreement is shown, in the window and in figures alike: what suits the number of labelers
unless somebody chose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np

from prism_desktop.engine.analysis.agreement import AgreementResult
from prism_desktop.engine.analysis.labeler_groups import alike_together, by_mean, groups
from prism_desktop.engine.analysis.network import legible, network
from prism_desktop.engine.runs.estimates import ENOUGH

MANY: Final = 12  # labelers beyond whom nobody tells their colours apart

Order = Literal["listed", "alike", "mean"]
Colours = Literal["labeler", "group", "none"]
ORDERS: Final[tuple[Order, ...]] = get_args(Order)
COLOURINGS: Final[tuple[Colours, ...]] = get_args(Colours)


@dataclass(frozen=True, slots=True)
class AgreementLook:
    """What was chosen; None is what suits the labelers."""

    order: Order | None = None  # of the matrix
    colours: Colours | None = None  # what those of the network tell
    threshold: float | None = None  # least agreement of a link, 0-1
    fewest: int | None = None  # least number of shared answers of a link

    def of(self, result: AgreementResult) -> "AgreementLook":
        """With all that nobody chose as it suits these labelers."""
        many = len(result.labelers) > MANY
        return replace(
            self,
            order=self.order or ("alike" if many else "listed"),
            colours=self.colours or ("group" if many else "labeler"),
            threshold=legible(result) if self.threshold is None else self.threshold,
            fewest=self.fewest or (ENOUGH if many else 1),
        )


def rows_in(order: Order, result: AgreementResult) -> tuple[int, ...]:
    """The rows of the matrix in an order."""
    if order == "listed":
        return tuple(range(len(result.labelers)))
    return tuple((alike_together if order == "alike" else by_mean)(result).tolist())


def draw_agreement(
    path: Path,
    result: AgreementResult,
    names: Mapping[str, str],
    everybody: Sequence[str],
    title: str,
    look: AgreementLook = AgreementLook(),
    moved: Mapping[str, tuple[float, float]] | None = None,
) -> None:
    """Save the matrix and the network, side by side.

    Args:
        path: ending in .svg, .pdf or .png.
        result: from `agreement`.
        names: what to call each labeler, by code.
        everybody: the study's labelers, whose places give the colours.
        title: above the whole.
        look: what was chosen of it.
        moved: places of labelers in the network, within -1 to 1, where somebody moved them.
    """
    from prism_desktop.engine.analysis.figures import agreement_figure, labeler_ink
    from prism_desktop.engine.analysis.plotting import COLOURS, GREY, save_figure

    look = look.of(result)
    assert look.order is not None
    assert look.fewest is not None
    found, told = groups(result) if look.colours == "group" else None, ""
    inks = dict.fromkeys(result.labelers, GREY)
    if found is not None:
        told = found.told()
        for place, group in enumerate(found.members):
            inks |= dict.fromkeys(group, COLOURS[place % len(COLOURS)])
    elif look.colours == "labeler":
        inks = {code: labeler_ink(everybody, code) for code in result.labelers}
    linked = network(result, look.threshold, look.fewest)
    if moved:
        linked = replace(linked, positions={code: moved[code] for code in linked.positions})
    shown = in_order(result, rows_in(look.order, result))
    called = [names[code] for code in shown.labelers]
    save_figure(agreement_figure(shown, called, title, linked, inks, told), path)


def in_order(result: AgreementResult, rows: Sequence[int]) -> AgreementResult:
    """The same agreement with its labelers in another order."""
    cells = np.ix_(rows, rows)
    return replace(
        result,
        labelers=tuple(result.labelers[row] for row in rows),
        matrix=result.matrix[cells],
        counts=result.counts[cells],
        low=result.low[cells],
        high=result.high[cells],
    )

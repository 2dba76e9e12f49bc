"""How agreement is shown, in the window and in figures alike: what suits the number of labelers
unless somebody chose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np

from prism_desktop.engine.analysis.agreement import AgreementResult
from prism_desktop.engine.analysis.labeler_groups import alike_together, by_mean, groups
from prism_desktop.engine.analysis.network import legible, network
from prism_desktop.engine.analysis.predicted_agreement import (
    PredictedAgreement,
    predicted_agreement,
)
from prism_desktop.engine.errors import InputError, RunError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import method_title
from prism_desktop.engine.runs.estimates import ENOUGH, too_few
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import Accuracy
from prism_desktop.engine.runs.run_label import read_label
from prism_desktop.engine.series_colours import scaled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MANY: Final = 12  # labelers beyond whom nobody tells their colours apart

Order = Literal["listed", "alike", "mean"]
Colours = Literal["labeler", "group", "accuracy", "none"]
ORDERS: Final[tuple[Order, ...]] = get_args(Order)
COLOURINGS: Final[tuple[Colours, ...]] = get_args(Colours)


@dataclass(frozen=True, slots=True)
class AgreementLook:
    """What was chosen; None is what suits the labelers."""

    order: Order | None = None  # of the matrix
    colours: Colours | None = None  # what those of the network tell
    threshold: float | None = None  # least agreement of a link, on the coefficient's scale
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


@dataclass(frozen=True, slots=True)
class OfModels:
    """What a run's models say beside the answers.

    Attributes:
        name: what to call the run.
        predicted: agreement where nothing is shared.
        accuracy: how far each labeler's model was right on held-out answers, by code.
    """

    name: str = ""
    predicted: PredictedAgreement | None = None
    accuracy: Mapping[str, Accuracy] = field(default_factory=dict)

    def told(self, code: str) -> Accuracy | None:
        """How far a labeler's model was right, where that can be told."""
        found = self.accuracy.get(code)
        return None if found is None or found.accuracy is None or too_few(found.n) else found

    def share(self, code: str) -> float | None:
        """The place of that accuracy on the scale of colours, from chance (0) to never wrong."""
        found = self.told(code)
        if found is None or found.accuracy is None:
            return None
        return min(max(2 * found.accuracy - 1, 0.0), 1.0)


def of_models(run: RunFolder, measured: AgreementResult, *, predict: bool = False) -> OfModels:
    """What a run's models say: their accuracy, and where wanted what they foretell.

    Raises:
        RunError: the run has no predictions yet.
        InputError: it says the same of every labeler.
    """
    summary, table = run.summary(), run.scores()
    if table is None:
        raise RunError(
            f"{run.name} has no predictions, for it was not trained to its end: resume it, or name "
            "another run."
        )
    method = "" if summary is None else summary.method
    name = read_label(run.path).name or method_title(method) or run.name
    accuracy = {} if summary is None else summary.test.per_labeler
    if not predict:
        return OfModels(name, None, accuracy)
    if all(np.array_equal(one, table.array[0], equal_nan=True) for one in table.array[1:]):
        raise InputError(
            f"{run.name} says the same of every labeler, so it foretells nobody's agreement: name "
            "a run of a method that tells labelers apart."
        )
    known = [name for name in table.attributes if measured.attribute in (None, name)]
    if not known:
        raise InputError(
            f"{run.name} learned nothing about {measured.attribute}: name another run."
        )
    rows = [table.attributes.index(name) for name in known]
    return OfModels(
        name, predicted_agreement(measured, table.labelers, table.array[:, rows]), accuracy
    )


def draw_agreement(
    path: Path,
    result: AgreementResult,
    names: Mapping[str, str],
    everybody: Sequence[str],
    title: str,
    look: AgreementLook = AgreementLook(),
    moved: Mapping[str, tuple[float, float]] | None = None,
    models: OfModels = OfModels(),
) -> None:
    """Save the matrix and the network, side by side.

    Args:
        path: ending in .svg, .pdf or .png.
        result: from `measured_agreement`.
        names: what to call each labeler, by code.
        everybody: the study's labelers, whose places give the colours.
        title: above the whole.
        look: what was chosen of it.
        moved: places of labelers in the network, within -1 to 1, where somebody moved them.
        models: what a run's models say of them.
    """
    from prism_desktop.engine.analysis.plotting import save_figure

    save_figure(agreement_drawn(result, names, everybody, title, look, moved, models), path)


def agreement_drawn(
    result: AgreementResult,
    names: Mapping[str, str],
    everybody: Sequence[str],
    title: str,
    look: AgreementLook = AgreementLook(),
    moved: Mapping[str, tuple[float, float]] | None = None,
    models: OfModels = OfModels(),
) -> "Figure":
    """The same as a figure."""
    from prism_desktop.engine.analysis import figures

    look = look.of(result)
    assert look.order is not None
    assert look.fewest is not None
    inks, told = _inks(result, everybody, look, models)
    linked = network(result, look.threshold, look.fewest)
    if moved:
        linked = replace(linked, positions={code: moved[code] for code in linked.positions})
    rows = rows_in(look.order, result)
    shown = in_order(result, rows)
    called = [names[code] for code in shown.labelers]
    scale = look.colours == "accuracy"
    predicted = models.predicted
    if predicted is not None:
        told = " ".join(filter(None, (told, predicted.told())))
        predicted = replace(predicted, matrix=predicted.matrix[np.ix_(rows, rows)])
    return figures.agreement_figure(shown, called, title, linked, inks, told, predicted, scale)


def _inks(
    result: AgreementResult, everybody: Sequence[str], look: AgreementLook, models: OfModels
) -> tuple[dict[str, str], str]:
    """The colour of each labeler in the network, and a sentence on what it tells."""
    from prism_desktop.engine.analysis.figures import labeler_ink
    from prism_desktop.engine.analysis.plotting import COLOURS, GREY

    inks = dict.fromkeys(result.labelers, GREY)
    if look.colours == "group":
        found = groups(result)
        for place, group in enumerate(found.members):
            inks |= dict.fromkeys(group, COLOURS[place % len(COLOURS)])
        return inks, found.told()
    if look.colours == "labeler":
        return {code: labeler_ink(everybody, code) for code in result.labelers}, ""
    if look.colours == "accuracy":
        shares = {code: models.share(code) for code in result.labelers}
        inks |= {code: scaled(share) for code, share in shares.items() if share is not None}
        return inks, accuracy_told(models, result.labelers)
    return inks, ""


def accuracy_told(models: OfModels, labelers: Sequence[str]) -> str:
    """What the colours of model accuracy are, a sentence or two."""
    if not models.name:
        return "No run's models were tested, so no colours tell their accuracy."
    told = f"Colours: how far the models of {models.name} are right on held-out answers."
    grey = sum(models.told(code) is None for code in labelers)
    if grey:
        few = counted(grey, "labeler")
        told += (
            f" Grey: {few} without a model here, or tested on under {counted(ENOUGH, 'answer')}."
        )
    return told


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

"""What the pages of who is like whom ask of the engine: agreement, vectors of models, disputes.
Nothing here touches Qt."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.names import people
from prism_desktop.engine.runs.estimates import ENOUGH
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.set_aside import told_aside
from prism_desktop.ui.explore.run_data import RunData

if TYPE_CHECKING:
    import pandas as pd

    from prism_desktop.engine.analysis.agreement import AgreementResult, Source
    from prism_desktop.engine.analysis.agreement_look import AgreementLook, OfModels, Order
    from prism_desktop.engine.analysis.disputes import Disputes
    from prism_desktop.engine.analysis.labeler_groups import Groups
    from prism_desktop.engine.analysis.network import Link
    from prism_desktop.engine.analysis.vector_report import VectorReport
    from prism_desktop.engine.study.store import Study

MOST_LINKS = 5000  # that a network shows; more are one blot, and slow


@dataclass(frozen=True, slots=True, eq=False)
class StudyAnswers:
    """What labelers answered up to now; holds no study, so that it outlives one that is closed."""

    compared: "pd.DataFrame"
    rated: "pd.DataFrame"
    attributes: tuple[str, ...]  # those judged, in the study's order
    names: dict[str, str]  # of those who judged, in the study's order
    everybody: tuple[str, ...] = ()  # the study's labelers, whose places give the colours
    aside: str = ""  # a sentence on what the study leaves out of them


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Agreement of labelers, and where to draw each."""

    found: "AgreementResult"
    places: dict[int, tuple[float, float]]  # by row of the matrix
    names: dict[str, str]  # what to call each labeler
    orders: "dict[Order, tuple[int, ...]]"  # rows of the matrix
    groups: "Groups"
    look: "AgreementLook"  # that suits these labelers
    answers: tuple[int, ...]  # that each labeler gave, by row
    aside: str = ""  # as of `StudyAnswers`
    models: "OfModels | None" = None  # what the models of a run say; None without a run

    @property
    def left_out(self) -> str:
        """A sentence on answers that do not count; empty where all do."""
        from prism_desktop.engine.analysis.agreement import left_out

        return " ".join(filter(None, (self.aside, left_out(self.found.chosen))))

    def links(self, threshold: float = 0.0, fewest: int = 1) -> "tuple[Link, ...]":
        """The links of at least this agreement, 0-1, as the figure draws them; of very many the
        strongest."""
        from prism_desktop.engine.analysis.network import links

        return links(self.found, threshold, fewest, MOST_LINKS)

    def chosen_look(self, order: str, colours: str, least: int, fewest: int) -> "AgreementLook":
        """The look that pickers stand at; `least` in per cent."""
        from prism_desktop.engine.analysis.agreement_look import COLOURINGS, ORDERS, AgreementLook

        return AgreementLook(
            next(each for each in ORDERS if each == order),
            next(each for each in COLOURINGS if each == colours),
            least / 100,
            fewest,
        )

    def shared(self) -> tuple[int, int, int]:
        """Pairs of labelers: all, those who share nothing, those who share too little to tell."""
        counts = self.found.counts[np.triu_indices(len(self.found.labelers), 1)]
        blank = int((counts == 0).sum())
        return len(counts), blank, int((counts < ENOUGH).sum()) - blank


def answered(study: "Study") -> StudyAnswers:
    """Read the study's present answers about attributes that somebody confirmed."""
    confirmed = [each.name for each in study.attributes() if each.confirmed]
    compared, rated = (
        frame[frame["attribute"].isin(confirmed)].reset_index(drop=True)
        for frame in (study.comparisons(), study.ratings())
    )
    judged = set(compared["attribute"]) | set(rated["attribute"])
    labeled = set(compared["labeler"]) | set(rated["labeler"])
    named = people((each.code, each.display_name) for each in study.labelers())
    names = {code: name for code, name in named.items() if code in labeled}
    return StudyAnswers(
        compared,
        rated,
        tuple(name for name in confirmed if name in judged),
        names,
        tuple(each.code for each in study.labelers()),
        told_aside(study.set_aside()),
    )


def agreement(
    answers: StudyAnswers,
    attribute: str | None,
    labelers: tuple[str, ...],
    source: str = "",
    measure: str = "",
    run: RunData | None = None,
    predict: bool = False,
) -> Iterator[Event[Agreement]]:
    """Agreement of these labelers on one attribute, or on all if None.

    Args:
        answers: of the study.
        attribute: only this one.
        labelers: whose.
        source: "comparisons", "ratings", or empty for comparisons where any are shared.
        measure: "corrected" for agreement beyond chance.
        run: whose models are asked too.
        predict: whether they foretell what nobody shares.

    The last event is `Done[Agreement]`.
    """
    yield Progress(0, None, "Comparing labelers")
    from prism_desktop.engine.analysis.agreement import SOURCES
    from prism_desktop.engine.analysis.agreement_look import ORDERS, AgreementLook, rows_in
    from prism_desktop.engine.analysis.chance_corrected import measured_agreement
    from prism_desktop.engine.analysis.coefficients import MEASURES
    from prism_desktop.engine.analysis.labeler_groups import groups
    from prism_desktop.engine.analysis.network import layout

    # the libraries take a while to load; here a cancel is heard
    yield Progress(0, None, "Comparing labelers")
    kind = next((each for each in SOURCES if each == source), None)
    how = next((each for each in MEASURES if each == measure), MEASURES[0])
    found = measured_agreement(answers.compared, answers.rated, attribute, labelers, kind, how)
    yield Progress(0, None, "Arranging labelers")
    places = layout(found)
    yield Progress(0, None, "Looking for groups")
    numbered = {place: places[code] for place, code in enumerate(found.labelers)}
    given = answers.rated if found.source == "ratings" else answers.compared
    given = given if attribute is None else given[given["attribute"] == attribute]
    number = given["labeler"].value_counts()
    yield Done(
        Agreement(
            found,
            numbered,
            answers.names,
            {order: rows_in(order, found) for order in ORDERS},
            groups(found),
            AgreementLook().of(found),
            tuple(int(number.get(code, 0)) for code in found.labelers),
            answers.aside,
            None if run is None else _of_models(run, found, answers.attributes, predict),
        )
    )


def taste(data: RunData, attribute: str | None) -> Iterator[Event["VectorReport"]]:
    """A run's personal vectors and what they say; the last event is `Done[VectorReport]`.

    Raises:
        RunError: it has none.
        InputError: it did not learn the attribute.
    """
    yield Progress(0, None, "Reading the labelers' vectors")
    from prism_desktop.engine.analysis.vector_report import vector_report

    yield Progress(0, None, "Testing what similar vectors mean")
    yield Done(vector_report(RunFolder(data.folder), attribute))


@dataclass(frozen=True, slots=True, eq=False)
class TwoLabelers:
    """What splits two labelers, and the files of the faces."""

    found: "Disputes"
    names: dict[str, str]  # of the faces, by identity


def split(
    study: "Study", answers: StudyAnswers, one: str, other: str, attribute: str | None, source: str
) -> TwoLabelers:
    """What two labelers answered differently; `source` as of `agreement`."""
    from prism_desktop.engine.analysis.disputes import disputes

    kind: Source = "ratings" if source == "ratings" else "comparisons"
    found = disputes(answers.compared, answers.rated, one, other, attribute, kind)
    return TwoLabelers(found, {image.id: image.name for image in study.images()})


def foretells(data: RunData | None) -> bool:
    """Whether a run's models say different things of different labelers."""
    return data is not None and len(data.labelers) > 1 and not data.ignores_labelers


def _of_models(
    data: RunData, found: "AgreementResult", judged: Sequence[str], predict: bool
) -> "OfModels":
    """What a run's models say beside the answers; of attributes that were labeled alone."""
    from prism_desktop.engine.analysis.agreement_look import OfModels
    from prism_desktop.engine.analysis.predicted_agreement import predicted_agreement

    predicted = None
    if predict and foretells(data):
        asked = judged if found.attribute is None else (found.attribute,)
        those = [name for name in data.attributes if name in asked]
        predicted = predicted_agreement(found, data.labelers, data.score_table(those))
    return OfModels(data.title, predicted, data.test.per_labeler)

"""The trials that would tell most of a labeler of a finished run: faces to rate, pairs to compare.

Somebody new is served best by answers on faces of which their taste cannot be foretold; twenty
chosen faces are worth thirty to fifty random ones. Only a run that knows how surely it knows a
labeler can choose them.
"""

from collections.abc import Iterator

from prism_desktop.engine.adaptation.adapted_labelers import NextTrial
from prism_desktop.engine.adaptation.fitter_choice import open_fitter
from prism_desktop.engine.adaptation.head_fitter import KnownTaste, LabelerFitter
from prism_desktop.engine.adaptation.new_answers import NewAnswers
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Progress, value
from prism_desktop.engine.methods import POSTERIOR, method_title
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.models.obstacles import find_obstacles, refuse
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.records import Kind
from prism_desktop.engine.training.telling_order import telling_order


def trials_of_newcomer(
    run: RunFolder, count: int, task: Kind | None = None
) -> Iterator[Event[tuple[NextTrial, ...]]]:
    """What somebody of whom nothing is known should judge first; nobody enters.

    Args:
        run: a finished run.
        count: how many trials.
        task: faces to rate or pairs to compare; None for what the run's labelers did.

    Raises:
        InputError: one sentence, if the run cannot choose.
    """
    refuse(find_obstacles(run.path).entering)
    yield Progress(0, None, "Loading the run")
    fitter: LabelerFitter = yield from value(open_fitter(run))
    yield Progress(0, None, "Choosing what tells most")
    compared = len(run.table("comparisons")) > 0
    chosen: Kind = task or ("comparison" if compared else "rating")
    yield Done(_trials(run, known_taste(run, fitter), chosen, count, set()))


def trials_of_labeler(
    run: RunFolder,
    fitter: LabelerFitter,
    said: NewAnswers,
    told: tuple[Answers, Ratings | None],
    count: int,
    task: Kind | None = None,
) -> tuple[NextTrial, ...]:
    """What somebody who entered should judge next, and did not judge yet.

    Args:
        run: a finished run.
        fitter: the same, loaded.
        said: what they said.
        told: the same as it is learned from.
        count: how many trials.
        task: faces to rate or pairs to compare; None for what they did.

    Raises:
        InputError: one sentence, if the run cannot choose.
    """
    compared = said.pairs[said.pairs["source"] != "rating"]
    sides = zip(compared["left"].astype(str), compared["right"].astype(str), strict=True)
    judged: set[tuple[str, ...]] = {(min(pair), max(pair)) for pair in sides}
    judged |= {(image,) for image in said.ratings["image"].astype(str)}
    chosen: Kind = task or ("comparison" if len(compared) else "rating")
    return _trials(run, known_taste(run, fitter, *told), chosen, count, judged)


def known_taste(
    run: RunFolder,
    fitter: LabelerFitter,
    answers: Answers | None = None,
    ratings: Ratings | None = None,
) -> KnownTaste:
    """Raises: InputError: the run cannot tell how surely it knows a labeler."""
    known = fitter.posterior(answers, ratings)
    if known is None:
        title = method_title(run.config().method)
        raise InputError(
            f"{title} cannot tell how surely it knows a labeler, so it cannot choose what to ask; "
            f"choose a run of {method_title(POSTERIOR)}."
        )
    return known


def _trials(
    run: RunFolder, known: KnownTaste, task: Kind, count: int, judged: set[tuple[str, ...]]
) -> tuple[NextTrial, ...]:
    images = run.table("images")
    names = dict(zip(images["image"].astype(str), images["name"].astype(str), strict=True))
    found = telling_order(known.heads, known.features, images, task, count, judged)
    return tuple(NextTrial(images=each, names=tuple(names[i] for i in each)) for each in found)

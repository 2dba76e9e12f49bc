"""The choice of a fitter for a run: one kind for each family of methods, by what files the run
holds.

| family | a new labeler |
|---|---|
| heads in closed form | `.adapt`: the posterior from the prior, the index, the consensus as it is |
| the MLP decoder, tokens, words, gates, adapters | own parameters are fitted from their start |
| heads of a tower | the posterior on what is seen at the start, before the fit |
| contexts, histories, profiles, groups | one forward pass over the answers |
| combinations | members enter, with the average labeler's weights |
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.adaptation.fitters import (
    DecoderFitter,
    FittedLabeler,
    HeadFitter,
    LabelerFitter,
    State,
    TowerFitter,
    alone,
)
from prism_desktop.engine.adaptation.new_labeler_model import Scores
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Done, Event, Notice, Progress
from prism_desktop.engine.events import value as value
from prism_desktop.engine.models.answers import Answers, Ints, select
from prism_desktop.engine.models.clustering import fit_grouping_heads
from prism_desktop.engine.models.combination_file import Member, read_combination
from prism_desktop.engine.models.decoder import DecoderModel
from prism_desktop.engine.models.heads.likelihood import Ratings, without
from prism_desktop.engine.models.saved import load_run, refuse_others
from prism_desktop.engine.models.saved_heads import load_heads
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.training import conditioning
from prism_desktop.engine.training.combination import loss
from prism_desktop.engine.training.factory import Task
from prism_desktop.engine.training.offered_blocks import with_blocks
from prism_desktop.engine.training.resources import Resources, open_resources

PARTS = 5  # of a new labeler's answers, in cross-validation
LEAST = 15  # answers that are parted at all


def open_fitter(
    run: RunFolder, resources: Resources | None = None
) -> Iterator[Event[LabelerFitter]]:
    """Load a finished run, so that new labelers may enter it.

    Args:
        run: a run that has a model.
        resources: of a run that shares backbone and images; None to open them.

    Raises:
        RunError: if there is no model, or the backbone is gone.
    """
    resources = resources or (yield from value(open_resources(run)))
    if layout.holds(run.path, layout.COMBINATION):
        yield Done((yield from _combination(run, resources)))
    elif layout.holds(run.path, layout.HEAD):
        yield from resources.read_features(run)
        assert resources.features is not None
        heads = load_heads(run.path)
        refuse_others(heads.card.backbone, resources.sha256, heads.card.backbone_sha256, run.path)
        if isinstance(heads.heads, DecoderModel):
            yield Done(DecoderFitter(run, heads.heads, resources.features))
        else:
            x = yield from with_blocks(run, resources.features.array, heads.card.blocks)
            yield Done(HeadFitter(heads, x))
    elif layout.holds(run.path, layout.TOKENS):
        yield Done((yield from _tower(run, resources)))
    else:
        raise RunError(f"{run.name} holds no trained model yet; finish or resume its training.")


@dataclass(frozen=True, slots=True, eq=False)
class CombinationFitter:
    """Members enter, each in its own way; their weights are the average labeler's.

    A selective run serves a new labeler by the consensus, until the personal member foretells their
    answers better in cross-validation.
    """

    members: tuple[tuple[Member, LabelerFitter], ...]
    selective: bool

    def fit(
        self, answers: Answers, profile: str = "", ratings: Ratings | None = None
    ) -> FittedLabeler:
        """All members."""
        answers = alone(answers)
        weights = self._weights(answers, profile, ratings)
        fitted = [fitter.fit(answers, profile, ratings) for _, fitter in self.members]
        return self._together(fitted, weights)

    def restore(self, state: State) -> FittedLabeler:
        """All members."""
        parts = [
            fitter.restore(
                {
                    k.removeprefix(f"{m.method}/"): a
                    for k, a in state.items()
                    if k.startswith(f"{m.method}/")
                }
            )
            for m, fitter in self.members
        ]
        return self._together(parts, state["weights"])

    def _together(self, parts: list[FittedLabeler], weights: npt.NDArray[Any]) -> FittedLabeler:
        state: dict[str, npt.NDArray[Any]] = {"weights": weights}
        for (member, _), part in zip(self.members, parts, strict=True):
            state |= {f"{member.method}/{name}": array for name, array in part.state.items()}

        def scores(images: Ints | None) -> Scores:
            own = [
                np.float32(w) * p.scores(images) for w, p in zip(weights, parts, strict=True) if w
            ]
            return np.asarray(np.sum(own, axis=0), np.float32)

        return FittedLabeler(state, scores)

    def _weights(
        self, answers: Answers, profile: str, ratings: Ratings | None
    ) -> npt.NDArray[np.float64]:
        if not self.selective:
            return np.array([np.mean(member.weight) for member, _ in self.members])
        factors = [member.calibration for member, _ in self.members]
        margins = [
            cross_fitted(fitter, answers, profile, ratings=ratings) for _, fitter in self.members
        ]
        losses = [
            loss(f * m, answers).mean()
            for f, m in zip(factors, margins, strict=True)
            if m is not None
        ]
        personal = len(losses) == len(factors) and losses[1] < losses[0]
        return np.array([0.0, factors[1]] if personal else [factors[0], 0.0])


def cross_fitted(
    fitter: LabelerFitter,
    answers: Answers,
    profile: str = "",
    seed: int = 0,
    ratings: Ratings | None = None,
) -> npt.NDArray[np.float64] | None:
    """(answers,) logits of each answer from the others that
    share no image with its part; None if there are too few.

    Args:
        fitter: a loaded run.
        answers: one labeler's; a presentation's stay in one part.
        profile: theirs.
        seed: of the parts.
        ratings: the labeler's; those of images that are tested are not learned from.
    """
    if len(answers) < LEAST:
        return None
    group = np.unique(answers.group, return_inverse=True)[1]
    part = (np.random.default_rng(seed).permutation(int(group.max()) + 1) % PARTS)[group]
    margin = np.zeros(len(answers))
    for held in range(PARTS):
        tested = np.flatnonzero(part == held)
        if not len(tested):
            continue
        shown = np.unique(np.concatenate([answers.left[tested], answers.right[tested]]))
        free = (part != held) & ~np.isin(answers.left, shown) & ~np.isin(answers.right, shown)
        rated = None if ratings is None else without(ratings, shown)
        scores = fitter.fit(select(answers, free), profile, rated).scores(shown)
        left, right = (
            np.searchsorted(shown, answers.left[tested]),
            np.searchsorted(shown, answers.right[tested]),
        )
        names = answers.attribute[tested]
        margin[tested] = scores[names, left] - scores[names, right]
    return margin


def _tower(
    run: RunFolder, resources: Resources
) -> Generator[Progress | Notice, None, LabelerFitter]:
    """A fitter of a model with an image tower; groups need the heads that they were made from,
    which are fitted again, heads of new labelers those that training started at."""
    backbone, _ = resources.tower()
    loaded = load_run(run.path, backbone=backbone)
    grouping_heads = None
    if conditioning.wants_features(loaded.method):
        yield from resources.read_features(run)
    if loaded.method.scope == "cluster":
        assert resources.features is not None
        task = Task.of(run)
        yield Progress(0, None, "Reading the groups of labelers")
        grouping_heads = fit_grouping_heads(
            resources.features.array,
            task.answers["train"],
            len(task.labelers),
            len(task.attributes),
        )
    started = (run.path / layout.CLOSED_FORM).is_file()
    heads = load_heads(run.path, layout.CLOSED_FORM) if started else None
    return TowerFitter(run, loaded, resources, grouping_heads, heads)


def _combination(
    run: RunFolder, resources: Resources
) -> Generator[Progress | Notice, None, LabelerFitter]:
    members = []
    for member in read_combination(run.path):
        folder = RunFolder.open(run.path.with_name(member.run))
        members.append((member, (yield from value(open_fitter(folder, resources)))))
    return CombinationFitter(tuple(members), run.config().method == "selective")

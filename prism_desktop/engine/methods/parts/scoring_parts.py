"""What turns an image that was seen into scores; every method has one, which says how it is
fitted."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from prism_desktop.engine.methods.parts.part import (
    AXES,
    LORA_RATE,
    TOKEN_RATE,
    MethodPart,
    Need,
    Own,
    Range,
    SettingUse,
    Shapes,
    Sizes,
    linear,
)
from prism_desktop.engine.methods.parts.visual_tokens import HierarchicalTokens, TokenTable

Fitted = Literal["by steps", "in one go", "not at all", "by weighing"]
Rule = Literal["average", "one or the other", "while it pays"]

BAYES_AXES = 128  # principal axes of the features that a posterior reads, at most
BAYES_WEIGHTS = 192  # of a labeler, all attributes together, where there are many attributes
BAYES_FEWEST = 16  # axes of an attribute, however many attributes there are
FACTORS = 2  # qualities of a face that others' answers tell of
LAYERS = (384, 256, 128, 64, 32)  # widths of the MLP's hidden layers
MILLISECONDS = "its posterior is updated in milliseconds"


@dataclass(frozen=True, slots=True)
class Scoring(MethodPart):
    """What turns features into scores.

    Attributes:
        fitted: how the model is fitted.
        of_features: it reads the frozen backbone's features, and imported embeddings will do.
        reads_text: it can score an attribute that nobody labeled.
        knows_how_surely: it has a posterior of each labeler, which tells what to ask next.
        tells_spread: and from that how sure it is of the score of a single face.
        reads_others: it reads what other labelers said of the very same face.
    """

    fitted: ClassVar[Fitted] = "by steps"
    of_features: ClassVar[bool] = True
    reads_text: ClassVar[bool] = False
    knows_how_surely: ClassVar[bool] = False
    reads_others: ClassVar[bool] = False
    tells_spread: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class CosineScores(Scoring):
    """The cosine of what the tower sees and an attribute's text, over a temperature."""

    of_features: ClassVar[bool] = False
    reads_text: ClassVar[bool] = True
    settings: ClassVar[Mapping[str, SettingUse]] = {
        "temperature": SettingUse(Range(0.03, 0.3, log=True)),
        "lora_lr": SettingUse(),  # of a learned temperature and of networks beside the loss
        "learn_temperature": SettingUse(),
        "start": SettingUse(),
        "flips": SettingUse(),
    }
    needs: ClassVar[frozenset[Need]] = frozenset({"text"})

    def shapes(self, sizes: Sizes) -> Shapes:
        return {"log_temperature": ()} if sizes["learn_temperature"] else {}


@dataclass(frozen=True, slots=True)
class UntrainedCosine(CosineScores):
    """The same of a model of which nothing is trained."""

    fitted: ClassVar[Fitted] = "not at all"
    settings: ClassVar[Mapping[str, SettingUse]] = {"temperature": SettingUse()}

    def shapes(self, sizes: Sizes) -> Shapes:
        return {}


@dataclass(frozen=True, slots=True)
class StartingHeads(MethodPart):
    """Directions of each labeler's own in place of the attributes' texts, where training starts at
    the closed form."""

    made_at: ClassVar[str | None] = "closed-form"
    beside: ClassVar[tuple[type[MethodPart], ...]] = (TokenTable, HierarchicalTokens)
    own: ClassVar[Own] = {"heads.table": "fitted"}
    entering: ClassVar[str] = "its head follows in milliseconds"

    def shapes(self, sizes: Sizes) -> Shapes:
        table = (sizes.labelers, sizes.attributes, sizes.vision.embed_dim)
        return {"heads.table": table} if sizes["start"] == self.made_at else {}


@dataclass(frozen=True, slots=True)
class MlpScores(Scoring):
    """A network of an image's features and of a labeler's vector."""

    settings: ClassVar[Mapping[str, SettingUse]] = {
        "decoder": SettingUse(),
        "token_lr": SettingUse(TOKEN_RATE, default=1e-2),
        "lora_lr": SettingUse(LORA_RATE, default=2e-3),
    }
    own: ClassVar[Own] = {"vectors": "mean"}
    entering: ClassVar[str] = "a vector is fitted to the answers in seconds"

    def shapes(self, sizes: Sizes) -> Shapes:
        vector, gate = sizes["decoder.vector"], 2 if sizes["decoder.glu"] else 1
        widths = (sizes.axes() + vector, *LAYERS)
        found: dict[str, tuple[int, ...]] = {"vectors": (sizes.labelers, vector)}
        for place, (before, after) in enumerate(itertools.pairwise(widths)):
            found |= linear(f"layers.{place}.product", before, after * gate)
            if sizes["decoder.batch_norm"]:
                found |= {f"layers.{place}.norm.{name}": (after,) for name in ("weight", "bias")}
        found |= linear("comparison", widths[-1], sizes.attributes)
        return found | dict(linear("rating", widths[-1], sizes.attributes))


@dataclass(frozen=True, slots=True)
class LinearScores(Scoring):
    """One linear head per attribute, everyone's."""

    fitted: ClassVar[Fitted] = "in one go"

    def shapes(self, sizes: Sizes) -> Shapes:
        return {"weights": (sizes.attributes, sizes.axes(AXES))}


@dataclass(frozen=True, slots=True)
class RetrievalScores(LinearScores):
    """The vote of the labeler's past comparisons beside everyone's linear head."""

    settings: ClassVar[Mapping[str, SettingUse]] = {"retrieval": SettingUse()}
    own: ClassVar[Own] = {
        f"retrieval.{name}": "fitted"
        for name in ("memory", "labeler", "attribute", "neighbours", "weight", "kind", "labelers")
    }
    entering: ClassVar[str] = "its answers join the index"


@dataclass(frozen=True, slots=True)
class PosteriorScores(Scoring):
    """Each labeler's weights, with a prior learned over labelers."""

    fitted: ClassVar[Fitted] = "in one go"
    knows_how_surely: ClassVar[bool] = True
    tells_spread: ClassVar[bool] = True
    settings: ClassVar[Mapping[str, SettingUse]] = {"blocks": SettingUse()}
    own: ClassVar[Own] = {"mean": "fitted", "information": "fitted"}
    entering: ClassVar[str] = MILLISECONDS

    def shapes(self, sizes: Sizes) -> Shapes:
        axes = sizes.axes(bayes_axes(BAYES_AXES, sizes.attributes))
        return {"mean": (sizes.labelers, sizes.attributes, axes)}

    def decided(self, sizes: Sizes) -> bool:
        return True  # validation may choose fewer axes


@dataclass(frozen=True, slots=True)
class CollaborativeScores(PosteriorScores):
    """The same beside what the others say of the very same face."""

    reads_others: ClassVar[bool] = True
    tells_spread: ClassVar[bool] = False  # what the others say is in no posterior
    own: ClassVar[Own] = {
        **PosteriorScores.own,
        "faces.loadings": "fitted",
        "faces.slope": "fitted",
        "faces.curvature": "fitted",
        "faces.voice": "fitted",
    }

    def shapes(self, sizes: Sizes) -> Shapes:
        loadings = (sizes.labelers, sizes.attributes, FACTORS)
        mine = PosteriorScores.shapes(self, sizes)  # a class with slots has no super() of its own
        return {**mine, "faces.loadings": loadings}


@dataclass(frozen=True, slots=True)
class WeighedRuns(Scoring):
    """The weighed scores of other methods' runs.

    Attributes:
        rule: how they are weighed: all alike, one or the other for each labeler, or by stacking as
            long as a further one pays.
        tries: the methods that are tried where nobody chooses, cheapest first; empty for those
            that the method stands on.
    """

    fitted: ClassVar[Fitted] = "by weighing"
    settings: ClassVar[Mapping[str, SettingUse]] = {"members": SettingUse()}
    entering: ClassVar[str] = "as its members do"
    rule: ClassVar[Rule]
    tries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AveragedRuns(WeighedRuns):
    """All alike, but not the consensus; one of them has an image tower."""

    rule: ClassVar[Rule] = "average"
    needs: ClassVar[frozenset[Need]] = frozenset({"tower"})


@dataclass(frozen=True, slots=True)
class ChosenRuns(WeighedRuns):
    """One or the other for each labeler."""

    rule: ClassVar[Rule] = "one or the other"
    entering: ClassVar[str] = "the consensus until its own answers say that a personal model helps"


@dataclass(frozen=True, slots=True)
class StackedRuns(WeighedRuns):
    """By stacking, as long as a further one pays."""

    rule: ClassVar[Rule] = "while it pays"


def bayes_axes(most: int, attributes: int, others: int = 0) -> int:
    """Axes of each attribute of a posterior: so many that the attributes' stacked heads, with the
    axes of optional blocks, stay of a size that is solved in milliseconds.

    Args:
        most: axes.
        attributes: how many.
        others: axes of optional blocks.
    """
    return min(most, max(BAYES_WEIGHTS // max(attributes, 1) - others, BAYES_FEWEST))

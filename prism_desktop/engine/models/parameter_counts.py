"""How many parameters a method trains on a study, told before anything is loaded. Needs no torch.

Most follow from sizes. Groups of labelers, earned ranks, the axes of a Bayesian head and the
members that a combination keeps are decided by the answers: of those the most there can be is told.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from prism_desktop.engine.backbones.shape import Shape
from prism_desktop.engine.config import DecoderConfig, TrainConfig
from prism_desktop.engine.methods import METHODS, Method, members_of

# What the modules of the parts say of themselves, where torch or scikit-learn would have to be
# loaded to ask them.
_AXES = 64  # of the features that heads, contexts and histories are written in, at most
# `bayes`: axes of an attribute at most, weights of a labeler in all, axes of an attribute at least
_BAYES_AXES, _BAYES_WEIGHTS, _BAYES_FEWEST = 128, 192, 16
_VECTOR = 64  # `tokens.FactoredPrompts.SIZE`
_CONTEXT = 128  # `contexts.ContextPrompts.WIDTH`
_ITEM = 64  # `histories.HistoryPrompts.SIZE`
_LOOKS = 2  # `histories.Perceiver.LAYERS`
_LAYERS = (384, 256, 128, 64, 32)  # `decoder.DecoderShape.widths`
_FACTORS = 2  # `collaborative.CollaborativeSettings.factors`
_RANK, _GROUPS = 8, 16  # `clustering.MOST_RANK`, and the most groups that are tried


@dataclass(frozen=True, slots=True)
class Count:
    """How many numbers are trained."""

    number: int
    exact: bool = True  # False: at most so many


@dataclass(frozen=True, slots=True)
class Data:
    """Sizes of what would be trained on."""

    labelers: int
    attributes: int
    shape: Shape | None  # of the backbone; None for embeddings
    features: int | None  # dimensions of an image's frozen features; None where unknown
    images: int | None = None  # None for more than the features have dimensions

    @property
    def axes(self) -> int:
        """Principal axes of the features that are kept."""
        return self.axes_within(_AXES)

    @property
    def bayes_axes(self) -> int:
        """The same of each attribute of a Bayesian head, fewer where there are many attributes."""
        fair = max(_BAYES_WEIGHTS // max(self.attributes, 1), _BAYES_FEWEST)
        return self.axes_within(min(_BAYES_AXES, fair))

    def axes_within(self, most: int) -> int:
        """At most so many axes; n images have no more than n - 1."""
        kept = most if self.images is None else max(1, min(most, self.images - 1))
        return min(kept, self.features or most)


def parameters(method: Method, config: TrainConfig, data: Data) -> Count | None:
    """Trained parameters, a combination's members included;
    None where the backbone's sizes are unknown.

    Args:
        method: what is trained.
        config: its settings.
        data: sizes of the study and the backbone.
    """
    if method.parametrization == "combination":
        return _combined(method, config, data)
    if method.scorer != "cosine" or (data.shape is None and not method.inputs):
        return _head(method, config, data) if data.features is not None else None
    if data.shape is None:
        return None
    number = 0 if method.trained == "nothing" else _tower(method, config, data, data.shape)
    decided = method.scope == "cluster" and config.clusters is None and data.labelers > 2
    return Count(number, exact=not decided and not _earned(method))


def _combined(method: Method, config: TrainConfig, data: Data) -> Count | None:
    """The weights and all members, as far as they have weight; nothing of what is only tried."""
    names = members_of(method, config.members, embeddings=data.shape is None)
    weighed = tuple(name for name in names if method.name != "ensemble" or name != "consensus")
    parts = [
        parameters(METHODS[name], config.with_options({"method": name}), data) for name in weighed
    ]
    if None in parts:
        return None
    members = sum(part.number for part in parts if part is not None)
    return Count(members + len(names) * data.labelers, exact=False)


def _head(method: Method, config: TrainConfig, data: Data) -> Count:
    """Heads on frozen features: weights per attribute, everyone's or each labeler's."""
    shared = data.attributes * data.axes
    if method.scorer == "mlp":
        return Count(data.labelers * config.decoder.vector + _decoder(config.decoder, data))
    if not method.personal or method.parametrization == "retrieval":
        return Count(shared)  # retrieval trains nothing beside the consensus that it starts from
    factors = data.labelers * data.attributes * _FACTORS if method.name == "collaborative" else 0
    own = data.labelers * data.attributes * data.bayes_axes
    return Count(own + factors, exact=False)


def _decoder(options: DecoderConfig, data: Data) -> int:
    sizes = (data.axes + options.vector, *_LAYERS)
    products = sum(
        (before + 1) * after * (2 if options.glu else 1) + (2 * after if options.batch_norm else 0)
        for before, after in itertools.pairwise(sizes)
    )
    return products + 2 * _linear(sizes[-1], data.attributes)


def _tower(method: Method, config: TrainConfig, data: Data, shape: Shape) -> int:
    """Numbers of an adapted image tower, part by part as `parts` builds them."""
    owners = _owners(method, config, data.labelers)
    keeps = method.trained == "tokens" or (
        "lora" in method.injection and config.start == "consensus"
    )
    whole = shape.tower if method.trained == "all-but-text" else 0
    words = data.labelers * shape.text_width if "text-token" in method.injection else 0
    none = method.learns_alone or (keeps and "visual-token" not in method.injection)
    tokens = 0 if none else _tokens(method, config, data, owners, shape)
    memory = (
        _items(data, shape) + _ITEM + _look(shape.width) + 1 if "memory" in method.injection else 0
    )
    heads = (
        data.labelers * data.attributes * shape.embed_dim if config.start == "closed-form" else 0
    )
    gates = data.labelers * config.experts if method.scope == "experts" else 0
    adapters = 0 if whole else _adapters(method, config, owners, keeps, shape)
    return (
        heads + whole + words + tokens + memory + gates + adapters + int(config.learn_temperature)
    )


def _owners(method: Method, config: TrainConfig, labelers: int) -> int:
    """How many sets of personal parameters there are, or can be at most."""
    groups = min(labelers - 1, _GROUPS) if labelers > 2 else labelers
    chosen = groups if config.clusters is None else min(config.clusters, labelers)
    known: Mapping[str, int] = {
        "nobody": 1,
        "labeler": labelers,
        "experts": config.experts,
        "cluster": chosen,
    }
    return known[method.scope]


def _tokens(method: Method, config: TrainConfig, data: Data, owners: int, shape: Shape) -> int:
    """Numbers of the visual tokens, by how they are made."""
    one = config.tokens * shape.width
    if method.parametrization == "hierarchical":
        return (1 + data.labelers) * one
    if method.parametrization == "low-rank":
        return _VECTOR * (data.labelers + one) + one
    own = "visual-token" in method.injection
    if own and method.parametrization == "context":
        inputs = (data.attributes + 1) * max(data.axes, shape.embed_dim)
        return inputs * _CONTEXT + _CONTEXT + one * _CONTEXT + one
    if own and method.parametrization in ("history", "averaged"):
        encoder = (
            _averager(config.tokens)
            if method.parametrization == "averaged"
            else _perceiver(config.tokens)
        )
        return _items(data, shape) + encoder + one + shape.width * _ITEM
    deviations = data.labelers * one if method.scope == "cluster" and config.delta else 0
    return (owners if own else 1) * one + deviations


def _items(data: Data, shape: Shape) -> int:
    """The encoder of past comparisons."""
    return _ITEM * (2 * data.axes + shape.embed_dim + 1)


def _averager(tokens: int) -> int:
    return 2 * _linear(_ITEM, _ITEM) + _linear(_ITEM, tokens * _ITEM)


def _perceiver(tokens: int) -> int:
    think = _linear(_ITEM, 2 * _ITEM) + _linear(2 * _ITEM, _ITEM)
    return (tokens + 1) * _ITEM + _LOOKS * (_look(_ITEM) + think)


def _look(size: int) -> int:
    """Cross-attention of queries of a size to items."""
    return _linear(size, _ITEM) + 2 * _linear(_ITEM, _ITEM) + _linear(_ITEM, size)


def _linear(inputs: int, outputs: int) -> int:
    return (inputs + 1) * outputs


def _earned(method: Method) -> bool:
    """Whether labelers' answers decide the ranks of their adapters."""
    return "lora" in method.injection and "visual-token" in method.injection


def _adapters(method: Method, config: TrainConfig, owners: int, keeps: bool, shape: Shape) -> int:
    """Both layers of every block's MLP, in each set of adapters that is trained."""
    own = owners * (_RANK if _earned(method) else config.rank) if "lora" in method.injection else 0
    shared = config.rank if (not own or len(method.injection) > 1) and not keeps else 0
    return (own + shared) * shape.blocks * 2 * (shape.width + shape.hidden)

"""How many parameters a method trains on a study, told before anything is loaded. Needs no torch."""

from prism_desktop.engine.backbones.shape import Shape
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.methods import Method

_VECTOR = 64  # numbers of a labeler's vector that is mapped to tokens, `tokens.FactoredPrompts.SIZE`
_UNKNOWN = {"context", "history", "averaged", "closed-form", "retrieval", "combination"}


def parameters(method: Method, config: TrainConfig, labelers: int, attributes: int, shape: Shape | None) -> int | None:
    """Trained parameters; None where they depend on more than sizes.

    That is so for encoders of answers, heads in a space that validation chooses, combinations, groups whose number the
    answers decide, and adapters whose ranks are earned.

    Args:
        method: what is trained.
        config: its settings.
        labelers, attributes: how many the run has.
        shape: of the backbone; None for embeddings.
    """
    if method.trained == "nothing":
        return 0
    owners = _owners(method, config, labelers)
    earned = "lora" in method.places and "visual-token" in method.places
    if shape is None or owners is None or method.made in _UNKNOWN or method.scorer != "cosine" or earned:
        return None
    keeps = method.trained == "tokens" or ("lora" in method.places and config.start == "consensus")
    whole = shape.tower if method.trained == "all-but-text" else 0
    words = labelers * shape.text_width if "text-token" in method.places else 0
    tokens = 0 if keeps and "visual-token" not in method.places else _tokens(method, config, labelers, owners, shape)
    gates = labelers * config.experts if method.owner == "experts" else 0
    adapters = 0 if whole else _adapters(method, owners, keeps) * _adapter(config.rank, shape)
    return whole + words + tokens + gates + adapters + int(config.learn_temperature)


def _owners(method: Method, config: TrainConfig, labelers: int) -> int | None:
    """How many sets of personal parameters there are."""
    known = {"nobody": 1, "labeler": labelers, "experts": config.experts, "cluster": config.clusters}
    return known[method.owner]


def _tokens(method: Method, config: TrainConfig, labelers: int, owners: int, shape: Shape) -> int:
    one = config.tokens * shape.width
    if method.made == "hierarchical":
        return (1 + labelers) * one
    if method.made == "low-rank":
        return _VECTOR * (labelers + one) + one
    if "visual-token" not in method.places:
        return one
    deviations = labelers * one if method.owner == "cluster" and config.delta else 0
    return owners * one + deviations


def _adapters(method: Method, owners: int, keeps: bool) -> int:
    """Sets of adapters that are trained."""
    own = owners if "lora" in method.places else 0
    shared = own == 0 or len(method.places) > 1
    return own + int(shared and not keeps)


def _adapter(rank: int, shape: Shape) -> int:
    """Both layers of every block's MLP."""
    return shape.blocks * 2 * rank * (shape.width + shape.hidden)

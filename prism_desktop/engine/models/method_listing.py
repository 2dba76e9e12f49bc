"""What methods there are, and which are possible on a study; for the command line and the window.

Needs no torch.
"""

from typing import Any

from prism_desktop.engine.backbones import parse
from prism_desktop.engine.backbones.shape import shape
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.methods import METHODS, spoken_of
from prism_desktop.engine.methods.parts.part import Sizes
from prism_desktop.engine.models.parameter_counts import parameters


def listing(
    backbone: str,
    labelers: int | None = None,
    attributes: int = 0,
    profiles: bool = True,
    images: int | None = None,
    dimensions: int | None = None,
    texts: bool = False,
) -> list[dict[str, Any]]:
    """Every method: {name, title, summary, enters, source, tasks,
    needs, possible, reason, parameters, exact}.

    `parameters` is None without a study, and where nothing is known of the backbone's sizes; where
    `exact` is false the answers decide, and it is the most there can be (see `parameter_counts`).

    Args:
        backbone: as the user writes it.
        labelers: with answers; None where no study is asked about.
        attributes: how many.
        profiles: whether any labeler has a profile text.
        images: how many; None where unknown.
        dimensions: of imported embeddings; None where unknown, and for image backbones.
        texts: what is judged is texts.

    Raises:
        InputError: if the backbone's name cannot be read.
    """
    spec = parse(backbone)
    sizes, embeddings = shape(spec), not spec.has_tower
    features = sizes.embed_dim if sizes is not None else dimensions
    data = Sizes(labelers or 0, attributes, sizes, features, images)
    rows = []
    for name, method in METHODS.items():
        config = TrainConfig().with_options({"method": name, "backbone": backbone})
        asked = 2 if labelers is None else labelers
        of_texts = texts or spec.kind == "language"
        spoken = spoken_of(method, texts=of_texts)
        reason = spoken.obstacle(
            embeddings=embeddings, labelers=asked, profiles=profiles, texts=of_texts
        )
        known = None if labelers is None or reason else parameters(method, config, data)
        rows.append(
            {
                "name": name,
                "title": spoken.title,
                "summary": spoken.summary,
                "enters": method.entering(),
                "source": method.source,
                "tasks": list(method.tasks),
                "needs": list(method.stands_on),
                "possible": not reason,
                "reason": reason,
                "parameters": known and known.number,
                "exact": known is None or known.exact,
            }
        )
    return rows

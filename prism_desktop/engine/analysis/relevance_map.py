"""The relevance map of one image as a record; `relevance_rules` makes it, with torch.

`gradient-attention` follows the attention that raises the target s_u(i, a) (Chefer, Gur and Wolf,
"Generic Attention-model Explainability", ICCV 2021): R = I, then for each block R += mean over
heads of relu(gradient x attention) R; the map is the row of the class token. `attention` is the
last block's attention of the class token, `rollout` the product of all blocks' (Abnar and Zuidema
2020); neither depends on the attribute, so neither says why.

The entries of the labeler's own tokens are no place in the image; they are reported apart.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from prism_desktop.engine.analysis.deletion_test import DeletionCheck
from prism_desktop.engine.analysis.overlay import Area

Kind = Literal["gradient-attention", "attention", "rollout"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True, eq=False)
class Relevance:
    """A map over one image, with what is known of its worth."""

    kind: Kind
    labeler: str
    attribute: str
    grid: NDArray[np.float32]  # (rows, columns) relevance of each patch, at least 0
    tokens: (
        float  # relevance of the labeler's tokens together, as a share of theirs and the patches'
    )
    # (blocks,) attention from the class token to the labeler's tokens
    tokens_by_block: NDArray[np.float32]
    score: float  # s_u(i, a); only differences between images mean something
    area: Area  # the part of the image that the model saw
    image: Image.Image | None = None  # the image in full
    check: DeletionCheck | None = None  # None: not tested

    def verdict(self) -> str:
        """One or two sentences on how far the map can be trusted."""
        about = (
            ""
            if self.kind == "gradient-attention"
            else "This map does not depend on the attribute. "
        )
        return about + (self.check.sentence() if self.check else "The map was not tested.")

    def save(self, beside: Path) -> None:
        """Write everything but the image as .npz."""
        np.savez(
            beside,
            kind=self.kind,
            labeler=self.labeler,
            attribute=self.attribute,
            grid=self.grid,
            tokens=self.tokens,
            tokens_by_block=self.tokens_by_block,
            score=self.score,
            area=np.array(astuple(self.area)),
            check=np.array(astuple(self.check) if self.check else ()),
        )

    @classmethod
    def load(cls, path: Path) -> Relevance:
        """What `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            check = stored["check"]
            return cls(
                kind=next(name for name in KINDS if name == str(stored["kind"])),
                labeler=str(stored["labeler"]),
                attribute=str(stored["attribute"]),
                grid=stored["grid"],
                tokens=float(stored["tokens"]),
                tokens_by_block=stored["tokens_by_block"],
                score=float(stored["score"]),
                area=Area(*map(float, stored["area"])),
                check=DeletionCheck(*map(float, check))
                if len(check) == len(fields(DeletionCheck))
                else None,
            )

"""The relevance map of one image as a record; `relevance_rules` makes it, with torch.

For a target, a labeler's score s_u(i, a) or how far it lies above another's:

- `occlusion`: how far the target falls when a patch's token is dropped; signed. No gradient and no
  attention enters, and nothing grey stands where the patch was.
- `gradient-attention` follows the attention that raises the target (Chefer, Gur and Wolf, "Generic
  Attention-model Explainability", ICCV 2021): R = I, then for each block R += mean over heads of
  relu(gradient x attention) R; the map is the row of the class token.
- `legrad`: in each block the gradient of the block's own score towards its attention, the positive
  part averaged over heads and rows, and added up (Bousselham et al., "LeGrad", 2024).
- `grad-eclip`: the last block's values, weighted by the gradient at the class token's output and by
  how near the keys are to its query (Zhao et al., "Gradient-based Visual Explanation for
  Transformer-based CLIP", ICML 2024).
- `attention` is one block's attention of the class token, `rollout` the product of all blocks'
  (Abnar and Zuidema 2020); neither depends on the attribute, so neither says why.

The entries of the labeler's own tokens are no place in the image; they are reported apart.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from prism_desktop.engine.analysis.faithfulness import MEASURES, MapTests
from prism_desktop.engine.analysis.overlay import Area
from prism_desktop.engine.errors import InputError

KindName = Literal[
    "occlusion", "gradient-attention", "legrad", "grad-eclip", "rollout", "attention"
]
KINDS: Final[tuple[KindName, ...]] = get_args(KindName)
DEFAULT_KIND: Final[KindName] = "occlusion"  # which wins on planted labelers, see docs/results.md
BLIND: Final = ("rollout", "attention")  # kinds that do not depend on the attribute
CONSENSUS: Final = "consensus"  # the mean of the run's labelers, as whom a labeler differs from


@dataclass(frozen=True, slots=True)
class MapKind:
    """A kind of map, and for raw attention which; both count from 1."""

    name: KindName
    block: int | None = None  # None: the last
    head: int | None = None  # None: the mean of all

    @classmethod
    def read(cls, text: str) -> MapKind:
        """From `occlusion`, or `attention:BLOCK` or `attention:BLOCK:HEAD`.

        Raises:
            InputError: there is no such kind.
        """
        name, *rest = text.split(":")
        known = next((each for each in KINDS if each == name), None)
        if known is None:
            raise InputError(f"There is no map {text!r}; there are {', '.join(KINDS)}.")
        if rest and known != "attention":
            raise InputError(f"Only raw attention is of a block or a head, not {known}.")
        if len(rest) > 2 or not all(part.isdecimal() and int(part) for part in rest):
            raise InputError(
                f"{text!r} is no raw attention; write attention, attention:BLOCK or "
                "attention:BLOCK:HEAD, counted from 1."
            )
        return cls(known, *map(int, rest))

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.name, self.block, self.head) if part)


@dataclass(frozen=True, slots=True, eq=False)
class Relevance:
    """A map over one image, with what is known of its worth."""

    kind: MapKind
    labeler: str
    attribute: str
    grid: NDArray[np.float32]  # (rows, columns) relevance of each patch; signed for some kinds
    # relevance of the labeler's tokens together, as a share of theirs and the patches'
    tokens: float
    # (blocks,) attention from the class token to the labeler's tokens; empty where none was read
    tokens_by_block: NDArray[np.float32]
    score: float  # the target; only differences between images mean something
    area: Area  # the part of the image that the model saw
    against: str = ""  # whose score is taken off: a code, or `CONSENSUS`
    image: Image.Image | None = None  # the image in full
    tests: MapTests | None = None  # of this map alone; None: not tested
    occlusion: float = float("nan")  # Spearman with each patch's own effect; NaN: flat, or unknown

    @property
    def supported(self) -> bool | None:
        """Whether it passes its test; None where it has none."""
        return None if self.tests is None else bool(self.tests.passes[0])

    def verdict(self) -> str:
        """A few sentences on how far the map can be trusted."""
        told = "This map does not depend on the attribute. " if self.kind.name in BLIND else ""
        if self.tests is None:
            return told + "The map was not tested."
        told += f"{_judged(self.tests)}."
        alike = self.occlusion
        if self.kind.name == "occlusion" or alike != alike:
            return told
        return f"{told} Its rank correlation with what each patch alone does is {alike:.2f}."

    def save(self, beside: Path) -> None:
        """Write everything but the image as .npz."""
        np.savez(
            beside,
            kind=str(self.kind),
            labeler=self.labeler,
            attribute=self.attribute,
            against=self.against,
            grid=self.grid,
            tokens=self.tokens,
            tokens_by_block=self.tokens_by_block,
            score=self.score,
            area=np.array(astuple(self.area)),
            tests=np.array([] if self.tests is None else self.tests.table()),
            occlusion=self.occlusion,
        )

    @classmethod
    def load(cls, path: Path) -> Relevance:
        """What `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            tests = stored["tests"]
            return cls(
                kind=MapKind.read(str(stored["kind"])),
                labeler=str(stored["labeler"]),
                attribute=str(stored["attribute"]),
                against=str(stored["against"]),
                grid=stored["grid"],
                tokens=float(stored["tokens"]),
                tokens_by_block=stored["tokens_by_block"],
                score=float(stored["score"]),
                area=Area(*map(float, stored["area"])),
                tests=MapTests.of(tests) if tests.size else None,
                occlusion=float(stored["occlusion"]),
            )

    def with_tests(self, tests: MapTests, occlusion: float) -> Relevance:
        """The same map, tested."""
        return replace(self, tests=tests, occlusion=occlusion)


def _judged(tests: MapTests) -> str:
    """How one map did against its rivals, by each measure."""
    numbers = "; ".join(
        f"{measure} {own:.2f} (random {random:.2f}, one in twenty {high:.2f}; centre {centre:.2f})"
        for measure, own, random, high, centre in zip(
            MEASURES,
            *(each[0] for each in (tests.own, tests.random, tests.random_high, tests.centre)),
            strict=True,
        )
    )
    if tests.passes[0]:
        return f"The map passes its test: {numbers}"
    failed = [measure for measure, beat in zip(MEASURES, tests.beats[0], strict=True) if not beat]
    return f"Not supported by its own test ({', '.join(failed)}), so no reason: {numbers}"

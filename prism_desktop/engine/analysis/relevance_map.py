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

Of a pair of images the target is s_u(i, a) - s_u(j, a). It is a sum of what each image does, so its
map is two maps: of the first image what raises its score, of the second what lowers its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from prism_desktop.engine.analysis.faithfulness import MEASURES, MapTests
from prism_desktop.engine.analysis.overlay import Area
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import word_for

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


OWNERS: Final = ("everyone", "labeler", "group")  # as parts of methods say it


@dataclass(frozen=True, slots=True)
class TokenSeats:
    """Which tokens a model puts into the image tower beside the patches."""

    tokens: int  # 0: none
    patches: int
    owner: int  # place in OWNERS
    trunk: int = 0  # blocks in front of them

    @property
    def even(self) -> float:
        """What they would get of an attention of the class token that spreads evenly."""
        return self.tokens / (1 + self.tokens + self.patches)

    def told(self, shares: Sequence[str]) -> str:
        """A sentence on how much of the class token's attention they get.

        Args:
            shares: of each block behind the trunk, in per cent and in words.
        """
        if not self.tokens:
            return "This method puts no token of the labeler's into the image tower."
        first, last = self.trunk + 1, self.trunk + len(shares)
        where = f"block {first}" if first == last else f"blocks {first} to {last}"
        word, get = word_for(self.tokens, "token"), word_for(self.tokens, "gets", "get")
        whose = (
            f"the {word} that all share",
            f"the labeler's own {word}",
            f"the {word} of the labeler's group",
        )[self.owner]
        return (
            f"Of the class token's attention {whose} {get} {', '.join(shares)}% in {where}; an "
            f"even share is {self.even:.1%}."
        )


@dataclass(frozen=True, slots=True, eq=False)
class Relevance:
    """A map over one image, with what is known of its worth."""

    kind: MapKind
    labeler: str
    attribute: str
    grid: NDArray[np.float32]  # (rows, columns) relevance of each patch; signed for some kinds
    # relevance of the labeler's tokens together, as a share of theirs and the patches'
    tokens: float
    # (blocks behind the trunk,) share of the class token's attention that the labeler's tokens get;
    # empty where there are none
    tokens_by_block: NDArray[np.float32]
    seated: TokenSeats
    score: float  # the target; only differences between images mean something
    area: Area  # the part of the image that the model saw
    against: str = ""  # whose score is taken off: a code, or `CONSENSUS`
    image: Image.Image | None = None  # the image in full
    tests: MapTests | None = None  # of this map alone; None: not tested
    occlusion: float = float("nan")  # Spearman with each patch's own effect; NaN: flat, or unknown
    sign: int = 1  # -1: of what lowers the target
    other: Relevance | None = None  # of a pair: the second image's; `score` is the difference

    @property
    def supported(self) -> bool | None:
        """Whether it passes its test, of a pair both; None where it has none."""
        if self.tests is None:
            return None
        return bool(self.tests.passes[0]) and (self.other is None or self.other.supported is True)

    @property
    def grids(self) -> tuple[NDArray[np.float32], ...]:
        """The map, of a pair both."""
        return (self.grid,) if self.other is None else (self.grid, *self.other.grids)

    def attention_told(self) -> str:
        """How much the class token attends to the labeler's own tokens, of a pair in each image."""
        own = self.seated.told([f"{100 * each:.1f}" for each in self.tokens_by_block])
        if self.other is None or not self.seated.tokens:
            return own
        return f"First face: {own} Second face: {self.other.attention_told()}"

    def verdict(self) -> str:
        """A few sentences on how far the map can be trusted."""
        if self.other is None:
            return self._own_verdict()
        return f"First face: {self._own_verdict()} Second face: {self.other._own_verdict()}"

    def _own_verdict(self) -> str:
        told = "This map does not depend on the attribute. " if self.kind.name in BLIND else ""
        if self.tests is None:
            return told + "The map was not tested."
        told += f"{_judged(self.tests)}."
        alike = self.occlusion
        if self.kind.name == "occlusion" or alike != alike:
            return told
        return f"{told} Its rank correlation with what each patch alone does is {alike:.2f}."

    def save(self, beside: Path) -> None:
        """Write everything but the images as .npz."""
        second = {} if self.other is None else self.other._arrays(_OTHER)
        np.savez(beside, **self._arrays(), **second)

    def _arrays(self, before: str = "") -> dict[str, Any]:
        told = {name: getattr(self, name) for name in _PLAIN} | {
            "kind": str(self.kind),
            "area": np.array(astuple(self.area)),
            "seated": np.array(astuple(self.seated), np.int64),
            "tests": np.array([] if self.tests is None else self.tests.table()),
        }
        return {before + name: each for name, each in told.items()}

    @classmethod
    def load(cls, path: Path) -> Relevance:
        """What `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            second = cls._of(stored, _OTHER) if f"{_OTHER}grid" in stored else None
            return replace(cls._of(stored), other=second)

    @classmethod
    def _of(cls, stored: Mapping[str, Any], before: str = "") -> Relevance:
        tests = stored[f"{before}tests"]
        own = {name: stored[before + name] for name in _PLAIN}
        plain = {name: each if each.ndim else each.item() for name, each in own.items()}
        return cls(
            kind=MapKind.read(str(stored[f"{before}kind"])),
            area=Area(*map(float, stored[f"{before}area"])),
            seated=TokenSeats(*map(int, stored[f"{before}seated"])),
            tests=MapTests.of(tests) if tests.size else None,
            **plain,
        )

    def with_tests(self, tests: MapTests, occlusion: float) -> Relevance:
        """The same map, tested."""
        return replace(self, tests=tests, occlusion=occlusion)


_OTHER = "other_"  # before the names of the second image's
_PLAIN = (
    "labeler", "attribute", "against", "grid", "tokens", "tokens_by_block", "score", "occlusion",
    "sign",
)  # fmt: skip


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

"""Where a labeler's model looks over many faces, as a record; `mean_relevance_rules` makes it, with
torch.

What is explained of each face is what sets it apart: how far its target lies above the mean of the
faces, or below. So a feature counts whether it speaks for a face or against it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.analysis.face_regions import TOLD, Source
from prism_desktop.engine.analysis.faithfulness import FaithfulnessTest, Margin
from prism_desktop.engine.analysis.region_mass import RegionDifference, RegionMass, standing_out
from prism_desktop.engine.analysis.relevance_map import BLIND, CONSENSUS, MapKind, TokenSeats
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.estimates import TOO_FEW

FEWEST = 20  # faces, below which nothing is said of a region
_CHANCE = 0.5  # of an accuracy


@dataclass(frozen=True, slots=True, eq=False)
class MeanRelevance:
    """The maps of one labeler's model on one attribute, over many faces."""

    kind: MapKind
    labeler: str
    attribute: str
    faces: tuple[str, ...]  # ids
    held_out: int  # of them that training did not see
    grid: NDArray[np.float32]  # (rows, columns) mean share of each patch in a map's mass
    picture: NDArray[np.uint8]  # (S, S, 3) the mean of the faces, as the model sees them
    grids: NDArray[np.float32]  # (n, rows, columns) the single maps
    passed: NDArray[np.bool_]  # (n,) which of them pass their test
    above: NDArray[np.bool_]  # (n,) whether the face lies above the mean, or below, of the faces
    # of each block the mean share of the class token's attention that the labeler's tokens get,
    # with a 95 % interval over faces
    attention: tuple[tuple[float, float, float], ...]
    seated: TokenSeats
    test: FaithfulnessTest
    regions: tuple[RegionMass, ...]  # those first that stand out most
    source: Source  # of the regions
    # of the model on this labeler's held-out answers about the attribute, with its interval
    accuracy: tuple[float, float, float] | None = None
    against: str = ""  # a code, or `CONSENSUS`
    # (rows, columns) mean of what the labeler's maps have more of; zeros without `against`
    more: NDArray[np.float32] | None = None
    differences: tuple[RegionDifference, ...] = ()  # least p first
    other_test: FaithfulnessTest | None = None  # of the maps compared with

    @property
    def supported(self) -> bool:
        """Whether the maps beat random attribution and the centre prior over these faces."""
        return self.test.supported

    @property
    def predicts(self) -> bool | None:
        """Whether the model is right beyond chance about this labeler; None where unknown."""
        return None if self.accuracy is None else self.accuracy[1] > _CHANCE

    def answer(self, who: str) -> str:
        """One sentence: where the model looks and how that was tested. `who` is the labeler."""
        tested = f"tested on {counted(self.test.faces, 'face')}, {self.test.passed} pass"
        if self.test.faces < FEWEST:
            return f"{TOO_FEW.capitalize()}: {tested}."
        if self.kind.name in BLIND:
            return f"{str(self.kind).capitalize()} does not depend on the attribute; {tested}."
        if self.predicts is False:
            return (
                f"No region can be told for {who}: the model predicts their held-out answers no "
                f"better than chance ({tested})."
            )
        if all(each.p is None for each in self.regions):
            return f"No region is named: only occlusion is compared with random tastes ({tested})."
        region = standing_out(self.regions)
        if region is None:
            told = f"No region stands out for {who} ({tested})."
        else:
            told = (
                f"{who} looks at the {region.region} ({region.mass:.0%} "
                f"[{100 * region.low:.0f}, {100 * region.high:.0f}] of the mass, "
                f"{region.ratio:.1f} times its area; {tested})."
            )
        return told if self.supported else f"Not supported by its own test: {told}"

    def doubts(self, who: str) -> list[str]:
        """Sentences on what the answer rests on and why it may not hold."""
        told = [self.tested()]
        if self.accuracy is not None and not self.predicts:
            low, high = (100 * each for each in self.accuracy[1:])
            told.append(
                f"The model predicts {who}'s held-out answers no better than chance "
                f"({self.accuracy[0]:.0%} [{low:.0f}, {high:.0f}]), so where it looks says nothing "
                f"of {who}."
            )
        elif self.accuracy is None:
            told.append(f"How well the model predicts {who} on this attribute was not tested.")
        if self.held_out < len(self.faces):
            seen = len(self.faces) - self.held_out
            told.append(f"Training saw {counted(seen, 'of these faces', 'of these faces')}.")
        return [*told, TOLD[self.source], self.attention_told()]

    def attention_told(self) -> str:
        """How much the class token attends to the labeler's own tokens, over the faces."""
        shares = [
            f"{100 * mean:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
            for mean, low, high in self.attention
        ]
        return self.seated.told(shares)

    def single_told(self, place: int) -> str:
        """What a face's own map is of, and whether it passes its test."""
        side = "above" if self.above[place] else "below"
        verdict = "passes" if self.passed[place] else "does not pass"
        return f"What sets this face {side} the mean of the faces; the map {verdict} its own test."

    def tested(self) -> str:
        """What the test says over faces."""
        gaps = "; ".join(
            f"{each.measure} {each.mean:+.2f} [{each.low:.2f}, {each.high:.2f}] over "
            f"{'random attribution' if each.rival == 'random' else 'the centre prior'}"
            for each in self.test.margins
        )
        verdict = "beat" if self.supported else "do not beat"
        return f"The maps {verdict} random attribution and the centre prior by every test: {gaps}."

    def table(self) -> str:
        """The regions as lines of a table."""
        width = max(len(each.region) for each in self.regions)
        lines = [f"{'region':<{width}}   mass      interval    area  random tastes      p"]
        lines += [
            f"{each.region:<{width}} {each.mass:>6.1%} {100 * each.low:>7.1f} -"
            f"{100 * each.high:>5.1f} {each.area:>7.1%} "
            f"{'-' if each.random is None else f'{each.random:.1%}':>14} "
            f"{'-' if each.p is None else _p(each.p):>6}"
            for each in self.regions
        ]
        return "\n".join(lines)

    def compared(self, who: str, other: str) -> str:
        """How the labeler's maps differ from the other's; empty where none was compared."""
        if not self.differences:
            return ""
        other = "the other labelers on average" if self.against == CONSENSUS else other
        first = self.differences[0]
        if first.p >= 0.05:
            return (
                f"{who}'s maps do not differ from those of {other} in any region beyond chance "
                f"(permutation test, least p {first.p:.3f})."
            )
        more = [
            f"the {each.region} {100 * each.difference:+.0f} points "
            f"[{100 * each.low:.0f}, {100 * each.high:.0f}]"
            for each in self.differences
            if each.p < 0.05
        ]
        told = f"Against {other}, {who}'s maps have of their mass: {', '.join(more[:4])}"
        return f"{told} (permutation test over regions, p {_p(first.p)})."

    def told(self) -> dict[str, Any]:
        """Everything, as plain JSON."""
        whole = asdict(self)
        del whole["picture"], whole["attention"]
        return whole | {
            "kind": str(self.kind),
            "grid": self.grid.tolist(),
            "grids": self.grids.tolist(),
            "passed": self.passed.tolist(),
            "above": self.above.tolist(),
            "token_attention": self.attention,
            "more": None if self.more is None else self.more.tolist(),
            "supported": self.supported,
            "answer": self.answer(self.labeler),
            "doubts": self.doubts(self.labeler),
            "comparison": self.compared(self.labeler, self.against),
        }

    def save(self, beside: Path) -> None:
        """Write it as .npz."""
        kept = {key: each for key, each in self.told().items() if key in _KEPT}
        more = np.zeros((0, 0), np.float32) if self.more is None else self.more
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        np.savez(beside, more=more, told=json.dumps(kept), **arrays)

    @classmethod
    def load(cls, path: Path) -> MeanRelevance:
        """What `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            more, told = stored["more"], json.loads(str(stored["told"]))
            arrays = {name: stored[name] for name in _ARRAYS}
        other = told["other_test"]
        return cls(
            kind=MapKind.read(told["kind"]),
            labeler=told["labeler"],
            attribute=told["attribute"],
            faces=tuple(told["faces"]),
            held_out=told["held_out"],
            **arrays,
            test=_test(told["test"]),
            regions=tuple(RegionMass(**each) for each in told["regions"]),
            source=told["source"],
            attention=tuple(map(tuple, told["token_attention"])),
            seated=TokenSeats(**told["seated"]),
            accuracy=tuple(told["accuracy"]) if told["accuracy"] else None,
            against=told["against"],
            more=more if more.size else None,
            differences=tuple(RegionDifference(**each) for each in told["differences"]),
            other_test=None if other is None else _test(other),
        )


_ARRAYS = ("grid", "picture", "grids", "passed", "above")
_KEPT = (
    "kind", "labeler", "attribute", "faces", "held_out", "test", "regions", "source", "accuracy",
    "against", "differences", "other_test", "seated", "token_attention",
)  # fmt: skip


def _test(told: dict[str, Any]) -> FaithfulnessTest:
    margins = tuple(Margin(**each) for each in told["margins"])
    return FaithfulnessTest(told["faces"], told["passed"], margins)


def _p(value: float) -> str:
    return "under 0.001" if value < 0.001 else f"{value:.3f}"

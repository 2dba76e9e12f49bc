"""Do maps find what planted labelers look at, and is the test of maps able to tell?

`python -m tests.bench.planted_maps STUDY`, a study that `tests.bench.planted_regions` made and
trained in. Of each labeler and kind of map: the share of the maps' mass in the labeler's own region
(what sets each held-out face apart), times its area, how often the strongest patch lies there
(pointing game) against chance, what random tastes have there, and the region that is named. Then
the tests of the maps, eyes against mouth, maps after the labeler's token, head or both were drawn
anew (with `--anew` nothing else), and maps against the score's change when the face is drawn again
without the part.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy.stats import spearmanr

from prism_desktop.engine.analysis.attribution import Target, attribute_maps, target_scores
from prism_desktop.engine.analysis.face_regions import Regions, regions_of
from prism_desktop.engine.analysis.faithfulness import judge
from prism_desktop.engine.analysis.mean_relevance_rules import FaceMaps, face_maps
from prism_desktop.engine.analysis.region_mass import differences, masses, standing_out
from prism_desktop.engine.analysis.relevance_map import MapKind
from prism_desktop.engine.analysis.relevance_rules import pixels_of
from prism_desktop.engine.demo.faces import sample
from prism_desktop.engine.demo.faces.drawing import Part
from prism_desktop.engine.demo.faces.regions import draw_without
from prism_desktop.engine.events import Done
from prism_desktop.engine.models.predictor import load_predictor, tower_of
from prism_desktop.engine.models.saved import LoadedRun
from prism_desktop.engine.runs.folder import RunFolder
from tests.bench.planted_regions import ATTRIBUTE, FACES, REGION, SEED, TASTES, code

OTHERS = ("gradient-attention", "legrad", "grad-eclip", "rollout", "attention")
TESTED = ("eyes", "mouth")  # of whom the other kinds are tested too
# what can be left out of a drawing
PARTS: tuple[Part, ...] = ("eyes", "brows", "nose", "mouth", "hair")


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("--faces", type=int, default=40)
    parser.add_argument("--labelers", help="only these: eyes,mouth", default=",".join(TASTES))
    parser.add_argument("--untested", action="store_true", help="of occlusion maps, without tests")
    parser.add_argument("--anew", action="store_true", help="only maps after a draw anew")
    parser.add_argument("--run", type=Path, help="its folder; else the study's first")
    asked = parser.parse_args()
    folder = RunFolder(asked.run or next((asked.study / "runs").glob("*lora-visual-prompt")))
    run = tower_of(load_predictor(folder.path, "cpu"))
    table = folder.table("images")
    held = table[table["split"] == "test"].sort_values("name").head(asked.faces)
    names = dict(zip(table["image"].astype(str), table["name"].astype(str), strict=True))
    files = [Path(each) for each in held["path"]]
    side = run.backbone.grid
    regions = regions_of(files, [*held["image"].astype(str)], names, (side, side))
    pixels = pixels_of(run, [Image.open(each) for each in files])
    print(f"{len(files)} held-out faces, regions {regions.source}")
    if asked.anew:
        _anew(run, pixels, asked.labelers.split(","))
        return 0
    made = {}
    for who in asked.labelers.split(","):
        made[who] = _maps(run, pixels, who, "occlusion", regions, test=not asked.untested)
        _tell(who, "occlusion", made[who], regions)
        for kind in () if asked.untested else OTHERS:
            tested = who in TESTED and kind in OTHERS[:3]
            maps = _maps(run, pixels, who, kind, regions, test=tested)
            _tell(who, kind, maps, regions)
    _compare(made, regions)
    _anew(run, pixels, [who for who in TESTED if who in made])
    rows = [int(Path(name).stem.removeprefix("face-")) - 1 for name in held["name"]]
    _redrawn(run, pixels, rows, made, regions)
    return 0


def _maps(
    run: LoadedRun,
    pixels: np.ndarray,
    who: str,
    kind: str,
    regions: Regions,
    *,
    test: bool = True,
) -> FaceMaps:
    target = Target.score(code(who), ATTRIBUTE)
    events = face_maps(run, pixels, target, MapKind.read(kind), regions, test=test)
    return next(event.value for event in events if isinstance(event, Done))


def _tell(who: str, kind: str, maps: FaceMaps, regions: Regions) -> None:
    """One line of mass and pointing, one of the test."""
    own, told = REGION.get(who, who), ""
    if own:
        place = regions.names.index(own)
        mass, area = maps.share[:, place].mean(), regions.area[:, place].mean()
        peak = maps.grids.reshape(len(maps.grids), -1).argmax(1)
        flat = regions.weights[:, place].reshape(len(peak), -1)
        hit = flat[np.arange(len(peak)), peak].mean()
        told = f"mass {mass:.1%}, {mass / area:.1f} x area, pointing {hit / area:.1f} x chance"
    found = masses(maps.share, regions, maps.random)
    if len(maps.random):
        first = standing_out(found)
        named = "nothing" if first is None else f"{first.region} (p {first.p:.3f})"
        told += f"; named: {named}, least p {min(each.p or 1 for each in found):.3f}"
    print(f"{who:<12} {kind:<19} {told}", flush=True)
    if maps.tests is not None:
        judged = judge(maps.tests)
        gaps = " ".join(
            f"{each.measure}-{each.rival} {each.mean:+.2f} [{each.low:.2f}, {each.high:.2f}]"
            for each in judged.margins
        )
        print(f"    {judged.passed} of {judged.faces} pass, supported {judged.supported}; {gaps}")


def _compare(made: dict[str, FaceMaps], regions: Regions) -> None:
    for one, other in (("eyes", "mouth"), ("mouth", "mouth again")):
        if not {one, other} <= made.keys():
            continue
        found = differences(made[one].share, made[other].share, regions.names)
        told = ", ".join(
            f"{each.region} {each.difference:+.1%} [{each.low:.1%}, {each.high:.1%}] p {each.p:.4f}"
            for each in found[:3]
        )
        print(f"{one} less {other}: {told}")


def _anew(run: LoadedRun, pixels: np.ndarray, whose: list[str]) -> None:
    """Maps after a labeler's own numbers were drawn anew: rank correlation with those before, and
    beside it how alike the scores of the faces still are, to the labeler's own and to the others':
    what the model says where it knows nobody is a taste too."""
    tables = _tables(run)
    own = {who: target_scores(run, pixels, Target.score(code(who), ATTRIBUTE)) for who in whose}
    for who in whose:
        target = Target.score(code(who), ATTRIBUTE)
        kinds = [MapKind.read(each) for each in ("occlusion", "gradient-attention")]
        before = [attribute_maps(run, pixels, target, kind).grids for kind in kinds]
        for what in (*tables, "both") if len(tables) > 1 else tables:
            chosen = list(tables.values()) if what == "both" else [tables[what]]
            alike, now = [], []
            for seed in range(_ANEW):
                with _drawn_anew(chosen, run.row(code(who)), seed):
                    after = [attribute_maps(run, pixels, target, kind).grids for kind in kinds]
                    now.append(target_scores(run, pixels, target))
                alike.append([_ranks_alike(*each) for each in zip(before, after, strict=True)])
            occlusion, gradient = np.mean(alike, 0)
            still = {
                other: np.mean([spearmanr(said, each)[0] for each in now])
                for other, said in own.items()
            }
            print(
                f"{who}, {what} drawn anew: rank correlation of maps, occlusion {occlusion:.2f}, "
                f"gradient-attention {gradient:.2f}; of the faces' scores with "
                + ", ".join(f"{other}'s {value:.2f}" for other, value in still.items()),
                flush=True,
            )


_ANEW = 3  # draws


def _tables(run: LoadedRun) -> dict[str, torch.Tensor]:
    """Where a labeler's own numbers stand, a row for each labeler."""
    found: dict[str, torch.Tensor] = {"token": run.model.get_parameter("prompts.table").data}
    if run.model.heads is not None:
        found["head"] = run.model.heads.table.data
    return found


def _ranks_alike(before: np.ndarray, after: np.ndarray) -> float:
    """Mean over faces."""
    return float(
        np.mean([spearmanr(a.ravel(), b.ravel())[0] for a, b in zip(before, after, strict=True)])
    )


@contextmanager
def _drawn_anew(tables: list[torch.Tensor], row: int, seed: int) -> Iterator[None]:
    """Inside, a labeler's rows hold other numbers of the same length."""
    kept = [table[row].clone() for table in tables]
    generator = torch.Generator().manual_seed(seed)
    for table, own in zip(tables, kept, strict=True):
        drawn = torch.randn(own.shape, generator=generator)
        table[row] = drawn * own.norm() / drawn.norm()
    try:
        yield
    finally:
        for table, own in zip(tables, kept, strict=True):
            table[row] = own


def _redrawn(
    run: LoadedRun,
    pixels: np.ndarray,
    rows: list[int],
    made: dict[str, FaceMaps],
    regions: Regions,
) -> None:
    """What the score loses when a face is drawn again without a part, against the maps' mass."""
    faces = sample(FACES, SEED)
    without = {
        part: pixels_of(run, [draw_without(faces.face(row), part, 256) for row in rows])
        for part in PARTS
    }
    places = [regions.names.index(part) for part in PARTS]
    for who, maps in made.items():
        target = Target.score(code(who), ATTRIBUTE)
        whole = target_scores(run, pixels, target)
        sign = np.where(whole >= whole.mean(), 1, -1)
        lost = np.stack(
            [sign * (whole - target_scores(run, each, target)) for each in without.values()], 1
        )
        alike = [
            spearmanr(one, two)[0]
            for one, two in zip(lost, maps.share[:, places], strict=True)
            if np.ptp(two) > 0
        ]
        most = PARTS[int(lost.mean(0).argmax())]
        told = ", ".join(f"{p} {v:+.2f}" for p, v in zip(PARTS, lost.mean(0), strict=True))
        print(
            f"{who:<12} drawn without: {told}; most {most}; rank correlation with mass "
            f"{np.mean(alike):.2f}"
        )


if __name__ == "__main__":
    sys.exit(main())

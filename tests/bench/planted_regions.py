"""A study of drawn faces whose simulated labelers each look at one region, and a model of them.

`python -m tests.bench.planted_regions STUDY` makes the study and trains `lora-visual-prompt` in it;
`tests.bench.where` measures on it. Everybody's taste is of what one region shows; "mouth again" has
the taste of "mouth" and other pairs, and the answers of "shuffled" are those of "eyes", dealt out
to other pairs.
"""

import argparse
import math
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.demo.demo_study import stored_face
from prism_desktop.engine.demo.faces import Faces, factors, sample
from prism_desktop.engine.demo.faces.factors import nuisances
from prism_desktop.engine.demo.faces.pictures import pictures
from prism_desktop.engine.demo.simulated_labelers import SimulatedLabeler, design
from prism_desktop.engine.demo.simulation import Simulation
from prism_desktop.engine.study.records import TrialRecord
from prism_desktop.engine.study.store import Study

FACES, SEED, COMPARISONS = 400, 7, 600
ATTRIBUTE = "liked"
# labeler -> weights of what they see; all of one region
TASTES: Mapping[str, Mapping[str, float]] = {
    "eyes": {"eye_size": 1.0},
    "brows": {"brow_thickness": 0.8, "brow_angle": 0.6},
    "nose": {"nose_size": 1.0},
    "mouth": {"smile": 0.7, "lip_fullness": 0.5, "mouth_width": 0.5},
    "mouth again": {"smile": 0.7, "lip_fullness": 0.5, "mouth_width": 0.5},
    "hair": {"hair_shade": 0.8, "hair_volume": 0.6},
    "background": {"background_tone": 1.0},
    "shuffled": {"eye_size": 1.0},
}
REGION = {"mouth again": "mouth", "shuffled": ""}  # of those whose name does not say it


def code(name: str) -> str:
    """A labeler's code."""
    return name.replace(" ", "-")


def tasters() -> list[SimulatedLabeler]:
    """Everybody, with tastes over factors and nuisances."""
    names = [*(factor.name for factor in factors()), *nuisances()]
    made = []
    for name, taste in TASTES.items():
        weights = np.array([taste.get(each, 0.0) for each in names])
        weights = weights / np.linalg.norm(weights)
        made.append(
            SimulatedLabeler(
                code=code(name), name=name, profile="", comparisons=COMPARISONS, ratings=40,
                noise=0.35, ties=0.05, side_bias=0.0, seconds=3.0, rating_shares=(0.25,) * 4,
                tastes={ATTRIBUTE: weights},
            )
        )  # fmt: skip
    return made


def standard(faces: Faces) -> NDArray[np.float32]:
    """(faces, factors and nuisances), each with mean 0 and variance 1."""
    low, high = np.array(list(nuisances().values())).T
    varied = (faces.nuisances - (low + high) / 2) / ((high - low) / math.sqrt(12))
    return np.hstack([faces.standard(), varied]).astype(np.float32)


def make(folder: Path) -> None:
    """The study, in a new folder."""
    faces = sample(FACES, SEED)
    with Study.create(folder, attributes=()) as study:
        study.add_attribute(ATTRIBUTE, "Which face do you like more?")
        drawn = pictures(FACES, SEED, workers=1)
        new = [stored_face(study.path, each, number) for number, each in enumerate(drawn)]
        study.add_images(new, copied=True)
        people = tasters()
        for person in people:
            study.add_labeler(person.code, person.name, "Simulated.", simulated=True)
        records = sorted(study.images(), key=lambda image: image.name)
        trials = Simulation(records, standard(faces), design(), SEED).run(people)
        trials["shuffled"] = _shuffled(trials["shuffled"])
        study.record([trial for each in trials.values() for trial in each])


def _shuffled(trials: list[TrialRecord]) -> list[TrialRecord]:
    """The same trials with the answers to comparisons dealt out anew."""
    compared = [place for place, one in enumerate(trials) if one.kind == "comparison"]
    order = np.random.default_rng(SEED).permutation(compared)
    kept = [one for one in trials if one.kind == "comparison"]
    return [
        replace(one, answers=trials[other].answers, repeat_of=None)
        for one, other in zip(kept, order, strict=True)
    ]


def main() -> int:
    """Make the study and train in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("rest", nargs="*", help="more arguments of `train`, after --")
    asked = parser.parse_args()
    if not asked.study.exists():
        make(asked.study)
    command = [sys.executable, "-m", "prism_desktop", "train", str(asked.study)]
    command += ["--method", "lora-visual-prompt", "--backbone", "prism-mini", *asked.rest]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

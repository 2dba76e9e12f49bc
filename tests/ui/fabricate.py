"""Run folders as training leaves them, made in milliseconds, for tests and looks of the window.

The files and their columns are the run folder's own; the numbers are drawn from planted tastes, so
that curves fall, labelers differ and accuracies lie below their ceilings.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from prism_desktop.engine.study.images import thumbnail_path
from prism_desktop.engine.study.store import Study

LABELERS = ("L1", "L2", "L3", "L4", "L5", "L6")
ATTRIBUTES = ("attractive", "smart", "trustworthy")
# How much of the common taste each has, as in the demo study: L3 is idiosyncratic, L4 contrarian on
# one attribute.
SHARED = {"L1": 0.95, "L2": 0.9, "L3": 0.15, "L4": 0.75, "L5": 0.6, "L6": 0.85}


@dataclass(frozen=True)
class Faces:
    """Image files of a made-up study and how much of two factors each has."""

    folder: Path  # the study's
    ids: tuple[str, ...]
    names: tuple[str, ...]
    paths: tuple[Path, ...]
    factors: np.ndarray  # (images, 6)


def faces(
    study: Path, count: int = 48, size: int = 96, seed: int = 0, factors: np.ndarray | None = None
) -> Faces:
    """Draw plain faces into `study/images` and their thumbnails where the window looks for them."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(count, 6)) if factors is None else factors
    (study / "images").mkdir(parents=True, exist_ok=True)
    ids, names, paths = [], [], []
    for place, row in enumerate(factors):
        path = study / "images" / f"face-{place:04d}.jpg"
        _draw(row, size).save(path, quality=90)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        thumbnail = thumbnail_path(study, digest)
        thumbnail.parent.mkdir(parents=True, exist_ok=True)
        thumbnail.write_bytes(path.read_bytes())
        ids.append(digest)
        names.append(path.name)
        paths.append(path)
    return Faces(study, tuple(ids), tuple(names), tuple(paths), factors)


def of_study(study: Study, seed: int = 0) -> Faces:
    """The images that a study has, with made-up factors."""
    images = study.images()
    ids, names, paths = (
        [getattr(image, key) for image in images] for key in ("id", "name", "path")
    )
    factors = np.random.default_rng(seed).normal(size=(len(images), 6))
    return Faces(study.path, tuple(ids), tuple(names), tuple(paths), factors)


def _draw(row: np.ndarray, size: int) -> Image.Image:
    def level(place: int) -> float:
        return 1 / (1 + math.exp(-row[place]))

    skin = tuple(int(a + (b - a) * level(0)) for a, b in ((120, 245), (82, 214), (60, 190)))
    hair = tuple(int(a + (b - a) * level(1)) for a, b in ((30, 190), (22, 140), (18, 80)))
    picture = Image.new("RGB", (4 * size, 4 * size), (176, 182, 190))
    pen, s = ImageDraw.Draw(picture), 4 * size / 100
    pen.rounded_rectangle((22 * s, 8 * s, 78 * s, (50 + 40 * level(2)) * s), 28 * s, fill=hair)
    pen.ellipse((27 * s, 18 * s, 73 * s, (80 + 8 * level(3)) * s), fill=skin)
    eye = (2.5 + 2.5 * level(4)) * s
    for x in (40, 60):
        pen.ellipse(
            (x * s - 1.6 * eye, 46 * s - eye, x * s + 1.6 * eye, 46 * s + eye), fill="white"
        )
        pen.ellipse(
            (x * s - 0.7 * eye, 46 * s - 0.7 * eye, x * s + 0.7 * eye, 46 * s + 0.7 * eye),
            fill=(40, 40, 60),
        )
    pen.arc(
        (41 * s, (70 - 8 * level(5)) * s, 59 * s, 72 * s),
        10,
        170,
        fill=(150, 50, 60),
        width=int(1.6 * s),
    )
    return picture.resize((size, size), Image.Resampling.LANCZOS)


def vectors(folder: Path, labelers: Sequence[str], seed: int = 0) -> None:
    """Give a run a token for each labeler, as one of a tower keeps them."""
    from safetensors.numpy import save_file

    table = np.random.default_rng(seed).normal(size=(len(labelers), 1, 8)).astype(np.float32)
    card = {"method": "lora-visual-prompt", "labelers": [*labelers], "attributes": [*ATTRIBUTES]}
    save_file(
        {"prompts.table": table}, folder / "tokens.safetensors",
        metadata={"prism": json.dumps(card)},
    )  # fmt: skip


def run(
    study: Path,
    made: Faces,
    name: str = "20260101-120000-lora-visual-prompt",
    *,
    state: str = "finished",
    method: str = "lora-visual-prompt",
    epochs: int = 12,
    labelers: tuple[str, ...] = LABELERS,
    attributes: tuple[str, ...] = ATTRIBUTES,
    seed: int = 0,
    steps: int = 40,
) -> Path:
    """Write the run folder `study/runs/name` and return it; `state` is what its status says.

    One of one epoch without `steps` was fitted in one go.
    """
    rng = np.random.default_rng(seed)
    folder = study / "runs" / name
    (folder / "data").mkdir(parents=True, exist_ok=True)
    tastes = _tastes(labelers, attributes, made, rng)
    _write_data(folder, made, labelers, attributes, tastes, rng)
    config = {
        "method": method,
        "backbone": "prism-mini",
        "epochs": epochs,
        "seed": seed,
        "split": {"kind": "image"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    started = datetime.strptime(name[:15], "%Y%m%d-%H%M%S").timestamp()
    status = {"state": state, "pid": 0, "started": started, "updated": 1767268990.0, "message": ""}
    done = state in ("finished", "stopped")
    failure = None
    if state == "failed":
        failure = (
            "The device ran out of memory in epoch 5.",
            "Choose a smaller batch in the advanced settings.",
        )
        status["message"] = " ".join(failure)
    (folder / "status.json").write_text(json.dumps(status))
    reached = epochs if done else max(1, epochs // 2)
    told = events(method, epochs, reached, labelers, attributes, rng, steps)
    _write_events(folder, told, done, failure)
    if done:
        _write_predictions(folder, made, tastes, method, rng)
        (folder / "summary.json").write_text(
            json.dumps(_summary(name, method, labelers, attributes, rng))
        )
    return folder


def _tastes(labelers, attributes, made, rng):
    """Utility of every face: {(labeler, attribute): (images,)}."""
    common = {attribute: rng.normal(size=6) for attribute in attributes}
    result = {}
    for labeler in labelers:
        share = SHARED.get(labeler, 0.7)
        for attribute in attributes:
            weights = share * common[attribute] + math.sqrt(1 - share**2) * rng.normal(size=6)
            if labeler == "L4" and attribute == attributes[0]:
                weights = -weights
            result[labeler, attribute] = made.factors @ weights
    return result


def _write_data(folder, made, labelers, attributes, tastes, rng) -> None:
    count = len(made.ids)
    split = np.array(["train"] * 5 + ["val", "test"])[np.arange(count) % 7]
    images = {"image": made.ids, "name": made.names, "path": [str(path) for path in made.paths]}
    pd.DataFrame({**images, "fold": np.arange(count) % 7, "split": split}).to_parquet(
        folder / "data" / "images.parquet"
    )
    comparisons, ratings, trial = [], [], 0
    for place, labeler in enumerate(labelers):
        # some share few pairs with the others
        shown = np.arange(count * 2) if place % 5 else np.arange(count)
        for step in shown:
            left, right = np.random.default_rng(int(step)).choice(count, 2, replace=False)
            trial += 1
            for attribute in attributes:
                utility = tastes[labeler, attribute]
                gap = utility[left] - utility[right] + rng.normal()
                outcome = "tie" if abs(gap) < 0.15 else "left" if gap > 0 else "right"
                row = (
                    f"t{trial}",
                    labeler,
                    "s1",
                    trial,
                    made.ids[left],
                    made.ids[right],
                    attribute,
                    outcome,
                )
                comparisons.append((*row, 0.0, 2.0, None, "simulated"))
        for image in rng.choice(count, count // 2, replace=False):
            trial += 1
            for attribute in attributes:
                value = int(
                    np.clip(
                        np.digitize(tastes[labeler, attribute][image] / 2, [-0.7, 0.0, 0.7]) + 1,
                        1,
                        4,
                    )
                )
                row = (f"t{trial}", labeler, "s1", trial, made.ids[image], attribute, value)
                ratings.append((*row, 0.0, 1.5, None, "simulated"))
    tail = ["onset", "seconds", "repeat_of", "source"]
    head = ["trial", "labeler", "session", "order"]
    frame = pd.DataFrame(
        comparisons, columns=[*head, "left", "right", "attribute", "outcome", *tail]
    )
    frame.to_parquet(folder / "data" / "comparisons.parquet")
    frame = pd.DataFrame(ratings, columns=[*head, "image", "attribute", "value", *tail])
    frame.to_parquet(folder / "data" / "ratings.parquet")
    meta = {
        "labelers": [{"code": code, "display_name": code, "profile": ""} for code in labelers],
        "attributes": [{"name": name} for name in attributes],
        "fingerprint": "0" * 64,
    }
    (folder / "data" / "meta.json").write_text(json.dumps(meta))


def events(method, epochs, reached, labelers, attributes, rng, steps_per_epoch=40):
    """What training tells, one dict an event, up to the end of epoch `reached`."""
    told = [{"type": "stage", "name": "preparing"}]
    device = {"device": "cpu", "device_name": "CPU, 2 cores"}
    size = {"parameters": {"lora": 98304, "tokens": 1152, "trainable": 99456}}
    lengths = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
    counts = {"train": 2560, "val": 540, "test": 540}
    told.append(
        {"type": "started", "method": method, **device, **size, "counts": counts, **lengths}
    )
    told.append({"type": "notice", "text": "412 pairs straddle the image split and were left out."})
    told.append({"type": "stage", "name": "training"})
    best = math.inf
    for epoch in range(1, reached + 1):
        for step in range((epoch - 1) * steps_per_epoch + 1, epoch * steps_per_epoch + 1):
            done = step / steps_per_epoch
            loss = 0.42 + 0.28 * math.exp(-done / 4) + rng.normal() * 0.035
            seen = {
                "loss": loss,
                "accuracy": 0.82 - 0.3 * math.exp(-done / 4) + rng.normal() * 0.05,
            }
            pace = {"lr": 2e-3, "images_per_second": 412.0, "eta_seconds": (epochs - done) * 7.5}
            told.append({"type": "step", "epoch": epoch, "step": step, **seen, **pace})
        nll = 0.5 + 0.2 * math.exp(-epoch / 3) + max(0, epoch - 8) * 0.006 + rng.normal() * 0.003
        accuracy = 0.755 - 0.22 * math.exp(-epoch / 3) + rng.normal() * 0.004
        small = {}
        for place, name in enumerate((*labelers, *attributes)):
            shift = 0.06 * math.cos(2 * place)
            small[name] = {
                "train_accuracy": min(0.97, accuracy + 0.05 + shift),
                "val_accuracy": accuracy + shift + rng.normal() * 0.012,
                "val_nll": nll,
                "n": 90 + 7 * place,
            }
        event = {
            "type": "epoch",
            "epoch": epoch,
            "train": {"loss": nll - 0.04, "accuracy": accuracy + 0.05},
        }
        event |= {
            "val": {"nll": nll, "accuracy": accuracy, "micro": accuracy + 0.01},
            "seconds": 7.4,
            "best": nll < best,
        }
        event |= {"per_labeler": {name: small[name] for name in labelers}}
        event |= {"per_attribute": {name: small[name] for name in attributes}}
        best = min(best, nll)
        told.append(event)
    return [{"time": 1767268800.0 + place * 0.2, **event} for place, event in enumerate(told)]


def _write_events(folder, told, done, failure) -> None:
    best = max(
        (event["epoch"] for event in told if event["type"] == "epoch" and event["best"]),
        default=None,
    )
    if done:
        told += [
            {"type": "stage", "name": name, "time": 1767268980.0}
            for name in ("predicting", "evaluating")
        ]
        told.append({"type": "finished", "best_epoch": best, "summary": {}, "time": 1767268990.0})
    if failure:
        told.append(
            {"type": "failed", "message": failure[0], "advice": failure[1], "time": 1767268990.0}
        )
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in told))


def _write_predictions(folder, made, tastes, method, rng) -> None:
    common = {}
    for (_, attribute), utility in tastes.items():
        common.setdefault(attribute, []).append(utility)
    shared = {attribute: np.mean(rows, axis=0) for attribute, rows in common.items()}
    own, consensus = [], []
    for (labeler, attribute), utility in tastes.items():
        guess = (
            shared[attribute] if method == "consensus" else 0.8 * utility + 0.2 * shared[attribute]
        )
        score = (guess + rng.normal(size=len(guess)) * 0.3).astype(np.float32)
        own.append(
            pd.DataFrame(
                {"labeler": labeler, "attribute": attribute, "image": made.ids, "score": score}
            )
        )
        score = shared[attribute].astype(np.float32)
        consensus.append(
            pd.DataFrame(
                {"labeler": labeler, "attribute": attribute, "image": made.ids, "score": score}
            )
        )
    pd.concat(own, ignore_index=True).to_parquet(folder / "predictions.parquet")
    if method != "consensus":
        pd.concat(consensus, ignore_index=True).to_parquet(folder / "consensus.parquet")


def _summary(name, method, labelers, attributes, rng) -> dict:
    """What `train --json` prints of a run."""
    own = {labeler: 0.76 + 0.08 * math.cos(1.7 * place) for place, labeler in enumerate(labelers)}
    gain = {labeler: 0.02 + 0.16 * (1 - SHARED.get(labeler, 0.7)) for labeler in labelers}
    if method == "consensus":
        own = {labeler: value - gain[labeler] for labeler, value in own.items()}
        gain = dict.fromkeys(labelers, 0.0)
    ceiling = {
        labeler: min(0.97, own[labeler] + 0.09 + 0.03 * (place % 3))
        for place, labeler in enumerate(labelers)
    }
    ceiling[labelers[-1]] = None  # too few repeats

    def block(shift):
        told = {
            labeler: _interval(own[labeler] - shift[labeler], 0.04, 120) for labeler in labelers
        }
        cells = {
            labeler: {
                attribute: _interval(
                    own[labeler] - shift[labeler] + 0.025 * (place % 3 - 1), 0.06, 40
                )
                for place, attribute in enumerate(attributes)
            }
            for labeler in labelers
        }
        mean = float(np.mean([entry["accuracy"] for entry in told.values()]))
        per_attribute = {
            attribute: _interval(mean + 0.02 * (p % 3 - 1), 0.03, 240)
            for p, attribute in enumerate(attributes)
        }
        return {
            "micro": _interval(mean + 0.008, 0.018, 720),
            "macro": _interval(mean, 0.02, 720),
            "per_labeler": told,
            "per_attribute": per_attribute,
            "per_labeler_attribute": cells,
            "nll": 0.52,
            "brier": 0.17,
            "ece": 0.031,
            "ceiling": ceiling,
        }

    return {
        "run": name,
        "method": method,
        "backbone": "prism-mini",
        "device": "cpu",
        "split": "image",
        "parameters": {"lora": 98304, "tokens": 1152, "trainable": 99456},
        "best_epoch": 9,
        "counts": {"train": 2560, "val": 540, "test": 540},
        "test": block(dict.fromkeys(labelers, 0.0)),
        "consensus": block(gain),
    }


def _interval(value: float, half: float, count: int) -> dict:
    return {"accuracy": value, "low": value - half, "high": value + half, "n": count}

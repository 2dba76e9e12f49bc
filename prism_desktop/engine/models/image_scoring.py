"""Scores of any images or texts, those of a run or others, by whatever model it holds."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine import access
from prism_desktop.engine.backbones.causal_lm import LanguageModel
from prism_desktop.engine.backbones.prompt_layout import Pair
from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.events import Done, Event, Notice, Progress, value
from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.models.image_blocks import ImageBlock, SeenImages
from prism_desktop.engine.models.predictor import (
    Combined,
    Floats,
    GivenTexts,
    OnFeatures,
    Predictor,
)
from prism_desktop.engine.models.text_features import text_features
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.embeddings import read_embeddings
from prism_desktop.engine.study.image_statistics import NAMES, read_statistics
from prism_desktop.engine.study.pixel_cache import PixelCache
from prism_desktop.engine.study.row_cache import features_file

_CHUNK = 256  # images between two looks at whether anybody still waits


def score_images(
    run: Path,
    predictor: Predictor,
    images: Mapping[str, Path],
    labelers: Sequence[str] | None = None,
    attributes: Sequence[str] | None = None,
    cache: Path | None = None,
    texts: Mapping[str, Pair] | None = None,
) -> Iterator[Event[Floats]]:
    """Score images or texts, those of the run or any others.

    Args:
        run: the run's folder.
        predictor: its model.
        images: id (SHA-256) -> file; of texts the files are not read.
        labelers: codes; None for all.
        attributes: names, or any words if the model reads text; None for the labeled ones.
        cache: where decoded images are kept; None for the study's cache.
        texts: id -> prompt or None, and text, of those that the run does not have.

    Yields:
        Progress and Notice, then Done with (labelers, attributes, images) float32; NaN where an
        image cannot be read.

    Raises:
        InputError: if a labeler or an attribute cannot be answered for.
    """
    codes = predictor.labelers if labelers is None else tuple(labelers)
    names = predictor.attributes if attributes is None else tuple(attributes)
    predictor.check(codes, names)
    array, place_of = yield from _inputs(run, predictor, images, cache, texts or {})
    own = _own_rows(run)
    values = np.full((len(codes), len(names), len(images)), np.nan, np.float32)
    there = [number for number, image in enumerate(images) if image in place_of]
    ids = list(images)
    shown = {ids[number]: images[ids[number]] for number in there}
    known = yield from _beside(run, predictor.blocks, shown, cache)
    for start in range(0, len(there), _CHUNK):
        yield Progress(start, len(there), f"Predicting {', '.join(names)}")
        chunk = there[start : start + _CHUNK]
        rows = np.array([own.get(ids[number], -1) for number in chunk], dtype=np.int64)
        inputs = array[[place_of[ids[number]] for number in chunk]]
        seen = known.part(slice(start, start + len(chunk)))
        values[:, :, chunk] = predictor.scores(inputs, codes, names, rows, seen)
    yield Done(values)


def _inputs(
    run: Path,
    predictor: Predictor,
    images: Mapping[str, Path],
    cache: Path | None,
    texts: Mapping[str, Pair],
) -> Generator[Progress | Notice, None, tuple[NDArray[Any] | GivenTexts, Mapping[str, int]]]:
    """What the model reads of images, and image -> its row.

    Returned at the end of a generator of events.
    """
    study, backbone = run.parent.parent, predictor.backbone
    if isinstance(backbone, LanguageModel):
        features = _reads_features(predictor)
        said = {**RunFolder(run).texts(), **texts}
        wanted = {key: said[key] for key in images if key in said}
        return (yield from _given_texts(run, backbone, wanted, cache, features=features))
    if isinstance(backbone, str):
        ids, matrix, _ = read_embeddings(study, backbone)
        rows = {image: row for row, image in enumerate(ids)}
        if lacking := sum(image not in rows for image in images):
            yield Notice(
                f"{counted(lacking, 'image has', 'images have')} no embedding in {backbone} and "
                f"{word_for(lacking, 'is', 'are')} not scored."
            )
        return matrix, rows
    decoded = PixelCache(cache or access.cache_folder(study), backbone.image_size)
    for event in decoded.build(images.items()):
        if isinstance(event, Progress | Notice):
            yield event
    return decoded.read(), decoded.rows()


def _reads_features(predictor: Predictor) -> bool:
    """Whether a part of a model has heads on features."""
    if isinstance(predictor, Combined):
        return any(map(_reads_features, predictor.members))
    return isinstance(predictor, OnFeatures)


def _given_texts(
    run: Path,
    model: LanguageModel,
    texts: Mapping[str, Pair],
    cache: Path | None,
    *,
    features: bool,
) -> Generator[Progress | Notice, None, tuple[GivenTexts, Mapping[str, int]]]:
    """Texts as a model takes them, with their features if these are read, and text -> its row."""
    rows = {key: row for row, key in enumerate(texts)}
    if not features:
        return GivenTexts(list(texts.values()), None), rows
    path = features_file(cache or access.cache_folder(run.parent.parent), model.sha256)
    known = yield from value(text_features(path, texts, model))
    matrix = np.array([known[key] for key in texts], np.float32).reshape(-1, model.width)
    return GivenTexts(list(texts.values()), matrix), rows


def _beside(
    run: Path, blocks: Sequence[ImageBlock], images: Mapping[str, Path], cache: Path | None
) -> Generator[Progress | Notice, None, SeenImages]:
    """What a model's blocks read of images: statistics, measured now, and facts, as its own data
    say them, else as the study does.

    Returned at the end of a generator of events, which tells what is not known.
    """
    study, ids = run.parent.parent, list(images)
    statistics = None
    if any(block.kind == "statistics" for block in blocks):
        found = yield from value(read_statistics(cache or access.cache_folder(study), images))
        blank = np.full(len(NAMES), np.nan, np.float32)
        statistics = np.array([found.get(image, blank) for image in ids]).reshape(-1, len(NAMES))
    wanted = [block.name for block in blocks if block.kind != "statistics"]
    facts = _facts(run, wanted, ids) if wanted else {}
    seen = SeenImages(len(ids), statistics, facts)
    for block in blocks:
        lacking = int(np.isnan(block.columns(seen)).all(axis=1).sum())
        if lacking and block.kind != "statistics":  # of these it was told
            yield Notice(
                f"The fact {block.name} is not known of {counted(lacking, 'image')}, which "
                f"{word_for(lacking, 'counts', 'count')} as the mean of those of the run."
            )
    return seen


def _facts(run: Path, wanted: Sequence[str], ids: Sequence[str]) -> dict[str, list[str]]:
    from prism_desktop.engine.study.store import Study

    known = RunFolder(run).image_facts()
    told = {name: [known.get(name, {}).get(image, "") for image in ids] for name in wanted}
    if all(all(texts) for texts in told.values()):
        return told
    later: dict[str, dict[str, str]] = {}
    with suppress(PrismError), Study.open(run.parent.parent, read_only=True) as study:
        for fact in study.facts():
            if fact.kind == "image":
                later.setdefault(fact.name, {})[fact.owner] = fact.value
    return {
        name: [
            text or later.get(name, {}).get(image, "")
            for text, image in zip(texts, ids, strict=True)
        ]
        for name, texts in told.items()
    }


def _own_rows(run: Path) -> dict[str, int]:
    """The run's images by their number, which some methods know answers of."""
    if not layout.table_file(run, "images").is_file():
        return {}
    return {str(image): row for row, image in enumerate(RunFolder(run).table("images")["image"])}

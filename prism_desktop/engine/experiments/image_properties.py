"""What can be seen of a study's pictures without asking anybody: simple statistics, facts that
imports brought, and how near they are to words.

None of it learns from an answer. A fact that follows the answers themselves is left out, as where
optional blocks are offered (`models/image_blocks`).
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from prism_desktop.engine import access
from prism_desktop.engine.backbones import MINI, parse
from prism_desktop.engine.errors import InputError, PrismError
from prism_desktop.engine.evaluation.taste.taste_records import ImageProperty, PropertyKind
from prism_desktop.engine.events import Done, Notice, Progress, value
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.models.image_blocks import FACTS, ImageBlock, SeenImages, offer
from prism_desktop.engine.plain_text import clause
from prism_desktop.engine.runs.default_backbone import UNSEEN, is_here
from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.engine.study.image_statistics import NAMES, read_statistics
from prism_desktop.engine.study.pixel_cache import PixelCache
from prism_desktop.engine.study.row_cache import features_file, read_rows, write_rows

if TYPE_CHECKING:
    from prism_desktop.engine.backbones import Backbone

Columns = npt.NDArray[np.float64]

# Of the statistics those that a reader can name, and how a face with more of it is called.
SHOWN = {
    "brightness": ("brightness", "brighter picture"),
    "contrast": ("contrast", "picture with more contrast"),
    "saturation": ("saturation", "more saturated picture"),
    "red-green": ("redness", "redder picture"),
    "yellow-blue": ("yellowness", "yellower picture"),
    "colourfulness": ("colourfulness", "more colourful picture"),
    "sharpness": ("sharpness", "sharper picture"),
    "symmetry": ("left-right symmetry", "more symmetric picture"),
    "size": ("image size", "larger picture"),
    "aspect": ("image width", "wider picture"),
}
# Of a face as it is pictured; what tells groups of people apart is left to facts and to the asker.
WORDS = (
    ("smiling", "serious"),
    ("facing the camera", "turned aside"),
    ("glasses", "no glasses"),
    ("beard", "clean shaven"),
    ("long hair", "short hair"),
    ("light hair", "dark hair"),
    ("older", "younger"),
    ("wide face", "narrow face"),
    ("big eyes", "small eyes"),
    ("full lips", "thin lips"),
    ("thick eyebrows", "thin eyebrows"),
)
_FLAT = 1e-9
_FEATURES_PER_PASS = 256


@dataclass(frozen=True, slots=True, eq=False)
class ImageProperties:
    """Properties of images.

    Attributes:
        images: ids.
        values: (images, properties), NaN where unknown; only the order within a column counts.
        notes: sentences on what could not be looked at.
    """

    images: tuple[str, ...]
    properties: tuple[ImageProperty, ...]
    values: Columns
    notes: tuple[str, ...] = ()


def parse_words(text: str) -> tuple[str, str]:
    """ "smiling : serious" as two, "kind" as one and nothing.

    Raises:
        InputError: there are no words, or more than two.
    """
    parts = [" ".join(part.split()) for part in text.split(":")]
    if not 1 <= len(parts) <= 2 or not all(parts):
        raise InputError(
            "Words are given as MORE:LESS, such as smiling:serious, or as one such as kind; "
            f"“{text}” is neither."
        )
    return parts[0], parts[1] if len(parts) == 2 else ""


Part = list[tuple[ImageProperty, Columns]]


def look_at_images(
    study: Path,
    files: Mapping[str, Path],
    facts: Mapping[str, Mapping[str, str]],
    answered: Sequence[tuple[str, Columns]],
    backbone: str,
    words: Sequence[tuple[str, str]] = WORDS,
    may_fetch: bool = False,
) -> Generator[Progress | Notice, None, ImageProperties]:
    """Measure what can be seen of images; returned at the end of a generator of events.

    Args:
        study: its folder, whose cache keeps what was measured.
        files: image -> file.
        facts: name -> image -> what is known.
        answered: as `image_blocks.offer`, in the order of `files`.
        backbone: what reads words, as a run names it; of imported embeddings none does.
        words: which pairs.
        may_fetch: whether weights that are not on this computer may be downloaded.
    """
    ids = tuple(files)
    cache = access.cache_folder(study)
    measured = yield from value(read_statistics(cache, files))
    blank = np.full(len(NAMES), np.nan, np.float32)
    statistics = np.array([measured.get(image, blank) for image in ids]).reshape(-1, len(NAMES))
    known, notes = of_facts(ids, facts, answered, FACES)
    parts = [_of_statistics(statistics), known]
    if words:
        try:
            near = yield from _near_words(study, files, backbone, words, may_fetch)
            parts.append(_of_words(words, near))
            if backbone == MINI:
                notes.append(UNSEEN)
        except PrismError as error:
            notes.append(f"Words were not looked at: {clause(error)}.")
    return varied(ids, [each for part in parts for each in part], notes)


def of_facts(
    ids: Sequence[str],
    facts: Mapping[str, Mapping[str, str]],
    answered: Sequence[tuple[str, Columns]],
    words: StimulusWords,
) -> tuple[Part, list[str]]:
    """Facts that imports brought as properties, and sentences on those that cannot be looked at."""
    told = {name: [known.get(image, "") for image in ids] for name, known in facts.items()}
    offered = offer((FACTS,), SeenImages(len(ids), None, told), answered)
    found = [_of_fact(block, columns, words) for block, columns in offered.blocks]
    return [each for part in found for each in part], list(offered.notices)


def varied(
    ids: tuple[str, ...], found: Part, notes: list[str], words: StimulusWords = FACES
) -> ImageProperties:
    """The properties that differ between images or texts, with a note about the others."""
    kept_ones = [(one, column) for one, column in found if np.nanstd(column) > _FLAT]
    if alike := [one.name for one, _ in found if one not in [kept for kept, _ in kept_ones]]:
        notes.append(f"The same for all {words.kept_many}, and so of no use: {', '.join(alike)}.")
    columns = np.array([column for _, column in kept_ones]).reshape(-1, len(ids)).T
    return ImageProperties(ids, tuple(one for one, _ in kept_ones), columns, tuple(notes))


def made_property(name: str, more: str, kind: PropertyKind, column: Columns) -> ImageProperty:
    """A property with how many its (images,) column knows."""
    known = int((~np.isnan(column)).sum())
    return ImageProperty(name=name, more=more, kind=kind, images=known)


def _of_statistics(statistics: npt.NDArray[np.float32]) -> Part:
    found = []
    for key, (name, more) in SHOWN.items():
        column = np.asarray(statistics[:, NAMES.index(key)], np.float64)
        if not np.isnan(column).all():
            found.append((made_property(name, more, "statistic", column), column))
    return found


def _of_fact(block: ImageBlock, columns: npt.NDArray[np.float32], words: StimulusWords) -> Part:
    """A number as it is, a category as one of its levels against all others."""
    if block.kind == "number":
        column = np.asarray(columns[:, 0], np.float64)
        more = f"{words.told('picture')} with more {block.name}"
        return [(made_property(block.name, more, "fact", column), column)]
    levels = block.levels[:1] if len(block.levels) == 2 and not block.others else block.levels
    found = []
    for place, level in enumerate(levels):
        column = np.asarray(columns[:, place], np.float64)
        name = f"{block.name}: {level}"
        more = f"{words.told('picture')} of {block.name} {level}"
        found.append((made_property(name, more, "fact", column), column))
    return found


def _of_words(words: Sequence[tuple[str, str]], near: npt.NDArray[np.float32]) -> Part:
    found = []
    for (more, less), told in zip(words, near.T, strict=True):
        column = np.asarray(told, np.float64)
        name = f"{more} – {less}" if less else more
        nearer = f"picture nearer to “{more}”" + (f" than “{less}”" if less else "")
        found.append((made_property(name, nearer, "words", column), column))
    return found


def _near_words(
    study: Path,
    files: Mapping[str, Path],
    backbone: str,
    words: Sequence[tuple[str, str]],
    may_fetch: bool,
) -> Generator[Progress | Notice, None, npt.NDArray[np.float32]]:
    """(images, pairs of words), NaN where an image cannot be read.

    Raises:
        InputError: the backbone knows no words.
    """
    spec = parse(backbone)
    if not spec.sees_images:
        raise InputError(
            f"the {spec.title} know no words; name a backbone that does with --backbone, such as "
            "one of CLIP"
        )
    if not (may_fetch or is_here(backbone, study)):
        raise InputError(f"{spec.title} is not on this computer; train a run with it first")
    yield Progress(0, None, "Loading the backbone")
    from prism_desktop.engine.backbones import fetch, load
    from prism_desktop.engine.device import choose_device
    from prism_desktop.engine.models.text_directions import text_directions

    yield from (event for event in fetch(spec) if not isinstance(event, Done))
    network = load(spec, choose_device("auto"))
    features = yield from _features(study, files, network)
    yield Progress(0, None, f"Reading {counted(len(words), 'pair of words', 'pairs of words')}")
    return text_directions(network, features, words)


def _features(
    study: Path, files: Mapping[str, Path], network: "Backbone"
) -> Generator[Progress | Notice, None, npt.NDArray[np.float32]]:
    """(images, features) of the frozen backbone, NaN of an image that cannot be read; from where
    trainings keep them, as far as they are there."""
    shared = features_file(study / "cache", network.sha256)
    path = access.cache_folder(study) / shared.name
    known = dict(read_rows(shared, "features")) | dict(read_rows(path, "features"))
    missing = {image: file for image, file in files.items() if image not in known}
    pixels = PixelCache(path.parent, network.image_size)
    for event in pixels.build(missing.items()) if missing else ():
        if isinstance(event, Progress | Notice):
            yield event
    rows = pixels.rows() if missing else {}
    there = [image for image in missing if image in rows]
    for start in range(0, len(there), _FEATURES_PER_PASS):
        part = there[start : start + _FEATURES_PER_PASS]
        yield Progress(start, len(there), "Reading features of the images")
        seen = network.encode(pixels.read()[[rows[image] for image in part]])
        known.update(zip(part, seen, strict=True))
    if there:
        write_rows(path, "features", known)
    blank = np.full(network.embed_dim, np.nan, np.float32)
    return np.array([known.get(image, blank) for image in files])

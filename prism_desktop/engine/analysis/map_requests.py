"""What maps are asked of, found and checked before a model is loaded: no torch is imported here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prism_desktop.engine.analysis.relevance_map import CONSENSUS, MapKind
from prism_desktop.engine.analysis.word_relevance import word_map
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.models.obstacles import find_obstacles, refuse
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_tables import IMAGES, IMAGES_FILE
from prism_desktop.engine.study.images import hash_file

if TYPE_CHECKING:
    from prism_desktop.engine.backbones.prompt_layout import Pair


@dataclass(frozen=True, slots=True, eq=False)
class NamedText:
    """A text of a run."""

    name: str
    pair: Pair
    facts: Mapping[str, str]  # what a run's blocks read beside the text


def check_map_request(
    run: RunFolder, whose: tuple[str, str, str, str], stimuli: tuple[str, ...] = ()
) -> None:
    """Refuse what a model would refuse once it is loaded.

    Args:
        run: of images or of texts.
        whose: labeler, attribute, kind, against.
        stimuli: names of images or texts; an empty one is none.

    Raises:
        InputError: the run makes no maps, or knows no such labeler, attribute, kind or stimulus.
    """
    refuse(find_obstacles(run.path).maps)
    labeler, attribute, kind, against = whose
    meta = run.meta()
    for code in [labeler, *([against] if against not in ("", CONSENSUS) else [])]:
        if code not in meta.codes:
            raise InputError(f"This run has no labeler {code!r}; it has {', '.join(meta.codes)}.")
    if run.of_texts and attribute not in meta.names:
        raise InputError(
            f"This run has no attribute {attribute!r}; it has {', '.join(meta.names)}."
        )
    if run.of_texts:
        word_map(kind)
    else:
        MapKind.read(kind)
    for name in filter(None, stimuli):
        if run.of_texts:
            find_text(run.path, name)
        else:
            find_image(run.path, name)


def find_text(run: Path, wanted: str) -> NamedText:
    """A text of a run by its name or identity.

    Raises:
        InputError: the run has no such text, or several of that name.
    """
    folder = RunFolder(run)
    known = folder.frame(IMAGES_FILE, IMAGES)
    hits = known[(known[["name", "image"]] == wanted).any(axis=1)]
    if not len(hits):
        raise InputError(f"There is no text {wanted!r} in the run; name one of the study's.")
    if len(hits) > 1:
        raise InputError(f"{len(hits)} texts of the run are called {wanted!r}; give its identity.")
    key = str(hits["image"].iloc[0])
    facts = {name: told.get(key, "") for name, told in folder.image_facts().items()}
    return NamedText(str(hits["name"].iloc[0]), folder.texts()[key], facts)


def find_image(run: Path, image: str | Path) -> Path:
    """The file of an image given by its name, id or path
    in a run's snapshot, or of any other by its path.

    Raises:
        InputError: if it is none of these, or an image of the run was changed since.
    """
    if layout.table_file(run, "images").is_file():
        known = RunFolder(run).frame(IMAGES_FILE, IMAGES)
        hits = known[(known[["name", "image", "path"]] == str(image)).any(axis=1)]
        if len(hits):
            return _unchanged(Path(str(hits["path"].iloc[0])), str(hits["image"].iloc[0]))
    if Path(image).is_file():
        return Path(image)
    raise InputError(f"There is no image {image} in the run, and no such file.")


def _unchanged(path: Path, image: str) -> Path:
    try:
        same = hash_file(path) == image
    except OSError as error:
        raise InputError(
            f"The image {path} is missing or cannot be read ({error.strerror})."
        ) from error
    if not same:
        raise InputError(
            f"The image {path} was changed since the run was made, so this is not what the model "
            "judged."
        )
    return path

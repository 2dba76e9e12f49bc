"""The demo study: faces drawn by a few processes, then labelers and their trials."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from prism_desktop.engine.demo.faces import Faces, sample
from prism_desktop.engine.demo.faces.pictures import SIZE, pictures
from prism_desktop.engine.demo.faces.traits import traits
from prism_desktop.engine.demo.ideal_accuracy import IMAGES, SEED
from prism_desktop.engine.demo.simulated_labelers import design, labelers
from prism_desktop.engine.demo.simulation import Simulation
from prism_desktop.engine.errors import InputError, PrismError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.files import make_folder, write_bytes
from prism_desktop.engine.study.opening import FILE
from prism_desktop.engine.study.records import NewImage
from prism_desktop.engine.study.store import Study

_TELL_EVERY = 25  # faces
_FACE = re.compile(r"face-\d{4}\.jpg", re.ASCII)


def build_demo(
    folder: Path | str,
    *,
    seed: int = SEED,
    images: int = IMAGES,
    scale: float = 1.0,
    workers: int | None = None,
) -> Iterator[Event[Path]]:
    """Make the demo study in a new folder.

    Args:
        folder: of the study; must be empty or not exist, or hold a demo that was cut off, which is
            finished then.
        seed: of the faces, and of the labelers' pairs, noise and times.
        images: how many faces.
        scale: multiplies every labeler's number of trials, for small studies.
        workers: processes that draw, see `faces.pictures`.

    Yields:
        Progress, then Done with the study's folder, closed. Closing the generator leaves a study
        without trials.

    Raises:
        InputError: if the folder holds other files.
    """
    faces = sample(images, seed)
    with _begun(Path(folder)) as study:
        known = {attribute.name for attribute in study.attributes()}
        for trait in traits():
            if trait.name not in known:
                study.add_attribute(trait.name, trait.question)
        new: list[NewImage] = []
        with closing(pictures(images, seed, workers)) as drawing:
            for picture in drawing:
                new.append(stored_face(study.path, picture, len(new)))
                if len(new) % _TELL_EVERY == 0 or len(new) == images:
                    yield Progress(len(new), images, "Drawing faces")
        if {image.id for image in study.images()} - {image.sha256 for image in new}:
            raise InputError(
                f"{study.path} holds the faces of another demo that was cut off. Nothing of it was "
                "changed; choose another folder."
            )
        study.add_images(new, copied=True)
        yield Progress(0, len(labelers()), "Simulating labelers")
        _label(study, faces, scale, seed)
        path = study.path
    yield Done(path)


def is_cut_off(folder: Path) -> bool:
    """Whether a folder holds a demo study that was not finished: its trials come last, all at
    once."""
    try:
        with Study.open(folder, read_only=True) as study:
            info = study.info()
            names = {attribute.name for attribute in study.attributes()}
            people = {labeler.code for labeler in study.labelers()}
            drawn = [image.name for image in study.images()]
            answered = bool(study.trials(current=False))
    except PrismError:
        return False
    # a study that somebody made and did not fill yet has no faces
    faces = bool(drawn) or any((folder / "images").glob("??/*.jpg"))
    ours = faces and all(_FACE.fullmatch(name) for name in drawn)
    ours = ours and names <= {trait.name for trait in traits()}
    simulated = people <= {person.code for person in labelers()} and (info.simulated or not people)
    return ours and simulated and not answered


def _begun(folder: Path) -> Study:
    if (folder / FILE).is_file() and is_cut_off(folder):
        return Study.open(folder)
    return Study.create(folder, attributes=())


def _label(study: Study, faces: Faces, scale: float, seed: int) -> None:
    known = {labeler.code for labeler in study.labelers()}
    for person in [each for each in labelers() if each.code not in known]:
        study.add_labeler(
            person.code, person.name, f"{person.profile} (Simulated.)", simulated=True
        )
    records = sorted(study.images(), key=lambda image: image.name)
    trials = Simulation(records, faces.standard(), design(), seed).run(labelers(), scale)
    study.record([trial for labeler in trials.values() for trial in labeler])


def stored_face(study: Path, picture: bytes, number: int) -> NewImage:
    """Write a picture where the study keeps copied images."""
    sha256 = hashlib.sha256(picture).hexdigest()
    target = study / "images" / sha256[:2] / f"{sha256}.jpg"
    make_folder(target.parent)
    write_bytes(target, picture, durable=False)
    return NewImage(target, f"face-{number + 1:04d}.jpg", sha256, SIZE, SIZE)

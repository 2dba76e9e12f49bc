"""The demo study: faces drawn by a few processes, then labelers and their trials."""

import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from prism_desktop.engine.demo.faces import Faces, sample
from prism_desktop.engine.demo.faces.pictures import SIZE, pictures
from prism_desktop.engine.demo.faces.traits import traits
from prism_desktop.engine.demo.ideal_accuracy import IMAGES, SEED
from prism_desktop.engine.demo.simulated_labelers import design, labelers
from prism_desktop.engine.demo.simulation import Simulation
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.files import make_folder, write_bytes
from prism_desktop.engine.study.records import NewImage
from prism_desktop.engine.study.store import Study

_TELL_EVERY = 25  # faces


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
        folder: of the study; must be empty or not exist.
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
    with Study.create(folder, attributes=()) as study:
        for trait in traits():
            study.add_attribute(trait.name, trait.question)
        new: list[NewImage] = []
        with closing(pictures(images, seed, workers)) as drawing:
            for picture in drawing:
                new.append(_stored(study.path, picture, len(new)))
                if len(new) % _TELL_EVERY == 0 or len(new) == images:
                    yield Progress(len(new), images, "Drawing faces")
        study.add_images(new, copied=True)
        yield Progress(0, len(labelers()), "Simulating labelers")
        _label(study, faces, scale, seed)
        path = study.path
    yield Done(path)


def _label(study: Study, faces: Faces, scale: float, seed: int) -> None:
    for person in labelers():
        study.add_labeler(
            person.code, person.name, f"{person.profile} (Simulated.)", simulated=True
        )
    records = sorted(study.images(), key=lambda image: image.name)
    trials = Simulation(records, faces.standard(), design(), seed).run(labelers(), scale)
    study.record([trial for labeler in trials.values() for trial in labeler])


def _stored(study: Path, picture: bytes, number: int) -> NewImage:
    """Write a picture where the study keeps copied images."""
    sha256 = hashlib.sha256(picture).hexdigest()
    target = study / "images" / sha256[:2] / f"{sha256}.jpg"
    make_folder(target.parent)
    write_bytes(target, picture, durable=False)
    return NewImage(target, f"face-{number + 1:04d}.jpg", sha256, SIZE, SIZE)

"""Building the demo study: faces drawn by a few processes, then labelers and their trials."""

import hashlib
import io
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.faces import Faces, draw, sample
from prism_desktop.engine.faces.traits import traits
from prism_desktop.engine.study.demo.ideal import IMAGES, SEED
from prism_desktop.engine.study.demo.labelers import design, labelers
from prism_desktop.engine.study.demo.simulation import Simulation
from prism_desktop.engine.study.records import NewImage
from prism_desktop.engine.study.store import Study

SIZE = 256  # pixels
_CHUNK = 25  # faces drawn at a time


def build_demo(
    folder: Path | str, *, seed: int = SEED, images: int = IMAGES, scale: float = 1.0, workers: int | None = None
) -> Iterator[Event[Path]]:
    """Make the demo study in a new folder.

    Args:
        folder: of the study; must be empty or not exist.
        seed: of the faces; the labelers' answers depend on it through the faces alone.
        images: how many faces.
        scale: multiplies every labeler's number of trials, for small studies.
        workers: processes that draw; as many as there are cores (at most 4) by default, 0 draws in this one.

    Yields:
        Progress, then Done with the study's folder, closed. Closing the generator leaves a study without trials.

    Raises:
        InputError: if the folder holds other files.
    """
    faces = sample(images, seed)
    with Study.create(folder, attributes=()) as study:
        for trait in traits():
            study.add_attribute(trait.name, trait.question)
        new: list[NewImage] = []
        for pictures in _drawn(images, seed, min(4, os.cpu_count() or 1) if workers is None else workers):
            new += [_stored(study.path, picture, len(new) + row) for row, picture in enumerate(pictures)]
            yield Progress(len(new), images, "Drawing faces")
        study.add_images(new, copied=True)
        yield Progress(0, len(labelers()), "Simulating labelers")
        _label(study, faces, scale)
        path = study.path
    yield Done(path)


def _label(study: Study, faces: Faces, scale: float) -> None:
    for person in labelers():
        study.add_labeler(person.code, person.name, f"{person.profile} (Simulated.)", simulated=True)
    records = sorted(study.images(), key=lambda image: image.name)
    trials = Simulation(records, faces.standard(), design()).run(labelers(), scale)
    study.record([trial for labeler in trials.values() for trial in labeler])


def _drawn(images: int, seed: int, workers: int) -> Iterator[list[bytes]]:
    jobs = [(images, seed, start, min(start + _CHUNK, images)) for start in range(0, images, _CHUNK)]
    if workers < 2:
        yield from map(_draw, jobs)
        return
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            yield from pool.map(_draw, jobs)
        finally:
            pool.shutdown(cancel_futures=True)


def _draw(job: tuple[int, int, int, int]) -> list[bytes]:
    """Faces `start..stop` of a sample as JPEG files."""
    images, seed, start, stop = job
    faces = sample(images, seed)
    pictures = []
    for row in range(start, stop):
        buffer = io.BytesIO()
        draw(faces.face(row), SIZE).save(buffer, "JPEG", quality=92, subsampling=0)
        pictures.append(buffer.getvalue())
    return pictures


def _stored(study: Path, picture: bytes, number: int) -> NewImage:
    """Write a picture where the study keeps copied images."""
    sha256 = hashlib.sha256(picture).hexdigest()
    target = study / "images" / sha256[:2] / f"{sha256}.jpg"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(picture)
    return NewImage(target, f"face-{number + 1:04d}.jpg", sha256, SIZE, SIZE)

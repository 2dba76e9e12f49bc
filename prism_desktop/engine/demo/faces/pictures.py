"""Many faces as JPEG files, drawn by a few processes that import nothing but the drawing."""

import io
import multiprocessing
import os
import threading
from collections.abc import Generator
from concurrent.futures import ProcessPoolExecutor

from prism_desktop.engine.demo.faces.drawing import draw
from prism_desktop.engine.demo.faces.factors import sample

SIZE = 256  # pixels
_CHUNK = 25  # faces in one piece of work


def pictures(count: int, seed: int, workers: int | None = None) -> Generator[bytes, None, None]:
    """The faces of `sample(count, seed)` in their order, each as a JPEG of 256 px.

    Args:
        count: how many.
        seed: of the sample.
        workers: processes; as many as there are cores (at most 4) by default, below 2 everything is
            drawn in this one.
    """
    jobs = [(count, seed, start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]
    workers = min(4, os.cpu_count() or 1) if workers is None else workers
    if workers < 2:
        for job in jobs:
            yield from _draw(job)
        return
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _watch_parent)
    try:
        for drawn in pool.map(_draw, jobs):
            yield from drawn
    finally:
        pool.shutdown(cancel_futures=True)


def _watch_parent() -> None:
    """End this process when the one that it draws for is gone, even if that was killed: the two
    ends of the pool's pipes are open in every process of it, so that none would hear."""

    def watch() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def jpeg(face: dict[str, float]) -> bytes:
    """One face as a file."""
    buffer = io.BytesIO()
    draw(face, SIZE).save(buffer, "JPEG", quality=92, subsampling=0)
    return buffer.getvalue()


def _draw(job: tuple[int, int, int, int]) -> list[bytes]:
    count, seed, start, stop = job
    faces = sample(count, seed)
    return [jpeg(faces.face(row)) for row in range(start, stop)]

"""Importing 70,000 images: seconds and peak memory, with and without copying.

Asked: within 10 minutes. Also how long a face takes to be decoded as it is painted.
"""

import os
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

IMAGES, DRAWN, SIDE, LIMIT = 70_000, 200, 512, 600.0
WORK = """
import resource, sys, time
from prism_desktop.engine.events import Done
from prism_desktop.engine.study.importing.image_folder import import_images
from prism_desktop.engine.study.store import Study
start, events = time.perf_counter(), 0
with Study.create(sys.argv[1]) as study:
    for event in import_images(study, sys.argv[2], copy=sys.argv[3] == "copy"):
        events += 1
    assert isinstance(event, Done) and event.value.rows_kept == int(sys.argv[4]), event
took = time.perf_counter() - start
print(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, events)
"""


def main() -> int:
    """Print seconds and MB; 1 if an import takes longer than asked."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        faces = Path(folder) / "faces"
        size = _write(faces, count)
        for how in ("reference", "copy"):
            given = [str(Path(folder) / f"{how}.prism"), str(faces), how, str(count)]
            done = subprocess.run(
                [sys.executable, "-c", WORK, *given], check=True, capture_output=True, text=True
            )
            took, memory, events = map(float, done.stdout.split())
            worst = max(worst, took)
            print(
                f"{count:,} images of {size / 1024:.0f} KB, {how}: {took:.1f} s, "
                f"{memory:.0f} MB at most, {events:.0f} events",
                flush=True,
            )
        _decoding(Path(folder))
    return int(worst > LIMIT)


def _write(folder: Path, count: int) -> int:
    """Few drawn faces, each many times over with another comment; returns the bytes of one."""
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(DRAWN):
        coarse = Image.fromarray(rng.integers(0, 255, (32, 32, 3), np.uint8))
        stream = BytesIO()
        coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=85)
        drawn.append(stream.getvalue())
    for number in range(count):
        place = folder / f"{number // 1000:03d}"
        if number % 1000 == 0:
            place.mkdir(parents=True)
        content = drawn[number % DRAWN]
        comment = b"\xff\xfe\0\x0a" + f"{number:08d}".encode()
        (place / f"face-{number:05d}.jpg").write_bytes(content[:2] + comment + content[2:])
    return len(drawn[0])


def _decoding(folder: Path) -> None:
    """A camera's photograph and a thumbnail, as the window reads them and as Qt would."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QSize
    from PySide6.QtGui import QImageReader

    from prism_desktop.ui import qt_images

    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 255, (60, 40, 3), np.uint8))
    for what, size, side in (("24 MP", (4000, 6000), 900), ("256 px", (256, 256), 132)):
        file = folder / "photograph.jpg"
        coarse.resize(size, Image.Resampling.BICUBIC).save(file, quality=90)

        def qt(file: Path = file, side: int = side) -> None:
            reader = QImageReader(str(file))
            reader.setScaledSize(QSize(side * 2 // 3, side))
            reader.read()

        def ours(file: Path = file, side: int = side) -> None:
            qt_images.fitted(file, (side, side))

        for name, work in (("window", ours), ("Qt", qt)):
            work()
            start = time.perf_counter()
            for _ in range(20):
                work()
            took = 1000 * (time.perf_counter() - start) / 20
            print(f"{what} JPEG at {side} px, {name}: {took:.1f} ms")


if __name__ == "__main__":
    sys.exit(main())

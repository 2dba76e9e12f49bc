"""Golden images: what the window looks like, compared with what it looked like.

`PRISM_GOLDEN=write pytest tests/ui` draws them anew; look at the difference before committing it.
"""

import os
from pathlib import Path

import numpy as np
from PIL import Image
from PySide6.QtWidgets import QApplication, QWidget
from skimage.metrics import structural_similarity

FOLDER = Path(__file__).resolve().parents[1] / "golden"
GUIDES = Path(__file__).resolve().parents[2] / "docs" / "images"
WIDTH = 480  # px stored; small enough that a renderer's last bit does not matter
_PASSES = 8
ALIKE = 0.97  # structural similarity; a missing card or another colour is well below


def check(widget: QWidget, name: str, folder: Path, *, guide: bool = False) -> None:
    """Compare `widget` with tests/golden/NAME.png.

    On a difference the new picture is left in `folder`. When pictures are drawn anew, one that a
    `guide` shows is written to docs/images too, in its whole size.
    """
    file = FOLDER / f"{name}.png"
    _settle()
    picture = _grab(widget, folder / f"{name}.png")
    if os.environ.get("PRISM_GOLDEN") == "write":
        FOLDER.mkdir(exist_ok=True)
        picture.save(file, optimize=True)
        if guide:
            _read(folder / f"{name}.png").save(GUIDES / f"{name}.png", optimize=True)
        return
    golden = _read(file)
    assert golden.size == picture.size
    score = structural_similarity(np.asarray(golden), np.asarray(picture), channel_axis=2)
    assert score >= ALIKE, f"{name} looks different ({score:.3f}); see {folder / f'{name}.png'}"


def _settle() -> None:
    """Let layouts that follow from each other end: each pass of events may ask for the next."""
    for _ in range(_PASSES):
        QApplication.processEvents()


def _read(file: Path) -> Image.Image:
    with Image.open(file) as picture:
        return picture.convert("RGB")


def _grab(widget: QWidget, file: Path) -> Image.Image:
    widget.grab().save(str(file))
    picture = _read(file)
    size = (WIDTH, round(picture.height * WIDTH / picture.width))
    return picture.resize(size, Image.Resampling.LANCZOS) if picture.width > WIDTH else picture

"""Plain statistics of images: how bright, coloured, sharp and symmetric they are.

They cost milliseconds and tell what a network trained on faces throws away. Sources: Hasler and
Süsstrunk, "Measuring colourfulness in natural images", SPIE 5007 (2003); Pech-Pacheco et al.,
"Diatom autofocusing in brightfield microscopy", ICPR 2000 (variance of the Laplacian).
"""

import hashlib
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Notice, Progress
from prism_desktop.engine.foreign_files import read_foreign
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.images import DECODING, MAX_BYTES, open_image
from prism_desktop.engine.study.records import ImageId
from prism_desktop.engine.study.row_cache import Rows, read_rows, write_rows

Floats = npt.NDArray[np.float64]

_REVISION = 1  # counted up whenever another number comes out
_FILE = f"statistics-{_REVISION}-{DECODING}.safetensors"
_SOME = 16  # images between two looks at whether anybody still waits
_SIDE = 128  # px that the shorter side is brought to, so that sharpness is that of what is seen
_LONGEST = 4 * _SIDE
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
_BINS = 32  # of the histogram of brightness
_LEAST = 1e-8

NAMES = (
    "brightness",
    "contrast",
    "skewness of brightness",
    "entropy of brightness",
    "brightness of the upper third",
    "brightness of the lower third",
    "brightness of the middle",
    "contrast of the middle",
    "saturation",
    "spread of saturation",
    "saturation of the middle",
    "hue, red to cyan",
    "hue, yellow to blue",
    "red-green",
    "spread of red-green",
    "yellow-blue",
    "spread of yellow-blue",
    "red-green of the middle",
    "yellow-blue of the middle",
    "colourfulness",
    "sharpness",
    "sharpness of the middle",
    "strength of edges",
    "edges, upright to lying",
    "symmetry",
    "symmetry of edges",
    "size",
    "aspect",
)


def image_statistics(image: Image.Image) -> Rows:
    """(statistics,) of an 8-bit RGB image, in the order of `NAMES`; shares of the full range,
    logarithms of sharpness, size and aspect, correlations of halves."""
    pixels = _small(image)
    luma = pixels @ _LUMA
    high, wide = luma.shape
    middle = slice(high // 4, high - high // 4), slice(wide // 4, wide - wide // 4)
    top, bottom = luma[: high // 3], luma[high - high // 3 :]
    saturation = pixels.max(axis=2) - pixels.min(axis=2)
    red_green = pixels[..., 0] - pixels[..., 1]
    yellow_blue = (pixels[..., 0] + pixels[..., 1]) / 2 - pixels[..., 2]
    hue = np.arctan2(np.sqrt(3) * (pixels[..., 1] - pixels[..., 2]), red_green * 2 - yellow_blue)
    chroma = saturation / max(float(saturation.mean()), 1e-3)
    across, down = np.gradient(luma, axis=1), np.gradient(luma, axis=0)
    laplacian = _laplacian(luma)
    found = (
        *(luma.mean(), luma.std(), _skewness(luma), _entropy(luma)),
        *(top.mean(), bottom.mean(), luma[middle].mean(), luma[middle].std()),
        *(saturation.mean(), saturation.std(), saturation[middle].mean()),
        *((chroma * np.cos(hue)).mean(), (chroma * np.sin(hue)).mean()),
        *(red_green.mean(), red_green.std(), yellow_blue.mean(), yellow_blue.std()),
        *(red_green[middle].mean(), yellow_blue[middle].mean()),
        np.hypot(red_green.std(), yellow_blue.std())
        + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()),
        *(_log(laplacian.var()), _log(_laplacian(luma[middle]).var())),
        *(_log(np.hypot(across, down).mean()), _log((across**2).mean()) - _log((down**2).mean())),
        *(_alike(luma, luma[:, ::-1]), _alike(down, down[:, ::-1])),
        *(_log(image.width * image.height), _log(image.width / image.height)),
    )
    return np.array(found, np.float32)


def read_statistics(
    cache: Path, files: Mapping[ImageId, Path]
) -> Iterator[Event[Mapping[ImageId, Rows]]]:
    """Statistics of images, computed once and kept in a folder of a study's cache.

    Args:
        cache: the folder.
        files: image -> file; one that is gone, damaged or has changed is told and left out.

    Yields:
        Progress and Notice, then Done with image -> (statistics,) float32.
    """
    known = dict(kept_statistics(cache))
    missing = [image for image in files if image not in known]
    for number, image in enumerate(missing):
        if number % _SOME == 0:
            yield Progress(number, len(missing), "Measuring brightness, colour and sharpness")
        try:
            content = read_foreign(files[image], MAX_BYTES)
            if hashlib.sha256(content).hexdigest() == image:
                known[image] = image_statistics(open_image(BytesIO(content)))
        except (OSError, InputError):
            continue  # told below, with all others
    if any(image in known for image in missing):
        write_rows(cache / _FILE, "statistics", known)
    if lacking := sum(image not in known for image in files):
        yield Notice(
            f"{counted(lacking, 'image')} could not be measured, for the file is gone, damaged or "
            f"another one; the mean of all images takes the place of what is not known."
        )
    yield Done({image: known[image] for image in files if image in known})


def kept_statistics(cache: Path) -> Mapping[ImageId, Rows]:
    """What was measured before; empty where there is no readable cache."""
    return read_rows(cache / _FILE, "statistics")


def _small(image: Image.Image) -> Floats:
    """(height, width, 3) from 0 to 1, the shorter side `_SIDE` px; strips are cut short."""
    scale = _SIDE / min(image.size)
    size = tuple(min(max(round(side * scale), 4), _LONGEST) for side in image.size)
    how = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    return np.asarray(image.convert("RGB").resize((size[0], size[1]), how), np.float64) / 255


def _laplacian(luma: Floats) -> Floats:
    around = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
    return np.asarray(around - 4 * luma[1:-1, 1:-1])


def _log(value: float) -> float:
    return float(np.log(max(value, _LEAST)))


def _skewness(luma: Floats) -> float:
    return float(np.mean((luma - luma.mean()) ** 3) / max(float(luma.std()), 1e-3) ** 3)


def _entropy(luma: Floats) -> float:
    """Nats."""
    share = np.histogram(luma, _BINS, (0.0, 1.0))[0] / luma.size
    return float(-np.sum(share[share > 0] * np.log(share[share > 0])))


def _alike(one: Floats, other: Floats) -> float:
    """Correlation; 0 where there is nothing to correlate."""
    one, other = one - one.mean(), other - other.mean()
    size = np.sqrt(np.mean(one**2) * np.mean(other**2))
    return float(np.mean(one * other) / max(float(size), _LEAST))

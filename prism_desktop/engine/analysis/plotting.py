"""The look of figures for papers: sizes in mm, fonts as
text, colours that colour-blind readers can tell apart."""

import textwrap
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.files import write_named
from prism_desktop.engine.plain_text import one_line
from prism_desktop.engine.series_colours import ON_LIGHT

NARROW, WIDE = 89.0, 183.0  # mm, one and two columns of most journals
FORMATS = (".svg", ".pdf", ".png")

COLOURS = ON_LIGHT  # those of the window's light theme
INK, GREY, PALE = "#222222", "#8A8A8A", "#DDDDDD"
SEQUENTIAL = "cividis"

_STYLE: dict[str, object] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 7,
    "axes.titlesize": 8,
    "axes.labelsize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.1,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "text.parse_math": False,  # "$" in a name is no formula
    "pdf.fonttype": 42,  # TrueType, so that text can be edited
    "svg.fonttype": "none",
    "svg.hashsalt": "prism-desktop",  # the same figure gives the same file
}
JUDGMENTS = "Judgments of faces say something about the labeler, not about the person shown."
INTERVALS = "Intervals: 95 %."
_LONGEST = 80  # characters of a text in a figure
_FOOTNOTE = 700  # characters
_LETTER = 1.12  # mm, of a footnote on average
_BESIDE = 28  # characters of one beside the axes; a longer one leaves no room for them
_LOCK = threading.RLock()  # matplotlib's settings are global, and figures are drawn in pool threads


@contextmanager
def style() -> Iterator[None]:
    """Inside, matplotlib draws in this look; one thread at a time."""
    with _LOCK, mpl.rc_context(_STYLE):  # type: ignore[arg-type]
        yield


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of a size in mm with one set of axes, not known to pyplot."""
    figure = Figure(figsize=(width / 25.4, height / 25.4), layout="constrained")
    return figure, figure.add_subplot()


def share_axis(axes: Axes, side: Literal["x", "y"]) -> None:
    """Make an axis one of shares, once all is drawn: in per cent, and none below 0 or above 100."""
    axis = axes.xaxis if side == "x" else axes.yaxis
    axis.set_major_formatter(lambda value, _: f"{100 * value:.{digits}f} %")
    low, high = axis.get_view_interval()
    low, high = max(0.0, low), min(1.0, high)
    digits = 0 if high - low > 0.04 else 1
    (axes.set_xlim if side == "x" else axes.set_ylim)(low, high)


def drawn(text: str, most: int = _LONGEST) -> str:
    """Text from elsewhere, such as a name, as a figure shows it: on one line, as it is."""
    return one_line(text, most)


def beside(text: str, most: int = _BESIDE) -> str:
    """The same for what stands beside the axes, such as the name of a row."""
    return drawn(text, most)


def entry(text: str, before: str = "") -> str:
    """The same for a legend, which leaves out what begins with an underscore; `before` it stand
    words of our own."""
    return before + beside(f" {text}" if text.startswith("_") else text)


def footnote(figure: Figure, *parts: str) -> None:
    """What the numbers of a figure are, of how many answers, small below all of it."""
    told = drawn(" ".join(filter(None, parts)), _FOOTNOTE)
    letters = int(figure.get_figwidth() * 25.4 / _LETTER)
    figure.supxlabel("\n".join(textwrap.wrap(told, letters)), fontsize=5.5, color=GREY)


def save_figure(figure: Figure, path: Path, note: str = "") -> Path:
    """Write SVG, PDF or PNG (300 dpi), as the name ends.

    Args:
        figure: is written with the note below it, after what is there.
        path: where to.
        note: what a reader must know of what is shown.

    Raises:
        InputError: it ends otherwise, or cannot be written.
    """
    kind = path.suffix.lower()
    if kind not in FORMATS:
        raise InputError(f"A figure is saved as {', '.join(FORMATS)}, not as {path.name}.")
    if note:
        with style():
            footnote(figure, figure.get_supxlabel().replace("\n", " "), note)
    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": None}[kind]
    try:
        with style(), warnings.catch_warnings():
            # a letter that the font lacks is drawn as a box
            warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from", UserWarning)
            write_named(path, lambda beside: figure.savefig(beside, dpi=300, metadata=undated))
    except OSError as error:
        raise_fault(error, path, kept="The figure was not written; everything else is kept.")
        raise InputError(
            f"The figure could not be written to {path}: {error.strerror or error}."
        ) from error
    return path

"""The look of figures for papers: sizes in mm, fonts as
text, colours that colour-blind readers can tell apart."""

import io
import textwrap
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from prism_desktop.engine.analysis.embedded_font import with_font
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.files import put_text, write_named
from prism_desktop.engine.plain_text import clause, one_line
from prism_desktop.engine.series_colours import ON_LIGHT

Metadata = dict[str, None] | None
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
INTERVALS = "Intervals: 95%."
_LONGEST = 80  # characters of a short text in a figure
_TITLE = 500  # characters of a title, wrapped to the figure's width
_FOOTNOTE = 2_000  # characters, far beyond what a figure has to say
_LETTER = 1.12  # mm, of a footnote on average
_TITLE_LETTER = 1.55  # mm, of a title
_BESIDE = 28  # characters of a line beside the axes; a longer one leaves no room for them
_LINES = 5  # of them: room for the longest name, its code and its n
_LINE = 2.9  # mm
_BESIDE_AXES, _LABEL_LETTER = 12.0, 1.2  # mm at the left of the axes; of a letter there
_LOCK = threading.RLock()  # matplotlib's settings are global, and figures are drawn in pool threads


@contextmanager
def style() -> Iterator[None]:
    """Inside, matplotlib draws in this look; one thread at a time."""
    with _LOCK, mpl.rc_context(_STYLE):  # type: ignore[arg-type]
        yield


def new_figure(
    width: float,
    height: float,
    title: str = "",
    pad: float | None = None,
    labels: Iterable[str] = (),
) -> tuple[Figure, Axes]:
    """A figure of a size in mm with one set of axes, not known to pyplot.

    Args:
        width: in mm.
        height: in mm, with a title of one line; it is higher by what there are more.
        title: above the axes, and as wide as they are.
        pad: its distance in points.
        labels: that will stand at the left of the axes.
    """
    letters = max((len(line) for label in labels for line in label.split("\n")), default=0)
    told = titled(title, width - _BESIDE_AXES - _LABEL_LETTER * letters)
    high = height + 1.2 * _LINE * told.count("\n")
    figure = Figure(figsize=(width / 25.4, high / 25.4), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(told, loc="left", pad=pad)
    return figure, axes


def share_axis(axes: Axes, side: Literal["x", "y"]) -> None:
    """Make an axis one of shares, once all is drawn: in per cent, and none below 0 or above 100."""
    axis = axes.xaxis if side == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator("auto", steps=(1, 2, 5, 10)))  # no 87.5 that reads 88
    axis.set_major_formatter(lambda value, _: f"{100 * value:.{digits}f}%")
    low, high = axis.get_view_interval()
    low, high = max(0.0, low), min(1.0, high)
    digits = 0 if high - low > 0.04 else 1
    (axes.set_xlim if side == "x" else axes.set_ylim)(low, high)


def drawn(text: str, most: int = _LONGEST) -> str:
    """Text from elsewhere, such as a name, as a figure shows it: on one line, as it is. Of what is
    longer than `most` letters the middle is left out, so a line that was wrapped says how many."""
    return one_line(text, most)


def titled(text: str, width: float) -> str:
    """The same for a title, whole, on lines of a width in mm."""
    return "\n".join(textwrap.wrap(drawn(text, _TITLE), int(width / _TITLE_LETTER)))


def above(figure: Figure, title: str, width: float, *, left: bool = False) -> None:
    """Set such a title above all of a figure."""
    x, side = (0.01, "left") if left else (0.5, "center")
    figure.suptitle(titled(title, width), fontsize=8, x=x, ha=side)


def beside(text: str, wide: int = _BESIDE, told: str = "") -> str:
    """The same for what stands beside the axes, such as the name of a row: whole, on lines of so
    many letters. Only of what is longer than any name the middle is left out.

    Args:
        text: from elsewhere.
        wide: letters of a line.
        told: of our own, about it; on a line of its own where it does not fit.
    """
    line = drawn(f"{text} {told}".strip(), _TITLE)
    if len(line) <= wide:
        return line
    lines = textwrap.wrap(drawn(text, _LINES * wide - _LINES), wide)
    return "\n".join([*lines, *filter(None, (told,))])


def row_height(labels: Iterable[str], least: float) -> float:
    """How high a row of a figure is, in mm, so that the longest of its labels has room."""
    return max(least, 1.0 + _LINE * max((label.count("\n") + 1 for label in labels), default=1))


def entry(text: str, before: str = "", wide: int = _BESIDE) -> str:
    """As `beside` for a legend, which leaves out what begins with an underscore; `before` it stand
    words of our own."""
    told = before + beside(text, wide)
    return f" {told}" if told.startswith("_") else told


def footnote(figure: Figure, *parts: str) -> None:
    """What the numbers of a figure are, of how many answers, small below all of it."""
    told = drawn(" ".join(filter(None, parts)), _FOOTNOTE)
    letters = int(figure.get_figwidth() * 25.4 / _LETTER)
    figure.supxlabel("\n".join(textwrap.wrap(told, letters)), fontsize=5.5, color=GREY)


def check_format(path: Path) -> str:
    """The format of a figure's file, as its name ends.

    Raises:
        InputError: it ends otherwise.
    """
    kind = path.suffix.lower()
    if kind not in FORMATS:
        raise InputError(f"A figure is saved as {', '.join(FORMATS)}, not as {path.name}.")
    return kind


def svg_of(figure: Figure) -> str:
    """A figure as SVG with its font in it, the same whenever it is drawn."""
    buffer = io.StringIO()
    with style(), without_boxes():
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return with_font(buffer.getvalue())


@contextmanager
def figure_book(beside: Path, title: str) -> Iterator[Callable[[Figure], None]]:
    """A PDF of several pages, each the size of the figure that is handed over; undated."""
    facts = {"Title": one_line(title), "CreationDate": None, "Creator": "PRISM Desktop"}
    with style(), without_boxes(), PdfPages(beside, metadata=facts) as buffer:
        yield lambda figure: figure.savefig(buffer, format="pdf")


def _write(figure: Figure, beside: Path, kind: str, undated: Metadata) -> None:
    if kind == ".svg":
        put_text(beside, svg_of(figure))
    else:
        figure.savefig(beside, format=kind[1:], dpi=300, metadata=undated)


@contextmanager
def without_boxes() -> Iterator[None]:
    """A letter that the font lacks is drawn as a box, without a word about it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from", UserWarning)
        yield


def save_figure(figure: Figure, path: Path, note: str = "") -> Path:
    """Write SVG, PDF or PNG (300 dpi), as the name ends.

    Args:
        figure: is written with the note below it, after what is there.
        path: where to.
        note: what a reader must know of what is shown.

    Raises:
        InputError: it ends otherwise, or cannot be written.
    """
    kind = check_format(path)
    if note:
        with style():
            footnote(figure, figure.get_supxlabel().replace("\n", " "), note)
    undated: Metadata = {"CreationDate": None} if kind == ".pdf" else None
    try:
        with style(), without_boxes():
            write_named(path, lambda beside: _write(figure, beside, kind, undated))
    except OSError as error:
        raise_fault(error, path, kept="The figure was not written; everything else is kept.")
        raise InputError(f"The figure could not be written to {path}: {clause(error)}.") from error
    return path

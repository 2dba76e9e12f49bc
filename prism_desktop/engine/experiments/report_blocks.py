"""What a report is made of, whatever it is written as."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class SectionHeading:
    """The beginning of a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A few sentences; a warning stands out."""

    text: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Points:
    """Sentences that stand one below the other."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReportTable:
    """Rows under a head, with what they are."""

    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    caption: str


@dataclass(frozen=True, slots=True)
class ReportFigure:
    """A figure with what stands below it."""

    figure: Figure
    title: str
    caption: str


Block = SectionHeading | Paragraph | Points | ReportTable | ReportFigure


@dataclass(frozen=True, slots=True)
class Report:
    """A title and blocks in their order."""

    title: str
    blocks: tuple[Block, ...]

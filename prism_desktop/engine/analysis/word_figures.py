"""Shaded words as a figure and as an HTML page, from a plain record."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path

from prism_desktop.engine.analysis.plotting import (
    COLOURS,
    GREY,
    INK,
    JUDGMENTS,
    PALE,
    WIDE,
    above,
    drawn,
    footnote,
    new_figure,
    style,
    titled,
    without_boxes,
)
from prism_desktop.engine.analysis.word_shades import as_hex, shade, strength_of
from prism_desktop.engine.plain_text import in_full, one_line
from prism_desktop.engine.stimulus_words import TEXTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from prism_desktop.engine.analysis.mean_word_relevance import CommonWord, MeanWordRelevance
    from prism_desktop.engine.analysis.word_relevance import WordRelevance

_LETTERS: Final = 8.0  # pt
_LINE: Final = 4.8  # mm
_LONG: Final = 60  # letters of a word that is not parted
_NOTE, _NOTE_LINE = 1_500, 165  # letters of the note, and of a line of it
_MOST: Final = 3_000  # letters of a text in a figure
_EDGE: Final = 4.0  # mm
_JUDGMENTS: Final = TEXTS.told(JUDGMENTS)
_BARS: Final = 20  # words of a figure of many texts


def pieces(found: WordRelevance, strength: float, most: float) -> Iterator[tuple[str, str]]:
    """The text of a map in order, part by part, with the colour behind it; "" for none.

    Args:
        found: a map.
        strength: as of `shade`.
        most: the relevance that is painted wholly.
    """
    place = 0
    for word, each in zip(found.words, found.relevance, strict=True):
        if word.start > place:
            yield found.text[place : word.start], ""
        unknown = each != each or not most
        yield word.text, "" if unknown else as_hex(shade(float(each) / most, strength))
        place = word.end
    if place < len(found.text):
        yield found.text[place:], ""


def word_figure(found: WordRelevance, title: str = "") -> Figure:
    """A text with its words shaded, its prompt above it and its verdict below; of a pair both, on
    one scale. A map that its own test does not support is faint."""
    maps = [found] if found.other is None else [found, found.other]
    strength = strength_of(found.supported)
    lines = [_lines(each, strength, found.strongest) for each in maps]
    note = drawn(" ".join((found.verdict(), found.limits(), _JUDGMENTS)), _NOTE)
    notes, heads = textwrap.wrap(note, _NOTE_LINE), titled(title, WIDE - 2 * _EDGE).split("\n")
    high = 3 * _EDGE + 4 * len(heads) + _LINE * (sum(map(len, lines)) + len(maps)) + 4
    high += 3 * len(notes)
    with style():
        figure = Figure(figsize=(WIDE / 25.4, high / 25.4))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.axis("off")
        axes.set_xlim(0, WIDE)
        axes.set_ylim(high, 0)
        for number, line in enumerate(heads):
            axes.text(
                _EDGE, _EDGE + 4 * number, drawn(line, len(line)), fontsize=8, va="top",
                parse_math=False,
            )  # fmt: skip
        top = 2 * _EDGE + 4 * len(heads)
        for each in lines:
            top = _write(axes, each, top) + _LINE
        _legend(axes, top - 0.5 * _LINE, strength, found.strongest)
        for number, line in enumerate(notes):
            axes.text(
                _EDGE, top + 4 + 3 * number, drawn(line, len(line)), fontsize=5.5, color=GREY,
                va="top", parse_math=False,
            )  # fmt: skip
    return figure


Part = tuple[str, str, str]  # a text, the colour behind it or "", its ink


def _lines(found: WordRelevance, strength: float, most: float) -> list[list[Part]]:
    """A text in lines as wide as the figure."""
    parts: list[Part] = [(found.prompt + "\n", "", GREY)] if found.prompt else []
    parts += [(text, back, INK) for text, back in pieces(found, strength, most)]
    lines: list[list[Part]] = [[]]
    used, letters = 0.0, 0
    for text, back, ink in parts:
        for number, piece in enumerate(drawn_lines(text)):
            if number:
                lines.append([])
                used = 0.0
            for bit in _bits(piece):
                if used + _width(bit) > WIDE - 2 * _EDGE and used:
                    lines.append([])
                    used = 0.0
                lines[-1].append((bit, back, ink))
                used += _width(bit)
                letters += len(bit)
        if letters > _MOST:
            lines[-1].append(("…", "", INK))
            break
    return lines


def drawn_lines(text: str) -> list[str]:
    """Text from elsewhere, all of whose signs can be seen, line by line."""
    return [drawn(line, _MOST) if line.strip() else " " * len(line) for line in text.split("\n")]


def _bits(text: str) -> list[str]:
    """Words with the space before them, long ones in parts."""
    found: list[str] = []
    for word in text.replace(" ", "\0 ").split("\0"):
        found += [word[start : start + _LONG] for start in range(0, len(word), _LONG)]
    return found


@lru_cache(maxsize=4096)
def _width(text: str) -> float:
    """In mm; measured without a canvas, so that it is the same for every format."""
    with without_boxes():
        font = FontProperties(family=["DejaVu Sans"], size=_LETTERS)
        wide, _, _ = text_to_path.get_text_width_height_descent(text, font, False)
    return float(wide) * 25.4 / 72


def _write(axes: Axes, lines: Sequence[Sequence[Part]], top: float) -> float:
    """Write lines below each other, shades behind the letters; where they end."""
    for line in lines:
        left = _EDGE
        for text, back, ink in line:
            wide = _width(text)
            if back:
                box = Rectangle((left, top), wide, 0.86 * _LINE, color=back, lw=0, zorder=1)
                axes.add_patch(box)
            axes.text(
                left, top + 0.43 * _LINE, drawn(text), color=ink, fontsize=_LETTERS, va="center",
                zorder=2, parse_math=False,
            )  # fmt: skip
            left += wide
        top += _LINE
    return top


def _legend(axes: Axes, top: float, strength: float, most: float) -> None:
    """Which colour means what, and how much the strongest is."""
    steps, wide, left = 40, 40.0, _EDGE + 24
    for step in range(steps):
        colour = as_hex(shade(2 * step / (steps - 1) - 1, strength))
        place = (left + wide * step / steps, top)
        axes.add_patch(Rectangle(place, wide / steps, 2.4, color=colour, lw=0))
    ends = (
        (left - 1, f"against −{most:.2f}", "right"),
        (left + wide + 1, f"+{most:.2f} for, logits", "left"),
    )
    for x, told, side in ends:
        axes.text(x, top + 1.2, drawn(told), fontsize=6, color=GREY, va="center", ha=side)


def mean_word_figure(found: MeanWordRelevance, who: str) -> Figure:
    """The words that stand in many texts, with what they do to a labeler's score, and what was
    tested.

    Args:
        found: maps of many texts.
        who: the labeler's name.
    """
    shown: list[CommonWord] = list(reversed(found.common[:_BARS]))
    with style():
        figure, axes = new_figure(WIDE, 40 + 4.2 * max(4, len(shown)), "")
        for place, each in enumerate(shown):
            axes.plot([each.low, each.high], [place, place], color=INK, lw=0.8)
            colour = COLOURS[0] if each.stands_out and found.supported else PALE
            axes.plot([each.mean], [place], "o", ms=4, color=colour, mec=INK, mew=0.4)
        axes.axvline(0, color=GREY, lw=0.6, ls=(0, (3, 2)), zorder=0)
        axes.set_yticks(
            range(len(shown)), [f"{drawn(each.word, 24)} ({each.texts:,})" for each in shown]
        )
        axes.set_ylim(-0.6, max(len(shown), 1) - 0.4)
        axes.set_xlabel("What the word does to the score (logits); in brackets: texts with it")
        above(figure, f"{who}, {found.attribute}: words, {found.kind}", WIDE)
        told = "Intervals: 95% for all listed words together, over texts."
        footnote(figure, found.answer(who), found.tested(), told, _JUDGMENTS)
    return figure


def word_page(found: WordRelevance, title: str) -> str:
    """A page with the words shaded and told in a table: no script, no address, nothing to load."""
    maps = [found] if found.other is None else [found, found.other]
    strength = strength_of(found.supported)
    body = "\n".join(_section(each, strength, found.strongest) for each in maps)
    low, high = (as_hex(shade(end, strength)) for end in (-1.0, 1.0))
    middle, most = as_hex(shade(0.0)), found.strongest
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    told = " ".join((found.verdict(), found.limits(), _JUDGMENTS))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_told(title)}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{_told(title)}</h1>\n{body}\n<p class=legend>against −{most:.2f} "
        f'<span style="background: linear-gradient(90deg, {low}, {middle}, {high})"></span> '
        f"+{most:.2f} for, logits</p>\n<p>{_told(told)}</p>\n</main>\n</body>\n</html>\n"
    )


def _section(found: WordRelevance, strength: float, most: float) -> str:
    shaded = "".join(
        f'<span style="background:{back}">{_whole(text)}</span>' if back else _whole(text)
        for text, back in pieces(found, strength, most)
    )
    asked = f"<p class=prompt>{_whole(found.prompt)}</p>" if found.prompt else ""
    rows = "".join(
        f"<tr><td>{_told(word.text)}</td><td>{each:+.3f}</td></tr>" for word, each in found.ranked()
    )
    return (
        f"<h2>{_told(found.name)}</h2>\n{asked}\n<p class=text dir=auto>{shaded}</p>\n"
        "<details><summary>Words by relevance</summary>\n<table><tr><th>word</th>"
        f"<th>relevance</th></tr>{rows}</table></details>"
    )


def _whole(text: str) -> str:
    return html.escape(in_full(text))


def _told(text: str) -> str:
    return html.escape(one_line(text))


_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.6 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
  overflow-wrap: break-word; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; }
.prompt { font-style: italic; opacity: 0.8; white-space: pre-wrap; }
.text { background: #f7f7f8; color: #1c1c21; padding: 1rem; border-radius: 8px;
  white-space: pre-wrap; max-height: 70vh; overflow-y: auto; }
.legend span { display: inline-block; width: 12rem; height: 0.8rem; vertical-align: middle; }
td, th { text-align: left; padding-right: 2rem; }
""".strip()

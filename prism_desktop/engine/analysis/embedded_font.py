"""The figures' font within an SVG file, cut down to the letters it uses, so that it looks the same
where the font is not installed. Text stays text, to be edited and searched."""

import base64
import html
import io
import re
from functools import lru_cache
from pathlib import Path
from typing import Final

from matplotlib import font_manager

FAMILY: Final = "DejaVu Sans"
_TEXT: Final = re.compile(r"<text\b[^>]*>(.*?)</text>", re.DOTALL)
_MARK: Final = re.compile(r"<[^>]+>")
_STYLES: Final = {"": {}, "bold": {"weight": "bold"}, "italic": {"style": "italic"}}


def with_font(svg: str) -> str:
    """The same SVG with a subset of the font for each style that it has text in."""
    letters = "".join(sorted(set(html.unescape(_MARK.sub("", "".join(_TEXT.findall(svg)))))))
    if not letters.strip():
        return svg
    faces = []
    for style, asked in _STYLES.items():
        if style and not re.search(rf"<text\b[^>]*{style}", svg):
            continue
        data = base64.b64encode(_subset(style, letters)).decode("ascii")
        rules = "; ".join(f"font-{name}: {value}" for name, value in asked.items())
        faces.append(
            f"@font-face {{ font-family: '{FAMILY}'; {rules}{'; ' if rules else ''}"
            f"src: url(data:font/ttf;base64,{data}) format('truetype') }}"
        )
    style_ = '<style type="text/css">' + "\n".join(faces) + "</style>"
    return re.sub(r"(<svg\b[^>]*>)", lambda found: found.group(1) + "\n " + style_, svg, count=1)


@lru_cache(maxsize=64)
def _subset(style: str, letters: str) -> bytes:
    """The font file with these letters alone; those that it lacks are left out."""
    from fontTools import subset
    from fontTools.ttLib import TTFont

    wanted = font_manager.FontProperties(family=FAMILY, **_STYLES[style])  # type: ignore[arg-type]
    font = TTFont(Path(font_manager.findfont(wanted)), recalcTimestamp=False)
    # without rules of layout, which the figures' text does not use and which take seconds to cut
    dropped = [*subset.Options().drop_tables, "FFTM", "GDEF", "GPOS", "GSUB", "MATH"]
    options = subset.Options(layout_features=[], notdef_outline=True, drop_tables=dropped)
    cutter = subset.Subsetter(options)
    cutter.populate(text=letters)
    cutter.subset(font)
    buffer = io.BytesIO()
    font.save(buffer)
    return buffer.getvalue()

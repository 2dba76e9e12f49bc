"""A report as one HTML file that needs nothing else: no script, no address, its figures and their
font within it. Text from elsewhere is escaped; a policy in the page forbids anything to be loaded.
"""

import base64
import html
import re
from typing import Final

from prism_desktop.engine.analysis.plotting import svg_of
from prism_desktop.engine.experiments.report_blocks import (
    Block,
    Paragraph,
    Points,
    Report,
    ReportFigure,
    ReportTable,
    SectionHeading,
)
from prism_desktop.engine.plain_text import one_line

_PROLOGUE: Final = re.compile(r"^.*?(?=<svg\b)", re.DOTALL)  # names an address of the format
_METADATA: Final = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
  overflow-wrap: break-word; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.25rem; margin-top: 2.2rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.85rem; }
caption { caption-side: bottom; text-align: left; padding-top: 0.4rem; opacity: 0.75; }
th, td { text-align: left; padding: 0.25rem 0.6rem 0.25rem 0; border-bottom: 1px solid #8884;
  vertical-align: top; }
figure { margin: 1.5rem 0; } figcaption { font-size: 0.85rem; opacity: 0.75; }
img { max-width: 100%; height: auto; background: #fff; }
.wide { overflow-x: auto; }
.warning { border-left: 4px solid #d55e00; padding-left: 0.8rem; }
@media print { body { max-width: none; margin: 0; } figure, tr { break-inside: avoid; } }
""".strip()


def as_html(report: Report) -> str:
    """The page."""
    numbers = {id(block): place for place, block in enumerate(_figures(report), start=1)}
    body = "\n".join(_block(block, numbers) for block in report.blocks)
    title = _told(report.title)
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _figures(report: Report) -> list[ReportFigure]:
    return [block for block in report.blocks if isinstance(block, ReportFigure)]


def _block(block: Block, numbers: dict[int, int]) -> str:
    match block:
        case SectionHeading(text):
            return f"<h2>{_told(text)}</h2>"
        case Paragraph(text, warning):
            return f'<p class="{"warning" if warning else "plain"}">{_told(text)}</p>'
        case Points(texts):
            return "<ul>\n" + "\n".join(f"<li>{_told(text)}</li>" for text in texts) + "\n</ul>"
        case ReportTable():
            return _table(block)
        case ReportFigure(figure, title, caption):
            number, words = numbers[id(block)], _told(title)
            return (
                f'<figure>\n<img src="{_picture(svg_of(figure))}" alt="{words}">\n'
                f"<figcaption><strong>Figure {number}. {words}.</strong> {_told(caption)}"
                "</figcaption>\n</figure>"
            )


def _table(table: ReportTable) -> str:
    head = "".join(f'<th scope="col">{_told(cell)}</th>' for cell in table.head)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{_told(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    return (
        f'<div class="wide"><table>\n<caption>{_told(table.caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table></div>"
    )


def _picture(svg: str) -> str:
    """A figure as an address that holds it."""
    bare = _METADATA.sub("", _PROLOGUE.sub("", svg))
    return "data:image/svg+xml;base64," + base64.b64encode(bare.encode()).decode("ascii")


def _told(text: str) -> str:
    return html.escape(one_line(text))

"""What is published of a study: `figure` for one figure, `study report` for all of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from prism_desktop.cli.console import follow, in_time, say, write_file
from prism_desktop.cli.known_names import labelers_named, stimuli_named
from prism_desktop.cli.study import app as study_app
from prism_desktop.cli.study import open_existing
from prism_desktop.cli.study_import import StudyPath
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.files import put_text
from prism_desktop.engine.grammar import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prism_desktop.engine.experiments.paper_figures import Material, PaperFigure

Name = Literal[
    "agreement", "network", "training", "learning-curve", "ceiling", "gain", "shots", "writing",
    "relevance",
]  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add this module's command; the other one stands among those of `study`."""
    app.command()(figure)


def figure(
    name: Annotated[Name, typer.Argument(help="Which figure.")],
    study: Annotated[Path, typer.Argument(help="The study's folder.")],
    to: Annotated[
        Path,
        typer.Option("--out", help="The figure, .svg, .pdf or .png.", callback=in_time),
    ],
    run: Annotated[
        Path | None,
        typer.Option(help="Of this run; else the best that tells labelers apart."),
    ] = None,
    attribute: Annotated[str | None, typer.Option(help="Only this attribute.")] = None,
    labelers: Annotated[
        str | None,
        typer.Option(help='Of relevance: whose models, by code: a,b,c or "a,b",c; else three.'),
    ] = None,
    images: Annotated[
        str | None,
        typer.Option(help="Of relevance: names of images: a.jpg,b.jpg; else three."),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(help="Its numbers, .csv, .xlsx or .parquet.", callback=in_time),
    ] = None,
    caption: Annotated[
        Path | None,
        typer.Option(help="The caption, as text; else FIGURE-caption.txt.", callback=in_time),
    ] = None,
) -> None:
    """Draw a figure for a paper, with a drafted caption beside it and its numbers as a table."""
    from prism_desktop.engine.analysis.plotting import check_format, save_figure
    from prism_desktop.engine.experiments.paper_figures import material, paper_figure
    from prism_desktop.engine.study.exporting.table_files import check_kind

    check_format(to)
    if table is not None:
        check_kind(table)
    with open_existing(study, read_only=True) as opened:
        given = material(opened, run, attribute)
    made = (
        _relevance(given, labelers_named(labelers, study), stimuli_named(images, study))
        if name == "relevance"
        else paper_figure(name, given)
    )
    save_figure(made.figure, to)
    beside = caption or to.with_name(f"{to.stem}-caption.txt")
    write_file(beside, lambda path: put_text(path, made.caption + "\n"))
    say(f"Wrote {to}, and its caption to {beside}.")
    if table is not None:
        _write_table(made, table)
        say(f"Wrote {counted(len(made.table), 'row')} to {table}.")
    say(made.caption)


def _write_table(made: "PaperFigure", path: Path) -> None:
    from prism_desktop.engine.study.exporting.table_files import write_table

    head, body = list(made.table.columns), made.table.astype(object).to_numpy().tolist()
    kind = path.suffix.lower()
    write_file(path, lambda beside: write_table(beside, kind, made.name, head, body))


def _relevance(
    given: "Material", labelers: "Sequence[str] | None", images: "Sequence[str] | None"
) -> "PaperFigure":
    """Maps of some labelers' models over some faces."""
    from prism_desktop.engine.experiments.relevance_grid import relevance_grid

    if given.run is None:
        raise InputError("No run of this study was tested; train one with an image tower first.")
    return relevance_grid(given, labelers, images)


@study_app.command()
def report(
    folder: StudyPath,
    html: Annotated[
        Path | None,
        typer.Option(help="One page that needs nothing else.", callback=in_time),
    ] = None,
    pdf: Annotated[Path | None, typer.Option(help="The same as PDF.", callback=in_time)] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="The run shown in detail; else the best that tells labelers apart."),
    ] = None,
    pseudonyms: Annotated[
        bool, typer.Option("--pseudonyms", help="Call labelers by numbers, not by their names.")
    ] = False,
) -> None:
    """Write what was asked, who answered, and what models learned, with limits, as HTML and PDF."""
    from prism_desktop.engine.experiments.report_html import as_html
    from prism_desktop.engine.experiments.report_pdf import write_pdf
    from prism_desktop.engine.experiments.study_report import ReportOptions, study_report

    if html is None and pdf is None:
        raise InputError("Say where to write the report: --html FILE, --pdf FILE, or both.")
    with open_existing(folder, read_only=True) as opened:
        made = follow(study_report(opened, ReportOptions(run, pseudonyms)))
    if html is not None:
        write_file(html, lambda beside: put_text(beside, as_html(made)))
        say(f"Wrote {html}.")
    if pdf is not None:
        write_file(pdf, lambda beside: write_pdf(made, beside))
        say(f"Wrote {pdf}.")
    if not pseudonyms:
        say("Labelers are called by their names in it; --pseudonyms calls them by numbers.")

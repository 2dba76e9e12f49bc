"""`prism-desktop similarity`: how alike a run's labelers are, and whether that means anything."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prism_desktop.cli.console import Json, in_time, say, write_json
from prism_desktop.cli.result_tables import show_pairs, with_names, write_pairs
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import people_with_codes
from prism_desktop.engine.runs.folder import RunFolder

if TYPE_CHECKING:
    from prism_desktop.engine.analysis.vector_report import VectorReport

_MOST = 15  # rows that are printed


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(similarity)


def similarity(
    run: Annotated[Path, typer.Argument(help="The run's folder.")],
    attribute: Annotated[
        str | None, typer.Option(help="Heads and answers of this attribute alone.")
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(help="Write the pairs of labelers to this CSV file.", callback=in_time),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(
            help="Draw matrix, map and agreement to this .svg, .pdf or .png.", callback=in_time
        ),
    ] = None,
    json: Json = None,
) -> None:
    """How similar labelers' vectors are, and whether similar vectors mean similar taste."""
    from prism_desktop.engine.analysis.vector_report import vector_report

    folder = RunFolder.open(run)
    report = vector_report(folder, attribute)
    people = people_with_codes(folder.people().items())
    frame = with_names(report.frame(), people, "labeler", "other")
    if figure is not None:
        _draw(report, people, folder, figure)
        say(f"Wrote {figure}.", json)
    write_pairs(frame, csv, json)
    if json != "-":
        if csv is None and figure is None:
            most = frame.sort_values("similarity", ascending=False, kind="stable").head(_MOST)
            show_pairs(most, float_format="%.2f")
            if len(frame) > _MOST:
                say(f"The {_MOST} most similar of {counted(len(frame), 'pair of labelers')}.")
        words = folder.meta().words
        say(words.told(f"Vectors: {report.own.what}."))
        for told in report.told(people):
            say(words.told(told))
    write_json(report.record(), json)


def _draw(report: "VectorReport", people: dict[str, str], run: RunFolder, path: Path) -> None:
    """The figure that the window exports."""
    from prism_desktop.engine.analysis.plotting import save_figure
    from prism_desktop.engine.analysis.taste_figures import drawn_taste

    save_figure(drawn_taste(report, people, run.meta().codes), path)

"""`prism-desktop similarity`: how alike a run's labelers are, and whether that means anything."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prism_desktop.cli.console import Json, in_time, say, say_lines, write_file, write_json
from prism_desktop.cli.result_tables import show_pairs, with_names, write_pairs
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import people_with_codes
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.formula_guard import write_frame

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
    """How similar labelers' vectors are, and whether similar vectors mean similar taste.

    Of a run of the task writing: whether people with similar vectors write alike.
    """
    from prism_desktop.engine.analysis.vector_report import vector_report

    folder = RunFolder.open(run)
    if folder.task == "writing":
        _people(folder, attribute, csv, figure, json)
        return
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


def _people(
    run: RunFolder, attribute: str | None, csv: Path | None, figure: Path | None, json: str | None
) -> None:
    from prism_desktop.engine.experiments.people_report import people_report

    if attribute is not None:
        raise InputError("--attribute means nothing in the task writing; leave it out.")
    report = people_report(run)
    if figure is not None:
        from prism_desktop.engine.experiments.people_report import draw_people

        draw_people(report, figure)
        say(f"Wrote {figure}.", json)
    frame = report.frame()
    if csv is not None:
        write_file(csv, lambda path: write_frame(frame, path))
        say(f"Wrote {counted(len(frame), 'person')} to {csv}.", json)
    if json != "-":
        if csv is None and figure is None:
            shown = frame[["person", "nats_per_token", "texts", "nearest", "style_nearest"]]
            say_lines(shown.head(_MOST).to_string(index=False, float_format="%.3f"))
        for told in (f"Vectors: {report.what}.", *report.told()):
            say(told)
    write_json(report.record(), json)


def _draw(report: "VectorReport", people: dict[str, str], run: RunFolder, path: Path) -> None:
    """The figure that the window exports."""
    from prism_desktop.engine.analysis.plotting import save_figure
    from prism_desktop.engine.analysis.taste_figures import drawn_taste

    save_figure(drawn_taste(report, people, run.meta().codes), path)

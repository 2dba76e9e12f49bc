"""The commands `profile`, what of the pictures goes with each labeler's choices, and `axis`, faces
from the one that a labeler's model scores least to the one that it scores most."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from prism_desktop.cli.console import (
    Json,
    err,
    follow,
    in_time,
    out,
    say,
    write_file,
    write_json,
)
from prism_desktop.cli.known_names import attributes_named
from prism_desktop.cli.study import open_existing
from prism_desktop.engine.backbones.weight_files import check_backbone
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.taste.taste_words import (
    ALPHA,
    headline,
    limits_of,
    overview,
    standing,
    strongest,
    told_beyond,
    told_share_of,
)
from prism_desktop.engine.experiments.choice_report import TasteArguments, taste_report
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.formula_guard import write_frame

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from prism_desktop.engine.analysis.score_axis import AxisFace
    from prism_desktop.engine.evaluation.taste.taste_records import (
        PropertyLink,
        TasteReport,
    )

Place = Annotated[
    Path, typer.Argument(help="A study's folder, or a run's, whose answers are then used.")
]
OneLabeler = Annotated[
    str | None, typer.Option(help="Only this labeler, by code; the others stay the consensus.")
]
SomeAttributes = Annotated[
    str | None, typer.Option("--attribute", "--attributes", help='Only these: a,b,c; also "a,b",c.')
]
Words = Annotated[
    list[str] | None,
    typer.Option(
        help="How near pictures or texts are to words, as MORE:LESS or one alone, in place of the "
        "usual ones; none for no words."
    ),
]
Reader = Annotated[
    str | None,
    typer.Option(
        help="What reads the words: prism-mini, MODEL:TAG or MODEL:PATH, of texts prism-mini-lm or "
        "lm:FOLDER; else the run's or the study's own."
    ),
]
Csv = Annotated[
    Path | None, typer.Option(help="Write every number to this CSV file.", callback=in_time)
]
ProfileFigure = Annotated[
    Path | None,
    typer.Option(
        help="Draw the labeler's profile, or that of all together, of one attribute to this "
        ".svg, .pdf or .png file.",
        callback=in_time,
    ),
]
AxisFigure = Annotated[
    Path | None,
    typer.Option(
        help="Of images: draw the faces to this .svg, .pdf or .png; for the demo study drawings "
        "along the planted and the learned taste.",
        callback=in_time,
    ),
]

_MARKS = {"out": "*", "alone": "(*)", "few": "too few", "not": "", "unknown": ""}
_MOST = 12  # labelers of whom each is told, also that nothing stands out
_EVERYBODY = "All labelers, each counting the same"


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(profile)
    app.command()(axis)


def profile(
    study: Place,
    labeler: OneLabeler = None,
    attributes: SomeAttributes = None,
    words: Words = None,
    backbone: Reader = None,
    csv: Csv = None,
    figure: ProfileFigure = None,
    json: Json = None,
) -> None:
    """What of the pictures or texts goes with each labeler's choices, beyond the other labelers:
    simple statistics, imported facts, nearness to words. Without --labeler also a confound report
    of all choices together. Rests on answers alone; no model of a labeler is asked."""
    check_backbone(backbone)
    _check_format(figure)
    run = _run(study)
    asked = TasteArguments(
        study=run.study if run else study,
        run=run.path if run else None,
        attributes=attributes_named(attributes, study),
        words=_words(words),
        backbone=backbone,
        may_fetch=backbone is not None,
    )
    report = follow(taste_report(asked))
    report = report if labeler is None else _of_one(report, labeler)
    write_json(report.dump(), json)
    if csv is not None:
        frame = _frame(report, everybody=labeler is None)
        write_file(csv, lambda path: write_frame(frame, path))
        say(f"Wrote {counted(len(frame), 'row')} to {csv}.", json)
    if figure is not None:
        _draw(report, labeler, figure)
        say(f"Wrote {figure}.", json)
    if json != "-":
        _show(report, labeler)


def _check_format(figure: Path | None) -> None:
    """Refuse a figure of a kind that nobody draws, before the work."""
    if figure is not None:
        from prism_desktop.engine.analysis.plotting import check_format

        check_format(figure)


def _of_one(report: "TasteReport", labeler: str) -> "TasteReport":
    """The report of one labeler alone."""
    found = report.of(labeler)
    if found is None:
        known = ", ".join(each.labeler for each in report.labelers)
        raise InputError(f"No labeler {labeler} answered here; there are {known}.")
    return report.model_copy(update={"labelers": (found,)})


def _run(place: Path) -> RunFolder | None:
    """The run at a place; None where a study is."""
    if RunFolder(place).exists:
        return RunFolder.open(place)
    with open_existing(place, read_only=True):  # which says so of what is neither
        return None


def _words(given: list[str] | None) -> tuple[tuple[str, str], ...] | None:
    from prism_desktop.engine.experiments.image_properties import parse_words

    if given is None:
        return None
    return () if given == ["none"] else tuple(parse_words(text) for text in given)


def _show(report: "TasteReport", labeler: str | None) -> None:
    """Words first, then numbers, then what they rest on."""
    for note in report.notes:
        err.print(note)
    if labeler is None:
        for attribute in dict.fromkeys(link.attribute for link in report.everybody):
            links = [link for link in report.everybody if link.attribute == attribute]
            out.print(_table(links, f"{_EVERYBODY}: {attribute}"))
        say(overview(report))
        several = len(report.labelers) > _MOST
        for taste in report.labelers:
            if several and not any(standing(link) in ("out", "alone") for link in taste.links):
                continue
            who = report.names.get(taste.labeler, taste.labeler)
            say(f"{who}: {headline(report, taste, _only(report))}")
    else:
        taste = report.labelers[0]
        say(f"{report.names.get(labeler, labeler)}: {headline(report, taste, _only(report))}")
        for attribute in dict.fromkeys(link.attribute for link in taste.links):
            links = [link for link in taste.links if link.attribute == attribute]
            out.print(_table(links, attribute))
        say(
            f"* stands out among {report.tests:,} tests of all labelers, (*) among this one's "
            f"{taste.tests:,} alone (Holm, {ALPHA:.0%})."
        )
    say(f"It rests on {report.answers} {limits_of(report)}")


def _only(report: "TasteReport") -> str | None:
    """The attribute, where it is the only one."""
    names = list(dict.fromkeys(link.attribute for link in report.everybody))
    return names[0] if len(names) == 1 else None


def _table(links: "Sequence[PropertyLink]", title: str) -> Table:
    beyond = any(link.beyond is not None for link in links)
    table = Table(box=None, title=title)
    table.add_column("property", overflow="fold")
    heads = ("chosen", "n", "others", "beyond", "p", "") if beyond else ("chosen", "n", "p", "")
    for head in heads:
        table.add_column(head, justify="right")
    for link in strongest(links):
        share, p = told_share_of(link), link.holm if beyond else link.own_holm
        interval = share.doubt.split(", n")[0]
        cells = [f"{share.number} {interval}".strip(), f"{link.n:,}"]
        if beyond:
            others = "–" if link.others is None else f"{100 * link.others:.1f}%"
            more = told_beyond(link)
            cells += [others, f"{more.number.removesuffix(' points')} {more.doubt.split(', n')[0]}"]
        cells += ["–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"]
        found = standing(link)
        dim = "dim" if found in ("few", "unknown") else None
        table.add_row(link.property, *cells, _MARKS[found], style=dim)
    return table


def _frame(report: "TasteReport", *, everybody: bool) -> "pd.DataFrame":
    """A row per labeler, attribute and property."""
    import pandas as pd

    rows = [
        {"labeler": each.labeler, "name": report.names.get(each.labeler, each.labeler)}
        | link.model_dump()
        for each in report.labelers
        for link in each.links
    ]
    if everybody:
        rows += [{"labeler": "", "name": "(all)"} | link.model_dump() for link in report.everybody]
    kinds = {one.name: one.kind for one in report.properties}
    frame = pd.DataFrame(rows)
    frame.insert(4, "kind", [kinds[name] for name in frame["property"]])
    return frame


def _draw(report: "TasteReport", labeler: str | None, path: Path) -> None:
    """The figure that the window exports.

    Raises:
        InputError: there are several attributes.
    """
    from prism_desktop.engine.analysis.plotting import save_figure
    from prism_desktop.engine.evaluation.taste.taste_figure import taste_figure

    links: Sequence[PropertyLink] = report.labelers[0].links if labeler else report.everybody
    attributes = dict.fromkeys(link.attribute for link in links)
    if len(attributes) > 1:
        raise InputError(
            f"A figure is of one attribute; choose one of {', '.join(attributes)} by --attribute."
        )
    who = report.names.get(labeler, labeler) if labeler else _EVERYBODY
    title = f"{who}: what goes with “{', '.join(attributes)}”"
    save_figure(taste_figure(links, title, f"{report.answers}"), path)


def axis(
    run: Annotated[Path, typer.Argument(help="A finished run's folder, STUDY/runs/NAME.")],
    labeler: Annotated[str, typer.Option(help="Whose model, by code.")],
    attribute: Annotated[str, typer.Option(help="A labeled attribute of the run.")],
    count: Annotated[int, typer.Option(min=2, max=14, help="Faces or texts of the axis.")] = 7,
    only_held: Annotated[
        bool, typer.Option("--held-out", help="Only those of which the run learned nothing.")
    ] = False,
    figure: AxisFigure = None,
    json: Json = None,
) -> None:
    """Faces or texts from least to most by a labeler's model, evenly by rank, each marked as held
    out or learned from."""
    opened = RunFolder.open(run)
    _check_format(figure)
    from prism_desktop.engine.analysis.score_axis import told_mark

    if figure is not None and opened.of_texts:
        raise InputError(
            "The figure of an axis shows pictures, and this run is of texts; leave --figure out "
            "for the table."
        )
    if attribute not in opened.meta().names:
        known = ", ".join(opened.meta().names)
        raise InputError(f"The run {opened.name} has no attribute {attribute}; it has {known}.")
    scored = _scored(opened, labeler, attribute)
    found = scored.faces(count, only_held=only_held)
    head = opened.meta().words.headed(("name", "image", "share", "score", "held_out"))
    body = [
        (scored.names[face.row], scored.ids[face.row], face.share,
         float(scored.scores[face.row]), face.held)
        for face in found
    ]  # fmt: skip
    write_json([dict(zip(head, row, strict=True)) for row in body], json)
    if figure is not None:
        _draw_axis(figure, opened, labeler, attribute, scored, found, count)
        say(f"Wrote {figure}.", json)
    if json != "-":
        for face in found:
            say(f"{face.share:4.0%}  {scored.names[face.row]}  {told_mark(face)}")


@dataclass(frozen=True, slots=True, eq=False)
class _ScoredFaces:
    """A run's faces as one labeler's model scores them; `held` is None where it is not known."""

    ids: list[str]
    names: list[str]
    files: list[Path]
    scores: "NDArray[np.float64]"
    held: tuple[bool, ...] | None

    def faces(self, count: int, *, only_held: bool) -> "tuple[AxisFace, ...]":
        """Some of them, evenly by rank."""
        import numpy as np

        from prism_desktop.engine.analysis.score_axis import axis_faces

        ordered = [
            score if not only_held or (self.held is not None and self.held[row]) else float("nan")
            for row, score in enumerate(self.scores)
        ]
        return axis_faces(np.array(ordered), self.held, count)


def _scored(run: RunFolder, labeler: str, attribute: str) -> _ScoredFaces:
    from prism_desktop.engine.adaptation.predictions import predictions
    from prism_desktop.engine.analysis.score_axis import held_out

    scored = follow(predictions(run, labeler, attribute)).set_index("image")["score"]
    images = run.table("images")
    ids = [str(image) for image in images["image"]]
    return _ScoredFaces(
        ids,
        images["name"].astype(str).tolist(),
        [Path(path) for path in images["path"]],
        scored.reindex(ids).to_numpy("float64"),
        held_out(run, ids),
    )


def _draw_axis(
    file: Path,
    run: RunFolder,
    labeler: str,
    attribute: str,
    scored: _ScoredFaces,
    found: "Sequence[AxisFace]",
    count: int,
) -> None:
    from prism_desktop.engine.analysis.score_axis import draw_axis, drawn_axis

    both = list(zip(scored.names, scored.files, strict=True))
    drawings = drawn_axis(labeler, attribute, both, scored.scores, scored.held, count)
    who = run.people().get(labeler, labeler)
    title = f"{who}'s model, {attribute}: from least to most"
    faces = [((scored.files[face.row],), face) for face in found]
    draw_axis(file, faces, drawings, title, "Below each: share of faces scored lower.")

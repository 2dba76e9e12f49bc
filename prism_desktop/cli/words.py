"""The command `words`: what a run's model makes of words that nobody labeled."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from prism_desktop.cli.console import Json, err, follow, out, say, write_json
from prism_desktop.cli.face_commands import MapArea, brushed, read
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import outcome
from prism_desktop.engine.experiments.word_report import (
    NOBODY_LABELED,
    WordArguments,
    WordReport,
    told_check,
    told_words,
    word_report,
)
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.estimates import told_accuracy
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.stimulus_words import FACES, StimulusWords

_MOST = 12  # labelers whose faces are listed


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("words")(ask_words)


def ask_words(
    run: Annotated[Path, typer.Argument(help="A finished run's folder, STUDY/runs/NAME.")],
    words: Annotated[
        list[str] | None, typer.Argument(help='Any words, such as kind or "a born leader".')
    ] = None,
    train: Annotated[
        bool,
        typer.Option(
            "--train/--no-train",
            help="Check the words: train the run again without each attribute in turn, where no "
            "such run is there, and ask it by its word. Takes as long as so many trainings.",
        ),
    ] = False,
    faces: Annotated[
        int,
        typer.Option(min=0, max=50, help="How many are listed at either end for each labeler."),
    ] = 3,
    area: MapArea = "",
    json: Json = None,
) -> None:
    """Rank faces or texts by words that nobody labeled, and say how far such words were right where
    they could be checked: each labeled attribute left out of a training and asked by its word."""
    opened = RunFolder.open(run)
    asked = tuple(dict.fromkeys(" ".join(text.split()) for text in words or ()))
    if "" in asked:
        raise InputError("Words to ask by are wanted, but some are empty.")
    report = follow(word_report(WordArguments(run=opened.path, words=asked, train=train)))
    among = _among(run, area)
    ends = {text: _ends(opened, text, faces, among) for text in asked}
    stimuli = "faces" if opened.meta().words is FACES else "stimuli"
    write_json({**report.dump(), stimuli: ends}, json)
    if json != "-":
        _show(report, ends, opened.people(), opened.meta().words)


def _among(run: Path, area: str) -> set[str] | None:
    """The images in an area of the map of the faces; None for all."""
    if not area:
        return None
    opened, data = read(run)
    found = brushed(opened, data, area)
    if found is None:
        return None
    return {image for image, inside in zip(data.images, found, strict=True) if inside}


def _ends(
    run: RunFolder, words: str, count: int, among: Collection[str] | None
) -> dict[str, dict[str, list[str]]]:
    """Labeler -> the names of the faces at either end, the utmost first; `among` these images."""
    from prism_desktop.engine.adaptation.predictions import predictions

    frame = outcome(predictions(run, None, words))
    if among is not None:
        frame = frame[frame["image"].astype(str).isin(among)]
    found = {}
    for code, rows in frame.groupby("labeler", sort=False):
        order = rows.sort_values(["score", "image"], ascending=[False, True], kind="stable")
        names = order["name"].astype(str).tolist()
        found[str(code)] = {"highest": names[:count], "lowest": names[::-1][:count]}
    return found


def _show(
    report: WordReport,
    ends: dict[str, dict[str, dict[str, list[str]]]],
    people: dict[str, str],
    called: StimulusWords,
) -> None:
    """The mark that nobody labeled it, the check, then what the words go with and the faces."""
    for note in report.notes:
        err.print(note)
    if ends:
        say(called.told(NOBODY_LABELED))
    if report.refused:
        say(report.refused)
    say(told_words(report))
    out.print(_checks(report))
    if report.unchecked and len(report.checks) > 1:
        say(f"Not checked yet: {', '.join(report.unchecked)}; --train does it.")
    for words, found in ends.items():
        links = [link for link in report.links if link.words == words]
        title = called.told("on held-out faces")
        table = Table(box=None, title=f"What “{words}” goes with, {title}")
        for head in ("attribute", "rank correlation", "answers foretold"):
            table.add_column(head, justify="left" if head == "attribute" else "right")
        for link in links:
            rho = "–" if link.rho is None else f"{link.rho:+.2f}"
            table.add_row(link.attribute, rho, told_accuracy(link.answers).line)
        out.print(table)
        for code, both in list(found.items())[:_MOST]:
            who = people.get(code, code)
            say(f"{who}: most {_listed(both['highest'])}; least {_listed(both['lowest'])}")
        if len(found) > _MOST:
            say(f"and {counted(len(found) - _MOST, 'more labeler')}, in --json.")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "–"


def _checks(report: WordReport) -> Table:
    table = Table(box=None, title="Attributes asked by their word (chance 50%)")
    table.add_column("attribute")
    for head in ("left out, by its word", "trained", "less", "untrained backbone"):
        table.add_column(head, justify="right")
    for check in report.checks:
        table.add_row(check.attribute, *(told.line for told in told_check(check)))
    return table

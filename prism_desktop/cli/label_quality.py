"""The command `quality`: are the labels good?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prism_desktop.cli.console import (
    Json,
    follow,
    in_time,
    out,
    say,
    write_file,
    write_json,
)
from prism_desktop.cli.study import open_existing
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.files import put_text
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import people_with_codes
from prism_desktop.engine.study.formula_guard import write_frame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table

    from prism_desktop.engine.evaluation.quality.quality_report import (
        AttributeQuality,
        LabelerQuality,
        QualityReport,
    )

# two fit with their intervals in 80 columns
_SHORT = {"consistency": "consistency", "retest_comparisons": "repeats alike"}


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(quality)


def quality(
    study: Annotated[Path, typer.Argument(help="The study's folder.")],
    rules: Annotated[
        Path | None, typer.Option(help="Exclusion rules to follow, a TOML file.")
    ] = None,
    labeler: Annotated[
        str | None, typer.Option(help="All that is measured of this labeler, by code.")
    ] = None,
    write_rules: Annotated[
        Path | None,
        typer.Option(help="Write the rules that are followed to this file.", callback=in_time),
    ] = None,
    marks: Annotated[
        Path | None,
        typer.Option(help="Write the answers left out, and why, to this CSV.", callback=in_time),
    ] = None,
    json: Json = None,
) -> None:
    """Are the labels good? Labelers' care, attributes' reliability, and what is left out."""
    from prism_desktop.engine.evaluation.quality.answers_looked_at import answers_looked_at
    from prism_desktop.engine.evaluation.quality.quality_report import study_quality
    from prism_desktop.engine.evaluation.quality.quality_words import report_json
    from prism_desktop.engine.labeling.exclusion_rules import USUAL, read_rules
    from prism_desktop.engine.study.confirmed import confirmed_names

    followed = read_rules(rules) if rules is not None else USUAL
    with open_existing(study, read_only=True) as opened:
        confirmed, notice = confirmed_names(opened.attributes(), opened.path)
        given = answers_looked_at(opened, confirmed)
        people = people_with_codes((each.code, each.display_name) for each in opened.labelers())
    if notice:
        say(notice, json)
    if labeler is not None and labeler not in people:
        raise InputError(f"There is no labeler {labeler}; the study has {', '.join(people)}.")
    report = follow(
        study_quality(given.compared, given.rated, followed, given.left_out, given.checks)
    )
    _write(report, write_rules, marks, json)
    write_json(report_json(report, people), json)
    if json != "-":
        _tell(report, people, labeler)


def _write(
    report: "QualityReport", write_rules: Path | None, marks: Path | None, json: str | None
) -> None:
    if write_rules is not None:
        write_file(write_rules, lambda path: put_text(path, report.rules.toml()))
        say(f"Wrote {write_rules}.", json)
    if marks is not None:
        write_file(marks, lambda path: write_frame(report.marks, path))
        say(f"Wrote {counted(len(report.marks), 'answer')} left out to {marks}.", json)


def _tell(report: "QualityReport", people: "Mapping[str, str]", labeler: str | None) -> None:
    from prism_desktop.engine.evaluation.quality.quality_words import headline

    if not report.labelers:
        say("Nobody has answered yet, so there is nothing to look at.")
        return
    for each in report.labelers:
        if labeler == each.code:
            say(f"{people.get(each.code, each.code)}: {headline(each)}")
            out.print(_one(each))
            return
    out.print(_everybody(report, people))
    for each in report.labelers:
        if each.flags:
            say(f"{people.get(each.code, each.code)}: {headline(each)}")
    for attribute in report.attributes:
        if attribute.ratings is None and attribute.comparisons is None:
            say(f"Of {attribute.attribute} fewer than two labelers are left, too few to compare.")
        else:
            out.print(_attribute(attribute))
    for sentence in (report.left_out(), *report.notices):
        say(sentence)
    say(
        f"Exclusion rules {report.rules.digest}; --write-rules FILE shows them, --labeler CODE all "
        "that is measured of a labeler."
    )


def _everybody(report: "QualityReport", people: "Mapping[str, str]") -> "Table":
    from rich.table import Table

    from prism_desktop.engine.evaluation.quality.quality_words import LABELER, told_measure

    words = {each.key: each for each in LABELER}
    table = Table(box=None, title="Labelers, by their own answers", pad_edge=False)
    table.add_column("labeler", no_wrap=True)  # what makes room is the rest
    table.add_column("flags")
    for head in _SHORT.values():
        table.add_column(head, justify="right")
    for each in report.labelers:
        cells = [told_measure(each, words[key]).line for key in _SHORT]
        flags = ", ".join(flag.reason for flag in each.flags) or "none"
        table.add_row(people.get(each.code, each.code), flags, *cells)
    return table


def _one(found: "LabelerQuality") -> "Table":
    from rich.table import Table

    from prism_desktop.engine.evaluation.quality.quality_words import LABELER, told_measure

    table = Table(box=None, pad_edge=False)
    for name in ("measure", "found", "meaning"):
        table.add_column(name, no_wrap=name == "found")
    for words in LABELER:
        table.add_row(words.title, told_measure(found, words).line, words.meaning)
    return table


def _attribute(found: "AttributeQuality") -> "Table":
    from rich.table import Table

    from prism_desktop.engine.evaluation.quality.quality_words import KIND, told_kind

    who = "" if found.group == "all" else f", who {_WHO[found.group]}"
    title = f"{found.attribute}, {counted(found.labelers, 'labeler')}{who}"
    table = Table(box=None, title=title, pad_edge=False)
    table.add_column("", no_wrap=True)
    kinds = [each for each in (found.ratings, found.comparisons) if each is not None]
    for each in kinds:
        table.add_column(f"{each.kind}s", justify="right")
    for words in KIND:
        table.add_row(words.title, *(told_kind(each, words).line for each in kinds))
    return table


_WHO = {
    "only rated": "only rated",
    "only compared": "only compared",
    "both": "did both",
}

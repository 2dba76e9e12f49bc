"""`prism-desktop study`: make, fill, look at, check and export a study."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Column, Table

from prism_desktop.cli import study_import
from prism_desktop.cli.console import (
    Json,
    follow,
    in_time,
    names,
    out,
    say,
    write_file,
    write_json,
)
from prism_desktop.cli.import_options import TEXT_ROLES, Encoding, make_recipe
from prism_desktop.cli.study_import import StudyPath, report_values, store
from prism_desktop.engine.errors import InputError, PrismError, StudyError
from prism_desktop.engine.foreign_files import real
from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.names import called
from prism_desktop.engine.plain_text import dated, few
from prism_desktop.engine.stimulus_words import StimulusKind
from prism_desktop.engine.study.confirmed import quoted
from prism_desktop.engine.study.records import ImportReport, RelinkReport

if TYPE_CHECKING:
    from prism_desktop.engine.study.store import Study

app = typer.Typer(help="Make, fill, look at, check and export a study.", no_args_is_help=True)


def register(commands: typer.Typer) -> None:
    """Add this module's group of commands."""
    commands.add_typer(app, name="study")


@app.command("new")
def new(
    folder: StudyPath,
    images: Annotated[
        Path | None, typer.Option(help="A folder of images to add, with its subfolders.")
    ] = None,
    texts: Annotated[
        Path | None,
        typer.Option(help="A table of texts to add: text, and id, prompt, author, group if known."),
    ] = None,
    attributes: Annotated[
        str | None,
        typer.Option(
            help='What is judged, such as a,b,c or "a,b",c; else attractive,smart,trustworthy of '
            "faces and clear,convincing,trustworthy of texts."
        ),
    ] = None,
    copy: Annotated[bool, typer.Option("--copy", help="Copy the images into the study.")] = False,
    column: Annotated[
        list[str] | None,
        typer.Option(help=f"What a column of the texts is: ROLE=NAME; ROLE is {TEXT_ROLES}."),
    ] = None,
    encoding: Encoding = None,
    json: Json = None,
) -> None:
    """Make an empty study, with images or texts if some are given."""
    if images is not None and texts is not None:
        raise InputError(
            "A study holds images or texts, not both; make a study for each. No study was made."
        )
    if images is not None and not images.is_dir():
        raise InputError(f"There is no folder of images at {images}; no study was made.")
    if texts is not None and not texts.is_file():
        raise InputError(f"There is no file of texts at {texts}; no study was made.")
    if texts is None and (column or encoding is not None):
        raise InputError(
            "--column and --encoding say how --texts FILE is read; give that, too. No study was "
            "made."
        )
    judged = None if attributes is None else names(attributes) or ()
    kind: StimulusKind | None = None if texts is None else "text"
    with store().create(folder, attributes=judged, kind=kind) as study:
        report = _filled(study, images, texts, copy=copy, columns=column, encoding=encoding)
        say(f"Made the study {study.path}.", json)
        if report is not None:
            say(report.summary(), json)
        about = {} if report is None else {"import": report_values(report)}
        write_json({**_info(study), **about}, json)


def _filled(
    study: "Study",
    images: Path | None,
    texts: Path | None,
    *,
    copy: bool,
    columns: list[str] | None,
    encoding: str | None,
) -> ImportReport | None:
    """Import what a new study is made of; where that cannot be, no study is left behind."""
    from prism_desktop.engine.study.importing.image_folder import import_images
    from prism_desktop.engine.study.importing.texts.text_files import import_texts
    from prism_desktop.engine.study.opening import unmake

    try:
        if images is not None:
            return follow(import_images(study, images, copy=copy))
        if texts is None:
            return None
        recipe = make_recipe(columns=columns, encoding=encoding)
        return follow(import_texts(study, texts, recipe))
    except BaseException as problem:
        study.close()
        unmake(study.path)
        if isinstance(problem, PrismError):
            problem.args = (f"{problem} No study was made.", *problem.args[1:])
        raise


app.command("import")(study_import.import_)
app.command("redo-import")(study_import.redo_import)
app.command("undo-import")(study_import.undo_import)


@app.command("confirm")
def confirm(
    folder: StudyPath,
    names: Annotated[list[str], typer.Argument(help="Attributes of the study.")],
) -> None:
    """Say that attributes which an import guessed are judgments, so that they are learned from."""
    with store().open(folder) as study:
        known = [attribute.name for attribute in study.attributes()]
        if unknown := [name for name in names if name not in known]:
            raise InputError(
                f"There is no attribute {unknown[0]!r} in this study, which has "
                f"{', '.join(known)}; nothing was confirmed."
            )
        for name in names:
            study.confirm_attribute(name)
    say(f"Confirmed: {', '.join(names)}.")


@app.command("info")
def info(folder: StudyPath, json: Json = None) -> None:
    """What is in a study: where it comes from, its stimuli, attributes, each labeler's trials."""
    from prism_desktop.engine.runs.layout import has_results
    from prism_desktop.engine.study.known_studies import origin

    with store().open(folder, read_only=True) as study:
        value, words = _info(study), study.words()
        value["origin"] = asdict(found := origin(study.info()))
        real = any(not labeler.simulated for labeler in study.labelers())
        if has_results(study.path):
            from prism_desktop.engine.experiments.result_checks import passed_over

            value["passed_over"] = [*value["passed_over"], *passed_over(study.path)]
    write_json(value, json)
    if json == "-":
        return
    kind = " (simulated labelers)" if value["simulated"] else ""
    kind = " (simulated labelers beside real ones)" if kind and real else kind
    say(
        f"{value['name']}{kind}: {counted(value[words.kept_many], words.kept)}, attributes "
        f"{', '.join(value['attributes'])}"
    )
    if value["own_texts"]:
        say(f"What labelers wrote themselves: {counted(value['own_texts'], 'text')}.")
    say(found.sentence())
    for vectors in value["embeddings"]:
        say(
            f"Embeddings {vectors['name']}: {counted(vectors[words.kept_many], words.kept)}, "
            f"{counted(vectors['dimensions'], 'dimension')}"
        )
    table = Table(
        Column("labeler", overflow="fold"), "rating trials", "comparison trials", box=None
    )
    for row in value["progress"]:
        who = value["names"].get(row["labeler"], row["labeler"])
        table.add_row(who, str(row["ratings"]), str(row["comparisons"]))
    out.print(table)
    for sentence in value["passed_over"]:
        say(f"Passed over: {sentence}")
    if value["passed_over"]:
        say(
            f"`prism-desktop study check {quoted(str(study.path))}` looks through everything; with "
            "--repair it mends the database after a backup."
        )


@app.command("relink")
def relink(
    folder: StudyPath,
    images: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where the images are now, or a folder above.")
    ],
    json: Json = None,
) -> None:
    """Find images again whose folder was moved or renamed, by their content.

    Exit code 1 if some are still missing.
    """
    if not images.is_dir():
        raise InputError(f"There is no folder {images}; nothing was changed.")
    with open_existing(folder) as study:
        report = follow(study.relinking(images))
    lost = len(report.still_missing)
    write_json(
        {
            "found": report.found,
            "still_missing": list(report.still_missing),
            "changed": list(report.changed),
        },
        json,
    )
    say(_relinked(report, images), json)
    if lost:
        raise typer.Exit(1)


def _relinked(report: RelinkReport, folder: Path) -> str:
    """What was found again, in a sentence or three."""
    lost = report.still_missing
    if not report.found and not lost:
        return "No image of the study is missing; nothing was changed."
    words = (
        f"{report.found:,} of {counted(report.found + len(lost), 'missing image')} "
        f"{word_for(report.found, 'was', 'were')} found in {folder}"
        + ("; their places were brought up to date." if report.found else "; nothing was changed.")
    )
    if lost:
        words += f" Still missing: {few(lost, 5)}."
    if report.changed:
        words += (
            " Files of these names are there, but hold other images: "
            f"{few(report.changed, 5)}; they were left alone."
        )
    return words


@app.command("check")
def check(
    folder: StudyPath,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="First mend the database, after a backup; nothing is lost."),
    ] = False,
    json: Json = None,
) -> None:
    """Check the database, what is judged and the runs; exit code 1 if something is wrong."""
    from prism_desktop.engine.experiments.result_checks import check_results

    if repair:
        from prism_desktop.engine.study.repair import repair as mend

        say(mend(folder).summary(), json)
    with store().open(folder, read_only=True) as study:
        problems = [problem.text for problem in follow(study.checking())]
        results = follow(check_results(study.path))
    problems += results.problems
    write_json({"problems": problems}, json)
    for problem in problems:
        say(problem, json)
    if results.unmarked:
        say(
            f"{counted(results.unmarked, 'run was', 'runs were')} made before "
            "runs had manifests: not every change of their files can be told.",
            json,
        )
    if problems:
        raise typer.Exit(1)
    say("The study is sound.", json)


@app.command("backup")
def backup(folder: StudyPath) -> None:
    """Write a verified copy of the database to the study's backups, also of one that is open."""
    from prism_desktop.engine.study.backing_up import backing_up

    if not folder.is_dir():
        raise StudyError(f"There is no study at {folder}.")
    say(str(follow(backing_up(folder))))


@app.command("backups")
def backups(folder: StudyPath, json: Json = None) -> None:
    """List a study's backups, the newest first."""
    from prism_desktop.engine.study.backup import described

    if not folder.is_dir():
        raise StudyError(f"There is no study at {folder}.")
    found = described(folder)
    write_json([{**asdict(each), "path": str(each.path), "why": each.why} for each in found], json)
    if json == "-":
        return
    for each in found:
        held = "trials unknown" if each.trials is None else counted(each.trials, "trial")
        made = dated(each.made, "%d %b %Y %H:%M")
        say(f"{each.path.name}: {made}, {each.why}, {held}, {each.bytes / 1e6:.1f} MB")
    say(
        "`prism-desktop study restore STUDY NAME` goes back to one."
        if found
        else "There is no backup yet."
    )


@app.command("restore")
def restore(
    folder: StudyPath,
    name: Annotated[str, typer.Argument(help="Name of the backup, as `study backups` lists it.")],
) -> None:
    """Go back to a backup; what the study holds now is backed up first."""
    from prism_desktop.engine.study.restoring import restore as work

    if not folder.is_dir():
        raise StudyError(f"There is no study at {folder}.")
    say(work(folder, name).summary())


@app.command("upgrade")
def upgrade(folder: StudyPath) -> None:
    """Bring a study that an older version wrote up to date; a backup is made first."""
    with open_existing(folder) as study:
        say(f"{study.path} is up to date (schema {study.info().schema_version}).")


@app.command("export")
def export(
    folder: StudyPath,
    to: Annotated[Path, typer.Option("--out", help="The folder for the tables.")],
    format: Annotated[  # noqa: A002
        str, typer.Option(help="csv, xlsx, parquet, sav (SPSS) or jsonl.")
    ] = "csv",
) -> None:
    """Write ratings, comparisons, images or texts, labelers, recipes of imports and a codebook."""
    from prism_desktop.engine.study.exporting import export as write

    with store().open(folder, read_only=True) as study:
        for path in follow(write(study, to, format=format)):
            say(str(path))


@app.command("paper")
def paper(
    folder: StudyPath,
    to: Annotated[Path, typer.Option("--out", help="The folder for the bundle.")],
    images: Annotated[
        bool, typer.Option("--images", help="Also copies of the images, from their pixels alone.")
    ] = False,
    texts: Annotated[
        bool, typer.Option("--texts", help="Also what texts say, but for those that name labelers.")
    ] = False,
    fact: Annotated[
        list[str] | None, typer.Option(help="A fact about labelers or stimuli to come along.")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(help="Exclusion rules to follow, a TOML file.")
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            help="Write what each pseudonym stands for to this CSV; keep it apart.",
            callback=in_time,
        ),
    ] = None,
) -> None:
    """Write answers without names, a codebook, models for R and a methods paragraph.

    Labelers, stimuli, trials and sessions have pseudonyms, and times are rounded.
    """
    from prism_desktop.engine.evaluation.publication.paper_bundle import (
        PaperOptions,
        paper_bundle,
        write_key,
    )
    from prism_desktop.engine.labeling.exclusion_rules import read_rules

    if key is not None and real(key).is_relative_to(real(to)):
        raise InputError(
            f"The key {key} would lie in the bundle, for everybody to read; choose another place. "
            "Nothing was written."
        )
    followed = read_rules(rules) if rules is not None else None
    with open_existing(folder, read_only=True) as study:
        held, other = ("--texts", "--images") if study.kind() == "text" else ("--images", "--texts")
        if {"--images": images, "--texts": texts}[other]:
            raise InputError(f"This study has no {other[2:]}: give {held}. Nothing was written.")
        options = PaperOptions(images or texts, fact or (), followed)
        for path in follow(paper_bundle(study, to, options)):
            if path.parent.name != "images":
                say(str(path))
        if key is not None:
            write_file(key, lambda beside: write_key(study, beside))
            say(f"Wrote the key to {key}; it names people.")


def _info(study: "Study") -> dict[str, Any]:
    from prism_desktop.engine.study.embeddings import list_embeddings

    value = asdict(study.info())
    value["path"] = str(study.path)
    labelers = study.labelers()
    value["labelers"] = [labeler.code for labeler in labelers]
    value["names"] = {each.code: called(each.code, each.display_name) for each in labelers}
    value["attributes"] = [attribute.name for attribute in study.attributes()]
    value["embeddings"] = [asdict(found) for found in list_embeddings(study.path)]
    value["progress"] = [asdict(row) for row in study.progress()]
    if value["kind"] == "text":
        for counts in (value, *value["embeddings"]):
            counts["texts"] = counts.pop("images")
    return value


def open_existing(folder: Path, *, read_only: bool = False) -> "Study":
    """Open a study for another command.

    Raises:
        StudyError: if there is no study in the folder.
    """
    if not folder.is_dir():
        raise StudyError(f"There is no study at {folder}.")
    return store().open(folder, read_only=read_only)

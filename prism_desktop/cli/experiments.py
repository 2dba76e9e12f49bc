"""Commands about many runs: methods, compare, search."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from prism_desktop.cli.console import (
    Backbone,
    Json,
    Split,
    follow,
    in_time,
    names,
    out,
    say,
    write_file,
    write_json,
)
from prism_desktop.cli.followed_comparison import (
    follow_comparison,
    telling_what_goes_on,
    training_jobs,
)
from prism_desktop.cli.known_names import (
    SomeAttributes,
    SomeLabelers,
    attributes_named,
    labelers_named,
)
from prism_desktop.cli.training import WhichTask
from prism_desktop.cli.training_defaults import refuse_method, with_backbone
from prism_desktop.cli.writing_commands import compare_writers, list_writing_methods, say_aliases
from prism_desktop.engine.backbones.spec import DEFAULT
from prism_desktop.engine.backbones.weight_files import check_backbone
from prism_desktop.engine.errors import InputError, RunError
from prism_desktop.engine.evaluation.named_results import named_row
from prism_desktop.engine.files import text_file
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import CONSENSUS, labelled
from prism_desktop.engine.methods.method_roles import canonical
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.default_backbone import default_backbone
from prism_desktop.engine.runs.estimates import (
    BOUNDS,
    WHAT_INTERVALS,
    bounds,
    knowledge_of,
    told_intervals,
)
from prism_desktop.engine.runs.job_file import ExecutorName
from prism_desktop.engine.runs.leaderboard_file import Leaderboard, MethodRow
from prism_desktop.engine.stimulus_words import FACES, TEXTS
from prism_desktop.engine.study.formula_guard import CsvWriter

Executor = Annotated[
    ExecutorName | None,
    typer.Option(help="Train by jobs, which go on without this command: here, or by Slurm."),
]
Slurm = Annotated[
    list[str] | None,
    typer.Option(
        help="With --executor slurm: what jobs ask for, as key=value, such as partition=gpu, "
        "time=4:00:00, mem=32GB, gpus_per_node=1, account=NAME, qos=NAME."
    ),
]
# Three tables, since one does not fit into a terminal of 80 columns.
_ACCURACY = ("method", "macro", "gain", "p (Holm)", "gate")
_INTERVALS = ("method", "macro over labelers", "over both", "gain over labelers", "over both")
_COST = ("method", "NLL", "ECE", "improved", "worst", "parameters", "seconds")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (methods, compare, search):
        app.command()(command)


def methods(
    study: Annotated[
        Path | None, typer.Argument(help="A study: says what is possible on it, and how large.")
    ] = None,
    backbone: Backbone = None,
    task: WhichTask = "judging",
    json: Json = None,
) -> None:
    """List the methods: what they do, how a new labeler
    enters, and which are possible on a study."""
    if task == "writing":
        if study is not None or backbone is not None:
            raise InputError("Methods of the task writing are listed as such: name no study.")
        list_writing_methods(json)
        return
    check_backbone(backbone)
    from prism_desktop.engine.models.method_listing import listing

    words = TEXTS if study is not None and _is_of_texts(study) else FACES
    if backbone is None:
        texts = words is not FACES
        backbone = DEFAULT if study is None else default_backbone(study, texts=texts).backbone

    rows = listing(backbone, *(_study_facts(study, backbone) if study is not None else ()))
    write_json(
        {"study": str(study) if study else None, "backbone": backbone, "methods": rows}, json
    )
    if json == "-":
        return
    table = Table(box=None)
    for column in ("method", "what it is", "a new labeler", *(("parameters",) if study else ())):
        table.add_column(column, no_wrap=column in ("method", "parameters"))
    for row in rows:
        most = "" if row["exact"] else "at most "
        number = "" if row["parameters"] is None else f"{most}{row['parameters']:,}"
        what = f"{row['title']}. {words.told(str(row['summary']))}" + (
            f" [not possible: {row['reason']}]" if row["reason"] else ""
        )
        cells = [row["name"], what, row["enters"], *([number] if study else [])]
        table.add_row(*cells, style="" if row["possible"] else "dim")
    out.print(table)
    say_aliases()


def compare(
    study: Annotated[Path, typer.Argument(help="The study's folder.")],
    methods: Annotated[str, typer.Option(help="Methods: a,b,c; or all that are possible.")] = "all",
    backbone: Backbone = None,
    split: Split = None,
    seeds: Annotated[
        int, typer.Option(help="Runs of each method, with as many seeds of training.")
    ] = 1,
    labelers: SomeLabelers = None,
    attributes: SomeAttributes = None,
    epochs: Annotated[int | None, typer.Option(help="At most this many epochs.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cuda, mps or cpu.")] = None,
    baselines: Annotated[
        str | None, typer.Option(help="What results are read against: all, or none.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Any other setting, as key=value.")
    ] = None,
    controls: Annotated[
        bool, typer.Option("--controls", help="Test with labelers' models swapped, too.")
    ] = False,
    shuffled: Annotated[
        bool, typer.Option("--shuffled", help="Control: train on shuffled labelers.")
    ] = False,
    cross_fit: Annotated[
        bool | None,
        typer.Option(
            "--cross-fit/--no-cross-fit",
            help="Hold out every fold of stimuli in turn: each answer is tested once. By itself "
            "where all methods named are closed forms; one trained by gradient descent makes it "
            "no.",
            show_default=False,
        ),
    ] = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(
            help="Try several values of a setting, as key=a,b,c; repeat it for every combination. "
            "A row per method and point; the consensus stays as it is.",
        ),
    ] = None,
    name: Annotated[
        str, typer.Option(help="Name of the comparison; empty for one that follows from the rest.")
    ] = "",
    json: Json = None,
    csv: Annotated[
        Path | None,
        typer.Option(help="Write the leaderboard to this CSV file.", callback=in_time),
    ] = None,
    task: WhichTask = "judging",
    executor: Executor = None,
    jobs: Annotated[
        int | None, typer.Option(help="With --executor: at most so many jobs at a time.")
    ] = None,
    slurm: Slurm = None,
) -> None:
    """Train several methods on a study, use finished runs
    again, and rank what they gain over consensus."""
    refuse_method(settings, "--methods")
    if task == "writing":
        others = {"seeds": seeds if seeds != 1 else None, "controls": controls or None,
                  "shuffled": shuffled or None, "cross_fit": cross_fit,
                  "grid": grid or None}  # fmt: skip
        told = {"backbone": backbone, "split": split, "labelers": labelers_named(labelers, study),
                "attributes": attributes_named(attributes, study), "epochs": epochs,
                "device": device, "baselines": baselines, **others}  # fmt: skip
        by = training_jobs(executor, jobs, slurm or ())
        compare_writers(study, names(methods) or (), told, settings or (), name, json, csv, by)
        return
    from prism_desktop.engine.experiments import comparison, comparison_plan
    from prism_desktop.engine.experiments.variants import parse_grid

    given = {
        "backbone": backbone, "split": split, "labelers": labelers_named(labelers, study),
        "attributes": attributes_named(attributes, study),
        "epochs": epochs, "device": device, "baselines": baselines,
    }  # fmt: skip
    asked = with_backbone(
        study, {key: value for key, value in given.items() if value is not None}, settings
    )
    wanted = tuple(map(canonical, names(methods) or ()))
    plan = comparison_plan.ComparisonPlan(
        study,
        wanted,
        asked.options,
        tuple(settings or ()),
        seeds,
        controls,
        shuffled,
        name,
        cross_fit,
        parse_grid(grid or ()),
    )
    by = training_jobs(executor, jobs, slurm or ())
    path = follow_comparison(asked.telling(comparison.compare(plan, by)), by)
    leaderboard = Leaderboard.load(path / layout.LEADERBOARD)
    if leaderboard is None:
        raise RunError(f"The comparison {path} has no leaderboard.")
    write_json(leaderboard.dump(), json)
    if csv is not None:
        write_file(csv, lambda beside: _write_csv(beside, leaderboard))
    if json != "-":
        for table in _leaderboard_tables(leaderboard):
            out.print(table)
        for text in _leaderboard_remarks(leaderboard):
            say(text)
        say(f"{path / layout.LEADERBOARD_REPORT} has the whole report.")
    if not any(row.method != CONSENSUS for row in leaderboard.methods) and leaderboard.failed:
        raise RunError(f"No method could be trained: {leaderboard.failed[0].message}")


def search(
    study: Annotated[Path, typer.Argument(help="The study's folder.")],
    method: Annotated[str, typer.Option(help="Whose settings to search.")],
    trials: Annotated[
        int, typer.Option(help="Trials in all; those of an earlier call count.")
    ] = 20,
    workers: Annotated[int, typer.Option(help="Processes at a time.")] = 1,
    backbone: Backbone = None,
    split: Split = None,
    labelers: SomeLabelers = None,
    attributes: SomeAttributes = None,
    epochs: Annotated[int | None, typer.Option(help="At most this many epochs.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cuda, mps or cpu.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A setting that stays, as key=value.")
    ] = None,
    name: Annotated[
        str, typer.Option(help="Name of the search; empty for one that follows from the rest.")
    ] = "",
    json: Json = None,
    executor: Executor = None,
    slurm: Slurm = None,
) -> None:
    """Search a method's settings by its validation answers; the test answers are never used."""
    refuse_method(settings, "--method")
    from prism_desktop.engine.experiments import search

    given = {
        "backbone": backbone, "split": split, "labelers": labelers_named(labelers, study),
        "attributes": attributes_named(attributes, study),
        "epochs": epochs, "device": device,
    }  # fmt: skip
    asked = with_backbone(
        study, {key: value for key, value in given.items() if value is not None}, settings
    )
    plan = search.SearchPlan(
        study, canonical(method), trials, workers, asked.options, tuple(settings or ()), name
    )
    by = training_jobs(executor, None, slurm or ())
    with telling_what_goes_on(by):
        result = follow(asked.telling(search.search(plan, by)))
    write_json(result.to_dict(), json)
    if json == "-":
        return
    usual = "" if result.start is None else f", {result.start:.4f} with the method's own settings"
    say(
        f"{counted(result.complete, 'trial')} came to an end, {result.pruned:,} cut short, "
        f"{result.failed:,} failed. Best validation NLL {result.value:.4f}{usual}:"
    )
    say(" ".join(f"--set {line}" for line in result.lines()))


def _leaderboard_tables(leaderboard: Leaderboard) -> tuple[Table, ...]:
    """The leaderboard in tables, each narrow enough for a terminal of 80 columns."""
    from prism_desktop.engine.experiments.leaderboard import leaderboard_cells

    seeds = counted(leaderboard.seeds, "seed")
    folds = f", {counted(len(leaderboard.folds), 'fold')}" if len(leaderboard.folds) > 1 else ""
    shuffled = ", labelers shuffled" if leaderboard.shuffled else ""
    split = leaderboard.words.told(leaderboard.split.kind)
    title = f"{leaderboard.study}, test ({split} split, {seeds}{folds}{shuffled})"
    tables = Table(box=None, title=title), Table(box=None), Table(box=None)
    for table, columns in zip(tables, (_ACCURACY, _INTERVALS, _COST), strict=True):
        for column in columns:
            first = column == "method"
            # names of points of a grid are long, and numbers are never torn apart
            whole = not (first and leaderboard.grid)
            side: Literal["left", "right"] = "left" if first else "right"
            table.add_column(column, no_wrap=whole, justify=side, overflow="fold")
    for row in leaderboard.methods:
        name, macro, _, nll, ece, gain, p, improved, worst, parameters, seconds, gate = (
            leaderboard_cells(named_row(row, leaderboard.names))
        )
        tables[0].add_row(name, macro, gain, p, "no" if gate.startswith("does not") else gate)
        _, *macro_of = told_intervals(row.test.macro)
        _, *gain_of = told_intervals(row.gain, "+")
        tables[1].add_row(name, *macro_of, *gain_of)
        tables[2].add_row(name, nll, ece, improved, worst, parameters, seconds)
    known = any(row.test.macro.labelers_low is not None for row in leaderboard.methods)
    return tables if known else (tables[0], tables[2])


def _is_of_texts(study: Path) -> bool:
    from prism_desktop.engine.study.store import Study

    with Study.open(study, read_only=True) as opened:
        return opened.kind() == "text"


def _study_facts(study: Path, backbone: str) -> tuple[int, int, bool, int, int | None, bool]:
    """Labelers with answers, attributes, whether any such labeler has a profile, stimuli,
    features' dimensions, whether the stimuli are texts."""
    from prism_desktop.engine.backbones import parse
    from prism_desktop.engine.backbones.language_files import features_width
    from prism_desktop.engine.study.embeddings import read_embeddings
    from prism_desktop.engine.study.store import Study

    with Study.open(study, read_only=True) as opened:
        answered = {row.labeler for row in opened.progress() if row.ratings + row.comparisons}
        profiles = any(one.profile.strip() for one in opened.labelers() if one.code in answered)
        images, texts = opened.info().images, opened.kind() == "text"
        attributes = sum(attribute.confirmed for attribute in opened.attributes())
    spec = parse(backbone)
    dimensions = (
        read_embeddings(study, spec.model)[1].shape[1]
        if spec.kind == "embeddings"
        else features_width(spec)
    )
    return len(answered), attributes, profiles, images, dimensions, texts


def _leaderboard_remarks(leaderboard: Leaderboard) -> list[str]:
    """What failed, what the controls say, and what the marks in the table mean."""
    from prism_desktop.engine.processes.failures import told_once

    swapped = [
        f"{label} swapped: {100 * swap.gain.value:+.1f} points against consensus"
        f"{'' if swap.below else ', NOT below it'}"
        for label, swap in leaderboard.swapped.items()
        if swap.gain.value is not None
    ]
    swapped += [f"{one.method} is not swapped. {one.reason}" for one in leaderboard.unswapped]
    reads = knowledge_of(leaderboard.methods)
    known = any(row.test.macro.labelers_low is not None for row in leaderboard.methods)
    said = [*leaderboard.remarks, *([WHAT_INTERVALS] if known else [])]
    return told_once(leaderboard.failed) + said + swapped + reads


def _write_csv(beside: Path, leaderboard: Leaderboard) -> None:
    numbers = ("accuracy", "low", "high")
    others = [f"{what}_{bound}" for what in ("macro", "gain") for bound in BOUNDS[2:]]
    with text_file(beside) as file:
        writer = CsvWriter(file)
        head = [f"{average}_{number}" for average in ("macro", "micro") for number in numbers]
        writer.row(
            ["method", "settings", *head, "nll", "ece", "gain", "gain_low", "gain_high", "p_holm",
             "p", "improved", "worst_labeler", "worst_labeler_name",
             "worst_difference", "parameters", "seconds",
             "passes", *others, "failure"]
        )  # fmt: skip
        for row in leaderboard.methods:
            writer.row(_csv_row(row, leaderboard.names))
        for one in leaderboard.failed:
            told = labelled("", one.settings).strip()
            writer.row([one.method, told, *[None] * 27, one.message])


def _csv_row(row: MethodRow, people: Mapping[str, str]) -> list[object]:
    test, gain, worst = row.test, row.gain, row.worst
    accuracies = [(one.accuracy, one.low, one.high) for one in (test.macro, test.micro)]
    gained = (gain.value, gain.low, gain.high, gain.p, gain.p_raw) if gain else (None,) * 5
    least: tuple[object, ...] = (None,) * 3
    if worst is not None:
        least = (worst.labeler, people.get(worst.labeler, worst.labeler), worst.difference)
    passed = row.verdict.passed if row.verdict else None
    return [
        row.method, labelled("", row.settings).strip(), *accuracies[0], *accuracies[1],
        test.nll, test.ece, *gained, row.improved, *least, row.parameters, row.seconds, passed,
        *bounds(test.macro)[2:], *bounds(gain)[2:], "",
    ]  # fmt: skip

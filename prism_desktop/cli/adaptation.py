"""Commands about few answers: adapt, shots, curve."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue
from rich.table import Table

from prism_desktop.cli import import_options as options
from prism_desktop.cli.console import (
    Backbone,
    Json,
    follow,
    in_time,
    names,
    out,
    say,
    write_file,
    write_json,
)
from prism_desktop.cli.known_names import (
    SomeAttributes,
    SomeLabelers,
    attributes_named,
    labelers_named,
)
from prism_desktop.cli.training_defaults import Completed, refuse_method, with_backbone
from prism_desktop.engine.adaptation.adaptation_request import AdaptationRequest
from prism_desktop.engine.adaptation.adapted_labelers import (
    AdaptedLabeler,
    NextTrial,
    adapted_predictions,
)
from prism_desktop.engine.adaptation.label_worth import last_labeler
from prism_desktop.engine.clocks import duration
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.experiments.curve_store import COUNTS, DRAWS, PARTS, RESAMPLES, SHOTS
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import POSTERIOR
from prism_desktop.engine.methods.method_roles import canonical
from prism_desktop.engine.runs.curve_files import (
    MethodShots,
)
from prism_desktop.engine.runs.estimates import (
    INTERVALS,
    TOO_FEW,
    WHAT_INTERVALS,
    doubted,
    knowledge_of,
    told_accuracy,
    told_gain,
    told_intervals,
    too_few,
)
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import (
    MacroGain,
)
from prism_desktop.engine.study.confirmed import quoted
from prism_desktop.engine.study.formula_guard import write_frame
from prism_desktop.engine.study.records import Kind

Settings = Annotated[
    list[str] | None, typer.Option("--set", help="Any other setting, as key=value.")
]

_TOGETHER = (2, 3, 4, 6, 10, 20, 50)  # labelers, as far as there are so many


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (adapt, shots, curve):
        app.command()(command)


def adapt(
    run: Annotated[Path, typer.Argument(help="A finished run's folder, STUDY/runs/NAME.")],
    labels: Annotated[
        Path | None, typer.Option(help="The new labeler's ratings or comparisons, a file.")
    ] = None,
    labeler: Annotated[
        str | None, typer.Option(help="Or a labeler of the study who is not in the run.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The labeler's code in the run; else the file's.")
    ] = None,
    recipe: options.RecipeFile = None,
    column: options.Columns = None,
    judgment: options.Judgments = None,
    scale: options.Scales = None,
    missing: options.Missing = None,
    coding: options.Coding = None,
    rt_unit: options.RtUnit = None,
    sheet: options.Sheets = None,
    encoding: options.Encoding = None,
    decimal: options.Decimal = None,
    rater: options.Rater = None,
    again: options.Again = None,
    profile: Annotated[
        str | None, typer.Option(help="The labeler's profile, for methods that read it.")
    ] = None,
    following: Annotated[
        int,
        typer.Option(
            "--next",
            min=0,
            help="Choose so many faces, texts or pairs that tell most of the labeler; without "
            "--labels and --labeler, of somebody of whom nothing is known yet.",
        ),
    ] = 0,
    task: Annotated[
        str | None,
        typer.Option(help="What --next chooses: rating (one each) or comparison (pairs)."),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(help="Write the predictions to this CSV file.", callback=in_time),
    ] = None,
    json: Json = None,
) -> None:
    """Let a new labeler enter a finished run without training it again, and choose what to ask."""
    kind = _task(task)
    if following and labels is None and labeler is None:
        _ask_newcomer(run, following, kind, json)
        return
    if (labels is None) == (labeler is None):
        raise InputError("Say either --labels FILE or --labeler CODE.")
    if labels is not None and not labels.is_file():
        raise InputError(f"There is no file {labels}.")
    opened = RunFolder.open(run)
    # takes seconds, so it comes after the checks
    from prism_desktop.engine.adaptation.adapt import adapt as adapt_labeler

    made = options.make_recipe(
        recipe, columns=column, judgments=judgment, scales=scale, missing=missing, coding=coding,
        rt_unit=rt_unit, sheets=sheet, encoding=encoding, decimal=decimal, rater=rater, again=again,
    )  # fmt: skip
    entry: AdaptationRequest = {
        "labels": labels, "labeler": labeler, "name": name, "recipe": made.to_toml(),
        "profile": profile, "next": following, "task": kind,
    }  # fmt: skip
    found = follow(adapt_labeler(opened, **entry))
    write_json(_adapted_labeler(found), json)
    if csv is not None:
        frame = adapted_predictions(opened, found.code)
        images = opened.table("images").set_index("image")["name"]
        frame.insert(2, "name", frame["image"].map(images))
        frame.columns = list(opened.meta().words.headed(frame.columns))
        write_file(csv, lambda path: write_frame(frame, path))
        say(f"Wrote {counted(len(frame), 'prediction')} to {csv}.", json)
    if json != "-":
        learned = counted(found.answers, "answer")
        pairs = counted(found.presentations, f"pair of {opened.meta().words.kept_many}")
        learned += f" on {pairs}"
        took = duration(found.seconds, 1)
        say(f"{found.code} entered in {took}, by {learned}; how: {found.enters}.")
        if found.accuracy is not None:
            few = f"{TOO_FEW.capitalize()}: a" if too_few(found.tested) else "A"
            say(
                f"{few}ccuracy on {counted(found.tested, 'own answer')} {found.accuracy:.1%} "
                f"[{found.low:.1%} - {found.high:.1%}], before learning from any {found.start:.1%}."
            )
        say(
            f"{found.note} `prism-desktop predict {quoted(str(run))} --labeler "
            f"{quoted(found.code)}` has the predictions."
        )
        _show_trials(found.next, f"What would tell most of {found.code}")


def _task(text: str | None) -> Kind | None:
    """Raises: InputError: it is no task."""
    kinds: dict[str | None, Kind | None] = {"rating": "rating", "comparison": "comparison"}
    if text is not None and text not in kinds:
        raise InputError(f"A task is rating or comparison, not {text}.")
    return kinds.get(text)


def _ask_newcomer(run: Path, count: int, task: Kind | None, json: str | None) -> None:
    """Choose and show what somebody of whom nothing is known should judge first."""
    opened = RunFolder.open(run)
    from prism_desktop.engine.adaptation.next_trials import trials_of_newcomer

    found = follow(trials_of_newcomer(opened, count, task))
    write_json({"next": [trial.dump() for trial in found]}, json)
    if json != "-":
        _show_trials(found, "What would tell most of somebody new")


def _show_trials(trials: Sequence[NextTrial], title: str) -> None:
    """A table of faces or pairs, the most telling first."""
    if not trials:
        return
    table = Table(box=None, title=title)
    heads = ("face",) if len(trials[0].names) == 1 else ("one face", "the other")
    table.add_column("", justify="right")
    for column in heads:
        table.add_column(column)
    for place, trial in enumerate(trials, 1):
        table.add_row(str(place), *trial.names)
    out.print(table)


def shots(
    study: Annotated[Path, typer.Argument(help="The study's folder.")],
    methods: Annotated[
        str, typer.Option(help="Methods: a,b,c; or all that are possible.")
    ] = POSTERIOR,
    shots: Annotated[str, typer.Option(help="Numbers of answers.")] = ",".join(map(str, SHOTS)),
    resamples: Annotated[int, typer.Option(help="Draws of the answers.")] = RESAMPLES,
    folds: Annotated[
        int, typer.Option(help="Parts of the labelers, each held out once; at most all.")
    ] = PARTS,
    least: Annotated[
        int,
        typer.Option(
            min=0, help="Hold out only labelers with so many answers; the others inform every run."
        ),
    ] = 0,
    cross_fit: Annotated[
        bool,
        typer.Option("--cross-fit/--no-cross-fit", help="Hold out every fold of stimuli in turn."),
    ] = False,
    backbone: Backbone = None,
    labelers: SomeLabelers = None,
    attributes: SomeAttributes = None,
    epochs: Annotated[int | None, typer.Option(help="At most this many epochs.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cuda, mps or cpu.")] = None,
    settings: Settings = None,
    json: Json = None,
) -> None:
    """K-shot curves: accuracy on new faces or texts of labelers whom training never saw, after K
    answers at random and after K that would tell most of them."""
    refuse_method(settings, "--methods")
    from prism_desktop.engine.experiments.kshot import KShotPlan, measure_kshot

    asked = with_backbone(
        study, _options(study, backbone, labelers, attributes, epochs, device), settings
    )
    plan = KShotPlan(
        study,
        tuple(map(canonical, names(methods) or ())),
        _numbers(shots),
        resamples,
        folds,
        asked.options,
        tuple(settings or ()),
        least=least,
        cross_fit=cross_fit,
    )
    result = follow(asked.telling(measure_kshot(plan)))
    write_json(result.dump(), json)
    if json != "-":
        for one in result.methods:
            out.print(_kshot_table(one))


def curve(
    study: Annotated[Path, typer.Argument(help="The study's folder.")],
    method: Annotated[str, typer.Option(help="A method that is quick to fit.")] = POSTERIOR,
    over: Annotated[
        str,
        typer.Option(help="answers of each labeler, or labelers trained together (any method)."),
    ] = "answers",
    counts: Annotated[
        str | None, typer.Option(help="Numbers of them, as a,b,c; all is always added.")
    ] = None,
    resamples: Annotated[
        int, typer.Option(help="Draws of the answers, or deals of the labelers into groups.")
    ] = DRAWS,
    backbone: Backbone = None,
    labelers: SomeLabelers = None,
    attributes: SomeAttributes = None,
    device: Annotated[str | None, typer.Option(help="auto, cuda, mps or cpu.")] = None,
    settings: Settings = None,
    json: Json = None,
) -> None:
    """Learning curve: accuracy against the number of answers given, and what more answers and one
    more labeler would bring; or against the number of labelers trained together."""
    from prism_desktop.engine.experiments.learning_curve import CurvePlan, measure_curve

    refuse_method(settings, "--method")
    if over not in ("answers", "labelers"):
        raise InputError(f"A curve is over answers or over labelers, not over {over}.")
    asked = with_backbone(
        study, _options(study, backbone, labelers, attributes, None, device), settings
    )
    method = canonical(method)
    if over == "labelers":
        _over_labelers(study, method, counts, resamples, asked, settings, json)
        return
    wanted = _numbers(counts) if counts is not None else COUNTS
    plan = CurvePlan(study, method, wanted, resamples, asked.options, tuple(settings or ()))
    result = follow(asked.telling(measure_curve(plan)))
    write_json(result.dump(), json)
    if json != "-":
        table = Table(
            box=None, title=f"{method}: macro test accuracy by answers given, per labeler"
        )
        for column in ("answers", "accuracy", "error", "n"):
            table.add_column(column, justify="right")
        for point in result.points:
            n = "" if point.n is None else f"{point.n:,}"
            told = doubted(_percent(point.accuracy), point.n)
            table.add_row(str(point.answers), told, _percent(point.error), n)
        out.print(table)
        fewest = min((point.n for point in result.points if point.n is not None), default=None)
        said = doubted(result.curve.sentence, fewest, opens=True)
        last = result.last_labeler
        known = [] if last is None else [f"One more labeler: {last_labeler(last)}"]
        who = "`prism-desktop worth RUN` tells it of each labeler."
        for text in (*knowledge_of([result]), said, *known, who):
            say(text)


def _over_labelers(
    study: Path,
    method: str,
    counts: str | None,
    deals: int,
    asked: Completed,
    settings: list[str] | None,
    json: str | None,
) -> None:
    """Measure and show accuracy against the number of labelers trained together."""
    from prism_desktop.engine.experiments.labeler_count import (
        LabelerCountPlan,
        measure_labeler_counts,
    )

    wanted = _numbers(counts) if counts is not None else _TOGETHER
    plan = LabelerCountPlan(study, method, wanted, deals, asked.options, tuple(settings or ()))
    result = follow(asked.telling(measure_labeler_counts(plan)))
    write_json(result.dump(), json)
    if json == "-":
        return
    table = Table(box=None, title=f"{method}: macro test accuracy by labelers trained together")
    head = ("labelers", "accuracy", *INTERVALS, "less all", "p (Holm)")
    for column in head:
        table.add_column(column, justify="right")
    for point in result.points:
        against = point.against_all
        told = told_gain(against.value, against.low, against.high).line if against else ""
        p = "" if against is None or against.p is None else f"{against.p:.3f}"
        accuracy = told_accuracy(point.macro).number
        table.add_row(str(point.labelers), accuracy, *told_intervals(point.macro), told, p)
    out.print(table)
    for text in (*knowledge_of([result]), WHAT_INTERVALS):
        say(text)


def _options(
    study: Path,
    backbone: str | None,
    labelers: str | None,
    attributes: str | None,
    epochs: int | None,
    device: str | None,
) -> dict[str, object]:
    given = {
        "backbone": backbone, "epochs": epochs, "device": device,
        "labelers": labelers_named(labelers, study),
        "attributes": attributes_named(attributes, study),
    }  # fmt: skip
    return {key: value for key, value in given.items() if value is not None}


def _numbers(text: str) -> tuple[int, ...]:
    try:
        numbers = tuple(sorted({int(part) for part in names(text) or ()}))
    except ValueError:
        raise InputError(f"Numbers such as 0,5,10 were expected, not {text}.") from None
    if numbers and numbers[0] < 0:
        raise InputError("There is no negative number of answers.")
    return numbers


def _adapted_labeler(found: AdaptedLabeler) -> dict[str, JsonValue]:
    return {"code": found.code, "path": str(found.path), **found.dump()}


def _kshot_table(result: MethodShots) -> Table:
    """Accuracy and gain over the consensus by number of answers, a row for each K and order."""
    reads = result.reads_tested_faces
    title = f"{result.method}{' *' if reads else ''}: labelers held out, faces held out"
    table = Table(box=None, title=title, caption="\n".join(knowledge_of([result])))
    ranked = any(row.spearman is not None for row in result.curve)
    columns = ["K", "answers", "which", "accuracy", "95% interval", "n", "gain", "95% interval"]
    columns += ["p", "over random", "95% interval"] if result.chosen else ["p"]
    for column in columns + ["rank correlation"] * ranked:
        table.add_column(column, justify="right")
    rows = [("random", row) for row in result.curve] + [("chosen", row) for row in result.chosen]
    for order, row in sorted(rows, key=lambda one: one[1].k):
        cells = [
            str(row.k),
            f"{row.answers:.4g}",
            order,
            doubted(_percent(row.accuracy), row.n),
            f"{_percent(row.low)} - {_percent(row.high)}",
            "" if row.n is None else f"{row.n:,}",
            *_gain_cells(row.gain),
            "" if row.gain is None or row.gain.p is None else f"{row.gain.p:.3f}",
        ]
        cells += _gain_cells(row.over_random) if result.chosen else []
        cells += [f"{row.spearman:.3f}" if row.spearman is not None else ""] * ranked
        table.add_row(*cells, style="dim" if too_few(row.n) else None)
    return table


def _gain_cells(gain: MacroGain | None) -> list[str]:
    """A difference in points, and its interval."""
    if gain is None or gain.value is None or gain.low is None or gain.high is None:
        return ["", ""]
    return [f"{100 * gain.value:+.1f}", f"{100 * gain.low:+.1f} - {100 * gain.high:+.1f}"]


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"

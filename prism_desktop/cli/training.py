"""Commands that train models and use them: train, resume, evaluate, predict."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.progress import BarColumn, Progress

from prism_desktop.cli.console import (
    Backbone,
    Json,
    PlainColumn,
    Split,
    err,
    follow,
    in_time,
    obey,
    out,
    say,
    say_lines,
    write_file,
    write_json,
)
from prism_desktop.cli.known_names import (
    SomeAttributes,
    SomeLabelers,
    attributes_named,
    labelers_named,
)
from prism_desktop.cli.result_tables import (
    accuracy_table,
    baseline_table,
    remarks,
    trusted,
    with_names,
)
from prism_desktop.cli.study import open_existing
from prism_desktop.cli.training_defaults import Completed, unread, with_backbone, with_method
from prism_desktop.cli.writing_commands import answer_as_people, resume_writer, train_writer
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import FailedRunError, InputError, RunError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import (
    Batch,
    Epoch,
    Failed,
    Finished,
    NoticeTold,
    ProgressTold,
    RunNamed,
    Stage,
    Started,
    Step,
    Stopped,
)
from prism_desktop.engine.study.formula_guard import write_frame

if TYPE_CHECKING:
    import pandas as pd

Run = Annotated[Path, typer.Argument(help="The run's folder, STUDY/runs/NAME.")]
WhichTask = Annotated[
    Literal["judging", "writing"],
    typer.Option(
        "--task", help="What is learned: what people choose, or how they write (docs/writing.md)."
    ),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (train, resume, evaluate, predict, report_failure):
        app.command("report" if command is report_failure else None)(command)


def train(
    study: Annotated[Path, typer.Argument(help="The study's folder.")],
    method: Annotated[
        str | None, typer.Option(help="A method's name; `methods` lists them.")
    ] = None,
    backbone: Backbone = None,
    split: Split = None,
    labelers: SomeLabelers = None,
    attributes: SomeAttributes = None,
    epochs: Annotated[int | None, typer.Option(help="At most this many epochs.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cuda, mps or cpu.")] = None,
    baselines: Annotated[
        str | None, typer.Option(help="What results are read against: all, or none.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Any other setting, as key=value.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="A run's config.json: train it again from its folder.")
    ] = None,
    task: WhichTask = "judging",
    json: Json = None,
) -> None:
    """Train a personalised model on a study, then test it once."""
    if task == "writing":
        given = {
            "backbone": backbone, "split": split, "labelers": labelers_named(labelers, study),
            "attributes": attributes_named(attributes, study), "epochs": epochs, "seed": seed,
            "device": device, "baselines": baselines, "config": config,
        }  # fmt: skip
        train_writer(study, method, given, settings or [], json)
        return
    from prism_desktop.engine.processes import supervisor

    base = TrainConfig.load(config) if config is not None else TrainConfig()
    given = {
        "method": method, "backbone": backbone, "split": split, "epochs": epochs, "seed": seed,
        "labelers": labelers_named(labelers, study),
        "attributes": attributes_named(attributes, study), "device": device, "baselines": baselines,
    }  # fmt: skip
    own = {key: value for key, value in given.items() if value is not None}
    asked = Completed(own)
    chosen = base.with_options(asked.options, settings or [])
    if config is None:
        asked = with_method(study, with_backbone(study, asked.options, settings), settings)
        chosen = base.with_options(asked.options, settings or [])
    if idle := unread(chosen, own, settings or []):
        asked = asked._replace(notes=(*asked.notes, idle))
    reuse = config.parent if config is not None and (config.parent / layout.DATA).is_dir() else None
    report(asked.telling(supervisor.train(study, chosen, snapshot=reuse)), json)


def resume(run: Run, json: Json = None) -> None:
    """Go on with a run that was interrupted, from its last good checkpoint.

    A run that was tested cannot go on.
    """
    if resume_writer(run, json):
        return
    from prism_desktop.engine.processes import supervisor

    report(supervisor.attend(supervisor.resume(RunFolder(run))), json)


def evaluate(
    run: Run,
    swap: Annotated[
        str | None, typer.Option(help="Control: let two labelers, a,b, exchange their models.")
    ] = None,
    json: Json = None,
) -> None:
    """A finished run's test results, computed again from its predictions."""
    from prism_desktop.engine.training.run_evaluation import evaluate_run

    pair = labelers_named(swap, run)
    if pair is not None and len(pair) != 2:
        raise InputError("--swap wants two labelers, such as L1,L2.")
    opened = RunFolder.open(run)
    summary = evaluate_run(opened, (pair[0], pair[1]) if pair else None)
    write_json({**summary.dump(), "names": opened.people()}, json)
    if json != "-":
        out.print(accuracy_table(summary, opened.people()))
        for remark in remarks(summary):
            say(remark)


def predict(
    run: Run,
    labeler: Annotated[
        str | None,
        typer.Option(help='Only this labeler; with --prompt also several: a,b or "a,b",c.'),
    ] = None,
    attribute: Annotated[
        str | None, typer.Option(help="An attribute of the run, or any words, judged zero-shot.")
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(help="A folder of any images, with its subfolders, in place of the run's."),
    ] = None,
    texts: Annotated[
        Path | None,
        typer.Option(help="Of a run of texts: a table of any texts, in place of the run's."),
    ] = None,
    all_images: Annotated[
        bool,
        typer.Option(
            "--all-images",
            "--all-texts",
            help="All images or texts that the study has now, those added later included.",
        ),
    ] = False,
    csv: Annotated[
        Path | None,
        typer.Option(help="Write the predictions to this CSV file.", callback=in_time),
    ] = None,
    prompt: Annotated[
        str | None,
        typer.Option(
            help="Of a run of the task writing: what to answer as people might, also as others "
            "with own texts, who enter first."
        ),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(help="With --prompt: draw each word, the evener the higher; 0 is greedy."),
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(help="With --temperature: draw from so much of the probability, up to 1."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="With --temperature: of what is drawn.")] = None,
) -> None:
    """Predicted scores for every image or text; differences are logits of the comparison.

    Of a run of the task writing: what its model answers to a prompt, marked as generated.
    """
    given = {"images": images, "texts": texts, "all-images": all_images or None}
    others = {"attribute": attribute, **given}
    drawing = {"temperature": temperature, "top_p": top_p, "seed": seed}
    if answer_as_people(run, prompt, labeler, csv, drawing, others):
        return
    if attribute is not None and not attribute.strip():
        raise InputError(
            "--attribute wants an attribute of the run, or any words, but it is empty."
        )
    if len(said := [f"--{name}" for name, value in given.items() if value is not None]) > 1:
        raise InputError(f"{' and '.join(said)} both say what to score; give one of them.")
    from prism_desktop.engine.adaptation.predictions import check_asked, predictions

    opened = RunFolder.open(run)
    check_asked(opened, labeler, attribute, others=bool(said))
    shown = _shown(opened, images, texts, all_of=all_images)
    with TemporaryDirectory(prefix="prism-") as cache:  # the study's own is for what it holds
        decoded = Path(cache) if images is not None or texts is not None else None
        frame = follow(predictions(opened, labeler, attribute, shown, decoded))
    frame = with_names(frame, opened.people())
    frame.columns = list(opened.meta().words.headed(frame.columns))
    if csv is None:
        say_lines(frame.to_string(index=False, max_rows=40))
    else:
        write_file(csv, lambda path: write_frame(frame, path))
        say(f"Wrote {counted(len(frame), 'prediction')} to {csv}.")
    known = attribute in (None, *opened.meta().names)
    if known and (told := trusted(opened, labeler, attribute)):
        err.print(told, soft_wrap=True)  # beside the table, which may be piped


def _shown(
    run: RunFolder, images: Path | None, texts: Path | None, *, all_of: bool
) -> "pd.DataFrame | None":
    """What is to be scored in place of what the run has; None for that."""
    from prism_desktop.engine.adaptation.predictions import (
        check_kind,
        images_in,
        texts_frame,
        texts_in,
    )

    if texts is not None or images is not None:
        check_kind(run, texts=texts is not None)
    if texts is not None:
        return follow(texts_in(texts))
    if images is not None:
        return follow(images_in(images))
    if not all_of:
        return None
    with open_existing(run.study, read_only=True) as study:
        return texts_frame(study.texts()) if run.of_texts else study.images_frame()


def report_failure(
    run: Run,
    to: Annotated[
        Path, typer.Option("--out", help="The bundle, a zip file.", callback=in_time)
    ] = Path("prism-desktop-report.zip"),
) -> None:
    """Make a bundle about a failed training to give away: log, versions, settings, no names."""
    from prism_desktop.engine.runs.failure_report import make_report

    opened = RunFolder.open(run)
    write_file(to, lambda beside: follow(make_report(opened, beside)))
    say(
        f"Wrote {to}: log, events, settings, versions. Names and paths were replaced; there are no "
        "images, no texts and no answers in it. Look through it before you give it away."
    )


def train_here(batches: Iterable[Batch]) -> RunFolder:
    """Show a run's events in the terminal until it ends.

    What is told after that is left to whoever goes on with `batches`.

    Raises:
        RunError: if the training failed.
    """
    columns = (PlainColumn(), BarColumn(), PlainColumn("state"))
    run: RunFolder | None = None
    stage, told = "Preparing", set[str]()
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(stage, total=None, state="")
        for event in (event for batch in batches for event in batch):
            obey()
            match event:
                case Finished() | Stopped():
                    break
                case RunNamed():
                    run = RunFolder(Path(event.path))
                case Stage():
                    stage = event.name.capitalize()
                    bar.update(task, description=stage, state="")
                case Started():
                    total = event.epochs * event.steps_per_epoch
                    bar.reset(task, total=total, description=stage, state="")
                    err.print(f"{event.method} on {event.device_name}")
                case ProgressTold():
                    bar.update(task, total=event.total, completed=event.done, state=event.what)
                case Step():
                    left = "" if event.eta_seconds is None else f"{event.eta_seconds:.0f} s left"
                    bar.update(task, completed=event.step, state=f"loss {event.loss:.3f}  {left}")
                case Epoch():
                    bar.console.print(_epoch_line(event))
                case NoticeTold() if event.text not in told:  # a run trained first says it too
                    told.add(event.text)
                    err.print(event.text)
                case Failed():
                    sentence = " ".join(filter(None, (event.message, event.advice)))
                    raise RunError(sentence) if event.refused else FailedRunError(sentence)
    if run is None:
        raise RunError("The training ended before its run folder was made.")
    return run


def _epoch_line(event: Epoch) -> str:
    best = "  best so far" if event.best else ""
    loss = event.train["loss"]
    # before the first pass nothing was learned in steps
    learned = "at the closed form" if loss is None else f"train loss {loss:.3f}"
    return (
        f"epoch {event.epoch:>2}  {learned}  "
        f"validation NLL {event.val['nll']:.3f}  accuracy {event.val['accuracy']:.1%}{best}"
    )


def report(batches: Iterable[Batch], json: str | None) -> None:
    """Train, print the results as soon as they are there, then what they are read against, and
    write all of it as JSON if asked."""
    told = iter(batches)
    run = train_here(told)
    summary = run.summary()
    if summary is None:
        raise InputError(
            f"The run {run.path} was stopped before there was anything to evaluate; resume goes on "
            "with it."
        )
    if json != "-":
        out.print(accuracy_table(summary, run.people()))
        for remark in remarks(summary):
            say(remark)
    beside(told, run, quiet=json == "-")
    write_json({**(run.summary() or summary).dump(), "names": run.people()}, json)
    if json != "-":
        say(f"{run.path / layout.REPORT} has the whole report.")


def beside(told: Iterator[Batch], run: RunFolder, *, quiet: bool = False) -> None:
    """Wait for what the results are read against, and print it."""
    columns = (PlainColumn(), BarColumn(), PlainColumn("state"))
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("Baselines", total=None, state="")
        for event in (event for batch in told for event in batch):
            obey()
            if isinstance(event, ProgressTold):
                bar.update(task, state=event.what)
    summary = run.summary()
    if summary is None or quiet:
        return
    if summary.baselines:
        out.print(baseline_table(summary))
    elif run.config().baselines != "none":
        say(f"What the results are read against could not be made; {run.log} may say why.")

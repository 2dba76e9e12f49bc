"""`prism-desktop demo`: the demo study, and if asked
the whole path from it to the window or a report."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from prism_desktop import qt_libraries
from prism_desktop.cli import open_window, training
from prism_desktop.cli.console import follow, out, say
from prism_desktop.cli.result_tables import accuracy_table
from prism_desktop.cli.writing_commands import train_writer
from prism_desktop.engine.backbone_names import MINI_LM
from prism_desktop.engine.backbones.spec import MINI
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Event
from prism_desktop.engine.files import write_text
from prism_desktop.engine.foreign_files import read_text
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import FLAGSHIP, POSTERIOR
from prism_desktop.engine.runs import layout

_WRITERS = 30  # of whom the demo's runs learn to write
_SHORT = ("epochs=2", "held_out=0.1", "entry_steps=3")


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(demo)


def demo(
    folder: Annotated[Path, typer.Argument(help="Where the study is made, such as demo.prism.")],
    texts: Annotated[
        bool, typer.Option("--texts", help="Replies of simulated writers in place of faces.")
    ] = False,
    seed: Annotated[
        int, typer.Option(help="Seed of the faces or replies and the simulated labelers.")
    ] = 0,
    images: Annotated[
        int | None, typer.Option(help="How many faces are drawn; 600 by default.", min=60)
    ] = None,
    train: Annotated[
        bool,
        typer.Option(
            "--train",
            help=f"Then train {FLAGSHIP} on it; on texts {POSTERIOR}, and two runs that write.",
        ),
    ] = False,
    show: Annotated[
        bool,
        typer.Option(
            "--show", help="Then open the window; without a display, write pictures and a report."
        ),
    ] = False,
    out_folder: Annotated[Path, typer.Option("--out", help="Where pictures and report go.")] = Path(
        "demo-output"
    ),
) -> None:
    """Make the demo study: faces or texts, with simulated labelers whose tastes are known."""
    if texts and images is not None:
        raise InputError(
            "--images counts faces, and a study of texts has none: leave out --images or --texts."
        )
    if show and not qt_libraries.display_available():
        open_window.make_folder(out_folder)
    made = _demo_of(texts=texts, seed=seed, images=images)
    cut_off = folder.is_dir() and made.is_cut_off(folder)
    if cut_off:
        say(f"The demo study {folder} was cut off while it was made; it is finished now.")
    if folder.is_dir() and train and not cut_off:
        say(f"The study {folder} is there already; it is used as it is.")
    else:
        follow(made.build(folder))
        say(f"Made the demo study {folder}; its {made.people} are simulated.")
    report = None
    if train:
        report = _train(folder)
        if texts:
            _train_writers(folder)
    if show:
        _show(folder, report, out_folder)


class _Demo(NamedTuple):
    """One of the two demo studies."""

    build: Callable[[Path], Iterator[Event[Path]]]
    is_cut_off: Callable[[Path], bool]
    people: str


def _demo_of(*, texts: bool, seed: int, images: int | None) -> _Demo:
    if texts:
        from prism_desktop.engine.demo import text_study

        build = partial(text_study.build_text_demo, seed=seed)
        return _Demo(build, text_study.is_cut_off_text_demo, "writers and judges")
    from prism_desktop.engine.demo import demo_study, ideal_accuracy

    build = partial(demo_study.build_demo, seed=seed, images=images or ideal_accuracy.IMAGES)
    return _Demo(build, demo_study.is_cut_off, "labelers")


def _train(folder: Path) -> Path:
    from prism_desktop.engine.processes import supervisor
    from prism_desktop.engine.study.store import Study

    with Study.open(folder, read_only=True) as study:
        texts = study.kind() == "text"
    method, backbone = (POSTERIOR, MINI_LM) if texts else (FLAGSHIP, MINI)
    told = supervisor.train(folder, TrainConfig(method=method, backbone=backbone))
    run = training.train_here(told)
    summary = run.summary()
    if summary is not None:
        out.print(accuracy_table(summary, run.people()))
    training.beside(told, run)
    return run.path / layout.REPORT


def _train_writers(folder: Path) -> None:
    """Two short runs of the task writing on some of the writers: the unified model, and prefixes
    on it; so that Writing and People have something to show."""
    from prism_desktop.engine.methods.writing_methods import WRITING_METHODS
    from prism_desktop.engine.methods.writing_parts import PersonPrefix
    from prism_desktop.engine.study.store import Study

    prefixes = next(one.name for one in WRITING_METHODS.values() if one.first(PersonPrefix))
    with Study.open(folder, read_only=True) as study:
        wrote = {one.labeler for one in study.own_texts()}
        people = tuple(one.code for one in study.labelers() if one.code in wrote)[:_WRITERS]
    train_writer(folder, prefixes, {"labelers": people}, _SHORT, None)


def _show(folder: Path, report: Path | None, out_folder: Path) -> None:
    if qt_libraries.display_available():
        open_window.open_window(folder)
        return
    say(
        "There is no display here, so no window opens; pictures of every panel and report.md go "
        f"to {out_folder}/."
    )
    pictures = open_window.draw_panels(folder, out_folder, "both")
    text = read_text(report) if report is not None else "# Demo study\n\nNothing was trained.\n"
    links = "\n".join(f"![{path.stem}]({path.relative_to(out_folder)})" for path in pictures)
    write_text(out_folder / "report.md", f"{text}\n## The window\n\n{links}\n")
    say(f"Wrote {out_folder / 'report.md'} and {counted(len(pictures), 'picture')}.")

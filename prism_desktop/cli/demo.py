"""`prism-desktop demo`: the demo study, and if asked
the whole path from it to the window or a report."""

from pathlib import Path
from typing import Annotated

import typer

from prism_desktop import qt_libraries
from prism_desktop.cli import open_window, training
from prism_desktop.cli.console import follow, out, say
from prism_desktop.cli.result_tables import accuracy_table
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.files import write_text
from prism_desktop.engine.foreign_files import read_text
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import FLAGSHIP
from prism_desktop.engine.runs import layout


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(demo)


def demo(
    folder: Annotated[Path, typer.Argument(help="Where the study is made, such as demo.prism.")],
    seed: Annotated[int, typer.Option(help="Seed of the faces and the simulated labelers.")] = 0,
    images: Annotated[int, typer.Option(help="How many faces are drawn.", min=60)] = 600,
    train: Annotated[bool, typer.Option("--train", help=f"Then train {FLAGSHIP} on it.")] = False,
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
    """Draw the demo study: faces with simulated labelers whose tastes are known."""
    from prism_desktop.engine.demo.demo_study import build_demo, is_cut_off

    if show and not qt_libraries.display_available():
        open_window.make_folder(out_folder)
    cut_off = folder.is_dir() and is_cut_off(folder)
    if cut_off:
        say(f"The demo study {folder} was cut off while it was made; it is finished now.")
    if folder.is_dir() and train and not cut_off:
        say(f"The study {folder} is there already; it is used as it is.")
    else:
        follow(build_demo(folder, seed=seed, images=images))
        say(f"Made the demo study {folder}; its labelers are simulated.")
    report = None
    if train:
        report = _train(folder)
    if show:
        _show(folder, report, out_folder)


def _train(folder: Path) -> Path:
    from prism_desktop.engine.processes import supervisor

    config = TrainConfig(method=FLAGSHIP, backbone="prism-mini")
    told = supervisor.train(folder, config)
    run = training.train_here(told)
    summary = run.summary()
    if summary is not None:
        out.print(accuracy_table(summary, run.people()))
    training.beside(told, run)
    return run.path / layout.REPORT


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

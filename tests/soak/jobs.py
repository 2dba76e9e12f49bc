"""What the processes do that are killed, cut off from power or refused their disk."""

import contextlib
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.study.records import GivenAnswers, PendingAnswers, TrialRecord, new_id
from prism_desktop.engine.study.store import Study
from tests.soak import shim

told = -1  # the descriptor for what is acknowledged


def tell(line: str) -> None:
    """Say that something is on the disk; what was told stays when the process is killed."""
    os.write(told, f"{line}\n".encode())
    if shim.count() >= 0:
        shim.mark(line)


def label(study: str, seed: int, steps: int = 30) -> None:
    """Record, correct, take back and bring back trials, and tell each once it was done."""
    with Study.open(study) as opened:
        label_in(opened, random.Random(seed), steps)


def label_in(study: Study, dice: random.Random, steps: int) -> None:
    """As `label`, in an open study."""
    images = [image.id for image in study.images()]
    session, counts, gone = new_id(), [], []
    for number in range(steps):
        left, right = dice.sample(images, 2)
        what = dice.choice(["record"] * 4 + ["correct", "withdraw", "restore", "pending"])
        answers = {"attractive": dice.choice(["left", "right", "tie"]), "smart": "tie"}
        trial = TrialRecord(
            new_id(), "L1", session, number, "comparison", left, right, answers=answers
        )
        if what == "pending":
            study.keep_pending(
                PendingAnswers("L1", "comparison", left, right, GivenAnswers({"smart": "left"}))
            )
            tell(f"pending {left} {right}")
        elif what == "withdraw" and counts:
            gone.append(counts.pop())
            study.withdraw(gone[-1])
            tell(f"withdrawn {gone[-1]}")
        elif what == "restore" and gone:
            counts.append(gone.pop())
            study.restore(counts[-1])
            tell(f"answered {counts[-1]}")
        elif what == "correct" and counts:
            gone.clear()  # what a later answer corrects is not brought back here
            study.record(trial, supersedes=counts.pop())
            tell(f"answered {trial.id}")
        else:
            study.record(trial)
            counts.append(trial.id)
            tell(f"answered {trial.id}")


def command(*arguments: str) -> None:
    """One command of the command line; with torch its workers are forks, see `fork_server`."""
    from prism_desktop.cli.main import main

    if "torch" not in sys.modules:
        main(list(arguments))
    from prism_desktop.engine.processes import pool
    from tests.soak.fork_server import ForkedWorkers

    workers = ForkedWorkers()
    pool.subprocess = workers  # type: ignore[attr-defined]
    try:
        main(list(arguments))
    finally:
        pool.close_waiting()
        workers.close()


def acknowledged(*arguments: str) -> None:
    """A command that is told once it has ended well."""
    try:
        command(*arguments)
    except SystemExit as error:
        if error.code:
            raise
    tell("done")


def whole_files(folder: str, count: int) -> None:
    """Replace one JSON file again and again, as manifests, states and summaries are."""
    from prism_desktop.engine.files import write_json

    for number in range(count):
        write_json(Path(folder) / "state.json", {"number": number, "text": "x" * 5000})
        tell(f"written {number}")


def checkpoints(folder: str, count: int, first: int = 1) -> None:
    """Write checkpoints, and tell each once it was saved."""
    import torch

    from prism_desktop.engine.runs import checkpoint

    for step in range(first, first + count):
        tensors = {"weight": torch.full((3000,), float(step)), "step": torch.tensor(step)}
        checkpoint.save(Path(folder), checkpoint.Checkpoint(tensors, {"step": step}), step)
        tell(f"saved {step}")


def backup(study: str) -> None:
    """A backup that is told once it was made."""
    with Study.open(study) as opened:
        tell(f"backup {opened.backup().name}")


def refused(job: str, *arguments: object) -> None:
    """Do a job whose disk or memory fails; tell what came of it."""
    tell(f"outcome {said(globals()[job], *arguments)}")


def label_on(study: str, seed: float, rounds: int = 4) -> None:
    """Label while the disk or the memory fails, go on after each refusal, and once more when all is
    well again, in the same open study."""
    dice = random.Random(seed)
    with Study.open(study) as opened:
        for _ in range(rounds):
            sentence = said(label_in, opened, dice, 3)
            if sentence != "done":
                tell(f"refused {sentence}")
        shim.disarm()
        label_in(opened, dice, 2)


def checkpoints_on(folder: str, count: int) -> None:
    """Write checkpoints while the disk fails, as a training does that goes on."""
    from prism_desktop.engine.faults import fault_of

    for step in range(1, count + 1):
        try:
            checkpoints(folder, 1, step)
        except Exception as error:
            if fault_of(error) is None:
                raise
            tell("refused")
    shim.disarm()


def checkpoints_short(folder: str, count: int, first: int, last: int) -> None:
    """Write checkpoints while Python gets no memory from one request on up to another.

    Each checkpoint has its own requests; the first and the last one get what they ask for.
    """
    import _testcapi

    from prism_desktop.engine.faults import fault_of

    checkpoints(folder, 1)  # everything is imported by now
    for step in range(2, count + 1):
        _testcapi.set_nomemory(first, last)
        try:
            checkpoints(folder, 1, step)
        except Exception as error:
            _testcapi.remove_mem_hooks()
            if fault_of(error) is None:
                raise
            tell("refused")
        finally:
            _testcapi.remove_mem_hooks()
    checkpoints(folder, 1, count + 1)


def said(job: Callable[..., object], *arguments: object) -> str:
    """ "done", or the sentence with which work ended; a mistake of the program comes through."""
    from prism_desktop.engine.faults import fault_of

    try:
        job(*arguments)
    except SystemExit as error:
        if error.code:
            return f"exit code {error.code}"
    except Exception as error:
        fault = error if isinstance(error, PrismError) else fault_of(error)
        if fault is None:
            raise
        return " ".join(str(fault).split())
    return "done"


def window(study: str, seed: int, presses: int = 24) -> None:
    """The window, labeled in by key presses; tells every trial once the window says it is saved."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from prism_desktop.ui.app import build, make_application
    from prism_desktop.ui.preferences import Settings

    app = make_application(["prism-desktop"])
    opened = build(app, Settings(Path(study).parent / "window.ini"), "light")
    opened.resize(1000, 700)
    opened.show()

    def wait(until: Callable[[], object]) -> None:
        while not until():
            app.processEvents()
            QTest.qWait(1)

    opened.context.open_study(Path(study))
    wait(lambda: opened.context.study is not None)
    panel = opened.show_panel("label")
    wait(lambda: panel.pages.currentWidget() is panel.start)
    panel.start.choose("L1", "comparison")
    QTest.mouseClick(panel.start.start, Qt.MouseButton.LeftButton)
    wait(lambda: panel.pages.currentWidget() in (panel.instructions, panel.trial))
    if panel.pages.currentWidget() is panel.instructions:
        QTest.keyClick(panel.instructions, Qt.Key.Key_N)
    dice, saved = random.Random(seed), set[tuple[str, str]]()
    for _ in range(presses):
        # a labeler does not press before the faces are there
        wait(lambda: _ready(panel) or panel.pages.currentWidget() is not panel.trial)
        if panel.pages.currentWidget() is not panel.trial:
            break  # as many as were asked for
        if dice.random() < 0.15:
            QTest.keyClick(panel.trial, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        else:
            key = dice.choice([Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Down])
            QTest.keyClick(panel.trial, key)
        wait(lambda: not panel.trial.controller.unsaved)
        assert opened.context.study is not None
        now = {(t.id, t.status) for t in opened.context.study.trials("L1", "comparison")}
        for trial, status in now - saved:
            tell(f"{status} {trial}")
        for trial, _ in saved - now:
            tell(f"withdrawn {trial}")
        saved = now
    opened.close()
    with contextlib.suppress(RuntimeError):
        opened.context.close()


def _ready(panel: object) -> bool:
    controller = panel.trial.controller  # type: ignore[attr-defined]
    queue = controller.queue if controller is not None else None
    slot = queue.current if queue is not None else None
    return slot is not None and slot.onset is not None

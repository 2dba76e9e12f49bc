"""A run of 70,000 faces x 50 labelers in Explore: reading it, filter, sort and selection to
repaint, scrolling the gallery, moving and brushing the map, and the memory of it all.

Asked: p95 <= 100 ms to repaint, <= 16 ms to scroll, <= 33 ms for a frame of the map, <= 1.5 GB.

`--labelers 1000` measures nothing but the opening, in a process that read no run before: seconds
until the run is read and the first faces are painted, asked to be <= 1, until all that is shown of
them is known, and the memory of that. `--answers` says how many answers the run has.
"""

import argparse
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from itertools import cycle
from pathlib import Path
from typing import TypeVar

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pandas as pd
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from prism_desktop.engine.analysis.face_ranking import within
from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.runs.manifest import write_manifest
from prism_desktop.engine.runs.score_files import LabelerScores, write_scores
from prism_desktop.ui.app import make_application
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.face_shares import ShareSpread
from prism_desktop.ui.explore.ranking_view import FacesView
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.run_reading import read_rest, read_run, take_rest
from prism_desktop.ui.preferences import Settings
from prism_desktop.ui.theme import Theme
from tests.bench.gallery import _pump, _thumbnails, _until
from tests.ui import fabricate

T = TypeVar("T")
FACES, LABELERS, ATTRIBUTES, ANSWERS = 70_000, 50, ("attractive", "smart"), 500_000
TIMES = 40  # of each action
OPENED = 1.0  # s, at most, until the first faces are painted
LIMITS = {"repaint": 100.0, "scrolling": 16.0, "map": 1000 / 30}  # ms, p95


def main() -> int:
    """Print the figures; 1 if one is above its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labelers", type=int)
    parser.add_argument("--answers", type=int, default=ANSWERS)
    parser.add_argument("--opened", type=Path, help="a run that was made, to be opened here")
    asked = parser.parse_args()
    if asked.opened:
        return _opened(asked.opened)
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "large.prism", asked.labelers or LABELERS, asked.answers
        with multiprocessing.get_context("spawn").Pool(1) as pool:  # whose memory is not ours
            run = pool.apply(_run, given)
        print(f"{FACES:,} faces x {given[1]:,} labelers, {asked.answers:,} answers:", flush=True)
        command = [sys.executable, "-m", "tests.bench.many_faces", "--opened", str(run)]
        late = subprocess.run(command, check=False).returncode
        return late if asked.labelers else max(late, _looked_at(Path(folder), run))


def _opened(run: Path) -> int:
    """Open a run in a window that showed none; 1 if it took longer than asked."""
    app = make_application([sys.argv[0]])
    theme = Theme(app, "light")
    theme.apply()
    context = AppContext(Settings(run.parent / "w.ini"), theme)
    view = FacesView(context)
    theme.dress(view)
    view.resize(1400, 860)
    view.show()
    view.gallery.viewport().repaint()
    begun, used = time.perf_counter(), time.process_time()

    def tell(what: str) -> float:
        took = time.perf_counter() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        print(f"{what}: {took:.2f} s, {time.process_time() - used:.2f} s of processors, at most "
              f"{peak:.2f} GB", flush=True)  # fmt: skip
        return took

    tell("before it is opened")
    data = _value(read_run(run, {}))
    tell("the run is read")
    view.show_data(data)
    view.gallery.viewport().repaint()
    took = tell("faces are painted")
    take_rest(data, _value(read_rest(data)))
    view.renew(data)
    tell("its answers are read, its predictions looked through (in a thread)")
    _until(view.idle)
    tell("all labelers have placed all faces (in a thread)")
    view.close()
    context.close()
    return int(took > OPENED)


def _value(events: Iterator[Event[T]]) -> T:
    return next(event.value for event in events if isinstance(event, Done))


def _looked_at(folder: Path, run: Path) -> int:
    """Look at the run's faces as a user does; 1 if something took longer than asked."""
    app = make_application([sys.argv[0]])
    worst: dict[str, float] = {}
    data = _value(read_run(run, {}))
    take_rest(data, _value(read_rest(data)))
    began = time.perf_counter()
    for attribute in ATTRIBUTES:
        data.standing(attribute)
    print(f"placing all faces by all labelers (in a thread): {time.perf_counter() - began:.1f} s")
    _learn(data)
    theme = Theme(app, "light")
    theme.apply()
    context = AppContext(Settings(folder / "w.ini"), theme)
    view = FacesView(context)
    theme.dress(view)
    view.resize(1400, 860)
    view.show()
    view.show_data(data)
    _until(view.idle)
    worst["repaint"] = max(_acted(name, view, act) for name, act in _actions(view))
    bar, gallery = view.gallery.verticalScrollBar(), view.gallery
    _until(lambda: bar.maximum() > FACES // 20 * gallery.gridSize().height())
    worst["scrolling"] = _scrolled(view)
    view.search.setText("")
    view.filters.none.click()
    view.map_.click()
    _until(view.idle)
    moved = _dragged("moving the map", view.plane, Qt.MouseButton.RightButton)
    view.plane.show_all()
    brushed = _dragged("brushing the map", view.plane, Qt.MouseButton.LeftButton)
    worst["map"] = max(moved, brushed)
    _until(view.idle)
    assert data.plane is not None
    assert view.plane.area is not None
    inside = int(within(data.plane, view.plane.area).sum())
    print(f"brushed: {inside:,} faces, of which the gallery shows "
          f"{view.gallery.faces.rowCount():,}")  # fmt: skip
    view.close()
    context.close()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"memory at most: {memory:.2f} GB")
    missed = [name for name, value in worst.items() if value > LIMITS[name]]
    print(f"missed: {', '.join(missed) or 'nothing'}")
    return int(bool(missed) or memory > 1.5)


def _run(study: Path, labelers: int, answers: int) -> Path:
    """A run folder of made-up tastes, marked; 400 pictures stand for all faces."""
    rng = np.random.default_rng(0)
    made = fabricate.faces(study, 12)
    run = fabricate.run(study, made, labelers=("L1", "L2"), attributes=ATTRIBUTES)
    (study / "pictures").mkdir()
    pictures = _thumbnails(study / "pictures")
    ids = [sha256(b"%d" % number).hexdigest() for number in range(FACES)]
    images = pd.DataFrame(
        {
            "image": ids,
            "name": [f"face-{number:05d}.jpg" for number in range(FACES)],
            "path": [str(pictures[number % len(pictures)]) for number in range(FACES)],
            "fold": np.arange(FACES) % 7,
            "split": np.array(["train"] * 5 + ["val", "test"])[np.arange(FACES) % 7],
        }
    )
    images.to_parquet(run / "data" / "images.parquet")
    facts = {"image": ids, "name": "group", "value": [f"g{number % 6}" for number in range(FACES)]}
    pd.DataFrame(facts).to_parquet(run / "data" / "facts.parquet")
    codes = [f"L{number:02d}" for number in range(labelers)]
    x = rng.normal(size=(FACES, 8)).astype(np.float32)
    shared = rng.normal(size=(8, len(ATTRIBUTES)))

    def scored(own: float) -> Iterator[LabelerScores]:
        for code in codes:
            tastes = shared + own * rng.normal(size=shared.shape)
            yield LabelerScores(code, (x @ tastes).astype("f4"))

    for file, own in (("predictions", 1.0), ("consensus", 0.0)):
        (run / f"{file}.parquet").unlink(missing_ok=True)
        for _ in write_scores(run / f"{file}.parquet", scored(own), ATTRIBUTES, ids):
            pass
    _write_answers(run, rng, codes, ids, answers)
    (run / "data" / "meta.json").write_text("{}")
    (run / "head.safetensors").touch()  # whose answers `_learn` makes up
    for path in run.rglob("*"):  # as of a run that ended a while ago
        os.utime(path, (time.time() - 60,) * 2)
    write_manifest(run)
    return run


def _write_answers(
    run: Path, rng: np.random.Generator, codes: Sequence[str], ids: Sequence[str], count: int
) -> None:
    """Half of them ratings, half comparisons."""
    pick = rng.integers(0, FACES, (count, 2))
    who, what = rng.integers(0, len(codes), count), rng.integers(0, 2, count)
    common = {
        "trial": np.arange(count).astype(str), "labeler": np.array(codes)[who], "session": "s",
        "order": np.arange(count), "attribute": np.array(ATTRIBUTES)[what],
    }  # fmt: skip
    names, half = np.array(ids), count // 2
    frame = pd.DataFrame({**common, "image": names[pick[:, 0]], "value": 1 + pick[:, 1] % 4})
    frame[:half].to_parquet(run / "data" / "ratings.parquet")
    sides = {"left": names[pick[:, 0]], "right": names[pick[:, 1]]}
    outcome = np.array(["left", "right", "tie"])[pick[:, 1] % 3]
    frame = pd.DataFrame({**common, **sides, "outcome": outcome})
    frame[half:].to_parquet(run / "data" / "comparisons.parquet")


def _learn(data: RunData) -> None:
    """What heads would tell: a map, and how sure each labeler's model is."""
    rng = np.random.default_rng(1)
    data.plane = rng.normal(size=(FACES, 2)).astype(np.float32)
    for code in data.labelers:
        for attribute in ATTRIBUTES:
            share = data.share(code, attribute)
            wide = rng.random(FACES, np.float32) / np.float32(4)
            spread = ShareSpread(np.maximum(share - wide, 0), np.minimum(share + wide, 1), wide)
            data.spreads[code, attribute] = spread


def _actions(view: FacesView) -> list[tuple[str, Callable[[], object]]]:
    """What a user does: the next of a few choices at each call."""
    data = view.data
    assert data is not None
    orders = cycle(("low", "apart", "unsure", "disputed", "high"))
    kinds = cycle(("answered", "held-out", "in-sample", "unanswered", ""))
    groups = cycle(("group\x1fg1", "group\x1fg4", ""))
    labelers, lows = cycle(data.labelers[1:]), cycle((20, 60, 0))
    texts, rng = cycle(("face-1", "face-12", "")), np.random.default_rng(2)

    def search() -> None:
        view.search.setText(next(texts))
        view._typing.stop()  # what a pause in typing starts
        view._order()

    return [
        ("another order", lambda: view.direction.pick(next(orders))),
        ("another labeler", lambda: view.labeler.pick(next(labelers))),
        ("filter by answer", lambda: view.filters.kind.pick(next(kinds))),
        ("filter by group", lambda: view.filters.fact.pick(next(groups))),
        ("filter by percentile", lambda: view.filters.low.setValue(next(lows))),
        ("disputed only", lambda: view.filters.disputed.toggle()),
        ("search by name", search),
        ("selecting a face", lambda: view.gallery.go(int(rng.integers(FACES)))),
    ]


def _acted(name: str, view: FacesView, act: Callable[[], object]) -> float:
    took, own = [], []
    for _ in range(TIMES):
        start, began = time.perf_counter(), time.thread_time()
        act()
        view.gallery.viewport().repaint()
        took.append(1000 * (time.perf_counter() - start))
        own.append(1000 * (time.thread_time() - began))
        _pump()
    return _told(f"{name} to repaint", took, own)


def _scrolled(view: FacesView) -> float:
    """Frames of the gallery while it is scrolled by a third of a card each, at 60 Hz."""
    took, own, bar = [], [], view.gallery.verticalScrollBar()
    for _ in range(300):
        start, began = time.perf_counter(), time.thread_time()
        bar.setValue(bar.value() + 48)
        view.gallery.viewport().repaint()
        _pump()
        took.append(1000 * (time.perf_counter() - start))
        own.append(1000 * (time.thread_time() - began))
        time.sleep(max(0.0, 0.016 - took[-1] / 1000))
    return _told("scrolling", took, own)


def _dragged(name: str, plane: QWidget, button: Qt.MouseButton) -> float:
    """Frames while the mouse goes over the map with a button down; painted at each step."""
    took, own = [], []

    def send(kind: QEvent.Type, x: float, y: float) -> None:
        at = QPointF(x, y)
        moved = kind == QEvent.Type.MouseMove
        which = Qt.MouseButton.NoButton if moved else button
        where = plane.mapToGlobal(at)
        QApplication.sendEvent(
            plane, QMouseEvent(kind, at, where, which, button, Qt.KeyboardModifier.NoModifier)
        )

    send(QEvent.Type.MouseButtonPress, 100, 100)
    for step in range(120):
        start, began = time.perf_counter(), time.thread_time()
        send(QEvent.Type.MouseMove, 110 + 2 * step, 110 + 3 * step)
        plane.repaint()
        took.append(1000 * (time.perf_counter() - start))
        own.append(1000 * (time.thread_time() - began))
        _pump()
    send(QEvent.Type.MouseButtonRelease, 350, 467)
    return _told(name, took, own)


def _told(name: str, took: list[float], own: Sequence[float] = ()) -> float:
    """Print how long something took; the p95."""
    p50, p95 = np.percentile(took, [50, 95])
    used = f"; of this processor p95 {np.percentile(own, 95):.1f} ms" if own else ""
    print(f"{name}: p50 {p50:.1f} ms, p95 {p95:.1f} ms, max {max(took):.1f} ms{used}")
    return float(p95)


if __name__ == "__main__":
    sys.exit(main())

"""How long the window stands still when a panel is looked at for the first time: with what it needs
imported ahead, as the window does once it is shown, and without; medians of the processor time of
the window's own thread, each visit in a process of its own.

`python -m tests.bench first_visits`; asked is a first visit to Train without a stall.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from prism_desktop.engine.demo.demo_study import build_demo

TIMES, LIMIT = 5, 0.5  # s
_VISIT = """
import os, sys, threading, time
from pathlib import Path
from PySide6.QtCore import QEventLoop, QTimer
from prism_desktop.ui import app
from prism_desktop.ui.preferences import Settings

def wait(done, seconds=60):
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        loop = QEventLoop()
        QTimer.singleShot(50, loop.quit)
        loop.exec()

folder, panel, ahead = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "ahead"
made = app.make_application([])
window = app.build(made, Settings(folder / "window.ini"), "light")
window.show()
window.context.open_study(folder / "demo.prism")
wait(lambda: window.context.study is not None and window.context.idle())
if ahead:
    thread = threading.Thread(target=app.import_panels)
    thread.start()
    wait(lambda: not thread.is_alive())
begun = time.thread_time()
window.show_panel(panel)
made.processEvents()
print(time.thread_time() - begun, flush=True)
os._exit(0)
"""


def visit(folder: Path, panel: str, how: str) -> float:
    """Seconds of the window's thread."""
    told = subprocess.run(
        [sys.executable, "-c", _VISIT, str(folder), panel, how],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout  # fmt: skip
    return float(told)


def main() -> int:
    """Print the medians; 1 if Train stands still for longer than it may."""
    worst = 0.0
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for _ in build_demo(folder / "demo.prism", images=30, scale=0.25):
            pass
        for panel in ("label", "train", "explore"):
            found: dict[str, list[float]] = {"ahead": [], "late": []}
            for _ in range(TIMES):
                for how, seconds in found.items():
                    seconds.append(visit(folder, panel, how))
            ahead, late = (statistics.median(seconds) for seconds in found.values())
            print(f"{panel}: {ahead:.2f} s; {late:.2f} s without imports ahead")
            worst = ahead if panel == "train" else worst
    print(f"train: at most {LIMIT} s")
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main())

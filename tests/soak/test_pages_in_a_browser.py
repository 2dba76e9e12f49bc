"""The report's page in a real browser, where Debian's chromium is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from prism_desktop.engine.events import Done
from prism_desktop.engine.experiments.report_html import as_html
from prism_desktop.engine.experiments.study_report import study_report
from prism_desktop.engine.study.store import Study
from tests.ui import fabricate

pytestmark = pytest.mark.soak


def _browser(folder: Path, page: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    words = ("--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr")
    return subprocess.run(
        ["chromium", *words, f"--user-data-dir={folder / 'profile'}", *options, page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_that_a_browser_shows_a_report_without_a_complaint(
    tiny_study: Study, tmp_path: Path
) -> None:
    made = fabricate.of_study(tiny_study)
    fabricate.run(tiny_study.path, made, labelers=("L1", "L2", "L3"), attributes=("smart",))
    report = next(e.value for e in study_report(tiny_study) if isinstance(e, Done))
    page, picture = tmp_path / "r.html", tmp_path / "r.png"
    page.write_text(as_html(report), "utf-8")
    told = _browser(tmp_path, page, "--dump-dom")
    assert "CONSOLE" not in told.stderr  # where it says what it refused or could not read
    assert "What models learned" in told.stdout
    _browser(tmp_path, page, "--window-size=1000,6000", f"--screenshot={picture}")
    with Image.open(picture) as seen:
        colours = seen.convert("RGB").getcolors(maxcolors=1 << 24)
    assert colours is not None
    blue = sum(n for n, (red, _, blue) in colours if blue > red + 60)
    assert blue > 100  # of the figures, which are in colour as the text is not

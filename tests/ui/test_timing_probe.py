"""`doctor --timing` where there is no screen to wait for."""

import json
import re
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from typer.testing import CliRunner

from prism_desktop.cli.main import app
from prism_desktop.engine.labeling.timing import FILE, kept_report


def test_that_doctor_says_not_measured_without_a_screen_and_sessions_keep_that(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRISM_CONFIG", str(tmp_path))
    assert kept_report() is None
    told = CliRunner().invoke(app, ["doctor", "--timing"])
    assert told.exit_code == 0
    assert "not measured" in told.output
    assert not re.search(r"\d+(\.\d+)? (Hz|ms)", told.output)
    assert (tmp_path / FILE).is_file()
    kept = json.loads(kept_report() or "")
    assert kept["doctor"]["figures"] is None

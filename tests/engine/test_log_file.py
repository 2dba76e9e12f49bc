"""The log never stops the program, whatever lies where it should be."""

import logging
import os
from pathlib import Path

import pytest

from prism_desktop.engine import paths
from prism_desktop.engine.log_file import NAME, logging_to_file


def test_that_lines_are_added_to_the_log() -> None:
    for number in range(2):
        with logging_to_file() as file:
            logging.getLogger("x").warning("line %d", number)
    assert [line.split()[-1] for line in file.read_text("utf-8").splitlines()] == ["0", "1"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes there")
@pytest.mark.parametrize("what", ["pipe", "folder", "link", "ring"])
def test_that_an_odd_log_is_passed_over(what: str, tmp_path: Path) -> None:
    file = paths.config() / NAME
    file.parent.mkdir(parents=True, exist_ok=True)
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    if what == "pipe":
        os.mkfifo(file)
    elif what == "folder":
        file.mkdir()
    else:
        file.symlink_to(mine if what == "link" else file)
    with logging_to_file():
        logging.getLogger("x").warning("a line")
    assert mine.read_text() == "mine"

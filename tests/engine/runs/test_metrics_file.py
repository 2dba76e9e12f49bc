"""A run's curves, cut short at any byte by a kill or a full disk."""

from pathlib import Path

import pytest

from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.runs.metrics_file import (
    append_metrics,
    drop_metrics_from,
    read_metrics,
)

_MEAN = {"nll": 0.5, "accuracy": 0.75, "n": 8}


def test_that_curves_cut_anywhere_are_read_and_gone_on_with(tmp_path: Path) -> None:
    whole = tmp_path / "whole.csv"
    for epoch in range(2):
        append_metrics(whole, epoch, epoch * 10, 1.5, "val", [("L1", "smart", _MEAN)])
    content = whole.read_bytes()
    lines = [0, *(at + 1 for at, byte in enumerate(content) if byte == 10)]
    for cut in range(len(content) + 1):
        torn = tmp_path / "metrics.csv"
        torn.write_bytes(content[:cut])
        left = read_metrics(torn)
        complete = sum(end <= cut for end in lines[2:])
        assert complete <= len(left) <= complete + 1  # a line may lack no more than its end
        drop_metrics_from(torn, 1)
        append_metrics(torn, 1, 10, 1.5, "val", [("L1", "smart", _MEAN)])
        assert read_metrics(torn)["epoch"].tolist()[-1] == 1


def test_that_another_table_is_no_curves(tmp_path: Path) -> None:
    for content in ("x", "epoch,loss\n1,2\n", "epoch,step;"):
        (tmp_path / "metrics.csv").write_text(content)
        with pytest.raises(UnreadableError):
            read_metrics(tmp_path / "metrics.csv")

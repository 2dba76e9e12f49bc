from pathlib import Path

import pytest
import torch

from prism_desktop.engine.runs import checkpoint, stored
from prism_desktop.engine.runs.checkpoint import Checkpoint


def made(step: int) -> Checkpoint:
    """A checkpoint whose tensor tells its step."""
    return Checkpoint(
        {"weight": torch.full((3,), float(step)), "count": torch.tensor(step)}, {"step": step}
    )


def test_that_the_newest_checkpoint_comes_back_and_two_are_kept(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        checkpoint.save(tmp_path, made(step), step)
    found, damaged = checkpoint.recover(tmp_path)
    assert found is not None
    assert torch.equal(found.tensors["weight"], torch.full((3,), 3.0))
    assert (found.cursor, damaged) == ({"step": 3}, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000002", "step-00000003"]


@pytest.mark.parametrize("file", ["state.safetensors", "manifest.json"])
def test_that_a_damaged_checkpoint_is_passed_over_and_never_outlives_good_ones(
    tmp_path: Path, file: str
) -> None:
    for step in (1, 5):
        checkpoint.save(tmp_path, made(step), step)
    path = tmp_path / "step-00000005" / file
    path.write_bytes(path.read_bytes()[:-8])
    found, damaged = checkpoint.recover(tmp_path)
    assert found is not None
    assert (found.cursor["step"], damaged) == (1, 1)
    for step in (2, 3):
        checkpoint.save(tmp_path, made(step), step)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000002", "step-00000003"]


def test_that_what_a_killed_writer_left_is_no_checkpoint(tmp_path: Path) -> None:
    left = tmp_path / ".step-00000009.1.tmp"
    left.mkdir()
    (left / "state.safetensors").write_bytes(b"half")
    assert checkpoint.recover(tmp_path) == (None, 0)
    checkpoint.save(tmp_path, made(1), 1)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]


def test_that_a_full_disk_keeps_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint.save(tmp_path, made(1), 1)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stored, "write_json", fail)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save(tmp_path, made(2), 2)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]
    found, _ = checkpoint.recover(tmp_path)
    assert found is not None
    assert found.cursor == {"step": 1}

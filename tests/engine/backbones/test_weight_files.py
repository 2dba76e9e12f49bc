"""Weights are looked at before any work: a pickle never reaches a process that could read it."""

import pickle
import zipfile
from pathlib import Path

import pytest

from prism_desktop.engine.backbones import check_weights, parse
from prism_desktop.engine.errors import BackboneError
from prism_desktop.engine.processes import pool
from prism_desktop.engine.study.store import Study
from tests.cli.test_study_commands import run


def _pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"weight": 1}))


def _torch_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"weight": 1}))


@pytest.mark.parametrize("write", [_pickle, _torch_archive])
@pytest.mark.parametrize("ending", ["pt", "pth", "bin", "ckpt", "pkl", "safetensors"])
def test_that_a_pickle_of_any_name_is_refused_by_its_first_bytes(
    write: object, ending: str, tmp_path: Path
) -> None:
    path = tmp_path / f"weights.{ending}"
    assert callable(write)
    write(path)
    with pytest.raises(BackboneError, match=r"is a pickle.*Convert it"):
        check_weights(parse(f"ViT-B-32:{path}"))


def test_that_another_kind_of_file_is_not_called_a_pickle(tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    with pytest.raises(BackboneError, match="no safetensors file"):
        check_weights(parse(f"ViT-B-32:{path}"))


@pytest.mark.parametrize(
    "words",
    [
        ["train"], ["compare"], ["search", "--method", "ridge"], ["shots"], ["curve"], ["methods"],
    ],
    ids=lambda words: words[0],
)  # fmt: skip
def test_that_no_process_starts_for_a_pickle(
    words: list[str],
    tiny_study: Study,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def start(*_: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(pool, "Worker", start)
    path = tmp_path / "weights.pt"
    _pickle(path)
    assert run(words[0], tiny_study.path, *words[1:], "--backbone", f"ViT-B-32:{path}") == 2
    assert "is a pickle" in capsys.readouterr().err
    assert not any(tiny_study.path.glob("runs/*"))

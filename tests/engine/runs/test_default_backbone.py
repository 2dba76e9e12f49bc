"""Where nobody chooses a backbone, the study's last choice is taken, else what is on this disk."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from prism_desktop.engine import paths
from prism_desktop.engine.backbone_names import MINI_LM
from prism_desktop.engine.backbones.spec import DEFAULT, MINI, parse
from prism_desktop.engine.backbones.weight_files import FILE, folder
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.runs.default_backbone import default_backbone, download_needed
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.store import Study

B16, OTHER = "ViT-B-16-quickgelu:openai", "RN50:cc12m"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that another test or the user has downloaded are not seen."""
    monkeypatch.setattr(paths, "cache", lambda: tmp_path / "cache")


def _download(text: str, *, whole: bool = True) -> None:
    place = folder(parse(text))
    place.mkdir(parents=True)
    (place / FILE).write_bytes(b"x" * 64)
    size = 64 if whole else 65
    said = {"url": "", "sha256": "0" * 64, "size": size, "revision": ""}
    (place / "source.json").write_text(json.dumps(said), "utf-8")


def _study(tmp_path: Path, *backbones: str) -> Path:
    """A study with a run on each of these, one after the other."""
    path = tmp_path / "s.prism"
    Study.create(path, attributes=("smart",)).close()
    for text in backbones:
        RunFolder.create(path, TrainConfig(backbone=text, method="consensus"))
    return path


def test_that_without_anything_the_embedded_one_is_taken_and_says_what_it_saw(
    tmp_path: Path,
) -> None:
    chosen = default_backbone(_study(tmp_path))
    assert chosen.backbone == MINI
    for part in ("drawn faces only", DEFAULT, "605 MB"):
        assert part in chosen.why


@pytest.mark.parametrize(
    ("here", "runs", "last", "expected"),
    [
        pytest.param((DEFAULT,), (), "", DEFAULT, id="what was downloaded"),
        pytest.param((B16, DEFAULT), (), "", DEFAULT, id="of several the usual one"),
        pytest.param((OTHER,), (), "", OTHER, id="one that is not offered by name"),
        pytest.param((OTHER, B16), (), "", B16, id="one that is offered before one that is not"),
        pytest.param((DEFAULT,), (MINI,), "", MINI, id="what the newest run had"),
        pytest.param((DEFAULT, B16), (MINI, B16), "", B16, id="the newest of two runs"),
        pytest.param((DEFAULT,), (DEFAULT,), MINI, MINI, id="what was chosen in the window since"),
    ],
)
def test_that_the_last_choice_comes_first_and_then_what_is_here(
    tmp_path: Path, here: tuple[str, ...], runs: tuple[str, ...], last: str, expected: str
) -> None:
    for text in here:
        _download(text)
    assert default_backbone(_study(tmp_path, *runs), last).backbone == expected


@pytest.mark.parametrize(
    "missing", [B16, "ViT-B-32:/nowhere/weights.safetensors", "embeddings:facenet", "no backbone"]
)
def test_that_what_is_not_here_is_named_and_never_fetched(tmp_path: Path, missing: str) -> None:
    chosen = default_backbone(_study(tmp_path, MINI), missing)
    assert chosen.backbone == MINI
    assert chosen.why.startswith(f"{missing}, chosen last, is not on this computer. ")


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param("x" * 5_000, id="no disk has such a name"),
        pytest.param(f"ViT-B-32:{'t' * 300}", id="nor such a tag"),
        pytest.param(f"ViT-B-32:{'w/' * 3_000}w.safetensors", id="nor such a path"),
        pytest.param("ViT-B-32:/of/another/user.safetensors", id="nobody may look there"),
        pytest.param("/of/another/network", id="nobody may look into the folder"),
    ],
)
def test_that_a_choice_that_cannot_even_be_looked_at_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: str
) -> None:
    usual = os.stat

    def refused(path: Any, *given: Any, **named: Any) -> os.stat_result:
        if str(path).startswith("/of/another"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return usual(path, *given, **named)

    monkeypatch.setattr(os, "stat", refused)
    chosen = default_backbone(_study(tmp_path, MINI, odd))
    assert chosen.backbone == MINI
    assert "chosen last, is not on this computer. " in chosen.why


@pytest.mark.parametrize("said", ["", "{", "[]", '{"size": 64}', "[" * 100_000])
def test_that_a_download_of_which_nobody_knows_what_it_is_hides_no_other(
    tmp_path: Path, said: str
) -> None:
    _download(DEFAULT)
    _download(B16)
    (folder(parse(DEFAULT)) / "source.json").write_text(said, "utf-8")
    assert default_backbone(_study(tmp_path)).backbone == B16


def test_that_a_download_that_broke_off_is_no_network(tmp_path: Path) -> None:
    _download(DEFAULT, whole=False)
    assert default_backbone(_study(tmp_path)).backbone == MINI


def test_that_a_download_is_told_before_it_is_needed(tmp_path: Path) -> None:
    assert "605 MB" in download_needed(DEFAULT)
    assert download_needed(OTHER)
    _download(DEFAULT)
    local = str(tmp_path / "x.safetensors")
    assert [download_needed(text) for text in (DEFAULT, MINI, "embeddings:a", f"B:{local}")] == (
        [""] * 4
    )


def test_that_a_study_of_texts_begins_with_a_network_that_reads(tiny_replies: Study) -> None:
    study = tiny_replies.path
    chosen = default_backbone(study, texts=True)
    assert chosen.backbone == MINI_LM
    assert "texts that people wrote" in chosen.why
    assert default_backbone(study, MINI, texts=True).backbone == MINI_LM  # which sees images
    assert default_backbone(study, MINI_LM, texts=True).why == ""

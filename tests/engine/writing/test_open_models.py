"""Frozen language models that stay open from run to run."""

from pathlib import Path

import pytest

from prism_desktop.engine.backbones.causal_lm import LanguageModel
from prism_desktop.engine.writing import open_models
from prism_desktop.engine.writing.open_models import opened
from tests.fixtures.language_model import make_language_model


def _opened(name: str) -> LanguageModel:
    events = opened(name, "cpu")
    try:
        while True:
            next(events)
    except StopIteration as end:
        found: LanguageModel = end.value
        return found


def test_that_models_stay_open_and_the_one_used_longest_ago_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_models, "_OPEN", {})
    monkeypatch.setattr(open_models, "_MOST", 2)
    names = [
        make_language_model(tmp_path / name, seed) for seed, name in enumerate(("a", "b", "c"))
    ]
    first, second = _opened(names[0]), _opened(names[1])
    assert _opened(names[0]) is first  # whoever asks for it
    _opened(names[2])
    assert _opened(names[0]) is first
    assert _opened(names[1]) is not second

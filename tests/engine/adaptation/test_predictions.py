"""Models of every kind score images and texts that their run never saw."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from prism_desktop.engine.adaptation.predictions import images_in, predictions, texts_in
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Notice
from prism_desktop.engine.models.predictor import load_predictor, tower_of
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.run_events import TrainingEvent
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.session import train_run
from tests.fixtures.runs import MakeRun, result
from tests.fixtures.study import draw_faces

KEYS = ["labeler", "attribute", "image"]


@pytest.mark.parametrize(
    "name", ["lora-visual-prompt", "collaborative", "mlp-decoder", "selective"]
)
def test_that_any_images_are_scored_and_those_of_the_run_as_in_its_predictions(
    name: str,
    tiny_study: Study,
    make_run: MakeRun,
    train_here: Callable[..., list[TrainingEvent]],
    tmp_path: Path,
) -> None:
    run = make_run(tiny_study, method=name, epochs=1, compare=False)
    train_here(run)
    strangers = draw_faces(tmp_path / "others", 3, seed=9)
    (tmp_path / "others" / "broken.jpg").write_bytes(b"no image")
    others = result(images_in(tmp_path / "others"))
    assert len(others) == 4
    mixed = pd.concat(
        [others, run.table("images")[["image", "name", "path"]].iloc[[5, 2]]], ignore_index=True
    )
    found = result(predictions(run, images=mixed, cache=tmp_path / "cache"))
    assert set(found["name"]) == {path.name for path in strangers} | set(mixed["name"].iloc[4:])
    assert len(found) == 3 * 2 * 5
    assert np.isfinite(found["score"]).all()
    both = found.merge(run.predictions(), on=KEYS, suffixes=("", "_stored"))
    assert len(both) == 3 * 2 * 2
    assert np.allclose(both["score"], both["score_stored"], atol=1e-4)
    if name == "lora-visual-prompt":
        assert len(result(predictions(run, "L2", "looks like a sailor", mixed))) == 5
        assert tower_of(load_predictor(run.path)).labelers == ("L1", "L2", "L3")
        return
    with pytest.raises(InputError, match="does not read text"):
        result(predictions(run, "L2", "looks like a sailor"))
    with pytest.raises(InputError, match="no image tower of its own"):
        tower_of(load_predictor(run.path))


def test_that_a_folder_without_images_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no .* image in"):
        result(images_in(tmp_path))


@pytest.mark.parametrize("name", ["hierarchical-bayes", "lora-visual-prompt"])
def test_that_any_texts_are_scored_and_those_of_the_run_as_in_its_predictions(
    name: str,
    tiny_replies: Study,
    make_run: MakeRun,
    tiny_language_model: str,
    tmp_path: Path,
) -> None:
    run = make_run(
        tiny_replies, method=name, backbone=tiny_language_model, epochs=1, start="random",
        compare=False,
    )  # fmt: skip
    list(train_run(run, Control(run)))
    known = tiny_replies.texts()[5]
    table = tmp_path / "new.csv"
    rows = [("new", "Never said before.", "Why?"), ("old", known.text, known.prompt), ("", "", "")]
    pd.DataFrame(rows, columns=["id", "text", "prompt"]).to_csv(table, index=False)
    found = result(predictions(run, images=result(texts_in(table)), cache=tmp_path / "cache"))
    assert set(found["name"]) == {"new", "old"}
    assert np.isfinite(found["score"]).all()
    both = found.merge(run.predictions(), on=KEYS, suffixes=("", "_stored"))
    assert set(both["name"]) == {"old"}
    assert np.allclose(both["score"], both["score_stored"], atol=1e-4)


def test_that_images_are_not_asked_of_a_run_of_texts_nor_texts_of_one_of_images(
    tiny_replies: Study,
    tiny_study: Study,
    make_run: MakeRun,
    tiny_language_model: str,
    tmp_path: Path,
) -> None:
    replies = make_run(tiny_replies, backbone=tiny_language_model, compare=False)
    faces = make_run(tiny_study, compare=False)
    draw_faces(tmp_path / "others", 1, seed=9)
    (tmp_path / "texts.csv").write_text("text\nHello there.\n")
    images, texts = result(images_in(tmp_path / "others")), result(texts_in(tmp_path / "texts.csv"))
    with pytest.raises(InputError, match="--texts FILE"):
        result(predictions(replies, images=images))
    with pytest.raises(InputError, match="--images FOLDER"):
        result(predictions(faces, images=texts))


def test_that_texts_that_stand_twice_are_scored_once_and_told(tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_text("id,text\na,Same.\nb,Same.\nc,Other.\n")
    events = list(texts_in(tmp_path / "texts.csv"))
    assert any(isinstance(event, Notice) and "1 row says" in event.text for event in events)
    assert list(result(iter(events))["name"]) == ["a", "c"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", b"post,likes\nHello,3\n", "has no column text; .* as far as they are known."),
        ("t.csv", b"", "holds no rows|is empty"),
        ("t.json", b"{", "."),
        ("t.xlsx", b"PK\x03\x04 and no more", "."),
        ("t.parquet", b"PAR1", "."),
        ("none.csv", None, "cannot be read"),
    ],
)
def test_that_what_cannot_be_scored_is_told_without_the_words_of_an_import(
    name: str, content: bytes | None, words: str, tmp_path: Path
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=words) as refused:
        result(texts_in(file))
    said = str(refused.value)
    assert said.endswith("Nothing was scored.")
    assert "import" not in said.replace(str(tmp_path), "")
    assert "--" not in said
    with pytest.raises(InputError, match=r"no folder of images .* nothing was scored"):
        result(images_in(file))


def test_that_a_table_without_a_text_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_text("id,text\na,\n")
    with pytest.raises(InputError, match=r"no text .* to score. Row 2: the text is empty"):
        result(texts_in(tmp_path / "texts.csv"))

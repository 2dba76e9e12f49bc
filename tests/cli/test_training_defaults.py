"""What a command takes where its user names no method, however the rest was said."""

import pytest

from prism_desktop.cli.training_defaults import Completed, unread, with_backbone, with_method
from prism_desktop.cli.writing_commands import unread_of_writing
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.methods import FLAGSHIP, METHODS
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.store import Study


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({"backbone": "embeddings:facenet"}, []),
        ({}, ["backbone=embeddings:facenet"]),
        ({"labelers": ("L1",)}, []),
        ({}, ["labelers=L1"]),
        ({"labelers": ("L1",)}, ["labelers=L1"]),
    ],
)
def test_that_the_method_is_possible_with_whatever_else_was_said(
    tiny_study: Study, options: dict[str, object], settings: list[str]
) -> None:
    asked = with_method(tiny_study.path, Completed(options), settings)
    embeddings = "embeddings" in f"{options}{settings}"
    obstacle = METHODS[asked.options["method"]].obstacle(
        embeddings=embeddings, labelers=3 if embeddings else 1, profiles=False
    )
    assert obstacle == ""
    assert len(asked.notes) == 1


def test_that_the_usual_method_is_taken_without_a_word(tiny_study: Study) -> None:
    asked = with_method(tiny_study.path, Completed({"backbone": "prism-mini"}), ["labelers=L1,L2"])
    assert asked.options["method"] == FLAGSHIP
    assert asked.notes == ()


@pytest.mark.parametrize("simulated", [True, False])
def test_that_what_the_embedded_network_saw_is_told_of_later_runs_on_people_too(
    tiny_study: Study, simulated: bool
) -> None:
    if simulated:
        tiny_study.add_labeler("S1", simulated=True)
    RunFolder.create(tiny_study.path, TrainConfig(backbone="prism-mini", method="consensus"))
    asked = with_backbone(tiny_study.path, {}, [])
    assert asked.options == {"backbone": "prism-mini"}
    assert ["drawn faces only" in note for note in asked.notes] == [True] * (not simulated)


@pytest.mark.parametrize(
    ("method", "settings", "told"),
    [
        (
            "hierarchical-bayes", ["rank=3", "members=consensus,collaborative"],
            "epochs and rank change only the consensus that hierarchical-bayes is compared with. "
            "members changes nothing for hierarchical-bayes.",
        ),
        (
            "hierarchical-bayes", ["trunk=1", "compare=false"],
            "epochs and trunk change nothing for hierarchical-bayes.",
        ),
        ("hierarchical-bayes", ["threads=1", "device=cpu", "split.kind=pair"],
         "epochs changes only the consensus that hierarchical-bayes is compared with."),
        ("full-finetune", ["trunk=1"],
         "trunk changes only the consensus that full-finetune is compared with."),
        ("lora-visual-prompt", ["rank=3", "members=collaborative", "decoder.vector=8"],
         "members and decoder.vector change nothing for lora-visual-prompt."),
        ("ensemble", ["members=collaborative", "rank=3"], ""),
    ],
)  # fmt: skip
def test_that_settings_which_change_nothing_are_told(
    method: str, settings: list[str], told: str
) -> None:
    config = TrainConfig().with_options({"method": method}, settings)
    assert unread(config, {"method": method, "epochs": 3}, settings) == told


@pytest.mark.parametrize(
    ("method", "members", "keys", "told"),
    [
        ("consensus", None, ["rank", "prefix"], "prefix changes nothing for consensus."),
        ("cluster-prefix", None, ["encoder", "lora_lr", "precision", "threads"], ""),
        ("retrieval-bm25", None, ["epochs", "seed", "encoder", "examples", "temperature"],
         "epochs and encoder change nothing for retrieval-bm25."),
        ("ensemble", ("e2p-1",), ["prefix_lr", "members", "experts"],
         "experts changes nothing for ensemble."),
    ],
)  # fmt: skip
def test_that_settings_which_change_nothing_of_how_somebody_writes_are_told(
    method: str, members: tuple[str, ...] | None, keys: list[str], told: str
) -> None:
    assert unread_of_writing(method, members, keys) == told

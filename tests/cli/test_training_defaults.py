"""What a command takes where its user names no method, however the rest was said."""

import pytest

from prism_desktop.cli.training_defaults import Completed, with_method
from prism_desktop.engine.methods import FLAGSHIP, METHODS
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

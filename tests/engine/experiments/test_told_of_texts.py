"""What is told or refused of a study of texts speaks of texts, also where that takes odd data."""

import random
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Notice, Progress
from prism_desktop.engine.experiments.rehearsal import doubts, rehearse
from prism_desktop.engine.labeling.protocol import BlockRules, Protocol, RepeatRules
from prism_desktop.engine.labeling.protocol_session import surroundings
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.records import TrialRecord, new_id
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.session import train_run
from prism_desktop.engine.training.snapshot import make_snapshot
from tests.fixtures.comparing import plan_of, prepared

_OF_FACES = re.compile(r"\b(faces?|images?|pictures?|photo\w*|person shown)\b", re.IGNORECASE)
_OPTION = re.compile(r"--split image")  # as it is typed


def _of_faces(sentences: Iterator[str] | tuple[str, ...]) -> list[str]:
    return [each for each in sentences if _OF_FACES.search(_OPTION.sub("", each))]


def _across(study: Study) -> None:
    """Comparisons of any two texts, whatever their folds."""
    dice, texts = random.Random(0), [text.id for text in study.texts()]
    pairs = [dice.sample(texts, 2) for _ in range(200)]
    made = []
    for place, (one, other) in enumerate(pairs):
        who, won = place % 3, dice.choice(("left", "right"))
        made.append(
            TrialRecord(
                new_id(), f"L{who + 1}", f"across {who}", place, "comparison", one, other,
                answers={"kind": won}, probability=0.1,
            )
        )  # fmt: skip
    study.record(made)


def _run(study: Study, backbone: str, more: Mapping[str, Any]) -> RunFolder:
    given = {"method": "hierarchical-bayes", "backbone": backbone, "device": "cpu", "threads": 1}
    run = RunFolder.create(study.path, TrainConfig.checked(given | dict(more)))
    make_snapshot(study, run, run.config())
    return run


@pytest.mark.parametrize(
    ("across", "split", "about"),
    [
        (True, {"kind": "image"}, "are not used"),
        (False, {"kind": "image", "train": 0.5}, "change nothing"),
        (False, {"kind": "label"}, "the label split tests"),
    ],
)
def test_that_what_a_split_made_of_the_answers_is_told_of_texts(
    tiny_replies: Study, tiny_language_model: str, across: bool, split: dict[str, Any], about: str
) -> None:
    if across:
        _across(tiny_replies)
    run = _run(tiny_replies, tiny_language_model, {"split": split})
    meta = run.meta()
    assert about in " ".join(meta.notices).lower()
    assert _of_faces((*meta.notices, meta.split.warning or "")) == []


@pytest.mark.parametrize("split", [{"kind": "image"}, {"kind": "labeler"}])
def test_that_what_cannot_be_learned_from_is_refused_in_words_of_texts(
    tiny_replies: Study, tiny_language_model: str, split: dict[str, Any]
) -> None:
    for labeler in ("L2", "L3"):
        for trial in tiny_replies.trials(labeler):
            tiny_replies.withdraw(trial.id)
    if split["kind"] == "image":  # ratings that do not differ tell nothing
        for trial in tiny_replies.trials("L1"):
            tiny_replies.withdraw(trial.id)
        text = tiny_replies.texts()[0].id
        tiny_replies.record([
            TrialRecord(new_id(), "L1", "same", 0, "rating", text, answers={"kind": 3})
        ])  # fmt: skip
    with pytest.raises(InputError) as refused:
        _run(tiny_replies, tiny_language_model, {"split": split})
    assert _of_faces((str(refused.value),)) == []


def test_that_all_that_a_training_tells_is_of_texts(
    tiny_replies: Study, tiny_language_model: str
) -> None:
    run = _run(tiny_replies, tiny_language_model, {"method": "collaborative"})
    told = []
    for event in train_run(run, Control(run)):
        if isinstance(event, Progress):
            told.append(event.what)
        elif isinstance(event, Notice):
            told.append(event.text)
    assert any("replies have beyond their features" in each for each in told)
    assert _of_faces(tuple(told)) == []


@pytest.mark.parametrize("crossed", [None, True])
def test_that_how_methods_are_compared_is_told_of_texts(
    tiny_replies: Study, tiny_language_model: str, crossed: bool | None
) -> None:
    plan = plan_of(tiny_replies, tiny_language_model, "hierarchical-bayes", cross_fit=crossed)
    made = prepared(plan)
    assert bool(made.remarks) == (crossed is None)
    assert _of_faces(made.remarks) == []


def test_that_a_rehearsal_tells_of_too_few_texts(tiny_replies: Study) -> None:
    block = BlockRules(name="R", kind="rating", trials=50)
    protocol = Protocol(repeats=RepeatRules(share=0), blocks=(block,))
    events = rehearse(protocol, surroundings(tiny_replies, protocol), 1)
    (found,) = [event.value for event in events if isinstance(event, Done)]
    told = doubts(protocol, found, 2, tiny_replies.words())
    assert any("too few replies" in each for each in told)
    assert _of_faces(told) == []

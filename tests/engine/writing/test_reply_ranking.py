"""Whose generated replies people prefer: pairs for Label, and what was answered."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.labeling.labeling_session import LabelingSession
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.writing_files import WritingSummary
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import TextRecord
from prism_desktop.engine.writing.answered_texts import MEASURES, AnsweredText, write_answered
from prism_desktop.engine.writing.own_text_data import take_texts, write_texts
from prism_desktop.engine.writing.reply_ranking import make_ranking, read_ranking
from prism_desktop.engine.writing.tested_settings import KNOWN
from prism_desktop.engine.writing.text_quality import asked_rows
from prism_desktop.engine.writing.writing_config import WritingConfig


def _run(study: Path, method: str, said: str, same: int = 0) -> RunFolder:
    """A finished run that wrote the same beginning to every prompt; to the first `same` ones what
    every run would."""
    with Study.open(study, read_only=True) as opened:
        texts = take_texts(opened, WritingConfig(method=method, held_out=0))
    run = RunFolder(study / layout.WRITING / f"run-{method}")
    run.data.mkdir(parents=True)
    write_texts(run, texts)
    (run.path / layout.CONFIG).write_text(WritingConfig(method=method).model_dump_json())
    WritingSummary(method=method).save(run.path / layout.WRITTEN)
    rows = asked_rows(texts, 2)
    shares = dict.fromkeys(MEASURES, 0.5)
    told = ["fine" if place < same else f"{said} {place}" for place in range(len(rows))]
    answered = {row: AnsweredText(one, shares, method) for row, one in zip(rows, told, strict=True)}
    write_answered(run, texts, {KNOWN: answered})
    return run


@pytest.fixture
def study(written_study: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written_study, tmp_path / "written.prism"))


def _judge(path: Path, who: str, wanted: str, *, simulated: bool = False, ties: int = 0) -> int:
    """Go through Label as somebody who prefers texts that begin so; returns how many pairs."""
    with Study.open(path) as opened:
        opened.add_labeler(who, simulated=simulated)
        session = LabelingSession(opened, who, "comparison")
        texts: Mapping[str, TextRecord] = {one.id: one for one in opened.texts()}
        seen = 0
        while (shown := session.current) is not None:
            assert shown.right is not None
            left, right = texts[shown.left.id], texts[shown.right.id]
            assert left.prompt == right.prompt  # never anything else
            assert left.prompt is not None
            assert "both replies are generated" in left.prompt
            fresh = shown.repeat_of is None
            tie = fresh and seen < ties
            answer = "tie" if tie else "left" if left.text.startswith(wanted) else "right"
            session.answer({"preferred": answer})
            seen += fresh
        return seen


def test_that_pairs_are_judged_blind_and_ties_are_half(study: Path, tmp_path: Path) -> None:
    first = _run(study, "unprompted", "hm", same=1)
    second = _run(study, "consensus", "dear", same=1)
    made = make_ranking(first, second, tmp_path / "ranked.prism", seed=3)
    assert (made.pairs, made.same) == (7, 1)
    with Study.open(made.path, read_only=True) as opened:
        for one in opened.texts():
            told = f"{one.name}{one.prompt}{one.text}{one.author}"
            assert not any(name in told for name in ("unprompted", "consensus", "ada"))
        firsts = [one.text.split()[0] for one in opened.texts() if one.name.endswith("a")]
        assert len(set(firsts)) == 2  # neither method is always the first
    with pytest.raises(InputError, match="Nobody has judged"):
        read_ranking(made.path)
    assert _judge(made.path, "ann", "dear", ties=2) == 7
    assert _judge(made.path, "bo", "hm") == 7
    _judge(made.path, "robot", "hm", simulated=True)
    people, robots = read_ranking(made.path).found
    assert people.first == "consensus (run-consensus)"
    assert people.per_labeler["ann"].value == pytest.approx((5 + 2 / 2) / 7)
    assert people.per_labeler["bo"].value == 0
    assert people.share.value == pytest.approx((6 / 7 + 0) / 2)
    assert people.share.texts == 14  # a pair that came again counts once
    assert people.share.few
    assert (people.ties, people.judged, people.pairs, people.same) == (2, 7, 7, 1)
    assert robots.simulated
    assert robots.share.value == 0


def test_that_runs_which_cannot_be_compared_are_refused_and_nothing_is_made(
    study: Path, tmp_path: Path
) -> None:
    first, second = _run(study, "unprompted", "hm"), _run(study, "consensus", "hm")
    new = tmp_path / "ranked.prism"
    with pytest.raises(InputError, match="two different runs"):
        make_ranking(first, first, new)
    with pytest.raises(InputError, match="wrote the same"):
        make_ranking(first, second, new)
    (second.path / layout.GENERATED).unlink()
    with pytest.raises(InputError, match="wrote no texts"):
        make_ranking(first, second, new)
    (second.path / layout.WRITTEN).unlink()
    with pytest.raises(InputError, match="no tested run"):
        make_ranking(first, second, new)
    assert not new.exists()
    with pytest.raises(InputError, match="no study of two methods"):
        read_ranking(study)

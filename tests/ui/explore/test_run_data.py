"""What Explore reads of a run folder."""

from pathlib import Path

import numpy as np
import pytest

from prism_desktop.engine.errors import RunError
from prism_desktop.ui.explore.face_shares import percentiles
from prism_desktop.ui.explore.operations import result
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.run_reading import read_run


def read(run: Path) -> RunData:
    found = result(list(read_run(run, {"L1": "Ada"})))
    assert isinstance(found, RunData)
    return found


def test_that_scores_stand_where_labeler_attribute_and_image_say(run: Path) -> None:
    import pandas as pd

    data = read(run)
    assert data.score_table(data.attributes).shape == (3, 2, 24)
    assert (data.labelers, data.attributes, data.names["L1"]) == (
        ("L1", "L2", "L3"),
        ("attractive", "smart"),
        "Ada",
    )
    table = pd.read_parquet(run / "predictions.parquet")
    for labeler, attribute, image, score in table.sample(20, random_state=0).itertuples(
        index=False
    ):
        assert data.score(labeler, attribute)[data.row[image]] == pytest.approx(score)
    assert data.consensus is not None
    assert not np.isnan(data.consensus).any()


def test_that_answers_are_found_from_both_faces(run: Path) -> None:
    data = read(run)
    turned = {"won": "lost", "lost": "won", "tie": "tie"}
    face, answers = next(
        (face, found)
        for face in range(len(data.images))
        if (found := data.answers.about(face)) and found[-1].kind == "comparison"
    )
    answer = answers[-1]
    other = [
        each
        for each in data.answers.about(answer.other)
        if each.other == face and each.labeler == answer.labeler
    ]
    assert turned[answer.outcome] in {
        each.outcome for each in other if each.attribute == answer.attribute
    }


def test_that_percentiles_share_ties_and_keep_what_is_unknown() -> None:
    found = percentiles(np.array([3.0, 1.0, np.nan, 1.0, 5.0], np.float32))
    assert found[[0, 1, 3, 4]] == pytest.approx([2 / 3, 1 / 6, 1 / 6, 1.0])
    assert np.isnan(found[2])
    assert percentiles(np.array([2.0], np.float32)) == pytest.approx([0.5])


def test_that_a_run_without_predictions_says_so(run: Path) -> None:
    (run / "predictions.parquet").unlink()
    with pytest.raises(RunError, match="no predictions"):
        list(read_run(run, {}))


def test_that_a_broken_file_is_told_in_a_sentence(run: Path) -> None:
    (run / "predictions.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(RunError, match="cannot be read"):
        list(read_run(run, {}))


def test_that_a_typed_attribute_stands_beside_the_labeled_ones(run: Path) -> None:
    data = read(run)
    data.with_attribute("friendly", {"L2": np.arange(24, dtype=np.float32)})
    assert data.attributes == ("attractive", "smart", "friendly")
    assert data.score("L2", "friendly")[5] == 5
    assert np.isnan(data.score("L1", "friendly")).all()
    data.with_attribute("friendly", {"L2": np.zeros(24, np.float32)})
    assert data.score_table(data.attributes).shape == (3, 3, 24)
    assert not data.score("L2", "friendly").any()

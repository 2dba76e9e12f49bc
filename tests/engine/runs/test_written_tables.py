"""The tables of a data snapshot, written from coded frames and read in either way."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from prism_desktop.engine.evaluation.controls import shuffle_labelers
from prism_desktop.engine.evaluation.pairs import coded_together, pairs_from_ratings
from prism_desktop.engine.models.answers import answers
from prism_desktop.engine.parquet_forms import read_coded, read_frame, read_heading
from prism_desktop.engine.runs.run_tables import PLACE, TABLES
from prism_desktop.engine.runs.written_tables import write_table
from tests.engine.evaluation import fabricate

RATED = fabricate.random_ratings(30, 40, 3)
RATED["trial"] = RATED["labeler"] + RATED["image"]  # of both attributes
SPLIT = {image: "test" if number % 3 else "train" for number, image in enumerate(RATED["image"])}


@pytest.fixture(params=["as given", "shuffled"])
def both(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The pairs of some ratings, made of text, and the file of the same made of codes; as they are,
    and with their labelers shuffled."""
    plain = pairs_from_ratings(RATED, SPLIT)
    made = pairs_from_ratings(coded_together(RATED)[0], SPLIT)
    if request.param == "shuffled":
        plain, made = shuffle_labelers(plain), shuffle_labelers(made)
    write_table(made, tmp_path / "pairs.parquet")
    return plain, read_frame(tmp_path / "pairs.parquet", TABLES["pairs"])


def test_that_coded_pairs_are_written_as_those_of_text(
    both: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path
) -> None:
    plain, written = both
    assert len(plain) > 100
    pd.testing.assert_frame_equal(written, plain)
    assert plain["trial"].str.contains("+", regex=False).all()
    held = read_heading(tmp_path / "pairs.parquet").columns
    assert [*held] == [*plain.columns, "place"]


def test_that_places_tell_presentations_apart_as_trials_do(
    both: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path
) -> None:
    plain, _ = both
    form = {name: cells for name, cells in TABLES["pairs"].items() if name != "trial"}
    held = read_coded(
        tmp_path / "pairs.parquet", form | {"place": PLACE}, together=("left", "right")
    )
    names = [sorted(set(plain[key])) for key in ("labeler", "attribute")]
    images = sorted({*plain["left"], *plain["right"]})
    for split in ("train", "test"):
        one, other = (
            answers(frame[frame["split"] == split], names[0], names[1], images)
            for frame in (plain, held)
        )
        for field in ("labeler", "attribute", "left", "right", "outcome", "weight", "group"):
            assert np.array_equal(getattr(one, field), getattr(other, field)), field
        assert one.group.max() > 10


def test_that_ratings_are_written_as_those_of_text(tmp_path: Path) -> None:
    write_table(coded_together(RATED)[0], tmp_path / "coded.parquet")
    write_table(RATED, tmp_path / "plain.parquet")
    form = TABLES["ratings"]
    pd.testing.assert_frame_equal(
        read_frame(tmp_path / "coded.parquet", form), read_frame(tmp_path / "plain.parquet", form)
    )

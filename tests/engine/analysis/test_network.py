"""The network of labelers."""

import dataclasses

import numpy as np

from prism_desktop.engine.analysis.agreement import AgreementResult
from prism_desktop.engine.analysis.network import links, network


def result(matrix: np.ndarray) -> AgreementResult:
    names = tuple(f"L{number}" for number in range(len(matrix)))
    counts = np.where(np.isnan(matrix), 0, 30)
    return AgreementResult(names, matrix, counts, matrix - 0.1, matrix + 0.1, "comparisons", None)


def two_camps(size: int) -> AgreementResult:
    camp = np.arange(size) % 2
    return result(np.where(camp[:, None] == camp, 0.9, 0.3))


def test_that_edges_are_those_above_the_threshold_and_the_lonely_are_kept() -> None:
    matrix = np.array([[1.0, 0.8, np.nan], [0.8, 1.0, 0.55], [np.nan, 0.55, 1.0]])
    drawn = network(result(matrix), threshold=0.6)
    assert [(link.labeler, link.other, link.agreement, link.count) for link in drawn.links] == [
        ("L0", "L1", 0.8, 30)
    ]
    assert set(drawn.positions) == {"L0", "L1", "L2"}
    assert drawn.isolated == ("L2",)


def test_that_the_links_are_rows_of_the_table() -> None:
    matrix = np.array(
        [
            [1.0, 0.6, np.nan, 0.7],
            [0.6, 1.0, 0.9, 0.6],
            [np.nan, 0.9, 1.0, 0.2],
            [0.7, 0.6, 0.2, 1.0],
        ]
    )
    counts = np.where(np.isnan(matrix), 0, 10)
    counts[0, 3] = counts[3, 0] = 2
    found = dataclasses.replace(result(matrix), counts=counts)
    for threshold in (0.0, 0.6, 0.61, 1.0):
        for fewest in (0, 1, 2, 3, 11):
            rows = found.frame().query("agreement >= @threshold and count >= @fewest")
            table = {
                (row.labeler, row.other, row.agreement, row.count_)
                for row in rows.rename(columns={"count": "count_"}).itertuples()
            }
            made = links(found, threshold, fewest)
            assert {(one.labeler, one.other, one.agreement, one.count) for one in made} == table
            assert [one.agreement for one in made] == sorted(
                (one.agreement for one in made), reverse=True
            )
            assert network(found, threshold, fewest).links == made
    assert ("L0", "L2") not in {(one.labeler, one.other) for one in links(found)}


def test_that_labelers_who_share_nothing_have_a_place() -> None:
    drawn = network(result(np.full((3, 3), np.nan)))
    assert len(set(drawn.positions.values())) == 3
    assert drawn.links == ()


def test_that_the_layout_repeats_and_ignores_the_threshold() -> None:
    assert network(two_camps(20), 0.2).positions == network(two_camps(20), 0.8).positions


def test_that_those_who_agree_stand_closer() -> None:
    places = np.array(list(network(two_camps(50)).positions.values()))
    camp = np.arange(50) % 2
    apart = np.linalg.norm(places[:, None] - places, axis=-1)
    assert apart[camp[:, None] == camp].mean() < 0.6 * apart[camp[:, None] != camp].mean()


def test_that_nobody_is_no_network() -> None:
    assert network(result(np.zeros((0, 0)))).positions == {}

"""Moments and response times, by the column as a whole."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prism_desktop.engine.study.importing.values.moments import (
    read_moments,
    read_seconds,
    unit_in_name,
)
from tests.engine.study.importing.columns import column

WHEN = datetime(2026, 11, 28, 14, 3, 5, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text",
    ["2026-11-28T14:03:05Z", "2026-11-28 14:03:05", "2026-11-28T15:03:05+01:00",
     "2026-11-28_14h03.05.000", "11/28/2026 14:03:05", "11/28/2026 2:03:05 PM",
     "28.11.2026 14:03:05",
     "28/11/2026 14:03:05", "28.11.26 14:03:05", "28-11-2026 14:03:05", "2026/11/28 14:03:05",
     "Sat Nov 28 2026 14:03:05 GMT+0000 (Coordinated Universal Time)", "28 November 2026 14:03:05",
     "Nov 28, 2026, 2:03:05 PM", "1795874585", "1795874585000", "1795874585000000",
     "28. November 2026 14:03:05", "２０２６-11-28 14:03:05"],
)  # fmt: skip
def test_that_a_moment_is_read_however_it_is_written(text: str) -> None:
    found = read_moments(column(text, name="Timestamp"))
    assert found.values.tolist() == [WHEN]
    assert not found.unreadable.any()


def test_that_psychopy_s_fraction_is_kept() -> None:
    (value,) = read_moments(column("2022-04-20_15h26.51.794")).values
    assert value == pytest.approx(datetime(2022, 4, 20, 15, 26, 51, 794000, UTC).timestamp())


def test_that_a_spreadsheet_s_days_are_read() -> None:
    (value,) = read_moments(column("46354.5")).values
    assert datetime.fromtimestamp(value, UTC) == datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("dates", "months"),
    [
        (["03/04/2026", "28/04/2026"], [4, 4]),
        (["03/04/2026", "04/28/2026"], [3, 4]),
        (["03.04.2026"], [4]),
        (["03/04/2026"], None),
        (["13/04/2026", "04/13/2026"], None),
        (["3-4-2026 10:00"], None),
    ],
)
def test_that_the_whole_column_tells_day_from_month(
    dates: list[str], months: list[int] | None
) -> None:
    found = read_moments(column(*dates, name="Timestamp"))
    if months is None:
        assert found.unreadable.all()
        assert "does not tell day from month" in found.doubts[0].text
        assert "2026-11-28" in found.doubts[0].text
    else:
        assert [datetime.fromtimestamp(v, UTC).month for v in found.values] == months
        assert not any("day from month" in doubt.text for doubt in found.doubts)


def test_that_the_user_s_order_decides() -> None:
    (value,) = read_moments(column("03/04/2026"), day_first=True).values
    assert datetime.fromtimestamp(value, UTC).month == 4


@pytest.mark.parametrize(
    "text", ["yesterday", "12", "T01", "2026", "14:03", "99/99/2026", "32.01.2026", "May", "1e300",
             "2026-13-01", "13/13/2026 25:00", "may 5", "0", "-1"]
)  # fmt: skip
def test_that_what_is_no_moment_is_left_empty_and_told_once(text: str) -> None:
    found = read_moments(column(text, "2026-11-28T14:03:05Z", text))
    assert math.isnan(found.values[0])
    assert found.values[1] == WHEN
    (doubt,) = found.doubts
    assert (doubt.count, doubt.rows) == (2, (0, 2))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-11-28 14:03:05", "read as UTC"),
        ("28.11.26", "two digits"),
        ("1795874585000", "in ms"),
        ("46354", "numbers of days"),
    ],
)
def test_that_readings_which_may_be_wrong_are_told(text: str, told: str) -> None:
    assert any(told in doubt.text for doubt in read_moments(column(text)).doubts)


@pytest.mark.parametrize(
    ("cells", "name", "seconds"),
    [
        (["1.5", "2"], "rt", [1.5, 2]),
        (["1500", "2000"], "rt", [1.5, 2]),
        (["1500", "2000"], "rt_ms", [1.5, 2]),
        (["50", "60"], "RT (ms)", [0.05, 0.06]),
        (["1500000", "2000000"], "rt", [1.5, 2]),
        (["42", "50"], "WorkTimeInSeconds", [42, 50]),
        (["900", "950"], "duration in seconds", [None, None]),
        (["1500", "2000"], "seconds", [None, None]),
        (["1.5 s", "850ms", "2,5 sec"], "rt", [1.5, 0.85, 2.5]),
        (["00:01.5", "01:02", "0:01:02.25"], "rt", [1.5, 62, 62.25]),
        (["timeout", "1.5"], "rt", [None, 1.5]),
        (["-1", "1.5"], "rt", [None, 1.5]),
        (["", "NA", "1.5"], "rt", [None, 1.5]),
        (["0", "0.0", "00", "1500", "2000"], "rt", [0, 0, 0, 1.5, 2]),
        (["soon", "1.5", "1e999"], "rt", [None, 1.5, None]),
        (["1,234.5", "850.5"], "rt_ms", [1.2345, 0.8505]),
        (["1,234", "850.5"], "rt_ms", [1.234, 0.8505]),
        (["1,234", "850"], "rt_ms", [None, 0.85]),
        (["1,234", "0,85"], "rt", [1.234, 0.85]),
        (["1 234", "1'234", "850"], "rt_ms", [1.234, 1.234, 0.85]),
        (["1,234", "1.234,5", "1.2.3"], "rt_ms", [0.001234, 1.2345, None]),
        (["1,234 ms", "850 ms"], "rt", [None, 0.85]),
        (["1,234.5 ms", "850,5 ms"], "rt", [1.2345, 0.8505]),
    ],
)
def test_that_response_times_are_read_with_their_unit(
    cells: list[str], name: str, seconds: list[float | None]
) -> None:
    found = read_seconds(column(*cells, name=name))
    assert [None if math.isnan(v) else pytest.approx(v) for v in found.values] == seconds


def test_that_the_user_s_unit_decides() -> None:
    assert read_seconds(column("900", name="rt"), "s").values.tolist() == [900]


@pytest.mark.parametrize(
    ("cells", "name", "kinds"),
    [
        (["1.5", "2"], "rt", []),
        (["1500", "2000"], "rt_ms", []),
        (["1500", "2000"], "rt", ["unit"]),
        (["42", "50"], "rt", ["unit"]),
        (["900", "950"], "rt_s", ["unit"]),
        (["1.5", "2"], "rt_ms", ["unit"]),
        (["1.5", "timeout", "soon"], "rt", ["time"]),
        (["1.5", "-2"], "rt", ["time"]),
        (["1.5", "NA"], "rt", []),
        (["1.5", "timeout"], "rt", ["time"]),
        (["1,234", "850"], "rt_ms", ["time"]),
        (["1,234", "0,85"], "rt", []),
    ],
)
def test_that_odd_times_and_units_are_told_once(
    cells: list[str], name: str, kinds: list[str]
) -> None:
    assert [doubt.kind for doubt in read_seconds(column(*cells, name=name)).doubts] == kinds


def test_that_a_decimal_sign_that_was_said_settles_response_times() -> None:
    times = column("1,234", "850", name="rt_ms")
    assert read_seconds(times, decided=True).values.tolist() == [1.234, 0.85]
    assert read_seconds(times, decimal_comma=True, decided=True).values.tolist() == [
        pytest.approx(0.001234),
        0.85,
    ]


@pytest.mark.parametrize(
    ("name", "unit"),
    [("rt", None), ("rt_ms", "ms"), ("RT (ms)", "ms"), ("responseTimeMs", "ms"), ("us_rt", None),
     ("reaction time [s]", "s"), ("Zeit in Sekunden", "s"), ("items", None),
     ("milliseconds", "ms")],
)  # fmt: skip
def test_that_a_name_tells_the_unit(name: str, unit: str | None) -> None:
    assert unit_in_name(name) == unit


@given(st.lists(st.text(max_size=25), max_size=8))
def test_that_no_text_stops_the_reading(cells: list[str]) -> None:
    read_moments(column(*cells))
    read_seconds(column(*cells))


@given(st.datetimes(datetime(1995, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)))
def test_that_moments_survive_being_written(when: datetime) -> None:
    when = when.replace(microsecond=0)
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%d.%m.%Y %H:%M:%S", "%b %d, %Y, %I:%M:%S %p"):
        assert read_moments(column(when.strftime(form))).values.tolist() == [when.timestamp()]

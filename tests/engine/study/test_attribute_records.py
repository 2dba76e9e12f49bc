"""What a study knows of its attributes: their scales, and whether somebody confirmed them."""

import os
import subprocess
from pathlib import Path

import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.attribute_scales import AttributeScale, attribute_scales
from prism_desktop.engine.study.confirmed import confirmed_names, quoted
from prism_desktop.engine.study.records import AttributeRecord, ImportReport


def report(number: int, source: str, scales: object, **more: object) -> ImportReport:
    mapping = {"scales": scales, "rescaled": more.pop("rescaled", ())}
    return ImportReport(str(number), source, "csv", 1, 1, mapping=mapping, **more)  # type: ignore[arg-type]


def scale(low: float, high: float) -> dict[str, dict[str, float]]:
    return {"smart": {"low": low, "high": high}}


def test_that_the_scale_of_an_attribute_is_the_newest_that_an_import_found() -> None:
    first = report(1, "/data/a.csv, b.csv", scale(1, 5))
    second = report(2, "w.csv", scale(0, 100))
    assert attribute_scales([first, second]) == {"smart": AttributeScale(0, 100, "w.csv")}
    assert attribute_scales([first]) == {"smart": AttributeScale(1, 5, "a.csv")}
    assert attribute_scales([report(3, "x.csv", None)]) == {}


@pytest.mark.parametrize(
    ("undone", "replaces", "rescaled", "high"),
    [
        (None, None, (), 100),
        (9.0, None, (), 5),  # undone
        (None, "2", (), 5),  # replaced by the present import
        (9.0, "2", (), 5),
        (None, "1", (), 100),  # another is replaced
        (9.0, None, ("smart",), 100),  # it cut earlier ratings anew, and these stay so
        (None, "2", ("smart",), 100),
        (9.0, None, ("kind",), 5),
    ],
)
def test_that_an_import_that_is_gone_tells_no_scale_but_of_what_it_cut_anew(
    undone: float | None, replaces: str | None, rescaled: tuple[str, ...], high: float
) -> None:
    second = report(2, "w.csv", scale(0, 100), undone=undone, rescaled=rescaled)
    found = attribute_scales([report(1, "a.csv", scale(1, 5)), second], replaces)
    assert found["smart"].high == high


def attributes(*confirmed: bool) -> list[AttributeRecord]:
    return [AttributeRecord(f"a{n}", confirmed=known) for n, known in enumerate(confirmed)]


def test_that_only_confirmed_attributes_count_and_the_others_are_told() -> None:
    study = Path("/data/my study.prism")
    assert confirmed_names(attributes(True, True), study) == (("a0", "a1"), "")
    assert confirmed_names([], study) == ((), "")
    names, told = confirmed_names(attributes(True, False), study)
    assert names == ("a0",)
    assert told == (
        "a1 was left out, since nobody has confirmed that it is a judgment; confirm it in the "
        'Study panel or by `prism-desktop study confirm "/data/my study.prism" a1`.'
    )
    _, told = confirmed_names(attributes(True, *[False] * 7), study)
    assert told.startswith("a1, a2, a3, a4, a5 and 2 more were left out, since nobody has ")
    assert "that they are judgments; confirm them" in told
    with pytest.raises(InputError, match=r"^Nobody has confirmed that the attribute a0 is a judg"):
        confirmed_names(attributes(False), study)
    with pytest.raises(InputError, match=r"^Nobody has confirmed that a0, a1 are judgments;"):
        confirmed_names(attributes(False, False), study)


@pytest.mark.parametrize(
    ("word", "shown"),
    [("smart", "smart"), ("/a/b-c_d.e", "/a/b-c_d.e"), ("", '""'), ("a b", '"a b"'),
     ('a"b', '"a\\"b"')],
)  # fmt: skip
def test_that_words_are_quoted_where_the_command_line_needs_it(word: str, shown: str) -> None:
    assert quoted(word) == shown


@pytest.mark.skipif(os.name == "nt", reason="the shells of Windows run nothing inside quotes")
@pytest.mark.parametrize(
    "word",
    [
        "$(touch x)",
        "`touch x`",
        "a $HOME",
        "what!",
        "a\nb",
        "a\\",
        'it\'s "$x"',
        'a"b',
        "x;y",
        "é|b",
    ],
)
def test_that_a_shell_runs_nothing_of_a_name_in_a_command_that_is_copied(word: str) -> None:
    said = subprocess.run(
        ["bash", "-c", f"set -o history -o histexpand; printf %s {quoted(word)}"],
        capture_output=True, check=True, encoding="utf-8",
    )  # fmt: skip
    assert said.stdout == word

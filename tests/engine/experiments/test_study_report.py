"""The report of a study: what it says, that it needs nothing else, that nothing in it is alive."""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done
from prism_desktop.engine.experiments.report_blocks import (
    Paragraph,
    Points,
    Report,
    ReportFigure,
    ReportTable,
    SectionHeading,
)
from prism_desktop.engine.experiments.report_html import as_html
from prism_desktop.engine.experiments.report_pdf import write_pdf
from prism_desktop.engine.experiments.study_report import ReportOptions, study_report
from prism_desktop.engine.study.store import Study
from tests.fixtures.study import MakeStudy, make_replies
from tests.fixtures.writing_boards import keep_board, made_board
from tests.ui import fabricate

_VOID = {"meta", "img", "br"}
_HOSTILE = '<script src="https://x.example/a.js">alert(1)</script> & "quoted"\n\x1b[31m'


class _Page(HTMLParser):
    """What a standard parser makes of a page: whether tags match, what would be loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href")]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(page: str) -> _Page:
    """The page, its tags matched."""
    found = _Page()
    found.feed(page)
    found.close()
    assert found.open == []
    return found


def _of(study: Study, *, pseudonyms: bool = False) -> Report:
    asked = study_report(study, ReportOptions(pseudonyms=pseudonyms))
    return next(event.value for event in asked if isinstance(event, Done))


@pytest.fixture
def studied(make_study: MakeStudy) -> Study:
    """A study with a tested run."""
    study = make_study(labelers=3, comparisons=20, ratings=4, attributes=("smart",))
    codes = tuple(each.code for each in study.labelers())
    made = fabricate.of_study(study)
    fabricate.run(study.path, made, labelers=codes, attributes=("smart",))
    return study


def test_that_a_report_tells_a_stranger_what_was_asked_answered_and_learned(
    studied: Study, tmp_path: Path
) -> None:
    report = _of(studied)
    page = parsed(as_html(report))
    for told in (
        "How careful labelers were", "Who agrees with whom", "What models learned", "Labeler 1",
        "How far this can be believed", "consensus", "not about the person shown", "Made with",
        "Figure 1.",
    ):  # fmt: skip
        assert told in page.text
    assert "script" not in page.tags
    assert page.loads
    assert all(each.startswith("data:image/svg+xml;base64,") for each in page.loads)
    write_pdf(report, tmp_path / "r.pdf")
    pdf = (tmp_path / "r.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert b"/FontFile2" in pdf  # the font is within
    assert b"/URI" not in pdf
    assert b"/JavaScript" not in pdf


def test_that_pseudonyms_leave_no_name_and_programs_none_beside_people(studied: Study) -> None:
    studied.add_labeler("S1", "Robot", simulated=True)
    page = parsed(as_html(_of(studied, pseudonyms=True)))
    drawn = [base64.b64decode(each.partition(",")[2]).decode() for each in page.loads]
    assert drawn
    for told in (page.text, *drawn):
        assert "Labeler 1" not in told
        assert "Robot" not in told
        assert "://" not in told.replace("http://www.w3.org/", "")  # names of the format
    assert studied.path.stem not in page.text
    assert re.search(r"P\d{10}", page.text)
    assert "nothing here is about people" not in page.text


def test_that_a_report_tells_of_writing_where_methods_were_compared_and_only_there(
    studied: Study,
) -> None:
    assert "how people write" not in parsed(as_html(_of(studied))).text
    keep_board(studied.path, made_board(4))
    report = _of(studied, pseudonyms=True)
    told = parsed(as_html(report)).text
    for each in (
        "What models learned of how people write", "Too few to tell: this rests on 4 simulated",
        "says how methods learn planted styles, and nothing of people", "Gain over unified",
        "The method e2p-1", "ROUGE-L", "Could not be trained: moe-lora", "were written greedily",
        "What methods gain at writing like somebody",
    ):  # fmt: skip
        assert each in told
    assert "W1" not in told  # who gains least
    first = made_board(4).methods[0]
    table = next(one for one in report.blocks if isinstance(one, ReportTable) and "NLL" in one.head)
    assert first.over_unified is not None
    mean = first.over_unified.mean
    assert table.rows[0][2] == (
        f"too few to tell, {mean.value:+.3f} [{mean.both_low:+.3f},\u00a0{mean.both_high:+.3f}]"
    )


def test_that_a_study_of_texts_is_told_of_in_its_own_words(tmp_path: Path) -> None:
    with make_replies(tmp_path / "replies.prism") as study:
        told = parsed(as_html(_of(study, pseudonyms=True))).text
    assert "People read replies and said, reply by reply" in told
    assert not re.search(r"\b(faces?|photographs?|pictured|looks?)\b|reply texts", told)
    assert re.search(r"Labelers judged how \w+ replies sound", told)
    assert re.search(r"judged \d+ replies \(", told)
    with Study.create(tmp_path / "written.prism", kind="text", attributes=()) as study:
        with pytest.raises(InputError, match="no attribute that is judged"):
            _of(study)
        keep_board(study.path, made_board())
        told = parsed(as_html(_of(study))).text
    assert "what models learned of how people write" in told
    assert "The method e2p-1" in told
    assert "agrees with" not in told


def test_that_text_from_elsewhere_is_text(tmp_path: Path) -> None:
    report = Report(
        _HOSTILE,
        (
            SectionHeading(_HOSTILE), Paragraph(_HOSTILE, warning=True), Points((_HOSTILE,)),
            ReportTable((_HOSTILE, "b"), [(_HOSTILE, "2")], _HOSTILE),
            ReportFigure(Figure(), _HOSTILE, _HOSTILE),
        ),
    )  # fmt: skip
    page = as_html(report)
    found = parsed(page)
    assert "script" not in found.tags
    assert "<script" not in page
    assert "\x1b" not in page
    assert found.text.count("alert(1)") >= 6
    write_pdf(report, tmp_path / "r.pdf")
    assert (tmp_path / "r.pdf").stat().st_size > 1000


def test_that_a_study_without_runs_or_answers_has_a_report_that_says_so(
    make_study: MakeStudy,
) -> None:
    empty = make_study("bare", labelers=1, comparisons=0, ratings=0)
    page = parsed(as_html(_of(empty))).text
    assert "No model of this study was tested yet" in page
    assert "Agreement wants two labelers" in page
    nothing = make_study("none", attributes=(), labelers=0, comparisons=0, ratings=0)
    with pytest.raises(InputError, match="no attribute that is judged"):
        _of(nothing)


def test_that_long_tables_and_texts_go_on_on_the_next_page(tmp_path: Path) -> None:
    rows = [(f"row {number}", "word " * 30) for number in range(120)]
    blocks = (Paragraph("sentence. " * 900), ReportTable(("a", "b"), rows, "told"))
    write_pdf(Report("Long", blocks), tmp_path / "r.pdf")
    assert len(re.findall(rb"/Type /Page\b", (tmp_path / "r.pdf").read_bytes())) > 4

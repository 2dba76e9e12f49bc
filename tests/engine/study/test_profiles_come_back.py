"""Whatever somebody wrote about a labeler comes back from an export."""

import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.store import Study
from tests.cli.test_study_commands import run

PROFILES = (
    "plain", "two\nlines", "\ttabs\t", " blank before", "=1+1", "'=1+1", "''quoted", "-3", "+x",
    "@a", "a;b,c\"d'", "NA", "null", "-", "true", "007", "1.50", '{"a":1}', "[1, 2]", "<b>",
    "_x0041_", "#c", "sep=;", "2020-01-01", "é e\u0301 שלום \U0001f468\u200d\U0001f469", "a\r\nb",
    "long " * 5000,
)  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "jsonl", "sav"])
def test_that_profiles_come_back_as_they_were(kind: str, tmp_path: Path) -> None:
    with Study.create(tmp_path / "a.prism") as study:
        for number, profile in enumerate(PROFILES):
            study.add_labeler(f"L{number}", profile=profile.strip())
        known = {one.code: one.profile for one in study.labelers()}
    out = tmp_path / "out"
    assert run("study", "export", tmp_path / "a.prism", "--out", out, "--format", kind) == 0
    tables = list(out.glob("labelers.*"))
    assert run("study", "new", tmp_path / "b.prism") == 0
    assert run("study", "import", tmp_path / "b.prism", *tables) == 0
    with Study.open(tmp_path / "b.prism") as study:
        assert {one.code: one.profile for one in study.labelers()} == known


PIECES = (
    "é", "e\u0301", "ß", "İ", "\U0001f468\u200d\U0001f469\u200d\U0001f466", "\U0001f1e9\U0001f1ea",
    "שלום", "عربي", "नमस्ते", "ﬁ", "中", "a", "Z", "0", "007", "1e5", "=", "+", "-", "@", "'", '"',
    "''", ",", ";", "|", "\t", "\n", "\r\n", " ", "NA", "null", "true", "_x0041_", "\\", "\\n",
    "{}", "<b>", "#", "%", "$", "&amp;", "[/b]", ":smile:", "2020-01-01", "x" * 300,
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
PEOPLE = st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=20)


@pytest.mark.parametrize(
    "kind", ["csv", *(pytest.param(kind, marks=pytest.mark.soak) for kind in ("jsonl", "sav"))]
)
def test_that_labelers_of_any_name_and_profile_come_back_as_they_were(kind: str) -> None:
    @settings(max_examples=3, deadline=None, derandomize=True, phases=[Phase.generate])
    @given(PEOPLE)
    def round_trip(people: list[tuple[str, str, str]]) -> None:
        with tempfile.TemporaryDirectory() as place:
            _round_trip(people, kind, Path(place))

    round_trip()


def _round_trip(people: list[tuple[str, str, str]], kind: str, place: Path) -> None:
    with Study.create(place / "a.prism") as study:
        for code, name, profile in people:
            try:
                study.add_labeler(code.strip()[:100], display_name=name, profile=profile)
            except InputError:
                continue  # a name that is refused here is refused everywhere
        known = _known(study, kind)
    assert run("study", "export", place / "a.prism", "--out", place / "out", "--format", kind) == 0
    if not known:
        return
    assert run("study", "new", place / "b.prism") == 0
    tables = list((place / "out").glob("labelers.*"))
    assert run("study", "import", place / "b.prism", *tables) == 0
    with Study.open(place / "b.prism") as study:
        assert _known(study, kind) == known


def _known(study: Study, kind: str) -> dict[str, tuple[str, str]]:
    """Everybody's name and profile, as far as a format can hold them: SPSS fills up with blanks."""
    kept = str.strip if kind == "sav" else str
    return {
        unicodedata.normalize("NFC", one.code): (kept(one.display_name), kept(one.profile))
        for one in study.labelers()
    }

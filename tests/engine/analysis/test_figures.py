"""Figures: drawn from plain records, saved as vectors with text, the same each time."""

from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from prism_desktop.engine.analysis import figures
from prism_desktop.engine.analysis.agreement import agreement
from prism_desktop.engine.analysis.comparison_figures import answers_figure, gains_figure
from prism_desktop.engine.analysis.network import network
from prism_desktop.engine.analysis.overlay import seen_area
from prism_desktop.engine.analysis.plotting import beside, drawn, save_figure
from prism_desktop.engine.analysis.relevance_map import MapKind, Relevance, TokenSeats
from prism_desktop.engine.analysis.sheet import Picture, sheet_figure
from prism_desktop.engine.analysis.word_figures import word_figure
from prism_desktop.engine.analysis.word_relevance import WordRelevance
from prism_desktop.engine.analysis.word_units import TextWord
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.runs.estimates import ENOUGH
from prism_desktop.engine.runs.result_files import Accuracy, MacroGain, Result
from tests.engine.evaluation import fabricate
from tests.fixtures.hostile_names import HOSTILE

AGREED = agreement(fabricate.random_comparisons(150, 14, 0))
TEST = Result(
    macro=Accuracy(accuracy=0.7, low=0.66, high=0.74, n=300),
    per_labeler={"L1": Accuracy(accuracy=0.72, low=0.6, high=0.8, n=150, ceiling=0.9)},
)
CONSENSUS = Result(macro=Accuracy(accuracy=0.6), per_labeler={"L1": Accuracy(accuracy=0.55)})


def relevance(size: tuple[int, int]) -> Relevance:
    """An untested map over a grey picture of (width, height) px."""
    return Relevance(
        kind=MapKind("occlusion"),
        labeler="L1",
        attribute="smart",
        grid=np.eye(4, dtype=np.float32),
        tokens=0.0,
        tokens_by_block=np.array([0.1], np.float32),
        seated=TokenSeats(1, 16, 1),
        score=0.0,
        area=seen_area(size),
        image=Image.new("RGB", size, "grey"),
    )


def metrics() -> pd.DataFrame:
    rows = [
        {
            "epoch": epoch,
            "split": split,
            "labeler": labeler,
            "attribute": "",
            "loss": 1 / epoch,
            "nll": 1 / epoch,
        }
        for epoch in (1, 2, 3)
        for split in ("train", "val")
        for labeler in ("", "(macro)", "L1")
    ]
    return pd.DataFrame(rows).assign(accuracy=lambda frame: 0.5 + frame["epoch"] / 10)


DRAWN: dict[str, Callable[[], Figure]] = {
    "accuracy": lambda: figures.accuracy_figure(
        figures.accuracy_rows(TEST, CONSENSUS, {"L1": "Ada"}), "Held-out faces"
    ),
    "agreement": lambda: figures.agreement_figure(AGREED, title="Agreement"),
    "network": lambda: figures.network_figure(network(AGREED, 0.5), {"L0": "Ada"}),
    "scatter": lambda: figures.scatter_figure(
        np.arange(9.0), np.arange(9.0) ** 2, ("Ada", "Bea"), "smart"
    ),
    "runs": lambda: figures.run_figure({"one": metrics(), "two": metrics()}),
    "relevance": lambda: figures.relevance_figure(relevance((60, 40)), "Ada, smart"),
    "predictions": lambda: figures.predictions_figure(
        {"smart": [("Ada", 0.3), ("Bea", np.nan)]}, {"smart": 0.5}
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_that_every_figure_is_saved_as_svg_with_its_text(name: str, tmp_path: Path) -> None:
    text = save_figure(DRAWN[name](), tmp_path / f"{name}.svg").read_text("utf-8")
    assert "<svg" in text
    assert "<text" in text
    assert text == save_figure(DRAWN[name](), tmp_path / "again.svg").read_text("utf-8")


def _few(n: int) -> dict[str, Figure]:
    """Figures of numbers that rest on n answers each."""
    row = TEST.per_labeler["L1"].model_copy(update={"n": n})
    test = TEST.model_copy(update={"macro": row, "per_labeler": {"L1": row}})
    agreed = replace(AGREED, counts=np.where(AGREED.counts > 0, n, 0))
    gain = MacroGain(value=0.1, low=0.02, high=0.18, n=n)
    return {
        "accuracy": figures.accuracy_figure(figures.accuracy_rows(test, None)),
        "agreement": figures.agreement_figure(agreed, linked=network(agreed, 0.5)),
        "answers": answers_figure({"one": [(0, 0.5, 0.4, 0.6)]}, n={"one": n}),
        "gains": gains_figure({"one": gain}),
    }


@pytest.mark.parametrize(("n", "few"), [(21, True), (ENOUGH, False)])
def test_that_every_figure_tells_n_intervals_and_what_is_too_few(n: int, few: bool) -> None:
    for name, figure in _few(n).items():
        texts = [text.get_text() for text in figure.findobj(Text)]
        whole = " ".join(texts).replace("\n", " ")
        assert "95% interval" in whole or "Intervals: 95%" in whole, name
        assert f"n {n}" in whole, name
        assert ("too few" in whole) == few, name


def test_that_footnotes_say_what_predictions_are_worth_and_of_whom() -> None:
    note = "Right on held-out answers: Ada (L1) 82.0% [78.0, 86.0], n 220."
    faces = {"smart": [("Ada (L1)", 0.3), ("Bea (L2)", 0.4)]}
    drawings = {
        "scatter": figures.scatter_figure(np.arange(9.0), np.arange(9.0), ("a", "b"), note=note),
        "predictions": figures.predictions_figure(faces, few=["Bea (L2)"], note=note),
        "relevance": figures.relevance_figure(relevance((60, 40))),
    }
    for name, figure in drawings.items():
        whole = " ".join(text.get_text() for text in figure.findobj(Text)).replace("\n", " ")
        assert (note if name != "relevance" else "The map was not tested.") in whole, name
        assert "say something about the labeler" in whole, name
    labels = [tick.get_text() for tick in drawings["predictions"].axes[0].get_yticklabels()]
    assert labels == ["smart: Ada (L1)", "smart: Bea (L2) (too few to tell)"]


def _of_words(told: str) -> Figure:
    """Of a pair of texts that nobody tested, under a title of its own."""
    text = "Good morning to you"
    words = (TextWord("Good", 0, 4), TextWord("morning", 5, 12))
    second = WordRelevance(
        "occlusion", "L1", "smart", "b", "", text, words, np.array([0.1, np.nan], np.float32),
        beside=0.4, score=1.0, empty=0.5, sign=-1,
    )  # fmt: skip
    return word_figure(replace(second, name="a", sign=1, other=second), told)


FACTS = [f"fact{number}x" for number in range(30)]
LONG = " ".join(f"What must be known is also {fact}." for fact in FACTS)
LONG_NOTES: dict[str, Callable[[], Figure]] = {
    "scatter": lambda: figures.scatter_figure(
        np.arange(9.0), np.arange(9.0), ("a", "b"), note=LONG
    ),
    "predictions": lambda: figures.predictions_figure({"smart": [("Ada", 0.3)]}, note=LONG),
    "sheet": lambda: sheet_figure(
        {"most": [Picture(Image.new("RGB", (40, 40)), ("a",))]}, note=LONG
    ),
}


def _said(figure: Figure) -> str:
    return " ".join(" ".join(text.get_text().split()) for text in figure.findobj(Text))


@pytest.mark.parametrize("name", LONG_NOTES)
def test_that_nothing_is_left_out_of_a_long_note(name: str) -> None:
    said = _said(LONG_NOTES[name]())
    assert [fact for fact in FACTS if fact not in said] == []
    assert "…" not in said


def test_that_a_figure_of_words_tells_its_title_and_limits_whole() -> None:
    title = "What the words of two texts do to how smart somebody with a long name finds them, by "
    title += "leaving each of them out and reading the text anew, beside the consensus of everybody"
    said = _said(_of_words(title))
    assert title in said
    assert said.count("1 of 2 words are beyond what the model reads.") == 2
    assert "…" not in said


def test_that_pdf_and_png_are_what_their_names_say(tmp_path: Path) -> None:
    figure = DRAWN["accuracy"]()
    assert save_figure(figure, tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    with Image.open(save_figure(figure, tmp_path / "a.png")) as picture:
        assert abs(picture.width - 89 / 25.4 * 300) < 3


def test_that_another_ending_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not as a\.docx"):
        save_figure(DRAWN["scatter"](), tmp_path / "a.docx")
    with pytest.raises(InputError, match="could not be written"):
        save_figure(DRAWN["scatter"](), tmp_path / "nowhere" / "a.svg")


def test_that_rows_follow_the_summary() -> None:
    mean, labeler = figures.accuracy_rows(TEST, CONSENSUS, {"L1": "Ada"})
    assert (mean.name, mean.strong, mean.consensus, mean.ceiling) == ("Mean", True, 0.6, None)
    assert (labeler.name, labeler.accuracy, labeler.consensus, labeler.ceiling) == (
        "Ada",
        0.72,
        0.55,
        0.9,
    )
    assert figures.accuracy_rows(Result(), None) == []


def test_that_nothing_can_be_drawn_too() -> None:
    figures.accuracy_figure([])
    figures.agreement_figure(agreement(fabricate.comparisons([])))
    figures.run_figure({})
    figures.predictions_figure({})
    figures.scatter_figure(np.array([]), np.array([]), ("a", "b"))


def test_that_what_is_not_shared_has_no_number(tmp_path: Path) -> None:
    rows = [
        ("L1", "x", "y", "a", "left"),
        ("L2", "x", "y", "a", "left"),
        ("L3", "p", "q", "a", "left"),
    ]
    figure = figures.agreement_figure(agreement(fabricate.comparisons(rows)))
    text = save_figure(figure, tmp_path / "a.svg").read_text("utf-8")
    assert text.count(">n 1<") == 2
    assert ">n 0<" not in text


@pytest.mark.parametrize("names", [HOSTILE[place::8] for place in range(8)])
def test_that_figures_show_names_from_elsewhere_as_they_are(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    """Nothing is a formula, an entry of a legend that is left out, or steers its reader."""
    figure = figures.run_figure(dict.fromkeys(names, metrics()))
    texts = {text.get_text().strip() for text in figure.findobj(Text)}
    whole = {"".join(text.split()) for text in texts}
    assert {"".join(drawn(name, 120).split()) for name in names} <= whole
    assert not any(text.get_parse_math() for text in figure.findobj(Text) if text.get_text())
    saved = save_figure(figure, tmp_path / "figure.svg").read_text("utf-8")
    ElementTree.fromstring(saved)
    for name in names:
        assert all(line in unescape(saved) for line in beside(name, 60).split("\n"))


def _about(name: str) -> dict[str, Figure]:
    """Every figure of somebody, or of a run, of a name."""
    rows = [figures.AccuracyLine(name, 0.7, 0.6, 0.8, 30)]
    picture = Image.new("RGB", (60, 60))
    return {
        "accuracy": figures.accuracy_figure(rows),
        "title": figures.accuracy_figure([], name),
        "network": figures.network_figure(network(AGREED, 0.5), {"L0": name}),
        "agreement": figures.agreement_figure(AGREED, [name, *AGREED.labelers[1:]]),
        "predictions": figures.predictions_figure({"smart": [(name, 0.5)]}, few=[name]),
        "scatter": figures.scatter_figure(np.arange(9.0), np.arange(9.0), ("Ada", name)),
        "relevance": figures.relevance_figure(relevance((60, 60)), name),
        "runs": figures.run_figure({name: metrics(), "other": metrics()}),
        "answers": answers_figure({name: [(0, 0.5, 0.4, 0.6)]}, n={name: 21}),
        "gains": gains_figure({name: MacroGain(value=0.1, low=0.02, high=0.18, n=21)}),
        "sheet": sheet_figure({"smart": [Picture(picture, ("1. a.png",))]}, name),
    }


@pytest.mark.parametrize("name", ["wide " * 20 + "(L1)", "x" * 100])
def test_that_names_of_any_length_stand_whole_in_every_figure(name: str, tmp_path: Path) -> None:
    for what, figure in _about(name).items():
        save_figure(figure, tmp_path / "figure.png")
        told = " ".join(text.get_text() for text in figure.findobj(Text))
        assert "".join(name.split()) in "".join(told.split()), what
        assert max(axes.get_position().width for axes in figure.axes) > 0.2, what
        assert max(axes.get_position().height for axes in figure.axes) > 0.15, what


def test_that_names_leave_room_for_the_axes(tmp_path: Path) -> None:
    """Rows, nodes and pictures whose names are long or hold what fonts lack are drawn and saved."""
    long, odd = "x" * 5000, "李\x1b[31m\u202e$_{"
    rows = [figures.AccuracyLine(long, 0.7), figures.AccuracyLine(odd, 0.6)]
    drawings = (
        figures.accuracy_figure(rows, long),
        figures.network_figure(network(AGREED, 0.5), {"L0": long, "L1": odd}, odd),
        figures.agreement_figure(AGREED, [long, odd, *AGREED.labelers[2:]]),
        figures.predictions_figure({long: [(odd, 0.5)], odd: [(long, 0.4)]}),
    )
    for figure in drawings:
        save_figure(figure, tmp_path / "figure.png")
        assert max(axes.get_position().width for axes in figure.axes) > 0.2


def all_right(epochs: int) -> pd.DataFrame:
    """A run that gets everything right from the first epoch on."""
    frame = metrics()
    return frame[frame["epoch"] <= epochs].assign(accuracy=1.0, nll=0.001)


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_that_the_axes_of_curves_show_only_what_can_be(epochs: int) -> None:
    loss, accuracy = figures.run_figure({"one": all_right(epochs)}).axes
    for axes in (loss, accuracy):
        assert all(float(tick).is_integer() for tick in axes.get_xticks())
        assert axes.get_xlim()[0] >= 0
        assert axes.get_ylim()[0] >= 0
    assert accuracy.get_ylim()[1] <= 1


def test_that_what_was_fitted_in_one_go_is_no_curve_of_one_point() -> None:
    for runs in ({"fitted": all_right(1)}, {"trained": metrics(), "fitted": all_right(1)}):
        for axes in figures.run_figure(runs).axes:
            across = [line for line in axes.lines if list(line.get_xdata()) == [0, 1]]
            assert len(across) == 1


def test_that_no_accuracy_of_a_figure_lies_beyond_all() -> None:
    sure = figures.AccuracyLine("Ada", 0.995, 0.96, 1.0, 40)
    (axes,) = figures.accuracy_figure([sure]).axes
    assert axes.get_xlim()[1] <= 1
    (axes,) = answers_figure({"one": [(0, 0.5, 0.4, 0.6), (2, 1.0, 0.97, 1.0)]}).axes
    assert axes.get_ylim()[1] <= 1
    assert axes.get_xlim()[0] >= 0
    assert all(float(tick).is_integer() for tick in axes.get_xticks())

"""Figures for a paper by name: each with a caption that says n, split and intervals, and its
numbers as a table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from prism_desktop.engine.analysis.agreement import AgreementResult, left_out
from prism_desktop.engine.analysis.agreement_look import AgreementLook, in_order, rows_in
from prism_desktop.engine.analysis.ceiling_figures import ceiling_figure
from prism_desktop.engine.analysis.chance_corrected import measured_agreement
from prism_desktop.engine.analysis.comparison_figures import Point, answers_figure
from prism_desktop.engine.analysis.figures import (
    accuracy_figure,
    accuracy_rows,
    agreement_figure,
    has_curves,
    labeler_ink,
    network_figure,
    run_figure,
)
from prism_desktop.engine.analysis.network import network
from prism_desktop.engine.analysis.plotting import JUDGMENTS, footnote, style
from prism_desktop.engine.analysis.writing_figures import writers_figure
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.experiments.curve_store import kshot_curves, learning_curves
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import method_title
from prism_desktop.engine.names import people_with_codes
from prism_desktop.engine.runs.curve_files import CurvePoint, ShotPoint
from prism_desktop.engine.runs.estimates import knowledge_of, told_accuracy, told_gain
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import Accuracy, Gain, Result, Summary
from prism_desktop.engine.runs.run_choice import best_personal, run_name
from prism_desktop.engine.runs.run_list import RunSummary, list_runs
from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.engine.study.confirmed import confirmed_names
from prism_desktop.engine.study.study_reader import StudyReader
from prism_desktop.engine.writing.board_table import board_table, boards_left_out, newest_board
from prism_desktop.engine.writing.board_words import writers_caption

INTERVALS: Final = "Brackets and bars: 95% intervals."


@dataclass(frozen=True, slots=True)
class PaperFigure:
    """A figure, drawn; what stands below it; its numbers.

    Attributes:
        judged: whether it is of judgments; else its caption says itself whose it is.
    """

    name: str
    figure: Figure
    caption: str
    table: pd.DataFrame
    judged: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What figures are drawn from.

    Attributes:
        study: its folder.
        compared, rated: answers about confirmed attributes, of people alone where there are some.
        names: what to call each labeler, by code, in the study's order.
        simulated: whether all labelers are programs.
        run: the run that is shown; None without a finished one.
        runs: all finished ones, for those that show several.
        attribute: only this one; None for all together.
        words: what its stimuli are called.
    """

    study: Path
    compared: pd.DataFrame
    rated: pd.DataFrame
    names: Mapping[str, str]
    simulated: bool
    run: RunFolder | None
    runs: Sequence[RunSummary]
    attribute: str | None = None
    words: StimulusWords = FACES

    @property
    def about(self) -> str:
        return self.attribute or "all attributes"

    def ink(self, code: str) -> str:
        return labeler_ink(tuple(self.names), code)


def material(study: StudyReader, run: Path | None = None, attribute: str | None = None) -> Material:
    """Read what figures need.

    Args:
        study: open, read-only will do.
        run: a run's folder; None for the best that tells labelers apart, else the newest.
        attribute: only answers about this one.

    Raises:
        InputError: the study has no such attribute.
    """
    confirmed, _ = confirmed_names(study.attributes(), study.path)
    if attribute is not None and attribute not in confirmed:
        raise InputError(
            f"There is no attribute {attribute}; the study has {', '.join(confirmed)}."
        )
    labelers = study.labelers()
    programs = {each.code for each in labelers if each.simulated}
    frames = study.comparisons(), study.ratings()
    answered = {str(code) for frame in frames for code in frame["labeler"].unique()}
    apart = programs if answered - programs else set()
    compared, rated = (
        frame[frame["attribute"].isin(confirmed) & ~frame["labeler"].isin(apart)].reset_index(
            drop=True
        )
        for frame in frames
    )
    path = Path(study.path)
    runs = tuple(each for each in list_runs(path) if each.macro is not None)
    best = best_personal(runs) or (runs[0] if runs else None)
    chosen = None if best is None else RunFolder(best.path)
    if run is not None:
        chosen = RunFolder.open(run)
    names = people_with_codes((each.code, each.display_name) for each in labelers)
    only_programs = bool(answered) and answered <= programs
    words = study.info().words
    return Material(path, compared, rated, names, only_programs, chosen, runs, attribute, words)


def paper_figure(name: str, given: Material) -> PaperFigure:
    """Draw one of `FIGURES`.

    Raises:
        InputError: there is no such figure, or nothing to draw it from; says what would make it.
    """
    if name not in FIGURES:
        raise InputError(f"There is no figure {name}; there are {', '.join(FIGURES)}.")
    made = FIGURES[name](given)
    told = [made.caption]
    if made.judged and given.simulated:
        told.append("The labelers are simulated; nothing here is about people.")
    if made.judged:
        told = [given.words.told(" ".join([*told, JUDGMENTS]))]
        _reword(made.figure, given.words)
    return replace(made, name=name, caption=" ".join(told))


def _reword(figure: Figure, words: StimulusWords) -> None:
    """Say in a figure's footnote what the study holds."""
    told = figure.get_supxlabel().replace("\n", " ")
    if words.told(told) != told:
        with style():
            footnote(figure, words.told(told))


def _agreement(given: Material) -> PaperFigure:
    found = _agreed(given)
    shown = in_order(found, rows_in(AgreementLook().of(found).order or "listed", found))
    names = [given.names.get(code, code) for code in shown.labelers]
    figure = agreement_figure(shown, names, f"Agreement on {given.about}")
    return PaperFigure("", figure, _agreement_words(found, given), _named(found.frame(True), given))


def _network(given: Material) -> PaperFigure:
    found = _agreed(given)
    look = AgreementLook().of(found)
    drawn = network(found, look.threshold, look.fewest or 1)
    inks = {code: given.ink(code) for code in found.labelers}
    figure = network_figure(drawn, given.names, f"Agreement on {given.about}", inks)
    least = found.coefficient.number(drawn.threshold)
    words = (
        f"Lines join labelers who agree on at least {least} of {look.fewest} or more shared "
        f"answers ({counted(len(drawn.links), 'link')}); broken lines rest on few. "
    )
    words += _agreement_words(found, given)
    return PaperFigure("", figure, words, _named(found.frame(), given))


def _agreed(given: Material) -> AgreementResult:
    answered = {*given.compared["labeler"], *given.rated["labeler"]}
    codes = [code for code in given.names if code in answered]
    if len(codes) < 2:
        raise InputError("Agreement wants two labelers who answered; label with a second one.")
    return measured_agreement(given.compared, given.rated, given.attribute, codes)


def _agreement_words(found: AgreementResult, given: Material) -> str:
    one, two = np.triu_indices(len(found.labelers), 1)
    counts = found.counts[one, two]
    what = {
        "comparisons": "share of shared comparisons answered alike, a tie against a choice half",
        "ratings": "share of pairs of faces that both put in the same order by their ratings",
    }[found.source]
    blank = int((counts == 0).sum())
    told = (
        f"Agreement of {counted(len(found.labelers), 'labeler')} on {given.about}: {what}. In the "
        f"median two labelers share {int(np.median(counts)):,} of them ({int(counts.min()):,} to "
        f"{int(counts.max()):,}); 95% intervals (Wilson) stand in the table."
    )
    nothing = f"{counted(blank, 'pair of labelers')} share nothing." if blank else ""
    return " ".join(filter(None, (told, nothing, left_out(found.chosen))))


def _training(given: Material) -> PaperFigure:
    curves = {}
    for each in given.runs:
        metrics = RunFolder(each.path).metrics()
        if has_curves(metrics):
            curves[run_name(each)] = metrics
    if not curves:
        raise InputError(
            "No finished run of this study has more than one epoch, so there is no learning curve; "
            "train a method with an image tower."
        )
    rows = [metrics.assign(run=name) for name, metrics in curves.items()]
    words = (
        f"Loss and accuracy of {counted(len(curves), 'run')} by epoch, on validation answers "
        "(drawn through) and training answers (dashed), macro over labelers where known. Rings: "
        "the epoch whose weights are kept. Validation answers chose it, so they are a little too "
        "good."
    )
    return PaperFigure("", run_figure(curves), words, pd.concat(rows, ignore_index=True))


def _gain(given: Material) -> PaperFigure:
    summary, names, title = _summary(given)
    rows = accuracy_rows(summary.test, summary.consensus, names)
    gain, test = summary.gain or Gain(), summary.test.macro
    told = [f"Accuracy of each labeler's model ({title}) against the consensus model."]
    told.append(f"Mean over labelers {told_accuracy(test).line}.")
    if gain.macro.difference is not None:
        won = gain.macro
        told.append(f"Gain {told_gain(won.difference, won.low, won.high, won.n, ' points').line}.")
    told += [*_split(summary), INTERVALS, *knowledge_of([summary])]
    table = _accuracies(summary, names)
    return PaperFigure("", accuracy_figure(rows, title), " ".join(told), table)


def _ceiling(given: Material) -> PaperFigure:
    summary, names, title = _summary(given)
    rows = {names.get(code, code): row for code, row in summary.test.per_labeler.items()}
    if not any(row.ceiling is not None for row in rows.values()):
        raise InputError(
            "No labeler answered enough repeats for a ceiling; ask some comparisons twice."
        )
    inks = {names.get(code, code): given.ink(code) for code in summary.test.per_labeler}
    told = [
        f"Accuracy of each labeler's model ({title}) against what a perfect model could reach, "
        "given how often the labeler repeats their own answers.", *_split(summary), INTERVALS,
        *knowledge_of([summary]),
    ]  # fmt: skip
    return PaperFigure(
        "", ceiling_figure(rows, inks, title), " ".join(told), _accuracies(summary, names)
    )


def _summary(given: Material) -> tuple[Summary, dict[str, str], str]:
    """The shown run's results, its labelers' names, and what to call it."""
    summary = None if given.run is None else given.run.summary()
    if given.run is None or summary is None or summary.test.macro.accuracy is None:
        raise InputError("No run of this study was tested; train one first.")
    listed = next((each for each in given.runs if each.path == given.run.path), None)
    title = method_title(summary.method) if listed is None else run_name(listed)
    names = {code: given.names.get(code, code) for code in summary.test.per_labeler}
    return summary, names, title


def _split(summary: Summary) -> list[str]:
    test = summary.test.macro
    n = "" if test.n is None else f" (n {test.n:,})"
    return [f"Tested on held-out answers{n}, split by {summary.split.kind}."]


def _accuracies(summary: Summary, names: Mapping[str, str]) -> pd.DataFrame:
    """A row for each labeler, and one for their mean."""
    consensus, gain = summary.consensus or Result(), summary.gain or Gain()
    rows = []
    everybody = {**summary.test.per_labeler, "(mean over labelers)": summary.test.macro}
    for code, row in everybody.items():
        mean = code not in summary.test.per_labeler
        base = consensus.macro if mean else consensus.per_labeler.get(code) or Accuracy()
        won = gain.macro if mean else gain.per_labeler.get(code)
        rows.append(
            {
                "labeler": code, "name": names.get(code, code), "accuracy": row.accuracy,
                "low": row.low, "high": row.high, "n": row.n, "consensus": base.accuracy,
                "gain": None if won is None else won.difference,
                "gain_low": None if won is None else won.low,
                "gain_high": None if won is None else won.high,
                "ceiling": row.ceiling, "ceiling_low": row.ceiling_low,
                "ceiling_high": row.ceiling_high, "of_ceiling": row.of_ceiling,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _shots(given: Material) -> PaperFigure:
    curves = kshot_curves(given.study)
    if not curves:
        raise InputError(
            "No K-shot curve was measured; Compare methods in Train and the command shots do that."
        )
    lines, counts, rows = {}, {}, []
    for curve in curves:
        for way, points in (("", curve.curve), (", chosen answers", curve.chosen)):
            known = [point for point in points if point.accuracy is not None]
            if not known:
                continue
            name = method_title(curve.method) + way
            lines[name] = [(_given(p), p.accuracy or 0.0, p.low, p.high) for p in known]
            if known[-1].n is not None:
                counts[name] = known[-1].n
            rows += [
                {"method": curve.method, "answers_are": "chosen" if way else "random", "k": p.k,
                 "answers": p.answers, "accuracy": p.accuracy, "low": p.low, "high": p.high,
                 "n": p.n}
                for p in known
            ]  # fmt: skip
    told = (
        "Accuracy on new faces for labelers whom training never saw, after K answers of theirs. "
        f"{_held(curves[-1].split.kind)} Bands: 95% intervals over faces."
    )
    return PaperFigure("", answers_figure(lines, "K-shot", counts), told, pd.DataFrame(rows))


def _learning(given: Material) -> PaperFigure:
    curves = learning_curves(given.study)
    if not curves:
        raise InputError(
            "No learning curve was measured; More labels in Explore and the command curve do that."
        )
    lines, counts, rows = {}, {}, []
    for curve in curves:
        known = [point for point in curve.points if point.accuracy is not None]
        name = method_title(curve.method)
        lines[name] = [_within(p) for p in known]
        if known and known[-1].n is not None:
            counts[name] = known[-1].n
        rows += [
            {"method": curve.method, "answers": p.answers, "accuracy": p.accuracy,
             "standard_error": p.error, "n": p.n}
            for p in known
        ]  # fmt: skip
    sentence = " ".join(dict.fromkeys(c.curve.sentence for c in curves if c.curve.sentence))
    told = (
        "Accuracy on held-out answers against the number of training answers of each labeler. "
        f"{_held(curves[-1].split.kind)} Bands: 95% intervals (1.96 standard errors). {sentence}"
    )
    figure = answers_figure(lines, "Learning curve", counts)
    return PaperFigure("", figure, told.strip(), pd.DataFrame(rows))


def _writing(given: Material) -> PaperFigure:
    board, odd = newest_board(given.study), boards_left_out(given.study)
    if board is None:
        raise InputError(
            odd
            or "No methods that write were compared in this study; the command compare with --task "
            "writing does that."
        )
    head, body = board_table(board)
    caption = " ".join([*([odd] if odd else ()), *writers_caption(board)])
    return PaperFigure(
        "", writers_figure(board), caption, pd.DataFrame(body, columns=list(head)), judged=False
    )


def _held(split: str) -> str:
    return f"Held out by {split}."


def _given(point: ShotPoint) -> float:
    """The answers that there were, on average."""
    return float(point.k) if point.answers is None else point.answers


def _within(point: CurvePoint) -> Point:
    accuracy, half = point.accuracy or 0.0, 1.96 * point.error
    return float(point.answers), accuracy, max(accuracy - half, 0.0), min(accuracy + half, 1.0)


def _named(frame: pd.DataFrame, given: Material) -> pd.DataFrame:
    """With what each labeler is called beside the code."""
    called = {
        f"{column}_name": [given.names.get(code, code) for code in frame[column]]
        for column in ("labeler", "other")
    }
    return frame.assign(**called)


FIGURES: Final[Mapping[str, Callable[[Material], PaperFigure]]] = {
    "agreement": _agreement,
    "network": _network,
    "training": _training,
    "learning-curve": _learning,
    "ceiling": _ceiling,
    "gain": _gain,
    "shots": _shots,
    "writing": _writing,
}

"""The leaderboard of a comparison, from the results of
its runs: leaderboard.json and leaderboard.md."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from prism_desktop.engine.evaluation.controls import rotate_labelers
from prism_desktop.engine.evaluation.method_rows import averaged, mean_record, rank_methods
from prism_desktop.engine.evaluation.named_results import named_row
from prism_desktop.engine.evaluation.report import evaluate, gain, held_out
from prism_desktop.engine.experiments.joined_folds import JoinedRuns, join_runs
from prism_desktop.engine.experiments.mixed_precisions import told_precisions
from prism_desktop.engine.experiments.variants import Variant
from prism_desktop.engine.files import write_text
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import CONSENSUS, ignores_labelers
from prism_desktop.engine.methods.method import NO_CONTROL
from prism_desktop.engine.plain_text import markdown
from prism_desktop.engine.processes.failures import told_once
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.estimates import (
    INTERVALS,
    TOO_FEW,
    WHAT_INTERVALS,
    knowledge_of,
    told_gain,
    told_intervals,
    too_few,
)
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.leaderboard_file import (
    FailedRun,
    Leaderboard,
    MethodRow,
    Refusal,
    Swap,
)
from prism_desktop.engine.runs.result_files import (
    Accuracy,
    Baseline,
    Costs,
    MacroGain,
    Summary,
)
from prism_desktop.engine.runs.score_files import ScoreTable
from prism_desktop.engine.training.run_evaluation import evaluate_run

if TYPE_CHECKING:
    from prism_desktop.engine.experiments.comparison_plan import Comparison, ComparisonEntry

Runs = dict[tuple[int, int], RunFolder]  # of one row, by seed and fold

_READING = (
    "NLL (in nats) and ECE say how good the probabilities are: the lower, the better. A coin's "
    "NLL is 0.693. ECE is how far stated probabilities lie from what came true, on average. Of "
    "ceiling: mean share of the accuracy that a labeler's own consistency allows, over labelers "
    "who answered enough pairs twice."
)


def write_leaderboard(
    comparison: "Comparison", done: Sequence["ComparisonEntry"], finished: bool
) -> Leaderboard:
    """Write both files.

    Args:
        comparison: what is compared.
        done: the entries that have come to an end, one way or another.
        finished: whether these are all; only then seeds and folds are put together exactly and
            controls are tested.
    """
    groups: dict[Variant, Runs] = {}
    for entry in done:
        if entry.run is not None and not entry.failure:
            groups.setdefault(entry.variant, {})[entry.seed, entry.fold] = entry.run
    rows = _rows(groups, comparison, exact=finished)
    controlled = finished and comparison.plan.controls
    reading = {row.label for row in rows if row.reads_tested_faces}
    leaderboard = _asked(comparison, groups).model_copy(
        update={
            "finished": finished,
            "methods": tuple(rows),
            "failed": tuple(_failed(entry) for entry in done if entry.failure),
            "left_out": tuple(
                Refusal(method=name, reason=why) for name, why in comparison.left_out.items()
            ),
            "names": _people(groups),
            "runs": {
                variant.label: tuple(run.name for run in runs.values())
                for variant, runs in groups.items()
            },
            "baselines": _baselines(groups),
            "swapped": _swapped(groups, reading, comparison) if controlled else {},
            "unswapped": tuple(
                Refusal(method=label, reason=NO_CONTROL) for label in sorted(reading) if controlled
            ),
        }
    )
    leaderboard.save(comparison.path / layout.LEADERBOARD)
    write_text(comparison.path / layout.LEADERBOARD_REPORT, leaderboard_markdown(leaderboard))
    return leaderboard


def _rows(
    groups: Mapping[Variant, Runs], comparison: "Comparison", *, exact: bool
) -> list[MethodRow]:
    """A row per method and point of the grid, the best first; p is adjusted over all of them."""
    consensus = _consensus(groups, comparison) if exact else None
    variants = {variant.label: variant for variant in groups}
    found = [
        summary.model_copy(update={"method": label})
        for label, variant in variants.items()
        for summary in _summaries(variant, groups[variant], comparison, consensus, exact=exact)
    ]
    plan = comparison.plan
    return [
        row.model_copy(
            update={
                "method": variants[row.method].method,
                "settings": dict(variants[row.method].settings),
                "labelers_seen": plan.config(CONSENSUS).split.kind != "labeler",
                "reads_tested_faces": plan.variant_config(variants[row.method]).reads_tested_faces,
            }
        )
        for row in rank_methods(found)
    ]


def _consensus(groups: Mapping[Variant, Runs], comparison: "Comparison") -> "JoinedRuns | None":
    """The predictions of the consensus that all rows are compared with; None without one."""
    runs = next((runs for one, runs in groups.items() if one.method == CONSENSUS), None)
    return None if runs is None else join_runs(runs, comparison.folds)


def _people(groups: Mapping[Variant, Runs]) -> dict[str, str]:
    """What to call each labeler, by code, as the runs know them."""
    runs = (run for found in groups.values() for run in found.values())
    return next((people for run in runs if (people := run.people())), {})


def leaderboard_markdown(leaderboard: Leaderboard) -> str:
    """The leaderboard for a reader."""
    head = (
        "Method | Macro | Micro | NLL | ECE | Gain over consensus | p (Holm) | Improved | Worst "
        "labeler | Parameters"
    )
    head = f"| {head} | Seconds | Verdict | Of ceiling |"
    lines = [f"# {markdown(leaderboard.name)}", "", markdown(_sentence(leaderboard)), "", head]
    lines.append("|" + " --- |" * 13)
    methods = [named_row(row, leaderboard.names) for row in leaderboard.methods]
    for row in methods:
        cells = map(markdown, (*leaderboard_cells(row), _of_ceiling(row)))
        lines.append("| " + " | ".join(cells) + " |")
    lines += _interval_table(leaderboard)
    remarks = [*told_once(leaderboard.failed)]
    remarks += [f"{one.method} was left out: {one.reason}" for one in leaderboard.left_out]
    remarks += [*leaderboard.remarks, *_controls(leaderboard)]
    remarks += knowledge_of(leaderboard.methods)
    for row in methods:
        if row.verdict is not None:
            remarks.append(f"{row.label}: {' '.join(row.verdict.reasons)}")
    lines += ["", _READING, "", *(f"- {markdown(text)}" for text in remarks)]
    return "\n".join([*lines, ""])


def _interval_table(leaderboard: Leaderboard) -> list[str]:
    """The lines of a second table: every row's three intervals, each under its name."""
    if all(row.test.macro.labelers_low is None for row in leaderboard.methods):
        return []
    head = [f"{what} {name}" for what in ("Macro", "Gain") for name in INTERVALS]
    lines = ["", WHAT_INTERVALS, "", "| " + " | ".join(["95% interval", *head]) + " |"]
    lines.append("|" + " --- |" * (len(head) + 1))
    for row in leaderboard.methods:
        cells = (row.label, *told_intervals(row.test.macro), *told_intervals(row.gain, "+"))
        lines.append("| " + " | ".join(map(markdown, cells)) + " |")
    return lines


def leaderboard_cells(row: MethodRow) -> tuple[str, ...]:
    """One method's row for a reader: method, macro, micro, nll, ece,
    gain, p, improved, worst, parameters, seconds, verdict."""
    test, gained, worst, verdict = row.test, row.gain, row.worst, row.verdict
    return (
        f"{row.label} *" if row.reads_tested_faces else row.label,
        _interval(test.macro),
        _interval(test.micro),
        _plain(test.nll),
        _plain(test.ece),
        "" if gained is None else _gain(gained, test.macro.n),
        "" if gained is None else _chance(gained.p),
        "" if row.improved is None else f"{row.improved:.0%}",
        "" if worst is None else f"{worst.labeler} {_points(worst.difference)}",
        "" if row.parameters is None else f"{row.parameters:,}",
        "" if row.seconds is None else f"{row.seconds:.1f}",
        "" if verdict is None else "passes" if verdict.passed else "does not pass",
    )


def _failed(entry: "ComparisonEntry") -> FailedRun:
    return FailedRun(
        method=entry.method,
        settings=dict(entry.variant.settings),
        seed=entry.seed,
        fold=entry.fold,
        run=entry.run.name if entry.run else None,
        message=entry.failure,
    )


def _asked(comparison: "Comparison", groups: Mapping[Variant, Runs]) -> Leaderboard:
    """What was compared, so that a reader can tell comparisons of other data or settings apart."""
    plan, folds = comparison.plan, comparison.folds
    metas = [comparison.sources[CONSENSUS, fold].meta() for fold in folds]
    config, meta = plan.config(CONSENSUS), metas[0]
    tested = sum(one.counts.test for one in metas)
    mixed = told_precisions({one.label: runs.values() for one, runs in groups.items()})
    return Leaderboard(
        name=comparison.path.name,
        study=meta.study,
        simulated=meta.simulated,
        kind=meta.kind,
        prompted=meta.prompted,
        backbone=config.backbone,
        split=meta.split,
        seeds=plan.seeds,
        folds=tuple(folds),
        shuffled=config.pairs.shuffle is not None,
        labelers=meta.codes,
        attributes=meta.names,
        counts=meta.counts.model_copy(update={"test": tested}),
        fingerprint=meta.fingerprint,
        notices=meta.notices,
        wanted=tuple(variant.label for variant in comparison.variants),
        grid={key: tuple(values) for key, values in plan.grid.items()},
        remarks=(*comparison.remarks, *filter(None, [mixed])),
    )


def _summaries(
    variant: Variant,
    runs: Runs,
    comparison: "Comparison",
    consensus: "JoinedRuns | None",
    *,
    exact: bool,
) -> list[Summary]:
    """Results of a row's runs.

    Seeds and folds are put together answer by answer where it is to be exact.
    """
    found = [_summary(run) for run in runs.values()]
    if not exact or (
        consensus is not None
        and len(consensus.predictions) == len(comparison.folds) == 1
        and _complete(variant, runs, comparison)
    ):
        return found
    tested = join_runs(runs, comparison.folds)
    if tested is None:
        return []  # each seed lacks a fold, so that other methods' answers are not all judged
    test = evaluate(
        tested.pairs, tested.predictions, tested.comparisons, tested.seed, ratings=tested.ratings
    )
    # Scores of different folds come from different models: ranks are comparable within a fold
    # alone.
    ranked = [one.test.spearman for one in found if one.test.spearman is not None]
    test = test.model_copy(update={"spearman": mean_record(ranked) if ranked else None})
    costs = averaged([{key: one.dump().get(key) for key in Costs.model_fields} for one in found])
    together = Summary(method=variant.method, test=test, **costs)
    against = _compared_with(variant.method, tested, comparison, consensus)
    if variant.method != CONSENSUS and against:
        gained = gain(held_out(tested.pairs), tested.predictions, against, tested.seed)
        together = together.model_copy(update={"gain": gained})
    return [together]


def _complete(variant: Variant, runs: Runs, comparison: "Comparison") -> bool:
    """Whether a row's only run has told all there is, against the comparison's own consensus."""
    (first, *others) = runs.items()
    (seed, fold), run = first
    wanted = comparison.plan.variant_config(variant, seed, fold)
    return not others and not variant.settings and run.config().seed == wanted.seed


def _compared_with(
    name: str, tested: JoinedRuns, comparison: "Comparison", consensus: "JoinedRuns | None"
) -> list[ScoreTable]:
    """The consensus's predictions that a row's are judged against: every seed of the one that
    learned from the same pairs, which is the comparison's, or else the row's own."""
    sources = comparison.sources
    alike = all(sources[name, fold] == sources[CONSENSUS, fold] for fold in comparison.folds)
    return consensus.predictions if consensus is not None and alike else tested.consensus


def _summary(run: RunFolder) -> Summary:
    """A run's results; computed again if they were written before gains were tested, or before
    there were intervals over labelers."""
    summary = run.summary()
    complete = (
        summary is not None
        and "labelers_low" in summary.test.macro.model_fields_set
        and "macro_nll" in summary.test.model_fields_set
        and (summary.gain is None or summary.gain.improved is not None)
    )
    return summary if summary is not None and complete else evaluate_run(run)


def _baselines(groups: Mapping[Variant, Runs]) -> dict[str, Baseline]:
    """What every method is read against, from the runs of the consensus; averaged over folds."""
    known: dict[str, list[Baseline]] = defaultdict(list)
    runs = next((runs for one, runs in groups.items() if one.method == CONSENSUS), {})
    for run in runs.values():
        summary = run.summary()
        for name, baseline in summary.baselines.items() if summary is not None else ():
            known[name].append(baseline)
    return {name: mean_record(found) for name, found in known.items()}


def _swapped(
    groups: Mapping[Variant, Runs], reading: Collection[str], comparison: "Comparison"
) -> dict[str, Swap]:
    """Personal methods with everybody's model given to the next labeler.

    It must fall below consensus. Those who read others' answers about the tested faces have no
    such control.
    """
    out: dict[str, Swap] = {}
    consensus = _consensus(groups, comparison)
    for variant, runs in groups.items():
        controlled = not ignores_labelers(variant.method) and variant.label not in reading
        tested = join_runs(runs, comparison.folds) if controlled else None
        if tested is None:
            continue
        against = _compared_with(variant.method, tested, comparison, consensus)
        if not against:
            continue
        rotated = [rotate_labelers(table) for table in tested.predictions]
        gained = MacroGain.of(gain(held_out(tested.pairs), rotated, against, tested.seed))
        below = gained.value is not None and gained.value < 0
        out[variant.label] = Swap(gain=gained, below=below)
    return out


def _controls(leaderboard: Leaderboard) -> list[str]:
    left_out = [
        f"{one.method} has no control with swapped models. {one.reason}"
        for one in leaderboard.unswapped
    ]
    return left_out + [
        f"{name} with every labeler's model given to the next: {_points(swap.gain.value)} "
        "points against consensus, "
        f"{'below it, as it must be' if swap.below else 'NOT below it'}."
        for name, swap in leaderboard.swapped.items()
    ]


def _sentence(leaderboard: Leaderboard) -> str:
    """What the table is of, in words for its caption."""
    counts = leaderboard.counts
    text = (
        f"{leaderboard.split.kind.capitalize()} split, {leaderboard.backbone}, "
        f"{counted(leaderboard.seeds, 'seed')}; {counted(counts.test, 'answer')} of "
        f"{counted(counts.labelers, 'labeler')} are tested. Accuracies with 95% intervals over "
        f"images; "
        "gains in points, p adjusted for the number of rows (Holm)."
    )
    if len(leaderboard.folds) > 1:
        text += (
            f" Cross-fitted: each of {counted(len(leaderboard.folds), 'image fold')} was held out "
            "once, with models of its own."
        )
    text += "" if leaderboard.finished else " Not all runs are there yet."
    text = leaderboard.words.told(text)
    text += " Labelers were shuffled: a gain here would be chance." if leaderboard.shuffled else ""
    return text + (
        " The labelers are simulated; nothing here is about people."
        if leaderboard.simulated
        else ""
    )


def _interval(row: Accuracy) -> str:
    if row.accuracy is None or row.low is None or row.high is None:
        return ""
    told = f"{100 * row.accuracy:.1f} [{100 * row.low:.1f}, {100 * row.high:.1f}]"
    return f"{TOO_FEW}: {told}" if too_few(row.n) else told


def _gain(gained: MacroGain, n: int | None) -> str:
    told = told_gain(gained.value, gained.low, gained.high)
    return f"{TOO_FEW}: {told.line}" if too_few(n) else told.line


def _points(value: float | None) -> str:
    return "" if value is None else told_gain(value).number


def _of_ceiling(row: MethodRow) -> str:
    return "" if row.of_ceiling is None else f"{row.of_ceiling:.0%}"


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _chance(p: float | None) -> str:
    return "" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"

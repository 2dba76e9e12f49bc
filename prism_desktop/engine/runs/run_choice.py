"""The choice of a run: which one answers a question about labelers best, and what to know of each.

Accuracies are compared only between runs that share their data and their split.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import METHODS, ignores_labelers, method_title
from prism_desktop.engine.runs.estimates import too_few
from prism_desktop.engine.runs.folder import ACTIVE
from prism_desktop.engine.runs.run_list import RunSummary


def run_name(run: RunSummary) -> str:
    """What to call a run: the name that somebody gave it, else its method."""
    return run.label or method_title(run.method, run.backbone)


def also_called(name: str, run: Path, runs: Sequence[RunSummary]) -> str:
    """That a name is another run's, too, by which nobody can tell them apart; empty if it is none.

    Args:
        name: that the run was given.
        run: its folder.
        runs: of its study.
    """
    known = name.casefold()
    for each in runs:
        if known and each.path.name != run.name and known in (
            each.label.casefold(), each.name.casefold()
        ):  # fmt: skip
            return f"The run {each.name} is called so, too: only their dates tell them apart."
    return ""


def ignoring(name: str) -> str:
    """That a run of this name tells nothing about how labelers differ."""
    return (
        f"{name} ignores who labels: its predictions are the same for every labeler, so labelers "
        "cannot be compared by it."
    )


def finished(run: RunSummary) -> bool:
    """Whether it was trained and tested to its end."""
    return run.state == "finished" and run.macro is not None and not run.damage


def marks(run: RunSummary, runs: Sequence[RunSummary]) -> tuple[str, ...]:
    """What one must know before choosing this run of these, a few words each."""
    found = []
    if run.damage:
        found.append("unreadable")
    elif run.state in ACTIVE:
        found.append("still training")
    elif run.state != "finished":
        found.append(run.state)
    if run.macro is None:
        found.append("not tested")
    if run.weightless:
        found.append("weights gone")
    if run.shuffled:
        found.append("a control: labelers shuffled")
    if ignores_labelers(run.method):
        found.append("ignores labelers")
    everybody = set().union(*(each.labelers for each in runs))
    if run.labelers and len(run.labelers) < len(everybody):
        found.append(f"{len(run.labelers):,} of {counted(len(everybody), 'labeler')}")
    if _tiny(run):
        found.append(f"only {counted(run.answers or 0, 'test answer')}")
    return tuple(found)


def best_with_tower(runs: Sequence[RunSummary]) -> RunSummary | None:
    """The first of these runs, best first, that has an image tower, of which maps can be made, and
    tells labelers apart."""
    for run in runs:
        known = METHODS.get(run.method)
        if known is None or run.weightless or run.shuffled or run.state in ACTIVE:
            continue
        if not known.scoring.of_features and not ignores_labelers(run.method):
            return run
    return None


def _tiny(run: RunSummary) -> bool:
    return too_few(run.answers)


def comparable(one: RunSummary, other: RunSummary) -> bool:
    """Whether two runs were tested on the same answers."""
    return _tested_on(one) == _tested_on(other)


def _tested_on(run: RunSummary) -> tuple[str, str, int | None]:
    return run.fingerprint, run.split, run.answers


def best_first(runs: Sequence[RunSummary]) -> tuple[RunSummary, ...]:
    """Runs in the order in which they are offered.

    Finished personal ones, then those whose method ignores labelers, controls whose labelers were
    shuffled, and the unfinished; of each, first those that were tested on enough answers, from the
    newest data on, by their accuracy.
    """
    newest: dict[tuple[str, str, int | None], float] = {}
    for run in runs:
        if finished(run):
            newest[_tested_on(run)] = max(newest.get(_tested_on(run), 0.0), run.created)

    def place(run: RunSummary) -> tuple[object, ...]:
        return (
            not finished(run),
            run.shuffled,
            ignores_labelers(run.method),
            _tiny(run),
            -newest.get(_tested_on(run), 0.0),
            -(run.macro or 0.0),
            -run.created,
        )

    return tuple(sorted(runs, key=place))


def best_personal(runs: Sequence[RunSummary], labelers: Sequence[str] = ()) -> RunSummary | None:
    """The best finished run that tells labelers apart and knows all these; None without one."""
    fits = (
        run
        for run in best_first(runs)
        if finished(run) and not run.shuffled and not ignores_labelers(run.method)
        if not labelers or set(labelers) <= set(run.labelers)
    )
    return next(fits, None)


def better(shown: RunSummary | None, runs: Sequence[RunSummary]) -> RunSummary | None:
    """A finished personal run that is better than the one shown, where that can be told."""
    best = best_personal(runs)
    if best is None or shown is None or best.path == shown.path:
        return None
    if ignores_labelers(shown.method) or shown.shuffled or not finished(shown):
        return best
    told = comparable(best, shown) and (best.macro or 0.0) > (shown.macro or 0.0)
    return best if told else None


def trained_further(known: RunSummary | None, now: RunSummary) -> bool:
    """Whether a run that was read before is another one now; a new name alone makes it none."""
    same = known is not None and replace(known, label=now.label, note=now.note) == now
    return now.state not in ACTIVE and not same

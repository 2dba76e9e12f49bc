"""Whether two versions of the program learn the same:

    python -m tests.bench.same_numbers ONE OTHER

ONE and OTHER are studies of the same data in which each version ran the same comparison, on the
same machine with one thread. Every method's scores, of all labelers, attributes and images, are
held against each other; what is the same is the same to the bit.
"""

import sys
from pathlib import Path

import numpy as np

from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.runs.score_files import ScoreTable


def scores_of(study: Path) -> dict[str, tuple[ScoreTable | None, int | None]]:
    """The first finished run of each method: its scores and the parameters that it trained."""
    found: dict[str, tuple[ScoreTable | None, int | None]] = {}
    for run in reversed(list_runs(study)):
        if run.state == "finished" and run.method not in found:
            summary = RunFolder(run.path).summary()
            trained = None if summary is None else summary.parameters.get("trainable")
            found[run.method] = RunFolder(run.path).scores(), trained
    return found


def told(
    one: tuple[ScoreTable | None, int | None], other: tuple[ScoreTable | None, int | None]
) -> str:
    """In a few words."""
    first, second = one[0], other[0]
    if first is None or second is None:
        return "no scores"
    names = [(s.labelers, s.attributes, sorted(s.images)) for s in (first, second)]
    if names[0] != names[1]:
        return "other labelers, attributes or images"
    a, b = (np.asarray(s.array)[:, :, np.argsort(s.images)] for s in (first, second))
    same = "the same" if np.array_equal(a, b) else f"apart by {np.abs(a - b).max():.2g}"
    counted = f"{one[1]:,} trained" if one[1] == other[1] else f"{one[1]} and {other[1]} trained"
    return f"{same}, {counted}"


def main() -> None:
    one, other = (scores_of(Path(name)) for name in sys.argv[1:3])
    for method in sorted(one.keys() | other.keys()):
        both = method in one and method in other
        print(f"{method:20} {told(one[method], other[method]) if both else 'in one of them alone'}")


if __name__ == "__main__":
    main()

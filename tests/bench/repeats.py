"""How long a million answers take to be searched for copies and repeats, and how much memory.

Usage: `python -m tests.bench.repeats`.
"""

import resource
import time

import numpy as np

from prism_desktop.engine.study.importing.answer_columns import NONE, AnswerColumns
from prism_desktop.engine.study.importing.repeats.repeats import find_repeats
from prism_desktop.engine.study.known_answers import IMPORTED, KnownAnswers

ANSWERS, LABELERS = 1_000_000, 1_000


def main() -> int:
    """Print seconds and the growth of memory for four kinds of import."""
    single = _answers(np.arange(ANSWERS // LABELERS))
    doubled = _answers(np.tile(np.arange(ANSWERS // LABELERS // 2), 2))
    timed = _answers(np.tile(np.arange(ANSWERS // LABELERS // 10), 10), timed=True)
    cases = {
        "each once": (single, None),
        "all twice": (doubled, None),
        "ten times each, with times": (timed, None),
        "all in the study": (single, _known(single)),
    }
    for name, (answers, known) in cases.items():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        found = find_repeats(answers, known, "ask", ("ratings.csv",))
        seconds = time.perf_counter() - start
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        print(
            f"{name:<28} {seconds:5.2f} s, at most {grown:4.0f} MB more, {found.keep.sum():,} kept"
        )
    return 0


def _answers(images: "np.ndarray", timed: bool = False) -> AnswerColumns:
    """The same images for every labeler, in this order."""
    random = np.random.default_rng(0)
    n = LABELERS * len(images)
    image = np.tile(images, LABELERS).astype(np.int32)
    nothing = np.full(n, NONE, np.int32)
    values = random.integers(1, 8, images.max() + 1).astype(float)
    return AnswerColumns(
        labelers=tuple(f"P{i}" for i in range(LABELERS)),
        images=tuple(f"{i:064x}" for i in range(images.max() + 1)),
        attributes=("attractive",),
        sessions=(),
        trials=(),
        presentations=(),
        table=np.zeros(n, np.int32),
        row=np.arange(2, n + 2, dtype=np.int32),
        comparison=np.zeros(n, np.bool_),
        labeler=np.repeat(np.arange(LABELERS, dtype=np.int32), len(images)),
        left=image,
        right=nothing,
        attribute=np.zeros(n, np.int32),
        value=values[image],
        session=nothing,
        trial=nothing,
        presentation=nothing,
        onset=(1.7e9 if timed else np.nan) + 3 * np.arange(n, dtype=np.float64),
        seconds=np.full(n, np.nan),
    )


def _known(answers: AnswerColumns) -> KnownAnswers:
    n = len(answers)
    return KnownAnswers(
        labelers=answers.labelers,
        images=answers.images,
        attributes=answers.attributes,
        imports=("week1.csv",),
        labeler=answers.labeler,
        left=answers.left,
        right=answers.right,
        attribute=answers.attribute,
        comparison=answers.comparison,
        value=answers.value,
        onset=answers.onset,
        seconds=answers.seconds,
        order=np.zeros(n, np.int32),
        session=np.zeros(n, np.int32),
        source=np.full(n, IMPORTED, np.int8),
        imported=np.zeros(n, np.int32),
        trial=np.arange(1, n + 1, dtype=np.int64),
    )


if __name__ == "__main__":
    raise SystemExit(main())

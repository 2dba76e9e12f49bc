"""The names of all files and folders of a run, a comparison, a search and the store of curves.

No other module of the program spells them.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from prism_desktop.engine.errors import RunError

# Folders of a study.
RUNS = "runs"
COMPARISONS = "comparisons"
CURVES = "curves"
SEARCHES = "search"
WRITING = "writing"  # runs that learn to write like somebody
WRITING_COMPARISONS = "writing-comparisons"
JOBS = "jobs"  # what jobs printed, a folder each time some are started
PRINTED_RUNS = "runs.json"  # of such a folder: whose jobs they are
NAMED_VIEWS = "views.json"  # of Explore, a file beside them

# A run: what was asked, its state, what it is told, where it ran.
CONFIG = "config.json"
STATUS = "status.json"
CONTROL = "control.json"
ENVIRONMENT = "environment.json"
DEPENDENCIES = "siblings.json"  # the runs that it depends on
RESUME_LOCK = "resume.lock"
LABEL = "label.json"  # what people call it, and their note
JOB = "job.json"  # that trains it, where it is handed to one
LOG = "log.txt"  # what its processes printed

# A run: the data that it learns from.
DATA = "data"
META = "meta.json"  # also of a labeler in `adapted/`
Table = Literal["images", "pairs", "comparisons", "ratings"]
TABLES: tuple[Table, ...] = ("images", "pairs", "comparisons", "ratings")
TEXTS = "texts.parquet"  # what is judged, where it is texts; `images` has their identities
FACTS = "facts.parquet"  # about the images, where the study knows any; runs up to 0.2 lack it
OWN_TEXTS = "own-texts.parquet"  # what people wrote, of a run of the task writing

# A run: progress and results.
EVENTS = "events.jsonl"
METRICS = "metrics.csv"
PARAMETERS = "parameters.json"
PREDICTIONS = "predictions.parquet"  # also of a labeler in `adapted/`
CONSENSUS = "consensus.parquet"
RIDGE = "ridge.parquet"
ZERO_SHOT = "zero-shot.parquet"
SCORES = (PREDICTIONS, CONSENSUS, RIDGE, ZERO_SHOT)
BASELINES = "baselines.parquet"  # the last two in one, of versions up to 0.1
SUMMARY = "summary.json"
REPORT = "summary.md"
# A run of the task writing: its weights, what every tested text cost, what it wrote, its results.
WRITER = "writer.safetensors"
TEXT_SCORES = "text-scores.parquet"
GENERATED = "generated-texts.parquet"  # nobody wrote these
TOKEN_COSTS = "token-costs.safetensors"  # of the same texts, and of those that are chosen by
WEIGHED = "weighed-runs.json"  # of a combination: which runs
WRITTEN = "written.json"

# A folder of the study's cache: the baselines of one data set.
KEPT_BASELINES = "baselines.json"

# A run: weights on the way, and at the best epoch.
CHECKPOINTS = "checkpoints"
STATE = "state.safetensors"  # of a checkpoint, and of a labeler in `adapted/`
MANIFEST = "manifest.json"
MARKS_LOCK = "manifest.lock"  # held while marks in the manifest change
ADAPTER = "adapter"
ADAPTER_FILES = ("adapter_model.safetensors", "adapter_config.json")  # in each of its folders
TOKENS = "tokens.safetensors"
HEAD = "head.safetensors"
CLOSED_FORM = "closed-form.safetensors"  # heads that a tower's training started at
TELLING = "telling.json"  # what a labeler of whom nothing is known should judge first
COMBINATION = "combination.json"
BLOCKS = "blocks.json"  # what each optional block adds on validation answers
ADAPTED = "adapted"  # labelers who entered after the training

# A comparison or a search: the process that works there.
OWNER_LOCK = "owner.lock"  # locked by the operating system, which lets go when the process dies
OWNER = "owner.json"

# A comparison.
LEADERBOARD = "leaderboard.json"
LEADERBOARD_REPORT = "leaderboard.md"

# A search.
SEARCH = "search.json"
SEARCH_START = "consensus.json"  # the run that trials start at
JOURNAL = "journal.log"
SHARE = "share.json"  # of the folder of a job: which trials it tries

MODELS = (COMBINATION, HEAD, TOKENS)  # every run that was trained has one of them
# of a run that was discarded nothing is left of these
MADE_BY_TRAINING = (
    *MODELS, CLOSED_FORM, TELLING, BLOCKS, *SCORES, BASELINES, SUMMARY, REPORT, METRICS,
    WRITER, TEXT_SCORES, TOKEN_COSTS, GENERATED, WEIGHED, WRITTEN,
)  # fmt: skip
CHECKPOINT = re.compile(r"step-\d{8,}", re.ASCII)  # a folder in `CHECKPOINTS`


def _files(*names: str) -> str:
    """Any of these files, or what is left of writing it."""
    named = "|".join(map(re.escape, names))
    return rf"\.?(?:{named})(?:\.[0-9a-f]{{8}})?(?:\.tmp|\.new)?"


_TABLE_FILES = tuple(f"{name}.parquet" for name in TABLES)
_KNOWN = (
    _files(CONFIG, STATUS, CONTROL, ENVIRONMENT, DEPENDENCIES, RESUME_LOCK, LABEL, LOG, EVENTS),
    _files(JOB),
    _files(METRICS, PARAMETERS, *SCORES, BASELINES, SUMMARY, REPORT, *MODELS),
    _files(MANIFEST, MARKS_LOCK),
    _files(CLOSED_FORM, TELLING, BLOCKS, WRITER, TEXT_SCORES, TOKEN_COSTS, GENERATED, WEIGHED),
    _files(WRITTEN),
    _files(
        OWNER_LOCK, OWNER, LEADERBOARD, LEADERBOARD_REPORT, SEARCH, SEARCH_START, JOURNAL, SHARE
    ),
    re.escape(f"{JOURNAL}.lock"),
    rf"{DATA}/(?:{_files(META, FACTS, TEXTS, OWN_TEXTS, *_TABLE_FILES)})?",
    rf"{CHECKPOINTS}/(?:\.?step-\d+(?:\.\d+\.tmp)?/(?:{_files(STATE, MANIFEST)})?)?",
    rf"{ADAPTER}(?:\.new)?/(?:[\w.-]+/)?(?:{_files(*ADAPTER_FILES)})?",
    rf"{ADAPTED}/(?:[^/]+/(?:{_files(PREDICTIONS, STATE, META)})?)?",
)
# data of a comparison lie in folders like runs'
_OURS = re.compile(rf"(?:\.?data-\d+(?:-\d+)?/)?(?:{'|'.join(_KNOWN)})?", re.ASCII)


def is_ours(name: str) -> bool:
    """Whether the program gives this name to a file of a run, a comparison or a search, or with
    a "/" at its end to a folder; it is told from there on, such as "data/meta.json"."""
    return _OURS.fullmatch(name) is not None


def ours_in(folder: str) -> Callable[[str], bool]:
    """The same of what lies in one of a run's folders."""
    return lambda name: is_ours(f"{folder}/{name}")


def table_name(name: Table) -> str:
    """One table of a run's data snapshot, within the run's folder."""
    return f"{DATA}/{name}.parquet"


def table_file(run: Path, name: Table) -> Path:
    """The same as a path."""
    return run / table_name(name)


def has_results(study: Path) -> bool:
    """Whether anything lies where runs, comparisons and curves do; what reads them need not be
    imported for a study that has none."""
    return any(
        (study / name).is_dir() and any((study / name).iterdir())
        for name in (RUNS, WRITING, COMPARISONS, WRITING_COMPARISONS, CURVES)
    )


def holds(run: Path, name: str) -> bool:
    """Whether anything has this name in a run, a file or not: what is no file is damage, which
    whoever reads it tells, and not the same as nothing. Raises OSError where the disk keeps it a
    secret."""
    return (run / name).is_symlink() or (run / name).exists()


def model_file(run: Path) -> Path:
    """The file that is written last when a run's model is, whatever its kind.

    Raises:
        RunError: there is none.
    """
    for name in MODELS:
        if holds(run, name):
            return run / name
    raise RunError(f"{run.name} holds no trained model yet; finish or resume its training.")


def is_weights(name: str) -> bool:
    """Whether a file of a run, by its path within it, is a part of its weights."""
    return name in (*MODELS, CLOSED_FORM, WRITER) or name.startswith(f"{ADAPTER}/")

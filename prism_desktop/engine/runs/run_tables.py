"""What the Parquet files of a run must hold, whatever version wrote them."""

from collections.abc import Mapping

from prism_desktop.engine.parquet_forms import TEXT, Cells, Form
from prism_desktop.engine.runs import layout

# Within the run's folder.
IMAGES_FILE = layout.table_name("images")
RATINGS_FILE = layout.table_name("ratings")
COMPARISONS_FILE = layout.table_name("comparisons")
FACTS_FILE = f"{layout.DATA}/{layout.FACTS}"
TEXTS_FILE = f"{layout.DATA}/{layout.TEXTS}"
META_FILE = f"{layout.DATA}/{layout.META}"

_LARGE = 3e38  # the largest float32
_YEAR_9999 = 253_370_764_800.0  # unix s
_SPLIT = Cells("text", words=frozenset(("train", "val", "test", "dropped")))
_ORDER = Cells("whole", 0, 2**53)
_SOMETIMES = Cells("text", blank=True, old=True)
_WHO = {"labeler": TEXT, "attribute": TEXT}
# Of a trial; answers can come without any of them from other programs.
_TRIAL: Form = {
    "onset": Cells("real", -_YEAR_9999, _YEAR_9999, blank=True, old=True),
    "seconds": Cells("real", -_LARGE, _LARGE, blank=True, old=True),
    "repeat_of": _SOMETIMES,
    "source": _SOMETIMES,
    "dropped_frames": Cells("real", -_LARGE, _LARGE, blank=True, old=True),
    "drawn": Cells("whole", 0, 1, old=True),
}
_HEAD: Form = {
    "trial": TEXT,
    "labeler": TEXT,
    "session": _SOMETIMES,
    "order": Cells("whole", -(2**53), 2**53, old=True),
}

# of a file of scores of format 1, see `score_files`; differences of scores are logits
SCORES: Form = {**_WHO, "image": TEXT, "score": Cells("real", -_LARGE, _LARGE)}
BASELINES: Form = {"baseline": TEXT, **SCORES}
FACTS: Form = {"image": TEXT, "name": TEXT, "value": TEXT}
TEXTS: Form = {"image": TEXT, "prompt": Cells("text", blank=True), "text": TEXT}
PATHS: Form = {"image": TEXT, "path": TEXT}
IMAGES: Form = {"image": TEXT, "name": TEXT, "path": TEXT}
COMPARED: Form = {
    **_WHO,
    "left": TEXT,
    "right": TEXT,
    "outcome": Cells("text", words=frozenset(("left", "right", "tie"))),
}
RATED: Form = {**_WHO, "image": TEXT, "value": Cells("whole", 1, 4)}
# of pairs: the presentation that each belongs to, see `written_tables`
PLACE = Cells("whole", 0, 2**53)
# of pairs, all that a test looks at
TESTED = ("labeler", "attribute", "left", "right", "outcome", "source", "split")
TABLES: Mapping[layout.Table, Form] = {
    "images": {
        **IMAGES,
        "width": Cells("whole", 0, 2**31, old=True),
        "height": Cells("whole", 0, 2**31, old=True),
        "fold": Cells("whole", 0, 2**31, old=True),
        "split": _SPLIT,
    },
    "pairs": {
        "trial": TEXT,
        **_WHO,
        "left": TEXT,
        "right": TEXT,
        "outcome": Cells("real", 0, 1),
        "weight": Cells("real", 0, _LARGE),
        "source": Cells("text", words=frozenset(("comparison", "rating"))),
        "order": _ORDER,
        "split": _SPLIT,
    },
    "comparisons": {
        **_HEAD,
        "left": TEXT,
        "right": TEXT,
        "attribute": TEXT,
        "outcome": COMPARED["outcome"],
        **_TRIAL,
    },
    "ratings": {
        **_HEAD,
        "image": TEXT,
        "attribute": TEXT,
        "value": RATED["value"],
        "raw": Cells("real", -_LARGE, _LARGE, blank=True, old=True),
        **_TRIAL,
    },
}

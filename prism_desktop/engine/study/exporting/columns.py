"""The columns of every exported table, each with what it means. The codebook is made of these."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from prism_desktop.engine.stimulus_words import FACES, StimulusWords

Type = Literal["text", "integer", "number", "yes/no"]
Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    type: Type
    explanation: str


_TRIAL: Final = Column(
    "trial", "text", "Identifies the trial; rows with the same trial belong to one presentation."
)
_NUMBER: Final = Column(
    "number", "integer", "Place in the study's log of trials, over ratings and comparisons, from 1."
)
_LABELER: Final = Column("labeler", "text", "Code of the labeler.")
_CALLED: Final = Column("labeler_name", "text", "Name of the labeler with the code.")
_PLACE: Final = (
    _TRIAL,
    _NUMBER,
    _LABELER,
    _CALLED,
    Column("session", "text", "Identifies the sitting."),
    Column("order", "integer", "Place within the session, from 0."),
)
_FACTS: Final = (
    Column(
        "onset",
        "number",
        "When this question was put, seconds since 1970-01-01 UTC: the frame that painted the "
        "images, or for a later question the frame that painted it. Empty: only the trial's is "
        "known, or the question was never put, or its key came before it was painted.",
    ),
    Column(
        "seconds",
        "number",
        "Response time in seconds of this answer, from its own onset; the clock stands while the "
        "labeler is away. Empty: only the trial's is known, or the question was never put; 0 "
        "without onset: the key came before the question was painted.",
    ),
    Column(
        "status",
        "text",
        "answered, skipped (this question; the whole trial where attribute is empty), "
        "withdrawn (taken back by the labeler; not to be analysed), or practice or check "
        "(answered, but asked to learn the task or to check attention; not to be analysed).",
    ),
    Column("skip_reason", "text", "Why this question, or the whole trial, was skipped."),
    Column("trial_onset", "number", "When the images were painted, seconds since 1970-01-01 UTC."),
    Column(
        "trial_seconds",
        "number",
        "From there to the last answer of the trial, without the time away.",
    ),
    Column(
        "flags",
        "text",
        "left: the panel, the window or the screen lost the trial before it was done; interrupted: "
        "it was completed in a later session; practice, check: what it was for. Blanks between.",
    ),
    Column("block", "text", "Block of the protocol that the trial belongs to."),
    Column("strategy", "text", "What chose the image or pair."),
    Column(
        "repeat_of",
        "text",
        "The earlier trial that this one repeats, in a comparison often with swapped sides.",
    ),
    Column(
        "superseded_by",
        "text",
        "The later trial that corrects this one; analyse only rows where this is empty.",
    ),
    Column("source", "text", "labeled (in this program), imported, or simulated."),
    Column("probability", "number", "With which the design drew this image or pair at this place."),
    Column(
        "dropped_frames",
        "integer",
        "Frames of the screen missed before the images were painted: 0 is on time; empty: not "
        "measured.",
    ),
    Column(
        "import",
        "text",
        "The import that brought the trial, empty if it was labeled in this program.",
    ),
)
RATINGS: Final = (
    *_PLACE,
    Column(
        "image", "text", "Name of the image: its path below the folder that it was imported from."
    ),
    Column("image_id", "text", "SHA-256 of the image's file."),
    Column("attribute", "text", "What was judged."),
    Column("rating", "integer", "The answer, 1 to 4; the labels are in the table of attributes."),
    Column(
        "raw", "number", "The rating as its file had it; empty if it was given in this program."
    ),
    *_FACTS,
)
COMPARISONS: Final = (
    *_PLACE,
    Column("left", "text", "Name of the image on the left."),
    Column("right", "text", "Name of the image on the right."),
    Column("left_id", "text", "SHA-256 of the left image's file."),
    Column("right_id", "text", "SHA-256 of the right image's file."),
    Column("attribute", "text", "What was judged."),
    Column("outcome", "text", "Which image is higher: left, right or tie."),
    Column("strength", "integer", "Strength of the preference, 1 to 9; empty: not asked for."),
    *_FACTS,
)
IMAGES: Final = (
    Column("image_id", "text", "SHA-256 of the image's file."),
    Column("name", "text", "Path below the folder that it was imported from."),
    Column("width", "integer", "Pixels, after rotation as EXIF says; empty: unknown."),
    Column("height", "integer", "Pixels, after rotation as EXIF says; empty: unknown."),
    Column(
        "fold", "integer", "0 to 6, fixed when the image was added; pairs are drawn within folds."
    ),
)
TEXTS: Final = (
    Column("text_id", "text", "SHA-256 of the text and its prompt, see docs/texts.md."),
    Column("name", "text", "What the file of texts calls it."),
    Column("prompt", "text", "What it answers; empty: nothing."),
    Column("text", "text", "What it says."),
    Column("author", "text", "Code of the labeler who wrote it; empty: not known."),
    Column("group", "text", "Texts of one group share a fold; empty: those of one prompt do."),
    Column(
        "fold", "integer", "0 to 6, fixed when the text was added; pairs are drawn within folds."
    ),
)
OWN_TEXTS: Final = (
    Column("own_text_id", "text", "SHA-256 of the text and its prompt, see docs/texts.md."),
    Column("labeler", "text", "Code of the labeler who wrote it."),
    Column("prompt", "text", "What it answers; empty: nothing."),
    Column("text", "text", "What it says; nobody judges it."),
)
LABELERS: Final = (
    _LABELER,
    Column("display_name", "text", "Name as shown."),
    Column("profile", "text", "Free text about the person."),
    Column("simulated", "yes/no", "Whether a program answered."),
)
CODEBOOK: Final = (
    Column("table", "text", "Name of the table."),
    Column("column", "text", "Name of the column."),
    Column("type", "text", "text, integer, number or yes/no."),
    Column("explanation", "text", "What the column holds."),
    Column("rows", "integer", "Rows of the table."),
    Column("filled", "integer", "Rows in which the column is not empty."),
)


# How columns about images are headed and explained where the study holds texts.
_OF_TEXTS: Final = {
    "image": Column("stimulus", "text", "Name of the text, as the file of texts calls it."),
    "image_id": Column("stimulus_id", "text", "SHA-256 of the text and its prompt."),
    "left_id": Column("left_id", "text", "SHA-256 of the left text and its prompt."),
    "right_id": Column("right_id", "text", "SHA-256 of the right text and its prompt."),
}


def worded(columns: Sequence[Column], words: StimulusWords) -> tuple[Column, ...]:
    """Columns of trials as they are headed and explained by what the study holds."""
    if words is FACES:
        return tuple(columns)
    return tuple(
        _OF_TEXTS.get(column.name)
        or replace(column, explanation=column.explanation.replace("image", words.kept))
        for column in columns
    )


FACT: Final = {
    "fact": "What an import says: {name}.",
    "rater": "A fact about the labeler: {name}.",
    "image": "A fact about the image: {name}.",
    "stimulus": "A fact about the text: {name}.",
    "left": "A fact about the left image: {name}.",
    "right": "A fact about the right image: {name}.",
}


def fact_columns(prefix: str, names: Sequence[str], others: Sequence[Column]) -> list[Column]:
    """Columns PREFIX_NAME for facts of those names.

    If `others` have a column of that name, as "image_id" for a fact "id", it becomes
    PREFIX_fact_NAME.
    """
    fixed, taken = {column.name.lower() for column in others}, set()
    made = []
    for name in names:
        column = f"{prefix}_{name}"
        while column.lower() in fixed or column in taken:
            column = f"{prefix}_fact_{column.removeprefix(prefix + '_')}"
        taken.add(column)
        made.append(Column(column, "text", FACT[prefix].format(name=name)))
    return made


def attribute_columns(templates: int) -> tuple[Column, ...]:
    """The columns of the table of attributes, with room for so many templates."""
    return (
        Column("attribute", "text", "What is judged."),
        Column("question", "text", "The question as the labeler reads it."),
        Column(
            "confirmed",
            "yes/no",
            "Whether somebody confirmed that it is a judgment; else an import guessed it.",
        ),
        Column(
            "imported_low", "number", "Lowest rating that could be given where it was imported."
        ),
        Column("imported_high", "number", "Highest rating that imported ratings could have."),
        *(
            Column(f"scale_{step}", "text", f"What the rating {step} is called.")
            for step in range(1, 5)
        ),
        *(
            Column(
                f"template_{number}",
                "text",
                "A text for the text tower; {} stands for the attribute.",
            )
            for number in range(1, templates + 1)
        ),
    )

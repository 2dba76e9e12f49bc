"""An import's refusals and doubts where the same files are read and nothing is stored."""

from typing import Final

# What an import's refusal says of its own options, and of what it left undone.
_OTHERWISE: Final = (
    (", or say which is which (`--column text=NAME`)", ""),
    ("name its encoding with --encoding", "save it as UTF-8"),
    ("name it with --encoding if that is wrong", "save it as UTF-8 if that is wrong"),
    ("Name the encoding with --encoding if names are wrong", "Save it as UTF-8 if they are wrong"),
    ("Name another with --encoding if names are wrong", "Save it as UTF-8 if they are wrong"),
    ("Nothing was imported.", "Nothing was scored."),
    ("nothing was imported.", "nothing was scored."),
)


def as_scored(refusal: str) -> str:
    """A refusal or a doubt where texts are scored: it names no option that only an import has."""
    for said, instead in _OTHERWISE:
        refusal = refusal.replace(said, instead)
    return refusal

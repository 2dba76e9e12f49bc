"""An import's refusals in the words of a command that reads the same files and stores nothing."""

from typing import Final

# What an import's refusal says of its own options, and of what it left undone.
_OTHERWISE: Final = (
    (", or say which is which (`--column text=NAME`)", ""),
    ("name its encoding with --encoding", "save it as UTF-8"),
    ("Nothing was imported.", "Nothing was scored."),
    ("nothing was imported.", "nothing was scored."),
)


def as_scored(refusal: str) -> str:
    """A refusal where texts are scored: it names no option that only an import has."""
    for said, instead in _OTHERWISE:
        refusal = refusal.replace(said, instead)
    return refusal

"""open_clip without the libraries that only towers need which are refused here."""

import sys
from typing import Any

# A tower of timm's and a text tower from Hugging Face cannot be personalised; these two would cost
# a second at every start of a training. open_clip does without where they are not installed.
_UNUSED = ("timm", "transformers")


def import_open_clip() -> Any:
    """The package open_clip, without its optional libraries unless they are loaded already."""
    hidden = [] if "open_clip" in sys.modules else [n for n in _UNUSED if n not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # as if it were not installed
    try:
        import open_clip
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
    return open_clip

"""How many bytes a trained run keeps of each labeler: what every further one would add.

Read from its files' headers.

Counted is what is a labeler's own, as it is stored: tokens, words, adapters, weights, and facts
that the method reads, such as past comparisons. What all share is not counted, nor are groups'
parts, which a further labeler joins.
"""

from pathlib import Path

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.methods import METHODS, Method
from prism_desktop.engine.methods.parts.adapter_parts import Adapters
from prism_desktop.engine.models.combination_file import read_combination
from prism_desktop.engine.runs import layout
from prism_desktop.engine.tensor_files import read_header

_WEIGHT = 8  # bytes of a member's weight for one labeler


def bytes_per_labeler(run: Path) -> int | None:
    """The mean over a run's labelers; None where it holds no model, or one that cannot be read.

    Args:
        run: the folder; runs that a combination depends on are looked for beside it.
    """
    try:
        if layout.holds(run, layout.COMBINATION):
            return _of_combination(run)
        if layout.holds(run, layout.HEAD):
            sizes, card = read_header(run / layout.HEAD)
            names = METHODS[card["method"]].kept
            own = sum(size for name, size in sizes.items() if name in names)
        elif layout.holds(run, layout.TOKENS):
            sizes, card = read_header(run / layout.TOKENS)
            method = METHODS[card["method"]]
            names = method.kept
            own = sum(size for name, size in sizes.items() if name in names)
            own += sum(len(profile.encode()) for profile in card.get("profiles") or ())
            own += sum(
                sum(read_header(path)[0].values())
                for path in _own_adapters(run / layout.ADAPTER, method)
            )
        else:
            return None
        return round(own / len(card["labelers"]))
    except (PrismError, OSError, KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def _of_combination(run: Path) -> int | None:
    members = [member for member in read_combination(run) if any(member.weight)]
    sizes = [bytes_per_labeler(run.with_name(member.run)) for member in members]
    return None if None in sizes else sum(_WEIGHT + size for size in sizes if size is not None)


def _own_adapters(folder: Path, method: Method) -> list[Path]:
    """Files of adapters that belong to one labeler each.

    The first adapter of all lies in the folder itself.
    """
    adapters = [*method.of(Adapters)]
    if not any(part.owned for part in adapters):
        return []
    first = () if any(not part.owned for part in adapters) else folder.glob("*.safetensors")
    return [*folder.glob("own-*/*.safetensors"), *first]

"""The rows of a comparison: methods, and their settings where a grid varies them.

Importing this needs neither torch nor pandas.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from prism_desktop.engine.config import TrainConfig, settings
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import CONSENSUS, labelled, method
from prism_desktop.engine.methods.read_settings import reads
from prism_desktop.engine.named_lists import listed_names
from prism_desktop.engine.plain_text import shortened
from prism_desktop.engine.settings import parse

MOST_POINTS = 100
Grid = Mapping[str, tuple[str, ...]]  # dotted key to the values that are tried
# What makes a table one: all its rows are tested on the same answers about the same images.
_SAME_FOR_ALL = frozenset(
    {"method", "backbone", "labelers", "attributes", "split", "pairs", "members", "seed"}
    | {"device", "threads", "precision", "compare", "baselines"}
    | {"checkpoint_seconds"}
)


@dataclass(frozen=True, slots=True)
class Variant:
    """A method with the settings that make it a row of its own."""

    method: str
    settings: tuple[tuple[str, str], ...] = ()  # dotted keys and values, of a grid

    @property
    def label(self) -> str:
        """What tells it from the other rows; the method's name where no setting varies."""
        return labelled(self.method, dict(self.settings))

    @property
    def texts(self) -> tuple[str, ...]:
        """Its settings as "key=value"."""
        return tuple(f"{key}={value}" for key, value in self.settings)


def parse_grid(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Settings and the values to try, from texts like "rank=2,4,8".

    Raises:
        InputError: one sentence, if a setting is unknown, has no value or too many, or must be
            the same in all rows of a table.
    """
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, _, values = text.partition("=")
        wanted = tuple(dict.fromkeys(listed_names(values)))
        if not name.strip() or not wanted:
            raise InputError(
                f"The grid “{shortened(text.strip(), 60)}” names no "
                f"{'values' if name.strip() else 'setting'}: write key=a,b,c, for example "
                "rank=2,4,8."
            )
        key = _known(name.strip(), wanted[0])
        if key.partition(".")[0] in _SAME_FOR_ALL:
            raise InputError(
                f"A grid cannot vary {key}, since the rows of one table share their data and "
                "their test; compare once for each value instead."
            )
        if len(wanted) > MOST_POINTS:
            raise _too_many(len(wanted))
        if key in found:
            raise InputError(f"The grid names {key} twice; write its values in one list.")
        found[key] = wanted
    return found


def _known(name: str, value: str) -> str:
    """The dotted key that a name means: itself, or the only one that ends with it."""
    known = [setting.key for setting in settings()]
    ends = [key for key in known if key.rpartition(".")[2] == name]
    if name not in known and len(ends) == 1:
        return ends[0]
    return parse(f"{name}={value}", settings())[0]


def variants_of(name: str, grid: Grid, config: TrainConfig) -> tuple[Variant, ...]:
    """A method at each point of a grid, of the settings that it reads; itself where it reads none.

    The consensus, which all are compared with, is there once.

    Args:
        name: of the method.
        grid: settings and their values.
        config: of the method without the grid, which says its members and its backbone.

    Raises:
        InputError: there are too many points.
    """
    read = {key: grid[key] for key in grid if name != CONSENSUS and _reads(config, key)}
    points = 1
    for values in read.values():
        points *= len(values)
    if points > MOST_POINTS:
        raise _too_many(points)
    return tuple(
        Variant(name, tuple(zip(read, point, strict=True))) for point in product(*read.values())
    )


def _too_many(points: int) -> InputError:
    return InputError(
        f"The grid has {counted(points, 'point')}; a comparison takes at most {MOST_POINTS} of a "
        "method. Leave values out."
    )


def check_grid(grid: Grid, configs: Sequence[TrainConfig]) -> None:
    """Make sure that a grid can be compared, before anything of a study is read.

    Args:
        grid: from `parse_grid`.
        configs: of every method without the grid; at least one.

    Raises:
        InputError: one sentence; a value does not fit its setting, or there are too many points.
    """
    for config in configs:
        variants_of(config.method, grid, config)
    for key, values in grid.items():
        for value in values:
            configs[0].with_options({}, [f"{key}={value}"])


def idle_keys(grid: Grid, config: TrainConfig) -> tuple[str, ...]:
    """The settings of a grid that change nothing for a method."""
    return tuple(key for key in grid if not _reads(config, key))


def seeds_matter(config: TrainConfig) -> bool:
    """Whether another seed of training gives another model."""
    return _reads(config, "seed")


def closed(config: TrainConfig) -> bool:
    """Whether a method is fitted in one go, without gradient descent in it or its members."""
    return not _reads(config, "epochs")


def _reads(config: TrainConfig, key: str) -> bool:
    embeddings = config.stands_on_features
    return reads(method(config.method), key, config.members, embeddings=embeddings)


def unread_remarks(
    names: Sequence[str], grid: Grid, configs: Mapping[str, TrainConfig], seeds: int
) -> tuple[str, ...]:
    """What of a grid and of several seeds changes nothing, and for whom, a sentence each."""
    said: list[str] = []
    if CONSENSUS in names and grid:
        said.append(
            f"The grid of {', '.join(grid)} leaves the consensus as it is, so that all rows are "
            "compared with the same."
        )
    idle: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        keys = idle_keys(grid, configs[name]) if name != CONSENSUS else ()
        if keys:
            idle.setdefault(keys, []).append(name)
    said += [
        f"{', '.join(keys)} {'changes' if len(keys) == 1 else 'change'} nothing for "
        f"{', '.join(those)}."
        for keys, those in idle.items()
    ]
    alike = [name for name in names if not seeds_matter(configs[name])]
    if seeds > 1 and alike:
        said.append(
            f"Seeds change nothing for {', '.join(alike)}: trained once instead of {seeds} times."
        )
    return tuple(said)

"""The design of trials: which one comes next, as a pure function of what the labeler has seen,
so that reopening and undo lead back to it."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from prism_desktop.engine.labeling.pairing import draw, pairs_within, shuffled
from prism_desktop.engine.study.records import ImageId, ImageRecord, Kind, TrialId

Stimulus = tuple[ImageId, ...]  # one image, or a pair whatever its sides, sorted


@dataclass(frozen=True, slots=True)
class LabelingConfig:
    """How trials are drawn."""

    seed: int = 0
    repeats: float = 0.1  # share of trials that repeat an earlier one, for test-retest consistency
    least_repeats: int = 3  # at least so many by the time the target is reached
    lag: int = 8  # trials between a presentation and its repeat, at least
    # share drawn in an order common to all labelers, so that they can be compared
    shared: float = 0.5
    target: int | None = None  # trials in all; None: see `default_target`
    # what comes before all else: faces or sorted pairs that were chosen, not drawn
    telling: tuple[Stimulus, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A trial that was shown, as far as the design cares."""

    trial: TrialId
    left: ImageId
    right: ImageId | None
    answered: bool
    repeat_of: TrialId | None = None
    # labeled here; imported and simulated trials are not repeated, nor do they count as done
    own: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """The trial to show next."""

    left: ImageId
    right: ImageId | None
    repeat_of: TrialId | None
    # with which the design put this stimulus here, sides aside: 1 where it was chosen because it
    # tells most; None for a repeat
    probability: float | None


def default_target(kind: Kind, images: int, stimuli: int) -> int:
    """How many trials to ask for when nobody said: a
    session or two, and never more than there are."""
    return min(stimuli, max(images, 60), 400 if kind == "comparison" else 250)


def count_stimuli(kind: Kind, records: Collection[ImageRecord]) -> int:
    """How many different stimuli there are; only images of the same fold are compared."""
    sizes = Counter(record.fold for record in records).values()
    return len(records) if kind == "rating" else sum(size * (size - 1) // 2 for size in sizes)


def target(kind: Kind, records: Collection[ImageRecord], wanted: int | None = None) -> int:
    """How many trials of a task a labeler is asked for: as
    many as the study says, else what suits its images."""
    return (
        default_target(kind, len(records), count_stimuli(kind, records))
        if wanted is None
        else wanted
    )


def stimulus(left: ImageId, right: ImageId | None) -> Stimulus:
    """What was shown, whatever its sides."""
    return (left,) if right is None else (min(left, right), max(left, right))


class Design:
    """The labeler's presentations so far and the rule for the next one.

    The next stimulus is the first unseen one of those that were chosen because they tell most, if
    there are such, and then of two fixed random orders, one common to all labelers and one the
    labeler's own, in turn; now and then an earlier trial comes back with its sides swapped. An
    image goes to the side on which it was less often, chance decides where that is even.
    """

    def __init__(
        self,
        kind: Kind,
        images: Iterable[ImageRecord],
        salt: str,
        labeler: str,
        config: LabelingConfig,
    ) -> None:
        """Args: salt: identifies the study, so that two studies with the same images differ."""
        records = list(images)
        self._config = config
        self._salt = f"{salt}/{config.seed}/{kind}"
        self._labeler = labeler
        self._missing = {record.id for record in records if record.missing}
        self._common = _Order(_drawn(kind, records, self._salt))
        self._personal = _Order(_drawn(kind, records, f"{self._salt}/{labeler}"))
        known = {record.id for record in records}
        self._telling = _Order(
            (images, 1.0) for images in config.telling if known.issuperset(images)
        )
        self._orders = self._telling, self._common, self._personal
        self.stimuli = count_stimuli(kind, records)
        self.target = target(kind, records, config.target)
        self._share = min(0.5, max(config.repeats, config.least_repeats / max(1, self.target)))
        self.shown: list[Shown] = []
        self._seen: Counter[Stimulus] = Counter()
        self._lean: Counter[ImageId] = Counter()  # times on the left minus times on the right
        self._repeatable: list[int] = []  # places in `shown` of answered trials that are no repeats
        self._repeated: set[TrialId] = set()
        self.fresh = 0
        self.repeats = 0
        self.skipped = 0

    def push(self, shown: Shown) -> None:
        """Take note of a presentation."""
        self.shown.append(shown)
        self._count(shown, 1)
        if shown.repeat_of is not None:
            self._repeated.add(shown.repeat_of)
        elif shown.own and shown.answered:
            self._repeatable.append(len(self.shown) - 1)

    def pop(self) -> Shown:
        """Forget the latest presentation."""
        shown = self.shown.pop()
        self._count(shown, -1)
        self._repeated.discard(shown.repeat_of or "")
        if self._repeatable and self._repeatable[-1] == len(self.shown):
            self._repeatable.pop()
        for order in self._orders:
            order.rewind()
        return shown

    def next(self) -> Choice | None:
        """The trial to show now; None when there is nothing left to show."""
        wanted = int(self.fresh * self._share / (1 - self._share) + 1e-9)
        if self.repeats < wanted and (choice := self._repeat()):
            return choice
        return self._unseen() or self._repeat_left()

    def upcoming(self, count: int) -> list[Choice]:
        """What comes next if every trial is answered, so that images can be decoded ahead."""
        choices: list[Choice] = []
        marks = [order.place for order in self._orders]
        while len(choices) < count and (choice := self.next()):
            choices.append(choice)
            self.push(
                Shown(f"ahead {len(choices)}", choice.left, choice.right, True, choice.repeat_of)
            )
        for _ in choices:
            self.pop()
        for order, place in zip(self._orders, marks, strict=True):
            order.place = place
        return choices

    def _count(self, shown: Shown, sign: int) -> None:
        if shown.repeat_of is None:
            self._seen[stimulus(shown.left, shown.right)] += sign
            self.fresh += sign * shown.own
        else:
            self.repeats += sign * shown.own
        self.skipped += sign * (shown.own and not shown.answered)
        if shown.right is not None:
            self._lean[shown.left] += sign
            self._lean[shown.right] -= sign

    def _repeat(self) -> Choice | None:
        """A random earlier trial, long enough ago and not repeated yet, with its sides swapped."""
        old = bisect_right(self._repeatable, len(self.shown) - 1 - self._config.lag)
        start = draw(self._salt, self._labeler, "repeat", len(self.shown)) % max(1, old)
        for step in range(old):
            shown = self.shown[self._repeatable[(start + step) % old]]
            if shown.trial not in self._repeated and not self._missing.intersection(
                (shown.left, shown.right)
            ):
                left, right = (
                    (shown.left, None) if shown.right is None else (shown.right, shown.left)
                )
                return Choice(left, right, shown.trial, None)
        return None

    def _repeat_left(self) -> Choice | None:
        """Once everything was seen, the repeats that are still wanting."""
        return self._repeat() if self.repeats < self._config.least_repeats else None

    def _unseen(self) -> Choice | None:
        share = self._config.shared
        common = int((self.fresh + 1) * share) > int(self.fresh * share)
        drawn = (self._common, self._personal) if common else (self._personal, self._common)
        for order in (self._telling, *drawn):
            if found := order.first(self._seen, self._missing):
                images, probability = found
                return Choice(*self._sides(images), None, probability)
        return None

    def _sides(self, images: Stimulus) -> tuple[ImageId, ImageId | None]:
        if len(images) == 1:
            return images[0], None
        one, other = images
        lean = self._lean[one] - self._lean[other]
        if lean == 0:
            lean = draw(self._salt, self._labeler, "side", one, other) % 2 * 2 - 1
        return (other, one) if lean > 0 else (one, other)


class _Order:
    """A fixed order of stimuli, drawn only as far as it is needed."""

    def __init__(self, source: Iterator[tuple[Stimulus, float]]) -> None:
        """Args: source: stimuli, and with which probability each has its place."""
        self._drawn: list[tuple[Stimulus, float]] = []
        self._source = source
        self.place = 0  # everything before was seen

    def first(
        self, seen: Counter[Stimulus], missing: set[ImageId]
    ) -> tuple[Stimulus, float] | None:
        """The first stimulus that was not seen and whose images are there."""
        place = self.place
        passed = True  # images that are missing now are not passed for good
        while True:
            if place == len(self._drawn):
                drawn = next(self._source, None)
                if drawn is None:
                    return None
                self._drawn.append(drawn)
            images, _ = self._drawn[place]
            if not seen[images]:
                if not missing or not missing.intersection(images):
                    return self._drawn[place]
                passed = False
            place += 1
            if passed:
                self.place = place

    def rewind(self) -> None:
        """Something may be unseen again."""
        self.place = 0


def _drawn(kind: Kind, images: list[ImageRecord], salt: str) -> Iterator[tuple[Stimulus, float]]:
    return _ratings(images, salt) if kind == "rating" else _comparisons(images, salt)


def _ratings(images: list[ImageRecord], salt: str) -> Iterator[tuple[Stimulus, float]]:
    for image in shuffled([record.id for record in images], salt):
        yield (image,), 1 / len(images)


def _comparisons(images: list[ImageRecord], salt: str) -> Iterator[tuple[Stimulus, float]]:
    folds: dict[int, list[ImageId]] = {}
    for record in images:
        folds.setdefault(record.fold, []).append(record.id)
    for one, other, probability in pairs_within(folds.values(), salt):
        yield stimulus(one, other), probability

"""The design of trials: which one comes next, as a pure function of what the labeler has seen and
what was planned in the background, so that reopening and undo lead back to it."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from prism_desktop.engine.labeling.orders import draw, pairs_within, shuffled
from prism_desktop.engine.labeling.pair_sorting import Pair, PairSorter, in_order
from prism_desktop.engine.study.records import ImageId, Kind, Order, StimulusRecord, TrialId

Stimulus = tuple[ImageId, ...]  # one image, or a pair whatever its sides, sorted
_Found = tuple[Stimulus, float, Order]  # with its probability, and how it was found


def _none_alike(image: ImageId) -> Collection[ImageId]:
    return ()


@dataclass(frozen=True, slots=True)
class LabelingConfig:
    """How trials are drawn."""

    seed: int = 0
    repeats: float = 0.1  # share of trials that repeat an earlier one, for test-retest consistency
    least_repeats: int = 3  # at least so many by the time the target is reached
    lag: int = 8  # trials between a presentation and its repeat, at least
    # share drawn in an order common to all labelers, so that they can be compared
    shared: float = 0.5
    # share drawn at random where the others are chosen; statistics that need a fair sample use it
    drawn: float = 0.2
    target: int | None = None  # trials in all; None: see `default_target`
    order: Order = "random"
    # what is planned to begin with, where the order needs a plan: faces or sorted pairs
    planned: tuple[Stimulus, ...] = ()
    # what images show, where it is known: those of one person are never compared
    person: Mapping[ImageId, str] = field(default_factory=dict)
    # only images of the same group are compared; those of none with each other
    group: Mapping[ImageId, str] = field(default_factory=dict)
    # trials in which an image does not come again, nor one like it, where others can
    spacing: int = 0
    alike: Callable[[ImageId], Collection[ImageId]] = field(default=_none_alike)


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
    # by attribute "left", "right" or "tie", or a rating; None where the answer is to come
    answers: Mapping[str, int | str] | None = None
    fresh_no_more: bool = True  # False: it was about something else, and may come


@dataclass(frozen=True, slots=True)
class Choice:
    """The trial to show next."""

    left: ImageId
    right: ImageId | None
    repeat_of: TrialId | None
    # with which the design put this stimulus here, sides aside: 1 where it was chosen and not
    # drawn; None for a repeat
    probability: float | None
    # how it came here: "random" where it was drawn, else by which order it was chosen
    strategy: Order = "random"


def default_target(kind: Kind, images: int, stimuli: int) -> int:
    """How many trials to ask for when nobody said: a
    session or two, and never more than there are."""
    return min(stimuli, max(images, 60), 400 if kind == "comparison" else 250)


def count_stimuli(kind: Kind, records: Collection[StimulusRecord]) -> int:
    """How many different stimuli there are; only images of the same fold are compared."""
    sizes = Counter(record.fold for record in records).values()
    return len(records) if kind == "rating" else sum(size * (size - 1) // 2 for size in sizes)


def target(kind: Kind, records: Collection[StimulusRecord], wanted: int | None = None) -> int:
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

    At random, the next stimulus is the first unseen one of two fixed random orders, in turn, one
    common to all labelers and one the labeler's own. In any other order it is what was planned, or
    what a sort of the faces asks for, and where there is nothing such the labeler's own random
    order; a share of trials is drawn from the common order, so that some are a fair sample, alike
    for all labelers. Now and then an earlier trial comes back with its sides swapped. An image goes
    to the side on which it was less often, chance decides where that is even.
    """

    def __init__(
        self,
        kind: Kind,
        images: Iterable[StimulusRecord],
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
        self._common = _Order(_drawn(kind, records, config, self._salt))
        self._personal = _Order(_drawn(kind, records, config, f"{self._salt}/{labeler}"))
        self._known = {record.id for record in records}
        self._planned: list[_Found] = []
        self._ahead: list[_Found] = []  # that somebody was told of, and prepares for
        self._sort = (
            _Sort(records, config, f"{self._salt}/{labeler}")
            if kind == "comparison" and config.order == "sorted"
            else None
        )
        self._held: dict[int, Choice] = {}  # what comes after so many presentations
        self._orders = self._common, self._personal
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
        self.plan(config.planned)

    def plan(self, stimuli: Iterable[Stimulus]) -> None:
        """From now on choose these one after another, in place of those planned before; what
        `upcoming` told of comes first."""
        order = self._config.order
        self._planned = [
            (images, 1.0, order) for images in stimuli if self._known.issuperset(images)
        ]

    def again(self, left: ImageId, right: ImageId | None) -> Choice | None:
        """A trial that somebody was in the midst of; None where its images are not there.

        Its probability is not known any more where it was drawn.
        """
        images, order = stimulus(left, right), self._config.order
        if not self._known.issuperset(images) or self._missing.intersection(images):
            return None
        if not self._seen[images]:
            return Choice(left, right, None, None if order == "random" else 1.0, order)
        earlier = (each for each in self.shown if stimulus(each.left, each.right) == images)
        trial = next((one.trial for one in earlier if one.trial not in self._repeated), None)
        return None if trial is None else Choice(left, right, trial, None)

    def hold(self, choice: Choice) -> None:
        """Show this now, whatever would come: somebody was in its midst, or comes back to it."""
        self._held[len(self.shown)] = choice

    def push(self, shown: Shown) -> None:
        """Take note of a presentation."""
        self.shown.append(shown)
        self._count(shown, 1)
        if self._sort is not None:
            self._sort.note(shown)
        if shown.repeat_of is not None:
            self._repeated.add(shown.repeat_of)
        elif shown.own and shown.answered:
            self._repeatable.append(len(self.shown) - 1)

    def pop(self) -> Shown:
        """Forget the latest presentation."""
        shown = self.shown.pop()
        self._count(shown, -1)
        if self._sort is not None and not self._seen[stimulus(shown.left, shown.right)]:
            self._sort.forget(shown)
        self._repeated.discard(shown.repeat_of or "")
        if self._repeatable and self._repeatable[-1] == len(self.shown):
            self._repeatable.pop()
        for order in self._orders:
            order.rewind()
        return shown

    def next(self) -> Choice | None:
        """The trial to show now; None when there is nothing left to show."""
        if held := self._held.get(len(self.shown)):
            return held
        wanted = int(self.fresh * self._share / (1 - self._share) + 1e-9)
        if self.repeats < wanted and (choice := self.repeat()):
            return choice
        return self.unseen() or self._repeat_left()

    def upcoming(self, count: int) -> list[Choice]:
        """What comes next if every trial is answered, so that images can be decoded ahead.

        A plan that is made meanwhile, and an answer, change nothing of it.
        """
        choices: list[Choice] = []
        ahead: list[Choice] = []
        marks = self.places
        while len(choices) < count and (choice := self.next()):
            choices.append(choice)
            ahead += [] if self.by_chance() else [choice]
            self.push(
                Shown(f"ahead {len(choices)}", choice.left, choice.right, True, choice.repeat_of)
            )
        for _ in choices:
            self.pop()
        self.places = marks
        self.announce(ahead)
        return choices

    def announce(self, choices: Iterable[Choice]) -> None:
        """Somebody was told that these come next, and prepares for it."""
        self._ahead = [
            (stimulus(each.left, each.right), each.probability, each.strategy)
            for each in choices
            if each.probability is not None
        ]

    @property
    def places(self) -> tuple[int, ...]:
        """How far the random orders were gone through, to come back to after looking ahead."""
        return tuple(order.place for order in self._orders)

    @places.setter
    def places(self, places: Sequence[int]) -> None:
        for order, place in zip(self._orders, places, strict=True):
            order.place = place

    def _count(self, shown: Shown, sign: int) -> None:
        if shown.repeat_of is None:
            self._seen[stimulus(shown.left, shown.right)] += sign * shown.fresh_no_more
            self.fresh += sign * shown.own
        else:
            self.repeats += sign * shown.own
        self.skipped += sign * (shown.own and not shown.answered)
        if shown.right is not None:
            self._lean[shown.left] += sign
            self._lean[shown.right] -= sign

    def repeat(self) -> Choice | None:
        """A random earlier trial, long enough ago and not repeated yet, with its sides swapped; one
        whose faces, or faces like them, were shown just now only where there is no other."""
        old = bisect_right(self._repeatable, len(self.shown) - 1 - self._config.lag)
        start = draw(self._salt, self._labeler, "repeat", len(self.shown)) % max(1, old)
        turn = [self.shown[self._repeatable[(start + step) % old]] for step in range(old)]
        for without in self._passed():
            for shown in turn:
                if shown.trial not in self._repeated and without.isdisjoint(
                    (shown.left, shown.right)
                ):
                    left, right = (
                        (shown.left, None) if shown.right is None else (shown.right, shown.left)
                    )
                    return Choice(left, right, shown.trial, None)
        return None

    def _repeat_left(self) -> Choice | None:
        """Once everything was seen, the repeats that are still wanting."""
        return self.repeat() if self.repeats < self._config.least_repeats else None

    def by_chance(self) -> bool:
        """Whether the next fresh trial is drawn from the order common to all labelers."""
        config = self._config
        share = config.shared if config.order == "random" else config.drawn
        return int((self.fresh + 1) * share) > int(self.fresh * share)

    def unseen(self) -> Choice | None:
        """A stimulus that was not shown yet; None when all were."""
        by_chance = self.by_chance()
        passed, found = self._passed(), None
        if self._config.order != "random" and not by_chance:
            found = next(filter(None, map(self._chosen, passed)), None)
        drawn = (self._common, self._personal) if by_chance else (self._personal, self._common)
        for without, order in product(passed, drawn):
            if found is None and (first := order.first(self._seen, without)):
                found = (*first, "random")
        if found is None:
            return None
        images, probability, strategy = found
        return Choice(*self._sides(images), None, probability, strategy)

    def _passed(self) -> tuple[set[ImageId], ...]:
        """Images to pass over: with those shown just now, then without them."""
        recent = self._missing | self._recent()
        return (recent, self._missing) if recent != self._missing else (recent,)

    def _recent(self) -> set[ImageId]:
        """Images of the last trials and those like them."""
        spacing = self._config.spacing
        last = self.shown[-spacing:] if spacing else ()
        shown = {image for each in last for image in (each.left, each.right) if image is not None}
        return shown.union(*map(self._config.alike, shown))

    def _chosen(self, passed: set[ImageId]) -> "_Found | None":
        """What was told of ahead, then what is planned, then what a sort asks for, without images
        that are to be passed over."""
        for found in (*self._ahead, *self._planned):
            if not self._seen[found[0]] and not passed.intersection(found[0]):
                return found
        sort = self._sort
        asked = None if sort is None else sort.question(self._seen, self.fresh, passed)
        return None if asked is None else (asked, 1.0, self._config.order)

    def _sides(self, images: Stimulus) -> tuple[ImageId, ImageId | None]:
        if len(images) == 1:
            return images[0], None
        one, other = images
        lean = self._lean[one] - self._lean[other]
        if lean == 0:
            lean = draw(self._salt, self._labeler, "side", one, other) % 2 * 2 - 1
        return (other, one) if lean > 0 else (one, other)


class _Sort:
    """What a sort of the images asks for, by what was said of pairs."""

    def __init__(
        self, records: Sequence[StimulusRecord], config: LabelingConfig, salt: str
    ) -> None:
        self._ids = sorted(record.id for record in records)
        self._place = {image: number for number, image in enumerate(self._ids)}
        self._person = config.person
        self._missing = {record.id for record in records if record.missing}
        fold = {record.id: record.fold for record in records}
        names = [(fold[image], config.group.get(image, "")) for image in self._ids]
        number = {name: place for place, name in enumerate(sorted(set(names)))}
        self._sorter = PairSorter([number[name] for name in names], salt, self._may_meet)
        self._said: dict[Pair, tuple[int | None, ...]] = {}

    def note(self, shown: Shown) -> None:
        """An answer came; one that is to come tells nothing."""
        pair = self._pair(shown)
        if pair is None or shown.answers is None:
            return
        sign = 1 if self._ids[pair[0]] == shown.left else -1
        worth = {"left": sign, "tie": 0, "right": -sign}
        told = (worth.get(str(shown.answers[name])) for name in sorted(shown.answers))
        self._said.setdefault(pair, tuple(told))

    def forget(self, shown: Shown) -> None:
        """Its answer was taken back."""
        pair = self._pair(shown)
        if pair is not None:
            self._said.pop(pair, None)

    def question(self, seen: Counter[Stimulus], turn: int, passed: set[ImageId]) -> Stimulus | None:
        """The first open one that was not shown yet."""
        for one, other in self._sorter.questions(self._said, turn):
            images = stimulus(self._ids[one], self._ids[other])
            if not seen[images] and not passed.intersection(images):
                return images
        return None

    def _pair(self, shown: Shown) -> Pair | None:
        left, right = self._place.get(shown.left), self._place.get(shown.right or "")
        return None if left is None or right is None else in_order(left, right)

    def _may_meet(self, one: int, other: int) -> bool:
        images = self._ids[one], self._ids[other]
        return may_meet(*images, self._person) and not self._missing.intersection(images)


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


def may_meet(one: ImageId, other: ImageId, person: Mapping[ImageId, str]) -> bool:
    """Whether two images may be compared: those of one person may not."""
    return one not in person or person[one] != person.get(other)


def _drawn(
    kind: Kind, images: list[StimulusRecord], config: LabelingConfig, salt: str
) -> Iterator[tuple[Stimulus, float]]:
    return _ratings(images, salt) if kind == "rating" else _comparisons(images, config, salt)


def _ratings(images: list[StimulusRecord], salt: str) -> Iterator[tuple[Stimulus, float]]:
    for image in shuffled([record.id for record in images], salt):
        yield (image,), 1 / len(images)


def _comparisons(
    images: list[StimulusRecord], config: LabelingConfig, salt: str
) -> Iterator[tuple[Stimulus, float]]:
    together: dict[tuple[int, str], list[ImageId]] = {}
    for record in images:
        group = record.fold, config.group.get(record.id, "")
        together.setdefault(group, []).append(record.id)
    for one, other, probability in pairs_within(together.values(), salt):
        if may_meet(one, other, config.person):
            yield stimulus(one, other), probability

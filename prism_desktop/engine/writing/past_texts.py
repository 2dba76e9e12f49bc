"""What a method reads of the texts that somebody wrote before: features, groups, examples."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from prism_desktop.engine.backbones.causal_lm import LanguageModel
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.methods.writing_methods import WritingMethod
from prism_desktop.engine.methods.writing_parts import (
    ExamplesInContext,
    HistoryPrefix,
    MixedAdapters,
    ProfileInContext,
)
from prism_desktop.engine.models.clustering import group
from prism_desktop.engine.writing.example_choice import best_examples
from prism_desktop.engine.writing.own_text_data import OwnTexts
from prism_desktop.engine.writing.soft_prefixes import Written
from prism_desktop.engine.writing.token_rows import RowMaker, TokenRow
from prism_desktop.engine.writing.writing_config import WritingConfig

MOST_READ = 30  # texts of somebody that a network reads; the latest
_PER_PASS = 64
Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class PastTexts:
    """The texts of a run, with what the frozen model reads in them.

    Attributes:
        answers: (texts, width) float32, unit norm, features of texts behind their prompts; empty
            where the method reads none.
        prompts: likewise, of the prompts.
        profiles: (people, width) float32; 0 for a person without a profile.
    """

    texts: OwnTexts
    answers: Array
    prompts: Array
    profiles: Array

    def middle(self, rows: Sequence[int]) -> Array:
        """(width,): the mean of some texts."""
        found: Array = self.answers[list(rows)].mean(0)
        return found

    def grouped(self, config: WritingConfig, method: WritingMethod) -> npt.NDArray[np.int64]:
        """(known people,): who writes alike, by their texts of the training folds; of a mixture as
        many groups as it has experts."""
        middles = [self.middle(self.texts.history(person)) for person in self.texts.known]
        clusters = config.experts if method.first(MixedAdapters) else config.clusters
        return group(np.stack(middles), config.clustering, clusters, config.seed)

    def written(
        self, histories: Sequence[Sequence[int]], people: Sequence[int], device: torch.device
    ) -> Written:
        """What a network reads: of each row the texts in `histories`, and the person's profile."""
        read = [list(rows)[-MOST_READ:] for rows in histories]
        most = max([1, *map(len, read)])
        items = np.zeros((len(read), most, self.answers.shape[1]), np.float32)
        there = np.zeros((len(read), most), np.float32)
        for place, rows in enumerate(read):
            items[place, : len(rows)] = self.answers[rows]
            there[place, : len(rows)] = 1
        arrays = items, there, self.profiles[list(people)]
        return Written(*(torch.from_numpy(one).to(device) for one in arrays))

    def row(
        self, maker: RowMaker, method: WritingMethod, text: int, history: Sequence[int],
        count: int, person: int,
    ) -> TokenRow:  # fmt: skip
        """A text behind what its method reads in the context.

        Args:
            maker: lays texts out.
            method: whose parts say what is read.
            text: which is to be foretold.
            history: what its person wrote before.
            count: examples at most.
            person: whose profile is read.
        """
        pairs, rule = self.texts.pairs, method.first(ExamplesInContext)
        before = [row for row in history if row != text]
        chosen: list[int] = []
        if rule is not None:
            vectors = {row: self.prompts[row] for row in [text, *before] if len(self.prompts)}
            chosen = best_examples(rule.rule, text, before, pairs, vectors, count)
        profile = self.texts.meta.people[person].profile
        told = profile if method.first(ProfileInContext) else ""
        return maker.row(pairs[text], [pairs[row] for row in chosen], told)


def read_past(
    base: LanguageModel, method: WritingMethod, texts: OwnTexts
) -> Iterator[Event[PastTexts]]:
    """Read in the texts what a method needs, and nothing else."""
    rule = method.first(ExamplesInContext)
    network = method.first(HistoryPrefix)
    nothing = np.zeros((0, base.width), np.float32)
    answers = prompts = nothing
    profiles = np.zeros((len(texts.meta.people), base.width), np.float32)
    if network is not None or method.grouped:
        answers = yield from _features(base, texts.pairs)
    if rule is not None and rule.rule == "similarity":
        prompts = yield from _features(base, [(None, prompt or " ") for prompt, _ in texts.pairs])
    told = [row for row, one in enumerate(texts.meta.people) if one.profile.strip()]
    if network is not None and told:
        sentences = [(None, texts.meta.people[row].profile) for row in told]
        profiles[told] = yield from _features(base, sentences)
    yield Done(PastTexts(texts, answers, prompts, profiles))


def _features(
    base: LanguageModel, pairs: Sequence[tuple[str | None, str]]
) -> Generator[Progress, None, Array]:
    found = []
    for start in range(0, len(pairs), _PER_PASS):
        yield Progress(start, len(pairs), "Reading texts")
        found.append(base.encode(pairs[start : start + _PER_PASS]))
    return np.concatenate(found)

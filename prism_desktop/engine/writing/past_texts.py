"""What a method reads of the texts that somebody wrote before: features, groups, examples."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from prism_desktop.engine.backbones.causal_lm import LanguageModel
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods.writing_method import WritingMethod
from prism_desktop.engine.methods.writing_parts import (
    ENCODED,
    ExamplesInContext,
    HistoryReader,
    MixedAdapters,
    ProfileInContext,
    Reads,
    Rule,
)
from prism_desktop.engine.methods.writing_readers import LookedUpPrefix
from prism_desktop.engine.models.clustering import group
from prism_desktop.engine.writing.example_choice import best_examples
from prism_desktop.engine.writing.own_text_data import OwnTexts, Pair
from prism_desktop.engine.writing.soft_prefixes import Written
from prism_desktop.engine.writing.stated_manner import told_as
from prism_desktop.engine.writing.text_encoders import (
    AUTO,
    lacking_encoder,
    lacking_to_group,
    opened_encoder,
)
from prism_desktop.engine.writing.token_rows import RowMaker, TokenRow
from prism_desktop.engine.writing.writing_config import ContextForm, WritingConfig

MOST_READ = 30  # texts of somebody that a network reads; the latest
_PER_PASS = 64
Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class PastTexts:
    """The texts of a run, with what the frozen model reads in them.

    Attributes:
        answers: (texts, width) float32, unit norm, features of texts behind their prompts; empty
            where the method reads none.
        prompts: likewise, of the prompts, as wide as what encodes them.
        profiles: (people, width) float32; 0 for a person without a profile.
        manners: as `answers`, of what encodes, by which people are grouped.
        encoder: encodes prompts that are looked up by, or texts that people are grouped by, where
            it is not the language model itself.
        form: what own texts are told as in the context.
        reads: what a network reads of a person.
        remarks: what a reader of the results must know.
    """

    texts: OwnTexts
    answers: Array
    prompts: Array
    profiles: Array
    manners: Array
    encoder: LanguageModel | None = None
    form: ContextForm = "examples"
    reads: Reads = "both"
    remarks: tuple[str, ...] = ()

    def middle(self, rows: Sequence[int]) -> Array:
        """(width,): the mean of some texts, by which their person is grouped."""
        found: Array = self.manners[list(rows)].mean(0)
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
        """What a network reads: of each row the texts in `histories`, and the person's profile, or
        one of both.

        Features of a language model nearly all point one way; how texts of the training folds
        differ from their mean is what tells people apart, and is read at a mean length of 1."""
        shown = [()] * len(histories) if self.reads == "profile" else histories
        read = [list(rows)[-MOST_READ:] for rows in shown]
        most = max([1, *map(len, read)])
        items = np.zeros((len(read), most, self.answers.shape[1]), np.float32)
        there = np.zeros((len(read), most), np.float32)
        seen = self.answers[self.texts.of("train")]
        middle = seen.mean(0)
        length = max(float(np.linalg.norm(seen - middle, axis=1).mean()), 1e-6)
        for place, rows in enumerate(read):
            items[place, : len(rows)] = (self.answers[rows] - middle) / length
            there[place, : len(rows)] = 1
        arrays = items, there, self.profiles[list(people)]
        return Written(*(torch.from_numpy(one).to(device) for one in arrays))

    def read_of(self, method: WritingMethod, text: int, history: Sequence[int]) -> list[int]:
        """Which of somebody's texts a network reads before a text: all, or what is looked up, the
        nearest first."""
        part = method.first(LookedUpPrefix)
        if part is None:
            return list(history)
        return self._looked_up(part.rule, text, history, MOST_READ)[::-1]

    def prompt_vectors(self, base: LanguageModel, prompts: Sequence[str | None]) -> Array:
        """(n, width): of further prompts what `prompts` is of those of the texts; empty where none
        are looked up by."""
        if not len(self.prompts) or not prompts:
            return self.prompts[:0]
        reader = base if self.encoder is None else self.encoder
        return reader.encode([(None, prompt or " ") for prompt in prompts])

    def _looked_up(self, rule: Rule, text: int, history: Sequence[int], count: int) -> list[int]:
        before = [row for row in history if row != text]
        vectors = {row: self.prompts[row] for row in [text, *before] if len(self.prompts)}
        return best_examples(rule, text, before, self.texts.pairs, vectors, count)

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
        examples: list[Pair] = []
        if rule is not None:
            chosen = self._looked_up(rule.rule, text, history, count)
            examples = [pairs[row] for row in chosen]
        told = self.texts.meta.people[person].profile if method.first(ProfileInContext) else ""
        if self.form != "examples":
            stated = told_as(self.form, [one for _, one in examples])
            examples, told = [], " ".join(filter(None, (told, stated)))
        return maker.row(pairs[text], examples, told)


def read_past(
    base: LanguageModel, method: WritingMethod, texts: OwnTexts, config: WritingConfig
) -> Iterator[Event[PastTexts]]:
    """Read in the texts what a method needs, and nothing else."""
    network = method.first(HistoryReader)
    rule = method.looks_up_by
    nothing = np.zeros((0, base.width), np.float32)
    answers = prompts = manners = nothing
    encoder = None
    if rule in ENCODED or (method.grouped and config.encoder != AUTO):
        # one that an earlier version began groups people by the language model, and keeps "auto"
        encoder = yield from opened_encoder(config)
    profiles = np.zeros((len(texts.meta.people), base.width), np.float32)
    if network is not None:
        answers = yield from _features(base, texts.pairs)
    if method.grouped:
        manners = yield from _features(encoder or base, texts.pairs)
    if rule == "similarity" or rule in ENCODED:
        asked = [(None, prompt or " ") for prompt, _ in texts.pairs]
        prompts = yield from _features(encoder or base, asked)
    told = [row for row, one in enumerate(texts.meta.people) if one.profile.strip()]
    told_what = network is not None and "reads" in network.settings
    reads: Reads = config.reads if told_what else "both"
    if network is not None and told and reads != "texts":
        sentences = [(None, texts.meta.people[row].profile) for row in told]
        profiles[told] = yield from _features(base, sentences)
    remarks: tuple[str, ...] = ()
    if rule in ENCODED and encoder is None:
        remarks = (lacking_encoder(base.title),)
    if method.grouped and encoder is None:
        remarks += (lacking_to_group(base.title),)
    if rule not in (None, "recency"):
        remarks += _told_without_prompts(texts)
    if reads == "profile":
        remarks += _told_without_profiles(texts)
    form: ContextForm = config.context_form if method.first(ExamplesInContext) else "examples"
    found = answers, prompts, profiles, manners, encoder, form, reads, remarks
    yield Done(PastTexts(texts, *found))


def _told_without_profiles(texts: OwnTexts) -> tuple[str, ...]:
    lacking = sum(not one.profile.strip() for one in texts.meta.people)
    if not lacking:
        return ()
    told = counted(lacking, "person has", "people have")
    return (f"{told} no profile, so that nothing is read of them.",)


def _told_without_prompts(texts: OwnTexts) -> tuple[str, ...]:
    blank = sum(not prompt for prompt, _ in texts.pairs)
    if not blank:
        return ()
    return (
        f"{counted(blank, 'text answers', 'texts answer')} no prompt, so that nothing can be "
        "looked up by it; the latest texts are read in its place.",
    )


def _features(
    base: LanguageModel, pairs: Sequence[tuple[str | None, str]]
) -> Generator[Progress, None, Array]:
    found = []
    for start in range(0, len(pairs), _PER_PASS):
        yield Progress(start, len(pairs), "Reading texts")
        found.append(base.encode(pairs[start : start + _PER_PASS]))
    return np.concatenate(found)

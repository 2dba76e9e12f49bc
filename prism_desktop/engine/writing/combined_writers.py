"""A combination of finished runs: the next token's probabilities of several models, mixed by
weights that validation texts decide.

Nothing is run for it: every run keeps what each token of its texts cost, and a mixture's costs
follow from these. What the runs were tested on is never looked at to weigh them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.files import write_whole
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods.writing_method import WritingMethod
from prism_desktop.engine.methods.writing_methods import UNIFIED, writing_method
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.writing_files import (
    WeighedRun,
    WriterCombination,
    WritingSummary,
)
from prism_desktop.engine.writing.combined_texts import CombinedTexts, heaviest_place
from prism_desktop.engine.writing.held_out_people import entered_scores
from prism_desktop.engine.writing.member_weights import (
    ChosenBy,
    Floats,
    chance_of,
    everybodys,
    personal_weights,
    pruned,
)
from prism_desktop.engine.writing.own_text_data import (
    OwnTexts,
    texts_of_newcomers,
    told_of_newcomers,
)
from prism_desktop.engine.writing.people_intervals import (
    SAME,
    ScoredText,
    Texts,
    by_person,
    gain,
    mean_over_people,
)
from prism_desktop.engine.writing.tested_settings import (
    ENTERED_WITH,
    KNOWN,
    SWAPPED,
    VALIDATED,
    entered_name,
)
from prism_desktop.engine.writing.token_cost_file import TokenCosts, read_costs
from prism_desktop.engine.writing.who_benefits import TRAITS, BenefitClassifier, says, traits
from prism_desktop.engine.writing.writing_config import WritingConfig
from prism_desktop.engine.writing.writing_evaluation import Measured, exchanged, scored_text


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """What a combination decided.

    Attributes:
        known: of each person whom training knows (models,) weights.
        entered: texts known -> of each newcomer the same.
        everybody: (models,).
        why: a sentence each.
        benefits: of a choice between two runs what foretells for somebody new that the second one
            serves them better, as `who_benefits.says` reads it.
    """

    known: Mapping[int, Floats]
    entered: Mapping[int, Mapping[int, Floats]]
    everybody: Floats
    why: tuple[str, ...]
    benefits: Floats | None = None

    @property
    def by_setting(self) -> dict[str, Mapping[int, Floats]]:
        """The weights of people by the setting in which they are tested."""
        entered = {entered_name(count): one for count, one in self.entered.items()}
        return {KNOWN: self.known, **entered}


def weigh(method: WritingMethod, texts: OwnTexts, costs: Sequence[TokenCosts]) -> Weighed:
    """Decide by validation texts how much each run weighs for whom.

    Args:
        method: a combination.
        texts: that all runs saw.
        costs: of each run; the first is the unified model's.
    """
    rule = method.weighing
    tokens = _chosen_by(texts, costs)
    if rule == "one or the other":
        return _who_benefits(texts, tokens)
    if rule == "alike":
        everybody = pruned(everybodys(tokens)[None])[0]
        known = dict.fromkeys(texts.known, everybody)
        why: tuple[str, ...] = ()
    else:
        found = personal_weights(tokens)
        known, everybody = dict(zip(texts.known, found.own, strict=True)), found.everybody
        why = (
            "Everybody's weights count as much as "
            f"{found.strength:,.0f} tokens beside a person's own."
            if np.isfinite(found.strength)
            else "Cross-validation liked everybody's weights best for each person.",
            f"{counted(int(found.kept_unified.sum()), 'person')} of {len(texts.known):,} "
            "whom no mixture helped in cross-validation: the unified model alone.",
        )
    entered = {
        count: {one: everybody if count else _first(len(costs)) for one in texts.newcomers}
        for count in ENTERED_WITH
    }
    return Weighed(known, entered, everybody, why)


def mixed(texts: OwnTexts, costs: Sequence[TokenCosts], weighed: Weighed) -> Measured:
    """What all that is tested cost the combination."""
    swap, people = exchanged(texts.known), range(len(texts.meta.people))
    own = [weighed.known.get(who, weighed.everybody) for who in people]
    others = [weighed.known.get(swap.get(who, who), weighed.everybody) for who in people]
    found = {name: _mixed(texts, costs, name, own) for name in (KNOWN, VALIDATED)}
    found[SWAPPED] = _mixed(texts, costs, SWAPPED, others)
    for name, weights in weighed.by_setting.items():
        if name != KNOWN and all(name in one for one in costs):
            entering = [weights.get(who, weighed.everybody) for who in people]
            found[name] = _mixed(texts, costs, name, entering)
    return found


def write_weighed(
    run: RunFolder, texts: OwnTexts, runs: Mapping[str, RunFolder], weighed: Weighed
) -> None:
    """Keep the weights, and which runs they are of."""
    import torch
    from safetensors.torch import save_file

    own = np.stack([weighed.known[who] for who in texts.known])
    tensors = {
        "weights.own": torch.tensor(own, dtype=torch.float32),
        "weights.everybody": torch.tensor(weighed.everybody, dtype=torch.float32),
    }
    if weighed.benefits is not None:
        tensors["benefits"] = torch.tensor(weighed.benefits, dtype=torch.float64)
    members = tuple(
        WeighedRun(method=name, run=one.name, weight=float(weighed.everybody[place]),
                   people=int((own[:, place] > 0).sum()))
        for place, (name, one) in enumerate(runs.items())
    )  # fmt: skip
    WriterCombination(members=members, why=weighed.why).save(run.path / layout.WEIGHED)
    write_whole(run.path / layout.WRITER, lambda beside: save_file(tensors, beside))


def read_weighed(run: RunFolder, texts: OwnTexts) -> tuple[list[WeighedRun], Floats]:
    """The runs that a combination weighs, each with everybody's weight, and (known people, runs)
    weights.

    Raises:
        RunError: they cannot be read, or do not fit together.
    """
    stored = run.stored(WriterCombination, layout.WEIGHED)
    tensors = run.tensors(layout.WRITER)
    members = [] if stored is None else list(stored.members)
    own = tensors.get("weights.own")
    if own is None or not members or own.shape != (len(texts.known), len(members)):
        raise RunError(
            f"The weights of {run.name} do not fit its settings and texts, so something changed "
            "them; train it again."
        )
    return members, own.double().numpy()


def heaviest(run: RunFolder, texts: OwnTexts, people: Sequence[int]) -> dict[int, RunFolder]:
    """Of each known person the run that weighs most for them.

    Raises:
        RunError: one of these runs is gone.
    """
    members, own = read_weighed(run, texts)
    best = {person: members[heaviest_place(own[texts.places[person]])] for person in people}
    return {person: _beside(run, one) for person, one in best.items()}


def heaviest_for_new(
    run: RunFolder, texts: OwnTexts, histories: Mapping[int, Sequence[int]]
) -> dict[int, RunFolder]:
    """Of each person whom training did not know the run that weighs most: the unified one of whom
    nothing may be read.

    Args:
        run: a finished combination.
        texts: with those of the new people.
        histories: of each of them the texts that may be read.

    Raises:
        RunError: as `heaviest`.
    """
    members, _ = read_weighed(run, texts)
    rule = run.tensors(layout.WRITER).get("benefits")  # not of earlier versions
    most = heaviest_place(np.array([one.weight for one in members]))
    found = {}
    for person, rows in histories.items():
        at = most if rows else 0
        if rule is not None and rule.shape == (TRAITS + 1,) and len(members) == 2:
            at = int(_entering(texts, rule.double().numpy(), rows).argmax())
        found[person] = _beside(run, members[at])
    return found


def served_by(
    run: RunFolder, texts: OwnTexts, known: Sequence[int], new: Mapping[int, Sequence[int]]
) -> dict[Path, list[int]]:
    """Which run answers as whom: of a combination the one that weighs most for each person, else
    the run itself.

    Args:
        run: finished.
        texts: with those of the new people.
        known: people whom training knew.
        new: of each further person the texts that may be read.

    Raises:
        RunError: as `heaviest`.
    """
    if not writing_method(WritingConfig.load(run.path / layout.CONFIG).method).combines:
        return {run.path: [*known, *new]}
    found: dict[Path, list[int]] = {}
    best = heaviest(run, texts, known) | (heaviest_for_new(run, texts, new) if new else {})
    for person, one in best.items():
        found.setdefault(one.path, []).append(person)
    return found


def _beside(run: RunFolder, one: WeighedRun) -> RunFolder:
    found = RunFolder(run.path.with_name(one.run))
    if not found.path.is_dir():
        raise RunError(f"The run {one.run}, which {run.name} weighs, is gone; train it again.")
    return found


def combined_summary(
    run: RunFolder,
    config: WritingConfig,
    texts: OwnTexts,
    runs: Mapping[str, RunFolder],
    weighed: Weighed,
    measured: Measured,
    written: CombinedTexts,
) -> WritingSummary:
    """The results of a combination; what its runs need, the mean over people of those that serve
    each."""
    several = [one.stored(WritingSummary, layout.WRITTEN) or WritingSummary()
               for one in runs.values()]  # fmt: skip
    used = np.stack([weighed.known[who] > 0 for who in texts.known]).astype(float)
    serving = [place for place in range(len(several)) if used[:, place].sum() > 0]

    def needed(of: Sequence[float]) -> float:
        return float((used @ np.asarray(of, np.float64)).mean())

    known, meta = measured[KNOWN], texts.meta
    rule = writing_method(config.method).weighing
    weights = {"one or the other": 1, "each": len(runs)}.get(str(rule), 0)  # of one person's own
    return WritingSummary(
        run=run.name, method=config.method, backbone=config.backbone, study=meta.study,
        simulated=meta.simulated, fingerprint=meta.fingerprint, fold=config.fold,
        seed=config.seed, revision=writing_method(config.method).revision,
        test=mean_over_people(known), per_person=by_person(known),
        swapped=mean_over_people(measured[SWAPPED]),
        swap_gain=gain("another person's", known, measured[SWAPPED]),
        entered=entered_scores(texts, measured, written.answered, written.quality),
        quality=written.quality,
        held_out_texts=texts_of_newcomers(texts),
        notices=(
            *meta.notices, *told_of_newcomers(texts, ENTERED_WITH[-1]), *weighed.why,
            *_told(runs, used), *written.notices,
        ),
        trained=sum(several[place].trained for place in serving),
        per_person_numbers=weights + round(needed([one.per_person_numbers for one in several])),
        soft_tokens=round(needed([one.soft_tokens for one in several])),
        context_tokens=needed([one.context_tokens for one in several]),
        passes=float(used.sum(1).mean()),
        cut=max(one.cut for one in several), config=config.model_dump(mode="json"),
    )  # fmt: skip


def _told(runs: Mapping[str, RunFolder], used: Floats) -> tuple[str, ...]:
    each = [
        f"{name} {int(count):,}" for name, count in zip(runs, used.sum(0), strict=True) if count
    ]
    return (f"Of {counted(len(used), 'person')} it serves by {', '.join(each)}.",)


def _chosen_by(texts: OwnTexts, costs: Sequence[TokenCosts]) -> ChosenBy:
    """The validation tokens of known people."""
    places, asked = texts.places, {row: _prompt(texts, row) for row in texts.of("val")}
    prompts = sorted(set(asked.values()))
    chance, person, prompt = [np.zeros((0, len(costs)))], [], []
    for row in texts.of("val"):
        found = chance_of([one[VALIDATED][row] for one in costs])
        chance.append(found)
        person += [places[texts.owner[row]]] * len(found)
        prompt += [prompts.index(asked[row])] * len(found)
    return ChosenBy(
        np.concatenate(chance), np.array(person, np.int64), np.array(prompt, np.int64),
        len(texts.known),
    )  # fmt: skip


def _prompt(texts: OwnTexts, row: int) -> str:
    """What tells texts that depend on one another: the prompt; a text without one stands alone."""
    prompt, text = texts.pairs[row]
    return text if prompt is None else prompt


def _who_benefits(texts: OwnTexts, tokens: ChosenBy) -> Weighed:
    """The unified model, or the other one, whole."""
    choices = np.eye(2)
    unified, other = (tokens.nll(np.repeat(one[None], tokens.people, 0)) for one in choices)
    seen = np.isfinite(unified)
    benefits = other < unified - SAME
    counted_in = {who: traits([texts.pairs[row][1] for row in texts.history(who)])
                  for who in texts.known}  # fmt: skip
    known = np.stack([counted_in[who] for who in texts.known])
    foretold = BenefitClassifier(known[seen], benefits[seen])
    own = {
        who: choices[int(benefits[place] if seen[place] else says(foretold.rule, known[place]))]
        for place, who in enumerate(texts.known)
    }
    entered = {
        count: {
            who: _entering(texts, foretold.rule, texts.history(who)[:count])
            for who in texts.newcomers
        }
        for count in ENTERED_WITH
    }
    why = (
        f"The validation texts of {int(benefits[seen].sum()):,} of "
        f"{counted(foretold.of, 'person')} are likelier by the personal model.",
        f"Of people left out one by one a classifier of how they write foretells "
        f"{foretold.right:,} of {foretold.of:,} right, always saying what is commoner "
        f"{foretold.usual:,}.",
    )
    everybody = choices[int(2 * benefits[seen].sum() > foretold.of)]
    return Weighed(own, entered, everybody, why, foretold.rule)


def _entering(texts: OwnTexts, rule: Floats, rows: Sequence[int]) -> Floats:
    """(2,): the unified model's weight and the other one's for somebody who wrote these texts."""
    found = np.zeros(2)
    benefits = bool(rows) and says(rule, traits([texts.pairs[row][1] for row in rows]))
    found[int(benefits)] = 1.0
    return found


def _mixed(
    texts: OwnTexts, costs: Sequence[TokenCosts], setting: str, weights: Sequence[Floats]
) -> Texts:
    # a model that tells nobody apart has no other costs where people are exchanged
    several = [one.get(setting, one[KNOWN]) for one in costs]
    found: dict[int, ScoredText] = {}
    for row in several[0]:
        if all(row in one for one in several):
            chance = chance_of([one[row] for one in several])
            cost = -np.log(np.maximum(chance @ weights[texts.owner[row]], 1e-300))
            found[row] = scored_text(texts, row, float(cost.sum()), len(cost), cost.tolist())
    return found


def _first(count: int) -> Floats:
    weights = np.zeros(count)
    weights[0] = 1.0
    return weights


def costs_of(method: str, runs: Mapping[str, RunFolder], texts: OwnTexts) -> list[TokenCosts]:
    """The costs of the runs that a combination weighs, in their order.

    Raises:
        RunError: the unified model is not the first of them, it is the only one, or one keeps no
            costs.
    """
    if next(iter(runs), "") != UNIFIED:
        raise RunError(f"A combination stands on {UNIFIED}, which could not be trained.")
    if len(runs) < 2:
        raise RunError(f"{method} has nothing to weigh beside {UNIFIED}: no other method is left.")
    asked = {KNOWN: texts.of("test"), VALIDATED: texts.of("val")}
    return [read_costs(one, asked) for one in runs.values()]

"""A plan becomes the protocol: so many trials, and so many of them repeats."""

from prism_desktop.engine.evaluation.sample_size.enough_answers import PlannedTrials
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.labeling.protocol import (
    BlockRules,
    Protocol,
    parse_protocol,
    usual_protocol,
)
from prism_desktop.engine.study.records import Changes
from prism_desktop.engine.study.store import Study

_NAMES = {"comparison": "Comparisons", "rating": "Ratings"}


def planned_protocol(plan: PlannedTrials, before: Protocol | None = None) -> Protocol:
    """A protocol with a plan's numbers.

    Args:
        plan: kind, trials and repeats.
        before: the protocol so far, of which everything else stays; blocks of the plan's kind share
            its trials as they did before. None for the usual one with a single block.
    """
    base = before or usual_protocol()
    mine = [block for block in base.blocks if block.kind == plan.kind]
    repeats = base.repeats.model_copy(update={"share": plan.repeats})
    if before is None or not mine:
        new = BlockRules(name=_free(base, plan.kind), kind=plan.kind, trials=plan.trials)
        others = () if before is None else base.blocks
        return base.model_copy(update={"blocks": (*others, new), "repeats": repeats})
    whole, left, blocks = sum(block.trials for block in mine), plan.trials, []
    for block in base.blocks:
        if block.kind != plan.kind:
            blocks.append(block)
            continue
        share = left if block is mine[-1] else round(plan.trials * block.trials / whole)
        share = max(1, min(share, left))
        left -= share
        blocks.append(block.model_copy(update={"trials": share}))
    return base.model_copy(update={"blocks": tuple(blocks), "repeats": repeats})


def _free(base: Protocol, kind: str) -> str:
    """A name that no block has."""
    taken = {block.name.casefold() for block in base.blocks}
    name, number = _NAMES[kind], 2
    while name.casefold() in taken:
        name, number = f"{_NAMES[kind]} {number}", number + 1
    return name


def follow_plan(study: Study, plan: PlannedTrials) -> tuple[Changes, str]:
    """Ask labelers for what a plan says: by a new version of the study's protocol, or where it has
    none by its target.

    Returns:
        What changed, and what was done in a sentence.
    """
    asked = counted(plan.trials, f"{plan.kind} trial")
    stored = study.protocol()
    if stored is None:
        changes = study.set_target(plan.kind, plan.trials)
        return changes, (
            f"From now on each labeler is asked for {asked}; the plan "
            f"counts on {plan.repeats:.0%} of them being repeats."
        )
    new = planned_protocol(plan, parse_protocol(stored.text))
    changes = study.put_protocol(new.toml())
    return changes, (
        f"A new version of the protocol asks each labeler for {asked}, "
        f"{plan.repeats:.0%} of them repeats."
    )

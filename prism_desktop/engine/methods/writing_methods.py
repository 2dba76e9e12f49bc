"""Methods of the task writing as data. Importing this needs no torch.

A method whose idea the judging task has too has its name there and says so (`Method.tasks`); the
names that the literature on language models uses are aliases.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.methods.method_roles import ALIASES, CONSENSUS, canonical
from prism_desktop.engine.methods.writing_method import WritingMethod
from prism_desktop.engine.methods.writing_parts import (
    EmbeddedPrefix,
    ExamplesInContext,
    GroupedAdapters,
    GroupPrefix,
    HierarchicalPrefix,
    HistoryPrefix,
    LearnedStart,
    MergedByValidation,
    MixedAdapters,
    PersonAdapters,
    PersonPrefix,
    ProfileInContext,
    PullToUnified,
    SideTasks,
    SoftLabels,
    SummaryPrefix,
    UnifiedAdapter,
    VariedPrompts,
    WeighedWriters,
)
from prism_desktop.engine.methods.writing_readers import (
    LayerMemory,
    LookedUpPrefix,
    PerceiverPrefix,
)

UNIFIED: Final = CONSENSUS
RETRIEVALS: Final = (
    "retrieval-bm25", "retrieval-similarity", "retrieval-recency", "retrieval-faiss",
    "retrieval-both",
)  # fmt: skip

_ON_UNIFIED = UnifiedAdapter(frozen=True)
# Networks of several layers learn at a lower rate than a table's free numbers.
_NETWORK: Mapping[str, Any] = {"prefix_lr": 3e-3}
_EXAMPLES: Final = 2  # revision: an example too long for the context keeps no others out
ENCODED_GROUPS: Final = 2  # revision: people are grouped by an encoder, as the setting says
# What combinations combine where nobody names methods: cheap ones of each kind.
_LADDER = (UNIFIED, "retrieval-bm25", "cluster-prefix", "prefix-on-unified")
_ALL: tuple[WritingMethod, ...] = (
    WritingMethod(
        "unprompted",
        "Plain model",
        "The language model as it is, which knows nothing of the person.",
        "unprompted baseline",
    ),
    WritingMethod(
        "text-baseline",
        "Profile and latest texts",
        "The profile and the person's latest own texts are read before the prompt.",
        "text baseline; Brown et al., NeurIPS 2020",
        (ProfileInContext(), ExamplesInContext("recency")),
        revision=_EXAMPLES,
    ),
    WritingMethod(
        "retrieval-recency",
        "Retrieval, latest",
        "The person's latest own texts are read before the prompt.",
        "LaMP: Salemi et al., ACL 2024",
        (ExamplesInContext("recency"),),
        revision=_EXAMPLES,
    ),
    WritingMethod(
        "retrieval-similarity",
        "Retrieval, similar prompts",
        "Own texts whose prompts the language model finds nearest are read before the prompt.",
        "LaMP: Salemi et al., ACL 2024",
        (ExamplesInContext("similarity"),),
        revision=_EXAMPLES,
    ),
    WritingMethod(
        "retrieval-bm25",
        "Retrieval, BM25",
        "Own texts whose prompts share the prompt's rare words are read before it.",
        "Robertson and Zaragoza 2009; LaMP: Salemi et al., ACL 2024",
        (ExamplesInContext("bm25"),),
        revision=_EXAMPLES,
    ),
    WritingMethod(
        "retrieval-faiss",
        "Retrieval, FAISS",
        "Own texts whose prompts an encoder (MiniLM where it is there) finds nearest are read "
        "before the prompt, found by FAISS.",
        "strategy 2; Johnson, Douze and Jegou 2021; Reimers and Gurevych, EMNLP 2019",
        (ExamplesInContext("faiss"),),
        revision=_EXAMPLES,
    ),
    WritingMethod(
        "retrieval-both",
        "Retrieval, similar and late",
        "Own texts that are late and whose prompts an encoder finds near are read before the "
        "prompt.",
        "strategy 2; Cormack et al., SIGIR 2009",
        (ExamplesInContext("both"),),
        revision=_EXAMPLES,
    ),
    WritingMethod(
        "retrieval-summary",
        "Retrieval, summary",
        "What rules count in the person's latest texts is told before the prompt, as a summary.",
        "strategy 2; LaMP: Salemi et al., ACL 2024",
        (ExamplesInContext("recency"),),
        {"context_form": "summary"},
    ),
    WritingMethod(
        "retrieval-preferences",
        "Retrieval, preferences",
        "What rules count in the person's latest texts is told before the prompt, as preferences.",
        "strategy 2",
        (ExamplesInContext("recency"),),
        {"context_form": "preferences"},
    ),
    WritingMethod(
        UNIFIED,
        "Unified LoRA",
        "Adapters learned from everybody's texts: the baseline that personalisation must beat.",
        "unified baseline; Hu et al., ICLR 2022",
        (UnifiedAdapter(),),
    ),
    WritingMethod(
        "per-labeler-lora",
        "LoRA per person",
        "Each person has adapters of their own and learns alone: the cautionary tale.",
        "strategy 3",
        (PersonAdapters(),),
    ),
    WritingMethod(
        "cluster-lora",
        "LoRA per group",
        "People are grouped by their texts, and each group learns adapters beside the unified "
        "LoRA.",
        "strategy 1",
        (_ON_UNIFIED, GroupedAdapters()),
        revision=ENCODED_GROUPS,
    ),
    WritingMethod(
        "hybrid-lora",
        "LoRA per group and a small one per person",
        "Adapters of groups beside the unified LoRA, and of each person's own of rank 1.",
        "strategy 1, with deltas per person on top",
        (_ON_UNIFIED, GroupedAdapters(), PersonAdapters(small=True)),
        revision=ENCODED_GROUPS,
    ),
    WritingMethod(
        "l2-constrained",
        "LoRA per person near the unified",
        "Each person has adapters beside the unified LoRA, held small by a penalty.",
        "strategy 3; Evgeniou and Pontil, KDD 2004",
        (_ON_UNIFIED, PersonAdapters(), PullToUnified()),
        {"strength": 1.0},
    ),
    WritingMethod(
        "merged-lora",
        "LoRA per person, merged with the unified",
        "Each person's adapters learn alone; each then writes with a mean of these and the "
        "unified ones, as validation weighs them.",
        "Wortsman et al., ICML 2022 (model soups)",
        (_ON_UNIFIED, PersonAdapters(), MergedByValidation()),
    ),
    WritingMethod(
        "moe-lora",
        "Mixture of LoRA",
        "A few sets of adapters beside the unified LoRA, mixed for each person by a learned gate.",
        "strategy 7; Shazeer et al., ICLR 2017",
        (_ON_UNIFIED, MixedAdapters()),
        revision=ENCODED_GROUPS,
    ),
    WritingMethod(
        "routed-moe-lora",
        "Mixture of LoRA, routed by the input",
        "A few sets of adapters beside the unified LoRA, mixed anew for each token by the person's "
        "gate and by what stands there.",
        "strategy 7; Shazeer et al., ICLR 2017",
        (_ON_UNIFIED, MixedAdapters(routed=True)),
        revision=ENCODED_GROUPS,
    ),
    WritingMethod(
        "prefix-on-unified",
        "Prefix on the unified LoRA",
        "The unified adapters stay; soft tokens are learned for each person and kept where "
        "validation improves.",
        "prefix plan; Li and Liang, ACL 2021",
        (_ON_UNIFIED, PersonPrefix()),
    ),
    WritingMethod(
        "cluster-prefix",
        "Prefix per group",
        "People are grouped by their texts, and each group learns a prefix on the unified LoRA.",
        "strategy 1 and prefix plan",
        (_ON_UNIFIED, GroupPrefix()),
        revision=ENCODED_GROUPS,
    ),
    WritingMethod(
        "hierarchical",
        "Prefix per group and person",
        "People are grouped by their texts; each group learns a prefix, and each person a "
        "deviation from it that is kept where validation improves.",
        "strategy 1, prefix plan; Gelman and Hill 2007",
        (_ON_UNIFIED, HierarchicalPrefix()),
        revision=ENCODED_GROUPS,
    ),
    WritingMethod(
        "user-embedding",
        "Person embedding",
        "A vector of 64 numbers per person, turned into soft tokens by a shared map.",
        "strategy 10",
        (_ON_UNIFIED, EmbeddedPrefix()),
    ),
    WritingMethod(
        "augmented",
        "Prefix on varied texts",
        "A prefix for each person that also learns from their texts behind varied prompts and "
        "behind texts of theirs, and from what the unified model expected.",
        "strategy 5; Hinton, Vinyals and Dean 2015; Wei and Zou, EMNLP 2019",
        (_ON_UNIFIED, PersonPrefix(), SoftLabels(), VariedPrompts()),
    ),
    WritingMethod(
        "multi-task",
        "Multi-task",
        "A vector per person and shared adapters, trained together, that also guess who wrote and "
        "how long a text will be.",
        "strategy 6; Caruana, Machine Learning 1997",
        (UnifiedAdapter(), EmbeddedPrefix(), SideTasks()),
    ),
    WritingMethod(
        "reptile",
        "Reptile",
        "Soft tokens from which every person's own are a few steps away, then each person's own.",
        "strategy 8; Nichol, Achiam and Schulman 2018",
        (_ON_UNIFIED, LearnedStart()),
    ),
    WritingMethod(
        "maml-token",
        "MAML token",
        "Soft tokens trained so that a few steps on some texts help on others (first order), then "
        "each person's own.",
        "strategy 8; Finn, Abbeel and Levine, ICML 2017",
        (_ON_UNIFIED, LearnedStart(by_gradient=True)),
    ),
    WritingMethod(
        "e2p-1",
        "Embedding to prefix, 1 token",
        "A network turns the mean of a person's texts and the profile into one soft token.",
        "E2P: Huber et al. 2025",
        (_ON_UNIFIED, SummaryPrefix()),
        {"prefix": 1},
    ),
    WritingMethod(
        "e2p-5",
        "Embedding to prefix, 5 tokens",
        "A network turns the mean of a person's texts and the profile into five soft tokens.",
        "E2P: Huber et al. 2025",
        (_ON_UNIFIED, SummaryPrefix()),
        {"prefix": 5},
    ),
    WritingMethod(
        "persoma-mlp",
        "History encoder (mean)",
        "A network reads each of a person's texts, averages them and writes soft tokens.",
        "PERSOMA: Hebert et al. 2024",
        (_ON_UNIFIED, HistoryPrefix()),
    ),
    WritingMethod(
        "persoma-perceiver",
        "History encoder (Perceiver)",
        "Four latents look at a person's texts and the profile, and become soft tokens.",
        "PERSOMA: Hebert et al. 2024; Jaegle et al., ICML 2021",
        (_ON_UNIFIED, PerceiverPrefix()),
        {"prefix": 4, **_NETWORK},
    ),
    WritingMethod(
        "gated-memory",
        "Gated memory",
        "Between layers, tokens look things up in a memory of a person's texts, through gates "
        "that start closed.",
        "Flamingo: Alayrac et al., NeurIPS 2022",
        (_ON_UNIFIED, LayerMemory()),
        _NETWORK,
    ),
    WritingMethod(
        "retrieval-projected",
        "Retrieval as soft tokens",
        "Each of the texts to the most similar prompts becomes one soft token, by a shared "
        "network.",
        "strategy 2; retrieval and projection of the E2P tracker",
        (_ON_UNIFIED, LookedUpPrefix()),
        _NETWORK,
    ),
    WritingMethod(
        "prefix-with-retrieval",
        "Prefix with retrieval",
        "Soft tokens of each person's own on the unified LoRA, learned beside own texts that are "
        "read before the prompt.",
        "prefix plan and strategy 2",
        (_ON_UNIFIED, PersonPrefix(), ExamplesInContext("bm25")),
        revision=_EXAMPLES,
    ),
    WritingMethod(
        "selective",
        "Selective",
        "A prefix of their own for each person whose validation texts it makes likelier, the "
        "unified model for the others; of somebody new a classifier says who benefits.",
        "strategy 4",
        (WeighedWriters("one or the other", (UNIFIED, "prefix-on-unified")),),
        revision=3,  # two models that are one do not choose by rounding; it has texts
    ),
    WritingMethod(
        "ensemble",
        "Ensemble",
        "The next token's probabilities of several methods, mixed by the same weights for "
        "everybody.",
        "Jacobs et al. 1991; Lakshminarayanan et al., NeurIPS 2017",
        (WeighedWriters("alike", _LADDER),),
        revision=2,  # it has texts
    ),
    WritingMethod(
        "auto",
        "Automatic",
        "For each person the mixture of methods that their validation texts support, drawn to "
        "everybody's; whom none helps keeps the unified model.",
        "Jacobs et al. 1991; Gelman and Hill 2007",
        (WeighedWriters("each", _LADDER),),
        revision=2,  # it has texts
    ),
)
WRITING_METHODS: Final[Mapping[str, WritingMethod]] = {entry.name: entry for entry in _ALL}
# compared where nobody chose yet: one of each kind that takes little time
WRITING_STARTERS: Final = (
    "unprompted", "text-baseline", RETRIEVALS[0], UNIFIED, "prefix-on-unified",
)  # fmt: skip


def members_of(name: str, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """The methods whose runs a combination weighs, the unified one first.

    Args:
        name: of the combination.
        wanted: the setting `members`; None or empty for the combination's own choice.

    Raises:
        InputError: one is no method, is a combination, or there are too few or too many.
    """
    weighed = next(writing_method(name).of(WeighedWriters))
    named = [writing_method(one).name for one in wanted or weighed.tries]
    for one in named:
        if WRITING_METHODS[one].combines:
            raise InputError(f"{name} cannot have the member {one}, a combination itself.")
    others = [one for one in dict.fromkeys(named) if one != UNIFIED]
    if not others or (weighed.rule == "one or the other" and len(others) > 1):
        few = "one other method" if weighed.rule == "one or the other" else "another method"
        raise InputError(
            f"{name} needs {few} beside {UNIFIED}; say which with --set members=METHOD."
        )
    return UNIFIED, *others


def combines(name: str) -> bool:
    """Whether a method weighs the runs of others; one that this version does not know does not."""
    return name in WRITING_METHODS and WRITING_METHODS[name].combines


def writing_title(name: str) -> str:
    """What a method is called for a reader; of one that this version does not know its name."""
    found = WRITING_METHODS.get(name)
    return name if found is None else found.title


def writing_method(name: str) -> WritingMethod:
    """Look a method of the task writing up, by its name or an alias.

    Raises:
        InputError: if there is none of that name, with near ones.
    """
    found = WRITING_METHODS.get(canonical(name))
    if found is None:
        known = [*WRITING_METHODS, *ALIASES]
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}."
        raise InputError(f"The task writing has no method {name!r}; {hint}")
    return found

"""Simulated judges of replies: do heads of their own beat the consensus on a language model's
features?

`python -m tests.bench.text_judges [BACKBONE ...]`, `prism-mini-lm` if none is named; `make models`
fetches two more. Five replies to each of the demo's 128 prompts are read by each backbone. Six
judges compare two replies to one prompt, as often as `data/judges.yaml` says, on two attributes. A
quarter of the prompts is tested, a sixth validates; no prompt is in two splits. Accuracy is over
tested answers that are no ties, equal scores counting half, the mean of both attributes;
intervals (95 %) resample prompts. Swapped: a judge's answers by the heads of each other judge.
Possible: by the planted taste itself, which noise keeps below 100 %.
"""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from prism_desktop.engine.backbones import parse
from prism_desktop.engine.backbones.causal_lm import load_language_model
from prism_desktop.engine.demo.writers.judges import (
    WrittenReply,
    judged_attributes,
    judged_replies,
    judges,
    standard_qualities,
)
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.models.answers import Answers, select
from prism_desktop.engine.models.heads import bayes, model_selection, ridge
from prism_desktop.engine.models.text_features import text_features
from prism_desktop.engine.study.row_cache import features_file
from prism_desktop.engine.training.learned_answers import join_answers
from tests.bench.mebeauty import last

EACH, DRAWS = 5, 4_000  # replies to a prompt; resamples of prompts
Floats = NDArray[np.float64]
WAYS = ("consensus", "hierarchical-bayes", "swapped", "possible")


def main() -> int:
    """Print a table for each backbone, accuracies in per cent."""
    torch.set_num_threads(1)  # other work would make the threads of one pass wait for each other
    replies = judged_replies(EACH)
    asked, truth = asked_of_judges(replies)
    for name in sys.argv[1:] or ["prism-mini-lm"]:
        features = features_of(name, replies)
        right = right_by_heads(features, asked, truth)
        print(f"\n{name}: {len(replies)} texts, {features.shape[1]} numbers each")
        print("| judge | tested answers | " + " | ".join(WAYS) + " | gain over consensus |")
        print("|---|---:|" + "---:|" * (len(WAYS) + 1))
        _report(right, asked["test"])
    return 0


def features_of(name: str, replies: list[WrittenReply]) -> NDArray[np.float32]:
    model = load_language_model(parse(name), choose_device("cpu"))
    path = features_file(Path(tempfile.gettempdir()) / "prism-bench", model.sha256)
    texts = {f"{one.prompt.text}\n{one.text}": (one.prompt.text, one.text) for one in replies}
    known = last(text_features(path, texts, model))
    return np.stack([known[f"{one.prompt.text}\n{one.text}"] for one in replies])


def asked_of_judges(replies: list[WrittenReply]) -> tuple[Mapping[str, Answers], Floats]:
    """Answers by split, ties left out, and (judges, attributes, texts) true utilities."""
    rng, people, names = np.random.default_rng(0), judges(), list(judged_attributes())
    standard = standard_qualities([one.text for one in replies])
    truth = np.array([[one.utilities(standard)[name] for name in names] for one in people])
    prompts = len(replies) // EACH
    part = rng.permutation(np.arange(prompts) % 12)
    rows: list[tuple[int, int, int, int, float]] = []
    for judge, one in enumerate(people):
        prompt = rng.integers(0, prompts, one.comparisons)
        pair = np.array([rng.choice(EACH, 2, replace=False) for _ in prompt])
        left, right = prompt * EACH + pair[:, 0], prompt * EACH + pair[:, 1]
        for attribute in range(len(names)):
            lead = truth[judge, attribute, left] - truth[judge, attribute, right]
            said, _ = one.compare(lead, rng)
            rows += [
                (judge, attribute, int(a), int(b), float(answer > 0))
                for a, b, answer in zip(left, right, said, strict=True)
                if answer
            ]
    table = np.array(rows)
    judge, attribute, left, right = table[:, :4].astype(np.int64).T
    answer, weight = table[:, 4].astype(np.float32), np.ones(len(table), np.float32)
    told = Answers(judge, attribute, left, right, answer, weight, np.arange(len(table)))
    split = part[told.left // EACH]
    wanted = {"test": split < 3, "val": (split >= 3) & (split < 5), "train": split >= 5}
    return {name: select(told, chosen) for name, chosen in wanted.items()}, truth


def right_by_heads(
    x: NDArray[np.float32], asked: Mapping[str, Answers], truth: Floats
) -> Mapping[str, Floats]:
    """Way -> (tested answers,) 1 right, 0 wrong, 0.5 for equal scores."""
    size, test = truth.shape[:2], asked["test"]
    chosen = last(model_selection.choose(x, asked["train"], asked["val"], *size))
    both = join_answers([asked["train"], asked["val"]])
    own = last(bayes.fit(x, both, *size, settings=chosen.settings)).scores(x)
    shared = last(ridge.fit(x, both, *size, owner="nobody")).scores(x)
    others = [
        agree(own[(test.labeler + step) % size[0], test.attribute], test)
        for step in range(1, size[0])
    ]
    rows = test.labeler, test.attribute
    return {
        "consensus": agree(shared[rows], test),
        "hierarchical-bayes": agree(own[rows], test),
        "swapped": np.mean(others, axis=0),
        "possible": agree(truth[rows], test),
    }


def agree(scores: NDArray[np.floating], test: Answers) -> Floats:
    """(answers,) of (answers, texts) scores."""
    place = np.arange(len(test))
    margin = np.sign(scores[place, test.left] - scores[place, test.right])
    return np.asarray(0.5 + 0.5 * margin * np.sign(test.outcome - 0.5), np.float64)


def intervals(right: Floats, test: Answers) -> tuple[float, float, float]:
    """Per cent of (tested answers,) that are right, the mean of the judges, with the ends of an
    interval of 95 % over prompts."""
    prompt, rng = test.left // EACH, np.random.default_rng(1)
    known = np.unique(prompt)
    drawn = rng.multinomial(len(known), [1 / len(known)] * len(known), DRAWS)
    counts = drawn[:, np.searchsorted(known, prompt)]
    mine = [test.labeler == row for row in range(len(judges()))]
    each = [counts[:, one] @ right[one] / np.maximum(counts[:, one].sum(1), 1) for one in mine]
    low, high = np.quantile(np.mean(each, axis=0), [0.025, 0.975])
    mean = np.mean([right[one].mean() for one in mine])
    return 100 * float(mean), 100 * float(low), 100 * float(high)


def _report(right: Mapping[str, Floats], test: Answers) -> None:
    prompt, rng = test.left // EACH, np.random.default_rng(1)
    people = judges()
    by_judge = [test.labeler == row for row in range(len(people))]
    known = np.unique(prompt)
    # (draws, answers) how often each answer counts when prompts are drawn again
    drawn = rng.multinomial(len(known), [1 / len(known)] * len(known), DRAWS)
    counts = drawn[:, np.searchsorted(known, prompt)]
    for name, mine in (*((one.name, [by_judge[row]]) for row, one in enumerate(people)),
                       ("mean of judges", by_judge)):  # fmt: skip
        cells = [str(sum(int(one.sum()) for one in mine))]
        cells += [f"{100 * np.mean([right[way][one].mean() for one in mine]):.1f}" for way in WAYS]
        gain = right["hierarchical-bayes"] - right["consensus"]
        each = [counts[:, one] @ gain[one] / np.maximum(counts[:, one].sum(1), 1) for one in mine]
        low, high = np.quantile(np.mean(each, axis=0), [0.025, 0.975])
        mean = np.mean([gain[one].mean() for one in mine])
        cells.append(f"{100 * mean:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())

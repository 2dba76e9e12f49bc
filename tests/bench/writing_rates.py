"""Which learning rates do soft tokens and adapters want at a language model's width?

`python -m tests.bench.writing_rates [BACKBONE ...]`: prism-mini-lm (160 wide), and SmolLM2 (576
wide) if `make models` fetched it. The rule that towers of images use, 768 / width for soft tokens
(`training/schedule.py`), was only ever tried on networks of our own. Here the method is trained
for a few epochs at each of some rates, a factor of 3.2 apart, on texts of simulated writers, and
the rate with the least validation NLL is told beside what the rule makes of it: the rate at the
width of 768 that it would follow from, which would be one number if the rule held. The nearest
others are told too, since rates that are as good within the noise of few texts decide nothing. The
tested fold is never opened.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from prism_desktop.engine.backbones.causal_lm import LanguageModel, load_language_model
from prism_desktop.engine.backbones.spec import parse
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.runs.run_events import Epoch
from prism_desktop.engine.writing.own_text_data import OwnTexts
from prism_desktop.engine.writing.writing_trainer import WritingTrainer
from tests.bench.writer_speed import SMOLLM, model_of, past_of, texts_of

RATES = {
    "prefix-on-unified": ("prefix_lr", (1e-3, 3.2e-3, 1e-2, 3.2e-2, 1e-1)),
    "consensus": ("lora_lr", (2e-4, 6.3e-4, 2e-3, 6.3e-3, 2e-2)),
}
WIDE = 768  # for which the rule leaves a rate as it is
NEAR = 0.01  # nats per token that a few dozen texts do not tell apart


def main() -> int:
    """Print a row for each backbone and method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("backbones", nargs="*")
    parser.add_argument("--texts", type=int, default=96, help="to learn from")
    parser.add_argument("--validation", type=int, default=48, help="texts to choose by")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=16)
    given = parser.parse_args()
    known = ["prism-mini-lm", *([f"lm:{SMOLLM}"] if SMOLLM.exists() else [])]
    texts = texts_of(given.texts, given.validation)
    size = {"epochs": given.epochs, "batch": given.batch, "patience": given.epochs}
    print(
        "| model | width | method | "
        + "validation NLL by rate | best | as good | times width / 768 |"
    )
    print("|---|---:|---|---|---:|---|---:|")
    for name in given.backbones or known:
        base = load_language_model(parse(name), choose_device("cpu"))
        for method, (key, rates) in RATES.items():
            found = {rate: _validated(base, texts, method, {**size, key: rate}) for rate in rates}
            print(_row(base, method, found), flush=True)
    return 0


def _validated(
    base: LanguageModel, texts: OwnTexts, method: str, settings: Mapping[str, float]
) -> float:
    """The least validation NLL of the epochs, nats per own token."""
    model = model_of(base, texts, method, **settings)
    with tempfile.TemporaryDirectory() as folder:
        trainer = WritingTrainer(model, past_of(model, texts), Path(folder))
        nll = [event.val["nll"] or 0.0 for event in trainer.run() if isinstance(event, Epoch)]
    return min(nll)


def _row(base: LanguageModel, method: str, found: Mapping[float, float]) -> str:
    best = min(found, key=lambda rate: found[rate])
    near = [rate for rate, nll in found.items() if rate != best and nll < found[best] + NEAR]
    by_rate = ", ".join(f"{rate:g}: {nll:.3f}" for rate, nll in found.items())
    cells: Sequence[str] = (
        base.title, f"{base.width}", f"`{method}`", by_rate, f"{best:g}",
        ", ".join(f"{rate:g}" for rate in near) or "none", f"{best * base.width / WIDE:.2g}",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())

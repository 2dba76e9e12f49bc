"""What is counted in texts, and that a planted taste for it is found again."""

from pathlib import Path

import numpy as np
import pytest

from prism_desktop.engine.events import Done
from prism_desktop.engine.experiments.choice_report import TasteArguments, taste_report
from prism_desktop.engine.experiments.text_properties import COUNTED, look_at_texts
from prism_desktop.engine.study.records import TrialRecord, new_id
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import NewText

_PLAIN = "We meet at noon"
_MORE = {
    "length": "We meet at noon and then we eat",
    "sentence length": "We meet at noon and eat then. We go",
    "word length": "Gentlemen assemble towards midday",
    "exclamation": "We meet at noon!",
    "asking": "We meet at noon?",
    "dots and dashes": "We meet at noon...",
    "commas": "We meet, at noon",
    "capitals": "WE MEET AT NOON",
    "emoji": "We meet at noon 😀",
    "hedging": "Maybe we meet at noon",
    "“I” and “my”": "I meet at noon",
    "“you” and “your”": "You meet at noon",
}


@pytest.mark.parametrize("name", [name for name, _, _ in COUNTED])
def test_that_each_property_counts_what_its_name_says(name: str) -> None:
    found = look_at_texts({"a": (None, _PLAIN), "b": ("Why?!", _MORE[name])}, {}, [])
    names = [one.name for one in found.properties]
    column = found.values[:, names.index(name)]
    assert column[1] > column[0]


def test_that_odd_texts_are_counted_too() -> None:
    odd = ["", "...", "\u202e<b>&amp;", "😀" * 5, "a" * 10_000]
    found = look_at_texts({str(n): (None, text) for n, text in enumerate(odd)}, {}, [])
    assert np.isfinite(found.values).all()


def test_that_who_likes_exclamation_marks_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "texts.prism"
    with Study.create(path, kind="text", attributes=("kind",)) as study:
        texts = [NewText(f"t{n}", f"Text {n}{'!' * (n % 2)}", group="all") for n in range(40)]
        ids = study.add_texts(texts).added
        rng, trials = np.random.default_rng(0), []
        for code, likes in (("L1", 1), ("L2", 0)):
            study.add_labeler(code)
            for order in range(80):
                left, right = map(int, rng.permutation(40)[:2])
                chosen = "left" if left % 2 == likes else "right"
                said = chosen if left % 2 != right % 2 else "tie"
                trials.append(
                    TrialRecord(
                        new_id(), code, f"s{code}", order, "comparison", ids[left], ids[right],
                        float(order), 1.0, answers={"kind": said},
                    )
                )  # fmt: skip
        study.record(trials)
    report = next(e.value for e in taste_report(TasteArguments(study=path)) if isinstance(e, Done))
    assert report.of_texts
    shares = {
        taste.labeler: link.own
        for taste in report.labelers
        for link in taste.links
        if link.property == "exclamation"
    }
    assert shares == {"L1": pytest.approx(1.0), "L2": pytest.approx(0.0)}

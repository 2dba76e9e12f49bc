"""A run's results for a reader, as Markdown, with the limits beside the numbers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prism_desktop.engine.evaluation.significance import gate
from prism_desktop.engine.methods.method import NO_CONTROL, TESTED_FACES

ABOUT_THE_LABELER = (
    "Judgments of faces say something about the labeler, not about the person shown."
)

_NAMES = {
    "chance": "Chance",
    "side_bias": "Habitual side",
    "others_majority": "Others' majority on the pair *",
    "others_bradley_terry": "Others' Bradley-Terry scores *",
    "zero_shot": "Zero-shot backbone",
    "ridge": "Per-labeler ridge",
}


def summary_markdown(meta: Mapping[str, Any]) -> str:
    """The text of `summary.md`.

    Args:
        meta: what `train --json` prints, and any of `config` (settings), `versions` {package:
            version}, `notices`, `simulated` (bool), `gain` and `baselines` as
            `report.evaluate_against` returns them. Any may be missing.
    """
    parts = [f"# {meta.get('run', 'Run')}", _head(meta), *_warnings(meta)]
    test = meta.get("test") or {}
    if test:
        parts += ["## Results on the test split", _results(meta), _reading(meta)]
        parts += ["## By labeler", _labelers(meta), "## By labeler and attribute", _cells(test)]
    if meta.get("baselines"):
        parts += ["## To read it against", _baselines(meta["baselines"])]
    parts += ["## How it was made", _made(meta)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(meta: Mapping[str, Any]) -> str:
    star = " *" if meta.get("reads_tested_faces") else ""
    facts = [
        f"Method {meta['method']}{star}" if meta.get("method") else "",
        str(meta.get("backbone") or ""),
    ]
    facts += [f"on {meta['device']}" if meta.get("device") else ""]
    return ", ".join(fact for fact in facts if fact) + "."


def _warnings(meta: Mapping[str, Any]) -> list[str]:
    split = meta.get("split")
    texts = (
        ["The labelers of this study are simulated; nothing here is about people."]
        if meta.get("simulated")
        else []
    )
    if isinstance(split, Mapping) and split.get("warning"):
        texts.append(str(split["warning"]))
    texts += [str(notice) for notice in meta.get("notices") or () if notice not in texts]
    return ["\n".join(f"> {text}" for text in [*texts, ABOUT_THE_LABELER])]


def _results(meta: Mapping[str, Any]) -> str:
    test, consensus, gain = meta["test"], meta.get("consensus") or {}, meta.get("gain") or {}
    rows = []
    for key, label in (
        ("macro", "Mean over labelers (macro)"),
        ("micro", "Over all answers (micro)"),
    ):
        row = [label, _share(test.get(key)), str((test.get(key) or {}).get("n", ""))]
        rows.append([*row, _share(consensus.get(key)), _points(gain.get(key))])
    for key, label in (("nll", "NLL (nats)"), ("brier", "Brier"), ("ece", "ECE")):
        rows.append([label, _plain(test.get(key)), "", _plain(consensus.get(key)), ""])
    ranked, theirs = test.get("spearman") or {}, consensus.get("spearman") or {}
    if ranked.get("macro") is not None:
        rating = "Rank correlation with held-out ratings"
        rows.append(
            [rating, _plain(ranked["macro"]), str(ranked["n"]), _plain(theirs.get("macro")), ""]
        )
    table = _table(["", "Accuracy", "Answers", "Consensus", "Gain"], rows)
    return "\n\n".join(part for part in (table, _gate(gain)) if part)


def _gate(gain: Mapping[str, Any]) -> str:
    """The success gate's verdict on a gain, condition by condition."""
    if not gain.get("per_labeler") or (gain.get("macro") or {}).get("p") is None:
        return ""
    verdict = gate(gain)
    head = "Passes the success gate" if verdict.passed else "Does not pass the success gate"
    return f"{head}. {' '.join(verdict.reasons)}"


def _reading(meta: Mapping[str, Any]) -> str:
    split = meta.get("split")
    kind = split.get("kind") if isinstance(split, Mapping) else split
    held = {
        "image": "faces that no training answer showed",
        "pair": "pairs that no training answer showed, of faces that some did",
        "labeler": "labelers of whom training saw only the first answers",
        "time": "each labeler's latest answers",
        "label": "answers held out at random, on faces and mostly pairs that were trained on",
    }.get(str(kind), "answers held out from training")
    ties = ((meta.get("config") or {}).get("pairs") or {}).get("ties") == "davidson"
    likelihood = (
        " NLL is of decided answers here, while validation during training counted ties too."
        if ties
        else ""
    )
    return (
        f"Tested once, on {held}. Brackets hold 95 % intervals from a bootstrap over images; they "
        "speak of other images, the labelers are taken as given. Equal scores count as half "
        f"right; ties are left out.{likelihood}{_same_answers(meta)}{_reads_tested_faces(meta)}"
    )


def _same_answers(meta: Mapping[str, Any]) -> str:
    """What a gain is over, where there is one."""
    if not meta.get("gain"):
        return ""
    flips = (meta.get("config") or {}).get("flips")
    mirrored = ", without mirrored images" if flips else ""
    return (
        f" The consensus was trained on the very same training answers{mirrored}, so the gain is "
        "the method's."
    )


def _reads_tested_faces(meta: Mapping[str, Any]) -> str:
    """What a method knows beyond the training answers, where it does."""
    if not meta.get("reads_tested_faces"):
        return ""
    shuffled = ((meta.get("config") or {}).get("pairs") or {}).get("shuffle") is not None
    return f"\n\n\\* {TESTED_FACES}; the consensus does not use them." + (
        f" {NO_CONTROL}" if shuffled else ""
    )


def _labelers(meta: Mapping[str, Any]) -> str:
    test = meta["test"]
    consensus = (meta.get("consensus") or {}).get("per_labeler") or {}
    gains = (meta.get("gain") or {}).get("per_labeler") or {}
    rows = []
    for code, row in (test.get("per_labeler") or {}).items():
        ceiling, reached = row.get("ceiling"), row.get("of_ceiling")
        cells = [
            code,
            _share(row),
            str(row.get("n", "")),
            _share(consensus.get(code)),
            _points(gains.get(code)),
        ]
        rows.append([*cells, _percent(ceiling), _percent(reached)])
    note = (
        "Ceiling: what a perfect model could reach, given how often the labeler repeats their own "
        "answer; blank with fewer than ten repeated answers. A model may pass an estimated "
        "ceiling, which has an error of its own."
    )
    head = ["Labeler", "Accuracy", "Answers", "Consensus", "Gain", "Ceiling", "Of ceiling"]
    return f"{_table(head, rows)}\n\n{note}"


def _cells(test: Mapping[str, Any]) -> str:
    table = test.get("per_labeler_attribute") or {}
    attributes = sorted({attribute for row in table.values() for attribute in row})
    rows = [
        [
            code,
            *(
                f"{_share(row[name])}, n {row[name]['n']}" if name in row else ""
                for name in attributes
            ),
        ]
        for code, row in table.items()
    ]
    pooled = test.get("per_attribute") or {}
    rows.append(["all", *(_share(pooled.get(name)) for name in attributes)])
    return _table(["Labeler", *attributes], rows)


def _baselines(baselines: Mapping[str, Any]) -> str:
    rows = [
        [
            _NAMES.get(name, name),
            _rule(name, row, "macro"),
            _rule(name, row, "micro"),
            _percent(row.get("known")),
        ]
        for name, row in baselines.items()
    ]
    table = _table(["Rule", "Macro", "Micro", "Pairs it knows"], rows)
    return f"{table}\n\n\\* {TESTED_FACES}."


def _rule(name: str, row: Mapping[str, Any], average: str) -> str:
    """A rule's accuracy; that of chance is known, so it has no interval."""
    share = row.get(average) or {}
    return _percent(share.get("accuracy")) if name == "chance" else _share(share)


def _made(meta: Mapping[str, Any]) -> str:
    lines = []
    split = meta.get("split")
    if isinstance(split, Mapping):
        counts = ", ".join(
            f"{name} {number}" for name, number in (split.get("counts") or {}).items()
        )
        lines.append(
            f"Split: {split.get('kind')} (by {split.get('method')}, fold {split.get('fold', 0)}); "
            f"pairs: {counts}"
        )
    elif split:
        lines.append(f"Split: {split}")
    for key, label in (("parameters", "Parameters"), ("counts", "Counts"), ("config", "Settings")):
        if isinstance(meta.get(key), Mapping):
            lines.append(f"{label}: {_flat(meta[key])}")
    for key, label in (
        ("best_epoch", "Best epoch, chosen on validation NLL"),
        ("seconds", "Seconds of training, a combination's members included"),
        ("seconds_per_epoch", "Seconds per epoch"),
        ("bytes_per_labeler", "Bytes that are kept of each labeler"),
        ("seed", "Seed"),
        ("fingerprint", "Data fingerprint"),
    ):
        if meta.get(key) is not None:
            value = meta[key]
            lines.append(f"{label}: {f'{value:.1f}' if isinstance(value, float) else value}")
    if meta.get("versions"):
        lines.append(
            "Versions: "
            + ", ".join(f"{name} {version}" for name, version in meta["versions"].items())
        )
    return "\n".join(f"- {line}" for line in lines)


def _flat(values: Mapping[str, Any], prefix: str = "") -> str:
    parts = []
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            parts.append(_flat(value, f"{name}."))
        elif value is not None:
            parts.append(
                f"{name} "
                f"{', '.join(map(str, value)) if isinstance(value, (list, tuple)) else value}"
            )
    return ", ".join(part for part in parts if part)


def _share(row: Mapping[str, Any] | None) -> str:
    if not row or row.get("accuracy") is None:
        return ""
    return f"{row['accuracy']:.1%} [{row['low']:.1%}, {row['high']:.1%}]".replace("%", " %")


def _points(row: Mapping[str, Any] | None) -> str:
    if not row or row.get("difference") is None:
        return ""
    value, low, high = (100 * row[key] for key in ("difference", "low", "high"))
    return f"{value:+.1f} [{low:+.1f}, {high:+.1f}]"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [
        "| " + " | ".join(head) + " |",
        "|" + "|".join(["---"] + ["---:"] * (len(head) - 1)) + "|",
    ]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)

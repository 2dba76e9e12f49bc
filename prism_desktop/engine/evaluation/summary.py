"""The summary of a run's results as Markdown, with the limits beside the numbers."""

from collections.abc import Iterable, Mapping, Sequence

from prism_desktop.engine.evaluation.intervals import basis
from prism_desktop.engine.evaluation.significance import gate
from prism_desktop.engine.methods.method import NO_CONTROL, TESTED_FACES
from prism_desktop.engine.plain_text import markdown
from prism_desktop.engine.runs.estimates import (
    ABOVE_CEILING,
    BASELINE_NAMES,
    INTERVALS,
    TOO_FEW,
    WHAT_INTERVALS,
    WHY_TOO_FEW,
    told_blocks,
    told_ceiling,
    told_gain,
    told_intervals,
    told_knowledge,
    too_few,
)
from prism_desktop.engine.runs.result_files import (
    Accuracy,
    Baseline,
    Difference,
    Gain,
    Result,
    Summary,
)
from prism_desktop.engine.stimulus_words import StimulusWords

ABOUT_THE_LABELER = (
    "Judgments of faces say something about the labeler, not about the person shown."
)
_BLOCKS = (
    "On validation answers, by heads that learned from training answers alone; each block beside "
    "those above it that are read. What is read was chosen on these answers, so its gain is a "
    "little too good."
)


def summary_markdown(summary: Summary) -> str:
    """The text of `summary.md`; what the summary lacks is left out."""
    parts = [f"# {markdown(summary.run or 'Run')}", _head(summary), *_warnings(summary)]
    test = summary.test
    if test.model_fields_set:
        parts += ["## Results on the test split", _results(summary), _reading(summary)]
        parts += ["## By labeler", _labelers(summary), "## By labeler and attribute", _cells(test)]
    if summary.blocks:
        told = "\n".join(f"- {markdown(line)}" for line in told_blocks(summary.blocks))
        parts += ["## What optional blocks add", told, _BLOCKS]
    if summary.baselines:
        parts += ["## To read it against", _baselines(summary.baselines, summary.words)]
    parts += ["## How it was made", _made(summary)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(summary: Summary) -> str:
    star = " *" if summary.reads_tested_faces else ""
    facts = [f"Method {summary.method}{star}" if summary.method else "", summary.backbone]
    facts += [f"on {summary.device}" if summary.device else ""]
    return markdown(", ".join(fact for fact in facts if fact) + ".")


def _warnings(summary: Summary) -> list[str]:
    texts = (
        ["The labelers of this study are simulated; nothing here is about people."]
        if summary.simulated
        else []
    )
    if summary.split.warning:
        texts.append(summary.split.warning)
    texts += [notice for notice in summary.notices if notice not in texts]
    return [
        "\n".join(f"> {markdown(text)}" for text in [*texts, summary.words.told(ABOUT_THE_LABELER)])
    ]


def _results(summary: Summary) -> str:
    """The headline: accuracy beside the consensus's on the same answers, then how good the
    probabilities are."""
    test, consensus, gain = summary.test, summary.consensus or Result(), summary.gain or Gain()
    rows = []
    for label, mine, theirs, gained in (
        ("Mean over labelers (macro)", test.macro, consensus.macro, gain.macro),
        ("Over all answers (micro)", test.micro, consensus.micro, gain.micro),
    ):
        rows.append([label, _share(mine), _count(mine), _share(theirs), _points(gained)])
    for label, own, other in (
        ("NLL (nats)", test.nll, consensus.nll),
        ("Brier", test.brier, consensus.brier),
        ("ECE", test.ece, consensus.ece),
    ):
        rows.append([label, _plain(own), "", _plain(other), ""])
    ranked = test.spearman
    if ranked is not None and ranked.macro is not None:
        rating = "Rank correlation with held-out ratings"
        other = consensus.spearman.macro if consensus.spearman is not None else None
        rows.append([rating, _plain(ranked.macro), str(ranked.n), _plain(other), ""])
    table = _table(["", "Accuracy", "Answers", "Consensus", "Gain"], rows)
    parts = (table, _other_intervals(test, gain, summary.words), _gate(gain))
    return "\n\n".join(part for part in parts if part)


def _other_intervals(test: Result, gain: Gain, words: StimulusWords) -> str:
    """Three intervals of the mean over labelers and of its gain, each under its name."""
    found = [("Accuracy", told_intervals(test.macro)), ("Gain", told_intervals(gain.macro, "+"))]
    rows = [[name, *told] for name, told in found if told[1]]
    if not rows:
        return ""
    head = ["95% interval of the mean over labelers", *map(words.told, INTERVALS)]
    return f"{_table(head, rows)}\n\n{words.told(WHAT_INTERVALS)}"


def _gate(gain: Gain) -> str:
    """The success gate's verdict on a gain, condition by condition."""
    if not gain.per_labeler or gain.macro.p is None:
        return ""
    verdict = gate(gain)
    head = "Passes the success gate" if verdict.passed else "Does not pass the success gate"
    return f"{head}. {' '.join(verdict.reasons)}"


def _reading(summary: Summary) -> str:
    """What the numbers are of, and what their intervals do not cover."""
    held = {
        "image": "faces that no training answer showed",
        "pair": "pairs that no training answer showed, of faces that some did",
        "labeler": "labelers of whom training saw only the first answers",
        "time": "each labeler's latest answers",
        "label": "answers held out at random, on faces and mostly pairs that were trained on",
    }.get(summary.split.kind, "answers held out from training")
    likelihood = (
        " NLL is of decided answers here, while validation during training counted ties too."
        if summary.setting("pairs.ties") == "davidson"
        else ""
    )
    told = summary.words.told
    return told(
        f"Tested once, on {held}. Brackets hold 95% intervals from "
        f"{basis(summary.test.micro.n or 0)}; they "
        "speak of other images, the labelers are taken as given. Equal scores count as half "
        f"right; ties are left out.{likelihood}{_same_answers(summary)}"
    ) + told(_knowledge(summary))


def _same_answers(summary: Summary) -> str:
    """What a gain is over, where there is one."""
    if summary.gain is None:
        return ""
    mirrored = ", without mirrored images" if summary.setting("flips") else ""
    return (
        f" The consensus was trained on the very same training answers{mirrored}, so the gain is "
        "the method's."
    )


def _knowledge(summary: Summary) -> str:
    """What a method knows of the labelers and the faces that are tested."""
    told = told_knowledge(summary.saw_labelers, summary.reads_tested_faces)
    if not summary.reads_tested_faces:
        return f" {told[0].upper()}{told[1:]}"
    return f"\n\n\\* {told} The consensus does not use those answers." + (
        f" {NO_CONTROL}" if summary.shuffled else ""
    )


def _labelers(summary: Summary) -> str:
    """Labeler by labeler, each against their own ceiling."""
    consensus, gain = summary.consensus or Result(), summary.gain or Gain()
    rows = [
        [
            code,
            _share(row),
            _count(row),
            _share(consensus.per_labeler.get(code)),
            _points(gain.per_labeler.get(code)),
            _ceiling(row),
            _percent(row.of_ceiling),
        ]
        for code, row in summary.test.per_labeler.items()
    ]
    note = (
        "Ceiling: what a perfect model could reach, given how often the labeler repeats their own "
        "answer; blank with fewer than ten repeated answers. Its brackets hold its own 95% "
        f"interval. {ABOVE_CEILING} {WHY_TOO_FEW}"
    )
    head = ["Labeler", "Accuracy", "Answers", "Consensus", "Gain", "Ceiling", "Of ceiling"]
    return f"{_table(head, rows)}\n\n{note}"


def _cells(test: Result) -> str:
    """Accuracy and count of every labeler and attribute, pooled in the last row."""
    table = test.per_labeler_attribute
    attributes = sorted({attribute for row in table.values() for attribute in row})
    rows = [
        [
            code,
            *(
                f"{_share(row[name])}, n {row[name].n}" if name in row else ""
                for name in attributes
            ),
        ]
        for code, row in table.items()
    ]
    rows.append(["all", *(_share(test.per_attribute.get(name)) for name in attributes)])
    return _table(["Labeler", *attributes], rows)


def _baselines(baselines: Mapping[str, Baseline], words: StimulusWords) -> str:
    rows = [
        [
            BASELINE_NAMES.get(name, name),
            _rule(name, row.macro),
            _rule(name, row.micro),
            _percent(row.known),
        ]
        for name, row in baselines.items()
    ]
    table = _table(["Rule", "Macro", "Micro", "Pairs it knows"], rows)
    return f"{table}\n\n\\* {words.told(TESTED_FACES)}."


def _rule(name: str, share: Accuracy) -> str:
    """A rule's accuracy; that of chance is known, so it has no interval."""
    return _percent(share.accuracy) if name == "chance" else _share(share)


def _made(summary: Summary) -> str:
    """How the run was made: split, settings, costs, versions; enough to make it again."""
    lines, split = [], summary.split
    if split.method:
        counts = ", ".join(f"{name} {number}" for name, number in split.counts.items())
        lines.append(f"Split: {split.kind} (by {split.method}, fold {split.fold}); pairs: {counts}")
    elif split.kind:
        lines.append(f"Split: {split.kind}")
    for label, values in (
        ("Parameters", summary.parameters),
        ("Counts", summary.counts.dump() if summary.counts is not None else {}),
        ("Settings", summary.config),
    ):
        if values:
            lines.append(f"{label}: {_flat(values)}")
    for label, value in (
        ("Best epoch, chosen on validation NLL", summary.best_epoch),
        ("Seconds of training, a combination's members included", summary.seconds),
        ("Seconds per epoch", summary.seconds_per_epoch),
        ("Bytes that are kept of each labeler", summary.bytes_per_labeler),
        ("Seed", summary.seed),
        ("Data fingerprint", summary.fingerprint),
    ):
        if value is not None:
            lines.append(f"{label}: {f'{value:.1f}' if isinstance(value, float) else value}")
    if summary.versions:
        versions = ", ".join(f"{name} {version}" for name, version in summary.versions.items())
        lines.append(f"Versions: {versions}")
    return "\n".join(f"- {markdown(line)}" for line in lines)


def _flat(values: Mapping[str, object], prefix: str = "") -> str:
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


def _share(row: Accuracy | None) -> str:
    if row is None or row.accuracy is None:
        return ""
    told = f"{row.accuracy:.1%} [{row.low:.1%}, {row.high:.1%}]"
    return f"{TOO_FEW}: {told}" if too_few(row.n) else told


def _count(row: Accuracy) -> str:
    return "" if row.n is None else str(row.n)


def _points(row: Difference | None) -> str:
    if row is None or row.difference is None or row.low is None or row.high is None:
        return ""
    told = told_gain(row.difference, row.low, row.high, row.n)
    return f"{TOO_FEW}: {told.rest}" if told.few else told.line


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}%"


def _ceiling(row: Accuracy) -> str:
    return "" if row.ceiling is None else told_ceiling(row).line


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    under = "|" + "|".join(["---"] + ["---:"] * (len(head) - 1)) + "|"
    first, *others = ("| " + " | ".join(map(markdown, row)) + " |" for row in (head, *rows))
    return "\n".join([first, under, *others])

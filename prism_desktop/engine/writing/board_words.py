"""What a leaderboard of the task writing says of generated texts, in sentences."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median_low
from typing import Final

from prism_desktop.engine.backbone_names import short
from prism_desktop.engine.grammar import counted, ranged, word_for
from prism_desktop.engine.methods.writing_methods import combines
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.default_backbone import embedded_doubt
from prism_desktop.engine.runs.estimates import TOO_FEW
from prism_desktop.engine.runs.writing_files import (
    MACRO_F1,
    SIMILARITY,
    RankAgreement,
    WritingGain,
    WritingLeaderboard,
    WritingQuality,
    WritingRow,
    WritingSummary,
)

_HEADS: Final[Mapping[str, str]] = {
    SIMILARITY: "similarity", "rouge-1": "ROUGE-1", "rouge-l": "ROUGE-L", "bleu": "BLEU",
    "chrf": "chrF", "exact": "exact", MACRO_F1: "macro-F1",
}  # fmt: skip


FORETELLS: Final = (
    "It says how well a model foretells what somebody wrote; whether what it writes comes near, or "
    "would be preferred, is another question."
)
SIMULATED_WRITERS: Final = (
    "The people are simulated: this says how methods learn planted styles, and nothing of people."
)


def measure_head(name: str, quality: WritingQuality | None) -> str:
    """What a measure is called above its column; `quality` says whether the texts are labels."""
    if name == "exact" and quality is not None and quality.labels:
        return "accuracy"
    return _HEADS.get(name, name)


def combinations(rows: Sequence[WritingRow]) -> list[str]:
    """The methods that wrote by others."""
    return [row.method for row in rows if row.summary.quality and combines(row.method)]


def improved_told(gain: WritingGain | None) -> str:
    """How many people gain, with the interval of their share; a dash where nobody is known."""
    if gain is None or not gain.of:
        return "–"
    told = f"{gain.improved:,} of {gain.of:,}"
    if gain.improved_low is None or gain.improved_high is None:  # of an earlier version
        return told
    return f"{told} [{gain.improved_low:.0%}, {gain.improved_high:.0%}]"


def quality_remarks(board: WritingLeaderboard) -> Iterator[str]:
    """What the measures are, how they go with the NLL, and what is not known."""
    told = next((row.summary.quality for row in board.methods if row.summary.quality), None)
    if told is None:
        yield "Nothing was written in these runs, so the quality of generated texts is not known."
        return
    yield from _decoded(told)
    others = [row.method for row in board.methods if row.summary.quality is None]
    if others:
        yield f"Without generated texts, as their runs wrote none: {', '.join(others)}."
    combined = combinations(board.methods)
    if combined:
        yield f"For each person the text of the run that weighs most: {', '.join(combined)}."
    readers = {row.summary.quality.reader for row in board.methods if row.summary.quality}
    if len(readers) > 1:
        yield (
            "Similarities are by different models, or perhaps other weights of one, in different "
            "runs and are not compared: "
            f"{', '.join(sorted(readers))}."
        )
    rests = next((one for one in board.agreement.values() if one.few), None)
    if rests is not None:
        yield (
            f"{TOO_FEW.capitalize()}: whether what foretells better also writes nearer rests on "
            f"{counted(rests.methods, 'method')}."
        )
    found = [
        f"{_HEADS.get(name, name)} {_rho(one)}"
        for name, one in board.agreement.items()
        if one.rho is not None
    ]
    if found:
        yield f"Rank correlation of NLL and nearness over methods: {'; '.join(found)}."


def run_quality_remarks(summary: WritingSummary) -> Iterator[str]:
    """The same of a single run."""
    if summary.quality is not None:
        yield from _decoded(summary.quality)
        yield f"The texts are in {layout.GENERATED}, marked as generated."


def writers_caption(board: WritingLeaderboard) -> Iterator[str]:
    """What stands below the figure of gains in a paper; what cannot be told first."""
    if board.unfinished:
        yield board.unfinished
    if board.few:
        yield too_few(board)
    over = f" and over {retrieval_of(board)}" if board.retrieval else ""
    yield (
        f"What {counted(len(board.methods), 'method')} gain over the unified model{over} at "
        "foretelling what people wrote, in nats per own token (above 0 is better): means over "
        f"{people_of(board)} on {prompts_of(board)}, base {short(board.backbone)}. Bars: "
        "95% intervals over people and prompts; filled: p below 0.05 after Holm."
    )
    yield FORETELLS
    if board.failed:
        failed = few([one.method for one in board.failed], 5)
        yield f"Could not be trained, so not shown: {failed}."
    yield from whose(board)


def whose(board: WritingLeaderboard) -> Iterator[str]:
    """What the numbers do not say of people, if anything."""
    if board.simulated:
        yield SIMULATED_WRITERS
    if doubt := embedded_doubt(board.backbone, simulated=board.simulated):
        yield doubt


def too_few(board: WritingLeaderboard) -> str:
    """Said first of a board that rests on few people or prompts."""
    return f"{TOO_FEW.capitalize()}: this rests on {board.tested.rest(_person(board))}."


def people_of(board: WritingLeaderboard) -> str:
    """How many people are tested, and whether they are simulated."""
    return counted(board.tested.people, _person(board))


def _person(board: WritingLeaderboard) -> str:
    return "simulated person" if board.simulated else "person"


def prompts_of(board: WritingLeaderboard) -> str:
    """How many held-out prompts are tested; without a number where nobody counted them."""
    prompts = board.tested.prompts
    return counted(prompts, "held-out prompt") if prompts else "held-out prompts"


def held_out_of(board: WritingLeaderboard) -> str:
    """How many texts held-out people have, where that is fewer than some of their numbers are
    called; else nothing."""
    called = [one.examples for row in board.methods for one in row.summary.entered]
    return held_out_texts(board.held_out_texts, max(called, default=0))


def held_out_texts(known: Sequence[int], most: int) -> str:
    """The same of how many texts each of them has, the least first, who enter with `most`."""
    if not known or known[0] >= most:
        return ""
    middle = "" if known[0] == known[-1] else f" (median {median_low(known):,})"
    return (
        f"Held-out people have {ranged(known)} {word_for(known[-1], 'text')} in the training folds"
        f"{middle}: where more are called for, all of theirs are known."
    )


def retrieval_of(board: WritingLeaderboard) -> str:
    """What to call the retrieval that methods are compared with."""
    titles = {row.method: row.title for row in board.methods}
    return titles.get(board.retrieval) or board.retrieval


def how_decoded(told: WritingQuality) -> str:
    """How tokens of generated texts were chosen."""
    how = told.decoding
    if how.greedy:
        return "greedily"
    return f"drawn at temperature {how.temperature:g}, top-p {how.top_p:g}, seed {how.seed}"


def _decoded(told: WritingQuality) -> Iterator[str]:
    most = counted(told.decoding.most_tokens, "token")
    yield (
        f"Generated texts: {counted(told.answers, 'text')} of each person at most to held-out "
        f"prompts, written {how_decoded(told)}, up to {most}; similarity is the "
        f"cosine of {told.compared_by}'s features."
    )
    if told.labels:
        yield (
            f"Own texts are labels from a set of {len(told.labels):,}: exact is the accuracy, and "
            "macro-F1 counts every text the same."
        )


def _rho(one: RankAgreement) -> str:
    p = "" if one.p is None else f" (p {'< 0.001' if one.p < 0.001 else f'{one.p:.3f}'})"
    return f"{one.rho:+.2f}{p}"

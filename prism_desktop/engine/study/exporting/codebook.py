"""The codebook for readers: what the study asked, of
whom, how often, and what every column means."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import prism_desktop
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.plain_text import dated, markdown
from prism_desktop.engine.study.exporting.rows import FactTable, Sheet, Tables, TrialCounts
from prism_desktop.engine.study.store import Study


def codebook_text(
    study: Study, tables: Tables, written: Sequence[Sheet], recipes: Mapping[str, str]
) -> str:
    """Markdown: counts, attributes with questions and scales, labelers, facts, imports with their
    doubts, tables and their columns.

    Args:
        study: what was exported.
        tables: its tables.
        written: those that were written.
        recipes: import -> file with its recipe.
    """
    parts = (
        _head(study, tables.counts()),
        _attributes(study),
        _labelers(study),
        _facts(tables.facts, study.words().kept_many),
        _imports(study, recipes),
        _tables(written),
    )
    return "\n".join(line for part in parts for line in part)


def _head(study: Study, counts: TrialCounts) -> Iterator[str]:
    info = study.info()
    yield f"# Codebook of the study {markdown(info.name)}"
    yield ""
    yield (
        f"- Study {markdown(info.id)}, made {_day(info.created)}; exported "
        f"{_day(datetime.now(UTC).timestamp())} "
    )
    yield f"  by PRISM Desktop {prism_desktop.__version__} (database version {info.schema_version})"
    kept = info.words.kept_many
    counts_of = f"labelers: {info.labelers}; attributes: {info.attributes}"
    yield f"- {kept.capitalize()}: {info.images}; {counts_of}"
    yield (
        f"- Current answered trials: {counted(info.rating_trials, 'rating')}, "
        f"{counted(info.comparison_trials, 'comparison')}"
    )
    for (kind, status), count in sorted(counts.kinds.items()):
        yield f"- All {kind} trials {status}, corrected ones included: {count}"
    if counts.timed:
        yield (
            f"- Trials whose {kept} were painted late (dropped_frames above 0): {counts.late} of "
            f"the {counts.timed} measured"
        )
    if counts.skips:
        yield f"- Questions skipped in trials of which others were answered: {counts.skips}"
    for flag, count in sorted(counts.flags.items()):
        yield f"- Trials with the flag {flag}: {count}"
    yield (
        "- One row is one question of one trial; its `seconds` are its own, and the clock stands "
        "while the labeler"
    )
    yield "  is away (another panel or window, a pause, the list of reasons to skip)."
    yield (
        "- Empty cells are missing values. In CSV files, text that a spreadsheet would run as a "
        "formula begins with"
    )
    yield "  an apostrophe; the program's own import takes it away again."
    yield "- SPSS files keep no blanks at the end of a text; a variable whose name SPSS cannot have"
    yield "  is labelled with it."
    yield "- For analysis keep rows with status answered and an empty superseded_by: questions that"
    yield "  were skipped are left out by that. Consider leaving out times of trials with flags."
    about = "the person shown" if info.kind == "image" else "whoever wrote them"
    many = info.words.many
    yield f"- Judgments of {many} say something about the labeler, not about {about}."
    yield ""


def _attributes(study: Study) -> Iterator[str]:
    yield "## Attributes"
    yield ""
    for attribute in study.attributes():
        labels = ", ".join(
            f"{step} {label}" for step, label in enumerate(attribute.scale_labels, start=1)
        )
        yield f"- **{markdown(attribute.name)}**: “{markdown(attribute.question)}”"
        yield f"  - scale: {markdown(labels)}"
        yield f"  - texts: {markdown('; '.join(attribute.templates))}"
        if not attribute.confirmed:
            yield "  - guessed by an import and confirmed by nobody; nothing learns from it"
    yield ""


def _labelers(study: Study) -> Iterator[str]:
    simulated = {labeler.code for labeler in study.labelers() if labeler.simulated}
    yield "## Labelers"
    yield ""
    yield "| labeler | rating trials | comparison trials | skipped | repeats |"
    yield "|---|---|---|---|---|"
    for row in study.progress():
        name = f"{row.labeler} (simulated)" if row.labeler in simulated else row.labeler
        yield (
            f"| {markdown(name)} | {row.ratings} | {row.comparisons} | {row.skipped} | "
            f"{row.repeats} |"
        )
    yield ""


def _facts(facts: FactTable, kept: str) -> Iterator[str]:
    if not facts.counts:
        return
    yield "## Facts"
    yield ""
    yield "| about | fact | known of |"
    yield "|---|---|---|"
    for (kind, name), known in sorted(facts.counts.items()):
        about = "labelers" if kind == "rater" else kept
        yield f"| {about} | {markdown(name)} | {known} |"
    yield ""


def _imports(study: Study, recipes: Mapping[str, str]) -> Iterator[str]:
    reports = [report for report in study.imports() if report.undone is None]
    if not reports:
        return
    yield "## Imports"
    yield ""
    for report in reports:
        when = _day(report.created) if report.created is not None else "undated"
        what = markdown(f"{report.id} ({report.format}, {when})")
        yield f"- {what}: {report.rows_kept} of {counted(report.rows_read, 'row')} kept"
        scales = report.mapping.get("scales")
        for name, scale in scales.items() if isinstance(scales, Mapping) else ():
            cuts = ", ".join(f"{cut:g}" for cut in scale["cuts"])
            ends = f"from {scale['low']:g} to {scale['high']:g}"
            yield f"  - {markdown(name)}: ratings {ends}, cut into steps at {cuts}"
        if "coding" in report.mapping:
            coding = report.mapping["coding"]
            if isinstance(coding, Mapping):
                coding = ", ".join(f"{value} = {meaning}" for value, meaning in coding.items())
            yield f"  - outcomes coded {markdown(str(coding))}"
        if report.id in recipes:
            yield f"  - how its files were read: {recipes[report.id]}"
        for place, doubt in enumerate(report.doubts):
            state = "dismissed" if place in report.dismissed else "open"
            where = f" ({', '.join(filter(None, (doubt.table, doubt.column)))})"
            text = f"{doubt.text}{where if doubt.table or doubt.column else ''}"
            yield f"  - doubt, {state}: {markdown(text)}"
    yield ""


def _tables(written: Sequence[Sheet]) -> Iterator[str]:
    yield "## Tables"
    for sheet in written:
        yield ""
        yield f"### {markdown(sheet.name)} ({counted(sheet.written, 'row')})"
        yield ""
        yield "| column | type | filled | meaning |"
        yield "|---|---|---|---|"
        for column, filled in zip(sheet.columns, sheet.filled, strict=True):
            name, meaning = markdown(column.name), markdown(column.explanation)
            yield f"| {name} | {column.type} | {filled} | {meaning} |"
    yield ""


def _day(moment: float) -> str:
    return dated(moment, "%Y-%m-%d", UTC)

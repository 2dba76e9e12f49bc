"""The command `plan`: how many labelers, trials, repeats and stimuli are enough?"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prism_desktop.cli.console import (
    Json,
    finite,
    follow,
    in_time,
    out,
    say,
    write_file,
    write_json,
)
from prism_desktop.cli.study import open_existing
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.files import put_text
from prism_desktop.engine.stimulus_words import FACES, StimulusWords

if TYPE_CHECKING:
    from rich.table import Table

    from prism_desktop.engine.evaluation.sample_size.plan_report import (
        FittedAnswers,
        PlanQuestion,
        SampleSizePlan,
    )
    from prism_desktop.engine.study.records import Kind

_ROWS = 12  # of the table of designs


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(plan)


def plan(
    study: Annotated[
        Path | None,
        typer.Argument(help="A study whose answers say what an answer is made of; none is needed."),
    ] = None,
    kind: Annotated[str, typer.Option(help="comparison or rating.")] = "comparison",
    attribute: Annotated[
        str | None, typer.Option(help="Of the study; else the one that asks for most.")
    ] = None,
    shared: Annotated[float | None, typer.Option(help="Share of taste common to all.")] = None,
    private: Annotated[float | None, typer.Option(help="Share of a labeler's own taste.")] = None,
    faces: Annotated[int | None, typer.Option(help="Stimuli; else the study's, or 200.")] = None,
    labelers: Annotated[int | None, typer.Option(help="So many labelers and no others.")] = None,
    trials: Annotated[int | None, typer.Option(help="So many trials of each labeler.")] = None,
    repeats: Annotated[
        float | None, typer.Option(help="Share of trials shown again; else 0.1, or what it takes.")
    ] = None,
    reliability: Annotated[float, typer.Option(help="Wanted of the consensus ranking.")] = 0.8,
    alpha: Annotated[float, typer.Option(help="Half of the wanted interval of alpha.")] = 0.1,
    ceiling: Annotated[
        float, typer.Option(help="Half of the wanted interval of a labeler's ceiling; 0: any.")
    ] = 0.1,
    gain: Annotated[
        float, typer.Option(help="Half of the wanted interval of a labeler's gain; 0: any.")
    ] = 0.06,
    per_face: Annotated[float, typer.Option(help="Comparisons of each stimulus at least.")] = 10.0,
    questions: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Asked in one trial.")
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(min=0.1, max=3600, callback=finite, help="Of one answer, for the time."),
    ] = None,
    protocol: Annotated[
        Path | None,
        typer.Option(help="Write a protocol with these numbers to this file.", callback=in_time),
    ] = None,
    json: Json = None,
) -> None:
    """How many labelers, trials, repeats and stimuli are enough?

    A target of 0 is none. With a study, one more labeler or fifty more answers?
    """
    from prism_desktop.engine.evaluation.sample_size.enough_answers import WantedPrecision
    from prism_desktop.engine.evaluation.sample_size.plan_report import SECONDS
    from prism_desktop.engine.evaluation.sample_size.plan_words import (
        TIMED,
        plan_json,
        told_hours,
        why_untold,
    )

    asked = _kind(kind)
    wanted = WantedPrecision(
        reliability or None, alpha or None, ceiling or None, gain or None, per_face or None
    )
    found = _study(study, asked, attribute, fit=shared is None)
    known, names = found.known, found.attributes
    if study is not None and shared is None and not any(each.variances for each in known):
        why = why_untold(asked, known, found.people)
        raise InputError(found.words.told(f"{why} Plan from --shared and --private."))
    count_on = found.faces if faces is None else faces
    best, fitted = _hardest(
        known, _question(asked, count_on, wanted, repeats, labelers, trials), shared, private
    )
    measured = fitted.seconds if fitted is not None else None
    often = seconds or measured or SECONDS
    timed = TIMED["typed" if seconds else "measured" if measured else "usual"]
    count = questions or max(1, names)
    write_json(plan_json(best, often, count, fitted), json)
    if protocol is not None:
        from prism_desktop.engine.evaluation.sample_size.enough_answers import planned_trials
        from prism_desktop.engine.evaluation.sample_size.planned_protocol import planned_protocol

        made = planned_protocol(planned_trials(best.chosen))
        write_file(protocol, lambda beside: put_text(beside, made.toml()))
        say(f"Wrote the protocol to {protocol}.", json)
    if json != "-":
        _tell(best, told_hours(best.chosen, often, count, timed), fitted, found.words)


def _kind(kind: str) -> "Kind":
    if kind == "rating":
        return "rating"
    if kind == "comparison":
        return "comparison"
    raise InputError(f"There is no kind of trial {kind!r}; choose comparison or rating.")


def _question(
    kind: "Kind", faces: int, wanted: object, repeats: float | None, labelers: int | None,
    trials: int | None,
) -> "PlanQuestion":  # fmt: skip
    from prism_desktop.engine.evaluation.sample_size.answer_variances import AnswerVariances
    from prism_desktop.engine.evaluation.sample_size.enough_answers import WantedPrecision
    from prism_desktop.engine.evaluation.sample_size.plan_report import PlanQuestion

    assert isinstance(wanted, WantedPrecision)
    return PlanQuestion(kind, faces, AnswerVariances(), wanted, repeats, labelers, trials)


@dataclass(frozen=True, slots=True)
class _Known:
    """What a study says for a plan: of its answers of a kind, how many people gave some, how many
    attributes it asks for and faces it has."""

    known: list["FittedAnswers"]
    people: int
    attributes: int
    faces: int
    words: StimulusWords = FACES  # for what it holds


def _study(study: Path | None, kind: "Kind", attribute: str | None, *, fit: bool) -> _Known:
    from prism_desktop.engine.evaluation.sample_size.plan_report import FACES as USUAL
    from prism_desktop.engine.evaluation.sample_size.plan_report import fit_study

    if study is None:
        if attribute is not None:
            raise InputError("--attribute names one of a study, and no study was given.")
        return _Known([], 0, 1, USUAL)
    from prism_desktop.engine.evaluation.quality.answers_looked_at import answers_looked_at
    from prism_desktop.engine.study.confirmed import confirmed_names

    with open_existing(study, read_only=True) as opened:
        confirmed, _ = confirmed_names(opened.attributes(), opened.path)
        given = answers_looked_at(opened, confirmed)
        images, words = len(opened.stimuli()), opened.words()
    if attribute is not None and attribute not in confirmed:
        raise InputError(
            f"There is no attribute {attribute!r} in this study, which has {', '.join(confirmed)}."
        )
    if not fit:
        return _Known([], 0, len(confirmed), images, words)
    known = [
        each
        for each in follow(fit_study(given.compared, given.rated, checks=given.checks))
        if each.kind == kind and attribute in (None, each.attribute)
    ]
    rows = given.rated if kind == "rating" else given.compared
    mine = rows if attribute is None else rows[rows["attribute"] == attribute]
    return _Known(known, mine["labeler"].nunique(), len(confirmed), images, words)


def _hardest(
    known: list["FittedAnswers"], question: "PlanQuestion", shared: float | None,
    private: float | None,
) -> tuple["SampleSizePlan", "FittedAnswers | None"]:  # fmt: skip
    """The plan of the attribute that asks for most, or of the variances that were typed."""
    from dataclasses import replace

    from prism_desktop.engine.evaluation.sample_size.answer_variances import AnswerVariances
    from prism_desktop.engine.evaluation.sample_size.plan_report import plan_study

    usual = AnswerVariances()
    if shared is not None or not known:
        first = usual.shared if shared is None else shared
        rest = min(usual.private, 1 - first) if private is None else private
        typed = replace(question, variances=AnswerVariances(first, rest))
        return plan_study(typed), None
    plans = [
        (plan_study(replace(question, variances=each.variances)), each)
        for each in known
        if each.variances is not None
    ]
    return max(plans, key=lambda pair: (len(pair[0].missed), pair[0].chosen.cost))


def _tell(
    plan: "SampleSizePlan", hours: str, fitted: "FittedAnswers | None", words: StimulusWords
) -> None:
    from rich.table import Table

    from prism_desktop.engine.evaluation.sample_size.plan_words import (
        ASSUMED,
        MEASURES,
        advice,
        told_design,
        told_measure_of,
        told_source,
        told_variances,
        verdict,
    )

    for told in (
        told_source(plan.question.variances, fitted),
        told_variances(plan.question.variances),
        verdict(plan),
        f"{told_design(plan.chosen)}.",
        hours,
    ):
        say(words.told(told))
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("expected", no_wrap=True)
    for name, title in MEASURES.items():
        measured = told_measure_of(name, getattr(plan.precision, name))
        if measured != "–":
            table.add_row(title, measured)
    out.print(table)
    if len(plan.designs) > 1:
        out.print(_designs(plan))
    if fitted is not None and (told := advice(fitted)):
        say(words.told(told))
    say(words.told(ASSUMED))


def _designs(plan: "SampleSizePlan") -> "Table":
    """The cheapest design and its neighbours, by how many labelers there are."""
    from rich.table import Table

    from prism_desktop.engine.evaluation.sample_size.enough_answers import with_precision

    place = plan.designs.index(plan.chosen) if plan.chosen in plan.designs else 0
    start = max(0, min(place - _ROWS // 2, len(plan.designs) - _ROWS))
    some = plan.designs[start : start + _ROWS]
    table = Table(box=None, pad_edge=False, title="As precise, with other numbers of labelers")
    for name in ("labelers", "trials each", "in all", "reliability", "ceiling ±", "gain ±"):
        table.add_column(name, justify="right")
    for row in with_precision(some, plan.question.variances):
        table.add_row(
            f"{row['labelers']:,.0f}", f"{row['trials']:,.0f}", f"{row['cost']:,.0f}",
            f"{row['reliability']:.2f}", f"{100 * row['ceiling']:.1f}", f"{100 * row['gain']:.1f}",
        )  # fmt: skip
    return table

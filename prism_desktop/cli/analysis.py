"""Commands that look at data and models: agreement, relevance."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from prism_desktop.cli.console import (
    Json,
    follow,
    in_time,
    say,
    say_lines,
    write_json,
)
from prism_desktop.cli.known_names import labelers_named
from prism_desktop.cli.result_tables import show_pairs, with_names, write_pairs
from prism_desktop.cli.study import open_existing
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import people_with_codes
from prism_desktop.engine.runs.estimates import ENOUGH, doubted, too_few
from prism_desktop.engine.runs.run_choice import best_personal
from prism_desktop.engine.runs.run_list import RunSummary, list_runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from prism_desktop.engine.analysis.agreement import AgreementResult
    from prism_desktop.engine.analysis.agreement_look import AgreementLook, OfModels
    from prism_desktop.engine.analysis.mean_relevance_rules import MeanRequest
    from prism_desktop.engine.analysis.relevance_map import Relevance
    from prism_desktop.engine.runs.folder import RunFolder

_KIND = "occlusion"  # `relevance_map.DEFAULT_KIND`, without importing NumPy for the help
_NOTHING = (
    "No two labelers answered the same comparisons or rated the same images: there is nothing to "
    "compare."
)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(agreement)
    app.command()(relevance)


def agreement(
    study: Annotated[Path, typer.Argument(help="The study's folder.")],
    attribute: Annotated[str | None, typer.Option(help="Only this attribute.")] = None,
    labelers: Annotated[
        str | None,
        typer.Option(help='Only these labelers, by code, in this order: a,b,c; also "a,b",c.'),
    ] = None,
    answers: Annotated[
        Literal["comparisons", "ratings"] | None,
        typer.Option(help="Of these answers; else comparisons where any are shared."),
    ] = None,
    measure: Annotated[
        Literal["alike", "corrected"],
        typer.Option(
            help="The share answered alike, or beyond chance: Cohen's kappa of comparisons, "
            "Krippendorff's alpha of ratings."
        ),
    ] = "alike",
    predict: Annotated[
        bool,
        typer.Option(
            "--predict",
            help="Where two share nothing, also what the models of --run foretell, marked as that.",
        ),
    ] = False,
    run: Annotated[
        Path | None,
        typer.Option(help="The run of --predict and of colours; else the best that tells apart."),
    ] = None,
    order: Annotated[
        Literal["listed", "alike", "mean"] | None,
        typer.Option(help="Of the figure's matrix; alike together beyond 12 labelers."),
    ] = None,
    colours: Annotated[
        Literal["labeler", "group", "accuracy", "none"] | None,
        typer.Option(
            help="What the figure's colours tell; groups beyond 12 labelers. Accuracy is that of "
            "--run's models."
        ),
    ] = None,
    least: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=100,
            help="Agreement of a link in the figure, %, or hundredths beyond chance; else where it "
            "can be read.",
        ),
    ] = None,
    fewest: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=10**6,
            help="Shared answers of a link in the figure; 50 beyond 12 labelers.",
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(help="Write the pairs of labelers to this CSV file.", callback=in_time),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(
            help="Draw matrix and network to this .svg, .pdf or .png file.", callback=in_time
        ),
    ] = None,
    json: Json = None,
) -> None:
    """How often labelers agree on the comparisons they share; blank where nothing is shared."""
    from prism_desktop.engine.analysis.agreement import left_out
    from prism_desktop.engine.analysis.agreement_look import AgreementLook, OfModels
    from prism_desktop.engine.analysis.chance_corrected import measured_agreement
    from prism_desktop.engine.study.confirmed import confirmed_names
    from prism_desktop.engine.study.set_aside import told_aside

    with open_existing(study, read_only=True) as opened:
        known = [record.name for record in opened.attributes()]
        if attribute is not None and attribute not in known:
            raise InputError(
                f"There is no attribute {attribute}; the study has {', '.join(known)}."
            )
        compared, rated = opened.comparisons(), opened.ratings()
        if attribute is None and known:
            confirmed, notice = confirmed_names(opened.attributes(), opened.path)
            compared, rated = (
                frame[frame["attribute"].isin(confirmed)].reset_index(drop=True)
                for frame in (compared, rated)
            )
            if notice:
                say(notice, json)
        asked = _asked(
            [each.code for each in opened.labelers()],
            compared,
            rated,
            labelers_named(labelers, study),
        )
        result = measured_agreement(compared, rated, attribute, asked, answers, measure)
        people = people_with_codes((each.code, each.display_name) for each in opened.labelers())
        personal = best_personal(list_runs(opened.path))
        aside, words = told_aside(opened.set_aside()), opened.words()
    models = OfModels()
    if predict or colours == "accuracy":
        models = _models(run, personal, result, predict)
    frame = _with_predictions(result, models)
    frame = with_names(frame, people, "labeler", "other")
    if figure is not None:
        look = AgreementLook(order, colours, None if least is None else least / 100, fewest)
        _draw_agreement(result, people, attribute, figure, look, models)
        say(f"Wrote {figure}.", json)
    write_pairs(frame, csv, json)
    if frame.empty:
        say(words.told(_NOTHING), json)
    elif csv is None and figure is None and json != "-":
        show_pairs(frame)
        foretold = models.predicted.told() if models.predicted is not None else ""
        tells = aside, left_out(result.chosen), _few(result), foretold, _of_answers(personal)
        for told in filter(None, tells):
            say(told)
    write_json(
        [{k: None if v != v else v for k, v in row.items()} for row in frame.to_dict("records")],
        json,
    )


def _models(
    run: Path | None, personal: RunSummary | None, result: "AgreementResult", predict: bool
) -> "OfModels":
    """What the models of a run say, of the one named or the best of the study.

    Raises:
        InputError: there is none, or it says the same of everybody.
    """
    from prism_desktop.engine.analysis.agreement_look import of_models
    from prism_desktop.engine.runs.folder import RunFolder

    chosen = run or (None if personal is None else personal.path)
    if chosen is None:
        raise InputError(
            "--predict and --colours accuracy want a finished run that tells labelers apart, and "
            "the study has none: train one first."
        )
    return of_models(RunFolder.open(chosen), result, predict=predict)


def _with_predictions(result: "AgreementResult", models: "OfModels") -> "pd.DataFrame":
    """The pairs of labelers; what is foretold of them has columns of its own."""
    frame, foretold = result.frame(), models.predicted
    if foretold is None:
        return frame
    values = foretold.frame(result.labelers)
    return frame.assign(**{name: values[name] for name in values.columns})


def _asked(
    study: "Sequence[str]",
    compared: "pd.DataFrame",
    rated: "pd.DataFrame",
    chosen: "Sequence[str] | None",
) -> tuple[str, ...]:
    """Those chosen, else all who answered, in the study's order as in the window.

    Raises:
        InputError: the study has no such labeler.
    """
    if lacking := [code for code in chosen or () if code not in study]:
        raise InputError(f"The study has no labeler of the code {lacking[0]}.")
    answered = {*compared["labeler"], *rated["labeler"]}
    return tuple(dict.fromkeys(chosen or (code for code in study if code in answered)))


def _draw_agreement(
    result: "AgreementResult",
    everybody: dict[str, str],
    attribute: str | None,
    path: Path,
    look: "AgreementLook",
    models: "OfModels",
) -> None:
    """The figure that the window exports."""
    from prism_desktop.engine.analysis.agreement_look import draw_agreement

    title = f"{result.coefficient.title} on {attribute or 'all attributes'}, "
    title += counted(len(result.labelers), "labeler")
    names = {code: everybody.get(code, code) for code in result.labelers}
    draw_agreement(path, result, names, tuple(everybody), title, look, models=models)


def _few(result: "AgreementResult") -> str:
    """Whose agreement rests on too few answers to tell."""
    n = result.frame()["count"]
    few = sum(map(too_few, n))
    told = (
        f"of {few:,} of {counted(len(n), 'pair of labelers')}, who share under "
        f"{counted(ENOUGH, 'answer')}."
    )
    return doubted(told, 0, opens=True) if few else ""


def _of_answers(personal: RunSummary | None) -> str:
    """That no model was asked, and which one tells labelers apart."""
    told = "These are the labelers' own answers, and no model's."
    if personal is None:
        return f"{told} No finished run of this study tells labelers apart yet."
    return f"{told} Of its runs, {personal.name} tells labelers apart best."


def relevance(
    run: Annotated[Path, typer.Argument(help="The run's folder.")],
    labeler: Annotated[str, typer.Option(help="Whose model.")],
    attribute: Annotated[str, typer.Option(help="An attribute of the run, or any words.")],
    image: Annotated[
        str | None,
        typer.Option(
            "--image",
            "--text",
            help="Of one image: its name in the study, or a file; or of one text: its name.",
        ),
    ] = None,
    over: Annotated[
        str | None,
        typer.Option(
            help="With --image or --text: a second one; the map is of how far the first one's "
            "score lies above this one's."
        ),
    ] = None,
    faces: Annotated[
        int | None,
        typer.Option(
            "--faces",
            "--texts",
            min=2,
            max=5000,
            help="Of so many of the run's faces or texts, held-out ones first.",
        ),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(
            "--figure",
            "--png",
            help="Draw the map and what it is worth to this .svg, .pdf or .png.",
            callback=in_time,
        ),
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            help="occlusion, gradient-attention, legrad, grad-eclip, rollout, attention, "
            "attention:BLOCK or attention:BLOCK:HEAD; of texts occlusion, integrated-gradients or "
            "gradient-input."
        ),
    ] = _KIND,
    against: Annotated[
        str | None,
        typer.Option(help="Whose score or maps to compare with: a labeler, or consensus."),
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(
            help="Of images, with --faces: a folder of PNG masks named after regions, for all, or "
            "of a folder for each region with one for each image."
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(help="Of a text: write its shaded words to this page.", callback=in_time),
    ] = None,
    json: Json = None,
) -> None:
    """Where a labeler's model looks, in one image or over many, or which words of one or many texts
    matter to it, with the maps' own test."""
    from prism_desktop.engine.runs.folder import RunFolder

    opened = RunFolder.open(run)
    if not attribute.strip():
        raise InputError(
            "--attribute wants an attribute of the run, or any words, but it is empty."
        )
    if (image is None) == (faces is None):
        raise InputError(
            "Give --image or --text for a map of one, or --faces or --texts for those of many."
        )
    if over == "":
        raise InputError("--over names no image; give the second one of the pair.")
    if over is not None and image is None:
        raise InputError("--over is of a pair of images; give the first one with --image.")
    if masks is not None and faces is None:
        raise InputError("--masks are of many faces; give --faces too.")
    from prism_desktop.engine.analysis.map_requests import check_map_request

    # before anything that takes seconds to load
    check_map_request(opened, (labeler, attribute, kind, against or ""), (image or "", over or ""))
    if opened.of_texts:
        from prism_desktop.cli.word_maps import WordOrder, word_maps

        if masks is not None:
            raise InputError("--masks are of faces, and this run is of texts.")
        chosen = labeler, attribute, kind, against or ""
        word_maps(opened, WordOrder(chosen, image, over, faces, figure, html, json))
        return
    if html is not None:
        raise InputError("--html shows shaded words, and this run is of images; give --figure.")
    if faces is None:
        whose = labeler, attribute, kind, against or ""
        _one_image(opened.path, (image or "", over or ""), whose, figure, json)
        return
    from prism_desktop.engine.analysis.mean_relevance_rules import MeanRequest

    asked = MeanRequest(labeler, attribute, faces, kind, against or "", masks)
    _many_faces(opened, asked, figure, json)


def _one_image(
    run: Path,
    images: tuple[str, str],
    whose: tuple[str, str, str, str],
    figure: Path | None,
    json: str | None,
) -> None:
    """A map of one image, or of a pair, drawn and told; `whose` is labeler, attribute, kind and
    against."""
    if figure is None and json is None:
        raise InputError("A map of one image is drawn: give --figure FILE, or --json.")
    from prism_desktop.engine.analysis.relevance_rules import explain_run

    labeler, attribute, kind, against = whose
    image, over = images
    result = explain_run(
        run, labeler=labeler, attribute=attribute, image=image, kind=kind, against=against,
        over=over,
    )  # fmt: skip
    pair = " over ".join(Path(each).name for each in images if each)
    what = f"{pair}: {str(result.kind).replace('-', ' ')}"
    who = f"{result.labeler} less {against}" if against else result.labeler
    if figure is not None:
        _draw_relevance(result, f"{who}, {result.attribute}, {what}", figure)
        say(f"Wrote {figure}. {result.verdict()}", json)
        say(result.attention_told(), json)
    write_json(_told(result, kind), json)


def _told(result: "Relevance", kind: str) -> dict[str, object]:
    """A map as plain JSON."""
    told: dict[str, object] = {"kind": kind, "labeler": result.labeler}
    told |= {"attribute": result.attribute, "against": result.against, "score": result.score}
    told |= {"grid": result.grid.tolist(), "supported": result.supported}
    told |= {"other_grid": None if result.other is None else result.other.grid.tolist()}
    told |= {"token_attention": result.tokens_by_block.tolist(), "even": result.seated.even}
    return told | {"verdict": result.verdict()}


def _many_faces(
    run: "RunFolder", asked: "MeanRequest", figure: Path | None, json: str | None
) -> None:
    """The mean map of many faces, what it says of regions, and how it was tested."""
    from prism_desktop.engine.analysis.mean_relevance_rules import mean_relevance
    from prism_desktop.engine.models.obstacles import find_obstacles, refuse
    from prism_desktop.engine.models.predictor import load_predictor, tower_of

    refuse(find_obstacles(run.path).maps)
    tower = tower_of(load_predictor(run.path, "auto"))
    found = follow(mean_relevance(run, tower, asked))
    people = run.people()
    who, other = (people.get(code, code) for code in (asked.labeler, asked.against))
    if figure is not None:
        from prism_desktop.engine.analysis.figures import mean_relevance_figure
        from prism_desktop.engine.analysis.plotting import save_figure

        save_figure(mean_relevance_figure(found, who, other), figure)
        say(f"Wrote {figure}.", json)
    if json != "-":
        say(found.answer(who))
        for told in (found.compared(who, other), *found.doubts(who)):
            if told:
                say(told)
        say_lines(found.table(), wrap=True)
    write_json(found.told(), json)


def _draw_relevance(result: "Relevance", title: str, path: Path) -> None:
    """The figure that the window exports."""
    from prism_desktop.engine.analysis.figures import relevance_figure
    from prism_desktop.engine.analysis.plotting import save_figure

    save_figure(relevance_figure(result, title), path)

"""Commands that show faces or texts as a run's models see them: faces, face, two-labelers."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from pydantic import JsonValue
from rich.table import Table

from prism_desktop.cli.console import Json, follow, in_time, out, say, write_file, write_json
from prism_desktop.engine.analysis.face_ranking import KINDS, NOWHERE, ORDERS, Area, FaceFilter
from prism_desktop.engine.analysis.score_agreement import ScoreCorrelation
from prism_desktop.engine.errors import InputError, PrismError
from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.files import text_file
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import POSTERIOR
from prism_desktop.engine.names import people
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.stimulus_words import FACES
from prism_desktop.engine.study.formula_guard import CsvWriter
from prism_desktop.ui.explore import compared_labelers, face_sheet
from prism_desktop.ui.explore.ranked_faces import (
    CONSENSUS,
    HEAD,
    FaceQuestion,
    answer,
    find_out,
    question_words,
    sheet_of,
    table,
)
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.run_reading import read_rest, read_run, take_rest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SHOWN = 20  # faces that are printed

Run = Annotated[Path, typer.Argument(help="A finished run's folder, STUDY/runs/NAME.")]
Attribute = Annotated[
    str | None, typer.Option(help="An attribute of the run; the first one without it.")
]
Csv = Annotated[
    Path | None, typer.Option(help="Write the table to this CSV file.", callback=in_time)
]
Figure = Annotated[
    Path | None, typer.Option(help="Draw it to this .svg, .pdf or .png file.", callback=in_time)
]


MapArea = Annotated[str, typer.Option(help="Only this area of their map: left,low,right,high.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (faces, face, two_labelers):
        app.command()(command)


def faces(
    run: Run,
    labeler: Annotated[str | None, typer.Option(help="Whose model, by code.")] = None,
    consensus: Annotated[
        bool, typer.Option("--consensus", help="The consensus model in place of a labeler's.")
    ] = False,
    attribute: Attribute = None,
    order: Annotated[str, typer.Option(help=f"{few(list(ORDERS), 9)}.")] = "high",
    show: Annotated[
        str, typer.Option(help=f"Only these: {few([key for key in KINDS if key], 9)}.")
    ] = "",
    search: Annotated[str, typer.Option(help="Only those with this in their name.")] = "",
    fact: Annotated[str, typer.Option(help="Only those of a group, as FACT=VALUE.")] = "",
    disputed: Annotated[
        bool, typer.Option("--disputed", help="Only the tenth in which labelers differ most.")
    ] = False,
    low: Annotated[int, typer.Option("--from", min=0, max=100, help="Least percentile.")] = 0,
    high: Annotated[int, typer.Option("--to", min=0, max=100, help="Greatest percentile.")] = 100,
    area: MapArea = "",
    csv: Csv = None,
    figure: Figure = None,
    json: Json = None,
) -> None:
    """All faces or texts as a labeler's model ranks them: how sure it is, what was answered about
    each, and whether the model learned from any answer about it."""
    if (labeler is None) == (not consensus):
        raise InputError("Say either --labeler CODE or --consensus.")
    for value, known, option in ((order, ORDERS, "--order"), (show, KINDS, "--show")):
        if value not in known:
            offered = few([key for key in known if key], 9)
            raise InputError(f"{option} is one of {offered}, not {value}.")
    opened, data = read(run)
    who = CONSENSUS if labeler is None else labeler
    if labeler is None and data.consensus is None:
        raise InputError(f"The run {opened.name} has no consensus model beside it.")
    check_labeler(data, labeler)
    name, _, value = fact.partition("=")
    if fact and value not in data.facts.get(name, {}).values():
        groups = [
            f"{key}={each}" for key, of in data.facts.items() for each in sorted({*of.values()})
        ]
        told = f"it knows {few(groups, 8)}" if groups else "it knows none"
        raise InputError(data.words.told(f"The run has no group “{fact}” of images; {told}."))
    wanted = FaceFilter(search, show, name, value, disputed, low, high, _area(area, data))
    asked = FaceQuestion(who, chosen_attribute(data, attribute), order, wanted)
    follow(find_out(data, asked, partial(ask, opened)))
    found = answer(data, asked)
    if found.columns.key(order) is None:
        raise InputError(
            f"This run does not know the order {order}: it takes a method that knows how sure it "
            f"is, such as {POSTERIOR}, or more than one labeler."
        )
    body = table(data, asked, found)
    if figure is not None:
        from prism_desktop.engine.analysis.face_figures import draw_faces
        from prism_desktop.ui.explore.operations import thumbnail_paths

        if not body:
            raise InputError(data.words.told("No face is left to be drawn; filter less."))
        draw_faces(figure, sheet_of(data, asked, found, lambda key: thumbnail_paths(data, key)))
        say(f"Wrote {figure}.", json)
    head = data.words.headed(HEAD)
    write_table(csv, head, body, data.words.one, json)
    if csv is None and figure is None and json != "-":
        whose = "the consensus model" if labeler is None else f"{data.names[labeler]}'s model"
        _show_faces(f"{question_words(asked)}, {whose}", body, data.trust(who))
    write_json(records(head, body), json)


def brushed(run: RunFolder, data: RunData, area: str) -> "NDArray[np.bool_] | None":
    """(images,) which faces lie in an area of their map; None where no area was given."""
    wanted = _area(area, data)
    if wanted == NOWHERE:
        return None
    data.plane = follow(ask(run, "plane"))["at"]
    return data.brushed(wanted)


def _area(text: str, data: RunData) -> Area:
    if not text:
        return NOWHERE
    if not data.knows_faces:
        raise InputError("This run keeps no features of its images, so it has no map of them.")
    try:
        left, low, right, high = (float(part) for part in text.split(","))
    except ValueError:
        left = low = right = high = 0.0
    if not (left < right and low < high):
        raise InputError(f"--area wants left,low,right,high such as -1,-1,0.5,1, not {text}.")
    return left, low, right, high


def face(
    run: Run,
    image: Annotated[
        str,
        typer.Option(
            "--image", "--text", help="An image's or a text's name in the run, or its id."
        ),
    ],
    csv: Csv = None,
    figure: Figure = None,
    json: Json = None,
) -> None:
    """One face or text as every labeler's model sees it, against the consensus, with intervals
    where the method knows them, and what was answered about it."""
    opened, data = read(run)
    row = _row(data, image)
    follow(face_sheet.find_strip(data, row, lambda: ask(opened, "strip", image=data.images[row])))
    sheet = face_sheet.sheet_at(data, row)
    body = face_sheet.table(data, row, sheet)
    if figure is not None:
        from prism_desktop.engine.analysis.face_figures import draw_strip

        draw_strip(figure, face_sheet.strip_of(data, row, sheet))
        say(f"Wrote {figure}.", json)
    head = data.words.headed(face_sheet.HEAD)
    write_table(csv, head, body, "prediction", json)
    if csv is None and figure is None and json != "-":
        _show_face(data.image_names[row], body, face_sheet.doubt_of(data))
    write_json(records(head, body), json)


def _row(data: RunData, image: str) -> int:
    """Where an image stands, by id or by name; raises InputError if that is none or several."""
    if image in data.row:
        return data.row[image]
    found = [row for row, name in enumerate(data.image_names) if name == image]
    if not found:
        raise InputError(data.words.told(f"The run has no image called “{image}”."))
    if len(found) > 1:
        ids = few([data.images[row] for row in found])
        told = f"Several images of the run are called “{image}”; give an id: {ids}."
        raise InputError(data.words.told(told))
    return found[0]


def _show_face(name: str, body: Sequence[Sequence[object]], note: str) -> None:
    drawn = Table(box=None, title=name)
    for column in ("attribute", "labeler", "score", "percentile", "consensus", "answers"):
        left = column in ("attribute", "labeler", "answers")
        drawn.add_column(column, justify="left" if left else "right")
    for row in body:
        told = dict(zip(face_sheet.HEAD, row, strict=True))
        drawn.add_row(
            str(told["attribute"]),
            str(told["labeler"]),
            "" if told["score"] == "" else f"{told['score']:+.2f}",
            percent(told["percentile"]) + _between(told),
            percent(told["consensus_percentile"]),
            str(told["answers"]),
        )
    out.print(drawn)
    if note:
        say(note)


def _between(told: Mapping[str, object]) -> str:
    """The interval of a percentile, empty where it is not known."""
    low, high = told["percentile_low"], told["percentile_high"]
    return "" if low == "" else f" [{percent(low)}, {percent(high)}]"


def two_labelers(
    run: Run,
    one: Annotated[str, typer.Option(help="A labeler of the run, by code.")],
    other: Annotated[
        str | None, typer.Option(help="Another one; of --other-run, the same one without it.")
    ] = None,
    consensus: Annotated[
        bool, typer.Option("--consensus", help="The consensus in place of another labeler.")
    ] = False,
    other_run: Annotated[
        Path | None, typer.Option(help="Another run's folder, whose model the second is.")
    ] = None,
    attribute: Attribute = None,
    area: MapArea = "",
    csv: Csv = None,
    figure: Figure = None,
    json: Json = None,
) -> None:
    """Two models, face by face or text by text: two labelers, a labeler and the consensus, or two
    runs of one; their correlation with interval, what and which pairs they dispute most."""
    opened, data = read(run)
    second = None if other_run is None else read(other_run)[1]
    name = chosen_attribute(data, attribute)
    if second is not None:
        chosen_attribute(second, name)
    who = CONSENSUS if consensus else other or (one if other_run is not None else None)
    if who is None or (consensus and other is not None):
        raise InputError("Say whom to compare with: --other CODE, --consensus or --other-run RUN.")
    if who == one and second is None:
        raise InputError(f"{one} would be compared with themselves; name somebody else.")
    check_labeler(data, one)
    check_labeler(second or data, None if consensus else who)
    asked = compared_labelers.PairQuestion(one, who, name, str(other_run or ""))
    found = compared_labelers.compare(data, asked, second, brushed(opened, data, area))
    if not len(found.rows):
        why = "The two have no scored image in common, so there is nothing to compare."
        raise InputError(data.words.told(why))
    head = data.words.headed(compared_labelers.head_of(found))
    body = compared_labelers.table(data, found)
    if figure is not None:
        from prism_desktop.engine.analysis.face_figures import draw_compared

        draw_compared(figure, **compared_labelers.drawn(found, name))
        say(f"Wrote {figure}.", json)
    write_table(csv, head, body, data.words.one, json)
    if csv is None and figure is None and json != "-":
        _show_compared(data, found, name)
    write_json(_compared_json(data, found), json)


def _show_compared(data: RunData, found: compared_labelers.ComparedModels, attribute: str) -> None:
    drawn = Table(box=None, title=f"{attribute}: {found.headline() or 'too few to correlate'}")
    for column in ("most disputed", *found.names):
        drawn.add_column(column, justify="left" if column == "most disputed" else "right")
    for row in map(int, found.disputed[:_SHOWN]):
        drawn.add_row(data.image_names[row], *(f"{100 * each[row]:.0f}" for each in found.shares))
    out.print(drawn)
    for pair in found.pairs[:5]:
        both = " : ".join(data.image_names[row] for row in (pair.first, pair.second))
        told = "; ".join(
            f"{name} {100 * each[pair.first]:.0f} : {100 * each[pair.second]:.0f}"
            for name, each in zip(found.names, found.shares, strict=True)
        )
        say(f"{both}: {told}")
    part = len(found.listed) < len(found.rows)
    alone = f"Listed: {counted(len(found.listed), 'face')} of the area; the rest is of all. "
    told = f"{alone if part else ''}Percentiles among all faces; intervals: 95%, over faces."
    say(data.words.told(told))
    if found.trust():
        say(found.trust())


def _compared_json(data: RunData, found: compared_labelers.ComparedModels) -> dict[str, JsonValue]:
    def told(value: ScoreCorrelation | None) -> JsonValue:
        return None if value is None else [value.value, value.low, value.high]

    stimuli = "faces" if data.words is FACES else "stimuli"
    return {
        "names": list(found.names),
        stimuli: len(found.rows),
        "listed": len(found.listed),
        "r": told(found.linear),
        "rank_correlation": told(found.ranks),
        f"disputed_{stimuli}": [data.images[row] for row in map(int, found.disputed[:_SHOWN])],
        "disputed_pairs": [[data.images[p.first], data.images[p.second]] for p in found.pairs],
    }


def read(run: Path) -> tuple[RunFolder, RunData]:
    """A run and what Explore reads of it."""
    opened = RunFolder.open(run)
    names = people(_labelers(opened))
    data: RunData = follow(read_run(opened.path, names))
    if data.unread:
        take_rest(data, follow(read_rest(data)))
    for told in data.damage:
        say(told)
    if data.damage and data.consensus is None and len(data.labelers) > 1 and not data.is_consensus:
        say("What is called consensus below is the mean of the labelers' places.")
    if data.damage and any(f"{layout.DATA}/" in told for told in data.damage):
        told = "Answers that cannot be read are missing below: faces may have been answered or "
        say(data.words.told(f"{told}learned from that are not called so."))
    return opened, data


def _labelers(run: RunFolder) -> list[tuple[str, str]]:
    """Code and name of each, in the study's order as in the window; of a run that was moved out of
    its study, its own."""
    from prism_desktop.cli.study import open_existing

    try:
        with open_existing(run.study, read_only=True) as study:
            return [(each.code, each.display_name) for each in study.labelers()]
    except PrismError:
        return [(each.code, each.display_name) for each in run.meta().labelers]


def check_labeler(data: RunData, code: str | None) -> None:
    """Raise an InputError of one sentence if the run lacks a labeler."""
    if code is not None and code not in data.labelers:
        raise InputError(f"The run has no labeler “{code}”; it has {few(list(data.labelers), 12)}.")


def chosen_attribute(data: RunData, attribute: str | None) -> str:
    """The attribute that was asked for, else the first; raises InputError if the run lacks it."""
    if attribute is not None and attribute not in data.attributes:
        raise InputError(
            f"The run has no attribute “{attribute}”; it has {few(list(data.attributes), 12)}."
        )
    return data.attributes[0] if attribute is None else attribute


def ask(
    run: RunFolder, what: str, labeler: str = "", attribute: str = "", image: str = ""
) -> Iterator[Event[Any]]:
    """Ask a run's heads about faces, in this process; the last event is Done with the arrays."""
    import numpy as np

    from prism_desktop.engine.adaptation.face_posterior import FacesCache, faces_file
    from prism_desktop.engine.analysis.inference import FacesArguments

    asked = FacesArguments.model_validate(
        {
            "run": run.path, "what": what, "labeler": labeler, "attribute": attribute,
            "image": image,
        }
    )  # fmt: skip
    for event in faces_file(asked, FacesCache()):
        if isinstance(event, Done):
            with np.load(event.value, allow_pickle=False) as stored:
                yield Done({name: stored[name] for name in stored.files})
        else:
            yield event


def write_table(
    csv: Path | None, head: Sequence[str], body: Sequence[Sequence[object]], noun: str,
    json: str | None,
) -> None:  # fmt: skip
    """Write a table as the window exports it."""
    if csv is None:
        return

    def write(beside: Path) -> None:
        with text_file(beside, "utf-8-sig") as file:
            writer = CsvWriter(file)
            for line in (head, *body):
                writer.row(line)

    write_file(csv, write)
    say(f"Wrote {counted(len(body), noun)} to {csv}.", json)


def records(head: Sequence[str], body: Sequence[Sequence[object]]) -> list[dict[str, JsonValue]]:
    """The rows of a table as JSON has them, blanks as null."""
    return [
        {
            name: None if value == "" else cast(JsonValue, value)
            for name, value in zip(head, row, strict=True)
        }
        for row in body
    ]


def _show_faces(title: str, body: Sequence[Sequence[object]], note: str) -> None:
    """Print the first faces, what belongs together in one column."""
    drawn = Table(box=None, title=title)
    for name in ("rank", "name", "score", "percentile", "consensus", "known", "answers"):
        drawn.add_column(name, justify="left" if name in ("name", "known", "answers") else "right")
    for row in body[:_SHOWN]:
        told = dict(zip(HEAD, row, strict=True))
        sure = "" if told["score_sd"] == "" else f" ± {told['score_sd']:.2f}"
        known = "in-sample" if told["in_sample"] else "held out"
        drawn.add_row(
            str(told["rank"]),
            str(told["name"]),
            f"{told['score']:+.2f}{sure}",
            percent(told["percentile"]) + _between(told),
            percent(told["consensus_percentile"]),
            f"answered, {known}" if told["answered"] else known,
            str(told["answers"]),
        )
    out.print(drawn)
    more = len(body) - _SHOWN
    rest = f"And {more:,} more; --csv FILE writes all of them." if more > 0 else ""
    for text in filter(None, (rest, note)):
        say(text)


def percent(share: object) -> str:
    """A share as a percentile; blank where it is not known."""
    return f"{100 * share:.0f}" if isinstance(share, float) else ""

"""The task writing on the command line: `train --task writing`, `compare --task writing`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.progress import BarColumn, Progress
from rich.table import Table

from prism_desktop.cli.console import (
    PlainColumn,
    err,
    follow,
    obey,
    out,
    say,
    write_file,
    write_json,
)
from prism_desktop.cli.followed_comparison import follow_comparison
from prism_desktop.cli.known_names import labelers_named
from prism_desktop.cli.quality_tables import quality_table, quality_tables, write_board
from prism_desktop.cli.training_defaults import named, named_keys, told_unread
from prism_desktop.engine.errors import InputError, RunError
from prism_desktop.engine.events import Done, Notice
from prism_desktop.engine.events import Progress as ProgressEvent
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods.method_roles import ALIASES
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.estimates import TOO_FEW
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import Epoch, Step
from prism_desktop.engine.runs.writing_files import (
    MeanOverPeople,
    WritingGain,
    WritingLeaderboard,
    WritingSummary,
)
from prism_desktop.engine.study.formula_guard import write_frame
from prism_desktop.engine.writing.board_table import read_board
from prism_desktop.engine.writing.board_words import (
    held_out_of,
    improved_told,
    people_of,
    prompts_of,
    quality_remarks,
    run_quality_remarks,
    too_few,
    whose,
)

if TYPE_CHECKING:
    from prism_desktop.engine.processes.jobs import TrainingJobs

_JUDGING = {"labelers": "people"}  # what a setting of both tasks is called in this one


def options_for_writing(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of `train` and `compare` that the task writing has.

    Raises:
        InputError: one was given that means nothing here.
    """
    from prism_desktop.engine.writing.writing_config import WritingConfig

    found = {_JUDGING.get(key, key): one for key, one in given.items() if one is not None}
    for key in found:
        if key not in WritingConfig.model_fields:
            flag = key.replace("_", "-")
            raise InputError(f"--{flag} means nothing in the task writing; leave it out.")
    return found


def list_writing_methods(json: str | None) -> None:
    """Print the methods of the task writing."""
    from prism_desktop.engine.methods.writing_methods import WRITING_METHODS

    rows = [
        {"name": one.name, "title": one.title, "summary": one.summary, "source": one.source,
         "enters": one.entering,
         "aliases": [alias for alias, name in ALIASES.items() if name == one.name]}
        for one in WRITING_METHODS.values()
    ]  # fmt: skip
    write_json({"task": "writing", "methods": rows}, json)
    if json == "-":
        return
    table = Table("method", "what it is", "somebody new", box=None)
    table.columns[0].no_wrap = True
    for one in WRITING_METHODS.values():
        table.add_row(one.name, f"{one.title}. {one.summary}", one.entering)
    out.print(table)
    say_aliases()


def say_aliases() -> None:
    """Say what methods of either task are also called."""
    for alias, name in ALIASES.items():
        say(f"{alias} is another name of {name}.")


def train_writer(
    study: Path,
    method: str | None,
    given: Mapping[str, Any],
    settings: Sequence[str],
    json: str | None,
) -> None:
    """Train one method of the task writing, and print its results."""
    from prism_desktop.engine.methods.writing_methods import UNIFIED
    from prism_desktop.engine.writing.run_making import begin_writing
    from prism_desktop.engine.writing.writing_config import WritingConfig

    chosen = method or named(settings, "method") or UNIFIED
    options = options_for_writing(given)
    config = WritingConfig.of(chosen, options, settings)
    if idle := unread_of_writing(config.method, config.members, (*options, *named_keys(settings))):
        err.print(idle, soft_wrap=True)
    _show(begin_writing(study, config), json)


def unread_of_writing(method: str, members: Sequence[str] | None, keys: Iterable[str]) -> str:
    """Which settings that were given change nothing for a method, or what it combines, in a
    sentence; empty if none."""
    from prism_desktop.engine.methods.writing_methods import members_of, writing_method

    one = writing_method(method)
    heeding = [one, *map(writing_method, members_of(method, members) if one.combines else ())]
    return told_unread(
        [key for key in dict.fromkeys(keys) if not any(each.reads(key) for each in heeding)], method
    )


def resume_writer(run: Path, json: str | None) -> bool:
    """Go on with a run if it is one of the task writing; False if it is another."""
    from prism_desktop.engine.writing.writing_config import is_writing_run

    if not is_writing_run(run):
        return False
    _show(RunFolder.open(run), json)
    return True


def answer_as_people(
    run: Path,
    prompt: str | None,
    people: str | None,
    csv: Path | None,
    drawing: Mapping[str, Any],
    others: Mapping[str, Any],
) -> bool:
    """Print what a model of the task writing answers, or write it to a file, marked as generated.

    Returns:
        False if the run is of another task, and no prompt was given.

    Raises:
        InputError: options do not fit the run's task.
    """
    from prism_desktop.engine.runs.decoding import Decoding
    from prism_desktop.engine.writing.writing_config import is_writing_run

    drawn = {key: one for key, one in drawing.items() if one is not None}
    if not is_writing_run(run):
        if meant := ["prompt"] if prompt is not None else list(drawn):
            RunFolder.open(run).config()  # a run that is gone or damaged is told as that
            flag = meant[0].replace("_", "-")
            raise InputError(f"--{flag} is for runs of the task writing, and {run} is none.")
        return False
    for flag, given in others.items():
        if given is not None:
            raise InputError(f"--{flag} means nothing in the task writing; leave it out.")
    if prompt is None:
        raise InputError("This run writes: say with --prompt what it is to answer.")
    from prism_desktop.engine.writing.answering import answers

    how = Decoding.checked(drawn)
    named = labelers_named(people, run)
    found = follow(answers(RunFolder.open(run), prompt, named, how))
    if csv is None:
        for one in found:
            say(f"{one.person}: {one.marked}")
        return True
    import pandas as pd

    rows = [
        (one.person, one.prompt, one.text, f"generated by {one.method}", how.words) for one in found
    ]
    frame = pd.DataFrame(rows, columns=["person", "prompt", "text", "origin", "decoding"])
    write_file(csv, lambda path: write_frame(frame, path))
    say(f"Wrote {counted(len(found), 'generated text')} to {csv}.")
    return True


def _show(run: RunFolder, json: str | None) -> None:
    summary = _followed(run)
    write_json({**summary.dump(), "names": {}}, json)
    if json == "-":
        return
    if summary.test.few:
        say(_few(summary.test))
    out.print(_result_table(summary))
    if summary.entered and summary.entered[0].score.few:
        say(f"Held-out people: {_few(summary.entered[0].score)}")
    for table in quality_table(summary):
        out.print(table)
    for remark in (*_remarks(summary), *run_quality_remarks(summary)):
        say(remark)
    say(f"{run.path / layout.WRITTEN} has all of it.")


def _followed(run: RunFolder) -> WritingSummary:
    """Show a training until it ends; returns its results."""
    from prism_desktop.engine.writing.writing_session import train_writing

    columns = (PlainColumn(), BarColumn(), PlainColumn("state"))
    with (
        Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar,
        closing(train_writing(run)) as events,
    ):
        task = bar.add_task("Preparing", total=None, state="")
        for event in events:
            obey()
            match event:
                case Done():
                    return event.value
                case ProgressEvent():
                    bar.update(task, description=event.what, completed=event.done,
                               total=event.total)  # fmt: skip
                case Step():
                    left = "" if event.eta_seconds is None else f"{event.eta_seconds:.0f} s left"
                    bar.update(task, description="Training", state=f"loss {event.loss:.3f}  {left}")
                case Epoch():
                    best = "  best so far" if event.best else ""
                    bar.console.print(
                        f"epoch {event.epoch:>2}  train {event.train['loss']:.3f}  validation "
                        f"{event.val['nll']:.3f} nats per token{best}"
                    )
                case Notice():
                    err.print(event.text, soft_wrap=True)
    raise RunError("The training ended without results.")


def compare_writers(
    study: Path,
    methods: Sequence[str],
    given: Mapping[str, Any],
    settings: Sequence[str],
    name: str,
    json: str | None,
    csv: Path | None,
    jobs: "TrainingJobs | None" = None,
) -> None:
    """Compare methods of the task writing, and print their leaderboard; `jobs` train, if given."""
    from prism_desktop.engine.experiments.writing_comparison import compare_writing
    from prism_desktop.engine.writing.writing_plan import WritingPlan

    plan = WritingPlan(study, methods, options_for_writing(given), tuple(settings), name)
    path = follow_comparison(compare_writing(plan, jobs), jobs)
    board = read_board(path)
    if board is None:
        raise RunError(f"The comparison {path} has no leaderboard.")
    write_json(board.dump(), json)
    if csv is not None:
        write_file(csv, lambda beside: write_board(beside, board))
    if json == "-":
        return
    if board.few:
        say(too_few(board))
    for table in (*_tables(board), *quality_tables(board)):
        out.print(table)
    for one in board.failed:
        say(f"{one.method} failed: {one.message}")
    for told in (*_about(board), *quality_remarks(board)):
        say(told)


def _result_table(summary: WritingSummary) -> Table:
    table = _table(f"{summary.study}: nats per own token of {summary.method}", _COLUMNS)
    prompts = summary.test.prompts
    tested = counted(prompts, "held-out prompt") if prompts else "held-out prompts"
    table.add_row(tested, *_cells(summary.test))
    for one in summary.entered:
        table.add_row(f"held-out people, {counted(one.examples, 'text')}", *_cells(one.score))
    if summary.swapped is not None:
        table.add_row("people exchanged", *_cells(summary.swapped))
    return table


_COLUMNS = ("tested on", "NLL", "over people", "over both", "perplexity")


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(box=None, title=title)
    for column in columns:
        side: Literal["left", "right"] = "left" if column == columns[0] else "right"
        table.add_column(column, justify=side, no_wrap=column == columns[0])
    return table


def _cells(nats: MeanOverPeople) -> tuple[str, ...]:
    """The value, both intervals and the perplexity."""
    if nats.value is None:
        return "-", "-", "-", "-"
    return (
        f"{nats.value:.3f}",
        _interval(nats.low, nats.high),
        _interval(nats.both_low, nats.both_high),
        f"{nats.perplexity:.2f}",
    )  # fmt: skip


def _few(nats: MeanOverPeople) -> str:
    """What stands before a table that rests on few people or prompts."""
    return f"{TOO_FEW.capitalize()}: the numbers rest on {nats.rest()}."


def _interval(low: float | None, high: float | None, sign: str = "") -> str:
    return "-" if low is None or high is None else f"[{low:{sign}.3f}, {high:{sign}.3f}]"


def _gain(gain: WritingGain | None) -> str:
    if gain is None or gain.mean.value is None:
        return "-"
    return f"{gain.mean.value:+.3f} " + _interval(gain.mean.both_low, gain.mean.both_high, "+")


def _p(gain: WritingGain | None) -> str:
    if gain is None or gain.mean.p is None:
        return "-"
    return "< 0.001" if gain.mean.p < 0.001 else f"{gain.mean.p:.3f}"


def _tables(board: WritingLeaderboard) -> Iterator[Table]:
    title = f"{board.study}: nats per own token, {people_of(board)}, {prompts_of(board)}"
    table = _table(title, ("method", "NLL", "over people", "perplexity", "exchanged", "p", "gate"))
    for row in board.methods:
        value, people, _, perplexity = _cells(row.summary.test)
        swapped = row.summary.swapped
        gate = "-" if row.verdict is None else "passes" if row.verdict.passed else "no"
        told = "-" if swapped is None or swapped.value is None else f"{swapped.value:.3f}"
        table.add_row(row.method, value, people, perplexity, told, _p(row.over_exchanged), gate)
    yield table
    for over, head in (("over_unified", "unified"), ("over_retrieval", board.retrieval)):
        yield _gain_table(board, over, head)
    if not board.held_out:
        return
    entered = ("method", "0 texts", "5", "10", "30")
    of = "simulated " if board.simulated else ""
    who = counted(board.held_out, f"held-out {of}person", f"held-out {of}people")
    table = _table(f"{who}, entered with at most", entered)
    for row in board.methods:
        known = {one.examples: one.score.value for one in row.summary.entered}
        scores = [
            "-" if known.get(count) is None else f"{known[count]:.3f}" for count in (0, 5, 10, 30)
        ]
        table.add_row(row.method, *scores)
    yield table
    if any(one.over_unified for row in board.methods for one in row.entered):
        yield _entered_gains(board, entered)


def _entered_gains(board: WritingLeaderboard, head: Sequence[str]) -> Table:
    """What every method saves of held-out people's texts against the unified model."""
    table = _table("Their gain over unified; * p below 0.05 after Holm", head)
    for row in board.methods:
        known = {one.examples: one.over_unified for one in row.entered}
        gains = [known.get(count) for count in (0, 5, 10, 30)]
        told = [
            "-" if one is None or one.mean.value is None
            else f"{one.mean.value:+.3f}{'*' * (one.mean.p is not None and one.mean.p < 0.05)}"
            for one in gains
        ]  # fmt: skip
        if any(cell != "-" for cell in told):
            table.add_row(row.method, *told)
    return table


def _gain_table(board: WritingLeaderboard, over: str, head: str) -> Table:
    """What every method saves against a reference."""
    table = _table("", ("method", f"gain over {head}", "p (Holm)", "improved", "worst", "lose"))
    for row in board.methods:
        one: WritingGain | None = getattr(row, over)
        if one is None or one.worst_gain is None:
            continue
        worst = f"{one.worst_gain.value:+.3f}"  # whose is in the exported leaderboard
        lost = f"{len(one.let_down):,}/{one.several:,}" if one.several else "-"
        table.add_row(row.method, _gain(one), _p(one), improved_told(one), worst, lost)
    return table


def _about(board: WritingLeaderboard) -> Iterator[str]:
    yield (
        "NLL is the mean over people of nats per own token of their texts; intervals of gains are "
        "over people and prompts, of shares that improve over people. A gain above 0 "
        "is better. Exchanged: each person's texts by another person's numbers, p that both are as "
        "good; lose: beyond noise, of those who answered several prompts. All p after Holm."
    )
    if any(row.summary.entered and row.summary.entered[0].score.few for row in board.methods):
        yield f"Held-out people: {TOO_FEW}."
    if told := held_out_of(board):
        yield told
    yield from whose(board)


def _remarks(summary: WritingSummary) -> Iterator[str]:
    from prism_desktop.engine.methods.writing_methods import writing_title

    yield from summary.notices
    if summary.gain is not None and summary.gain.mean.value is not None:
        one = summary.gain
        over = writing_title(one.over)
        yield (
            f"Gain over {over}: {_gain(one)} nats per token over people and prompts. "
            f"People who gain: {improved_told(one)}."
        )
    if summary.cut:
        yield (
            f"{counted(summary.cut, 'tested text')} longer than what the model reads; the rest was "
            "not foretold."
        )
    if summary.simulated:
        yield "These people are simulated."

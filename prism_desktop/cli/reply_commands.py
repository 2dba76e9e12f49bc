"""`prism-desktop rank-replies`: whose generated replies people prefer, blind."""

from pathlib import Path
from typing import Annotated

import typer

from prism_desktop.cli.console import Json, say, write_json
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.runs.estimates import TOO_FEW
from prism_desktop.engine.runs.writing_files import ReplyPreference


def register(commands: typer.Typer) -> None:
    """Add this module's command."""
    commands.command("rank-replies")(rank_replies)


def rank_replies(
    study: Annotated[Path, typer.Argument(help="The study of pairs; with --of it is made.")],
    of: Annotated[
        Path | None, typer.Option(help="Make it: of the replies of this run, of the task writing,")
    ] = None,
    against: Annotated[Path | None, typer.Option(help="and of this one's.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of which reply is called which.")] = 0,
    json: Json = None,
) -> None:
    """Whose generated replies do people prefer, blind? With --of and --against a study of
    their pairs is made for Label, without them its answers are told."""
    if of is not None or against is not None:
        _make(study, of, against, seed)
        return
    from prism_desktop.engine.writing.reply_ranking import read_ranking

    ranking = read_ranking(study)
    write_json(ranking.dump(), json)
    if json == "-":
        return
    for one in ranking.found:
        for told in _words(one):
            say(told)


def _make(study: Path, of: Path | None, against: Path | None, seed: int) -> None:
    from prism_desktop.engine.runs.folder import RunFolder
    from prism_desktop.engine.writing.reply_ranking import make_ranking, told_ranking

    if of is None or against is None:
        raise InputError("Name two runs, whose replies are compared: --of RUN --against RUN.")
    first, second = RunFolder.open(of), RunFolder.open(against)
    for told in told_ranking(make_ranking(first, second, study, seed)):
        say(told)
    say(
        "Open it in the window and label comparisons; then call rank-replies again without --of. "
        "Labelers are told that replies are generated, never by what."
    )


def _words(one: ReplyPreference) -> list[str]:
    """A preference in sentences, what cannot be told first."""
    share = one.share
    who = "simulated labeler" if one.simulated else "labeler"
    told = []
    if share.few:
        told.append(f"{TOO_FEW.capitalize()}: {share.rest(who)}.")
    bounds = _interval(share.both_low, share.both_high)
    over = f" {bounds} over labelers and prompts" if bounds else ""
    told.append(
        f"{one.first} is preferred to {one.second} in {share.value or 0.0:.1%}{over}, ties "
        f"half: {counted(share.texts, 'answer')} of {counted(share.people, who)}, "
        f"{counted(one.ties, 'tie')}; {one.judged:,} of {counted(one.pairs, 'pair')} "
        f"{word_for(one.judged, 'was', 'were')} judged."
    )
    told += [
        f"{code}: {person.value:.1%} {_interval(person.low, person.high)} of "
        f"{counted(person.texts, 'answer')}".replace("  ", " ")
        for code, person in one.per_labeler.items()
    ]
    if one.same:
        told.append(
            f"{counted(one.same, 'more pair')} had the same words and "
            f"{word_for(one.same, 'was', 'were')} shown to nobody."
        )
    return told


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    return f"[{max(0.0, low):.1%}, {min(1.0, high):.1%}]"

"""`prism-desktop rank-replies`: whose generated replies people prefer, blind."""

from pathlib import Path
from typing import Annotated

import typer

from prism_desktop.cli.console import Json, say, write_json
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.writing.reply_words import BLIND, told_preference, told_ranking


def register(commands: typer.Typer) -> None:
    """Add this module's command."""
    commands.command("rank-replies")(rank_replies)


def rank_replies(
    study: Annotated[Path, typer.Argument(help="The study of pairs; with --of it is made.")],
    of: Annotated[
        Path | None, typer.Option(help="Make it: of the replies of this run, of the task writing,")
    ] = None,
    against: Annotated[Path | None, typer.Option(help="and of this one's.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="With --of: of which reply is called which; 0.")
    ] = None,
    json: Json = None,
) -> None:
    """Whose generated replies do people prefer, blind? With --of and --against a study of
    their pairs is made for Label, without them its answers are told."""
    if of is not None or against is not None:
        if json is not None:
            raise InputError(
                "--json tells what people preferred, of which nothing is known while the study is "
                "made; call rank-replies again without --of once they have labeled."
            )
        _make(study, of, against, seed or 0)
        return
    if seed is not None:
        raise InputError("--seed says which reply is called which; give it with --of, or not.")
    from prism_desktop.engine.writing.reply_ranking import read_ranking

    ranking = read_ranking(study)
    write_json(ranking.dump(), json)
    if json == "-":
        return
    for one in ranking.found:
        for told in told_preference(one):
            say(told)


def _make(study: Path, of: Path | None, against: Path | None, seed: int) -> None:
    from prism_desktop.engine.runs.folder import RunFolder
    from prism_desktop.engine.writing.reply_ranking import make_ranking

    if of is None or against is None:
        raise InputError("Name two runs, whose replies are compared: --of RUN --against RUN.")
    first, second = RunFolder.open(of), RunFolder.open(against)
    for told in told_ranking(make_ranking(first, second, study, seed)):
        say(told)
    say(
        "Open it in the window and label comparisons; then call rank-replies again without --of. "
        f"{BLIND}"
    )

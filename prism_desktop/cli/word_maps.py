"""The command `relevance` where a study holds texts: which words matter to a labeler's model."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prism_desktop.cli.console import follow, say, say_lines, write_file, write_json
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.files import put_text
from prism_desktop.engine.grammar import counted

if TYPE_CHECKING:
    from prism_desktop.engine.analysis.word_relevance import WordRelevance
    from prism_desktop.engine.runs.folder import RunFolder

_LISTED = 15  # words of a text that are printed


@dataclass(frozen=True, slots=True)
class WordOrder:
    """What is asked for, and where it goes."""

    whose: tuple[str, str, str, str]  # labeler, attribute, kind, against
    text: str | None
    over: str | None
    many: int | None  # texts; None: of the one
    figure: Path | None
    html: Path | None
    json: str | None


def word_maps(run: "RunFolder", asked: WordOrder) -> None:
    """One text or a pair, or many texts.

    Raises:
        InputError: the request does not fit, or the run reads no texts.
    """
    if asked.many is not None:
        if asked.html is not None:
            raise InputError("--html is of one text; give --text, or --figure for many.")
        _many(run, asked)
        return
    from prism_desktop.engine.analysis.word_relevance_rules import explain_text_run

    found = explain_text_run(run.path, asked.text or "", asked.whose, asked.over or "")
    labeler, attribute, kind, against = asked.whose
    who = run.people().get(labeler, labeler) + (f" less {against}" if against else "")
    names = found.name if found.other is None else f"{found.name} over {found.other.name}"
    title = f"{who}, {attribute}, {names}: {kind.replace('-', ' ')}"
    if asked.figure is not None:
        from prism_desktop.engine.analysis.plotting import save_figure
        from prism_desktop.engine.analysis.word_figures import word_figure

        save_figure(word_figure(found, title), asked.figure)
        say(f"Wrote {asked.figure}.", asked.json)
    if asked.html is not None:
        from prism_desktop.engine.analysis.word_figures import word_page

        page = word_page(found, title)
        write_file(asked.html, lambda file: put_text(file, page))
        say(f"Wrote {asked.html}.", asked.json)
    if asked.json != "-":
        say(title)
        for each in (found, found.other):
            if each is not None:
                _table(each)
        say(found.verdict())
        say(found.limits())
    write_json(found.told(), asked.json)


def _table(found: "WordRelevance") -> None:
    """The most relevant words, for and against."""
    ranked = found.ranked()
    shown = ranked if len(ranked) <= _LISTED else [*ranked[: _LISTED - 5], *ranked[-5:]]
    left = len(ranked) - len(shown)
    width = max([len(word.text) for word, _ in shown] + [4])
    lines = [f"{'word':<{width}}  relevance"]
    lines += [f"{word.text:<{width}}  {each:>+9.3f}" for word, each in shown]
    say_lines("\n".join(lines), wrap=True)
    if left:
        say(f"{counted(left, 'word')} between these are in --json.")


def _many(run: "RunFolder", asked: WordOrder) -> None:
    from prism_desktop.engine.analysis.mean_word_relevance_rules import (
        MeanWordRequest,
        mean_word_relevance,
    )
    from prism_desktop.engine.analysis.target_reading import TextModel
    from prism_desktop.engine.models.obstacles import find_obstacles, refuse
    from prism_desktop.engine.models.predictor import load_predictor

    refuse(find_obstacles(run.path).maps)
    labeler, attribute, kind, against = asked.whose
    model = TextModel.of(load_predictor(run.path, "auto"))
    wanted = MeanWordRequest(labeler, attribute, asked.many or 2, kind, against)
    found = follow(mean_word_relevance(run, model, wanted))
    who = run.people().get(labeler, labeler)
    if asked.figure is not None:
        from prism_desktop.engine.analysis.plotting import save_figure
        from prism_desktop.engine.analysis.word_figures import mean_word_figure

        save_figure(mean_word_figure(found, who), asked.figure)
        say(f"Wrote {asked.figure}.", asked.json)
    if asked.json != "-":
        for told in (found.answer(who), *found.doubts(who)):
            say(told)
        if found.predicts is False:
            say(f"Of the model alone, not of {who}:")
        say_lines(found.table(), wrap=True)
    write_json(found.told(), asked.json)

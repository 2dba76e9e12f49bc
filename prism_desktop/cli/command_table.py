"""Which module has which command: only the module of the command that is asked for is imported.

The list of commands, as `--help` prints it, stands here in short, so that nothing else is imported
for it. A test holds both to the modules.
"""

import importlib
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from prism_desktop.cli.single_options import refuse_second_values


class Listed(NamedTuple):
    """A command in the list of commands."""

    modules: tuple[str, ...]  # of this package; each adds its commands in its `register`
    summary: str  # how its help begins


def _of(module: str, **summaries: str) -> dict[str, Listed]:
    return {name.replace("_", "-"): Listed((module,), told) for name, told in summaries.items()}


# In the order in which they are listed.
COMMANDS: Final[Mapping[str, Listed]] = {
    **_of(
        "open_window",
        open="Open the window, on a study if one is given.",
        screenshot="Draw every panel offscreen into PNG files.",
    ),
    **_of("demo", demo="Make the demo study: faces or texts, with simulated labelers."),
    **_of(
        "training",
        train="Train a personalised model on a study, then test it once.",
        resume="Go on with a run that was interrupted, from its last good checkpoint.",
        evaluate="A finished run's test results, computed again from its predictions.",
        predict="Predicted scores for every image or text.",
        report="Make a bundle about a failed training to give away.",
    ),
    **_of(
        "experiments",
        methods="List the methods.",
        compare="Train several methods on a study, use finished runs again, "
        "and rank what they gain over consensus.",
        search="Search a method's settings by its validation answers.",
    ),
    **_of(
        "adaptation",
        adapt="Let a new labeler enter a finished run without training it again.",
        shots="K-shot curves: accuracy on new faces or texts of labelers whom training never saw.",
        curve="Learning curve: accuracy against the number of answers given.",
    ),
    **_of(
        "analysis",
        agreement="How often labelers agree on the comparisons they share.",
        relevance="Where a labeler's model looks, in one image or over many, or which words of one "
        "or many texts matter to it.",
    ),
    **_of(
        "similar_labelers",
        similarity="How similar labelers' vectors are.",
    ),
    **_of(
        "face_commands",
        faces="All faces or texts as a labeler's model ranks them.",
        face="One face or text as every labeler's model sees it, against the consensus.",
        two_labelers="Two models, face by face or text by text.",
    ),
    **_of("publishing", figure="Draw a figure for a paper, with a drafted caption beside it."),
    **_of("label_quality", quality="Are the labels good?"),
    **_of("worth", worth="Would it pay to label more?"),
    **_of("sample_size", plan="How many labelers, trials, repeats and stimuli are enough?"),
    **_of(
        "taste",
        profile="What of the pictures or texts goes with each labeler's choices.",
        axis="Faces or texts from least to most by a labeler's model.",
    ),
    **_of("words", words="Rank faces or texts by words that nobody labeled."),
    **_of("doctor", doctor="Versions of everything, the torch build, the GPU seen."),
    # what makes a study's report stands beside what draws its figures
    "study": Listed(("study", "publishing"), "Make, fill, look at, check and export a study."),
    **_of("run_names", runs="List, name and annotate the runs of a study."),
    **_of("reply_commands", rank_replies="Whose generated replies do people prefer, blind?"),
    **_of("lamp_commands", lamp="The LaMP benchmark: questions in, answers out."),
    **_of("protocol_commands", protocol="How a study is labeled: write, rehearse, follow."),
}


class _OnDemand(MutableMapping[str, Any]):
    """The commands by name; each is made when it is asked for."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            app = typer.Typer()
            for module in COMMANDS[name].modules:
                importlib.import_module(f"{__package__}.{module}").register(app)
            group = get_group(app)
            refuse_second_values(group)
            self._made |= group.commands
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._made[name]


class CommandsOnDemand(TyperGroup):
    """The group of all commands, which imports those that are asked for."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _OnDemand()

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, with the commands as they are listed."""
        listed = TyperGroup(
            name=self.name,
            help=self.help,
            params=self.params,
            rich_markup_mode=self.rich_markup_mode,
            commands={
                name: TyperCommand(name, help=each.summary) for name, each in COMMANDS.items()
            },
        )
        listed.format_help(ctx, formatter)

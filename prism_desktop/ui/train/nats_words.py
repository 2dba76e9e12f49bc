"""What a run that writes has found, in words and numbers for its monitor."""

from collections.abc import Mapping
from dataclasses import dataclass

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods.writing_methods import WRITING_METHODS, writing_title
from prism_desktop.engine.runs.estimates import TOO_FEW
from prism_desktop.engine.runs.writing_files import MeanOverPeople
from prism_desktop.engine.writing.board_words import held_out_texts, improved_told
from prism_desktop.ui.train.operations import RunRow
from prism_desktop.ui.train.run_progress import RunProgress


@dataclass(frozen=True, slots=True)
class NatsTile:
    """A number in place of an accuracy."""

    caption: str
    text: str
    few: bool = False


def nats_of(row: RunRow, progress: RunProgress) -> Mapping[str, NatsTile]:
    """What stands in place of the accuracies, by their tiles."""
    nll = progress.val_loss.last
    if not row.live and progress.best_epoch is not None:
        nll = progress.val_loss.at(progress.best_epoch)
    test = MeanOverPeople() if row.written is None else row.written.test
    return {
        "Validation accuracy": NatsTile("Validation NLL", _number(nll)),
        "Test accuracy": NatsTile("Test NLL", _number(test.value), test.few),
    }


def _number(nats: float | None) -> str:
    return "–" if nats is None else f"{nats:.3f}"


def nats_told(row: RunRow) -> str:
    """What the tests of a run that writes say, in sentences; what cannot be told first."""
    found = row.written
    if found is None or found.test.value is None:
        return ""
    test, said = found.test, []
    if test.few:
        said.append(f"{TOO_FEW.capitalize()}: this rests on {test.rest()}.")
    said.append(
        f"{_prompts(test)}: {test.value:.3f} nats per own token{_between(test)}, perplexity "
        f"{test.perplexity:.2f}."
    )
    if found.gain is not None and found.gain.mean.value is not None:
        one = found.gain
        over = writing_title(one.over)
        said.append(
            f"Gain over {over}: {one.mean.value:+.3f}{_between(one.mean)}. "
            f"People who gain: {improved_told(one)}."
        )
    late = [one for one in found.entered if one.score.value is not None]
    if late:
        told = ", ".join(f"{one.score.value:.3f} with {one.examples}" for one in late)
        first = f"{TOO_FEW}, " if late[0].score.few else ""
        said.append(f"Held-out people, by how many of their texts are known: {first}{told}.")
        said.append(held_out_texts(found.held_out_texts, late[-1].examples))
    writer = WRITING_METHODS.get(row.run.method)
    if writer is not None and not writer.trained:
        said.append("Nothing is trained, so there are no curves.")
    if found.simulated:
        said.append("These people are simulated.")
    return " ".join(filter(None, said))


def interval_told(nats: MeanOverPeople) -> str:
    """The interval over people and prompts; empty without one."""
    low, high = nats.both_low, nats.both_high
    return "" if low is None or high is None else f"[{low:.3f}, {high:.3f}]"


def _prompts(test: MeanOverPeople) -> str:
    return counted(test.prompts, "held-out prompt") if test.prompts else "Held-out prompts"


def _between(nats: MeanOverPeople) -> str:
    told = interval_told(nats)
    return f" {told}" if told else ""

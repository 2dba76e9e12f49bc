"""The answers that are looked at where labels are judged: of people alone, where there are some."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from prism_desktop.engine.evaluation.quality.answer_table import with_times
from prism_desktop.engine.evaluation.quality.labeler_measures import Checks
from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.labeling.attention_checks import attention
from prism_desktop.engine.study.records import LabelerRecord
from prism_desktop.engine.study.set_aside import told_aside
from prism_desktop.engine.study.study_reader import StudyReader


@dataclass(frozen=True, slots=True, eq=False)
class AnswersLookedAt:
    """Frames as `Study.comparisons()` and `Study.ratings()`, with times, and what is not in them.

    Attributes:
        programs: codes of simulated labelers whose answers were left out.
        left_out: sentences on what the study itself leaves out; empty where it is nothing.
        checks: labeler -> their attention checks, which are in neither frame.
    """

    compared: pd.DataFrame
    rated: pd.DataFrame
    programs: frozenset[str]
    left_out: str
    checks: Mapping[str, Checks]


def answers_looked_at(study: StudyReader, attributes: Collection[str]) -> AnswersLookedAt:
    """The answers about some attributes.

    What programs answered is never mixed with what people did: simulated labelers are left out
    where people answered too.
    """
    trials = study.trials()
    compared, rated = (
        with_times(frame[frame["attribute"].isin(attributes)], trials)
        for frame in (study.comparisons(), study.ratings())
    )
    programs = programs_beside_people(study.labelers(), (compared, rated))
    kept = [
        frame[~frame["labeler"].astype(str).isin(programs)].reset_index(drop=True)
        for frame in (compared, rated)
    ]
    told = told_aside(study.set_aside())
    if programs:
        count = len(programs)
        told = (
            f"{told} {counted(count, 'simulated labeler')} {word_for(count, 'was', 'were')} left "
            "out, since people answered too."
        ).strip()
    checks = {
        each.labeler: Checks(each.checks, each.checks - each.checks_right)
        for each in attention(study, trials)
        if each.checks and each.labeler not in programs
    }
    return AnswersLookedAt(kept[0], kept[1], programs, told, checks)


def programs_beside_people(
    labelers: Iterable[LabelerRecord], frames: Iterable[pd.DataFrame]
) -> frozenset[str]:
    """Codes of the simulated labelers, where people answered too; else nobody."""
    programs = {each.code for each in labelers if each.simulated}
    answered = {str(code) for frame in frames for code in frame["labeler"].unique()}
    return frozenset(programs & answered) if answered - programs else frozenset()

"""Faces known by the answers of careful labelers alone, for attention checks."""

from prism_desktop.engine.evaluation.quality.answer_table import answer_table
from prism_desktop.engine.evaluation.quality.answers_looked_at import (
    AnswersLookedAt,
    answers_looked_at,
)
from prism_desktop.engine.evaluation.quality.labeler_flags import care_of
from prism_desktop.engine.evaluation.quality.labeler_measures import NO_CHECKS
from prism_desktop.engine.labeling.exclusion_rules import USUAL, ExclusionRules
from prism_desktop.engine.labeling.known_faces import with_known
from prism_desktop.engine.labeling.protocol import Protocol
from prism_desktop.engine.study.study_reader import StudyReader


def with_careful_faces(protocol: Protocol, study: StudyReader) -> Protocol:
    """A protocol with the faces that it needs, see `with_known`; whom the usual exclusion rules
    leave out says nothing of them."""
    confirmed = [each.name for each in study.attributes() if each.confirmed]
    return with_known(
        protocol, study, lambda: careless_labelers(answers_looked_at(study, confirmed))
    )


def careless_labelers(given: AnswersLookedAt, rules: ExclusionRules = USUAL) -> frozenset[str]:
    """Codes of the labelers whom exclusion rules leave out, by their own answers and checks."""
    table = answer_table(given.compared, given.rated)
    found = set()
    for code, rows in table.groupby("labeler", sort=True):
        mine = rows.reset_index(drop=True)
        care = care_of(mine, rules, given.checks.get(str(code), NO_CHECKS))
        if any(flag.reason in rules.leave_out for flag in care.flags):
            found.add(str(code))
    return frozenset(found)

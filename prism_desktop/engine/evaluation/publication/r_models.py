"""A script for R: the answers read as what they are, and models that fit them."""

from typing import Final

from prism_desktop.engine.stimulus_words import FACES, StimulusWords

_READ: Final = """# Answers of a PRISM Desktop study, and models for them. One row is one answer;
# README.md explains the columns.
answers <- read.csv("answers.csv", na.strings = "", stringsAsFactors = TRUE)
answers$left_chosen <- as.numeric(as.character(answers$left_chosen))
kept <- subset(answers, is.na(left_out))                # what the exclusion rules keep
ratings <- subset(kept, kind == "rating")
comparisons <- subset(kept, kind == "comparison")
"""
_RATINGS: Final = """
# Ratings: faces, labelers and their meeting cross. (1 | labeler:face) is private taste; it can be
# told from noise only where labelers rated faces twice, so leave it out where they did not.
library(lme4)
r_linear <- lmer(rating ~ 1 + (1 | face) + (1 | labeler) + (1 | labeler:face),
                 data = ratings, subset = attribute == ATTRIBUTE)
library(ordinal)
r_ordinal <- clmm(factor(rating, ordered = TRUE) ~ 1 + (1 | face) + (1 | labeler),
                  data = ratings, subset = attribute == ATTRIBUTE)
"""
_COMPARISONS: Final = """
# Comparisons without ties. The intercept is the habit of choosing the left; lme4 has no term for
# the difference of two faces, so their places come from a Bradley-Terry model.
c_side <- glmer(left_chosen ~ 1 + (1 | labeler), family = binomial,
                data = comparisons, subset = attribute == ATTRIBUTE & !is.na(left_chosen))
library(BradleyTerry2)
decided <- droplevels(subset(comparisons, attribute == ATTRIBUTE & !is.na(left_chosen)))
faces <- sort(union(levels(decided$left), levels(decided$right)))
decided$left <- factor(decided$left, faces)
decided$right <- factor(decided$right, faces)
c_places <- BTm(cbind(left_chosen, 1 - left_chosen), left, right, data = decided)
"""


def r_script(first: str, kinds: frozenset[str], words: StimulusWords) -> str:
    """The script.

    Args:
        first: the attribute that it begins with, as the table of answers has it.
        kinds: of answers that there are: "rating", "comparison".
        words: of the study, for the stimuli that the table of answers names.
    """
    named = first.replace("\\", "\\\\").replace('"', '\\"')
    models = _RATINGS if "rating" in kinds else ""
    models += _COMPARISONS if "comparison" in kinds else ""
    if words is not FACES:
        models = models.replace("faces", "stimuli").replace("face", "stimulus")
    return f'{_READ}ATTRIBUTE <- "{named}"\n{models}'

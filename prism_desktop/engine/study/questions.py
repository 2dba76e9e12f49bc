"""How an attribute is asked for: one wording where faces or texts are rated, one for two compared.

Both stand in the attribute's one text, with a bar between them; a text without a bar is the wording
of the task that it suits, by its first word.
"""

from typing import Final

from prism_desktop.engine.grammar import comparative
from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.engine.study.records import AttributeRecord, Kind

_BAR: Final = " | "
_COMPARING: Final = ("who ", "which ")
_RATING: Final = ("how ",)


def own_wording(question: str, kind: Kind) -> str:
    """What the study itself asks in a task; "" where it says nothing that suits."""
    parts = [part.strip() for part in question.split(_BAR)]
    if len(parts) > 1:
        return parts[0] if kind == "rating" else parts[1]
    other = _COMPARING if kind == "rating" else _RATING
    return "" if question.lower().startswith(other) else question


def joined(rating: str, comparison: str) -> str:
    """The two wordings as they are stored; either may be empty."""
    one, other = (" ".join(text.replace("|", "/").split()) for text in (rating, comparison))
    for text, kind in ((one, "rating"), (other, "comparison")):
        if text == one + other and _suits_alone(text, kind):
            return text
    return f"{one}{_BAR}{other}"


def _suits_alone(text: str, kind: str) -> bool:
    """Whether a text without a bar is read as the wording of this task and no other."""
    begins = text.lower()
    return not text or begins.startswith(_RATING if kind == "rating" else _COMPARING)


def question_for(attribute: AttributeRecord, kind: Kind, words: StimulusWords = FACES) -> str:
    """The question put to a labeler, in the words for what the study holds."""
    own = own_wording(attribute.question, kind)
    if own:
        return own
    if kind == "rating":
        return words.rating_question(attribute.name)
    return words.comparing_question(comparative(attribute.name, attribute.question))

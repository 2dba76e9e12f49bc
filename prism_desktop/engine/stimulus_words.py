"""What a stimulus is called in anything that is shown, by what a study holds: faces or texts.

Sentences that mean a stimulus take their noun from here, and so does what a study asks by default.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

from prism_desktop.engine.errors import InputError

# Nouns of faces, but for those in quotation marks, which somebody wrote, and in options to type.
_NOUNS: Final = re.compile(
    r"“[^”]*”|`[^`]*`|--[\w-]+(?: \S+)?|\b(?:faces?|images?|pictures?|the person shown)\b",
    re.IGNORECASE,
)
# Columns of tables of faces, as exports of a study of texts head them.
_OF_TEXTS: Final = {"face": "stimulus", "name": "stimulus", "image": "stimulus_id"}
StimulusKind = Literal["image", "text"]


@dataclass(frozen=True, slots=True)
class StimulusWords:
    """The words for the stimuli of one study."""

    one: str  # as labelers see it
    many: str
    kept: str  # as the study keeps it
    kept_many: str
    asked: str  # in a question: "How kind does this person look?"
    sense: str  # what it does in one
    senses: str
    meet: str  # what labelers do with it: "see" or "read"
    where: str  # a way to bring some in, in an imperative sentence
    skip_reasons: tuple[str, ...]  # for skipping a question
    attributes: tuple[str, ...]  # judged where nobody says otherwise
    templates: tuple[str, ...]  # of texts about an attribute, "{}" stands for its name

    def told(self, sentence: str) -> str:
        """A sentence that was written for faces and images, for what the study holds.

        What stands in it between “ and ” or ` and `, and options with their values, stay.
        """
        if self is FACES:
            return sentence
        nouns = {
            "face": self.one,
            "faces": self.many,
            "image": self.kept,
            "images": self.kept_many,
            "picture": self.kept,
            "pictures": self.kept_many,
            "the person shown": "who wrote it",
        }

        def noun(found: re.Match[str]) -> str:
            word = nouns.get(found[0].lower())
            if word is None:
                return found[0]
            return word.capitalize() if found[0][0].isupper() else word

        return _NOUNS.sub(noun, sentence).replace("an text", "a text")

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """What is refused inside, in a sentence that was written for faces, is so in these
        words."""
        try:
            yield
        except InputError as error:
            told = self.told(str(error))
            if told == str(error):
                raise
            raise InputError(told) from error

    def headed(self, columns: Iterable[str]) -> tuple[str, ...]:
        """The columns of a table of faces, "name" or "face" and "image" (id) among them, for what
        the study holds: texts are headed as its exports head them."""
        if self is FACES:
            return tuple(columns)
        return tuple(_OF_TEXTS.get(column, column) for column in columns)

    def rating_question(self, attribute: str) -> str:
        """How an attribute is asked for until someone words it."""
        return f"How {attribute} does this {self.asked} {self.sense}?"

    def comparing_question(self, comparative: str) -> str:
        """Likewise of two stimuli."""
        return f"Which {self.one} {self.senses} {comparative}?"


FACES: Final = StimulusWords(
    one="face",
    many="faces",
    kept="image",
    kept_many="images",
    asked="person",
    sense="look",
    senses="looks",
    meet="see",
    where="import a folder of photographs",
    skip_reasons=("I know this person", "The image is bad", "I cannot judge this"),
    attributes=("attractive", "smart", "trustworthy"),
    templates=(
        "{}",
        "a {} person",
        "this person looks {}",
        "this person is {}",
        "this person appears {}",
    ),
)
TEXTS: Final = StimulusWords(
    one="text",
    many="texts",
    kept="text",
    kept_many="texts",
    asked="text",
    sense="sound",
    senses="sounds",
    meet="read",
    where="import a file of texts",
    skip_reasons=("I know who wrote this", "The text is bad", "I cannot judge this"),
    attributes=("clear", "convincing", "trustworthy"),
    templates=("{}", "a {} text", "this text sounds {}", "this text is {}", "this seems {}"),
)
# Texts that all answer a prompt.
REPLIES: Final = StimulusWords(
    one="reply",
    many="replies",
    kept=TEXTS.kept,
    kept_many=TEXTS.kept_many,
    asked="reply",
    sense=TEXTS.sense,
    senses=TEXTS.senses,
    meet=TEXTS.meet,
    where=TEXTS.where,
    skip_reasons=TEXTS.skip_reasons,
    attributes=TEXTS.attributes,
    templates=TEXTS.templates,
)
# Every reason that a labeler may choose.
SKIP_REASONS: Final = frozenset((*FACES.skip_reasons, *TEXTS.skip_reasons))


def words_for(kind: StimulusKind, *, prompted: bool = False) -> StimulusWords:
    """The words for the stimuli of a study.

    Args:
        kind: what it holds.
        prompted: whether every text answers a prompt.
    """
    if kind == "image":
        return FACES
    return REPLIES if prompted else TEXTS

"""What is recognised in any text by its letters alone: words, ends of sentences, emoji, hedges."""

import re
from typing import Final

WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
SENTENCE: Final = re.compile(r"[.!?…]+")
# Symbols and pictographs, arrows and dingbats, as Unicode's blocks have them.
EMOJI: Final = re.compile("[\u2190-\u21ff\u2600-\u27bf\U0001f000-\U0001faff]")
HEDGES: Final = re.compile(
    r"\b(?:i think|i guess|i suppose|i believe|it seems|perhaps|maybe|possibly|probably|might|"
    r"could be|may be|kind of|sort of|not sure|somewhat|apparently)\b",
    re.IGNORECASE,
)
TRAILING: Final = re.compile(r"\.{2,}|…|\s[-–—]\s|—")

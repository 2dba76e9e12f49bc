"""Questions of practice and attention checks: what is known of their answers."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from prism_desktop.engine.labeling.design import Stimulus
from prism_desktop.engine.labeling.orders import draw
from prism_desktop.engine.labeling.protocol import Protocol
from prism_desktop.engine.labeling.protocol_parts import DoneTrial
from prism_desktop.engine.study.records import ImageId, Kind, StimulusRecord

_HIGH: Final = 3  # the lowest rating on the upper half of the scale


class KnownAnswer:
    """Faces of which it is known where they stand, by image."""

    def __init__(self, protocol: Protocol, images: Iterable[StimulusRecord]) -> None:
        ids = {name: image.id for image in images for name in (image.name, image.id)}
        self.high: dict[str, list[ImageId]] = {}
        self.low: dict[str, list[ImageId]] = {}
        for name, faces in protocol.checks.known.items():
            self.high[name] = [ids[face] for face in faces.high if face in ids]
            self.low[name] = [ids[face] for face in faces.low if face in ids]

    def right(self, trial: DoneTrial) -> tuple[int, int]:
        """(questions answered as it is known, questions of which it is known); a question that was
        skipped was not."""
        marks = [
            (trial.answers or {}).get(name) in wanted
            for name in trial.asked
            if (wanted := self._wanted(name, trial.left, trial.right))
        ]
        return sum(marks), len(marks)

    def _wanted(self, name: str, left: ImageId, right: ImageId | None) -> Collection[int | str]:
        high, low = self.high.get(name, ()), self.low.get(name, ())
        if right is None:
            values = (*range(1, _HIGH),) if left in low else (*range(_HIGH, 5),)
            return values if left in high or left in low else ()
        if left in high and right in low:
            return ("left",)
        return ("right",) if left in low and right in high else ()

    def stimuli(
        self, kind: Kind, attributes: Sequence[str], fold: Mapping[ImageId, int], salt: str
    ) -> list[Stimulus]:
        """What can be asked with a known answer, in random order: faces, or pairs with the higher
        one first."""
        found: dict[Stimulus, None] = {}
        for name in attributes:
            high, low = self.high.get(name, []), self.low.get(name, [])
            if kind == "rating":
                found |= dict.fromkeys((image,) for image in (*high, *low))
            else:
                found |= dict.fromkeys((one, two) for one in high for two in low if one != two)
        there = [each for each in found if all(image in fold for image in each)]
        return sorted(there, key=lambda images: draw(salt, *images))

"""How texts are drawn from a language model, as a run's files hold it."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.runs.stored import Stored
from prism_desktop.engine.settings import sentence, settings_of


class Decoding(Stored):
    """How each next token is chosen.

    Of temperature 0 it is the likeliest one, and the seed is not read. Else it is drawn, for each
    text from its own seed, so that a text does not depend on what else is written beside it.
    """

    temperature: Annotated[float, Field(ge=0, le=100)] = 0.0  # 0 is greedy
    # share of probability that is drawn from, the likeliest first (Holtzman et al., ICLR 2020)
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: Annotated[int, Field(ge=0, le=2**53)] = 0
    most_tokens: Annotated[int, Field(ge=1, le=100_000)] = 120

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> "Decoding":
        """Like the constructor, but wrong values raise an InputError of one sentence, and so does
        what a greedy text does not read."""
        try:
            found = cls.model_validate(values)
        except ValidationError as error:
            raise InputError(sentence(error, settings_of(cls))) from None
        if found.greedy and {"top_p", "seed"} & values.keys():
            raise InputError(
                "A greedy text draws nothing, so top_p and seed mean nothing for it; set a "
                "temperature above 0, such as 0.8, or leave them out."
            )
        return found

    @property
    def greedy(self) -> bool:
        """Whether nothing is drawn."""
        return self.temperature == 0

    @property
    def read(self) -> "Decoding":
        """The same without what a greedy text does not read: texts that are chosen alike have
        equal ones."""
        return Decoding(most_tokens=self.most_tokens) if self.greedy else self

    @property
    def words(self) -> str:
        """For a reader: "greedy", or what was drawn by."""
        if self.greedy:
            return "greedy"
        return f"temperature {self.temperature:g}, top-p {self.top_p:g}, seed {self.seed}"


GREEDY: Final = Decoding()

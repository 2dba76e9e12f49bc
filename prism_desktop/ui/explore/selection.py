"""The selection: what is chosen in the Explore panel, one for all its views.

It holds what was chosen by hand, whatever the run that is shown knows of it: a labeler whom this
run lacks is chosen again with the next run that knows them. Nothing in it is shown by itself; each
view brings its controls to it before it is seen.

A search among faces belongs to the view it was typed in. Only Next and Previous of a face that was
opened from there follow it too, and say so. What is brushed on the map of the faces is brushed in
every view that shows faces (`brushed_faces.py`).
"""

from dataclasses import dataclass, field

ALL = "(all)"  # attributes together
VIEWS = {
    "faces": "Faces",
    "two": "Two labelers",
    "face": "One face",
    "agreement": "Agreement",
    "accuracy": "Accuracy",
    "quality": "Quality",
    "where": "Where",
    "taste": "Taste",
    "worth": "More labels",
    "words": "Words",
    "replies": "Writing",
    "people": "People",
}
OF_STUDY = {"agreement", "quality", "taste"}  # views of the study's answers, not of a run
OF_WRITING = {"replies", "people"}  # views of runs that write, in studies of texts alone
PREDICTING = ("faces", "two", "face", "words")
# labelers; of two it is said in the view itself
COMPARING = ("face", "agreement", "accuracy", "where")
ORDERED = ("faces", "two")  # views that put faces in an order
BRUSHED = ("faces", "two", "face", "taste", "words")  # views that list faces, brushed ones alone
OF_WORDS = {"faces", "two", "face", "words"}  # views to which typed words are an attribute
OF_ANSWERS = {"faces", "two", "face", "worth"}  # views that tell what the run learned from
PROFILE, AXIS = "profile", "axis"  # parts of Taste
FACES, PAIRS = "faces", "pairs"  # what of two labelers is listed
ANSWERS, ALIKE = "answers", "alike"  # what stands below the predictions of one face
MEASURES, CONTRADICTIONS = "measures", "contradictions"  # parts of Quality
OTHERS = "consensus"  # the mean of other labelers' models
MAPPED = (30, 100, 300)  # faces that mean maps may be of
Pin = tuple[str, float, float]  # a labeler, and where in the unit of the network's layout


@dataclass(slots=True)
class Selection:
    """What is chosen; a labeler by code, a face by its image's identity."""

    run: str = ""  # path of the run
    by_hand: bool = False  # whether somebody chose it
    known: frozenset[str] = frozenset()  # paths of the runs that could be chosen then
    view: str = "faces"
    labeler: str = ""
    other: str = ""  # whom the labeler is compared with, also the consensus
    other_run: str = ""  # path of the run whose model that is; empty: the same
    consensus: bool = False  # whether faces are ranked by the consensus model
    attribute: str = ""
    every: bool = True  # agreement and accuracy are of all attributes together
    everybody: bool = False  # agreement is of the study's labelers, not of the run's alone
    least: int | None = None  # agreement of a link, in per cent; None: where it can be read
    fewest: int | None = None  # shared answers of a link; None: as suits
    order: str = ""  # of the matrix; empty: as suits the number of labelers
    colour: str = ""  # what the network's colours tell; the same
    alike: str = "answers"  # page of agreement: labelers' answers, or their models
    measure: str = ""  # of agreement; empty: the share answered alike
    predicted: bool = False  # whether agreement that nobody measured is foretold
    answers: str = ""  # kind that agreement is of; empty: comparisons where any are shared
    pins: tuple[Pin, ...] = ()  # of labelers in the network
    # what of the two who differ is looked at: its attribute and faces
    dispute: tuple[str, str, str] = ("", "", "")
    over: bool = False  # whether maps are of its one face over the other
    direction: str = "high"  # of the ranked faces, one of `face_ranking.ORDERS`
    search: str = ""  # in the names of the ranked faces
    kind: str = ""  # which of them, one of `face_ranking.KINDS`
    fact: tuple[str, str] = ("", "")  # that they have: its name and value
    disputed: bool = False  # whether only those that labelers differ in most
    low: int = 0  # their least percentile
    high: int = 100  # their greatest
    size: str = "m"  # of their thumbnails: s, m or l
    plane: bool = False  # whether the map of the faces is shown beside them
    # left, low, right and high of what is brushed there; nothing where it has no width
    area: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    disputes: str = FACES  # what of two labelers is listed: faces or pairs
    words: str = ""  # that nobody labeled and somebody typed
    ticked: tuple[str, ...] | None = None  # labelers with a column of faces by them; None: all
    part: str = MEASURES  # which part of Quality is shown
    taste: str = PROFILE  # which part of Taste is shown
    held: bool = False  # whether its axis is of held-out faces alone
    ranked: str = ""  # order of its labelers; empty: by what stands out
    find: str = ""  # in the names of listed labelers
    face: str = ""
    source: str = "faces"  # the view whose order Next and Previous follow
    below: str = ANSWERS  # what stands below the predictions of that face
    map: str = ""  # kind of relevance map
    mapped: str = ""  # path of the run whose mean maps somebody asked for
    many: int = 100  # faces that those are of
    prompt: str = ""  # that people and models answer
    people: tuple[str, ...] = ()  # who are shown beside each other; empty: whoever comes first
    writers: tuple[str, ...] = ()  # folders of the runs that write beside them; empty: the best
    writer: str = ""  # folder of the run by which people are compared; empty: the best
    against: str = ""  # whom they are compared with, also `OTHERS`

    @property
    def about(self) -> str:
        """The attribute that agreement and accuracy are of, or `ALL`."""
        return ALL if self.every else self.attribute

    def choose_about(self, attribute: str) -> None:
        """Of one attribute, or of `ALL`."""
        self.every = attribute == ALL
        if not self.every:
            self.attribute = attribute

    def choose_labeler(self, code: str) -> None:
        """Nobody is compared with themselves: who was, trades places."""
        if code == self.other and not self.other_run:
            self.other = self.labeler
        self.labeler, self.consensus = code, False

    def choose_other(self, code: str) -> None:
        """The same of whom the labeler is compared with; of another run that may be themselves."""
        if code == self.labeler and not self.other_run:
            self.labeler = self.other
        self.other = code


@dataclass(frozen=True, slots=True)
class FaceOrder:
    """Faces in the order of the view that a face was opened from."""

    rows: tuple[int, ...] = ()  # of the run's images
    told: str = ""  # what order it is, for a reader
    place: dict[int, int] = field(default_factory=dict)  # of each row in it

    @classmethod
    def of(cls, rows: "tuple[int, ...]", told: str) -> "FaceOrder":
        """With the place of each."""
        return cls(rows, told, {row: place for place, row in enumerate(rows)})

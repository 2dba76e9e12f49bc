"""Asks a child process for what needs a model, so that the window never loads torch.

One client per run. Its requests are generators of events; several threads may ask at once, and
they are answered one after the other. The process, a worker, starts with the first request and ends
with the client, or with this process.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from prism_desktop.engine.analysis.inference import (
    FacesArguments,
    InferenceArguments,
    MeanRelevanceArguments,
    RelevanceArguments,
    ScoresArguments,
    What,
)
from prism_desktop.engine.analysis.word_map_files import WordMapArguments
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.folder_handles import absolute
from prism_desktop.engine.processes.pool import Worker
from prism_desktop.engine.processes.rpc import CrashError, receive

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from prism_desktop.engine.analysis.mean_relevance import MeanRelevance
    from prism_desktop.engine.analysis.mean_word_relevance import MeanWordRelevance
    from prism_desktop.engine.analysis.relevance_map import Relevance
    from prism_desktop.engine.analysis.word_relevance import WordRelevance

Result = TypeVar("Result")
_WORDS = "Looking which words matter"


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What labelers would say of images."""

    attribute: str
    labelers: tuple[str, ...]
    images: tuple[str, ...]
    # (labelers, images), differences are logits; NaN where an image cannot be read
    table: "NDArray[np.float32]"


class InferenceClient:
    """Asks one run's model, in a process of its own."""

    def __init__(self, run: Path, device: str = "auto") -> None:
        self.run, self.device = run, device
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._closed = False

    def relevance(
        self,
        labeler: str,
        attribute: str,
        image: Path,
        kind: str,
        check: bool = True,
        against: str = "",
        over: Path | None = None,
    ) -> "Iterator[Event[Relevance]]":
        """A map over one image; the last event is Done[Relevance].

        Args:
            labeler: a code of the run.
            attribute: a name of the run, or any words.
            image: the image's file.
            kind: as `relevance_map.MapKind.read` reads it.
            check: whether to test the map, which takes longer than making it.
            against: whose score is taken off, a code or "consensus"; empty for the score itself.
            over: the file of a second image, for the map of a pair; None for none.

        Raises:
            PrismError: the request cannot be answered, or the child process failed.
        """
        from prism_desktop.engine.analysis.relevance_map import Relevance

        arguments = RelevanceArguments(
            **self._asked(),
            labeler=labeler,
            attribute=attribute,
            image=str(image),
            kind=kind,
            check=check,
            against=against,
            over="" if over is None else str(over),
        )
        told = "Looking where the model looks"
        yield from self._request("relevance", arguments, told, Relevance.load)

    def mean_relevance(
        self, labeler: str, attribute: str, faces: int, kind: str, against: str = ""
    ) -> "Iterator[Event[MeanRelevance]]":
        """Maps of many faces, tested; the last event is Done[MeanRelevance].

        Args:
            labeler, attribute, kind, against: as of `relevance`.
            faces: how many of the run's, held-out ones first.

        Raises:
            PrismError: the request cannot be answered, or the child process failed.
        """
        from prism_desktop.engine.analysis.mean_relevance import MeanRelevance

        arguments = MeanRelevanceArguments(
            **self._asked(),
            labeler=labeler,
            attribute=attribute,
            faces=faces,
            kind=kind,
            against=against,
        )
        told = "Looking where the model looks"
        yield from self._request("mean-relevance", arguments, told, MeanRelevance.load)

    def word_relevance(
        self, labeler: str, attribute: str, text: str, kind: str, against: str = ""
    ) -> "Iterator[Event[WordRelevance]]":
        """A tested map over one text; the last event is Done[WordRelevance].

        Args:
            labeler, attribute: of the run.
            text: its identity.
            kind: as `word_relevance.word_map` reads it.
            against: as of `relevance`.

        Raises:
            PrismError: the request cannot be answered, or the child process failed.
        """
        from prism_desktop.engine.analysis.word_relevance import WordRelevance

        arguments = WordMapArguments(
            **self._asked(),
            labeler=labeler,
            attribute=attribute,
            kind=kind,
            against=against,
            text=text,
        )
        yield from self._request("word-maps", arguments, _WORDS, WordRelevance.load)

    def mean_word_relevance(
        self, labeler: str, attribute: str, texts: int, kind: str, against: str = ""
    ) -> "Iterator[Event[MeanWordRelevance]]":
        """Maps of many texts, tested; the last event is Done[MeanWordRelevance].

        Args:
            labeler, attribute, kind, against: as of `word_relevance`.
            texts: how many of the run's, held-out ones first.

        Raises:
            PrismError: the request cannot be answered, or the child process failed.
        """
        from prism_desktop.engine.analysis.mean_word_relevance import MeanWordRelevance

        arguments = WordMapArguments(
            **self._asked(),
            labeler=labeler,
            attribute=attribute,
            kind=kind,
            against=against,
            texts=texts,
        )
        yield from self._request("word-maps", arguments, _WORDS, MeanWordRelevance.load)

    def scores(
        self,
        attribute: str,
        labelers: Sequence[str] | None = None,
        images: Sequence[str] | Mapping[str, Path] | None = None,
        texts: Mapping[str, tuple[str | None, str]] | None = None,
    ) -> Iterator[Event[Scores]]:
        """Predict an attribute, one that nobody labeled included; the last event is Done[Scores].

        Args:
            attribute: a name of the run, or any words.
            labelers: codes; None for all of the run.
            images: ids in the run's snapshot, or any images as id -> file; None for all of the run.
            texts: id -> prompt or None, and text, of those beside `images` that it does not have.

        Raises:
            PrismError: the request cannot be answered, or the child process failed.
        """
        import numpy as np

        files = (
            {image: str(file) for image, file in images.items()}
            if isinstance(images, Mapping)
            else images
        )
        arguments = ScoresArguments(
            **self._asked(),
            attribute=attribute,
            labelers=None if labelers is None else list(labelers),
            images=files if files is None or isinstance(files, dict) else list(files),
            texts=dict(texts or {}),
        )

        def read(file: Path) -> Scores:
            with np.load(file, allow_pickle=False) as stored:
                names = tuple(map(str, stored["labelers"])), tuple(map(str, stored["images"]))
                return Scores(attribute, *names, stored["table"])

        yield from self._request("scores", arguments, f"Predicting {attribute}", read)

    def faces(
        self,
        what: What,
        labeler: str = "",
        attribute: str = "",
        image: str = "",
    ) -> "Iterator[Event[dict[str, NDArray[Any]]]]":
        """What the run's heads know of single faces, see `adaptation.face_posterior`; the last
        event is Done with arrays by name.

        Raises:
            PrismError: the request cannot be answered, or the child process failed.
        """
        import numpy as np

        arguments = FacesArguments(
            **self._asked(),
            what=what,
            labeler=labeler,
            attribute=attribute,
            image=image,
        )

        def read(file: Path) -> "dict[str, NDArray[Any]]":
            with np.load(file, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}

        yield from self._request("faces", arguments, "Looking at the faces", read)

    def close(self) -> None:
        """End the process; requests under way fail.

        A closed client answers nothing any more.
        """
        with self._lock:
            self._closed = True
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def __enter__(self) -> "InferenceClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _asked(self) -> dict[str, Any]:
        """Which model is asked."""
        return {"run": absolute(self.run), "device": self.device}

    def _request(
        self, service: str, arguments: InferenceArguments, what: str, read: Callable[[Path], Result]
    ) -> Iterator[Event[Result]]:
        """Send a request to the worker that holds the model, and read the file of its result; a new
        worker is started if the last one died."""
        yield Progress(0, None, what)
        events = receive(self._usable_worker(), service, arguments, what)
        try:
            with contextlib.closing(events):
                for event in events:
                    yield Done(read(Path(event.value))) if isinstance(event, Done) else event
        except CrashError as error:
            lines = error.crash.printed.strip().splitlines()
            last = f": {lines[-1][:200]}" if lines else ""
            raise RunError(
                "The process that holds the model ended unexpectedly (code "
                f"{error.crash.code}{last}); try again."
            ) from error

    def _usable_worker(self) -> Worker:
        """The process, a new one if it ended or anything unforeseen happened in it.

        It is none that waited: those give way to the window, and the user waits for each answer.
        """
        with self._lock:
            if self._closed:
                raise RunError("The model of this run was put away; open the run again.")
            if self._worker is not None and not self._worker.usable:
                if self._worker.settle(0):  # else it ends with its last call
                    self._worker.close()
                self._worker = None
            if self._worker is None:
                self._worker = Worker()
            return self._worker

"""Asks a child process for what needs a model, so that the window never loads torch.

One client per run. Its requests are generators of events; several threads may ask at once, the
child answers them one after the other. The child starts with the first request and ends with the
client, or with this process.
"""

import contextlib
import json
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Done, Event, Notice, Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from prism_desktop.engine.analysis.relevance_map import Relevance

HEARTBEAT = 0.2  # s between events while the child is silent, so that a cancel is heard
_GRACE = 2.0  # s that the child has to end by itself
_SERVICE = "prism_desktop.engine.processes.inference_service"

Message = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What labelers would say of images."""

    attribute: str
    labelers: tuple[str, ...]
    images: tuple[str, ...]
    # (labelers, images), differences are logits; NaN where an image cannot be read
    table: "NDArray[np.float32]"


class InferenceClient:
    """The window's end of the line to one run's model."""

    def __init__(self, run: Path, device: str = "auto") -> None:
        self.run, self.device = run, device
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._number = 0
        self._closed = False

    def relevance(
        self,
        labeler: str,
        attribute: str,
        image: Path,
        kind: str = "gradient-attention",
        check: bool = True,
    ) -> "Iterator[Event[Relevance]]":
        """A map over one image; the last event is Done[Relevance].

        Args:
            labeler: a code of the run.
            attribute: a name of the run, or any words.
            image: the image's file.
            kind: one of `maps.KINDS`.
            check: whether to test the map, which takes longer than making it.

        Raises:
            PrismError: the request cannot be answered, or the child process failed.
        """
        from prism_desktop.engine.analysis.relevance_map import Relevance

        asked = {
            "labeler": labeler,
            "attribute": attribute,
            "image": str(image),
            "kind": kind,
            "check": check,
        }
        for event in self._ask({"do": "relevance", **asked}, "Looking where the model looks"):
            yield Done(Relevance.load(event.value)) if isinstance(event, Done) else event

    def scores(
        self,
        attribute: str,
        labelers: Sequence[str] | None = None,
        images: Sequence[str] | Mapping[str, Path] | None = None,
    ) -> Iterator[Event[Scores]]:
        """Predict an attribute, one that nobody labeled included; the last event is Done[Scores].

        Args:
            attribute: a name of the run, or any words.
            labelers: codes; None for all of the run.
            images: ids in the run's snapshot, or any images as id -> file; None for all of the run.

        Raises:
            PrismError: the request cannot be answered, or the child process failed.
        """
        import numpy as np

        files = (
            {image: str(file) for image, file in images.items()}
            if isinstance(images, Mapping)
            else images
        )
        request = {
            "do": "scores",
            "attribute": attribute,
            "labelers": None if labelers is None else list(labelers),
            "images": files if files is None or isinstance(files, dict) else list(files),
        }
        for event in self._ask(request, f"Predicting {attribute}"):
            if isinstance(event, Done):
                with np.load(event.value, allow_pickle=False) as stored:
                    names = tuple(map(str, stored["labelers"])), tuple(map(str, stored["images"]))
                    yield Done(Scores(attribute, *names, stored["table"]))
            else:
                yield event

    def close(self) -> None:
        """End the child; requests under way fail. A closed client answers nothing any more."""
        with self._lock:
            self._closed = True
            child, self._child = self._child, None
        if child is not None:
            child.end()

    def __enter__(self) -> "InferenceClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, request: Message, what: str) -> Iterator[Event[Path]]:
        yield Progress(0, None, what)
        with self._lock:
            if self._closed:
                raise RunError("The model of this run was put away; open the run again.")
            if self._child is None or not self._child.alive:
                self._child = _Child(self.run, self.device)
            child, number = self._child, self._number
            self._number += 1
        answered = False
        answers = child.send(number, request)
        progress = Progress(0, None, what)
        try:
            while True:
                try:
                    message = answers.get(timeout=HEARTBEAT)
                except queue.Empty:
                    yield progress
                    continue
                if message["event"] == "progress":
                    progress = Progress(message["done"], message["total"], message["what"])
                    yield progress
                elif message["event"] == "notice":
                    yield Notice(message["text"])
                else:
                    answered = True
                    if message["event"] == "error":
                        raise RunError(message["message"])
                    yield Done(Path(message["path"]))
                    return
        finally:
            child.forget(number, cancel=not answered)


class _Child:
    """The process, and who waits for which answer."""

    def __init__(self, run: Path, device: str) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the child
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", _SERVICE, str(run), "--device", device],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                encoding="utf-8",
                start_new_session=True,  # Ctrl-C is for the parent
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except BaseException:
            self._errors.close()
            raise
        self._waiting: dict[int, queue.SimpleQueue[Message]] = {}
        self._lock = threading.Lock()
        self._gone = ""
        self._reader = threading.Thread(target=self._read, name="inference answers", daemon=True)
        self._reader.start()

    @property
    def alive(self) -> bool:
        return not self._gone and self._process.poll() is None

    def send(self, number: int, request: Message) -> "queue.SimpleQueue[Message]":
        answers: queue.SimpleQueue[Message] = queue.SimpleQueue()
        with self._lock:
            if self._gone:
                answers.put({"event": "error", "message": self._gone})
                return answers
            self._waiting[number] = answers
        self._write({"id": number, **request})
        return answers

    def forget(self, number: int, cancel: bool) -> None:
        """Nobody waits for this answer any more."""
        with self._lock:
            known = self._waiting.pop(number, None) is not None
        if known and cancel:
            self._write({"cancel": number})

    def end(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError), self._lock:  # it may be gone already
            self._process.stdin.close()
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()

    def _write(self, message: Message) -> None:
        assert self._process.stdin is not None
        # If the child is gone, its reader tells all who wait.
        with contextlib.suppress(OSError, ValueError), self._lock:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()

    def _read(self) -> None:
        """Hand each answer to whoever waits for it; at the process's
        end tell all who still wait, and close what led to it."""
        assert self._process.stdout is not None
        assert self._process.stdin is not None
        fatal = ""
        with self._errors, self._process.stdout as lines:
            for line in lines:
                try:
                    message = json.loads(line)
                except ValueError:
                    continue  # cut off by the process's death
                if message.get("id") is None:
                    fatal = message["message"]
                    continue
                with self._lock:
                    answers = self._waiting.get(message["id"])
                if answers is not None:
                    answers.put(message)
            code = self._process.wait()
            gone = (
                fatal
                or "The process that holds the model ended unexpectedly (code "
                f"{code}{self._last_words()}); try again."
            )
            with self._lock:
                self._gone = gone
                for answers in self._waiting.values():
                    answers.put({"event": "error", "message": gone})
                with contextlib.suppress(OSError):
                    self._process.stdin.close()

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return f": {lines[-1][:200]}" if lines else ""

"""The child process that holds a run's model: `python -m
prism_desktop.engine.processes.inference_service RUN`.

Requests and answers are JSON, one object per line. Requests on standard input: {"id", "do":
"relevance", labeler, attribute, image, kind, check}, {"id", "do": "scores", attribute, labelers,
images}, {"cancel": id}. Answers on standard output: {"id", "event": "progress", done, total, what},
"notice" {text}, and at the end "result" {path}, "cancelled" or "error" {message}. An error without
an id ends the process. Results are .npz files in the study's cache. The process ends when its
standard input does, so it never outlives whoever started it.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from prism_desktop.engine.errors import InputError, PrismError
from prism_desktop.engine.events import Done, Notice, Progress
from prism_desktop.engine.parquet_files import read_frame
from prism_desktop.engine.runs import layout

if TYPE_CHECKING:
    from prism_desktop.engine.models.predictor import Predictor

Request = dict[str, Any]


class Service:
    """Answers requests about one run, one at a time."""

    def __init__(self, run: Path, model: Predictor) -> None:
        self.run, self.model = run, model
        self.folder = run.parent.parent / "cache" / "explore" / run.name
        self.folder.mkdir(parents=True, exist_ok=True)

    def answer(self, request: Request) -> Iterator[Progress | Notice | Path]:
        """Work on a request; the last item is the result's file.

        A result that is there already is not made again.
        """
        known: dict[str, Callable[[Request, Path], Iterator[Progress | Notice]]] = {
            "relevance": self._relevance,
            "scores": self._scores,
        }
        work = known.get(str(request.get("do")))
        if work is None:
            raise InputError(f"There is no request {request.get('do')!r}.")
        path = self.folder / f"{request['do']}-{self._key(request)}.npz"
        if not path.is_file():
            beside = path.with_name(f"{path.stem}.{os.getpid()}.npz")
            try:
                yield from work(request, beside)
                beside.replace(path)
            finally:
                beside.unlink(missing_ok=True)
        yield path

    def _key(self, request: Request) -> str:
        """Changes with the request and with the model."""
        model = layout.model_file(self.run).stat()
        asked = {key: value for key, value in request.items() if key != "id"}
        text = json.dumps([asked, model.st_mtime_ns, model.st_size], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def _relevance(self, request: Request, path: Path) -> Iterator[Progress | Notice]:
        from prism_desktop.engine.analysis.relevance import explain, find_image, with_check
        from prism_desktop.engine.models.predictor import tower_of

        tower = tower_of(self.model)
        yield Progress(0, 2, "Looking where the model looks")
        image = find_image(self.run, request["image"])
        found = explain(tower, image, request["labeler"], request["attribute"], request["kind"])
        if request["check"]:
            yield Progress(1, 2, "Testing the map")
            found = with_check(tower, found)
        found.save(path)

    def _scores(self, request: Request, path: Path) -> Iterator[Progress | Notice]:
        import numpy as np

        from prism_desktop.engine.models.predictor import score_images

        images = self._files(request["images"])
        labelers = list(self.model.labelers if request["labelers"] is None else request["labelers"])
        for event in score_images(self.run, self.model, images, labelers, [request["attribute"]]):
            if isinstance(event, Done):
                np.savez(
                    path,
                    table=event.value[:, 0],
                    labelers=np.array(labelers),
                    images=np.array(list(images)),
                )
            else:
                yield event

    def _files(self, wanted: list[str] | dict[str, str] | None) -> dict[str, Path]:
        """Image -> file: all of the run, some of them by id, or any by id and file."""
        if isinstance(wanted, dict):
            return {image: Path(file) for image, file in wanted.items()}
        table = read_frame(layout.table_file(self.run, "images"), columns=["image", "path"])
        files = dict(zip(map(str, table["image"]), map(Path, table["path"]), strict=True))
        if wanted is None:
            return files
        if unknown := [image for image in wanted if image not in files]:
            raise InputError(
                f"{len(unknown)} of the images are not in this run; ask for them with their files."
            )
        return {image: files[image] for image in wanted}


class Inbox:
    """Requests as they come in, read by a thread of its
    own so that a cancel is heard during work."""

    def __init__(self, source: IO[str]) -> None:
        self._source = source
        self._requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        threading.Thread(target=self._read, name="requests", daemon=True).start()

    def __iter__(self) -> Iterator[Request]:
        while True:
            yield self._requests.get()

    def cancelled(self, number: int) -> bool:
        """Whether nobody waits for this answer any more."""
        return number in self._cancelled

    def _read(self) -> None:
        for line in self._source:
            request = json.loads(line)
            if "cancel" in request:
                self._cancelled.add(request["cancel"])
            else:
                self._requests.put(request)
        # Whoever started this process is gone or done with it; nothing here is worth keeping.
        os._exit(0)


def main() -> int:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="prism-desktop-inference", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    # Libraries print what they like; only answers may reach the line to the parent.
    with os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1) as line:
        os.dup2(2, 1)
        return _answer(given.run.resolve(), given.device, line)


def _answer(run: Path, device: str, line: IO[str]) -> int:
    """Load the run's model and answer all that is asked; 1 if it cannot be loaded."""
    inbox = Inbox(sys.stdin)

    def tell(**message: Any) -> None:
        line.write(json.dumps(message) + "\n")
        line.flush()

    try:
        layout.model_file(run)  # before the libraries, which take seconds to load
        from prism_desktop.engine.models.predictor import load_predictor

        service = Service(run, load_predictor(run, device))
    except (PrismError, OSError) as error:
        tell(event="error", message=str(error))
        return 1
    for request in inbox:
        serve(service, request, inbox, tell)
    return 0


def serve(service: Service, request: Request, inbox: Inbox, tell: Callable[..., None]) -> None:
    """Answer one request; whatever goes wrong is told and does not end the process."""
    number = request["id"]
    out_of_memory = False
    try:
        for item in service.answer(request):
            if inbox.cancelled(number):
                tell(id=number, event="cancelled")
                return
            if isinstance(item, Progress):
                tell(id=number, event="progress", done=item.done, total=item.total, what=item.what)
            elif isinstance(item, Notice):
                tell(id=number, event="notice", text=item.text)
            else:
                tell(id=number, event="result", path=str(item))
    except PrismError as error:
        tell(id=number, event="error", message=str(error))
    except Exception as error:  # a bug: logged whole, told in short, and the next request is served
        out_of_memory = "out of memory" in str(error).lower()
        if not out_of_memory:
            traceback.print_exc()
            tell(
                id=number,
                event="error",
                message=f"The prediction failed ({type(error).__name__}: {error}).",
            )
    if out_of_memory:  # outside of `except`, whose traceback would keep the tensors alive
        gc.collect()
        tell(
            id=number,
            event="error",
            message="The device ran out of memory; wait for training to end or use the CPU.",
        )


if __name__ == "__main__":
    sys.exit(main())

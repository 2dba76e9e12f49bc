"""What this process and its workers write to each other: JSON, one message a line.

Whoever asks writes calls, cancels and rests. A worker answers a call with progress and notices,
and ends it with exactly one of result, error or cancelled. `rpc` sends calls and `worker` answers
them; both know only these messages.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

# What becomes of work whose asker dies: it ends where it stands, or it is told to stop and keep.
Orphaned = Literal["end", "stop"]


class Message(BaseModel):
    """One line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def line(self) -> bytes:
        """The message as it is written."""
        return self.model_dump_json().encode() + b"\n"


class Call(Message):
    """Asks for work; calls are answered one after another."""

    id: int  # unique in the worker
    call: str  # name of a service
    arguments: dict[str, Any]  # as the service's own model has them
    orphaned: Orphaned = "end"
    held: dict[str, str] = {}  # studies that may only be read; `access.held` of whoever asks


class Cancel(Message):
    """Nobody waits for a call any more."""

    cancel: int  # the call's id


class Rest(Message):
    """Let go of what calls shared, and get ready for more."""

    rest: Literal[True] = True


class CallProgress(Message):
    """How far a call is."""

    event: Literal["progress"] = "progress"
    id: int
    done: int  # units finished
    total: int | None  # units in all, None while unknown
    what: str  # the present activity


class CallNotice(Message):
    """Something the user should read."""

    event: Literal["notice"] = "notice"
    id: int
    text: str  # one sentence


class CallEnd(Message):
    """The last message of a call."""

    id: int
    healthy: bool = True  # nothing unforeseen happened, so that the worker may be used again
    used_gpu: bool = False  # in this call or an earlier one


class CallResult(CallEnd):
    """The work is done, and everything that it opened is closed."""

    event: Literal["result"] = "result"
    value: Any  # plain JSON


class CallError(CallEnd):
    """The work could not be done."""

    event: Literal["error"] = "error"
    message: str  # one sentence
    exit_code: int = 1  # of a command that ends with it
    details: str = ""  # the traceback of what nobody foresaw


class CallCancelled(CallEnd):
    """The work was closed between two events, as was asked."""

    event: Literal["cancelled"] = "cancelled"


Request = Call | Cancel | Rest
Ended = CallResult | CallError | CallCancelled
Response = CallProgress | CallNotice | Ended

_requests: TypeAdapter[Request] = TypeAdapter(Request)
_responses: TypeAdapter[Response] = TypeAdapter(Annotated[Response, Field(discriminator="event")])


def read_request(line: str | bytes) -> Request:
    """What a line asks of a worker.

    Raises:
        ValueError: it is no request.
    """
    return _requests.validate_json(line)


def read_response(line: str | bytes) -> Response | None:
    """What a worker answers; None for a line that something
    printed before the worker had standard output to itself."""
    try:
        return _responses.validate_json(line)
    except ValidationError:
        return None

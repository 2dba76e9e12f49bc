"""Several processes that train one run together.

The first one leads: it alone is told what to do, writes the run's folder and steps the optimiser.
For each step it broadcasts the trained parameters, every process passes its share of the step's
answers through the network, and their gradients are added up at the first one. So a step is what
it is in one process, up to the order in which floats are added: the same answers (they follow from
seed, epoch and step), one mean over all of them, one checkpoint, and nothing but the leader to stop
or resume.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed
from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.launched import STORE_PORT, place_in_team

_PATIENCE = timedelta(days=7)  # a leader may evaluate, be paused, or train what needs one process
_GONE = (
    "Another process of this training has ended; what it said stands above. Resume the run to go "
    "on from its last checkpoint."
)


@dataclass(slots=True, eq=False)
class Team:
    """The processes of one training.

    Attributes:
        rank: this process's number; 0 leads.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1
    store: Any = None
    _orders: int = field(default=0, init=False)

    @property
    def alone(self) -> bool:
        """Whether this process has no other beside it."""
        return self.size == 1

    @property
    def leads(self) -> bool:
        """Whether this process is the one that is told what to do."""
        return self.rank == 0

    def order(self, **what: object) -> None:
        """Tell the others what comes next; nothing where there are none."""
        if not self.alone:
            with _others_there():
                self.store.set(f"order-{self._orders}", json.dumps(what))
                self.store.delete_key(f"order-{self._orders - self.size}")
            self._orders += 1

    def orders(self) -> Iterator[dict[str, Any]]:
        """What the leader tells, until it has ended."""
        while True:
            try:
                said = self.store.get(f"order-{self._orders}")
            except RuntimeError:  # torch's word for a leader that is gone
                return
            self._orders += 1
            yield json.loads(said)

    def share(self, count: int) -> slice:
        """This process's part of so many answers; the leader's is never empty."""
        first, last = (-(-rank * count // self.size) for rank in (self.rank, self.rank + 1))
        return slice(first, last)

    @torch.no_grad()
    def broadcast(self, tensors: Sequence[Tensor]) -> None:
        """Give everybody the leader's values, in place."""
        flat = torch.cat([one.reshape(-1).float() for one in tensors])
        with _others_there():
            distributed.broadcast(flat, src=0)
        _spread(flat, tensors)

    @torch.no_grad()
    def reduce_gradients(self, parameters: Sequence[Tensor], beside: Tensor) -> None:
        """Add up gradients, and a tensor beside them, in place at the leader.

        A parameter that got no gradient in any process has none there.
        """
        there = beside.new_tensor([float(one.grad is not None) for one in parameters])
        grads = [torch.zeros_like(one) if one.grad is None else one.grad for one in parameters]
        found = [*grads, beside, there]
        flat = torch.cat([one.reshape(-1).float() for one in found])
        with _others_there():
            distributed.reduce(flat, dst=0)
        if self.leads:
            _spread(flat, found)
            for one, grad, count in zip(parameters, grads, there.tolist(), strict=True):
                one.grad = grad if count else None


ALONE = Team()
_joined: list[Team] = []


@contextlib.contextmanager
def _others_there() -> Iterator[None]:
    """Within, torch's error for a process that has ended becomes a sentence."""
    try:
        yield
    except RuntimeError as error:
        raise RunError(_GONE) from error


def _spread(flat: Tensor, into: Sequence[Tensor]) -> None:
    place = 0
    for one in into:
        one.copy_(flat[place : place + one.numel()].view_as(one))
        place += one.numel()


def team() -> Team:
    """The team that a launcher made this process part of; the first call waits for the others."""
    rank, size = place_in_team()
    if size == 1:
        return ALONE
    if not _joined:
        gpu = torch.cuda.is_available()
        if gpu:
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]) + STORE_PORT
        store = TCPStore(address, port, size, rank == 0, _PATIENCE)
        distributed.init_process_group(
            "cpu:gloo,cuda:nccl" if gpu else "gloo",
            store=store, rank=rank, world_size=size, timeout=_PATIENCE,
        )  # fmt: skip
        _joined.append(Team(rank, size, PrefixStore("orders", store)))
    return _joined[0]

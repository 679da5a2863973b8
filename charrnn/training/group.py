"""Group: the processes that train one model together, as torchrun starts them; alone, a process is a group of one."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from charrnn.errors import DeviceError, RunError


@dataclass(frozen=True)
class Group:
    """One process's place among those that train together: its number, and how many there are.

    What the methods do together, every process of the group must do in the same order. A group of one does nothing.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes, shows and decides."""
        return self.rank == 0

    def average(self, gradients: Sequence[Tensor], loss: Tensor, numbers: Sequence[float]) -> "tuple[Tensor, Letter]":
        """Replace each gradient by its mean over the processes; return the losses' mean [] and the numbers' sums.

        All travels as one tensor, so that a step waits for the others once.
        """
        tensors = [*gradients, loss, torch.tensor(numbers, dtype=loss.dtype).to(self.device, non_blocking=True)]
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        with _together():
            torch.distributed.all_reduce(flat)
        *parts, total, sums = flat.split([tensor.numel() for tensor in tensors])
        for gradient, part in zip(gradients, parts, strict=True):
            torch.div(part.view_as(gradient), self.size, out=gradient)
        return total.squeeze(0) / self.size, Letter(sums)

    def gathered(self, tensor: Tensor) -> Tensor:
        """Return the processes' tensors [...], which have one shape, as one: [size, ...]."""
        if self.size == 1:
            return tensor.unsqueeze(0)
        here = tensor.to(self.device).contiguous()
        all_of_them = [torch.empty_like(here) for _ in range(self.size)]
        with _together():
            torch.distributed.all_gather(all_of_them, here)
        return torch.stack(all_of_them).to(tensor.device)

    def as_the_first(self, find: Callable[[], Sequence[float]], count: int) -> list[float]:
        """Return the `count` numbers that the first process finds."""
        if self.size == 1:
            return list(find())
        numbers = torch.zeros(count, dtype=torch.float64)
        if self.is_first:
            numbers.copy_(torch.tensor(list(find()), dtype=torch.float64))
        with _together():
            torch.distributed.broadcast(numbers, 0)
        return numbers.tolist()

    def found_by_the_first(self, find: Callable[[], Any]) -> Any:
        """Return what the first process finds, anything that JSON can hold."""
        if self.size == 1:
            return find()
        content = json.dumps(find()).encode("ascii") if self.is_first else b""
        (length,) = self.as_the_first(lambda: [len(content)], 1)
        letters = torch.empty(int(length), dtype=torch.uint8)
        if self.is_first:
            letters.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))
        with _together():
            torch.distributed.broadcast(letters, 0)
        return json.loads(letters.numpy().tobytes())

    @contextmanager
    def first_goes_first(self) -> Iterator[None]:
        """Let the first process do something, such as fetch a corpus, before the others do it."""
        if not self.is_first:
            self.wait()
        yield
        if self.is_first:
            self.wait()

    def copy_the_first(self, tensors: Sequence[Tensor]) -> None:
        """Overwrite tensors by those of the first process: another kind of processor may have computed others."""
        if self.size == 1:
            return
        with _together():
            for tensor in tensors:
                torch.distributed.broadcast(tensor, 0)

    def wait(self) -> None:
        """Go on when all processes have come here."""
        self.gathered(torch.zeros(1))


class Letter:
    """Numbers on their way from a device; whoever reads them later does not keep the device waiting."""

    def __init__(self, numbers: Tensor) -> None:
        self._numbers = numbers.to("cpu", non_blocking=True)
        self._arrival = torch.cuda.Event() if numbers.is_cuda else None
        if self._arrival is not None:
            self._arrival.record()

    def read(self) -> list[float]:
        """Return the numbers, as soon as they have come."""
        if self._arrival is not None:
            self._arrival.synchronize()
        return self._numbers.tolist()


class Clock:
    """The time of a run and the wish to stop it, on which all agree: the first process's time, and any one's wish.

    Alone, a process looks at both at once. With others, what each has seen travels with a step's gradients, and is read
    when the next step is under way, so that no GPU is waited for.
    """

    def __init__(self, group: Group, time: Callable[[], float], stop: Callable[[], bool], agreed: float) -> None:
        """`time` and `stop` tell this process's seconds and wish; on so many seconds all agree as they begin."""
        self._group, self._time, self._stop, self._agreed = group, time, stop, agreed
        self._letters: list[Letter] = []  # under way
        self.stopping = False  # whether the run is to stop, as it was last agreed

    @property
    def now(self) -> float:
        """The seconds, as far as they are agreed."""
        return self._time() if self._group.size == 1 else self._agreed

    def told(self) -> tuple[float, ...]:
        """What this process tells the others with a step."""
        if self._group.size == 1:
            return ()
        return self._time() if self._group.is_first else 0.0, float(self._stop())

    def hear(self, letter: Letter | None) -> None:
        """Take what a step has brought from all."""
        if letter is not None:
            self._letters.append(letter)

    def agree(self) -> float:
        """Agree anew, on `stopping` too; return the seconds."""
        if self._group.size == 1:
            self._agreed, self.stopping = self._time(), self._stop()
        elif len(self._letters) > 1:
            self._agreed, stops = self._letters.pop(0).read()
            self.stopping = stops > 0
        return self._agreed


@contextmanager
def joined(device: torch.device) -> Iterator[Group]:
    """Join the group that torchrun has started this process for, on a device of its kind; else be a group of one.

    The connection is not taken apart: now and then PyTorch aborts a process while it does that, or while it cleans up
    at its end. The process is to end by `os._exit`.

    PyTorch's own engine connects the processes: NCCL for what lies on GPUs, a GPU each, and gloo for all else.

    Raises:
        DeviceError: there is not a GPU for each, or one GPU, or a device of another kind, is to serve them all.
    """
    size = int(os.environ.get("WORLD_SIZE", 1)) if "TORCHELASTIC_RUN_ID" in os.environ else 1
    if size == 1:
        yield Group(device=device)
        return
    if device.index or device.type not in ("cpu", "cuda"):
        raise DeviceError(f"{size} processes cannot share {device}", "choose --device cuda, a GPU each, or cpu")
    if device.type == "cuda":
        here, gpus = int(os.environ.get("LOCAL_WORLD_SIZE", size)), torch.cuda.device_count()
        if here > gpus:  # of which all know at once, before one waits for another
            what = f"{here} processes of this machine need a GPU each, and it has {gpus}"
            raise DeviceError(what, f"add --device cpu, or start {gpus} with torchrun")
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    with _together():
        torch.distributed.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    group = Group(torch.distributed.get_rank(), size, device)
    yield group
    with suppress(RunError):  # one that was lost has been told of already
        group.wait()


@contextmanager
def _together() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # its text is about sockets and lines of C++; CHARRNN_DEBUG=1 shows it
        raise RunError(
            "another process of this run was lost",
            "start all of them again with --resume, unless it has said what else to do",
        ) from error

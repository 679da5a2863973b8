"""Group: the processes that train one model together, as torchrun starts them; alone, a process is a group of one."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

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

    def average(self, gradients: Sequence[Tensor], sums: Sequence[Tensor | float]) -> list[Tensor]:
        """Replace each gradient by its mean over the processes, and return the sums of the other numbers over them.

        All travels as one tensor, so that a step waits for the others once.
        """
        numbers = torch.stack([torch.as_tensor(value, dtype=torch.float32, device=self.device) for value in sums])
        flat = torch.cat([*(gradient.flatten() for gradient in gradients), numbers])
        if self.size > 1:
            with _together():
                torch.distributed.all_reduce(flat)
        flat[: -len(numbers)] /= self.size
        *parts, total = flat.split([*(gradient.numel() for gradient in gradients), len(numbers)])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))
        return list(total)

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
        numbers = torch.zeros(count, dtype=torch.float64, device=self.device)
        if self.is_first:
            numbers.copy_(torch.tensor(list(find()), dtype=torch.float64))
        with _together():
            torch.distributed.broadcast(numbers, 0)
        return numbers.tolist()

    @contextmanager
    def first_goes_first(self) -> Iterator[None]:
        """Let the first process do something, such as fetch a corpus, before the others do it."""
        if not self.is_first:
            self.wait()
        yield
        if self.is_first:
            self.wait()

    def wait(self) -> None:
        """Go on when all processes have come here."""
        self.gathered(torch.zeros(1))


@contextmanager
def joined(device: torch.device) -> Iterator[Group]:
    """Join the group that torchrun has started this process for, on a device of its kind; else be a group of one.

    PyTorch's own engine connects the processes: NCCL on GPUs, a GPU each, gloo on CPUs.

    Raises:
        DeviceError: there is no GPU for this process.
    """
    size = int(os.environ.get("WORLD_SIZE", 1)) if "TORCHELASTIC_RUN_ID" in os.environ else 1
    if size == 1:
        yield Group(device=device)
        return
    if device.type == "cuda":
        here = int(os.environ["LOCAL_RANK"])
        if here >= torch.cuda.device_count():
            raise DeviceError(f"there is no GPU for process {here} of this machine", "start fewer with torchrun")
        device = torch.device("cuda", here)
        torch.cuda.set_device(device)
    with _together():
        torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    group = Group(torch.distributed.get_rank(), size, device)
    try:
        yield group
        with suppress(RunError):  # gloo may abort a process that it finds alone
            group.wait()
    finally:
        torch.distributed.destroy_process_group()


@contextmanager
def _together() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # its text is about sockets and lines of C++; CHARRNN_DEBUG=1 shows it
        raise RunError(
            "another process of this run was lost", "start all of them again with --resume: the last save is good"
        ) from error

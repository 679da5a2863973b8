"""Dynamic evaluation: a model that goes on learning from each stretch of a text, after it has predicted it."""

import copy
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from charrnn.model.network import CharRNN, detached

SEGMENT = 20  # characters after which the weights move, as Krause et al. took for characters
# Chosen once, from 3e-5 to 4e-3 and 3e-4 to 1e-2, on the validation parts of models of `python` and `shakespeare`.
RATE = 5e-4  # how far a weight moves by a typical gradient
DECAY = 1e-3  # of the way back to the static weights, after each segment
LEARNING = "learning while reading"  # the kind of work whose threads are chosen
MEMORY = 0.99  # of the gradients' mean square


def score_dynamically(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    rate: float = RATE,
    decay: float = DECAY,
    on_read: Callable[[int], object] = lambda characters: None,
) -> Iterator[Tensor]:
    """Yield −ln p of all characters of a text, ids [N], but the first, segment by segment; the model stays as it is.

    Dynamic evaluation (Krause, Kahembwe, Murray and Renals 2018): after each segment, with the gradient g of its mean
    loss and the static weights θ₀,

        θ ← θ − rate · g / (√m + ε) + decay · (θ₀ − θ)

    The paper takes the gradients' mean square m over the training text, which a checkpoint does not have; here it is a
    running mean over the text that is read, so that nothing but that text is learned from.
    """
    learner = copy.deepcopy(model)
    weights = [weight.requires_grad_() for weight in learner.parameters()]
    static = [weight.detach().clone() for weight in weights]
    squares = [torch.zeros_like(weight) for weight in weights]
    text, state = torch.from_numpy(ids.astype(np.int64)), None
    for step, start in enumerate(range(0, len(ids) - 1, SEGMENT), start=1):
        window = text[start : start + SEGMENT + 1].to(learner.device)
        with model.threads.piece(LEARNING, len(window) - 1):
            logits, state = learner(window[None, :-1], state and detached(state))
            nats = F.cross_entropy(logits[0], window[1:], reduction="none")
            gradients = torch.autograd.grad(nats.mean(), weights)
            _learn(weights, static, squares, gradients, step, rate, decay)
        yield nats.detach().cpu()
        on_read(len(nats))


@torch.no_grad()
def _learn(
    weights: list[Tensor],
    static: list[Tensor],
    squares: list[Tensor],
    gradients: tuple[Tensor, ...],
    step: int,
    rate: float,
    decay: float,
) -> None:
    seen = 1 - MEMORY**step  # of the running mean's weight, as at its start not all of it is there
    torch._foreach_mul_(squares, MEMORY)
    torch._foreach_addcmul_(squares, gradients, gradients, 1 - MEMORY)
    roots = torch._foreach_sqrt(torch._foreach_div(squares, seen))
    torch._foreach_add_(roots, 1e-8)
    torch._foreach_addcdiv_(weights, gradients, roots, -rate)
    torch._foreach_lerp_(weights, static, decay)

"""Hard attention learned by reinforcement: which place is read is drawn, and what paid is made likelier (REINFORCE).

The reward of a place is how well the symbols from its step on are predicted, the later the less (Williams 1992; Xu et
al. 2015): R_t = Σ_{s ≥ t} γ^{s − t} log p(y_s). The logarithm of the drawn place's probability is weighed with the
reward less its moving mean at that step. A small reward for entropy keeps other places in play.
"""

import numpy as np
import torch
from torch import Tensor

from charrnn.conditioned.feed import Batch
from charrnn.conditioned.network import ConditionedRNN

DISCOUNT = 0.9  # γ
ENTROPY = 0.01
KEPT = 0.9  # of a step's moving mean at each update
STEPS = 1024  # of an output that have a mean of their own; later ones share the last


class Reinforcement:
    """The loss of hard attention, and the moving mean of the reward at each step."""

    def __init__(self, entropy: float = ENTROPY) -> None:
        self.means = torch.zeros(STEPS)
        self._entropy = entropy

    def loss(
        self, network: ConditionedRNN, batch: Batch, dropout: torch.Generator | None, places: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return what is to fall, and the mean loss of the symbols in nats; `places` draws where to look."""
        logs, entropies = [], []

        def draw(weights: Tensor) -> Tensor:
            place = torch.multinomial(weights.detach(), 1, generator=places)
            known = torch.log(weights.clamp_min(1e-20))
            logs.append(known.gather(1, place)[:, 0])
            entropies.append(-(weights * known).sum(1))
            return torch.zeros_like(weights).scatter_(1, place, 1.0)

        nats = network.losses(batch, dropout, draw)
        counts = torch.from_numpy(batch.counts).to(nats)
        advantage = self._advantage(-nats.detach(), counts)
        chosen = -(torch.stack(logs, 1) * advantage + self._entropy * torch.stack(entropies, 1)) * counts
        mean = nats.sum() / batch.symbols
        return mean + chosen.sum() / batch.symbols, mean.detach()

    def _advantage(self, rewards: Tensor, counts: Tensor) -> Tensor:
        """Return R_t less its moving mean, [B, T], from the rewards log p(y_t) [B, T]; bring the means up to date."""
        sums, total = torch.empty_like(rewards), torch.zeros_like(rewards[:, 0])
        for t in reversed(range(rewards.shape[1])):
            total = rewards[:, t] + DISCOUNT * total
            sums[:, t] = total
        steps = torch.from_numpy(np.minimum(np.arange(rewards.shape[1]), STEPS - 1))
        before = self.means[steps].to(sums)
        now = ((sums * counts).sum(0) / counts.sum(0).clamp_min(1)).cpu()
        self.means[steps] = KEPT * self.means[steps] + (1 - KEPT) * now
        return sums - before

"""Hard attention reads one place, and learns which one by what it is rewarded for."""

import numpy as np
import pytest
import torch

from charrnn import api
from charrnn.conditioned.feed import Pair, batch_of
from charrnn.conditioned.hard import DISCOUNT, Reinforcement
from charrnn.conditioned.reader import Input
from charrnn.errors import ConfigError

TINY = {"hidden_size": 16, "memory_size": 16, "embedding_size": 8, "attention_size": 8, "batch_size": 8, "threads": 1}


def generator():
    return torch.Generator().manual_seed(5)


def test_one_place_is_read_at_each_step(make_network, make_reader, pairs):
    network, batch = make_network(attention="hard"), batch_of(pairs, 5)
    with torch.no_grad():
        logits, looked = network(batch)
        softly, weights = make_network(attention="soft")(batch)
    assert ((looked == 0) | (looked == 1)).all()
    assert (looked.sum(-1) == 1).all()
    assert (looked[:, 0].argmax(-1) == weights[:, 0].argmax(-1)).all()  # later steps have read something else
    assert not torch.allclose(logits, softly)
    reader = make_reader(attention="hard")
    memory = reader.read([Input(pair.source) for pair in pairs])
    given = reader.decoder.inputs(np.full(len(pairs), 5))
    taken = reader.decoder.take(memory, given, reader.decoder.begin(memory))
    np.testing.assert_array_equal(taken.weights, looked[:, 0].numpy())


def test_the_gradient_is_on_average_that_of_the_expected_loss(make_network):
    """With one step and two places, the expected loss is a sum of two terms, whose gradient is exact."""
    network = make_network(attention="hard", output="classes")
    pair = Pair(np.array([1, 4]), np.array([2]))
    one, many = batch_of([pair], 5, ends=False), batch_of([pair] * 20_000, 5, ends=False)
    query = dict(network.named_weights())["attention.query"]
    chances = []

    def at(place):
        def choose(weights):
            chances.append(weights)
            return torch.nn.functional.one_hot(torch.tensor([place]), 2).float()

        return network.loss(one, choose=choose)

    nats = [at(place) for place in range(2)]
    expected = sum(chances[0][0, place] * nats[place] for place in range(2))
    (exact,) = torch.autograd.grad(expected, query)
    falls, told = Reinforcement(entropy=0.0).loss(network, many, None, generator())
    (estimated,) = torch.autograd.grad(falls, query)
    assert float(told) == pytest.approx(float(expected.detach()), abs=0.02)
    torch.testing.assert_close(estimated, exact, atol=float(exact.abs().max()) / 10, rtol=0)


def test_the_reward_is_that_of_the_steps_to_come_less_its_moving_mean():
    learning = Reinforcement()
    rewards, counts = torch.tensor([[-1.0, -2.0, -4.0], [-3.0, -1.0, 0.0]]), torch.tensor([[1.0, 1, 1], [1, 1, 0]])
    sums = torch.tensor([[-1 + DISCOUNT * (-2 + DISCOUNT * -4), -2 + DISCOUNT * -4, -4], [-3 - DISCOUNT, -1, 0]])
    torch.testing.assert_close(learning._advantage(rewards, counts), sums)
    means = 0.1 * torch.tensor([sums[:, 0].mean(), sums[:, 1].mean(), sums[0, 2]])
    torch.testing.assert_close(learning.means[:3], means)
    torch.testing.assert_close(learning._advantage(rewards, counts), sums - means)


def test_a_run_begins_softly_and_goes_on_to_the_last_bit(reversals, tmp_path):
    options = TINY | {"attention": "hard", "steps": 20, "sample_every": 5, "soft_part": 0.3, "dropout": 0.1}
    whole = api.map.train(reversals, out=tmp_path / "whole", **options)

    class Stop(api.map_watch.MapWatch):
        left = 13

        def stop(self):
            self.left -= 1
            return self.left <= 0

    api.map.train(reversals, out=tmp_path / "part", watch=Stop(), **options)
    resumed = api.map.resume(tmp_path / "part")
    for name, weight in whole.checkpoint.weights.items():
        np.testing.assert_array_equal(weight, resumed.checkpoint.weights[name])
    drawn = resumed.attend("abc").alignment
    assert all(sorted(set(row)) == [0, 1] for row in drawn.weights)


def test_a_soft_part_is_of_hard_attention_alone(reversals, tmp_path):
    with pytest.raises(ConfigError, match="soft_part is given without hard attention; choose --attention hard"):
        api.map.train(reversals, out=tmp_path / "run", soft_part=0.5, **TINY)

"""The network in torch, the same without torch, and the equations that both stand on."""

import math

import numpy as np
import pytest
import torch

from charrnn.conditioned.attention import Memory, attend, mean, mixed
from charrnn.conditioned.config import ConditionedConfig
from charrnn.conditioned.feed import Pair, batch_of
from charrnn.conditioned.network import ConditionedRNN
from charrnn.conditioned.scoring import losses
from charrnn.errors import ConfigError

KINDS = [
    {"cell": "lstm"},
    {"cell": "gru", "num_layers": 2},
    {"cell": "peephole", "bidirectional": False},
    {"cell": "rnn", "nonlinearity": "relu", "attention": "none"},
    {"cell": "lstm", "num_layers": 3, "attention": "none", "bidirectional": False},
]
any_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(map(str, kind.values())))


def numpy_logits(reader, batch):
    """The logits of each step by the Reader, the right symbols fed in."""
    memory = reader.decoder.memory(reader.encoded(batch.sources, batch.mask), batch.mask)
    state, found = reader.decoder.begin(memory), []
    for t in range(batch.given.shape[1]):
        taken = reader.decoder.take(memory, reader.decoder.inputs(batch.given[:, t]), state)
        state = taken.state
        found.append(reader.decoder.logits(taken.h))
    return np.stack(found, 1)


@any_kind
def test_numpy_and_torch_agree(make_network, make_reader, pairs, kind):
    batch, network = batch_of(pairs, 5), make_network(**kind)
    with torch.no_grad():
        expected, _ = network(batch)
    np.testing.assert_allclose(numpy_logits(make_reader(**kind), batch), expected.numpy(), atol=2e-5)


@any_kind
def test_padding_changes_nothing(make_network, pairs, kind):
    network = make_network(**kind)
    with torch.no_grad():
        together = float(network.loss(batch_of(pairs, 5))) * batch_of(pairs, 5).symbols
        alone = sum(float(network.loss(batch_of([pair], 5))) * batch_of([pair], 5).symbols for pair in pairs)
    assert together == pytest.approx(alone, rel=1e-5)


@any_kind
def test_the_weights_are_those_of_the_configuration(make_network, kind):
    network = make_network(**kind)
    assert {name: weight.shape for name, weight in network.weights().items()} == network.config.shapes()
    again = ConditionedRNN.from_weights(network.config, network.weights())
    for name, weight in again.weights().items():
        np.testing.assert_array_equal(weight, network.weights()[name])
    assert sum(p.numel() for p in network.parameters()) == network.config.parameters


@any_kind
def test_every_weight_gets_a_gradient(make_network, pairs, kind):
    network = make_network(**kind)
    network.loss(batch_of(pairs, 5)).backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for _, weight in network.named_weights())


def test_the_gradient_is_that_of_the_loss(make_network, pairs):
    network, batch = make_network(cell="gru").double(), batch_of(pairs[:4], 5)
    batch = batch._replace(mask=batch.mask.astype(np.float64))
    network.loss(batch).backward()
    for name, weight in network.named_weights():
        place = (0,) * weight.ndim
        gradient, step = float(weight.grad[place]), 1e-5
        with torch.no_grad():
            weight[place] += step
            above = float(network.loss(batch))
            weight[place] -= 2 * step
            below = float(network.loss(batch))
            weight[place] += step
        assert gradient == pytest.approx((above - below) / (2 * step), abs=1e-7), name


def test_the_first_loss_is_near_that_of_equal_chances(pairs):
    network = ConditionedRNN(ConditionedConfig(7, 5), torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert float(network.loss(batch_of(pairs, 5))) == pytest.approx(math.log(6), abs=0.15)


def test_attention_is_a_softmax_over_the_places_there_are():
    random = np.random.default_rng(0)
    values, keys = random.normal(size=(2, 4, 3)), random.normal(size=(2, 4, 5))
    mask, query, h = np.array([[1, 1, 1, 1], [1, 1, 0, 0.0]]), random.normal(size=(5, 6)), random.normal(size=(2, 6))
    memory = Memory(values, mask, keys)
    weights = attend(memory, query, h)
    for b, places in enumerate((4, 2)):
        scores = [keys[b, i] @ (query @ h[b]) / math.sqrt(5) for i in range(places)]
        expected = np.exp(scores) / np.exp(scores).sum()
        np.testing.assert_allclose(weights[b, :places], expected)
        np.testing.assert_allclose(weights[b, places:], 0)
        np.testing.assert_allclose(
            mixed(memory, weights)[b], sum(a * v for a, v in zip(expected, values[b], strict=False))
        )
        np.testing.assert_allclose(mean(memory)[b], values[b, :places].mean(0))


def test_a_class_is_one_step_and_no_end_symbol(make_network, make_reader):
    network = make_network(output="classes")
    batch = batch_of([Pair(np.array([1, 2]), np.array([3])), Pair(np.array([4]), np.array([0]))], 5, ends=False)
    assert batch.targets.tolist() == [[3], [0]]
    assert batch.given.tolist() == [[5], [5]]
    with torch.no_grad():
        found = float(network.loss(batch))
    reader = make_reader(output="classes")
    of_reader = losses(reader, [Pair(np.array([1, 2]), np.array([3])), Pair(np.array([4]), np.array([0]))])
    assert of_reader.symbols == 2
    assert of_reader.nats_per_symbol == pytest.approx(found, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"memory_size": 7}, "memory_size is 7; give an even number"),
        ({"attention": "sharp"}, "attention is 'sharp'; choose one of none, soft, hard"),
        ({"source_size": 0}, "source_size is 0; give a value from 1"),
        ({"bidirectional": 1}, "bidirectional is 1; give True or False"),
    ],
)
def test_a_configuration_out_of_range_is_refused(options, why):
    with pytest.raises(ConfigError, match=why):
        ConditionedConfig(**{"source_size": 3, "output_size": 3, **options})

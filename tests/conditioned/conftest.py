"""Tiny conditioned networks, and pairs that a network learns within seconds."""

import random

import numpy as np
import pytest
import torch

from charrnn.conditioned.config import ConditionedConfig
from charrnn.conditioned.feed import Pair
from charrnn.conditioned.network import ConditionedRNN
from charrnn.conditioned.reader import Reader

SIZES = {
    "source_size": 7,
    "output_size": 5,
    "hidden_size": 6,
    "memory_size": 8,
    "embedding_size": 3,
    "attention_size": 4,
}


@pytest.fixture(scope="session")
def make_network():
    """A function that returns a tiny network whose every weight has its own value; options are of its configuration."""

    def make(**options):
        generator = torch.Generator().manual_seed(0)
        network = ConditionedRNN(ConditionedConfig(**{**SIZES, **options}), generator)
        for _, weight in network.named_weights():
            weight.data.normal_(std=0.4, generator=generator)
        return network

    return make


@pytest.fixture(scope="session")
def make_reader(make_network):
    """A function that returns a Reader of such a network."""

    def make(**options):
        network = make_network(**options)
        return Reader(network.config, network.weights())

    return make


@pytest.fixture(scope="session")
def pairs():
    """Pairs of ids of several lengths."""
    choose = random.Random(0)
    return [
        Pair(
            np.array([choose.randrange(7) for _ in range(choose.randint(1, 6))]),
            np.array([choose.randrange(5) for _ in range(choose.randint(1, 4))]),
        )
        for _ in range(23)
    ]


@pytest.fixture(scope="session")
def reversals(tmp_path_factory):
    """A file of words of two to four letters and the same read backwards."""
    choose = random.Random(1)
    words = sorted({"".join(choose.choices("abcd", k=choose.randint(2, 4))) for _ in range(300)})
    path = tmp_path_factory.mktemp("examples") / "reversals.tsv"
    path.write_text("source\ttarget\n" + "".join(f"{word}\t{word[::-1]}\n" for word in words), "utf-8")
    return path

import re

import numpy as np
import pytest

from charrnn.errors import ConfigError
from charrnn.model.config import CELL_NAMES, ModelConfig


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cell", "mamba"),
        ("nonlinearity", "gelu"),
        ("vocabulary_size", 0),
        ("vocabulary_size", 0x110001),
        ("num_layers", 0),
        ("num_layers", 65),
        ("hidden_size", 0),
        ("hidden_size", 16385),
        ("embedding_size", -1),
        ("embedding_size", 16385),
        ("dropout", -0.1),
        ("dropout", 1.0),
        ("dropout", float("nan")),
    ],
)
def test_a_bad_value_is_an_error_that_names_the_field(field, value):
    with pytest.raises(ConfigError, match=rf"^{field} is {value!r}; (give a value|did you mean|choose one of)"):
        ModelConfig(**{"vocabulary_size": 6, field: value})


@pytest.mark.parametrize("value", [64.0, float("nan"), True, "64", np.int64(64)], ids=repr)
@pytest.mark.parametrize("field", ["vocabulary_size", "num_layers", "hidden_size", "embedding_size"])
def test_a_size_is_an_int_and_nothing_like_one(field, value):
    with pytest.raises(
        ConfigError, match=rf"^{field} is {re.escape(repr(value))}; give a whole number from \d to \d+, of"
    ):
        ModelConfig(**{"vocabulary_size": 6, field: value})


@pytest.mark.parametrize("value", [{"dropout": 0.95}, {"embedding_size": 0}, {"num_layers": 64}, {"hidden_size": 1}])
def test_the_ends_of_a_range_belong_to_it(value):
    assert ModelConfig(6, **value)


def test_shapes_are_those_of_the_weights(make_model, cell):
    for options in ({}, {"num_layers": 3}, {"embedding_size": 0}, {"embedding_size": 0, "num_layers": 2}):
        model = make_model(**cell, **options)
        assert {name: w.shape for name, w in model.weights().items()} == model.config.shapes()


def test_one_hot_characters_are_as_wide_as_the_vocabulary():
    assert ModelConfig(6, embedding_size=0).input_size == 6
    assert ModelConfig(6, embedding_size=3).input_size == 3


@pytest.mark.parametrize("cell", CELL_NAMES)
def test_a_deeper_network_only_adds_weights(cell):
    shallow = ModelConfig(6, cell, num_layers=2, hidden_size=5, embedding_size=3).shapes()
    deep = ModelConfig(6, cell, num_layers=3, hidden_size=5, embedding_size=3).shapes()
    assert deep.items() >= shallow.items()
    assert all(name.startswith("layers.2.") for name in deep.keys() - shallow.keys())


def test_the_count_of_parameters_is_that_of_the_network(cell, make_config, make_model):
    for options in ({}, {"embedding_size": 0}, {"num_layers": 3}):
        network = make_model(**cell, **options)
        assert make_config(**cell, **options).parameters == sum(p.numel() for p in network.parameters())

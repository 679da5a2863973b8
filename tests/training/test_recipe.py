import pytest

from charrnn.errors import ConfigError
from charrnn.model.config import CELL_NAMES, NONLINEARITIES, ModelConfig
from charrnn.training.config import TrainingConfig
from charrnn.training.recipe import MINUTES, recipe


@pytest.mark.parametrize("cell", CELL_NAMES)
@pytest.mark.parametrize("layers", [1, 2, 3, 4])
@pytest.mark.parametrize("nonlinearity", NONLINEARITIES)
def test_there_is_a_recipe_for_every_cell_and_depth(cell, layers, nonlinearity):
    model, training = recipe(6, {"cell": cell, "num_layers": layers, "nonlinearity": nonlinearity})
    assert (model.cell, model.num_layers, model.nonlinearity, model.vocabulary_size) == (cell, layers, nonlinearity, 6)
    assert training.minutes == MINUTES


def test_who_gives_nothing_gets_an_lstm_of_one_layer():
    model, training = recipe(6, {})
    assert (model.cell, model.num_layers) == ("lstm", 1)
    assert (training.epochs, training.steps, training.minutes) == (None, None, MINUTES)


GIVEN = {
    "cell": "gru",
    "nonlinearity": "relu",
    "num_layers": 3,
    "hidden_size": 7,
    "embedding_size": 0,
    "dropout": 0.0,
    "batch_size": 5,
    "seq_length": 11,
    "learning_rate": 0.123,
    "schedule": "linear",
    "warmup": 0.0,
    "weight_decay": 0.25,
    "clip_norm": 0.0,
    "steps": 13,
    "sample_every": 17,
    "seed": 19,
    "on_nan": "rollback",
}


def test_what_is_given_wins():
    model, training = recipe(6, GIVEN)
    merged = {**vars(model), **vars(training)}
    assert {name: merged[name] for name in GIVEN} == GIVEN


def test_every_option_of_both_configurations_can_be_given():
    fields = {*ModelConfig.__dataclass_fields__, *TrainingConfig.__dataclass_fields__}
    assert fields == {*GIVEN, "epochs", "minutes", "vocabulary_size"}


@pytest.mark.parametrize("cell", CELL_NAMES)
def test_none_means_not_given(cell):
    nothing = dict.fromkeys([*GIVEN, "epochs", "minutes"])
    assert recipe(6, {**nothing, "cell": cell}) == recipe(6, {"cell": cell})


@pytest.mark.parametrize("budget", [{"epochs": 2.0}, {"steps": 3}, {"minutes": 0.5}])
def test_a_budget_that_is_given_is_the_only_one(budget):
    _, training = recipe(6, budget)
    values = {name: getattr(training, name) for name in ("epochs", "steps", "minutes")}
    assert {name: value for name, value in values.items() if value is not None} == budget


@pytest.mark.parametrize(
    "given", [{"cell": "mamba"}, {"nonlinearity": "gelu"}, {"hidden_size": 0}, {"seed": -1}, {"steps": 1, "epochs": 1}]
)
def test_a_bad_value_is_an_error(given):
    with pytest.raises(ConfigError):
        recipe(6, given)


def test_what_is_given_is_left_as_it_was():
    given = {"cell": "gru", "steps": None}
    recipe(6, given)
    assert given == {"cell": "gru", "steps": None}

import pytest

from charrnn.errors import ConfigError
from charrnn.training.config import TrainingConfig


@pytest.mark.parametrize(
    ("budgets", "shown"),
    [
        ({}, "nothing"),
        ({"epochs": 1, "steps": 1}, "epochs, steps"),
        ({"steps": 1, "minutes": 1}, "steps, minutes"),
        ({"epochs": 1, "steps": 1, "minutes": 1}, "epochs, steps, minutes"),
    ],
)
def test_a_budget_is_exactly_one_of_three(budgets, shown):
    with pytest.raises(ConfigError, match=f"^the budget is given as {shown}; give one of epochs, steps and minutes$"):
        TrainingConfig(**budgets)


@pytest.mark.parametrize("budget", [{"epochs": 0.5}, {"steps": 1}, {"minutes": 0.01}])
def test_each_budget_alone_is_enough(budget):
    assert TrainingConfig(**budget)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("batch_size", 0),
        ("seq_length", 0),
        ("seq_length", 65537),
        ("learning_rate", 0),
        ("learning_rate", -1e-3),
        ("learning_rate", float("inf")),
        ("learning_rate", float("nan")),
        ("schedule", "step"),
        ("warmup", -0.1),
        ("warmup", 1.1),
        ("weight_decay", -1),
        ("clip_norm", -1),
        ("clip_norm", float("nan")),
        ("clip_value", -1),
        ("optimizer", "sgd"),
        ("decay", 0),
        ("decay", 1.1),
        ("decay_after", -1),
        ("patience", 0),
        ("sample_every", -1),
        ("sample_every", 0),
        ("seed", -1),
        ("seed", 2**63),
    ],
)
def test_a_bad_value_is_an_error_that_names_the_field(field, value):
    with pytest.raises(ConfigError, match=f"^{field} is {value!r}; (give a value from|choose one of)"):
        TrainingConfig(**{"steps": 1, field: value})


@pytest.mark.parametrize("value", [2.0, float("inf"), True])
@pytest.mark.parametrize("field", ["batch_size", "seq_length", "steps", "patience", "sample_every", "seed"])
def test_a_count_is_an_int_and_nothing_like_one(field, value):
    with pytest.raises(ConfigError, match=f"^{field} is {value!r}; give a whole number from"):
        TrainingConfig(**{"steps": 1, field: value})


@pytest.mark.parametrize(("budget", "value"), [("steps", 0), ("epochs", 0), ("minutes", -1), ("minutes", float("nan"))])
def test_a_budget_of_nothing_is_an_error_that_names_it(budget, value):
    with pytest.raises(ConfigError, match=f"^{budget} is {value}; give a value from"):
        TrainingConfig(**{budget: value})


def test_the_largest_seed_can_be_trained_with(make_trainer):
    assert make_trainer(steps=1, seed=2**63 - 1)

import pytest

from charrnn.errors import ConfigError
from charrnn.model.config import CELL_NAMES, NONLINEARITIES, ModelConfig
from charrnn.training.config import TrainingConfig
from charrnn.training.recipe import MINUTES, PRESETS, Hardware
from charrnn.training.recipe import recipe as recipe_for

CPU = Hardware(cores=2, bfloat16=True)
LARGE = 1_000_000


def recipe(vocabulary_size, given, characters=LARGE, hardware=CPU, preset=None):
    """Both configurations."""
    return recipe_for(characters, vocabulary_size, given, hardware, preset)[:2]


def width(characters=LARGE, hardware=CPU, **given):
    return recipe(6, given, characters, hardware)[0].hidden_size


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
    "weight_dropout": 0.15,
    "batch_size": 5,
    "seq_length": 11,
    "optimizer": "rmsprop",
    "learning_rate": 0.123,
    "schedule": "linear",
    "warmup": 0.0,
    "decay": 0.5,
    "decay_after": 2.0,
    "weight_decay": 0.25,
    "clip_norm": 0.0,
    "clip_value": 3.0,
    "steps": 13,
    "patience": 2,
    "sample_every": 17,
    "keep_checkpoints": True,
    "seed": 19,
    "on_nan": "rollback",
}


def test_what_is_given_wins():
    model, training = recipe(6, GIVEN)
    merged = {**vars(model), **vars(training)}
    assert {name: merged[name] for name in GIVEN} == GIVEN


def test_every_option_of_both_configurations_can_be_given():
    fields = {*ModelConfig.__dataclass_fields__, *TrainingConfig.__dataclass_fields__}
    assert fields == {*GIVEN, "epochs", "minutes", "vocabulary_size", "num_classes"}  # the text has the last two


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


def test_more_time_makes_a_wider_network():
    widths = [width(10**9, minutes=minutes) for minutes in (0.1, 1, 3, 10, 60)]
    assert widths == sorted(set(widths))


@pytest.mark.parametrize("budget", [{"minutes": 3}, {"steps": 3000}, {"epochs": 10}])
def test_a_short_text_makes_a_narrow_network(budget):
    widths = [width(characters, **budget) for characters in (2, 10_000, 100_000, LARGE)]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]


def test_faster_hardware_makes_a_wider_network():
    slow, usual, many, gpu = Hardware(bfloat16=False), CPU, Hardware(cores=8), Hardware(gpu=True)
    widths = [width(10**9, each, minutes=1) for each in (slow, usual, many, gpu)]
    assert widths == sorted(set(widths))


@pytest.mark.parametrize("budget", [{"steps": 300}, {"epochs": 3}])
def test_two_processes_are_given_the_network_of_one_with_twice_the_batch(budget):
    one, _ = recipe(6, {**budget, "batch_size": 64})
    two, each = recipe(6, {**budget, "batch_size": 32}, hardware=Hardware(processes=2))
    assert (two, each.batch_size) == (one, 32)


def test_more_gpus_make_a_wider_network():
    assert width(10**9, Hardware(gpu=True, processes=8)) > width(10**9, Hardware(gpu=True))


def test_the_more_often_a_text_is_read_the_more_is_dropped():
    dropped = [recipe(6, {"epochs": epochs, "hidden_size": 64})[0].dropout for epochs in (1, 5, 12, 23, 40, 1e6)]
    assert dropped == sorted(set(dropped))
    assert dropped == [0, 0.21, 0.38, 0.5, 0.54, 0.6]


def test_the_wider_a_network_reads_a_text_often_the_more_weights_are_dropped():
    often = [recipe(6, {"epochs": epochs, "hidden_size": 512})[0].weight_dropout for epochs in (1, 40, 120, 1e6)]
    assert often == sorted(set(often))
    assert (often[0], often[-1]) == (0, 0.5)
    wide = [recipe(6, {"epochs": 40, "hidden_size": hidden})[0].weight_dropout for hidden in (64, 512, 1024)]
    assert wide == sorted(set(wide))
    assert wide[0] == 0


def test_weights_decay_where_they_are_dropped():
    pairs = [recipe(6, {"epochs": epochs, "hidden_size": 1024}) for epochs in (1, 20, 40, 1e6)]
    assert [training.weight_decay for _, training in pairs] == [
        pytest.approx(model.weight_dropout / 4, abs=0.0006) for model, _ in pairs
    ]
    assert recipe(6, {"epochs": 40, "weight_dropout": 0.2})[1].weight_decay == 0.05


def test_a_long_run_takes_smaller_steps():
    rates = [recipe(6, {"steps": steps, "hidden_size": 512})[1].learning_rate for steps in (10, 1000, 24_000, 10**6)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == rates[1] == 2 * rates[2]


def test_a_deeper_stack_has_narrower_layers_and_a_lower_rate():
    recipes = [recipe(6, {"num_layers": layers}) for layers in (1, 2, 3, 4)]
    assert [m.hidden_size for m, _ in recipes] == sorted({m.hidden_size for m, _ in recipes}, reverse=True)
    assert [t.learning_rate for _, t in recipes] == sorted({t.learning_rate for _, t in recipes}, reverse=True)


def test_the_reason_names_the_readings_the_text_and_the_hardware():
    why = recipe_for(2000, 6, {"epochs": 7}, CPU).why
    assert why == "about 7 readings of 2,000 characters on 2 CPU cores, bfloat16"


def test_the_readings_of_a_run_in_steps_are_counted():
    assert "about 5 readings" in recipe_for(1000, 6, {"steps": 50, "batch_size": 10, "seq_length": 10}, CPU).why


def test_a_step_reads_no_more_of_a_short_text_than_there_is():
    assert "about 50 readings of 5 characters" in recipe_for(5, 4, {"steps": 50}, CPU).why


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_what_it_says(preset):
    model, training = recipe(6, {}, preset=preset)
    merged = {**vars(model), **vars(training)}
    assert {name: merged[name] for name in PRESETS[preset]} == PRESETS[preset]


def test_what_is_given_wins_over_a_preset():
    model, training = recipe(6, {"hidden_size": 7, "steps": 3}, preset="char-rnn")
    assert (model.hidden_size, model.num_layers, training.steps, training.epochs) == (7, 2, 3, None)


def test_a_preset_that_is_not_there_is_an_error():
    with pytest.raises(ConfigError, match="preset"):
        recipe(6, {}, preset="transformer")


@pytest.mark.parametrize(
    ("hardware", "name"),
    [
        (Hardware(cores=1), "a CPU core, bfloat16"),
        (Hardware(cores=3, bfloat16=False), "3 CPU cores, float32"),
        (Hardware(gpu=True), "a GPU, bfloat16"),
        (Hardware(gpu=True, processes=2), "2 GPUs, bfloat16"),
    ],
)
def test_hardware_is_named_as_people_do(hardware, name):
    assert str(hardware) == name


def test_a_text_of_a_few_characters_is_not_read_for_minutes():
    assert recipe_for(6, 3, {}, CPU).training.epochs == 1000
    assert recipe_for(6, 3, {"minutes": 2}, CPU).training.minutes == 2
    assert recipe_for(1_000_000, 65, {}, CPU).training.minutes == MINUTES


@pytest.mark.parametrize(("length", "items"), [(7.1, 144), (30, 32), (500, 32), (1.5, 256)])
def test_a_step_learns_from_so_many_items_that_they_have_enough_characters(length, items):
    def chosen(length=None, **given):
        return recipe_for(200_000, 27, {"minutes": 1.0, **given}, CPU, item_length=length).training.batch_size

    assert chosen(length) == items
    assert chosen(length, batch_size=5) == 5
    assert chosen() == 32

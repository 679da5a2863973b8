"""What Python programs use, against the command line and the parts that it is made of."""

import math
from pathlib import Path

import numpy as np
import pytest

import charrnn
from charrnn.errors import CheckpointError, ConfigError, RunError, VocabularyError
from charrnn.model.checkpoint import save

SONG = "abcade\n" * 40


@pytest.fixture(scope="module")
def model(make_checkpoint):
    return charrnn.Model(make_checkpoint(num_layers=2), "tiny", "cpu")


@pytest.fixture(scope="module")
def song():
    options = {"steps": 60, "hidden_size": 16, "learning_rate": 0.02, "dropout": 0.0, "precision": "float32"}
    return charrnn.train(SONG, device="cpu", **options)


def test_a_model_that_was_saved_is_the_same_when_it_is_loaded(song, tmp_path):
    song.save(tmp_path / "song")
    again = charrnn.load(tmp_path / "song", "cpu")
    assert repr(again) == repr(song)
    assert again.score(SONG).total == song.score(SONG).total
    assert [*again.sample(20, seed=1)] == [*song.sample(20, seed=1)]


def test_a_model_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(CheckpointError):
        charrnn.load(tmp_path / "nothing")


def test_training_learns_and_its_figures_are_those_of_a_score(song):
    assert song.figures.val_nats < 0.5 < math.log(7)
    length = int(len(SONG) * 0.05)
    assert song.score(SONG[-length:]).nats_per_character == pytest.approx(song.figures.test_nats, rel=1e-6)


def test_training_tells_of_its_progress(song):
    told = []
    charrnn.train(SONG, steps=5, hidden_size=4, device="cpu", on_progress=told.append)
    assert told[-1].step == 5


def test_an_option_that_does_not_exist_is_named():
    with pytest.raises(ConfigError, match=r"no option hidden; .*choose among .*hidden_size"):
        charrnn.train(SONG, hidden=4)


def test_a_run_without_a_number_is_an_error():
    options = {"steps": 60, "sample_every": 60, "hidden_size": 4, "learning_rate": 100.0, "clip_norm": 0.0}
    with pytest.raises(RunError, match=r"nothing was learned before that; .*lower --learning-rate"):
        charrnn.train(SONG, cell="rnn", nonlinearity="relu", precision="float32", device="cpu", **options)


def test_a_sample_goes_on_from_its_prime_and_ends_with_its_stop(song):
    assert "".join(song.sample(50, prime="abca", temperature=0, stop="\n")) == "de\n"
    assert "".join(song.sample(50, prime="abca", temperature=0, stop=["x", "e"])) == "de"


def test_a_held_unit_changes_a_sample(model):
    free = [*model.sample(60, prime="ab", seed=1)]
    assert [*model.sample(60, prime="ab", seed=1, clamp="1:2=0.9")] != free
    assert [*model.sample(60, prime="ab", seed=1, clamp=())] == free


def test_a_wrong_setting_is_told_before_anything_is_drawn(model):
    with pytest.raises(VocabularyError):
        model.sample(prime="é")
    with pytest.raises(ConfigError):
        model.sample(temperature=-1)
    with pytest.raises(ConfigError):
        model.sample(clamp="0:99=0")


def test_a_recording_has_the_signals_that_were_asked_for(model):
    recording = model.record("abcde", ["h", "i"], guesses=3)
    assert {name: values.shape for name, values in recording.signals.items()} == {"h": (2, 5, 5), "i": (2, 5, 5)}
    assert recording.candidates.shape == (5, 3)
    assert list(model.record("ab").signals) == ["tanh_c"]


def test_a_highlight_shows_surprisal_or_a_unit(model):
    surprisal = model.highlight("abcde")
    np.testing.assert_allclose([cell.value for cell in surprisal.highlight.cells], model.score("abcde").nats, rtol=1e-6)
    assert surprisal.highlight.top == 7
    unit = model.highlight("abcde", "1:3", guesses=2)
    values = model.record("abcde").signals["tanh_c"][1, :, 3]
    np.testing.assert_allclose(unit.to_dict()["values"], values, rtol=1e-6)
    assert "tanh(c) of unit 1:3" in str(unit)


def test_a_relu_units_value_is_squashed_for_its_colour(make_checkpoint):
    relu = charrnn.Model(make_checkpoint(cell="rnn", nonlinearity="relu"), "relu", "cpu")
    shown = [cell.value for cell in relu.highlight("abcabc", "0:1").highlight.cells]
    np.testing.assert_allclose(shown, np.tanh(relu.record("abcabc").signals["h"][0, :, 1]), rtol=1e-6)


def test_a_highlight_in_a_notebook_is_a_frame_of_its_own_that_runs_nothing(make_checkpoint):
    hostile = charrnn.Model(make_checkpoint(), '"></iframe><script>', "cpu")
    shown = hostile.highlight("abc")._repr_html_()
    assert shown.startswith('<iframe sandbox srcdoc="')
    assert shown.count("<") == 2
    assert shown.count(">") == 2


@pytest.mark.parametrize("text", ["", "a"])
def test_a_text_that_is_too_short_is_an_error(model, text):
    with pytest.raises(ConfigError, match="at least two"):
        model.score(text)
    with pytest.raises(VocabularyError):
        model.record("")


def test_models_and_scores_print_themselves(model, make_checkpoint, tmp_path):
    assert repr(model).startswith("<Model: lstm, 2 layers of 5 units, ")
    assert repr(model.score("abc?d")).endswith("over 4 characters, 1 of them unknown>")
    save(make_checkpoint(), tmp_path / "m")
    assert "val 2.2500 nats" in repr(charrnn.load(tmp_path / "m"))


def test_a_name_that_charrnn_has_not_is_an_error():
    with pytest.raises(AttributeError, match="no attribute 'tarin'"):
        _ = charrnn.tarin
    assert {"load", "train", "Model"} <= set(dir(charrnn))


@pytest.mark.parametrize("option", [{"hidden_size": 8.0}, {"num_layers": 2.0}, {"batch_size": 2.0}, {"steps": 3.0}])
def test_a_size_that_is_a_float_is_an_error_that_names_it(option):
    ((name, value),) = option.items()
    with pytest.raises(ConfigError, match=f"{name} is {value}; give a whole number"):
        charrnn.train("the cat " * 50, **{"steps": 3, **option})


@pytest.mark.parametrize("text", [b"bytes", Path("a"), ["a", "b"], None, "abc\ud800d" * 50], ids=repr)
def test_what_is_no_text_is_refused_at_every_door(model, text):
    for door in (
        model.score,
        model.record,
        model.highlight,
        lambda text: model.sample(prime=text),
        lambda text: model.sample(stop=[text]),
    ):
        with pytest.raises(ConfigError, match=r"the text (is of type|has half a surrogate pair at character 3)"):
            door(text)


def test_a_path_is_not_learned_for_its_letters(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("names.txt").write_text("anna\nbert\n")
    for name in ("names.txt", "in/mistyped.txt"):
        with pytest.raises(ConfigError, match=f"'{name}' is a path, and no text to learn; name it as Path"):
            charrnn.train(name, steps=1)
    assert charrnn.train("on/off, and so on.\n" * 9, steps=1, hidden_size=4).sample(1)


def test_the_package_shows_what_it_offers():
    assert {"Model", "load", "train", "__version__"} <= set(dir(charrnn))
    assert not {"Any", "TYPE_CHECKING"} & set(dir(charrnn))

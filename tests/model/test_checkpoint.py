import os
import re
from dataclasses import replace

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import charrnn
from charrnn.errors import CheckpointError, ConfigError
from charrnn.evaluation.scoring import nats_per_character
from charrnn.model.checkpoint import BEST, LAST, Figures, load, locate, save, seal
from charrnn.model.network import CharRNN
from charrnn.text.vocabulary import Vocabulary


@pytest.fixture
def checkpoint(make_checkpoint):
    return make_checkpoint()


def test_save_then_load_is_the_identity(make_checkpoint, cell, tmp_path):
    for options in ({}, {"num_layers": 3}, {"embedding_size": 0}):
        checkpoint = make_checkpoint(**cell, **options)
        save(checkpoint, tmp_path / "model")
        loaded = load(tmp_path / "model")
        assert loaded.header == checkpoint.header
        assert loaded.config == checkpoint.config
        assert loaded.vocabulary.characters == checkpoint.vocabulary.characters
        np.testing.assert_equal(loaded.weights, checkpoint.weights)


def test_a_loaded_model_scores_the_same_to_the_last_digit(make_model, make_checkpoint, cell, tmp_path):
    model = make_model(**cell, num_layers=2)
    save(make_checkpoint(**cell, num_layers=2), tmp_path / "model")
    loaded = load(tmp_path / "model")
    ids = np.random.default_rng(3).integers(0, 6, 50)
    again = nats_per_character(CharRNN.from_weights(loaded.config, loaded.weights), ids)
    assert again == nats_per_character(model, ids)


@pytest.mark.parametrize("characters", ['\0\t\n\x1b"\\', "\ufdd0\uffff\ufeff\U0010ffffé😀", "abcdef"])
def test_any_vocabulary_survives(checkpoint, tmp_path, characters):
    save(replace(checkpoint, vocabulary=Vocabulary(characters)), tmp_path / "model")
    assert load(tmp_path / "model").vocabulary.characters == "".join(sorted(characters))


def test_hostile_names_survive_as_they_are(checkpoint, tmp_path):
    name = '</script>"\\\n\u2028é😀'
    header = replace(checkpoint.header, corpus=replace(checkpoint.header.corpus, name=name))
    save(replace(checkpoint, header=header), tmp_path / "model")
    assert load(tmp_path / "model").header.corpus.name == name


def test_figures_that_were_not_measured_stay_unmeasured(checkpoint, tmp_path):
    save(replace(checkpoint, header=replace(checkpoint.header, figures=Figures(3))), tmp_path / "model")
    assert load(tmp_path / "model").header.figures == Figures(3)


def test_a_header_tells_when_and_by_what_it_was_written(checkpoint):
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", checkpoint.header.created)
    assert checkpoint.header.charrnn_version == charrnn.__version__


def test_the_same_checkpoint_is_the_same_content_wherever_it_is_saved(checkpoint, tmp_path):
    save(checkpoint, tmp_path / "one")
    save(load(tmp_path / "one"), tmp_path / "two")
    one, two = load(tmp_path / "one"), load(tmp_path / "two")
    assert one.header == two.header
    np.testing.assert_equal(one.weights, two.weights)


def test_loaded_weights_may_be_changed(checkpoint, tmp_path):
    save(checkpoint, tmp_path / "model")
    load(tmp_path / "model").weights["readout.bias"][:] = 0
    np.testing.assert_equal(load(tmp_path / "model").weights, checkpoint.weights)


def test_saving_replaces_the_old_file_and_leaves_nothing_else(checkpoint, make_checkpoint, tmp_path):
    save(make_checkpoint(cell="gru", num_layers=3), tmp_path / "model")
    save(checkpoint, tmp_path / "model")
    assert os.listdir(tmp_path) == ["model"]
    assert load(tmp_path / "model").config == checkpoint.config


def test_a_file_is_located_as_itself(tmp_path):
    (tmp_path / "any").touch()
    assert locate(str(tmp_path / "any")) == tmp_path / "any"


def test_a_folder_means_its_best_checkpoint(tmp_path):
    for name in (LAST, BEST):
        (tmp_path / name).touch()
    assert locate(str(tmp_path)) == tmp_path / BEST


def test_a_folder_without_a_best_checkpoint_means_its_last(tmp_path):
    (tmp_path / LAST).touch()
    assert locate(str(tmp_path)) == tmp_path / LAST


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(CheckpointError, match=r"the folder .* holds no best.safetensors; give a run folder"):
        locate(str(tmp_path))


@pytest.mark.parametrize("name", ["missing", "missing/deeper", "a" * 300])
def test_a_missing_model_is_an_error_that_names_it(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match=f"there is no model {name}; give a checkpoint file"):
        locate(name)


def test_loading_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(CheckpointError, match=r"there is no checkpoint .*missing; check the path"):
        load(tmp_path / "missing")


def test_half_precision_halves_the_file_and_rounds_the_weights(make_checkpoint, cell, tmp_path):
    checkpoint = make_checkpoint(**cell, hidden_size=64)
    save(checkpoint, tmp_path / "whole")
    save(checkpoint, tmp_path / "half", "float16")
    loaded = load(tmp_path / "half")
    assert os.path.getsize(tmp_path / "half") < 0.6 * os.path.getsize(tmp_path / "whole")
    for name, weight in checkpoint.weights.items():
        assert loaded.weights[name].dtype == np.float32
        np.testing.assert_allclose(loaded.weights[name], weight, rtol=2**-11, atol=2**-25)


def test_eight_bits_quarter_the_file_and_keep_each_row_within_half_a_step(make_checkpoint, cell, tmp_path):
    checkpoint = make_checkpoint(**cell, hidden_size=256)
    checkpoint.weights["readout.weight"][0] = 0  # a row without a largest weight
    for number in ("float32", "int8"):
        save(checkpoint, tmp_path / number, number)
    loaded = load(tmp_path / "int8")
    assert os.path.getsize(tmp_path / "int8") < 0.36 * os.path.getsize(tmp_path / "float32")
    for name, weight in checkpoint.weights.items():
        assert loaded.weights[name].dtype == np.float32
        step = np.abs(weight).max(axis=-1, keepdims=True) / 127 if weight.ndim == 2 else 0
        assert (np.abs(loaded.weights[name] - weight) <= step * 0.5001).all()
    assert not loaded.weights["readout.weight"][0].any()


def test_what_was_read_from_eight_bits_loses_no_more_when_it_is_stored_in_them_again(checkpoint, tmp_path):
    save(checkpoint, tmp_path / "once", "int8")
    once = load(tmp_path / "once")
    save(once, tmp_path / "twice", "int8")
    for name, weight in load(tmp_path / "twice").weights.items():
        np.testing.assert_allclose(weight, once.weights[name], rtol=1e-6)


@pytest.mark.parametrize("number", ["int8", "float16", "float32"])
def test_older_versions_are_told_of_eight_bits_alone(checkpoint, tmp_path, number):
    save(checkpoint, tmp_path / "model", number)
    with safe_open(tmp_path / "model", framework="numpy") as file:
        assert file.metadata()["format_version"] == ("2" if number == "int8" else "1")


def test_a_number_format_that_is_not_there_is_an_error(checkpoint, tmp_path):
    with pytest.raises(ConfigError, match="choose one of float32, float16, int8"):
        save(checkpoint, tmp_path / "model", "int4")
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda t: t.pop("readout.weight.scale"), "readout.weight has the type I8"),
        (lambda t: t.update({"readout.weight.scale": t["readout.weight.scale"][1:]}), "has the shape"),
        (lambda t: t.update({"readout.weight": t["readout.weight"].astype(np.float32)}), "has the type F32"),
        (lambda t: t.update({"readout.bias.scale": np.ones(6, np.float32)}), "too many: readout.bias.scale"),
        (lambda t: t["readout.weight.scale"].fill(np.nan), "values that are not finite"),
        (lambda t: t["readout.weight.scale"].fill(1e30), "values beyond"),
    ],
)
def test_a_file_of_eight_bits_whose_scales_are_wrong_is_damaged(checkpoint, tmp_path, change, why):
    save(checkpoint, tmp_path / "model", "int8")
    with safe_open(tmp_path / "model", framework="numpy") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(tensors)
    metadata["digest"] = seal("2", metadata["header"].encode(), tensors)
    save_file(tensors, tmp_path / "model", metadata)
    with pytest.raises(CheckpointError, match=why):
        load(tmp_path / "model")


def test_a_weight_beyond_half_precision_is_refused_by_name(checkpoint, tmp_path):
    weights = {**checkpoint.weights, "readout.bias": np.full(6, 7e4, np.float32)}
    with pytest.raises(CheckpointError, match=r"readout.bias is too large for float16"):
        save(replace(checkpoint, weights=weights), tmp_path / "model", "float16")
    assert not os.listdir(tmp_path)


def test_half_precision_weights_are_read_as_float32(tmp_path, make_checkpoint):
    checkpoint = make_checkpoint(vocabulary_size=3)
    halves = checkpoint.weights | {"readout.bias": np.array([0, 0.5, 1], np.float16)}
    save(replace(checkpoint, weights=halves), tmp_path / "model")
    bias = load(tmp_path / "model").weights["readout.bias"]
    assert (bias.dtype, bias.tolist()) == (np.dtype(np.float32), [0, 0.5, 1])

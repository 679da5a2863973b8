"""The laws of recording: which value belongs to which character, however the text is read."""

import numpy as np
import pytest
import torch

from charrnn.errors import ConfigError
from charrnn.model import readers
from charrnn.model.config import CELL_NAMES, NONLINEARITIES, ModelConfig
from charrnn.model.network import CharRNN
from charrnn.model.units import Unit
from charrnn.neurons import recording
from charrnn.neurons.recording import record, record_chunks, record_pieces
from charrnn.neurons.signal_names import default_signal, is_bounded, signal_names


def close(a, b):
    np.testing.assert_allclose(a, b, atol=1e-5)


def test_each_cell_has_its_signals():
    lstm = ("h", "c", "tanh_c", "i", "f", "g", "o")
    expected = {"rnn": ("h",), "gru": ("h", "r", "z", "n"), "lstm": lstm, "peephole": lstm}
    assert {cell: signal_names(ModelConfig(7, cell=cell)) for cell in CELL_NAMES} == expected


def test_pictures_show_the_cell_state_where_there_is_one():
    expected = {"rnn": "h", "gru": "h", "lstm": "tanh_c", "peephole": "tanh_c"}
    assert {cell: default_signal(ModelConfig(7, cell=cell)) for cell in CELL_NAMES} == expected


@pytest.mark.parametrize("cell", CELL_NAMES)
@pytest.mark.parametrize("nonlinearity", NONLINEARITIES)
def test_just_the_bounded_signals_keep_to_the_scale_under_large_weights(cell, nonlinearity, ids):
    config = ModelConfig(7, cell=cell, nonlinearity=nonlinearity, hidden_size=5, embedding_size=3)
    model = CharRNN(config, torch.Generator().manual_seed(3))
    with torch.no_grad():
        for name, weight in model.named_weights():
            if name.endswith(("weight_ih", "bias_ih")):
                weight.mul_(9)
    recorded = record(model, np.tile(ids, 9), signal_names(config))
    keeping = {name: bool(np.abs(values).max() <= 1) for name, values in recorded.signals.items()}
    assert keeping == {name: is_bounded(config, name) for name in signal_names(config)}


def test_every_signal_has_a_value_for_each_layer_character_and_unit(each_model, ids):
    names = signal_names(each_model.config)
    recorded = record(each_model, ids, names)
    assert {name: values.shape for name, values in recorded.signals.items()} == dict.fromkeys(names, (2, 23, 5))


def test_recording_in_chunks_equals_recording_at_once(each_model, ids, monkeypatch):
    names = signal_names(each_model.config)
    whole = record(each_model, ids, names)
    monkeypatch.setattr(recording, "CHUNK", 4)
    assert len(list(record_chunks(each_model, ids, names))) == 6
    pieces = record(each_model, ids, names)
    for name in names:
        close(pieces.signals[name], whole.signals[name])
    assert (pieces.candidates == whole.candidates).all()
    close(pieces.chances, whole.chances)


@pytest.mark.parametrize("many", [2, 9], ids=["steps", "fused"])
@pytest.mark.parametrize("characters", [1, 97, 700])
def test_several_readers_record_each_character_once_as_one_reader_does(each_model, characters, many, monkeypatch):
    monkeypatch.setattr(recording, "MANY", many)
    for name, value in {"STRETCH": 60, "READERS": 3, "WARM_UP": 220}.items():
        monkeypatch.setattr(readers, name, value)
    monkeypatch.setattr(recording, "CHUNK", 1)
    names = signal_names(each_model.config)
    ids = np.random.default_rng(2).integers(0, 7, characters)
    whole, seen = record(each_model, ids, names).signals, np.zeros(characters)
    for piece in record_pieces(each_model, ids, names):
        places = slice(piece.start, piece.start + piece.characters)
        seen[places] += 1
        for name in names:
            close(piece.signals[name].numpy(), whole[name][:, places])
    assert (seen == 1).all()


@pytest.mark.parametrize("many", [1, 9], ids=["steps", "fused"])
def test_bfloat16_records_what_float32_does_but_for_rounding(each_model, ids, many, monkeypatch):
    monkeypatch.setattr(recording, "MANY", many)
    names = signal_names(each_model.config)
    whole = record(each_model, ids, names).signals
    for piece in record_pieces(each_model, ids, names, torch.bfloat16):
        for name in names:
            np.testing.assert_allclose(piece.signals[name].float().numpy(), whole[name], atol=0.05)


def test_readers_warm_up_over_a_thousand_characters_at_least():
    assert readers.Readers.over(10**6).warm_up >= 1000


@torch.inference_mode()
def test_a_value_belongs_to_the_state_after_its_character_was_read(each_model, ids):
    recorded = record(each_model, ids, ["h"])
    state = None
    for t, index in enumerate(ids.tolist()):
        _, state = each_model(torch.tensor([[index]]), state)
        for layer in range(2):
            close(recorded.signals["h"][layer, t], state[layer][0][0].numpy())


@pytest.mark.parametrize("cell", ["lstm", "peephole"])
def test_the_cell_state_is_recorded_after_its_character_and_tanh_c_is_its_tanh(cell, ids):
    from charrnn.model.network import CharRNN

    config = ModelConfig(7, cell=cell, num_layers=2, hidden_size=5, embedding_size=3)
    model = CharRNN(config, torch.Generator().manual_seed(3)).eval()
    recorded = record(model, ids, ["c", "tanh_c", "h", "o"])
    with torch.inference_mode():
        _, state = model(torch.from_numpy(ids.astype(np.int64))[None])
    for layer in range(2):
        close(recorded.signals["c"][layer, -1], state[layer][1][0].numpy())
    close(recorded.signals["tanh_c"], np.tanh(recorded.signals["c"]))
    close(recorded.signals["h"], recorded.signals["o"] * recorded.signals["tanh_c"])


def test_a_passage_has_the_values_that_it_has_in_the_whole_text(model, ids):
    whole, passage = record(model, ids, ["c"]), record(model, ids, ["c"], 9, 14)
    close(passage.signals["c"], whole.signals["c"][:, 9:14])
    close(passage.chances, whole.chances[9:14])
    assert (passage.candidates == whole.candidates[9:14]).all()
    assert (passage.ids == ids[9:14]).all()


def test_a_passage_is_read_from_the_warm_up_before_it(model, ids, monkeypatch):
    monkeypatch.setattr(recording, "BEFORE_PASSAGE", 3)
    late = record(model, ids, ["h"], 9, 14).signals["h"]
    close(late, record(model, ids[6:], ["h"], 3, 8).signals["h"])
    assert np.abs(late - record(model, ids[9:14], ["h"]).signals["h"]).max() > 1e-3


def test_a_passage_beyond_the_end_stops_there(model, ids):
    assert len(record(model, ids, ["h"], 20, 99).ids) == 3


@pytest.mark.parametrize(("start", "stop"), [(23, 30), (5, 5), (9, 4), (-1, 4)])
def test_an_empty_passage_is_refused(model, ids, start, stop):
    with pytest.raises(ConfigError, match="the text has 23 characters"):
        record(model, ids, ["h"], start, stop)


@torch.inference_mode()
def test_guesses_are_the_likeliest_next_characters_in_order(model, ids):
    recorded = record(model, ids, ["h"], candidates=3)
    p = model(torch.from_numpy(ids.astype(np.int64))[None])[0][0].softmax(-1).numpy()
    order = np.argsort(-p, axis=1)[:, :3]
    assert (recorded.candidates == order).all()
    close(recorded.chances, np.take_along_axis(p, order, 1))
    assert (np.diff(recorded.chances, axis=1) <= 0).all()


def test_there_are_never_more_guesses_than_characters(model, ids):
    assert record(model, ids, ["h"], candidates=20).candidates.shape == (23, 7)
    assert record(model, ids, ["h"], candidates=0).chances.shape == (23, 0)


def test_an_unknown_signal_is_refused_with_the_choices(model, ids):
    with pytest.raises(ConfigError, match="signal is 'z'; choose one of h, c, tanh_c, i, f, g, o"):
        record(model, ids, ["h", "z"])


def test_a_units_values_are_its_column(model, ids):
    recorded = record(model, ids, ["h"])
    assert (recorded.values(Unit(1, 4), "h") == recorded.signals["h"][1, :, 4]).all()


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("index", [0, 4])
def test_a_unit_is_written_as_it_is_parsed(model, layer, index):
    unit = Unit.parse(f"{layer}:{index}", model.config)
    assert unit == Unit(layer, index)
    assert str(unit) == f"{layer}:{index}"


@pytest.mark.parametrize("text", ["", ":", "1", "0:", ":0", "a:b", "0:1:2", "-1:0", "0: 1", "0.0:1", "²:1"])
def test_what_is_no_unit_is_refused_with_an_example(model, text):
    with pytest.raises(ConfigError, match="is no unit; write LAYER:INDEX"):
        Unit.parse(text, model.config)


@pytest.mark.parametrize("text", ["2:0", "0:5", "99:99", f"{'9' * 5000}:0"])
def test_a_unit_that_the_model_lacks_is_refused(model, text):
    with pytest.raises(ConfigError):
        Unit.parse(text, model.config)

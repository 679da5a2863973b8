"""`charrnn gradients`: of a model, and of fresh cells before and after a short training."""

import json
import xml.etree.ElementTree as ET

import pytest

SHORT = ["--distance", 20, "--losses", 4]
SMALL = [*SHORT, "--steps", 2, "--hidden-size", 6]
NAMES = ["RNN, tanh", "RNN, ReLU", "RNN, ReLU, ×1.6", "LSTM", "LSTM, gates open", "GRU", "peephole LSTM"]


@pytest.fixture
def gradients(charrnn):
    def call(*options):
        result = charrnn("gradients", *options)
        assert result.status == 0, result.err
        return result.out

    return call


def test_of_a_model_each_part_and_layer_is_a_line_of_at_most_80_columns(gradients, run, book):
    lines = gradients(run, book, *SHORT).splitlines()
    assert [line for line in lines if line.startswith("with respect to")] == [
        f"with respect to {name}" for name in ("h and c together", "h alone", "c alone")
    ]
    assert sum(line.startswith("  layer 0 ") for line in lines) == 3
    assert max(map(len, lines[1:])) <= 80


def test_the_json_of_a_model_has_a_number_for_each_distance_and_null_where_there_is_no_gradient(gradients, run, book):
    told = json.loads(gradients(run, book, *SHORT, "--json"))
    assert (told["distance"], told["losses"]) == (20, 4)
    assert set(told["curves"]) == {"state", "h", "c"}
    assert all(len(layer[0]["log10_median"]) == 21 for layer in told["curves"].values())
    assert told["curves"]["c"][0]["log10_median"][0] is None


def test_the_name_of_the_picture_chooses_its_format(gradients, run, book, tmp_path):
    assert gradients(run, book, *SHORT, "-o", tmp_path / "a.png").endswith(f"wrote {tmp_path / 'a.png'}\n")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    gradients(run, book, *SHORT, "-o", tmp_path / "a.svg")
    assert ET.parse(tmp_path / "a.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_the_cells_are_measured_fresh_and_after_training_with_clipping_and_without(gradients, book, tmp_path):
    told = json.loads(gradients("--cells", book, *SMALL, "--json", "-o", tmp_path / "cells.png"))
    assert [cell["name"] for cell in told["cells"]] == NAMES
    assert (tmp_path / "cells.png").read_bytes().startswith(b"\x89PNG")
    for cell in told["cells"]:
        assert cell["fresh"]["train_nats"] is None
        assert all(cell[stage]["largest_grad_norm"] > 0 for stage in ("clipped", "unclipped"))
        medians = [cell[stage]["curve"]["log10_median"] for stage in ("fresh", "clipped", "unclipped")]
        assert medians[0] != medians[1]


def test_the_same_seed_gives_the_same_cells_and_clipping_changes_nothing_of_the_fresh_ones(gradients, book):
    first, again, clipped, other = (
        json.loads(gradients("--cells", book, *SMALL, "--json", *more))["cells"]
        for more in ([], [], ["--clip-norm", 0.001], ["--seed", 1])
    )
    assert first == again
    for before, after, seeded in zip(first, clipped, other, strict=True):
        assert before["fresh"] == after["fresh"] != seeded["fresh"]
        assert before["unclipped"] == after["unclipped"]
        assert before["clipped"]["curve"] != after["clipped"]["curve"]


def test_the_starts_are_what_their_names_say(gradients, book):
    told = {
        c["name"]: c["fresh"]["curve"]["half_life"]
        for c in json.loads(gradients("--cells", book, *SMALL, "--json"))["cells"]
    }
    assert 0 < told["RNN, tanh"] < 4
    assert told["LSTM"] == pytest.approx(told["peephole LSTM"])  # peepholes are 0 at first
    open_gates = told["LSTM, gates open"]
    assert open_gates is None or open_gates < 0 or open_gates > 5 * told["LSTM"]


def test_a_training_that_leaves_the_numbers_is_told_and_has_no_curve(gradients, book, tmp_path, monkeypatch):
    from charrnn.api import cell_gradients as cells

    start = cells.Start("wild", {"cell": "rnn", "nonlinearity": "relu"}, recurrent_scale=1e30)
    monkeypatch.setattr(cells, "STARTS", (start,))
    told = json.loads(gradients("--cells", book, *SMALL, "--json", "-o", tmp_path / "wild.svg"))["cells"][0]
    assert told["fresh"]["curve"] is None
    assert told["clipped"]["diverged"] == 1
    shown = gradients("--cells", book, *SMALL)
    assert "the states overflow" in shown
    assert "diverged at step 1" in shown
    assert "nan" not in shown.lower()


def test_the_table_of_the_cells_fits_80_columns(gradients, book):
    assert max(map(len, gradients("--cells", book, *SMALL).splitlines())) <= 80


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "Give MODEL and SOURCE, or --cells."),
        (["model"], "Give MODEL and SOURCE, or --cells."),
        (["model", "text", "--steps", "3"], "--steps is for --cells."),
        (["--cells", "--part", "val"], "--part is of a MODEL's text"),
    ],
)
def test_an_option_that_would_be_ignored_or_is_missing_is_wrong_usage(charrnn, options, told):
    result = charrnn("gradients", *options)
    assert result.status == 2
    assert told in result.err


def test_a_text_too_short_to_measure_on_is_found_out_before_the_training(charrnn):
    result = charrnn("gradients", "--cells", "-", stdin=b"the cat sat on the mat\n" * 20)
    assert result.status == 1
    assert "give" in result.err
    assert "Traceback" not in result.err

"""What is measured and told of a model: the figures agree wherever they are shown."""

import json
import math

import pytest

from charrnn.cli.score import UNKNOWN_NATS
from charrnn.model.checkpoint import FORMAT_VERSION


def report(result):
    assert result.status == 0, result.err
    assert result.out.count("\n") == 1
    return json.loads(result.out)


@pytest.mark.parametrize("part", ["val", "test"])
def test_a_score_of_a_part_is_the_trainings_to_the_last_digit(charrnn, trained, run, book, part):
    score = report(charrnn("score", run, book, "--part", part, "--json"))
    assert score["nats_per_character"] == json.loads(trained.out)[f"{part}_nats"]


def test_a_score_has_the_keys_of_the_contract_and_they_agree(charrnn, run, book):
    score = report(charrnn("score", run, book, "--json"))
    assert set(score) >= {"characters", "nats_per_character", "bits_per_character", "perplexity", "unknown"}
    nats = score["nats_per_character"]
    assert score["characters"] == len(book.read_text("utf-8")) - 1
    assert score["bits_per_character"] == pytest.approx(nats / math.log(2))
    assert score["perplexity"] == pytest.approx(math.exp(nats))
    assert score["unknown"] == 0


def test_a_score_for_people_shows_the_same_figures(charrnn, run, book):
    nats = report(charrnn("score", run, book, "--json"))["nats_per_character"]
    assert charrnn("score", run, book).out.startswith(f"{nats:.4f} nats per character ({nats / math.log(2):.4f} bits")


def test_a_score_of_stdin_is_that_of_the_file(charrnn, run, book):
    piped = report(charrnn("score", run, "-", "--json", stdin=book.read_bytes()))
    assert piped == report(charrnn("score", run, book, "--json"))


def test_an_unknown_character_costs_as_much_as_any_of_unicode(charrnn, run):
    known = report(charrnn("score", run, "-", "--json", stdin=b"the cat sat"))
    mixed = report(charrnn("score", run, "-", "--json", stdin="the cЖat saЖt".encode()))
    assert (known["unknown"], mixed["unknown"]) == (0, 2)
    assert mixed["nats_per_character"] * 12 == pytest.approx(known["nats_per_character"] * 10 + 2 * UNKNOWN_NATS)


def test_a_score_on_the_text_of_the_training_tells_so(charrnn, run, book):
    assert "Note: the model was trained on" in charrnn("score", run, book).err
    assert charrnn("score", run, book, "--part", "val").err == ""


def test_no_bar_is_drawn_where_stderr_is_no_terminal(charrnn, run):
    assert charrnn("score", run, "-", stdin=b"the cat sat").err == ""


def test_info_has_the_keys_of_the_contract(charrnn, run, trained, book):
    info = report(charrnn("info", run, "--json"))
    assert info["format_version"] == FORMAT_VERSION
    assert {name: info[name] for name in ("cell", "num_layers", "hidden_size", "embedding_size")} == {
        "cell": "lstm",
        "num_layers": 1,
        "hidden_size": 16,
        "embedding_size": 8,
    }
    assert info["vocabulary_size"] == len(set(book.read_text("utf-8")))
    trained = json.loads(trained.out)
    assert (info["parameters"], info["val_nats"]) == (trained["parameters"], trained["val_nats"])
    assert info["step"] in (10, 20, 30)
    assert set(info["corpus"]) >= {"name", "sha256", "characters", "split"}
    assert info["created"]
    assert info["charrnn_version"]


def test_info_for_people_shows_the_same_figures(charrnn, run):
    shown, info = charrnn("info", run).out, report(charrnn("info", run, "--json"))
    assert all(line.isprintable() for line in shown.splitlines())
    assert f"{info['parameters']:,}\n" in shown
    assert f"{info['val_nats']:.4f} nats per character ({info['val_nats'] / math.log(2):.4f} bits)" in shown
    assert info["corpus"]["sha256"] in shown

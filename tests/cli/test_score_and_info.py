"""What is measured and told of a model: the figures agree wherever they are shown."""

import json
import math
from pathlib import Path

import pytest

from charrnn.evaluation.scoring import UNKNOWN_NATS


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
    assert (info["format_version"], info["number_format"]) == (1, "float32")
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
    assert f"{info['parameters']:,}, stored in {info['number_format']}\n" in shown
    assert f"{info['val_nats']:.4f} nats per character ({info['val_nats'] / math.log(2):.4f} bits)" in shown
    assert info["corpus"]["sha256"] in shown


def test_the_baseline_stands_beside_the_score_of_a_part(charrnn, run, book):
    score = report(charrnn("score", run, book, "--part", "test", "--baseline", "--json"))
    assert [line["order"] for line in score["baselines"]] == [*range(1, 11)]
    nats = [line["nats_per_character"] for line in score["baselines"]]
    assert nats[0] > nats[3] > 0
    shown = charrnn("score", run, book, "--part", "test", "--baseline").out
    assert all(f"{value:.4f}" in shown for value in nats)
    assert f"{abs(score['nats_per_character'] - min(nats)):.4f} nats more than the best" in shown
    piped = charrnn("score", run, "-", "--part", "test", "--baseline", stdin=book.read_bytes())  # which is read once
    assert piped.out == shown


def test_the_baseline_is_refused_where_the_text_was_learned_from_or_is_another(charrnn, run, book):
    assert "choose --part val or --part test" in charrnn("score", run, book, "--baseline").err
    assert "not the text" in charrnn("score", run, "-", "--baseline", "--part", "test", stdin=b"other text").err


def test_a_model_that_goes_on_learning_gains_and_its_file_stays(charrnn, run, book):
    file = Path(run) / "best.safetensors"
    before = file.read_bytes()
    score = report(charrnn("score", run, book, "--dynamic", "--json"))
    assert score["dynamic"]["nats_per_character"] < score["nats_per_character"]
    assert file.read_bytes() == before
    assert "learning as it reads: " in charrnn("score", run, book, "--dynamic").out


def test_the_model_that_a_text_is_most_like_comes_first(charrnn, run, hello):
    texts = {str(hello): b"hello" * 250, run: b"hoe the eel hole lee ho hello heel hole the eel " * 25}
    for like, text in texts.items():
        score = report(charrnn("score", run, "-", "--against", hello, "--json", stdin=text))
        assert score["most_like"] == like
        assert next(line["model"] for line in score["models"]) == like
        best, second = score["models"]
        assert second["mean"] == pytest.approx(second["nats_per_character"] - best["nats_per_character"])
        assert second["low"] < second["mean"] < second["high"]
        for passage in score["passages"]:
            assert text.decode()[passage["start"] : passage["end"]] == passage["text"]
            assert (passage["saved"] > 0) == (passage["like"] == like)
    shown = charrnn("score", run, "-", "--against", hello, stdin=b"hello" * 250).out
    assert f"The text is most like {hello}." in shown


def test_the_figures_of_a_model_are_the_same_alone_and_against_another(charrnn, run, hello, book):
    alone = report(charrnn("score", run, book, "--json"))
    beside = report(charrnn("score", run, book, "--against", hello, "--json"))
    assert {name: beside[name] for name in alone} == alone


def test_a_short_text_has_no_interval(charrnn, run, hello):
    score = report(charrnn("score", run, "-", "--against", hello, "--json", stdin=b"hello hello"))
    assert [line["low"] for line in score["models"]] == [None, None]
    shown = charrnn("score", run, "-", "--against", hello, stdin=b"hello hello").out
    assert "(too short to tell)" in shown
    assert f"most like {hello}, but this may be chance." in shown


@pytest.mark.parametrize(("part", "trained_on"), [("all", 1.0), ("train", 1.0), ("val", 0.0), ("test", 0.0)])
def test_a_comparison_says_which_model_was_trained_on_the_text(charrnn, run, hello, book, part, trained_on):
    result = charrnn("score", run, book, "--part", part, "--against", hello, "--json")
    models = {line["model"]: line["trained_on"] for line in report(result)["models"]}
    read = report(charrnn("info", run, "--json"))["corpus"]["split"]["train"]
    assert models == {run: int(trained_on * read), str(hello): 0}
    assert ("which flatters it here" in result.err) == (trained_on > 0)


def test_the_other_model_too_may_have_been_trained_on_the_text(charrnn, run, hello, book):
    result = charrnn("score", hello, book, "--against", run)
    assert f"Note: {run} was trained on" in result.err


def test_the_surprise_of_every_character_is_shown_in_colour_or_marks(charrnn, run, book):
    options = ["score", run, book, "--color", "--start", 20, "--length", 60]
    shown = charrnn(*options).out
    rows = [row for row in book.read_text("utf-8")[20:80].split("\n") if row]
    assert all(row in shown for row in rows)
    assert "0 ▁▂▃▄▅▆▇█ 7   surprisal in nats" in shown
    assert "\x1b[" in charrnn(*options, FORCE_COLOR="1", COLORTERM="truecolor", TERM="xterm").out


def test_the_page_of_a_score_has_the_text_and_its_nats(charrnn, run, tmp_path):
    page = tmp_path / "page.html"
    result = charrnn("score", run, "-", "--html", page, stdin=b"<b>the cat</b>\x1b[31m")
    assert result.status == 0
    assert result.err == f"wrote {page}\n"
    source = page.read_text("utf-8")
    assert "default-src 'none'" in source
    assert "<b>the" not in source
    assert "\x1b" not in source
    assert f"&lt;  {UNKNOWN_NATS:.3f}" in source


@pytest.mark.parametrize("options", [["--color", "--start", 9], ["--html", "x", "--start", 100]])
def test_a_start_beyond_the_text_is_refused(charrnn, run, options):
    result = charrnn("score", run, "-", *options, stdin=b"the cat")
    assert (result.status, result.out) == (1, "")
    assert "the text has 7 characters" in result.err


def test_color_and_json_contradict_each_other(charrnn, run, book):
    assert charrnn("score", run, book, "--color", "--json").status == 2


def test_a_text_read_in_another_way_is_told_with_the_options_of_its_training(charrnn, train, tmp_path):
    text = tmp_path / "crlf.txt"
    text.write_bytes(b"a cat sat on a mat\r\n" * 60)
    run = train("--steps=2", "--newlines=keep", source=text)
    assert charrnn("score", run, text, "--part=test", "--newlines=keep").status == 0
    result = charrnn("score", run, text, "--part=test")
    assert result.status == 1
    assert "give --newlines keep, as its training did, or leave --part out" in result.err


def test_a_text_in_another_unicode_form_is_told(charrnn, train, tmp_path):
    text = tmp_path / "cafe.txt"
    text.write_text("un café noir\n" * 60, "utf-8")
    run = train("--steps=2", source=text)
    for command in (("score", run, "-"), ("neurons", "show", run, "-", "--unit=0:1")):
        result = charrnn(*command, stdin="cafe\u0301 noir cafe\u0301 noir".encode())
        assert result.status == 0, result.err
        assert "with --normalize nfc " in result.err
        assert "--normalize" not in charrnn(*command, stdin="café noir café".encode()).err

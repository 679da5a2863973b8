"""Words, and what stands between spaces, on the command line: trained, resumed to the last bit, sampled and scored."""

import json
import random

import pytest
from safetensors.numpy import load_file

import charrnn as library
from charrnn.evaluation.scoring import UNKNOWN_NATS

SMALL = ("--hidden-size=16", "--embedding-size=8", "--batch-size=4", "--seq-length=16")
SMALL = (*SMALL, "--precision=float32", "--threads=1", "--schedule=constant", "--warmup=0")
CHOICE = random.Random(1)
STORY = " ".join(CHOICE.choices(["the", "cat", "didn't", "sat", "on", "mats,", "rarely"], k=3000)) + " zebras."
TUNES = "".join(" ".join(CHOICE.choices(["d2", "e", "f2", "|", ":|"], k=8)) + "\n" for _ in range(300))


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    path = tmp_path_factory.mktemp("words") / "story.txt"
    path.write_text(STORY)
    return path


@pytest.fixture(scope="module")
def tunes(tmp_path_factory):
    path = tmp_path_factory.mktemp("spaced") / "tunes.txt"
    path.write_text(TUNES)
    return path


@pytest.fixture(scope="module")
def words(charrnn, story, tmp_path_factory):
    """What `train --json` tells of a run of words."""
    out = tmp_path_factory.mktemp("runs") / "words"
    result = charrnn("train", story, "--symbols", "word", *SMALL, "--steps", 40, "--out", out, "--json")
    assert result.status == 0, result.err
    return json.loads(result.out) | {"err": result.err}


@pytest.fixture(scope="module")
def phones(charrnn, tunes, tmp_path_factory):
    """What `train --json` tells of a run of items whose symbols are spaced."""
    out, spaced = tmp_path_factory.mktemp("runs") / "tunes", ("--each", "line", "--symbols", "spaced")
    result = charrnn("train", tunes, *spaced, *SMALL, "--steps", 40, "--out", out, "--json")
    assert result.status == 0, result.err
    return json.loads(result.out)


def weights(path):
    return {name: tensor.tobytes() for name, tensor in load_file(path).items()}


def test_a_run_of_words_tells_which_are_symbols_and_its_losses_by_symbol_and_character(words):
    assert "7 words and 20 characters are symbols; 1 rarer word, at 1 place, is spelled" in words["err"]
    assert words["symbols"] == "word"
    ratio = words["val_nats"] / words["val_nats_per_character"]
    assert 2 < ratio < 4


def test_info_tells_of_words(charrnn, words):
    told = json.loads(charrnn("info", words["run"], "--json").out)
    assert (told["format_version"], told["symbols"]) == (4, "word")
    assert "didn't" in told["longer_symbols"]
    assert "zebras" not in told["longer_symbols"]
    assert "z" in told["vocabulary"]
    shown = charrnn("info", words["run"]).out
    assert "word; 7 longer than a character: cat didn't mats on" in shown
    assert "nats per symbol" in shown


def test_a_run_of_words_goes_on_to_the_last_bit(charrnn, story, words, tmp_path):
    part = tmp_path / "part"
    charrnn("train", story, "--symbols", "word", *SMALL, "--steps", 17, "--out", part)
    resumed = charrnn("train", "--resume", part, "--steps", 40)
    assert resumed.status == 0, resumed.err
    assert weights(part / "last.safetensors") == weights(words["run"] + "/last.safetensors")


def test_words_are_sampled_and_length_counts_them(charrnn, words):
    model = library.load(words["run"])
    drawn = list(model.sample(30, seed=1, prime="the cat"))
    assert len(drawn) == 30
    assert any(len(word) > 1 for word in drawn)
    result = charrnn("sample", words["run"], "--length", 30, "--seed", 1, "--prime", "the cat")
    assert result.out == "".join(drawn)
    many = charrnn("sample", words["run"], "--length", 9, "--seed", 1, "--count", 16, "--json")
    assert all(max(each["text"]) < "\U000f0000" for each in json.loads(many.out)["samples"])


def test_a_sample_of_words_ends_with_the_word_that_has_the_stop_text(charrnn, words):
    out = charrnn("sample", words["run"], "--seed", 1, "--stop", "a").out
    assert "a" in out
    assert "a" not in out[: -len("didn't")]
    beam = charrnn("sample", words["run"], "--beam", 3, "--length", 5)
    assert beam.status == 0, beam.err


def test_words_are_scored_by_symbol_and_by_character(charrnn, words, tmp_path):
    (tmp_path / "text.txt").write_text("the cat ß")
    told = json.loads(charrnn("score", words["run"], tmp_path / "text.txt", "--json", "--nats").out)
    assert (told["symbols"], told["characters"], told["unknown"]) == (4, 6, 1)
    assert told["nats"][-1] == pytest.approx(UNKNOWN_NATS)
    total = sum(told["nats"])
    assert told["nats_per_symbol"] == pytest.approx(total / 4)
    assert told["nats_per_character"] == pytest.approx(total / 6)
    shown = charrnn("score", words["run"], tmp_path / "text.txt").out
    assert "nats per symbol" in shown
    assert "nats per character" in shown


def test_the_held_out_loss_is_that_which_score_tells(charrnn, story, words):
    told = json.loads(charrnn("score", words["run"], story, "--part", "val", "--json").out)
    assert told["nats_per_symbol"] == pytest.approx(words["val_nats"], abs=1e-5)
    assert told["nats_per_character"] == pytest.approx(words["val_nats_per_character"], rel=0.02)


def test_a_model_of_words_is_held_against_one_of_characters(charrnn, story, words, tmp_path):
    out = tmp_path / "characters"
    charrnn("train", story, *SMALL, "--steps", 40, "--out", out)
    told = json.loads(charrnn("score", words["run"], story, "--part", "test", "--against", out, "--json").out)
    assert {line["model"] for line in told["models"]} == {words["run"], str(out)}
    assert told["models"][0]["nats_per_character"] <= told["models"][1]["nats_per_character"]
    runs = json.loads(charrnn("compare", words["run"], out, "--json").out)["runs"]
    assert runs[0]["val_nats"] == pytest.approx(words["val_nats_per_character"])
    reverse = json.loads(charrnn("score", out, story, "--part", "test", "--against", words["run"], "--json").out)
    assert reverse["most_like"] == told["most_like"]


def test_dynamic_evaluation_and_baselines_of_words(charrnn, story, words):
    told = json.loads(charrnn("score", words["run"], story, "--part", "val", "--dynamic", "--baseline", "--json").out)
    assert told["dynamic"]["symbols"] == told["symbols"]
    assert min(line["nats_per_character"] for line in told["baselines"]) < told["nats_per_character"]


def test_a_new_run_from_a_model_of_words_keeps_its_words(charrnn, words, tmp_path):
    (tmp_path / "other.txt").write_text("the zebra sat on a ßtone " * 50)
    out = tmp_path / "other"
    result = charrnn("train", tmp_path / "other.txt", "--init-from", words["run"], "--steps", 3, "--out", out)
    assert result.status == 0, result.err
    assert "new to the model: 1 symbol of the text" in result.err
    assert json.loads(charrnn("info", out, "--json").out)["symbols"] == "word"
    refused = charrnn(
        "train", tmp_path / "other.txt", "--init-from", words["run"], "--symbols", "spaced", "--out", tmp_path / "x"
    )
    assert refused.status == 1
    assert "symbols is word in the model to begin from; leave --symbols spaced out" in refused.err


def test_items_of_spaced_symbols_are_written_with_one_space(charrnn, phones):
    out = charrnn("sample", phones["run"], "--count", 9, "--seed", 1, "--prime", "d2  e").out
    for line in out.splitlines():
        assert line.startswith("d2 e")
        assert line.split(" ") == line.split()
        assert set(line.split()) <= {"d2", "e", "f2", "|", ":|"}
    result = charrnn("sample", phones["run"], "--prime", "d2 q")
    assert result.status == 1
    assert "never seen 1 symbol: 'q' (U+0071)" in result.err


def test_items_of_spaced_symbols_are_new_or_in_the_text(charrnn, phones, tunes):
    told = json.loads(charrnn("sample", phones["run"], "--count", 20, "--new", "--json", "--text", tunes).out)
    assert not {each["item"] for each in told["samples"]} & set(TUNES.splitlines())
    assert all(each["nearest"] in TUNES for each in told["samples"])


def test_items_of_spaced_symbols_are_scored_by_character_too(charrnn, phones, tmp_path):
    (tmp_path / "two.txt").write_text("d2  e\nf2 | zz\n")
    told = json.loads(charrnn("score", phones["run"], tmp_path / "two.txt", "--json").out)
    assert [item["symbols"] for item in told["items"]] == [3, 4]
    assert [item["characters"] for item in told["items"]] == [5, 8]
    assert [item["unknown"] for item in told["items"]] == [0, 1]
    assert told["nats_per_symbol"] * 7 == pytest.approx(told["nats_per_character"] * 13)
    whole = json.loads(charrnn("score", phones["run"], tmp_path / "two.txt", "--sort", "surprise", "--json").out)
    assert whole["symbols"] == 7


def test_units_are_found_and_shown_by_symbol(charrnn, story, words):
    shown = json.loads(
        charrnn("neurons", "show", words["run"], story, "--unit", "0:1", "--length", 20, "--format", "json").out
    )
    assert len(shown["symbols"]) == len(shown["values"]) == 20
    assert "".join(shown["symbols"]) == shown["text"]
    found = charrnn("neurons", "find", words["run"], story, "--part", "train", "--feature", "the=the", "--json")
    assert found.status == 0, found.err
    assert json.loads(found.out)["features"][0]["feature"] == "the"


def test_a_trace_and_a_page_of_words(charrnn, story, words, tmp_path):
    traced = json.loads(
        charrnn("neurons", "trace", words["run"], story, "--at", 30, "--of", "cat", "--format", "json").out
    )
    assert traced["of"] == "cat"
    assert len(traced["symbols"]) == len(traced["influence"])
    page = tmp_path / "page.html"
    result = charrnn("neurons", "explore", words["run"], story, "--length", 200, "-o", page)
    assert result.status == 0, result.err
    assert "it runs no network of symbols longer than a character" in result.err
    assert '"didn\'t"' in page.read_text("utf-16")
    refused = charrnn("neurons", "compare", words["run"], words["run"], story)
    assert "units are matched character by character" in refused.err


def test_an_export_has_the_symbols(charrnn, words, tmp_path):
    charrnn("export", words["run"], "-o", tmp_path / "model.json")
    told = json.loads((tmp_path / "model.json").read_text())
    assert told["symbols"] == "word"
    assert "didn't" in told["characters"]
    assert set(told["line_beginnings"]) <= set(told["characters"])

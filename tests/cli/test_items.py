"""Items on the command line: trained, stopped and resumed to the last bit; what is wrong is told in one line."""

import json
import random

import pytest
from safetensors.numpy import load_file

from charrnn.text.item_index import NAME as ITEMS

SMALL = ("--hidden-size=16", "--embedding-size=8", "--batch-size=8", "--precision=float32", "--threads=1")
WORDS = ["".join(random.Random(n).choices(["an", "bo", "cel", "di", "é"], k=n % 4 + 1)) for n in range(400)]


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    path = tmp_path_factory.mktemp("items") / "names.txt"
    path.write_text("\n".join([*WORDS, "", ""]) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    path = tmp_path_factory.mktemp("items") / "reviews.csv"
    rows = [f'"{word}, {word}\n!",{"long" if len(word) > 4 else "short"}' for word in WORDS]
    path.write_text("\n".join(["text,kind", *rows]) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def run(charrnn, names, tmp_path_factory):
    """What `train --json` tells of a run of the names."""
    out = tmp_path_factory.mktemp("runs") / "names"
    result = charrnn("train", names, "--each", "line", *SMALL, "--steps", 60, "--out", out, "--json")
    assert result.status == 0, result.err
    return json.loads(result.out) | {"err": result.err}


def weights(path):
    return {name: tensor.tobytes() for name, tensor in load_file(path).items()}


def test_a_run_of_items_tells_of_them(run):
    assert run["items"]["each"] == "line"
    assert sum(run["items"]["split"].values()) == 400
    assert run["items"]["duplicates"] == 400 - len(set(WORDS))
    assert "2 empty lines left out" in run["err"]
    assert f"{400 - len(set(WORDS))} of the 400 items repeat an earlier one" in run["err"]
    assert run["stopped"] == "finished"
    assert run["test_nats"] is not None


def test_info_tells_how_the_text_was_cut(charrnn, run):
    told = json.loads(charrnn("info", run["run"], "--json").out)
    assert told["format_version"] == 3
    assert told["corpus"]["items"] == run["items"]
    shown = charrnn("info", run["run"]).out
    assert "400 items, each a line" in shown
    assert "U+DFFF" not in shown


def test_a_run_that_goes_on_ends_as_one_without_a_stop_to_the_last_bit(charrnn, names, tmp_path):
    options = ("--each", "line", *SMALL, "--seq-length", 4, "--schedule", "constant", "--warmup", 0, "--dropout", 0.2)
    charrnn("train", names, *options, "--steps", 60, "--out", tmp_path / "whole")
    charrnn("train", names, *options, "--steps", 26, "--out", tmp_path / "part")
    resumed = charrnn("train", "--resume", tmp_path / "part", "--steps", 60)
    assert resumed.status == 0, resumed.err
    assert weights(tmp_path / "part" / "last.safetensors") == weights(tmp_path / "whole" / "last.safetensors")


def test_the_same_items_in_another_order_give_the_same_model(charrnn, names, run, tmp_path):
    lines = names.read_text("utf-8").split("\n")
    (tmp_path / "names.txt").write_text("\n".join(random.Random(2).sample(lines, len(lines))) + "\n", "utf-8")
    out = tmp_path / "run"
    charrnn("train", tmp_path / "names.txt", "--each", "line", *SMALL, "--steps", 60, "--out", out)
    assert weights(out / "best.safetensors") == weights(run["best"])


def test_the_index_of_the_items_is_made_anew_by_resume(charrnn, names, run, tmp_path):
    out = tmp_path / "run"
    charrnn("train", names, "--each", "line", *SMALL, "--steps", 5, "--out", out)
    kept = (out / ITEMS).read_bytes()
    (out / ITEMS).unlink()
    charrnn("train", "--resume", out, "--steps", 6)
    assert (out / ITEMS).read_bytes() == kept
    assert charrnn("doctor", out).status == 0
    (out / ITEMS).write_bytes(b"x" * 100)
    told = charrnn("doctor", out)
    assert told.status == 1
    assert "items.npy cannot be read" in told.out


def test_classes_are_named_and_a_changed_set_of_them_is_refused(charrnn, reviews, tmp_path):
    path, out = tmp_path / "reviews.csv", tmp_path / "run"
    path.write_text(reviews.read_text("utf-8"), "utf-8")
    result = charrnn("train", path, "--each", "text", "--label", "kind", *SMALL, "--steps", 9, "--out", out, "--json")
    assert json.loads(result.out)["items"]["labels"] == ["long", "short"]
    assert "[long] " in result.err
    path.write_text(path.read_text("utf-8") + "x,other\n", "utf-8")
    result = charrnn("train", "--resume", out, "--steps", 12, "--force")
    assert result.status == 1
    assert "now has other labels" in result.err
    result = charrnn("train", path, "--each", "text", "--label", "kind", "--init-from", out, "--steps", 2)
    assert "has the labels long, short, and the text has long, other, short" in result.err


def test_a_model_of_a_text_can_go_on_with_items(charrnn, names, trained, tmp_path):
    result = charrnn(
        "train",
        names,
        "--each",
        "line",
        "--init-from",
        json.loads(trained.out)["run"],
        "--steps",
        3,
        "--out",
        tmp_path / "r",
    )
    assert result.status == 0, result.err
    assert "new to the model" in result.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--each", "kin"], "has no column kin; did you mean kind?"),
        (["--each", "text", "--label", "label"], "has no column label; choose one of its columns: text, kind"),
        (["--each", "line", "--label", "kind"], "a line has no column kind; name the column of the texts too"),
        (["--each", ""], "no way to cut the text into items is named; choose line, file, paragraph or a column"),
        (["--each", "file"], "has 1 item; give at least two"),
        (["--each", "text", "--label", "text"], "distinct labels; choose a column with 2 to 1,000"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(charrnn, reviews, tmp_path, options, message):
    if options[-1] == "text":
        reviews = tmp_path / "many.csv"
        reviews.write_text("text,kind\n" + "".join(f"{n},x\n" for n in range(1001)))
    result = charrnn("train", reviews, *options, *SMALL, "--steps", 3, "--out", tmp_path / "run")
    assert result.status == 1
    assert message in result.err
    assert result.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("option", [["--unique"], ["--label", "kind"]])
def test_options_of_items_need_each(charrnn, names, option):
    result = charrnn("train", names, *option)
    assert result.status == 2
    assert f"{option[0]} is for items; give --each too." in result.err


def lines(result):
    assert result.status == 0, result.err
    return result.out.splitlines()


def test_sample_writes_an_item_a_line_and_a_summary(charrnn, run):
    result = charrnn("sample", run["run"], "--count", 30, "--seed", 1, "--temperature", 0.5)
    assert len(lines(result)) == 30
    assert "Note: 30 items: distinct" in result.err
    assert lines(charrnn("sample", run["run"], "--count", 30, "--seed", 1, "--temperature", 0.5)) == lines(result)
    assert all(line.startswith("an") for line in lines(charrnn("sample", run["run"], "--count", 9, "--prime", "an")))


def test_new_items_are_no_lines_of_the_text(charrnn, run, names):
    drawn = lines(charrnn("sample", run["run"], "--count", 200, "--seed", 1, "--new", "--distinct"))
    assert len(set(drawn)) == 200
    assert not set(drawn) & set(names.read_text("utf-8").splitlines())
    every = lines(charrnn("sample", run["run"], "--count", 200, "--seed", 1))
    assert set(every) & set(names.read_text("utf-8").splitlines())


def test_json_tells_the_nearest_item_where_the_text_is_named(charrnn, run, names):
    sample = ("sample", run["run"], "--count", 5, "--seed", 1, "--json")
    told = json.loads(charrnn(*sample).out)
    assert [each["nearest"] for each in told["samples"]] == [None] * 5
    assert {type(each["in_text"]) for each in told["samples"]} == {bool}
    told = json.loads(charrnn(*sample, "--text", names).out)
    assert all(each["nearest"] in WORDS for each in told["samples"])
    assert all((each["distance"] == 0) == each["in_text"] for each in told["samples"])


def test_a_model_without_its_folder_needs_the_text_to_tell_what_is_new(charrnn, run, names, tmp_path):
    (tmp_path / "model.safetensors").write_bytes((names.parent / run["best"]).read_bytes())
    result = charrnn("sample", tmp_path / "model.safetensors", "--new")
    assert result.status == 1
    assert "the text is not at hand; name it with --text SOURCE" in result.err
    assert len(lines(charrnn("sample", tmp_path / "model.safetensors", "--new", "--text", names))) == 1


def test_zero_bytes_can_end_items_and_a_file_take_them(charrnn, run, tmp_path):
    result = charrnn("sample", run["run"], "--count", 7, "--seed", 2, "-0")
    assert result.out.count("\0") == 7
    written = charrnn("sample", run["run"], "--count", 7, "--seed", 2, "-0", "-o", tmp_path / "out.txt")
    assert written.out == f"wrote {tmp_path / 'out.txt'}\n"
    assert (tmp_path / "out.txt").read_text("utf-8") == result.out


def test_zero_bytes_cannot_end_items_that_may_hold_them(charrnn, tmp_path):
    (tmp_path / "zeros.txt").write_text("\n".join(["a\0b", *WORDS]), "utf-8")
    charrnn("train", tmp_path / "zeros.txt", "--each", "line", *SMALL, "--steps", 2, "--out", tmp_path / "run")
    result = charrnn("sample", tmp_path / "run", "-0")
    assert result.status == 1
    assert "may hold zero bytes, which are to end them; leave -0 out" in result.err
    assert charrnn("sample", tmp_path / "run").status == 0


@pytest.mark.parametrize("option", [["--beam", "3"], ["--stop", "x"], ["--interactive"], ["--alternatives"]])
def test_options_of_running_texts_are_refused_for_items(charrnn, run, option):
    result = charrnn("sample", run["run"], *option)
    assert result.status == 2
    assert f"{option[0]} is not for this model: it is one of items" in result.err


@pytest.mark.parametrize("option", [["--new"], ["--distinct"], ["--null"], ["--text", "x"], ["--label", "x"]])
def test_options_of_items_are_refused_for_running_texts(charrnn, option):
    result = charrnn("sample", "tolstoy", *option)
    assert result.status == 2
    assert f"{option[0]} is not for this model: it is one of a running text" in result.err


def test_a_running_text_goes_to_a_file_too(charrnn, tmp_path):
    sample = ("sample", "tolstoy", "--length", 30, "--seed", 1)
    assert charrnn(*sample, "-o", tmp_path / "out.txt").status == 0
    assert (tmp_path / "out.txt").read_text("utf-8") == charrnn(*sample).out


def test_a_class_is_chosen_by_its_label(charrnn, reviews, tmp_path):
    out = tmp_path / "run"
    charrnn("train", reviews, "--each", "text", "--label", "kind", *SMALL, "--steps", 2, "--out", out)
    one, other = (
        charrnn("sample", out, "--label", label, "--seed", 1, "--count", 30).out for label in ("long", "short")
    )
    assert one != other
    result = charrnn("sample", out)
    assert result.status == 1
    assert "has a class for each kind: long, short; name one with --label" in result.err
    result = charrnn("neurons", "find", out, reviews)
    assert "has a class for each kind, and this is for models without classes" in result.err


def scored(charrnn, *arguments):
    result = charrnn("score", *arguments, "--json")
    assert result.status == 0, result.err
    return json.loads(result.out)


def test_the_score_of_a_part_is_the_loss_of_the_training(charrnn, run, names):
    for part in ("val", "test"):
        told = scored(charrnn, run["run"], names, "--part", part)
        assert told["nats_per_character"] == pytest.approx(run[f"{part}_nats"], abs=1e-5)
        assert len(told["items"]) == run["items"]["split"][part]
    result = charrnn("score", run["run"], names.with_name("reviews.csv"), "--part", "test")
    assert result.status == 1


def test_each_item_has_its_own_score_whatever_is_beside_it(charrnn, run, tmp_path):
    (tmp_path / "two").write_text("anbo\ncelané\n", "utf-8")
    (tmp_path / "other").write_text("xyz\ncelané\nbo\n", "utf-8")
    two, other = (scored(charrnn, run["run"], tmp_path / name, "--nats") for name in ("two", "other"))
    assert two["items"][1]["character_nats"] == pytest.approx(other["items"][1]["character_nats"], abs=1e-5)
    assert other["unknown"] == other["items"][0]["unknown"] == 3
    for item in (*two["items"], *other["items"]):
        assert item["characters"] == len(item["character_nats"]) == len(item["text"]) + 1
        assert item["nats"] == pytest.approx(sum(item["character_nats"]), abs=1e-4)
        assert item["first_nats"] == pytest.approx(item["character_nats"][0])
    assert two["nats_per_character"] == pytest.approx(sum(i["nats"] for i in two["items"]) / two["characters"])


def test_what_fits_least_comes_first(charrnn, run, names):
    told = scored(charrnn, run["run"], names, "--sort", "surprise")["items"]
    means = [item["nats_per_character"] for item in told]
    assert means == sorted(means, reverse=True)
    shown = charrnn("score", run["run"], names, "--sort", "surprise").out.splitlines()
    assert "the ends of 400 items among them" in shown[0]
    assert shown[2].endswith(told[0]["text"])


def test_classes_are_told_apart_by_what_the_model_expects(charrnn, tmp_path):
    table, out = tmp_path / "table.csv", tmp_path / "run"
    rows = [f"{'ab'[n % 2] * (n % 5 + 3)},{'first' if n % 2 else 'second'}" for n in range(200)]
    table.write_text("\n".join(["text,kind", *rows]), "utf-8")
    learned = ("--steps", 150, "--learning-rate", 0.03, "--dropout", 0)
    charrnn("train", table, "--each", "text", "--label", "kind", *SMALL, *learned, "--out", out)
    told = scored(charrnn, out, table, "--by", "label")
    assert told["accuracy"] == 1.0
    assert all(item["most_like"] == item["label"] for item in told["items"])
    assert all(
        item["margin"] == pytest.approx(abs(item["by_label"]["first"] - item["by_label"]["second"]))
        for item in told["items"]
    )
    assert scored(charrnn, out, table)["nats_per_character"] == pytest.approx(told["nats_per_character"])
    drawn = {label: charrnn("sample", out, "--label", label, "--count", 20).out for label in ("first", "second")}
    assert "a" not in drawn["first"]
    assert "b" not in drawn["second"]
    few = tmp_path / "few"
    few.write_text("aaa\nbbb\n")
    assert [i["most_like"] for i in scored(charrnn, out, few, "--each", "line", "--by", "label")["items"]] == [
        "second",
        "first",
    ]
    others, own = scored(charrnn, out, few, "--each", "line", "--label", "first")["items"]
    assert own["nats"] < 5 < others["nats"]
    result = charrnn("score", out, few, "--each", "line")
    assert "the items have none; name one with --label, or ask for --by label" in result.err
    (tmp_path / "new.csv").write_text("text,kind\naa,first\nbb,third\n")
    result = charrnn("score", out, tmp_path / "new.csv")
    assert "the model was trained on no kind third" in result.err


@pytest.mark.parametrize("option", [["--dynamic"], ["--baseline"]])
def test_score_refuses_options_of_running_texts_for_items(charrnn, run, names, option):
    result = charrnn("score", run["run"], names, *option)
    assert result.status == 2
    assert f"{option[0]} is not for this model: it is one of items" in result.err


@pytest.mark.parametrize("option", [["--each", "line"], ["--by", "label"], ["--sort", "text"], ["--label", "x"]])
def test_score_refuses_options_of_items_for_running_texts(charrnn, names, option):
    result = charrnn("score", "tolstoy", names, *option)
    assert result.status == 2
    assert f"{option[0]} is not for this model: it is one of a running text" in result.err


@pytest.mark.parametrize(
    "command",
    [
        ["neurons", "steer", "RUN", "--unit", "0:1"],
        ["gradients", "RUN", "TEXT"],
    ],
)
def test_what_is_for_running_texts_refuses_a_model_of_items(charrnn, run, book, command):
    places = {"RUN": run["run"], "TEXT": book}
    result = charrnn(*(places.get(word, word) for word in command))
    assert result.status == 1
    assert "is a model of items, and this is for running texts" in result.err.splitlines()[-1]


def test_units_are_shown_on_items_each_on_a_line_of_its_own(charrnn, run, names):
    shown = charrnn("neurons", "show", run["run"], names, "--unit", "0:1", "--part", "test", "--length", 60)
    assert shown.status == 0, shown.err
    told = [line.removesuffix("␃") for line in shown.out.splitlines() if line.endswith("␃")]
    assert set(told) - {""} <= set(WORDS)
    assert len(told) > 5


def test_features_are_looked_for_item_by_item(charrnn, run, names, tmp_path):
    found = charrnn("neurons", "find", run["run"], names, "--part", "all", "--feature", "line_position", "--json")
    assert found.status == 0, found.err
    assert json.loads(found.out)["features"][0]["feature"] == "line_position"
    assert charrnn("neurons", "dump", run["run"], names, "-o", tmp_path / "out.npz").status == 0

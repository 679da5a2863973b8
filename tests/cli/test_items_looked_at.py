"""Items where texts are looked at: a page, a gallery, a trace, units compared, all items scored together, an export."""

import json
import random
import re

import pytest

import charrnn as library
from charrnn.api.passage import passage_of
from charrnn.errors import ConfigError
from charrnn.text.vocabulary import END

SMALL = ("--hidden-size=16", "--embedding-size=8", "--batch-size=8", "--precision=float32", "--threads=1")
CHOICE = random.Random(3)
LINES = ["".join(CHOICE.choices(["an", "bo", "cel", "di", "é", " "], k=CHOICE.randint(2, 9))) for _ in range(900)]


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    path = tmp_path_factory.mktemp("items") / "list.txt"
    path.write_text("\n".join(LINES) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def run(charrnn, names, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "list"
    assert charrnn("train", names, "--each", "line", *SMALL, "--steps", 60, "--out", out).status == 0
    return out


def test_a_page_of_items_separates_them_and_runs_the_network(charrnn, names, run, tmp_path):
    page = tmp_path / "page.html"
    result = charrnn("neurons", "explore", run, names, "--part", "train", "--length", 300, "-o", page)
    assert result.status == 0, result.err
    content = page.read_text("utf-16")
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', content, re.DOTALL)[1])
    assert "␃" in data["signs"]
    assert data["ends"] == [place for place, sign in enumerate(data["signs"]) if sign == "␃"]
    assert data["text"].count(END) == len(data["ends"])
    assert '"end":' in content


def test_a_gallery_of_items_is_made(charrnn, names, run, tmp_path):
    result = charrnn("neurons", "gallery", run, names, "--part", "train", "--characters", 4000, "-o", tmp_path / "g")
    assert result.status == 0, result.err
    assert json.loads((tmp_path / "g" / "gallery.json").read_text("utf-8"))["part"] == "train"


def test_a_trace_goes_back_to_the_beginning_of_the_item_and_no_further(charrnn, names, run):
    model = library.load(run)
    passage = model.read(str(names), part="train")
    place = passage.text.index(END, 50) + 4
    traced = model.trace(passage, place).to_dict()
    assert traced["position"] == place
    assert traced["start"] == place - 4
    assert traced["text"][0] == END
    alone = model.trace(passage_of(model.checkpoint, passage.text[place - 4 : place + 1]), 4).to_dict()
    assert traced["influence"] == pytest.approx(alone["influence"])
    assert traced["probability"] == pytest.approx(alone["probability"])


def test_units_of_two_models_of_items_are_matched(charrnn, names, run, trained):
    told = charrnn("neurons", "compare", run, run, names, "--characters", 3000, "--json")
    assert told.status == 0, told.err
    pairs = json.loads(told.out)["matches"][0]["pairs"]
    assert all(pair["first"] == pair["second"] for pair in pairs)
    mixed = charrnn("neurons", "compare", run, json.loads(trained.out)["run"], names)
    assert mixed.status == 1
    assert "some of the models are of items, and others of running texts; compare models of one kind" in mixed.err


def test_all_items_are_scored_together_as_each_is(charrnn, names, run):
    each = json.loads(charrnn("score", run, names, "--part", "test", "--json").out)
    together = charrnn("score", run, names, "--part", "test", "--against", run, "--json")
    assert together.status == 0, together.err
    told = json.loads(together.out)
    assert told["nats_per_character"] == pytest.approx(each["nats_per_character"], rel=1e-5)
    assert told["characters"] == each["characters"]
    shown = charrnn("score", run, names, "--part", "test", "--color")
    assert "␃" in shown.out


def test_what_is_told_of_each_item_is_not_told_of_all(charrnn, names, run, trained):
    refused = charrnn("score", run, names, "--color", "--sort", "surprise")
    assert refused.status == 2
    assert "--sort is for what is told of each item; leave it out here." in refused.err
    refused = charrnn("score", run, names, "--against", json.loads(trained.out)["run"])
    assert "some of the models are of items, and others of running texts" in refused.err
    assert "--baseline is not for this model" in charrnn("score", run, names, "--baseline").err


def test_a_string_is_read_as_items_in_python(names, run):
    model = library.load(run)
    assert model.score("anan\nbo").characters == 8
    assert model.highlight("anan\nbo").highlight.cells[0].sign == "␃"
    with pytest.raises(ConfigError, match="baseline reads a running text, and each item stands alone"):
        model.score("anan\nbo", baseline=True)


def test_an_export_tells_the_end_of_items(charrnn, run, tmp_path):
    result = charrnn("export", run, "-o", tmp_path / "model.json")
    assert result.status == 0, result.err
    told = json.loads((tmp_path / "model.json").read_text())
    assert told["characters"][told["end"]] == END


def test_a_model_of_items_looks_at_what_it_wrote_where_its_text_is_not_here(charrnn, names, run, tmp_path):
    model = library.load(run)
    model.name = ""
    read = model.read(characters=500)
    assert read.text[0] == read.text[-1] == END
    assert len(read) >= 500
    own = library.load(run).read()
    assert own.source == (str(names),)


@pytest.mark.parametrize("option", [["--interactive"], ["--beam", 3]])
def test_what_makes_no_sense_of_items_is_refused_in_one_line(charrnn, run, option):
    assert "is not for this model: it is one of items" in charrnn("sample", run, *option).err

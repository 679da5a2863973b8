"""The explorer page by the command line: what it holds is what the other commands tell."""

import json
import re
from dataclasses import replace

import pytest

import charrnn as charrnn_package
from charrnn.model.known import KnownUnit


@pytest.fixture
def explore(charrnn, run, book, tmp_path):
    """A function that writes the page with some options and returns its data."""

    def explored(*options, source=book, stdin=b""):
        path = tmp_path / "page.html"
        result = charrnn("neurons", "explore", run, source, "-o", path, *options, stdin=stdin)
        assert result.status == 0, result.err
        assert re.fullmatch(rf"wrote {path} \(\d+\.\d MB\)\n", result.out)
        block = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text("utf-16"), re.S)
        return json.loads(block[1])

    return explored


def test_the_page_holds_the_passage_asked_for_and_opens_at_the_unit(explore, book):
    page = explore("--part", "all", "--start", 100, "--length", 50, "--unit", "0:3", "--no-model")
    text = book.read_text("utf-8")[100:150]
    assert page["signs"] == [c.replace("\n", "↵") for c in text]
    assert page["opens"] == [0, 3]
    assert (page["layers"], page["units"], page["length"]) == (1, 16, 50)
    assert [name for name, _ in page["gates"]] == ["i", "f", "g", "o"]
    assert len(page["gateValues"]) == 16


def test_the_page_carries_the_network_unless_it_is_left_out(explore, book, tmp_path):
    page = explore("--part", "all", "--start", 100, "--length", 50)
    assert page["text"] == book.read_text("utf-8")[100:150]
    text = (tmp_path / "page.html").read_text("utf-16")
    model = json.loads(re.search(r'<script type="application/json" id="model">(.*?)</script>', text, re.S)[1])
    assert {each["type"] for each in model["weights"].values()} == {"float16"}
    assert "text" not in explore("--part", "all", "--start", 100, "--length", 50, "--no-model")
    assert 'id="model"' not in (tmp_path / "page.html").read_text("utf-16")


def test_a_page_is_bounded_in_values_before_anything_is_read(charrnn, run, book, monkeypatch):
    monkeypatch.setattr("charrnn.api.explore.MOST", 16 * 100)
    result = charrnn("neurons", "explore", run, book, "--length", 101)
    assert (result.status, result.out) == (1, "")
    assert "a page of 16 units has room for 100 characters; give --length 100 or less" in result.err


def test_surprisal_is_that_of_score(explore, charrnn, run, book, tmp_path):
    page = explore("--part", "all", "--start", 0, "--length", 400)
    (tmp_path / "begin.txt").write_text(book.read_text("utf-8")[:400], "utf-8")
    score = json.loads(charrnn("score", run, tmp_path / "begin.txt", "--json").out)
    assert page["surprisal"][0] is None  # nothing predicts the first character of a text
    assert sum(page["surprisal"][1:]) / 399 == pytest.approx(score["nats_per_character"], abs=0.005)


def test_ranked_features_are_those_that_find_finds(explore, charrnn, run, book, tmp_path):
    (tmp_path / "long.txt").write_text(3 * book.read_text("utf-8"), "utf-8")
    page = explore("--characters", 4000, source=tmp_path / "long.txt")
    command = ("neurons", "find", run, tmp_path / "long.txt", "--characters", 4000, "--signals", "tanh_c", "--json")
    found = {each["feature"]: each for each in json.loads(charrnn(*command).out)["features"]}
    assert {each["feature"] for each in page["ranked"]} == set(found)
    for each in page["ranked"]:
        finding = found[each["feature"]]
        assert ":".join(map(str, each["unit"])) == finding["unit"]
        assert each["score"] == pytest.approx(finding["score"], abs=6e-4)
        assert each["verdict"] == finding["verdict_text"]
        assert each["sign"] == finding["sign"]
        assert [units for units, _ in each["curve"]] in ([], [point["units"] for point in finding["curve"]])
        assert float(each["p"]) == pytest.approx(finding["q_value"], abs=6e-4)


def test_a_short_text_from_stdin_has_a_page_without_a_ranking(explore):
    page = explore(source="-", stdin=b"the cat sat on a mat")
    assert page["length"] == 20
    assert page["ranked"] == []


def test_a_short_text_opens_at_the_best_known_unit(charrnn, run, tmp_path):
    model = charrnn_package.load(run)
    known = (
        KnownUnit("after_space", "0:3", "tanh_c", 1, "AUC", 0.9, "book"),
        KnownUnit("inside_quotes", "0:5", "tanh_c", -1, "AUC", 0.99, "book"),
    )
    model.checkpoint = replace(model.checkpoint, header=replace(model.checkpoint.header, known_units=known))
    explored = model.explore("the cat sat on a mat")
    assert str(explored.unit) == "0:5"
    assert [each.feature for each in explored.drawn.ranked] == ["inside_quotes", "after_space"]
    assert '"verdict":"known","single":true' in explored.page


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--unit", "9:0"], "the unit's layer"),
        (["--start", 10**9], "none from 1,000,000,000 on; choose a lower --start"),
    ],
)
def test_what_is_not_there_is_told(charrnn, run, book, tmp_path, options, told):
    result = charrnn("neurons", "explore", run, book, "-o", tmp_path / "page.html", *options)
    assert result.status == 1
    assert told in result.err
    assert not list(tmp_path.iterdir())

"""Units by name: kept in a model's file by `find --save`, and taken by every `--unit`."""

import json
import re
from dataclasses import replace

import pytest

from charrnn.api.find import Findings
from charrnn.model.checkpoint import load


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("show", ("--length", 50, "--format", "json")),
        ("ablate", ("--part", "all", "--json")),
        ("grep", ("--like", "10:30", "--json")),
    ],
)
def test_a_command_takes_the_name_for_the_unit(charrnn, knowing, book, command, options):
    written = []
    for unit, signal in (("quotes", ()), ("0:3", ("--signal", "h") if command == "show" else ())):
        result = charrnn("neurons", command, knowing, book, "--unit", unit, *options, *signal)
        assert result.status == 0, result.err
        written.append(json.loads(result.out))
    assert written[0] == written[1]


def test_steer_takes_the_name_for_the_unit(charrnn, knowing):
    written = [charrnn("neurons", "steer", knowing, "--unit", unit, "--length", 20).out for unit in ("quotes", "0:3")]
    assert written[0] == written[1] != ""


def test_a_known_unit_has_its_finding_for_a_title(charrnn, knowing, book):
    shown = charrnn("neurons", "show", knowing, book, "--unit", "quotes", "--length", 30)
    assert shown.out.startswith("inside quotes · AUC 1.00 · unit 0:3 of ")


def test_info_lists_known_units(charrnn, knowing):
    assert "inside_quotes 0:3 (1.00)" in charrnn("info", knowing).out
    assert json.loads(charrnn("info", knowing, "--json").out)["known_units"][0]["unit"] == "0:3"


def test_an_unknown_name_is_one_line_that_lists_the_known_ones(charrnn, knowing, book):
    result = charrnn("neurons", "show", knowing, book, "--unit", "commas")
    assert (result.status, result.out) == (1, "")
    assert result.err.splitlines()[-1].endswith("or a known unit: inside_quotes")


def test_find_keeps_the_single_units_and_nothing_else_changes(charrnn, knowing, book, monkeypatch, tmp_path):
    before, long = load(knowing), tmp_path / "long.txt"
    (quotes,) = before.header.known_units
    long.write_text(2 * book.read_text("utf-8"), "utf-8")
    found = replace(quotes, feature="line_position", unit="0:5")
    monkeypatch.setattr(Findings, "known_units", property(lambda self: [found]))
    result = charrnn("neurons", "find", knowing, long, "--feature", "line_position", "--save")
    assert result.status == 0, result.err
    assert "line_position 0:5" in result.err
    after = load(knowing)
    assert after.header.known_units == (quotes, found)
    assert replace(after.header, known_units=before.header.known_units) == before.header
    assert after.number == before.number
    assert all((after.weights[name] == weight).all() for name, weight in before.weights.items())


def test_a_shipped_model_is_not_written_to(charrnn, book):
    result = charrnn("neurons", "find", "tolstoy", book, "--feature", "line_position", "--save")
    assert result.status == 1
    assert "tolstoy comes with charrnn; copy its file" in result.err


def test_of_a_text_too_short_to_measure_find_tells_the_known_units(charrnn, knowing):
    result = charrnn("neurons", "find", knowing, "-", stdin=b"the cat\n")
    assert result.status == 0
    assert "8 characters are too few to measure units on" in result.err
    assert re.search(r"inside_quotes +0:3 \+h +AUC \.998 +book, val", result.out)
    assert result.out.endswith(f"Next:  charrnn neurons show {knowing} - --unit inside_quotes\n")


@pytest.mark.parametrize(
    "options",
    [["--feature", "line_position"], ["--regex", "a=b"], ["--save"], ["-o", "x.png"], ["--directions", "d.json"]],
)
def test_a_text_too_short_to_measure_is_an_error_where_more_is_asked_than_is_known(charrnn, knowing, options):
    result = charrnn("neurons", "find", knowing, "-", *options, stdin=b"the cat\n")
    assert (result.status, result.out) == (1, "")
    assert "the text has 8 characters that the model knows" in result.err


def test_of_known_units_only_those_of_the_features_asked_for_are_told(charrnn, knowing):
    result = charrnn("neurons", "find", knowing, "-", "--feature", "inside_quotes", "--json", stdin=b"the cat\n")
    assert [each["unit"] for each in json.loads(result.out)["known_units"]] == ["0:3"]

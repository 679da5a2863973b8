"""Units by name: kept in a model's file by `find --save`, and taken by every `--unit`."""

import json
from dataclasses import replace

import pytest

import charrnn as library
from charrnn.api.find import Findings
from charrnn.model.checkpoint import load, save
from charrnn.model.known import KnownUnit

QUOTES = KnownUnit("inside_quotes", "0:3", "h", 1, "AUC", 0.998, "book", "val")


@pytest.fixture
def model(run, tmp_path):
    """A file of a model that knows a unit."""
    whole = library.load(run).checkpoint
    path = tmp_path / "model.safetensors"
    save(replace(whole, header=replace(whole.header, known_units=(QUOTES,))), path, "int8")
    return path


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("show", ("--length", 50, "--format", "json")),
        ("ablate", ("--part", "all", "--json")),
        ("grep", ("--like", "10:30", "--json")),
    ],
)
def test_a_command_takes_the_name_for_the_unit(charrnn, model, book, command, options):
    written = []
    for unit, signal in (("quotes", ()), ("0:3", ("--signal", "h") if command == "show" else ())):
        result = charrnn("neurons", command, model, book, "--unit", unit, *options, *signal)
        assert result.status == 0, result.err
        written.append(json.loads(result.out))
    assert written[0] == written[1]


def test_steer_takes_the_name_for_the_unit(charrnn, model):
    written = [charrnn("neurons", "steer", model, "--unit", unit, "--length", 20).out for unit in ("quotes", "0:3")]
    assert written[0] == written[1] != ""


def test_a_known_unit_has_its_finding_for_a_title(charrnn, model, book):
    shown = charrnn("neurons", "show", model, book, "--unit", "quotes", "--length", 30)
    assert shown.out.startswith("inside quotes · AUC 1.00 · unit 0:3 of ")


def test_info_lists_known_units(charrnn, model):
    assert "inside_quotes 0:3 (1.00)" in charrnn("info", model).out
    assert json.loads(charrnn("info", model, "--json").out)["known_units"][0]["unit"] == "0:3"


def test_an_unknown_name_is_one_line_that_lists_the_known_ones(charrnn, model, book):
    result = charrnn("neurons", "show", model, book, "--unit", "commas")
    assert (result.status, result.out) == (1, "")
    assert result.err.splitlines()[-1].endswith("or a known unit: inside_quotes")


def test_find_keeps_the_single_units_and_nothing_else_changes(charrnn, model, book, monkeypatch, tmp_path):
    before, long = load(model), tmp_path / "long.txt"
    long.write_text(2 * book.read_text("utf-8"), "utf-8")
    found = replace(QUOTES, feature="line_position", unit="0:5")
    monkeypatch.setattr(Findings, "known_units", property(lambda self: [found]))
    result = charrnn("neurons", "find", model, long, "--feature", "line_position", "--save")
    assert result.status == 0, result.err
    assert "line_position 0:5" in result.err
    after = load(model)
    assert after.header.known_units == (QUOTES, found)
    assert replace(after.header, known_units=before.header.known_units) == before.header
    assert after.number == before.number
    assert all((after.weights[name] == weight).all() for name, weight in before.weights.items())


def test_a_shipped_model_is_not_written_to(charrnn, book):
    result = charrnn("neurons", "find", "tolstoy", book, "--feature", "line_position", "--save")
    assert result.status == 1
    assert "tolstoy comes with charrnn; copy its file" in result.err

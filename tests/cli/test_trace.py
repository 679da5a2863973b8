"""`charrnn neurons trace`: what is written is what is shown, in every format."""

import json
import re
import xml.etree.ElementTree as ET

import pytest

AT = ["--at", 200, "--length", 50]


@pytest.fixture
def trace(charrnn, run, book):
    def call(*options):
        result = charrnn("neurons", "trace", run, book, *options)
        assert result.status == 0, result.err
        return result.out

    return call


@pytest.mark.parametrize("form", ["terminal", "html", "svg", "json"])
def test_a_file_holds_what_stdout_shows(trace, tmp_path, form):
    shown = trace(*AT, "--format", form)
    assert trace(*AT, "--format", form, "-o", tmp_path / "out") == f"wrote {tmp_path / 'out'}\n"
    written = (tmp_path / "out").read_text("utf-8")
    assert [line.rstrip() for line in written.splitlines()] == [line.rstrip() for line in shown.splitlines()]


@pytest.mark.parametrize(
    ("name", "begin"), [("a.html", b"<!doctype html>"), ("a.svg", b"<svg"), ("a.json", b"{"), ("a.png", b"\x89PNG")]
)
def test_the_name_of_the_file_chooses_the_format(trace, tmp_path, name, begin):
    trace(*AT, "-o", tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(begin)


def test_the_json_holds_the_passage_before_the_position_with_a_number_for_each_character(trace, book):
    told, text = json.loads(trace(*AT, "--format", "json")), book.read_text("utf-8")
    assert (told["text"], told["there"], told["of"]) == (text[150:200], text[200], text[200])
    assert len(told["influence"]) == 50
    assert max(told["influence"]) == 1
    assert 0 < told["probability"] <= told["likeliest"][0][1] <= 1
    assert told["reach"]["0.5"] <= told["reach"]["0.9"] <= told["reach"]["0.99"] <= 50


def test_another_character_may_be_asked_for_and_the_output_says_so(trace, book):
    there = book.read_text("utf-8")[200]
    other = "a" if there != "a" else "t"
    assert json.loads(trace(*AT, "--of", other, "--format", "json"))["of"] == other
    assert f"What influences “{other}” instead of “" in trace(*AT, "--of", other)


def test_the_product_has_signs_and_the_norm_has_none(trace):
    norm, product = (
        json.loads(trace(*AT, "--measure", name, "--format", "json"))["influence"] for name in ("norm", "product")
    )
    assert min(norm) >= 0
    assert min(product) < 0 < max(product)


def test_the_predicted_character_stands_at_the_end_of_the_passage(trace):
    """It is asked about, and is no part of the passage: an arrow stands between them."""
    for of, sign in (("e", "e"), (" ", "␣"), ("\n", "↵")):
        lines = trace(*AT, "--of", of).splitlines()
        end = next(place for place, line in enumerate(lines) if line.startswith("Of all influence"))
        assert lines[end - 3].endswith(f"→{sign}")
    page, picture = (trace(*AT, "--of", "e", "--format", form) for form in ("html", "svg"))
    assert [each.strip() for each in re.findall(r"<b[^>]*>([^<]*)</b>", page)][-2:] == ["→", "e"]
    assert next(each.strip() for each in re.findall(r"<text[^>]*>(.)</text>", picture.split("→")[1])) == "e"


def test_the_terminal_tells_how_far_it_reaches(trace):
    shown = trace(*AT)
    assert "50 % within" in shown
    assert "log scale" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("position", [-1, 0, 10**9])
def test_a_position_that_is_not_there_is_an_error_of_one_line(charrnn, run, book, position):
    result = charrnn("neurons", "trace", run, book, "--at", position)
    assert result.status == 1
    assert f"the position is {position}; give a value from 1 to" in result.err.splitlines()[-1]


@pytest.mark.parametrize("character", ["", "ab", "☃"])
def test_one_known_character_must_be_given(charrnn, run, book, character):
    result = charrnn("neurons", "trace", run, book, "--at", 5, "--of", character)
    assert result.status == 1
    assert result.err.splitlines()[-1].startswith("Error: ")


def test_a_png_is_not_written_to_stdout(charrnn, run, book):
    assert charrnn("neurons", "trace", run, book, "--at", 5, "--format", "png").status == 2


def test_hostile_text_becomes_no_markup_and_drives_no_terminal(charrnn, train, tmp_path):
    text = '"</script><b>$x_1$&#" \x1b[31mthe [red]cat[/red]\n' * 10
    path = tmp_path / "hostile.txt"
    path.write_text(text, "utf-8")
    model = train("--steps", 2, source=path)
    for form in ("html", "svg", "terminal"):
        shown = charrnn("neurons", "trace", model, path, "--at", 120, "--format", form)
        assert shown.status == 0, shown.err
        assert form == "terminal" or not [bad for bad in ("<script", "</script", "<b>$") if bad in shown.out]
        assert "\x1b" not in shown.out
        if form == "svg":
            ET.fromstring(shown.out)

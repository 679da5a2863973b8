"""Neurons by the command line: what is written is what is shown."""

import json
import os
import re
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
from contextlib import suppress

import numpy as np
import pytest

from charrnn.display.colours import MARKS
from charrnn.text.vocabulary import Vocabulary

FORMATS = ["terminal", "html", "svg", "json"]
PASSAGE = ["--unit", "0:3", "--start", 100, "--length", 200]


@pytest.fixture
def show(charrnn, run, book):
    def show(*options, **env):
        result = charrnn("neurons", "show", run, book, *options, **env)
        assert result.status == 0, result.err
        return result

    return show


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_holds_what_stdout_shows(show, tmp_path, form):
    shown = show(*PASSAGE, "--format", form).out
    result = show(*PASSAGE, "--format", form, "-o", tmp_path / "out")
    assert result.out == f"wrote {tmp_path / 'out'}\n"
    strip = [line.rstrip() for line in shown.splitlines()]
    assert [line.rstrip() for line in (tmp_path / "out").read_text("utf-8").splitlines()] == strip
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(("name", "begin"), [("a.html", "<!doctype html>"), ("a.svg", "<svg"), ("a.json", "{")])
def test_the_name_of_the_file_chooses_the_format(show, tmp_path, name, begin):
    show(*PASSAGE, "-o", tmp_path / name)
    assert (tmp_path / name).read_text("utf-8").startswith(begin)


def test_the_json_holds_the_passage_with_a_value_and_guesses_for_each_character(show, book):
    passage = json.loads(show(*PASSAGE, "--format", "json", "--guesses", 3).out)
    assert passage["text"] == book.read_text("utf-8")[100:300]
    assert (passage["unit"], passage["signal"], passage["start"]) == ("0:3", "tanh_c", 100)
    assert len(passage["values"]) == len(passage["guesses"]) == 200
    assert all(len(guesses) == 3 for guesses in passage["guesses"])
    assert max(map(abs, passage["values"])) <= 1


def test_an_svg_is_xml(show):
    assert ET.fromstring(show(*PASSAGE, "--format", "svg").out).tag == "{http://www.w3.org/2000/svg}svg"


def test_into_a_pipe_there_are_no_escape_codes_but_marks(show):
    shown = show(*PASSAGE).out
    assert "\x1b" not in shown
    assert set(shown) & set(MARKS)


def test_no_color_is_honoured_even_on_a_terminal(show):
    terminal = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    assert "\x1b[38;2" in show(*PASSAGE, **terminal).out
    refused = show(*PASSAGE, **terminal, NO_COLOR="1").out
    assert "38;2" not in refused
    assert "48;2" not in refused
    assert set(refused) & set(MARKS)


def test_values_without_a_bound_are_shown_by_their_tanh(show):
    c, tanh_c = (json.loads(show(*PASSAGE, "--signal", s, "--format", "json").out)["values"] for s in ("c", "tanh_c"))
    np.testing.assert_allclose(np.tanh(c), tanh_c, atol=1e-5)
    assert "tanh(c) of unit 0:3" in show(*PASSAGE, "--signal", "c").out


def test_a_part_begins_where_its_split_says(show, run, charrnn, book):
    split = json.loads(charrnn("info", run, "--json").out)["corpus"]["split"]
    passage = json.loads(show("--unit", "0:0", "--part", "val", "--format", "json").out)
    assert passage["text"] == book.read_text("utf-8")[split["train"] :][: split["val"]]


def test_a_feature_finds_its_unit_and_a_passage_in_which_it_changes(show):
    result = show("--feature", "inside_quotes", "--length", 200, "--format", "json")
    passage = json.loads(result.out)
    (found,) = [line for line in result.err.splitlines() if "follows inside_quotes best" in line]
    assert found.startswith(f"Note: unit {passage['unit']} ")
    assert '"' in passage["text"]


def test_hostile_text_becomes_no_markup_and_drives_no_terminal(charrnn, run, tmp_path):
    text = '"</script><b>#"\n\x1b[31mthe [red]cat[/red]'
    for form in ("html", "svg", "terminal"):
        shown = charrnn("neurons", "show", run, "-", "--unit", "0:0", "--format", form, stdin=text.encode()).out
        assert "<script" not in shown
        assert "</script" not in shown
        assert "\x1b" not in shown


def dumped(path):
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def test_a_dump_holds_text_signals_and_meta(charrnn, run, book, tmp_path):
    output = tmp_path / "units.npz"
    result = charrnn("neurons", "dump", run, book, "-o", output, "--signals", "h,o", "--dtype", "float32")
    assert result.status == 0, result.err
    arrays, characters = dumped(output), book.read_text("utf-8")
    assert set(arrays) == {"text", "h", "o", "meta"}
    assert arrays["h"].shape == arrays["o"].shape == (1, len(characters), 16)
    assert arrays["h"].dtype == np.float32
    meta = json.loads(arrays["meta"].item())
    assert Vocabulary(meta["vocabulary"]).decode(arrays["text"]) == characters
    assert meta["model"] == run


@pytest.mark.parametrize("name", ["units.npz", "units.hdf5"])
def test_dump_writes_a_signal_once(charrnn, run, book, tmp_path, name):
    if name.endswith("hdf5"):
        pytest.importorskip("h5py", reason="HDF5 files are written by h5py")
    result = charrnn("neurons", "dump", run, book, "-o", tmp_path / name, "--signals", "c,h,h,c")
    assert (result.status, ": c, h of 1×16 units" in result.out) == (0, True), result.err


def test_dump_makes_its_folder(charrnn, run, book, tmp_path):
    assert charrnn("neurons", "dump", run, book, "-o", tmp_path / "a" / "b" / "units.npz").status == 0
    assert dumped(tmp_path / "a" / "b" / "units.npz")["h"].shape[0] == 1


def test_a_dump_shows_the_same_values_as_show(charrnn, run, book, show, tmp_path):
    charrnn("neurons", "dump", run, book, "-o", tmp_path / "units.npz", "--dtype", "float32")
    passage = json.loads(show(*PASSAGE, "--signal", "h", "--format", "json").out)
    np.testing.assert_allclose(dumped(tmp_path / "units.npz")["h"][0, 100:300, 3], passage["values"], atol=1e-5)


def test_a_dump_is_of_the_state_in_float16_where_nothing_else_is_asked_for(charrnn, run, tmp_path):
    output = tmp_path / "units.npz"
    assert charrnn("neurons", "dump", run, "-", "-o", output, stdin=b"the cat").err == ""
    arrays = dumped(output)
    assert set(arrays) == {"text", "h", "c", "meta"}
    assert arrays["c"].dtype == np.float16


def test_a_dump_goes_to_exactly_the_name_given(charrnn, run, tmp_path):
    charrnn("neurons", "dump", run, "-", "-o", tmp_path / "no suffix", stdin=b"the cat")
    assert [path.name for path in tmp_path.iterdir()] == ["no suffix"]


def test_several_units_are_shown_as_rows_in_every_format(show, tmp_path):
    units = ["--unit", "0:3", "--unit", "0:12", "--start", 100, "--length", 50]
    passage = json.loads(show(*units, "--format", "json").out)
    assert passage["units"] == ["0:3", "0:12"]
    alone = json.loads(show("--unit", "0:12", *units[4:], "--format", "json").out)
    np.testing.assert_allclose(passage["values"][1], alone["values"], atol=1e-6)
    assert len(passage["values"][0]) == 50
    lines = show(*units).out.splitlines()
    assert sum(line.startswith("0:3  ") for line in lines) == sum(line.startswith("0:12 ") for line in lines) > 0
    for form in ("html", "svg"):
        assert {"0:3", "0:12"} <= set(re.findall(r">(\d+:\d+)<", show(*units, "--format", form).out))


def test_a_unit_named_twice_is_shown_once(show):
    assert show(*PASSAGE, "--unit", "0:3", "--format", "json").out == show(*PASSAGE, "--format", "json").out


def test_a_png_goes_to_a_file_only(show, charrnn, run, book, tmp_path):
    show(*PASSAGE, "-o", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    result = charrnn("neurons", "show", run, book, *PASSAGE, "--format", "png")
    assert (result.status, result.out) == (2, "")
    assert "--output" in result.err


@pytest.fixture
def small(monkeypatch):
    """A program whose pages and pictures have room for 90 characters at most, and pictures for a few rows."""
    monkeypatch.setattr("charrnn.display.grid.TALLEST", 700)
    for module in ("highlight", "page", "grid"):
        monkeypatch.setattr(f"charrnn.display.{module}.LONGEST", 90)


@pytest.mark.parametrize("form", ["png", "svg", "html"])
def test_a_file_with_no_room_for_all_says_so_and_how_to_see_what_follows(show, small, tmp_path, form):
    """However long a passage is asked for, no file is made that nothing can open."""
    out = tmp_path / f"a.{form}"
    told = show(*PASSAGE, "-o", out).err
    bound = re.search(rf"a file in {form} has room for the first (\d+) of these 200 characters; --start (\d+)", told)
    assert int(bound[2]) == 100 + int(bound[1])
    assert int(bound[1]) <= 90
    follow = show("--unit", "0:3", "--start", bound[2], "--length", 20, "-o", out)
    assert "room" not in follow.err
    assert "room" not in show(*PASSAGE, "-o", tmp_path / "a.json").err
    assert len(json.loads((tmp_path / "a.json").read_text("utf-8"))["values"]) == 200


def test_a_page_of_surprisals_is_bounded_as_well(charrnn, run, book, small, tmp_path):
    told = charrnn("score", run, book, "--html", tmp_path / "a.html", "--start", 7, "--length", 91).err
    assert "the page has room for 90 of these 91 characters; --start 97 goes on" in told
    assert "shown: the first 90" in (tmp_path / "a.html").read_text("utf-8")


def test_a_text_that_is_longer_than_the_reader_wants_is_shown_in_bounded_chunks(show, book):
    whole = book.read_text("utf-8")
    shown = json.loads(show("--unit", "0:0", "--length", 100_000, "--guesses", 1, "--format", "json").out)
    assert shown["text"] == whole


def on_a_terminal(command, environment, keys=b""):
    """Run a command in a terminal of 80 columns and 24 lines; return all that it wrote."""
    pty, fcntl, termios = (pytest.importorskip(name) for name in ("pty", "fcntl", "termios"))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    done = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, env=environment)
    os.close(theirs)
    os.write(ours, keys)
    written = b""
    with suppress(OSError):  # the terminal ends with its last process
        while block := os.read(ours, 65536):
            written += block
    os.close(ours)
    assert done.wait(60) == 0
    return written.decode()


@pytest.mark.parametrize(("option", "paged"), [("--pager", True), ("--no-pager", False)])
def test_what_is_longer_than_the_terminal_goes_through_the_pager(run, book, tmp_path, option, paged):
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\necho paged\nexec cat\n")
    pager.chmod(0o700)
    command = [sys.executable, "-m", "charrnn", "neurons", "show", run, str(book), "--unit", "0:3", option]
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    env = kept | {"PAGER": str(pager), "TERM": "xterm-256color", "COLORTERM": "truecolor", "OMP_NUM_THREADS": "1"}
    written = on_a_terminal(command, env)
    assert written.startswith("paged") == paged
    assert "48;2;" in written


@pytest.mark.parametrize(("terminal", "sign"), [("dumb", None), ("xterm-16color", "44"), ("xterm-256color", "48;5")])
def test_a_terminal_gets_the_colours_that_it_has(run, book, terminal, sign):
    command = [sys.executable, "-m", "charrnn", "neurons", "show", run, str(book), "--unit", "0:3", "--no-pager"]
    left_out = ("NO_COLOR", "COLORTERM", "COLUMNS", "LINES", "FORCE_COLOR")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    written = on_a_terminal(command, kept | {"TERM": terminal, "OMP_NUM_THREADS": "1"})
    if sign is None:
        assert "\x1b" not in written
        assert set(written) & set(MARKS)
    else:
        assert re.search(rf"\x1b\[[\d;]*{sign}[;m]", written)
        assert "48;2" not in written


def test_a_page_of_hostile_text_is_text_in_a_real_browser(charrnn, train, tmp_path, open_page):
    text = '"</script><b>#" <img src=x onerror=alert(1)> {{ 7*7 }} \x1b[31m[red]cat[/red] \u202edrow\n' * 30
    source = tmp_path / "a&<b>.txt"
    source.write_text(text, "utf-8")
    model = train("--steps", 2, source=source)
    for units in (["--unit", "0:0"], ["--unit", "0:0", "--unit", "0:1"]):
        shown = charrnn("neurons", "show", model, source, *units, "--guesses", 0, "-o", tmp_path / "a.html")
        assert shown.status == 0, shown.err
        page = open_page(tmp_path / "a.html")
        row = page.evaluate(
            "[...document.querySelector('.row').querySelectorAll('b')].map(b => b.textContent).join('')"
        )
        assert row.strip("\xa0") == '"</script><b>#" <img src=x onerror=alert(1)> {{ 7*7 }} ␛[31m[red]cat[/red] �drow↵'
        assert "a&<b>.txt" in page.inner_text("p >> nth=0")
        assert page.query_selector("script, img") is None
        sizes = page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize")
        assert sizes != "32px"  # the page's own style is let through


def test_lstmvis_gets_its_three_files(charrnn, run, book, tmp_path):
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    output = tmp_path / "lstmvis" / "book" / "states.hdf5"
    result = charrnn("neurons", "dump", run, book, "-o", output)
    assert result.status == 0, result.err
    assert {path.name for path in output.parent.iterdir()} == {"states.hdf5", "lstm.yml", "words.dict"}
    text = book.read_text("utf-8")
    words = dict(line.split() for line in (output.parent / "words.dict").read_text("utf-8").split("\n")[:-1])
    by_id = {int(number): word for word, number in words.items()}
    with h5py.File(output) as file:
        assert file["states1"].shape == file["output1"].shape == (len(text), 16)
        shown = "".join(by_id[number] for number in file["word_ids"][:].tolist())
    assert shown == text.replace(" ", "␣").replace("\n", "↵")

"""What a command prints is what its call returns: `--json` its `to_dict()`, the terminal its `str()`."""

import json

import pytest

import charrnn as library

LONG = {"part": "all", "characters": 3000}
TYPED = ("--part=all", "--characters=3000")
CALLS = {
    "find": (
        lambda m, book: m.find(m.read(book, part="all"), ["line_position"], characters=3000),
        ("--feature=line_position", *TYPED),
    ),
    "ablate": (lambda m, book: m.ablate(m.read(book, **LONG), "0:3", seed=2), ("--unit=0:3", "--seed=2", *TYPED)),
    "gates": (lambda m, book: m.gates(m.read(book, **LONG)), TYPED),
    "grep": (
        lambda m, book: m.grep(m.read(book, part="all"), ["0:3"], 100, 130, count=3),
        ("--part=all", "--unit=0:3", "--like=100:130", "--count=3"),
    ),
    "trace": (lambda m, book: m.trace(m.read(book, part="all"), 500, length=40), ("--at=500", "--length=40")),
}


@pytest.fixture(scope="module")
def long_book(book, tmp_path_factory):
    path = tmp_path_factory.mktemp("long") / "book.txt"
    path.write_text(book.read_text("utf-8") * 2, "utf-8")
    return str(path)


@pytest.mark.parametrize("name", CALLS)
def test_a_command_prints_what_its_call_returns(charrnn, run, long_book, name):
    call, options = CALLS[name]
    result = call(library.load(run), long_book)
    as_json = "--format=json" if name == "trace" else "--json"
    assert json.loads(charrnn("neurons", name, run, long_book, *options, as_json).out) == result.to_dict()
    shown = charrnn("neurons", name, run, long_book, *options, COLUMNS="80", NO_COLOR="1").out
    assert shown.startswith(str(result).rstrip("\n") if name != "trace" else "")
    assert json.loads(json.dumps(result.to_dict())) == result.to_dict()


def test_steer_prints_what_its_call_returns(charrnn, run):
    result = library.load(run).steer("0:3", length=20, prime="the ", low=-0.5, high=0.5)
    options = ("--unit=0:3", "--length=20", "--prime=the ", "--low=-0.5", "--high=0.5")
    assert json.loads(charrnn("neurons", "steer", run, *options, "--json").out) == result.to_dict()
    assert charrnn("neurons", "steer", run, *options).out == f"{result}\n"


def test_dump_prints_and_writes_what_its_call_does(charrnn, run, book, tmp_path):
    model, path = library.load(run), tmp_path / "units.npz"
    result = model.dump(model.read(str(book), part="val"), path, signals=["h"])
    content = path.read_bytes()
    typed = ("neurons", "dump", run, book, "--part=val", "--signals=h", "-o", path)
    assert charrnn(*typed).out == f"{result}\n"
    assert path.read_bytes() == content
    assert result.to_dict()["characters"] == library.load(run).checkpoint.header.corpus.split["val"]


def test_explore_writes_the_page_of_its_call(charrnn, run, long_book, tmp_path):
    model, page = library.load(run), tmp_path / "explore.html"
    result = model.explore(model.read(long_book, part="all"), length=200)
    typed = ("neurons", "explore", run, long_book, "--part=all", "--length=200", "-o", page)
    assert charrnn(*typed).status == 0
    assert page.read_bytes() == result.content
    assert result.to_dict()["end"] - result.to_dict()["start"] == 200
    assert f"unit {result.unit}" in str(result)


def test_a_string_serves_as_a_passage(run, book):
    model, text = library.load(run), book.read_text("utf-8")
    of_string, of_file = model.gates(text).to_dict(), model.gates(model.read(str(book), part="all")).to_dict()
    assert of_string.pop("source") == []
    assert of_file.pop("source") == [str(book)]
    assert of_string == of_file


def test_a_result_is_saved_as_its_name_asks(run, book, tmp_path):
    model = library.load(run)
    traced = model.trace(book.read_text("utf-8"), 100, length=20)
    for name, beginning in (("t.html", b"<!doctype html>"), ("t.svg", b"<"), ("t.png", b"\x89PNG"), ("t.txt", b"What")):
        traced.save(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(beginning)
    traced.save(tmp_path / "t.json")
    assert json.loads((tmp_path / "t.json").read_text("utf-8")) == traced.to_dict()
    model.gates(book.read_text("utf-8")).save(tmp_path / "g.png")
    assert (tmp_path / "g.png").read_bytes().startswith(b"\x89PNG")


def test_results_show_themselves_in_a_notebook_and_run_nothing(run, book):
    model = library.load(run)
    model.name = "<script>x</script>"
    text = book.read_text("utf-8")
    for result in (model.trace(text, 100, length=20), model.gates(text), model.steer("0:3", length=9)):
        shown = result._repr_html_()
        assert shown.startswith("<")
        assert "<script" not in shown


def test_notes_and_counts_reach_who_asks_for_them(run):
    class Heard:
        def __init__(self):
            self.notes, self.counted = [], 0

        def note(self, message):
            self.notes.append(message)

        def bar(self, total, description, unit="char", delay=0):
            return Count(self)

    class Count:
        def __init__(self, heard):
            self.heard = heard

        def update(self, n=1, /):
            self.heard.counted += n

        def close(self):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    heard = Heard()
    library.load(run).gates("the cat ☃ sat", feedback=heard)
    assert heard.notes == ["left out: 1 character that the model has never seen"]
    assert heard.counted == len("the cat  sat")

"""An error is one line on stderr and exit status 1, however hostile its cause."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HOSTILE = ['it\'s\n"quoted".txt', "[red]no markup[/red]", "\x1b[31mred\x07", "\u202egnp.txt", "a\rb", "%s {x} \\n", "-"]


def is_clean(result):
    *notes, error = result.err.splitlines()
    assert (result.status, result.out) == (1, ""), result.err
    assert error.startswith("Error: ")
    assert not error.startswith("Error: unexpected")
    assert all(note.startswith("Note: ") for note in notes)
    assert error.isprintable()
    return error


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["score", "RUN", "no/such.txt"], "there is no file no/such.txt; check the path"),
        (["score", "RUN", "no*such.txt"], "no text files are in no*such.txt"),
        (["train", "no-such.txt"], "there is no file no-such.txt"),
        (["sample", "no/such"], "there is no model no/such; give a checkpoint file or a run folder"),
        (["info", "."], "holds no best.safetensors"),
        (
            ["history", "tolstoy"],
            "tolstoy is a model that comes with charrnn, without the log.jsonl of its run; give a",
        ),
        (["compare", "RUN", "kernel"], "kernel is a model that comes with charrnn, without the log.jsonl of its run;"),
        (["history", "RUN/best.safetensors"], "best.safetensors is a file, not the folder of a run; give a run folder"),
        (["compare", "no/such"], "there is no folder no/such; give a run folder made by 'charrnn train'"),
        (["info", "BOOK"], "cannot be read as a checkpoint"),
        (["sample", "RUN", "--prime", "théЖ"], "the model has never seen 1 character: 'Ж' (U+0416)"),
        (["sample", "RUN", "--temperature", "nan"], "temperature is nan; give a value from 0"),
        (["sample", "RUN", "--top-p", "2"], "top_p is 2.0; give a value from"),
        (["sample", "RUN", "--device", "cuda:99"], "there is no device 'cuda:99' here"),
        (["score", "RUN", "BOOK", "--encoding", "klingon"], "'klingon' is no text encoding"),
        (["score", "RUN", "RUN/best.safetensors"], "is not utf-8"),
        (["score", "RUN", "-", "--part", "val"], "this is not the text that the model was trained on"),
        (["neurons", "show", "RUN", "BOOK", "--unit", "42"], "'42' is no unit; write LAYER:INDEX"),
        (["neurons", "show", "RUN", "BOOK", "--unit", "1:0"], "the unit's layer is 1; give a value from 0 to 0"),
        (["neurons", "show", "RUN", "BOOK", "--unit", "0:16"], "the unit's index is 16; give a value from 0 to 15"),
        (["neurons", "show", "RUN", "BOOK", "--unit", "0:0", "--signal", "r"], "signal is 'r'; choose one of h, c"),
        (["neurons", "show", "RUN", "BOOK", "--unit", "0:0", "--start", "99999"], "the passage from 99999 to"),
        (
            ["neurons", "show", "RUN", "BOOK", "--feature", "smell"],
            "there is no feature 'smell'; 'charrnn neurons features' lists them all",
        ),
        (["neurons", "dump", "RUN", "BOOK", "-o", "OUT", "--signals", "h,x"], "signal is 'x'; choose one of h, c"),
        (["train", "BOOK", "--hidden-size", "0", "--out", "OUT"], "hidden_size is 0; give a value from 1"),
        (["train", "BOOK", "--steps", "5", "--epochs", "1", "--out", "OUT"], "give one of epochs, steps and minutes"),
        (["train", "BOOK", "--out", "BOOK"], "is a file; name a folder"),
        (["train", "BOOK", "--out", "BOOK/run"], "cannot be written (Not a directory); name another folder with --out"),
        (["train", "BOOK", "--init-from", "no/such", "--out", "OUT"], "there is no model no/such"),
        (
            ["train", "--resume", "BOOK"],
            "is a file, not the folder of a run; give a run folder made by 'charrnn train'",
        ),
        (["train", "--resume", "."], "holds no state.safetensors of a run; give a run folder"),
        (["train", "--resume", "nothing"], "there is no folder nothing; give a run folder made by 'charrnn train'"),
        (["train", "--resume", "kernel"], "kernel is a model that comes with charrnn, without the state.safetensors"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_an_error_is_one_line_that_names_the_problem(charrnn, run, book, tmp_path, arguments, problem):
    places = {"RUN": run, "BOOK": book, "OUT": tmp_path / "out", "RUN/best.safetensors": f"{run}/best.safetensors"}
    places["BOOK/run"] = book / "run"
    result = charrnn(*(places.get(argument, argument) for argument in arguments), stdin=b"text")
    assert problem in is_clean(result)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("command", [["train"], ["sample"], ["info"], ["score"]])
def test_a_hostile_name_gives_one_clean_line(charrnn, run, command, name):
    arguments = [*command, run, name] if command == ["score"] else [*command, "--", name]
    line = is_clean(charrnn(*arguments))
    for part in ("it's", "[red]no markup[/red]", "%s {x} \\n"):
        assert part not in name or part in line


def test_a_hostile_file_gives_one_clean_line(charrnn, tmp_path):
    file = tmp_path / "a'b\n[red]\x1b[31m.txt"
    file.write_bytes(b"\xff\xfe\xff")
    assert "[red]" in is_clean(charrnn("train", file))


def test_a_damaged_checkpoint_is_one_clean_line(charrnn, run, tmp_path):
    content = bytearray(Path(run, "best.safetensors").read_bytes())
    content[-5] ^= 1
    (tmp_path / "bad.safetensors").write_bytes(content)
    assert "is damaged: its digest" in is_clean(charrnn("sample", tmp_path / "bad.safetensors"))


def test_an_output_that_cannot_be_written_is_one_clean_line(charrnn, run, book, tmp_path):
    place = tmp_path / "missing" / "x.html"
    is_clean(charrnn("neurons", "show", run, book, "--unit", "0:0", "-o", place))
    (tmp_path / "file").touch()
    is_clean(charrnn("neurons", "dump", run, book, "-o", tmp_path / "file" / "x.npz"))


def test_a_text_of_unknown_characters_only_cannot_be_shown(charrnn, run):
    result = charrnn("neurons", "show", run, "-", "--unit", "0:0", stdin="ЖЖЖ".encode())
    assert "the model knows no character of this text" in is_clean(result)


def test_with_charrnn_debug_the_traceback_is_shown_before_the_line(charrnn):
    result = charrnn("info", "no-such", CHARRNN_DEBUG="1")
    assert result.status == 1
    assert result.err.startswith("Traceback (most recent call last):")
    assert result.err.splitlines()[-1].startswith("Error: there is no model no-such")


OVERWRITES = {
    "show": ["neurons", "show", "RUN", "TEXT", "--unit", "0:0", "-o", "TEXT"],
    "show, through a link": ["neurons", "show", "RUN", "LINK", "--unit", "0:0", "-o", "TEXT"],
    "score": ["score", "RUN", "TEXT", "--html", "TEXT"],
    "trace": ["neurons", "trace", "RUN", "TEXT", "--at", 20, "-o", "TEXT"],
    "explore": ["neurons", "explore", "RUN", "TEXT", "-o", "TEXT"],
    "gallery": ["neurons", "gallery", "RUN", "TEXT", "-o", "FOLDER"],
    "a model": ["neurons", "show", "MODEL", "TEXT", "--unit", "0:0", "-o", "MODEL"],
}


@pytest.mark.parametrize("line", OVERWRITES.values(), ids=OVERWRITES)
def test_no_output_replaces_what_the_command_reads(charrnn, run, book, tmp_path, line):
    page = tmp_path / "index.html"
    page.write_bytes(book.read_bytes())
    (tmp_path / "link.html").symlink_to(page)
    model = tmp_path / "model.html"  # a checkpoint may have any name
    model.write_bytes(Path(run, "best.safetensors").read_bytes())
    places = {"RUN": run, "TEXT": page, "LINK": tmp_path / "link.html", "FOLDER": tmp_path, "MODEL": model}
    before = page.read_bytes(), model.read_bytes()
    assert "is read by this command and could be overwritten" in is_clean(charrnn(*[places.get(w, w) for w in line]))
    assert (page.read_bytes(), model.read_bytes()) == before


def test_no_output_replaces_what_is_read_unnamed(charrnn, run, book, tmp_path):
    corpora, model, page = tmp_path / "corpora", tmp_path / "model.html", tmp_path / "docs" / "index.html"
    for folder in (corpora, page.parent):
        folder.mkdir()
    model.write_bytes(Path(run, "best.safetensors").read_bytes())
    for path in (corpora / "kernel.txt", page, tmp_path / "in.txt"):
        path.write_bytes(book.read_bytes())
    told = "is read by this command and could be overwritten"
    show = ("neurons", "show", run, "--unit=0:0", "-o")
    assert told in is_clean(charrnn("score", run, book, "--html", model, "--against", model))
    assert told in is_clean(charrnn(*show, corpora / "kernel.txt", "kernel", CHARRNN_CORPORA=str(corpora)))
    charrnn("train", page, "--hidden-size=4", "--steps=1", "--out", tmp_path / "own")
    for name in ("", "best.safetensors"):
        assert told in is_clean(charrnn("neurons", "gallery", tmp_path / "own" / name, "-o", page.parent))
    read_and_typed = {
        tmp_path / "in.txt": (*show, tmp_path / "in.txt"),
        page: ("neurons", "gallery", run, "-o", page.parent),
    }
    for read, typed in read_and_typed.items():
        with read.open("rb") as text:
            command = [sys.executable, "-m", "charrnn", *map(str, typed), "-"]
            assert told in subprocess.run(command, stdin=text, capture_output=True, timeout=100).stderr.decode()
    assert {path.read_bytes() for path in (corpora / "kernel.txt", page, tmp_path / "in.txt")} == {book.read_bytes()}
    assert "is named as a file of a run is" in is_clean(charrnn(*show, tmp_path / "own" / ".lock", book))


@pytest.mark.parametrize("source", ["", "*.txt"], ids=["a folder", "a glob"])
def test_no_output_replaces_a_file_of_a_folder_that_is_read(charrnn, run, book, tmp_path, source):
    text = tmp_path / "texts" / "book.txt"
    text.parent.mkdir()
    text.write_bytes(book.read_bytes())
    typed = ("neurons", "show", run, text.parent / source, "--unit=0:0", "--length=9", "-o")
    assert "is read by this command and could be overwritten" in is_clean(charrnn(*typed, text))
    assert text.read_bytes() == book.read_bytes()
    for _ in range(2):  # a page that an earlier call has left there is nobody's text
        assert charrnn(*typed, text.parent / "page.html").status == 0


@pytest.mark.parametrize("name", ["best.safetensors", "state.safetensors", "log.jsonl", "new.safetensors"])
def test_no_output_takes_the_name_of_a_runs_files(charrnn, run, book, name):
    place = Path(run, name)
    before = place.read_bytes() if place.exists() else None
    told = is_clean(charrnn("neurons", "show", run, book, "--unit=0:0", "--format=html", "-o", place))
    assert "is named as a file of a run is, and would replace it; give another name" in told
    assert (place.read_bytes() if place.exists() else None) == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_no_output_replaces_a_pipe_or_a_device(charrnn, run, book, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", os.devnull):
        assert "is a device or a pipe" in is_clean(charrnn("neurons", "show", run, book, "--unit", "0:0", "-o", place))

"""The modes of all that charrnn writes are those that the documents tell, whatever the umask."""

import os
import re
import stat
from pathlib import Path

import pytest

from charrnn import files

PAGE = Path(__file__).parents[2] / "docs" / "files.md"
pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes"),
    pytest.mark.skipif(not PAGE.exists(), reason="the documents are not here"),
]


def told(umask):
    """The modes in the document's table under a umask, in the order of its rows."""
    rows = re.findall(r"^\| .* \| (\d{3}) \| (\d{3}) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    return [int(row[umask == 0o077], 8) for row in rows]


def modes(paths):
    """The one mode that some paths have."""
    (mode,) = {stat.S_IMODE(path.stat().st_mode) for path in paths}
    return mode


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_modes_are_those_that_the_documents_tell(charrnn, book, tmp_path, monkeypatch, umask):
    monkeypatch.setattr("charrnn.text.cache.LARGE", 100)
    run, cache, picture = tmp_path / "run", tmp_path / "cache", tmp_path / "gates.png"
    before, kept = os.umask(umask), {"CHARRNN_CACHE": str(cache), "CHARRNN_CORPORA": str(tmp_path / "corpora")}
    try:
        charrnn("train", book, "--steps=2", "--hidden-size=4", "--keep-checkpoints", "--out", run, **kept)
        charrnn("neurons", "gates", run, book, "--part=all", "-o", picture, **kept)
        with files.workshop(tmp_path, "w-", "*") as folder, open(folder / "values", "wb", opener=files.private):
            temporary = modes([folder]), modes([folder / "values"])
        corpus = tmp_path / "corpora" / "shakespeare.txt"
        corpus.parent.mkdir()
        with files.replacing(corpus) as new:
            new.write_text("as `store` writes it")
    finally:
        os.umask(before)
    of_run = [path for path in run.rglob("*") if path.is_file()]
    of_cache = [path for path in cache.rglob("*") if path.is_file()]
    assert of_cache
    assert told(umask) == [
        modes([run, run / "stages"]),
        modes(of_run),
        modes([corpus]),
        modes([picture]),
        modes([cache]),
        modes(of_cache),
        *temporary,
    ]


WRITTEN = {
    "a run": "train BOOK --steps=1 --hidden-size=4 --keep-checkpoints --out a/run",
    "a run named by itself": "train BOOK --steps=1 --hidden-size=4",
    "a corpus": "corpus get poems --mirror URL",
    "a dump": "neurons dump RUN BOOK -o a/b/dump.npz",
    "a dump for LSTMVis": "neurons dump RUN BOOK -o a/b/states.hdf5",
    "a gallery": "neurons gallery RUN BOOK BOOK --part=all --ablated=100 --length=60 --characters=2000 -o a/gallery",
    "a page": "neurons show RUN BOOK --unit=0:0 --length=60 -o page.html",
    "a picture": "compare RUN RUN -o curves.svg",
    "event files": "train BOOK --steps=1 --hidden-size=4 --tensorboard --out a/run",
}


@pytest.mark.parametrize("what", WRITTEN)
def test_nothing_is_made_that_everybody_may_write_to_even_if_the_umask_lets_them(
    row, run, book, here, server, poems, what
):
    for package in {"a dump for LSTMVis": "h5py", "event files": "tensorboard"}.get(what, "os").split():
        pytest.importorskip(package)
    names, before = {"RUN": run, "BOOK": book, "URL": server.url}, os.umask(0)
    try:
        row([names.get(word, word) for word in WRITTEN[what].split()], 0, "", CHARRNN_CACHE=str(here / "x" / "cache"))
    finally:
        os.umask(before)
    made = list(here.rglob("*"))
    assert made
    assert not [(path, mode) for path in made if (mode := stat.S_IMODE(path.stat().st_mode)) & stat.S_IWOTH]


def test_a_large_text_is_kept_for_its_owner_alone_even_if_the_umask_lets_everybody(row, book, here, monkeypatch):
    monkeypatch.setattr("charrnn.text.cache.LARGE", 100)
    before = os.umask(0)
    try:
        row(
            ["train", book, "--steps=1", "--hidden-size=4", "--out=run"], 0, "", CHARRNN_CACHE=str(here / "x" / "cache")
        )
    finally:
        os.umask(before)
    assert modes([here / "x" / "cache"]) == 0o700
    assert modes((here / "x" / "cache").iterdir()) == 0o600
    assert modes([here / "x"]) == files.SHARED

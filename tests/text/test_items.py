"""Items are cut as is said, whatever is between them, and what is wrong with a source is told with its place."""

import gzip
import io
import sys
from types import SimpleNamespace

import pytest

from charrnn.errors import SourceError
from charrnn.text.items import LONGEST, Each, Items, cut
from charrnn.text.sources import Text, listed

ABOUT = Text("some", "")


def read(path, way, label=None, **options):
    return Items.read(listed([str(path)]), Each(way, label, **options))


@pytest.fixture
def written(tmp_path):
    def write(content, name="items.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_lines_are_items_and_empty_ones_are_skipped_and_counted(written):
    items = read(written("anna\r\n\r\nbob \n\n c\fd\n"), "line")
    assert items.texts == ("anna", "bob ", " c\fd")
    assert items.skipped == 2


def test_the_last_line_needs_no_newline(written):
    assert read(written("a\nb"), "line").texts == read(written("a\nb\n"), "line").texts


def test_each_file_of_a_folder_is_an_item_without_its_last_newline(tmp_path):
    for name, content in {"b.txt": "two\nlines\n", "a.txt": "one\n", "c.txt": ""}.items():
        (tmp_path / name).write_text(content)
    items = read(tmp_path, "file")
    assert items.texts == ("one", "two\nlines")


def test_paragraphs_lie_between_blank_lines(written):
    assert read(written("\n\na\nb\n \t\n\nc\n\n\nd\n"), "paragraph").texts == ("a\nb", "c", "d")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", 'id,name,kind\n1,"anna, b.",x\n2,"two\nlines",y\n\n3,"say ""hi""",x\n'),
        ("t.tsv", 'id\tname\tkind\n1\tanna, b.\tx\n2\t"two\nlines"\ty\n3\t"say ""hi"""\tx\n'),
        (
            "t.jsonl",
            '{"name": "anna, b.", "kind": "x"}\n\n{"name": "two\\nlines", "kind": "y", "more": [1]}\n'
            '{"kind": "x", "name": "say \\"hi\\""}\n',
        ),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_column_of_any_table_gives_the_same_items_and_labels(written, name, content, packed):
    path = written(gzip.compress(content.encode()), name + ".gz") if packed else written(content, name)
    items = read(path, "name", "kind")
    assert items.texts == ("anna, b.", "two\nlines", 'say "hi"')
    assert items.labels == ("x", "y", "x")


def test_a_table_in_a_pipe_is_told_by_how_it_begins(monkeypatch):
    for content in ("name,kind\nanna,x\nbob,y\n", "name\tkind\nanna\tx\nbob\ty\n", '{"name":"anna"}\n{"name":"bob"}\n'):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content.encode())))
        assert Items.read(listed(["-"]), Each("name")).texts == ("anna", "bob")


def test_the_encoding_is_that_of_every_text(written):
    from charrnn.text.reading import Reading

    path = written("näme\nañña\nzoë\n".encode("latin-1"))
    assert Items.read(listed([str(path)]), Each("näme"), Reading("latin-1")).texts == ("añña", "zoë")
    with pytest.raises(SourceError, match="is not utf-8"):
        read(path, "näme")


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (
            "name,kind\na,x\n",
            "t.csv",
            r"t.csv has no column nam; did you mean name\? Else choose one of its columns: name",
        ),
        ("x,y\na,x\n", "t.csv", "has no column nam; choose one of its columns: x, y"),
        ("", "t.csv", "has no column nam; choose one of its columns: none"),
        ("nam,nam\na,x\n", "t.csv", "has 2 columns named nam"),
        ("nam,x\na,b\nc\n", "t.csv", "row that ends in line 3 has 1 cell, and there are 2 columns"),
        ('nam,x\n"a\nb",b\nc,d,e\n', "t.csv", "row that ends in line 4 has 3 cells"),
        ('nam,x\n"a,b\nc,d\n', "t.csv", "line 3 is not CSV"),
        ('{"nam": "a"}\n{"mane": 1}\n', "t.jsonl", "line 2 of .*t.jsonl has no column nam"),
        ('{"nam": "a"}\n[1]\n', "t.jsonl", "line 2 of .* is no JSON object"),
        ('{"nam": ["a"]}\n', "t.jsonl", "nam in line 1 of .* is no text"),
    ],
)
def test_what_is_wrong_with_a_table_is_told_with_its_place(written, content, name, message):
    with pytest.raises(SourceError, match=message):
        read(written(content, name), "nam")


def test_a_null_or_empty_cell_is_an_empty_item_and_a_number_its_digits(written):
    items = read(written('{"n": "a"}\n{"n": null}\n{"n": ""}\n{"n": 7}\n', "t.jsonl"), "n")
    assert items.texts == ("a", "7")
    assert items.skipped == 2


def test_a_row_without_its_label_is_refused(written):
    with pytest.raises(SourceError, match=r"the row of '.*' has no kind; give every row its label"):
        read(written("name,kind\na,x\nb,\n", "t.csv"), "name", "kind")


@pytest.mark.parametrize(
    ("content", "told"), [("a\n", "1 item;"), ("\n\na\n", r"1 item \(2 empty ones left out\)"), ("\n", "0 items")]
)
def test_fewer_than_two_items_are_refused(written, content, told):
    with pytest.raises(SourceError, match=told):
        read(written(content), "line")


def test_an_item_longer_than_the_bound_is_refused():
    with pytest.raises(SourceError, match="an item of 1,000,003 characters, more than 1,000,000"):
        Items.of(ABOUT, Each("line"), [("x" * (LONGEST + 3), None), ("y", None)])
    assert len(Items.of(ABOUT, Each("line"), [("x" * LONGEST, None), ("y", None)])) == 2


def test_a_zero_byte_in_an_item_is_a_character_like_any_other(written):
    lines = ("a\0b", *(f"a line of letters {n}" for n in range(9)))
    assert read(written("\n".join(lines)), "line").texts == lines


def test_labels_are_of_tables_only():
    with pytest.raises(SourceError, match="a line has no column kind"):
        Each("line", "kind")
    with pytest.raises(SourceError, match="no way to cut"):
        Each("")


def test_duplicates_are_counted():
    assert Items.of(ABOUT, Each("line"), [(text, None) for text in "abacab"]).duplicates == 3


def test_no_item_can_hold_the_end_symbol(written):
    from charrnn.text.vocabulary import END

    with pytest.raises(SourceError):
        read(written(f"a{END}b\nc\n".encode("utf-8", "surrogatepass")), "line")
    assert [text for text, _ in cut("a\nb", Each("line"))] == ["a", "b"]
